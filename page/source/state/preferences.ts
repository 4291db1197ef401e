/** How somebody likes the page: language, theme, keys, what is shown. */

import { kept } from "./kept";

export type Theme = "system" | "dark" | "light";

export interface Preferences {
  language: string | null;
  theme: Theme;
  keys: boolean;
  figures: boolean;
}

export const preferences = kept<Preferences>("preferences", {
  language: null,
  theme: "system",
  keys: true,
  figures: true,
});

/** Applies the theme to the document, now and whenever it or the system's wish changes. */
export function followTheme(): void {
  const light = matchMedia("(prefers-color-scheme: light)");
  const apply = (): void => {
    const { theme } = preferences.value;
    const shown = theme === "system" ? (light.matches ? "light" : "dark") : theme;
    document.documentElement.dataset["theme"] = shown;
  };
  preferences.watch(apply);
  light.addEventListener("change", apply);
  apply();
}
