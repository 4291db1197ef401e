/** What the live page shows of the stream. */

import type { Figures } from "../link/messages";
import type { Latency } from "../link/latency";
import type { LiveFace } from "../link/wire";
import { Store } from "../state/store";

/** `waiting` is between two attempts to connect anew. */
export type Phase = "idle" | "starting" | "live" | "waiting";

/** A sentence of the page, or where the server said something of its own, that. */
export interface Said {
  key: string;
  places: Record<string, string | number>;
  bad: boolean;
  text?: string;
}

export interface Status {
  phase: Phase;
  /** What is shown over the picture. */
  message: Said | null;
  figures: Figures | null;
  latency: Latency | null;
  paused: boolean;
  transport: "websocket" | "webrtc";
  sinks: readonly string[];
  /** Identities that are drawn, in the order by which pictures number them. */
  donors: readonly string[];
  /** `performance.now()` when the recording began. */
  recordingSince: number | null;
}

export const QUIET: Status = {
  phase: "idle",
  message: null,
  figures: null,
  latency: null,
  paused: false,
  transport: "websocket",
  sinks: [],
  donors: [],
  recordingSince: null,
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
