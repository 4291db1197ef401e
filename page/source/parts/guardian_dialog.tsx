/** Asks who answers for a face that looks under 18. */

import type { JSX } from "preact";
import { GUARDIANS, type Guardian } from "../server/types";
import { Store, useStore } from "../state/store";
import { say } from "../text/translate";
import { Dialog } from "./dialog";

type Answer = (guardian: Guardian | null) => void;

const question = new Store<Answer | null>(null);

/** What the user says of that person; `null` where the question is left open. */
export function askGuardian(): Promise<Guardian | null> {
  question.value?.(null);
  return new Promise((resolve) => {
    question.value = (guardian) => {
      question.value = null;
      resolve(guardian);
    };
  });
}

/** The open question, if there is one. It belongs into the page once. */
export function GuardianQuestion(): JSX.Element | null {
  const answer = useStore(question);
  if (!answer) return null;
  return (
    <Dialog title={say("guardian.title")} onClose={() => answer(null)}>
      <p>{say("guardian.text")}</p>
      <div class="consent-answers">
        {GUARDIANS.map((one) => (
          <button key={one} type="button" onClick={() => answer(one)}>
            {say(`guardian.${one}`)}
          </button>
        ))}
      </div>
    </Dialog>
  );
}
