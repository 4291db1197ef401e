/** What the studio's API answers, as docs/studio-api.md describes it. */

export type SettingValue = number | boolean | string | readonly string[];
export type Settings = Readonly<Record<string, SettingValue>>;

export interface SettingField {
  name: string;
  kind: "number" | "integer" | "switch" | "choice" | "text" | "list";
  low: number | null;
  high: number | null;
  step: number | null;
  choices: string[] | null;
  default: SettingValue;
  help: string;
  group: "look" | "faces" | "network" | "safety" | "search";
}

export interface System {
  version: string;
  api: number;
  machine: { cores: number; memory_bytes: number; gpu: string | null };
  capabilities: {
    host_cameras: boolean;
    host_sinks: boolean;
    streams: boolean;
    webrtc: boolean;
    h264: boolean;
  };
  limits: { upload_bytes: number; picture_pixels: number; sessions: number; jobs: number };
  sessions: number;
  remote: boolean;
}

export interface Device {
  id: string;
  name: string;
}

export interface Devices {
  cameras: Device[];
  microphones: Device[];
  sinks: Device[];
  puppet: Device;
}

export interface Upload {
  id: string;
  kind: "picture" | "video";
  name: string;
  bytes: number;
  width: number;
  height: number;
  duration_s: number | null;
}

export const BASES = ["self", "given", "public-domain", "synthetic"] as const;
export type Basis = (typeof BASES)[number];

/** What may be said of somebody who looks under 18. */
export const GUARDIANS = ["agreed", "adult"] as const;
export type Guardian = (typeof GUARDIANS)[number];

export interface Identity {
  id: string;
  name: string;
  photos: number;
  quality: number;
  advice: string[];
  consent: Basis;
  created: string;
}

export interface FoundFace {
  index: number;
  box: [number, number, number, number];
  score: number;
  thumbnail: string;
}

export interface FoundFaces {
  width: number;
  height: number;
  faces: FoundFace[];
}

export interface Model {
  name: string;
  title: string;
  role: string;
  licence: string;
  licence_text_url: string;
  commercial: boolean;
  installed: boolean;
  precisions: string[];
  parameters: number | null;
  multiply_adds: number | null;
  bytes: number | null;
  ms_on_this_machine: number | null;
  accepted: boolean;
  /** Names of the models that it does not work without. */
  needs: string[];
}

export interface Task {
  id: string;
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  done_bytes: number;
  total_bytes: number | null;
  left_s: number | null;
  error: { code: string; detail: string } | null;
}

export interface Preset {
  name: string;
  /** How a live stream trades quality for speed: one of the built-in presets. */
  live: string;
  settings: Settings;
  built_in: boolean;
}

export interface Job {
  id: string;
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  target: { name: string; kind: "picture" | "video" };
  progress: number;
  fps: number | null;
  left_s: number | null;
  created: string;
  error: { code: string; detail: string } | null;
  /** `credentials`: whether they are a file of their own, beside the result. */
  result: { bytes: number; name: string; kind: "picture" | "video"; credentials: boolean } | null;
}
