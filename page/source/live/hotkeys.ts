/** Single keys of the live page, the same as those of `masquerade live` where both have them. */

import { preferences } from "../state/preferences";
import { go, PAGES, route } from "../state/route";
import { type Action, actions } from "./actions";

interface Hotkey {
  keys: string;
  action: Action;
}

/** `keys` as `KeyboardEvent.key` names them, in lower case. */
export const HOTKEYS: readonly Hotkey[] = [
  { keys: "l", action: "live" },
  { keys: " ", action: "pause" },
  { keys: "w", action: "compare" },
  { keys: "m", action: "mirror" },
  { keys: "a", action: "many" },
  { keys: "s", action: "snapshot" },
  { keys: "r", action: "record" },
  { keys: "n", action: "next" },
  { keys: "p", action: "previous" },
  { keys: "arrowup", action: "moreShape" },
  { keys: "arrowdown", action: "lessShape" },
  { keys: "arrowright", action: "stronger" },
  { keys: "arrowleft", action: "weaker" },
  { keys: "f", action: "full" },
  { keys: "o", action: "small" },
  { keys: "i", action: "figures" },
  { keys: "ctrl+z", action: "undo" },
  { keys: "ctrl+shift+z", action: "redo" },
  { keys: "?", action: "help" },
];

/** What needs every key itself, and what needs some. */
const TAKES_ALL = "input:not([type=range], [type=checkbox], [type=radio]), select, textarea, dialog";
const TAKES_MOVES = "input[type=range], input[type=radio]";
const TAKES_SPACE = "button, a, summary, input";
const ANYWHERE = new Set<Action>(["undo", "redo", "help"]);

function pressed(event: KeyboardEvent): string {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey)) return event.altKey ? "" : key;
  return event.shiftKey ? `ctrl+shift+${key}` : `ctrl+${key}`;
}

/** Whether the element that has the keys needs this one itself. */
function taken(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest(TAKES_ALL)) return true;
  if (key === " ") return target.closest(TAKES_SPACE) !== null;
  return key.startsWith("arrow") && target.closest(TAKES_MOVES) !== null;
}

export function listen(): void {
  addEventListener("keydown", (event) => {
    if (!preferences.value.keys || event.repeat && event.key === " ") return;
    const key = pressed(event);
    if (taken(event.target, key)) return;
    const page = PAGES[Number(key) - 1];
    if (page) return go(page);
    const found = HOTKEYS.find((hotkey) => hotkey.keys === key);
    if (!found || (route.value !== "live" && !ANYWHERE.has(found.action))) return;
    event.preventDefault();
    actions[found.action]();
  });
}
