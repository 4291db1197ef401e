/** The list of keys, and whether they are heard. */

import type { JSX } from "preact";
import { HOTKEYS } from "../live/hotkeys";
import { preferences } from "../state/preferences";
import { useStore } from "../state/store";
import { known, say } from "../text/translate";
import { Dialog } from "./dialog";
import { Switch } from "./inputs";

const SIGNS: Record<string, string> = {
  arrowright: "→",
  arrowleft: "←",
  arrowup: "↑",
  arrowdown: "↓",
  shift: "⇧",
};

function sign(key: string): string {
  const name = key === " " ? "space" : key;
  return SIGNS[name] ?? (known(`key.${name}`) ? say(`key.${name}`) : name.toUpperCase());
}

const signs = (keys: string): string[] => (keys === " " ? [" "] : keys.split("+")).map(sign);

export function HelpDialog({ onClose }: { onClose: () => void }): JSX.Element {
  const { keys } = useStore(preferences);
  return (
    <Dialog title={say("help.title")} onClose={onClose} wide>
      <Switch
        label={say("help.keys")}
        value={keys}
        onChange={(on) => preferences.change({ keys: on })}
      />
      <dl class="keys">
        {HOTKEYS.map((hotkey) => (
          <div key={hotkey.keys}>
            <dt>
              {signs(hotkey.keys).map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{say(`action.${hotkey.action}`)}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>1</kbd>
            <kbd>2</kbd>
            <kbd>3</kbd>
          </dt>
          <dd>{say("action.pages")}</dd>
        </div>
      </dl>
      <p class="help">{say("help.faces")}</p>
    </Dialog>
  );
}
