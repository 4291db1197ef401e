/** What the page and its worker tell each other, and what the server says in words. */

import type { Guardian, Settings } from "../server/types";
import type { CodecName, LiveFace } from "./wire";

export type Source =
  | { kind: "browser"; width: number; height: number; rate: number; codec: CodecName; sound: boolean }
  | { kind: "camera"; id: string }
  | { kind: "upload"; id: string; loop: boolean }
  | { kind: "stream"; address: string }
  | { kind: "puppet" };

export interface Output {
  codec: CodecName;
  quality: number;
  width: number | null;
  original: boolean;
}

export interface Start {
  type: "start";
  source: Source;
  donor: string;
  settings: Settings;
  preset: string;
  mirror: boolean;
  guardian: Guardian | null;
  output: Output;
}

/** By track: a donor, `null` to leave the face as it is, "others" to be like all others again. */
export type FaceDonors = Record<string, string | null>;

export type ToServer =
  | Start
  | { type: "settings"; changes: Settings }
  | { type: "donor"; donor: string }
  | { type: "map"; faces: FaceDonors }
  | ({ type: "output" } & Output)
  | { type: "mirror"; on: boolean }
  | { type: "preset"; name: string }
  | { type: "sink"; id: string; on: boolean; address: string | null; sound: boolean }
  | { type: "snapshot" }
  | { type: "pause"; on: boolean }
  | { type: "stop" }
  | { type: "key_frame" }
  | { type: "got"; seq: number; shown_ms: number }
  | { type: "offer"; sdp: string }
  | { type: "hang_up" };

/** Numbers of a running stream, twice a second. */
export interface Figures {
  fps: number;
  source_fps: number;
  latency_ms: { p50: number | null; p95: number | null };
  dropped: number;
  lagged: number;
  skipped: number;
  stages_ms: Record<string, number>;
  rss_bytes: number | null;
  cpu: number | null;
  gpu: number | null;
  busiest: string | null;
  faces: number;
  paused: boolean;
  sinks: SinkState[];
  alarms: Remark[];
  notices: Remark[];
}

/** What is wrong, or was given up: a code that the page may have words for, and the server's own. */
export interface Remark {
  code: string;
  text: string;
  /** What the words name, such as a model. */
  places?: Record<string, string>;
}

export interface SinkState {
  id: string;
  frames: number;
  dropped: number;
  status: string | null;
  error: string | null;
}

export type FromServer =
  | { type: "started"; session: string; width: number; height: number; rate: number; codec: CodecName; sinks: SinkState[]; donors: string[] }
  | ({ type: "state" } & Figures)
  | { type: "changed"; settings: Settings; donors: string[] }
  | { type: "problem"; code: string; detail: string; fatal: boolean }
  | { type: "answer"; sdp: string }
  | { type: "key_frame" }
  | { type: "sinks"; sinks: SinkState[] }
  | { type: "snapshot"; id: string; bytes: number }
  | { type: "recording"; on: boolean; id: string | null; bytes: number }
  | { type: "ended"; reason: string };

export type ToWorker =
  | { do: "canvas"; canvas: OffscreenCanvas }
  | { do: "open"; url: string; start: Start }
  | { do: "frames"; frames: ReadableStream<VideoFrame>; purpose: "send" | "show" }
  | { do: "frame"; frame: ImageBitmap; sinceEpochMs: number; purpose: "send" | "show" }
  | { do: "sound"; samples: Int16Array<ArrayBuffer>; sinceEpochMs: number }
  | { do: "send"; message: ToServer }
  | { do: "wipe"; at: number | null; mirror: boolean }
  | { do: "upward"; codec: CodecName; paused: boolean }
  | { do: "close" };

export type FromWorker =
  | { told: "open" }
  | { told: "closed"; code: number; reason: string }
  | { told: "no_h264" }
  | { told: "message"; message: FromServer }
  | { told: "shown"; latencyMs: number | null; width: number; height: number; faces: LiveFace[] };
