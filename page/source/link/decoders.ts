/** Bytes to pictures. A picture that is late makes way for newer ones. */

import { CODEC, type Received } from "./wire";

export type Picture = ImageBitmap | VideoFrame;
type Show = (picture: Picture, message: Received) => void;

/** JPEG: each message stands alone, so only the newest one that waits is decoded. */
class JpegDecoder {
  #busy = false;
  #next: Received | null = null;

  constructor(
    readonly show: Show,
    readonly skip: (message: Received) => void,
  ) {}

  decode(message: Received): void {
    if (this.#next) this.skip(this.#next);
    this.#next = message;
    if (!this.#busy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let message = this.#next; message; message = this.#next) {
      this.#next = null;
      try {
        const blob = new Blob([message.payload], { type: "image/jpeg" });
        this.show(await createImageBitmap(blob), message);
      } catch {
        this.skip(message); // damaged on its way: the next one replaces it
      }
    }
    this.#busy = false;
  }
}

const MOST_IN_DECODER = 8;

/** H.264: each picture builds on the one before, so all are decoded. */
class H264Decoder {
  #decoder: VideoDecoder | null = null;
  #messages = new Map<number, Received>();
  #count = 0;

  constructor(
    readonly show: Show,
    readonly skip: (message: Received) => void,
    readonly wantKey: () => void,
  ) {}

  decode(message: Received): void {
    if (!this.#decoder && !message.key) {
      this.wantKey();
      return this.skip(message);
    }
    if (message.key && this.#messages.size > MOST_IN_DECODER) this.close();
    this.#decoder ??= this.#open();
    const timestamp = this.#count++;
    this.#messages.set(timestamp, message);
    try {
      const type = message.key ? "key" : "delta";
      this.#decoder.decode(new EncodedVideoChunk({ type, timestamp, data: message.payload }));
    } catch {
      this.close();
    }
  }

  close(): void {
    if (this.#decoder && this.#decoder.state !== "closed") this.#decoder.close();
    this.#decoder = null;
    for (const message of this.#messages.values()) this.skip(message);
    this.#messages.clear();
  }

  #open(): VideoDecoder {
    const decoder = new VideoDecoder({
      output: (frame) => {
        const message = this.#messages.get(frame.timestamp);
        this.#messages.delete(frame.timestamp);
        if (message) this.show(frame, message);
        else frame.close();
      },
      error: () => this.close(),
    });
    decoder.configure({ codec: "avc1.42e028", optimizeForLatency: true });
    return decoder;
  }
}

/** Decodes whatever comes, swapped pictures and originals apart. */
export class Decoders {
  readonly #jpeg: Record<number, JpegDecoder> = {};
  readonly #h264: Record<number, H264Decoder> = {};

  /**
   * @param show is given each picture and must free it.
   * @param skip is told of each that will not be shown.
   * @param wantKey asks the sender for a picture that builds on none before it.
   */
  constructor(
    readonly show: Show,
    readonly skip: (message: Received) => void,
    readonly wantKey: () => void,
  ) {}

  decode(message: Received): void {
    const { codec, kind } = message;
    if (codec === CODEC.h264) {
      const decoder = (this.#h264[kind] ??= new H264Decoder(this.show, this.skip, this.wantKey));
      decoder.decode(message);
    } else {
      const decoder = (this.#jpeg[kind] ??= new JpegDecoder(this.show, this.skip));
      decoder.decode(message);
    }
  }

  close(): void {
    for (const decoder of Object.values(this.#h264)) decoder.close();
  }
}
