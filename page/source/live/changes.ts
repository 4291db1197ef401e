/** Tells the server what has changed in the look, a slider's many steps not one by one. */

import type { FaceDonors, ToServer } from "../link/messages";
import { defaults } from "../server/data";
import type { Settings } from "../server/types";
import { type Look, look, same } from "./look";

const NOT_OFTENER_MS = 40;

/** Settings that `next` has otherwise than `last`, defaults filled in. */
function changed(last: Settings, next: Settings): Settings {
  const usual = defaults();
  const names = new Set([...Object.keys(last), ...Object.keys(next)]);
  const pairs = [...names].map((name) => [name, next[name] ?? usual[name]] as const);
  const different = pairs.filter(
    ([name, value]) => value !== undefined && !same(value, last[name] ?? usual[name]),
  );
  return Object.fromEntries(different) as Settings;
}

/** Faces whose own donor changed, or was taken back. */
function mapped(last: Look, next: Look): FaceDonors {
  const given = Object.entries(next.map).filter(([track, donor]) => last.map[track] !== donor);
  const back = Object.keys(last.map).filter((track) => !(track in next.map));
  return { ...Object.fromEntries(given), ...Object.fromEntries(back.map((track) => [track, "others"])) };
}

function messages(last: Look, next: Look): ToServer[] {
  const found: ToServer[] = [];
  const changes = changed(last.settings, next.settings);
  if (Object.keys(changes).length) found.push({ type: "settings", changes });
  if (next.preset !== last.preset) found.push({ type: "preset", name: next.preset });
  if (next.mirror !== last.mirror) found.push({ type: "mirror", on: next.mirror });
  if (next.donor && next.donor !== last.donor) found.push({ type: "donor", donor: next.donor });
  const faces = mapped(last, next);
  if (Object.keys(faces).length) found.push({ type: "map", faces });
  return found;
}

/** From now on every change of the look is sent, at most 25 times a second, the last one always. */
export function sendChanges(send: (message: ToServer) => void): void {
  let told = look.value;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const tell = (): void => {
    timer = null;
    for (const message of messages(told, look.value)) send(message);
    told = look.value;
  };
  look.watch(() => {
    if (timer !== null) return;
    tell();
    timer = setTimeout(tell, NOT_OFTENER_MS);
  });
}
