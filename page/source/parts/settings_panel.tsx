/** Settings: those that matter most in view, all others by group below. */

import type { JSX } from "preact";
import { fields } from "../server/data";
import type { SettingField, Settings, SettingValue } from "../server/types";
import { useStore } from "../state/store";
import { say } from "../text/translate";
import { Setting } from "./setting_field";

const FIRST = [
  "strength",
  "shape",
  "mouth_mask",
  "sharpness",
  "wrinkles",
  "relight",
  "model",
  "color",
  "enhancer",
  "refresh",
  "many_faces",
];
const GROUPS = ["look", "faces", "network", "search", "safety"] as const;

interface PanelProps {
  settings: Settings;
  onChange: (name: string, value: SettingValue) => void;
}

export function SettingsPanel({ settings, onChange }: PanelProps): JSX.Element {
  const all = useStore(fields);
  const draw = (field: SettingField, withHelp: boolean): JSX.Element => (
    <Setting
      key={field.name}
      field={field}
      help={withHelp}
      value={settings[field.name] ?? field.default}
      onChange={(value) => onChange(field.name, value)}
    />
  );
  const first = FIRST.map((name) => all.find((field) => field.name === name)).filter((f) => f != null);
  return (
    <div class="settings">
      {first.map((field) => draw(field, false))}
      {GROUPS.map((group) => {
        const rest = all.filter((field) => field.group === group && !FIRST.includes(field.name));
        if (!rest.length) return null;
        return (
          <details key={group} class="group">
            <summary>{say(`group.${group}`)}</summary>
            {rest.map((field) => draw(field, true))}
          </details>
        );
      })}
    </div>
  );
}
