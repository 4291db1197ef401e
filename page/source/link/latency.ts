/** How long pictures take from the camera to the screen, as the page itself measures it. */

const WINDOW = 300;

export interface Latency {
  p50: number | null;
  p95: number | null;
  n: number;
}

export class LatencyMeter {
  #samples: number[] = [];
  #count = 0;

  add(ms: number): void {
    this.#samples[this.#count++ % WINDOW] = ms;
  }

  clear(): void {
    this.#samples = [];
    this.#count = 0;
  }

  /** Percentiles of the last 300 pictures; `n` counts all of them since the start. */
  read(): Latency {
    const sorted = [...this.#samples].sort((a, b) => a - b);
    const rank = (share: number): number | null =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
    return { p50: rank(0.5), p95: rank(0.95), n: this.#count };
  }
}
