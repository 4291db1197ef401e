/** The live stream of this page: begins it, keeps it alive, passes on what changes. */

import { cameraProblem, feed, feedSound, openCamera } from "../link/camera";
import { LatencyMeter } from "../link/latency";
import type { FromServer, FromWorker, ToServer, ToWorker } from "../link/messages";
import type { CodecName, LiveFace } from "../link/wire";
import { API } from "../server/request";
import { identities } from "../server/data";
import { askGuardian } from "../parts/guardian_dialog";
import { Problem } from "../server/problem";
import type { Guardian } from "../server/types";
import { complain, tell } from "../state/notices";
import { say } from "../text/translate";
import { sendChanges } from "./changes";
import { look } from "./look";
import { ended, Patience } from "./patience";
import { output, size, startMessage } from "./start";
import { QUIET, sayOver, shown, status } from "./status";
import { Transports } from "./transports";
import { wishes } from "./wishes";

const SHOW_LATENCY_MS = 500;
const SHOW_FACES_MS = 80;

export class Session {
  readonly meter = new LatencyMeter();
  readonly transports = new Transports(this);
  readonly #patience = new Patience();
  #worker: Worker | null = null;
  #camera: MediaStream | null = null;
  #undo: (() => void)[] = [];
  #wipe: number | null = null;
  #codec: CodecName = "jpeg";
  #canvas: HTMLCanvasElement | null = null;
  #shownAt = 0;
  #guardian: Guardian | null = null;

