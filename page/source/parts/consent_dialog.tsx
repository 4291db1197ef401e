/** Asks whose face was brought. One press answers, and the face is on the shelf. */

import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { enrol, nameOf, sendPhotos } from "../server/enrol";
import { BASES, type Basis, type Identity } from "../server/types";
import { complain } from "../state/notices";
import { Store, useStore } from "../state/store";
import { say } from "../text/translate";
import { Dialog } from "./dialog";
import { askGuardian } from "./guardian_dialog";
import { Switch, Text } from "./inputs";

interface Question {
  files: File[];
  done: (identities: Identity[]) => void;
}

const question = new Store<Question | null>(null);

/** Asks about `files`; `done` is told of the identities that were made of them. */
export function askWhose(files: File[], done: Question["done"]): void {
  question.value = { files, done };
}

/** The open question, if there is one. It belongs into the page once. */
export function ConsentQuestion(): JSX.Element | null {
  const open = useStore(question);
  return open && <ConsentDialog key={open.files[0]?.name} {...open} />;
}

function usePictures(files: File[]): string[] {
  const urls = useMemo(() => files.map((file) => URL.createObjectURL(file)), [files]);
  useEffect(() => () => urls.forEach((url) => URL.revokeObjectURL(url)), [urls]);
  return urls;
}

function ConsentDialog({ files, done }: Question): JSX.Element {
  const pictures = usePictures(files);
  const [progress, setProgress] = useState(0);
  const [name, setName] = useState(nameOf(files[0] as File));
  const [together, setTogether] = useState(false);
  const [busy, setBusy] = useState(false);
  const sending = useMemo(() => sendPhotos(files, setProgress), [files]);
  useEffect(() => void sending.catch(() => undefined), [sending]);

  const answer = async (basis: Basis): Promise<void> => {
    setBusy(true);
    try {
      const uploads = await sending;
      const groups = together ? [uploads] : uploads.map((id) => [id]);
      const made: Identity[] = [];
      for (const [index, group] of groups.entries()) {
        const called = index === 0 ? name : nameOf(files[index] as File);
        const one = await enrol({ name: called, uploads: group, consent: basis }, askGuardian);
        if (one) made.push(one);
      }
      question.value = null;
      if (made.length) done(made);
    } catch (error) {
      complain(error);
      question.value = null;
    }
  };

  return (
    <Dialog title={say("consent.title")} onClose={() => (question.value = null)}>
      <div class="consent-photos">
        {pictures.map((url) => (
          <img key={url} src={url} alt="" />
        ))}
      </div>
      <Text label={say("consent.name")} value={name} onChange={(text) => setName(text || name)} />
      {files.length > 1 && (
        <Switch label={say("consent.together")} value={together} onChange={setTogether} />
      )}
      <p>{say("consent.text")}</p>
      <div class="consent-answers">
        {BASES.map((basis) => (
          <button key={basis} type="button" data-first={basis === BASES[0]} disabled={busy} onClick={() => void answer(basis)}>
            {say(`consent.${basis}`)}
          </button>
        ))}
      </div>
      <progress max={1} value={progress} aria-label={say("uploading")} hidden={progress >= 1} />
    </Dialog>
  );
}
