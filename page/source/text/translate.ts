/** Words of the page in the language of its reader. */

import { preferences } from "../state/preferences";
import { Store } from "../state/store";

export const LANGUAGES = {
  en: "English",
  zh: "中文",
  es: "Español",
  de: "Deutsch",
  fr: "Français",
  pt: "Português",
  ja: "日本語",
} as const;
export type Language = keyof typeof LANGUAGES;

type Words = Readonly<Record<string, string>>;

const words = new Store<Words>({});
export const language = new Store<Language>("en");
export { words as shownWords };

const isLanguage = (name: string): name is Language => Object.hasOwn(LANGUAGES, name);

function wished(): Language {
  const names = [preferences.value.language ?? "", ...navigator.languages];
  return names.map((name) => name.slice(0, 2).toLowerCase()).find(isLanguage) ?? "en";
}

/** Fetches the words of the wished language and shows them. */
export async function speak(): Promise<void> {
  const name = wished();
  const answer = await fetch(`locales/${name}.json`);
  words.value = (await answer.json()) as Words;
  language.value = name;
  document.documentElement.lang = name === "zh" ? "zh-Hans" : name;
}

/** The sentence called `key`, its `{places}` filled; the key itself where there is none. */
export function say(key: string, places: Record<string, string | number> = {}): string {
  const sentence = words.value[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(places[name] ?? whole));
}

/** Whether there is a sentence of that name. */
export function known(key: string): boolean {
  return Object.hasOwn(words.value, key);
}
