/** What the engine says of a photo, in the reader's language. It says it in English. */

import { number } from "./numbers";
import { language, say } from "./translate";

/** How each sentence begins, with the numbers in it, and what it is called here. */
const SENTENCES: readonly (readonly [RegExp, string])[] = [
  [/^The face is only (\d+) px high; from (\d+) px/, "advice.small"],
  [/^The face is blurred/, "advice.blurred"],
  [/^The head is turned aside by (\d+) degrees/, "advice.turned"],
  [/^The head is raised by (\d+) degrees/, "advice.raised"],
  [/^The head is lowered by (\d+) degrees/, "advice.lowered"],
  [/^The face is dark/, "advice.dark"],
  [/^Parts of the face are burnt out/, "advice.burnt"],
  [/^The light comes from one side/, "advice.side_light"],
  [/^The face smiles broadly/, "advice.smile"],
  [/^The mouth is open/, "advice.open_mouth"],
  [/^The eyes are closed/, "advice.closed_eyes"],
  [/^Glasses cover the eyes/, "advice.glasses"],
  [/^Hair, a hat or a shadow hides (\d+) %/, "advice.covered"],
];

/** The sentence in the shown language; as it is where it is a new one. */
export function advice(sentence: string): string {
  if (language.value === "en") return sentence;
  for (const [beginning, key] of SENTENCES) {
    const found = beginning.exec(sentence);
    if (!found) continue;
    const [first, second] = found.slice(1).map((digits) => number(Number(digits)));
    return say(key, { first: first ?? "", second: second ?? "" });
  }
  return sentence;
}
