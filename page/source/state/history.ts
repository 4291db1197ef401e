/** What was, so that it can be had again: undo and redo of a value. */

const MOST = 100;
const ONE_GESTURE_MS = 800;

export class History<T> {
  #past: T[] = [];
  #future: T[] = [];
  #lastKey = "";
  #lastAt = -Infinity;

  /**
   * Remembers `before`, the value that a change leaves behind.
   *
   * Changes with the same key in quick succession, such as those of one drag of a slider, count as
   * one. Without a key each counts, however quickly it follows.
   */
  remember(before: T, key: string, nowMs: number): void {
    const same = key !== "" && key === this.#lastKey && nowMs - this.#lastAt < ONE_GESTURE_MS;
    this.#lastKey = key;
    this.#lastAt = nowMs;
    this.#future = [];
    if (same) return;
    this.#past.push(before);
    if (this.#past.length > MOST) this.#past.shift();
  }

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  /** The value before the last change, or `undefined` where there was none. */
  undo(now: T): T | undefined {
    return this.#step(this.#past, this.#future, now);
  }

  /** The value that the last undo took back, or `undefined`. */
  redo(now: T): T | undefined {
    return this.#step(this.#future, this.#past, now);
  }

  #step(from: T[], to: T[], now: T): T | undefined {
    const value = from.pop();
    if (value === undefined) return undefined;
    to.push(now);
    this.#lastKey = "";
    return value;
  }
}
