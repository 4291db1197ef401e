/** How the swap looks: everything that undo takes back and that the next visit finds again. */

import { defaults } from "../server/data";
import type { Settings, SettingValue } from "../server/types";
import { History } from "../state/history";
import { kept } from "../state/kept";
import { Store } from "../state/store";

export interface Look {
  /** Settings that are not at their default. */
  settings: Settings;
  /** How much time a picture may take: one of the built-in presets. */
  preset: string;
  mirror: boolean;
  donor: string | null;
  /** Donors of single faces by their track; `null` leaves a face as it is. */
  map: Readonly<Record<string, string | null>>;
}

export const look = kept<Look>("look", {
  settings: {},
  preset: "balanced",
  mirror: false,
  donor: null,
  map: {},
});
look.change({ map: {} }); // tracks of another stream mean nothing here

const history = new History<Look>();
export const steps = new Store({ undo: false, redo: false });

function showSteps(): void {
  steps.value = { undo: history.canUndo, redo: history.canRedo };
}

/** Changes the look. Changes with the same `key` in quick succession are undone together. */
export function change(next: Partial<Look>, key = ""): void {
  history.remember(look.value, key, performance.now());
  look.change(next);
  showSteps();
}

export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** `settings` with some changed, without those that are at their default. */
export function withSettings(settings: Settings, changes: Settings): Settings {
  const usual = defaults();
  const all = Object.entries({ ...settings, ...changes });
  return Object.fromEntries(all.filter(([name, value]) => !same(value, usual[name])));
}

export function changeSetting(name: string, value: SettingValue): void {
  change({ settings: withSettings(look.value.settings, { [name]: value }) }, `setting ${name}`);
}

/** Puts all settings to those given, others to their default; the preset too, where it is given. */
export function replaceSettings(settings: Settings, preset = look.value.preset): void {
  change({ settings: withSettings({}, settings), preset }, "all settings");
}

export function setting(name: string): SettingValue | undefined {
  return look.value.settings[name] ?? defaults()[name];
}

export function undo(): void {
  look.value = history.undo(look.value) ?? look.value;
  showSteps();
}

export function redo(): void {
  look.value = history.redo(look.value) ?? look.value;
  showSteps();
}
