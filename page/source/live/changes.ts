/** Tells the server what has changed in the look, a slider's many steps not one by one. */

import type { ToServer } from "../link/messages";
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

/** Faces that had a donor of their own: the server keeps giving them what it was told last. */
const returned = new Set<string>();

/** A stream has begun, and with it the faces are counted anew. */
export function forgetFaces(): void {
  returned.clear();
}

/** Faces whose donor changed. One that is to be like all others again is given their donor. */
function mapped(last: Look, next: Look): Record<string, string | null> {
  if (same(next.map, last.map) && next.donor === last.donor) return {};
  for (const track of Object.keys(last.map)) returned.add(track);
  const others = [...returned].filter((track) => !(track in next.map) && next.donor);
  return { ...Object.fromEntries(others.map((track) => [track, next.donor])), ...next.map };
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
