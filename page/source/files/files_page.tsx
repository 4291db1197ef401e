/** The files page: what is swapped, by whom, how, and the queue. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { withSettings } from "../live/look";
import { DRAGGED, portrait } from "../live/shelf";
import { Button } from "../parts/button";
import { askWhose } from "../parts/consent_dialog";
import { Drop } from "../parts/drop";
import { Icon } from "../parts/icon";
import { SettingsFile } from "../parts/settings_file";
import { SettingsPanel } from "../parts/settings_panel";
import { identities, loadModels } from "../server/data";
import { PHOTOS } from "../server/enrol";
import { complain } from "../state/notices";
import { useStore } from "../state/store";
import { number } from "../text/numbers";
import { say } from "../text/translate";
import { asked } from "./asked";
import { checkTargets, draft } from "./draft";
import { begin } from "./jobs";
import { Preview } from "./preview";
import { Queue } from "./queue";
import { Targets } from "./targets";

export function FilesPage(): JSX.Element {
  const { targets, selected } = useStore(draft);
  const target = targets.find((one) => one.id === selected);
  useEffect(() => {
    void checkTargets();
    void loadModels();
  }, []);
  return (
    <main class="page files-page">
      <h1 class="unseen">{say("page.files")}</h1>
      <div class="side">
        <Targets />
        <Donors />
      </div>
      <div class="middle">
        {target ? (
          <Preview key={target.id} target={target} />
        ) : (
          <section class="card preview-none">
            <p>{say("preview.none")}</p>
          </section>
        )}
        <Queue />
      </div>
      <How />
    </main>
  );
}

function Donors(): JSX.Element {
  const all = useStore(identities) ?? [];
  const { donor } = useStore(draft);
  const add = (files: File[]): void =>
    askWhose(files, (made) => draft.change({ donor: made[0]?.id ?? donor }));
  return (
    <section class="card shelf" aria-labelledby="donors-title">
      <h2 id="donors-title">{say("donors.title")}</h2>
      <ul>
        {all.map((one) => (
          <li key={one.id}>
            <button
              type="button"
              class="donor"
              aria-pressed={one.id === donor}
              draggable
              onClick={() => draft.change({ donor: one.id })}
              onDragStart={(event) => event.dataTransfer?.setData(DRAGGED, one.id)}
            >
              <img src={portrait(one.id)} alt="" width={64} height={64} loading="lazy" draggable={false} />
              <span>{one.name}</span>
            </button>
          </li>
        ))}
        <li>
          <Drop accept={PHOTOS} several onFiles={add} class="add">
            <Icon name="add" />
            <span>{say("shelf.add")}</span>
          </Drop>
        </li>
      </ul>
    </section>
  );
}

function How(): JSX.Element {
  const now = useStore(draft);
  const [busy, setBusy] = useState(false);
  const ready = now.targets.filter((target) => asked(now, target));
  const start = async (): Promise<void> => {
    setBusy(true);
    await begin(ready).catch(complain);
    setBusy(false);
  };
  return (
    <section class="card controls" aria-labelledby="how-title">
      <h2 id="how-title">{say("how.title")}</h2>
      <Button kind="main" icon="play" solid class="wide" disabled={busy || !ready.length} onPress={() => void start()}>
        {say("how.start", { count: number(ready.length) })}
      </Button>
      <SettingsPanel
        settings={now.settings}
        onChange={(name, value) =>
          draft.change({ settings: withSettings(now.settings, { [name]: value }) })
        }
      />
      <SettingsFile
        settings={now.settings}
        onSettings={(settings) => draft.change({ settings: withSettings({}, settings) })}
      />
    </section>
  );
}
