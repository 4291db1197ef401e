/** What the live page shows of the stream. */

import type { Figures } from "../link/messages";
import type { Latency } from "../link/latency";
import type { LiveFace } from "../link/wire";
import { Store } from "../state/store";

/** `waiting` is between two attempts to connect anew. */
export type Phase = "idle" | "starting" | "live" | "waiting";

export interface Status {
  phase: Phase;
  /** Name of the sentence that is shown over the picture, with what fills its places. */
  message: { key: string; places: Record<string, string | number>; bad: boolean } | null;
  figures: Figures | null;
  latency: Latency | null;
  paused: boolean;
  transport: "websocket" | "webrtc";
  sinks: readonly string[];
  recordedBytes: number | null;
  recording: string | null;
}

export const QUIET: Status = {
  phase: "idle",
  message: null,
  figures: null,
  latency: null,
  paused: false,
  transport: "websocket",
  sinks: [],
  recordedBytes: null,
  recording: null,
};

export const status = new Store<Status>(QUIET);

export interface Shown {
  width: number;
  height: number;
  faces: readonly LiveFace[];
}

/** The picture that is on the screen now. */
export const shown = new Store<Shown>({ width: 640, height: 480, faces: [] });

export function sayOver(key: string, places: Record<string, string | number> = {}, bad = false): void {
  status.change({ message: { key, places, bad } });
}
