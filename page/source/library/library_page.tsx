/** The library: identities, models, presets. */

import type { JSX } from "preact";
import { askWhose } from "../parts/consent_dialog";
import { Drop } from "../parts/drop";
import { Icon } from "../parts/icon";
import { identities } from "../server/data";
import { PHOTOS } from "../server/enrol";
import { useStore } from "../state/store";
import { say } from "../text/translate";
import { IdentityCard } from "./identity_card";
import { ModelList } from "./model_list";
import { PresetList } from "./preset_list";

export function LibraryPage(): JSX.Element {
  const all = useStore(identities);
  return (
    <main class="page library-page">
      <h1 class="unseen">{say("page.library")}</h1>
      <section class="card identities" aria-labelledby="identities-title">
        <h2 id="identities-title">{say("identities.title")}</h2>
        <p class="hint">{say("identities.hint")}</p>
        <Drop accept={PHOTOS} several onFiles={(files) => askWhose(files, () => undefined)} class="big">
          <Icon name="add" />
          <span>{say("identities.new")}</span>
        </Drop>
        <ul>
          {(all ?? []).map((one) => (
            <IdentityCard key={one.id} one={one} />
          ))}
        </ul>
      </section>
      <div class="library-end">
        <PresetList />
        <ModelList />
      </div>
    </main>
  );
}
