/** Draws the swapped picture, and left of the wipe the original one. */

import type { Picture } from "./decoders";

const MOST_KEPT = 6;

const widthOf = (picture: Picture): number =>
  picture instanceof ImageBitmap ? picture.width : picture.displayWidth;
const heightOf = (picture: Picture): number =>
  picture instanceof ImageBitmap ? picture.height : picture.displayHeight;

export class Painter {
  #canvas: OffscreenCanvas | null = null;
  #originals = new Map<number, Picture>();
  #wipe: number | null = null;
  #mirror = false;

  set canvas(canvas: OffscreenCanvas) {
    this.#canvas = canvas;
  }

  /** Where the line between before and after stands, 0 to 1; `null` shows after alone. */
  wipe(at: number | null, mirror: boolean): void {
    this.#wipe = at;
    this.#mirror = mirror;
    if (at === null) this.clear();
  }

  get comparing(): boolean {
    return this.#wipe !== null;
  }

  /** Moment of the oldest original: by WebRTC nobody says which one a picture was made of. */
  get oldestMs(): number | undefined {
    return this.#originals.keys().next().value;
  }

  /** Keeps the original of the moment `stampMs` until its swapped picture is drawn. */
  keep(original: Picture, stampMs: number): void {
    this.#originals.get(stampMs)?.close();
    this.#originals.set(stampMs, original);
    for (const [old, picture] of this.#originals) {
      if (this.#originals.size <= MOST_KEPT) break;
      picture.close();
      this.#originals.delete(old);
    }
  }

  /** Draws and frees `picture`. `local` says that originals come from this browser's camera. */
  draw(picture: Picture, stampMs: number, local: boolean): void {
    const [width, height] = [widthOf(picture), heightOf(picture)];
    const context = this.#context(width, height);
    context?.drawImage(picture, 0, 0);
    picture.close();
    if (context && this.#wipe !== null) this.#drawOriginal(context, stampMs, local);
  }

  clear(): void {
    for (const picture of this.#originals.values()) picture.close();
    this.#originals.clear();
  }

  #context(width: number, height: number): OffscreenCanvasRenderingContext2D | null {
    if (!this.#canvas) return null;
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    return this.#canvas.getContext("2d", { alpha: false });
  }

  #drawOriginal(context: OffscreenCanvasRenderingContext2D, stampMs: number, local: boolean): void {
    const original = this.#originals.get(stampMs);
    if (!original || this.#wipe === null) return;
    const { width, height } = context.canvas;
    const edge = Math.round(width * this.#wipe);
    context.save();
    context.beginPath();
    context.rect(0, 0, edge, height);
    context.clip();
    if (local && this.#mirror) {
      context.translate(width, 0);
      context.scale(-1, 1);
    }
    context.drawImage(original, 0, 0, width, height);
    context.restore();
    for (const [stamp, picture] of this.#originals) {
      if (stamp >= stampMs) continue;
      picture.close();
      this.#originals.delete(stamp);
    }
  }
}
