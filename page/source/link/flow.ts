/** Which pictures may go up: the newest, and never more than two that wait for their answer. */

const MOST_UNANSWERED = 2;
const GIVEN_UP_MS = 250;

export class Flow<T> {
  readonly #release: (picture: T) => void;
  #unanswered: number[] = [];
  #waiting: { picture: T; stampMs: number } | null = null;

  /** `release` frees a picture that makes way for a newer one. */
  constructor(release: (picture: T) => void) {
    this.#release = release;
  }

  /** Keeps `picture` until there is room for it, in place of an older one. */
  offer(picture: T, stampMs: number): void {
    if (this.#waiting) this.#release(this.#waiting.picture);
    this.#waiting = { picture, stampMs };
  }

  /** The picture to send now, or `null`. It counts as unanswered from here on. */
  take(nowMs: number): { picture: T; stampMs: number } | null {
    this.#unanswered = this.#unanswered.filter((stamp) => nowMs - stamp < GIVEN_UP_MS);
    if (!this.#waiting || this.#unanswered.length >= MOST_UNANSWERED) return null;
    const next = this.#waiting;
    this.#waiting = null;
    this.#unanswered.push(next.stampMs);
    return next;
  }

  /** The answer to the picture of that moment has come, so older ones will have none. */
  answered(stampMs: number): void {
    this.#unanswered = this.#unanswered.filter((stamp) => stamp > stampMs);
  }

  clear(): void {
    if (this.#waiting) this.#release(this.#waiting.picture);
    this.#waiting = null;
    this.#unanswered = [];
  }
}
