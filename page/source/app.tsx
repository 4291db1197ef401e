/** The frame around the pages: where one is, language, light, help. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { FilesPage } from "./files/files_page";
import { LibraryPage } from "./library/library_page";
import { actions } from "./live/actions";
import { LivePage } from "./live/live_page";
import { status } from "./live/status";
import { Button } from "./parts/button";
import { ConsentQuestion } from "./parts/consent_dialog";
import { GuardianQuestion } from "./parts/guardian_dialog";
import { HelpDialog } from "./parts/help_dialog";
import { NoticeList } from "./parts/notice_list";
import { admitted } from "./server/request";
import { preferences } from "./state/preferences";
import { PAGES, route } from "./state/route";
import { usePart, useStore } from "./state/store";
import { LANGUAGES, language, say, shownWords, speak } from "./text/translate";

function Top({ onHelp }: { onHelp: () => void }): JSX.Element {
  const page = useStore(route);
  const phase = usePart(status, (value) => value.phase);
  return (
    <header class="top">
      <a class="brand" href="#/live">
        <img src="icon.svg" alt="" width={26} height={26} />
        <span>Masquerade</span>
      </a>
      <nav aria-label={say("top.pages")}>
        {PAGES.map((name) => (
          <a key={name} href={`#/${name}`} aria-current={name === page ? "page" : undefined}>
            {say(`page.${name}`)}
            {name === "live" && phase === "live" && <span class="on-air" title={say("top.on_air")} />}
          </a>
        ))}
      </nav>
      <div class="top-end">
        <LanguageChoice />
        <ThemeButton />
        <Button kind="quiet" icon="help" label={say("help.title")} hotkey="?" onPress={onHelp} />
      </div>
    </header>
  );
}

function LanguageChoice(): JSX.Element {
  const shown = useStore(language);
  return (
    <select
      class="language"
      aria-label={say("top.language")}
      value={shown}
      onChange={(event) => {
        preferences.change({ language: event.currentTarget.value });
        void speak();
      }}
    >
      {Object.entries(LANGUAGES).map(([name, text]) => (
        <option key={name} value={name} lang={name}>
          {text}
        </option>
      ))}
    </select>
  );
}

function ThemeButton(): JSX.Element {
  useStore(preferences);
  const light = document.documentElement.dataset["theme"] === "light";
  return (
    <Button
      kind="quiet"
      icon={light ? "moon" : "sun"}
      label={say(light ? "top.dark" : "top.light")}
      onPress={() => preferences.change({ theme: light ? "dark" : "light" })}
    />
  );
}

export function App(): JSX.Element {
  const page = useStore(route);
  const [help, setHelp] = useState(false);
  useStore(shownWords);
  const known = useStore(admitted);
  actions.help = () => setHelp(true);
  useEffect(() => {
    document.title = `${say(`page.${page}`)} · Masquerade`;
  });
  if (!known) return <Stranger />;
  return (
    <>
      <Top onHelp={() => setHelp(true)} />
      <LivePage hidden={page !== "live"} />
      {page === "files" && <FilesPage />}
      {page === "library" && <LibraryPage />}
      <ConsentQuestion />
      <GuardianQuestion />
      {help && <HelpDialog onClose={() => setHelp(false)} />}
      <NoticeList />
    </>
  );
}

function Stranger(): JSX.Element {
  return (
    <main class="stranger">
      <h1>Masquerade</h1>
      <p role="alert">{say("problem.unauthorized")}</p>
    </main>
  );
}
