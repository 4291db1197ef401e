/**
 * The live connection, apart from the page so that nothing that the page does delays a picture:
 * takes pictures of the camera, sends them, receives the swapped ones and draws them.
 */

import { Decoders, type Picture } from "./decoders";
import { type Encoder, H264Encoder, JpegEncoder } from "./encoders";
import { Flow } from "./flow";
import type { FromServer, FromWorker, Start, ToServer, ToWorker } from "./messages";
import { Painter } from "./painter";
import { CODEC, type CodecName, KIND, messageWithHead, readMessage, type Received } from "./wire";

const PROTOCOL = "masquerade.v1";
const MOST_BUFFERED_BYTES = 512 * 1024;
const LOOK_AGAIN_MS = 50;

/** A moment of the page in this worker's `performance.now()`, which stamps are in. */
const here = (sinceEpochMs: number): number => sinceEpochMs - performance.timeOrigin;

class Link {
  readonly #painter = new Painter();
  readonly #flow = new Flow<Picture>((picture) => picture.close());
  readonly #decoders = new Decoders(
    (picture, message) => this.#show(picture, message),
    (message) => this.#acknowledge(message),
    () => this.#send({ type: "key_frame" }),
  );
  #encoder: Encoder = new JpegEncoder();
  #socket: WebSocket | null = null;
  #ready = false;
  #local = false;
  #paused = false;
  #encoding = false;
  #seq = 0;

  constructor(readonly tell: (message: FromWorker) => void) {
    setInterval(() => this.#pump(), LOOK_AGAIN_MS);
  }

  hear(message: ToWorker): void {
    switch (message.do) {
      case "canvas":
        this.#painter.canvas = message.canvas;
        break;
      case "open":
        this.#open(message.url, message.start);
        break;
      case "frames":
        void this.#read(message.frames, message.purpose);
        break;
      case "frame":
        this.#take(message.frame, here(message.sinceEpochMs), message.purpose);
        break;
      case "sound":
        this.#sendSound(message.samples, here(message.sinceEpochMs));
        break;
      case "send":
        this.#send(message.message);
        break;
      case "wipe":
        this.#painter.wipe(message.at, message.mirror);
        break;
      case "upward":
        this.#upward(message.codec, message.paused);
        break;
      case "close":
        this.#close();
    }
  }

  #open(url: string, start: Start): void {
    this.#close();
    const socket = new WebSocket(url, PROTOCOL);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#local = start.source.kind === "browser";
    this.#seq = 0;
    if (start.source.kind === "browser") this.#upward(start.source.codec, false);
    socket.onopen = () => {
      this.#send(start);
      this.tell({ told: "open" });
    };
    socket.onmessage = (event) => this.#receive(event.data as string | ArrayBuffer);
    socket.onclose = (event) => {
      if (this.#socket !== socket) return;
      this.#close();
      this.tell({ told: "closed", code: event.code, reason: event.reason });
    };
  }

  #close(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    this.#flow.clear();
    this.#decoders.close();
    this.#painter.clear();
    socket?.close(1000);
  }

  #upward(codec: CodecName, paused: boolean): void {
    this.#paused = paused;
    this.#encoder.close();
    const failed = (): void => this.tell({ told: "no_h264" });
    this.#encoder = codec === "h264" ? new H264Encoder(failed) : new JpegEncoder();
  }

  #send(message: ToServer): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #receive(data: string | ArrayBuffer): void {
    if (typeof data === "string") {
      const message = JSON.parse(data) as FromServer;
      if (message.type === "started") this.#ready = true;
      if (message.type === "key_frame") this.#encoder.wantKey();
      return this.tell({ told: "message", message });
    }
    const message = readMessage(data);
    if (!message || message.kind === KIND.sound) return;
    if (message.kind === KIND.picture) {
      this.#flow.answered(message.stampMs);
      void this.#pump();
    }
    if (message.codec === CODEC.none) this.#shown(message, null);
    else this.#decoders.decode(message);
  }

  // Pictures on their way up.

  async #read(frames: ReadableStream<VideoFrame>, purpose: "send" | "show"): Promise<void> {
    const reader = frames.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      this.#take(next.value, performance.now(), purpose);
    }
  }

  #take(picture: Picture, stampMs: number, purpose: "send" | "show"): void {
    if (purpose === "show") {
      this.#painter.draw(picture, this.#painter.oldestMs ?? stampMs, this.#local);
    } else if (!this.#ready || this.#paused) {
      void this.#keep(picture, stampMs).finally(() => picture.close());
    } else {
      this.#flow.offer(picture, stampMs);
      void this.#pump();
    }
  }

  async #pump(): Promise<void> {
    const socket = this.#socket;
    if (this.#encoding || !socket || socket.bufferedAmount > MOST_BUFFERED_BYTES) return;
    const next = this.#flow.take(performance.now());
    if (!next) return;
    this.#encoding = true;
    try {
      await this.#keep(next.picture, next.stampMs);
      await this.#sendPicture(socket, next.picture, next.stampMs);
    } finally {
      this.#encoding = false;
    }
    void this.#pump();
  }

  async #keep(picture: Picture, stampMs: number): Promise<void> {
    if (this.#painter.comparing) this.#painter.keep(await createImageBitmap(picture), stampMs);
  }

  async #sendPicture(socket: WebSocket, picture: Picture, stampMs: number): Promise<void> {
    const { codec } = this.#encoder;
    const encoded = await this.#encoder.encode(picture);
    if (!encoded || socket.readyState !== WebSocket.OPEN) return;
    const { bytes, key, width, height } = encoded;
    const head = { kind: KIND.picture, codec: CODEC[codec], key, seq: this.#seq++, stampMs };
    const message = messageWithHead({ ...head, width, height }, bytes.length);
    message.set(bytes, message.length - bytes.length);
    socket.send(message);
  }

  #sendSound(samples: Int16Array<ArrayBuffer>, stampMs: number): void {
    const socket = this.#socket;
    if (!socket || !this.#ready || socket.bufferedAmount > MOST_BUFFERED_BYTES) return;
    const bytes = new Uint8Array(samples.buffer);
    const head = { kind: KIND.sound, codec: CODEC.pcm, key: false, seq: this.#seq++, stampMs };
    const message = messageWithHead({ ...head, width: 0, height: 0 }, bytes.length);
    message.set(bytes, message.length - bytes.length);
    socket.send(message);
  }

  // Pictures on their way down.

  #show(picture: Picture, message: Received): void {
    if (message.kind === KIND.original) {
      if (this.#painter.comparing) this.#painter.keep(picture, message.stampMs);
      else picture.close();
      return;
    }
    this.#painter.draw(picture, message.stampMs, this.#local);
    this.#shown(message, this.#local ? performance.now() - message.stampMs : null);
  }

  #shown(message: Received, latencyMs: number | null): void {
    this.#acknowledge(message);
    const { width, height, faces } = message;
    this.tell({ told: "shown", latencyMs, width, height, faces });
  }

  #acknowledge(message: Received): void {
    if (message.kind === KIND.picture) {
      this.#send({ type: "got", seq: message.seq, shown_ms: performance.now() });
    }
  }
}

const link = new Link((message) => postMessage(message));
onmessage = (event: MessageEvent<ToWorker>) => link.hear(event.data);
