/** What a key or a button of the live page does. Parts of the page that are drawn fill in theirs. */

import { preferences } from "../state/preferences";
import { change, changeSetting, look, redo, setting, undo } from "./look";
import { nextDonor, session } from "./session";
import { choose } from "./shelf";
import { status } from "./status";

function step(name: string, by: number): void {
  const value = Number(setting(name) ?? 0) + by;
  changeSetting(name, Math.round(100 * Math.min(1, Math.max(0, value))) / 100);
}

function another(by: number): void {
  const donor = nextDonor(by);
  if (donor) choose(donor);
}

export const actions = {
  live(): void {
    if (status.value.phase === "idle") void session.start();
    else session.stop();
  },
  pause: () => session.pause(!status.value.paused),
  next: () => another(1),
  previous: () => another(-1),
  weaker: () => step("strength", -0.05),
  stronger: () => step("strength", 0.05),
  lessShape: () => step("shape", -0.05),
  moreShape: () => step("shape", 0.05),
  many: () => changeSetting("many_faces", setting("many_faces") !== true),
  mirror: () => change({ mirror: !look.value.mirror }),
  snapshot: () => session.send({ type: "snapshot" }),
  record(): void {
    if (status.value.phase === "live") {
      session.sink("recording", status.value.recordingSince === null);
    }
  },
  figures: () => preferences.change({ figures: !preferences.value.figures }),
  undo,
  redo,
  compare: (): void => undefined,
  full: (): void => undefined,
  small: (): void => undefined,
  help: (): void => undefined,
};

export type Action = keyof typeof actions;
