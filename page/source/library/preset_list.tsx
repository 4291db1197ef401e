/** Named settings: use one, keep it as a file, remove it. */

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { replaceSettings } from "../live/look";
import { Button } from "../parts/button";
import { presetName, saveText } from "../parts/settings_file";
import { settingName } from "../parts/setting_field";
import { fields, loadPresets, presets } from "../server/data";
import { remove, textFrom } from "../server/request";
import type { Preset } from "../server/types";
import { complain, tell } from "../state/notices";
import { useStore } from "../state/store";
import { say } from "../text/translate";

export function PresetList(): JSX.Element {
  const all = useStore(presets);
  useEffect(() => void loadPresets(), []);
  return (
    <section class="card presets-card" aria-labelledby="presets-title">
      <h2 id="presets-title">{say("presets.title")}</h2>
      <p class="hint">{say("presets.hint")}</p>
      <ul>
        {all.map((preset) => (
          <Row key={preset.name} preset={preset} />
        ))}
      </ul>
    </section>
  );
}

function summary(preset: Preset): string {
  const parts = Object.entries(preset.settings).map(([name, value]) => {
    const field = fields.value.find((one) => one.name === name);
    const shown = Array.isArray(value) ? value.join(", ") : String(value);
    return `${field ? settingName(field) : name}: ${shown}`;
  });
  return parts.join(" · ") || say("presets.usual");
}

function Row({ preset }: { preset: Preset }): JSX.Element {
  const { name } = preset;
  const use = (): void => {
    replaceSettings(preset.settings, preset.live);
    tell(say("presets.used", { name: presetName(name) }));
  };
  const keep = async (): Promise<void> =>
    saveText(await textFrom("/settings/toml", { settings: preset.settings }), `${name}.toml`);
  const drop = (): void =>
    void remove(`/presets/${encodeURIComponent(name)}`).then(loadPresets).catch(complain);
  return (
    <li class="preset">
      <div>
        <strong>{presetName(name)}</strong>
        <p class="help">{summary(preset)}</p>
      </div>
      <div class="row">
        <Button onPress={use}>{say("presets.use")}</Button>
        <Button kind="quiet" icon="download" label={say("presets.save", { name: presetName(name) })}
          onPress={() => void keep().catch(complain)} />
        {!preset.built_in && (
          <Button kind="quiet" icon="trash" label={say("presets.remove", { name })} onPress={drop} />
        )}
      </div>
    </li>
  );
}
