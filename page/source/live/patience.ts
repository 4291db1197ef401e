/** When to connect anew after a connection broke, and when not. */

const FIRST_MS = 500;
const LONGEST_MS = 8000;
const ATTEMPTS = 10;

/** The sentence for an end that no further attempt would change, or `null`. */
export function ended(code: number): string | null {
  if (code === 1000) return "live.ended";
  if (code === 4401) return "problem.unauthorized";
  if (code === 4429) return "live.full";
  if (code === 4400) return "live.protocol";
  return null;
}

export class Patience {
  #attempts = 0;

  begin(): void {
    this.#attempts = 0;
  }

  /** Milliseconds until the next attempt, or the sentence that says that there is none. */
  next(): number | string {
    if (this.#attempts >= ATTEMPTS) return "live.lost";
    const wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    return wait * (0.75 + Math.random() / 2);
  }
}
