/** Everything that changes the running picture, and where else it goes. */

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Button } from "../parts/button";
import { Segments, Switch, Text } from "../parts/inputs";
import { SettingsPanel } from "../parts/settings_panel";
import { devices, loadModels } from "../server/data";
import { useStore } from "../state/store";
import { known, say } from "../text/translate";
import { SettingsFile } from "../parts/settings_file";
import { change, changeSetting, look, replaceSettings } from "./look";
import { session } from "./session";
import { status } from "./status";
import { wishes } from "./wishes";

const PRESETS = ["fast", "balanced", "quality"] as const;

export function Controls(): JSX.Element {
  const { settings, preset, mirror } = useStore(look);
  useEffect(() => void loadModels(), []);
  return (
    <section class="card controls" aria-labelledby="controls-title">
      <header>
        <h2 id="controls-title">{say("controls.title")}</h2>
        <Button kind="quiet" icon="back" onPress={() => replaceSettings({})}>
          {say("controls.reset")}
        </Button>
      </header>
      <Segments
        label={say("controls.preset")}
        value={preset}
        options={PRESETS.map((value) => ({ value, text: say(`preset.${value}`) }))}
        onChange={(value) => change({ preset: value })}
      />
      <Switch
        label={say("tools.mirror")}
        value={mirror}
        onChange={(on) => change({ mirror: on })}
      />
      <SettingsPanel settings={settings} onChange={changeSetting} />
      <Sinks />
      <SettingsFile settings={settings} live={preset} onSettings={replaceSettings} />
    </section>
  );
}

/** The sinks of the host. A recording has a button of its own below the picture. */
function Sinks(): JSX.Element | null {
  const found = (useStore(devices)?.sinks ?? []).filter((sink) => sink.id !== "recording");
  const { phase, sinks } = useStore(status);
  const { rtmp } = useStore(wishes);
  if (!found.length) return null;
  return (
    <details class="group">
      <summary>{say("sinks.title")}</summary>
      <fieldset class="plain" disabled={phase !== "live"}>
        {found.map(({ id, name }) => (
          <div key={id}>
            {id === "rtmp" && (
              <Text
                label={say("sinks.address")}
                mode="url"
                placeholder="rtmp://"
                value={rtmp}
                onChange={(address) => wishes.change({ rtmp: address })}
              />
            )}
            <Switch
              label={known(`sink.${id}`) ? say(`sink.${id}`) : name}
              value={sinks.includes(id)}
              onChange={(on) => session.sink(id, on, id === "rtmp" ? rtmp : null)}
            />
          </div>
        ))}
      </fieldset>
    </details>
  );
}
