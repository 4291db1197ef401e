/** Which of the three pages is shown; it stands behind the address's `#`. */

import { Store } from "./store";

export const PAGES = ["live", "files", "library"] as const;
export type Page = (typeof PAGES)[number];

function asked(): Page {
  const name = location.hash.replace(/^#\/?/, "");
  return PAGES.find((page) => page === name) ?? "live";
}

export const route = new Store<Page>(asked());

export function go(page: Page): void {
  location.hash = `/${page}`;
}

export function followRoute(): void {
  addEventListener("hashchange", () => (route.value = asked()));
}
