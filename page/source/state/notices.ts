/** Short messages that appear at the edge of the page. */

import { Problem } from "../server/problem";
import { Store } from "./store";

export interface Notice {
  id: number;
  kind: "good" | "bad";
  text: string;
}

export const notices = new Store<readonly Notice[]>([]);

const GOOD_STAYS_MS = 4000;
const BAD_STAYS_MS = 12_000;
const MOST = 4;
let next = 1;

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

function show(kind: Notice["kind"], text: string): void {
  if (notices.value.some((notice) => notice.text === text)) return;
  const id = next++;
  notices.value = [...notices.value, { id, kind, text }].slice(-MOST);
  setTimeout(() => dismiss(id), kind === "good" ? GOOD_STAYS_MS : BAD_STAYS_MS);
}

export function tell(text: string): void {
  show("good", text);
}

/** Says what went wrong. Anything that is no problem of the server is a fault of the page. */
export function complain(error: unknown): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  show("bad", error instanceof Error ? Problem.sentence(error) : String(error));
}