  constructor() {
    sendChanges((message) => this.send(message));
    look.watch(() => this.#tellWipe());
    setInterval(() => this.#look(), SHOW_LATENCY_MS);
  }

  get camera(): MediaStream | null {
    return this.#camera;
  }

  /** The canvas that streams are drawn on; the first stream hands it to the thread that does. */
  canvas(canvas: HTMLCanvasElement): void {
    this.#canvas = canvas;
  }

  readonly post = (message: ToWorker, transfer: Transferable[] = []): void => {
    this.#worker ??= this.#hire();
    this.#worker.postMessage(message, transfer);
  };

  readonly send = (message: ToServer): void => {
    if (status.value.phase === "live") this.post({ do: "send", message });
  };

  async start(): Promise<void> {
    if (status.value.phase !== "idle") return;
    this.#patience.begin();
    status.value = { ...QUIET, phase: "starting" };
    sayOver("live.starting");
    await this.#connect();
  }

  stop(): void {
    this.post({ do: "send", message: { type: "stop" } });
    this.#end();
  }

  /** Asks who answers for people who look under 18, and begins anew with that. */
  async answer(): Promise<void> {
    this.#guardian = (await askGuardian()) ?? this.#guardian;
    if (!this.#guardian) return;
    if (status.value.phase !== "idle") this.stop();
    await this.start();
  }

  pause(on: boolean): void {
    this.send({ type: "pause", on });
    status.change({ paused: on });
  }

  /** Where the line between before and after stands, 0 to 1, or `null` for none. */
  async wipe(at: number | null): Promise<void> {
    const changed = (at === null) !== (this.#wipe === null);
    this.#wipe = at;
    this.#tellWipe();
    if (changed) this.send({ type: "output", ...(await output(at !== null)) });
  }

  sink(id: string, on: boolean, address: string | null = null): void {
    this.send({ type: "sink", id, on, address, sound: true });
    const others = status.value.sinks.filter((one) => one !== id);
    status.change({ sinks: on ? [...others, id] : others }); // until the server says how it went
  }

  #tellWipe(): void {
    if (this.#worker) this.post({ do: "wipe", at: this.#wipe, mirror: look.value.mirror });
  }

  async #connect(): Promise<void> {
    try {
      const start = await startMessage(this.#wipe !== null, this.#guardian);
      if (typeof start === "string") return this.#end(start);
      if (start.source.kind === "browser") {
        this.#codec = start.source.codec;
        if (!(await this.#openCamera())) return;
      }
      if (status.value.phase === "idle") return; // stopped meanwhile
      const url = new URL(`${API}/live`, document.baseURI);
      url.protocol = url.protocol.replace("http", "ws");
      this.#tellWipe();
      this.post({ do: "open", url: url.href, start });
    } catch (error) {
      complain(error);
      this.#end();
    }
  }

  async #openCamera(): Promise<boolean> {
    if (this.#camera?.getVideoTracks()[0]?.readyState === "live") return true;
    const [width, height] = size();
    const { browserCamera, sound } = wishes.value;
    let stream: MediaStream;
    try {
      stream = await openCamera({ id: browserCamera, width, height, sound });
    } catch (error) {
      this.#end(cameraProblem(error));
      return false;
    }
    this.#camera = stream;
    const track = stream.getVideoTracks()[0];
    if (!track) return false;
    track.onended = () => this.#end("camera.vanished");
    this.#undo.push(feed(track, "send", this.post), () => {
      for (const one of stream.getTracks()) one.stop();
    });
    if (stream.getAudioTracks().length) {
      feedSound(stream, this.post).then((stop) => this.#undo.push(stop), complain);
    }
    return true;
  }

  #hire(): Worker {
    const worker = new Worker("live.js", { type: "module" });
    worker.onmessage = (event: MessageEvent<FromWorker>) => this.#hear(event.data);
    const offscreen = this.#canvas?.transferControlToOffscreen();
    if (offscreen) worker.postMessage({ do: "canvas", canvas: offscreen }, [offscreen]);
    return worker;
  }

  #hear(message: FromWorker): void {
    if (message.told === "message") this.#hearServer(message.message);
    else if (message.told === "closed") this.#closed(message.code);
    else if (message.told === "no_h264") this.#withoutH264();
    else if (message.told === "shown") {
      if (message.latencyMs !== null) this.meter.add(message.latencyMs);
      this.#show(message.width, message.height, message.faces);
    }
  }

  /** Boxes follow faces less often than pictures come: drawing the page anew takes its time. */
  #show(width: number, height: number, faces: LiveFace[]): void {
    if (status.value.message?.key === "live.first_picture") status.change({ message: null });
    const now = performance.now();
    if (now - this.#shownAt < SHOW_FACES_MS) return;
    this.#shownAt = now;
    shown.value = { width, height, faces };
  }

  #hearServer(message: FromServer): void {
    switch (message.type) {
      case "started":
        this.#patience.begin();
        this.meter.clear();
        status.change({ phase: "live", donors: message.donors });
        look.change({ map: {} });
        sayOver("live.first_picture");
        this.transports.begin(this.#codec);
        break;
      case "state":
        status.change({ figures: message, paused: message.paused });
        this.#sinks(message.sinks.map((sink) => sink.id));
        break;
      case "problem":
        this.#problem(new Problem(message.code, message.detail, 0), message.fatal);
        break;
      case "sinks":
        this.#sinks(message.sinks.map((sink) => sink.id));
        break;
      case "answer":
        this.transports.answer(message.sdp);
        break;
      case "snapshot":
        save(message.id);
        tell(say("live.snapshot_saved"));
        break;
      case "recording":
        if (message.id) save(message.id);
        break;
      case "ended":
        this.#end("live.ended");
        break;
      case "changed":
        status.change({ donors: message.donors });
        break;
      case "key_frame":
        break;
    }
  }

  #problem(problem: Problem, fatal: boolean): void {
    if (problem.code === "webrtc") return this.transports.back();
    if (!fatal) return complain(problem);
    this.#end();
    if (problem.code === "guardian" && !this.#guardian) void this.answer();
    status.change({ message: { key: "", places: {}, bad: true, text: Problem.sentence(problem) } });
  }

  #sinks(sinks: string[]): void {
    const { recordingSince } = status.value;
    const since = sinks.includes("recording") ? (recordingSince ?? performance.now()) : null;
    status.change({ sinks, recordingSince: since });
  }

  /** This browser said that it makes H.264 and does not: connect anew with JPEG. */
  #withoutH264(): void {
    wishes.change({ codec: "jpeg" });
    this.post({ do: "close" });
    this.#closed(0);
  }

  #closed(code: number): void {
    if (status.value.phase === "idle") return;
    const wait = ended(code) ?? this.#patience.next();
    if (typeof wait === "string") return this.#end(wait);
    this.transports.end();
    status.change({ phase: "waiting", sinks: [], recordingSince: null });
    sayOver("live.reconnecting", { seconds: Math.ceil(wait / 1000) }, true);
    setTimeout(() => {
      if (status.value.phase === "waiting") void this.#connect();
    }, wait);
  }

  #end(sentence?: string): void {
    this.transports.end();
    for (const undo of this.#undo.splice(0)) undo();
    this.#camera = null;
    if (this.#worker) this.post({ do: "close" });
    status.value = QUIET;
    shown.change({ faces: [] });
    look.change({ map: {} });
    if (sentence) sayOver(sentence, {}, sentence !== "live.ended");
  }

  #look(): void {
    if (status.value.phase !== "live") return;
    status.change({ latency: this.meter.read() });
    this.transports.look();
  }
}

/** Lets the browser keep a file of the stream, under the name that the studio gives it. */
function save(id: string): void {
  const link = document.createElement("a");
  link.href = `${API}/live/files/${id}`;
  link.download = "";
  link.click();
}

export const session = new Session();

/** Another donor of the shelf: the next one, or with -1 the one before. */
export function nextDonor(step: number): string | null {
  const ids = (identities.value ?? []).map((one) => one.id);
  const at = ids.indexOf(look.value.donor ?? "");
  return ids[(at + step + ids.length) % ids.length] ?? null;
}
