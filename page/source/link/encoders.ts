/** Pictures to bytes: JPEG by the canvas, H.264 by WebCodecs. */

import type { CodecName } from "./wire";

export interface Encoded {
  bytes: Uint8Array;
  key: boolean;
  width: number;
  height: number;
}

/** Encodes one picture at a time and frees it. `null` means that there will be no bytes. */
export interface Encoder {
  readonly codec: CodecName;
  /** The next picture must not build on those before it. */
  wantKey(): void;
  encode(picture: VideoFrame | ImageBitmap): Promise<Encoded | null>;
  close(): void;
}

const JPEG_QUALITY = 0.85;
const KEY_EVERY = 60;
const BITS_PER_PIXEL = 0.14;
const RATE = 30;

function sizeOf(picture: VideoFrame | ImageBitmap): [number, number] {
  return picture instanceof ImageBitmap
    ? [picture.width, picture.height]
    : [picture.displayWidth, picture.displayHeight];
}

export class JpegEncoder implements Encoder {
  readonly codec = "jpeg";
  #canvas = new OffscreenCanvas(1, 1);

  async encode(picture: VideoFrame | ImageBitmap): Promise<Encoded> {
    const [width, height] = sizeOf(picture);
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas = new OffscreenCanvas(width, height);
    }
    this.#canvas.getContext("2d", { alpha: false })?.drawImage(picture, 0, 0);
    picture.close();
    const blob = await this.#canvas.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY });
    return { bytes: new Uint8Array(await blob.arrayBuffer()), key: true, width, height };
  }

  wantKey(): void {}

  close(): void {}
}

/** What a browser is asked for: baseline, Annex B, no waiting for later pictures. */
function configuration(width: number, height: number): VideoEncoderConfig {
  return {
    codec: width * height > 1280 * 720 ? "avc1.42e028" : "avc1.42e01f",
    width,
    height,
    bitrate: Math.round(width * height * RATE * BITS_PER_PIXEL),
    framerate: RATE,
    latencyMode: "realtime",
    avc: { format: "annexb" },
  };
}

export class H264Encoder implements Encoder {
  readonly codec = "h264";
  #encoder: VideoEncoder | null = null;
  #size = "";
  #count = 0;
  #settle: ((encoded: Encoded | null) => void) | null = null;

  /** @param failed is called when this browser turns out not to be able after all. */
  constructor(readonly failed: () => void) {}

  /** Whether this browser can, at that size. */
  static async works(width: number, height: number): Promise<boolean> {
    if (typeof VideoEncoder === "undefined") return false;
    try {
      return (await VideoEncoder.isConfigSupported(configuration(width, height))).supported === true;
    } catch {
      return false;
    }
  }

  encode(picture: VideoFrame | ImageBitmap): Promise<Encoded | null> {
    const [width, height] = sizeOf(picture);
    const frame =
      picture instanceof ImageBitmap
        ? new VideoFrame(picture, { timestamp: Math.round(performance.now() * 1000) })
        : picture;
    this.#settle?.(null);
    return new Promise((resolve) => {
      this.#settle = resolve;
      try {
        const encoder = this.#ready(width, height);
        encoder.encode(frame, { keyFrame: this.#count++ % KEY_EVERY === 0 });
      } catch {
        this.#fail();
      } finally {
        frame.close();
        if (picture !== frame) picture.close();
      }
    });
  }

  wantKey(): void {
    this.#count = 0;
  }

  close(): void {
    if (this.#encoder && this.#encoder.state !== "closed") this.#encoder.close();
    this.#encoder = null;
    this.#settle?.(null);
  }

  #ready(width: number, height: number): VideoEncoder {
    const size = `${width}x${height}`;
    if (this.#encoder?.state === "configured" && size === this.#size) return this.#encoder;
    if (this.#encoder && this.#encoder.state !== "closed") this.#encoder.close();
    this.#size = size;
    this.#count = 0;
    this.#encoder = new VideoEncoder({
      output: (chunk) => {
        const bytes = new Uint8Array(chunk.byteLength);
        chunk.copyTo(bytes);
        this.#settle?.({ bytes, key: chunk.type === "key", width, height });
        this.#settle = null;
      },
      error: () => this.#fail(),
    });
    this.#encoder.configure(configuration(width, height));
    return this.#encoder;
  }

  #fail(): void {
    this.#settle?.(null);
    this.#settle = null;
    this.#encoder = null;
    this.failed();
  }
}
