/** One identity: its portrait, how good its photos are, and what would make it better. */

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { portrait } from "../live/shelf";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { loadIdentities } from "../server/data";
import { PHOTOS, sendPhotos } from "../server/enrol";
import { API, patch, post, remove } from "../server/request";
import type { Identity } from "../server/types";
import { complain } from "../state/notices";
import { advice } from "../text/advice";
import { number, percent } from "../text/numbers";
import { say } from "../text/translate";

export function IdentityCard({ one }: { one: Identity }): JSX.Element {
  const [busy, setBusy] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const work = async (what: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    try {
      await what();
      await loadIdentities();
    } catch (error) {
      complain(error);
    }
    setBusy(false);
  };
  const add = (files: File[]): Promise<void> =>
    work(async () => {
      const uploads = await sendPhotos(files, () => undefined);
      await post(`/identities/${one.id}/photos`, { uploads });
    });
  return (
    <li class="identity" aria-busy={busy}>
      <img src={`${portrait(one.id)}?${one.photos}`} alt="" width={88} height={88} loading="lazy" />
      <div class="identity-facts">
        <input
          class="name"
          type="text"
          value={one.name}
          maxLength={80}
          aria-label={say("identity.name")}
          onChange={(event) =>
            void work(() => patch(`/identities/${one.id}`, { name: event.currentTarget.value.trim() }))
          }
        />
        <p>
          {say("identity.photos", { count: number(one.photos) })} · {say(`basis.${one.consent}`)}
        </p>
        <label class="quality">
          <span>{say("identity.quality", { share: percent(one.quality) })}</span>
          <meter min={0} max={1} low={0.4} high={0.7} optimum={1} value={one.quality} />
        </label>
      </div>
      {one.advice.length > 0 && (
        <ul class="advice" aria-label={say("identity.advice")}>
          {one.advice.map((sentence) => (
            <li key={sentence}>{advice(sentence)}</li>
          ))}
        </ul>
      )}
      <div class="row">
        <Button icon="add" disabled={busy} onPress={() => input.current?.click()}>
          {say("identity.add_photos")}
        </Button>
        <a class="button quiet" href={`${API}/identities/${one.id}/file`} download>
          {say("identity.file")}
        </a>
        <Button
          kind="quiet"
          icon="trash"
          label={say("identity.remove", { name: one.name })}
          onPress={() => setLeaving(true)}
        />
      </div>
      <input
        ref={input}
        type="file"
        accept={PHOTOS}
        multiple
        hidden
        onChange={(event) => void add([...(event.currentTarget.files ?? [])])}
      />
      {leaving && (
        <Dialog title={say("identity.remove", { name: one.name })} onClose={() => setLeaving(false)}>
          <p>{say("identity.remove_text")}</p>
          <div class="row">
            <Button kind="danger" onPress={() => void work(() => remove(`/identities/${one.id}`))}>
              {say("remove")}
            </Button>
            <Button onPress={() => setLeaving(false)}>{say("keep")}</Button>
          </div>
        </Dialog>
      )}
    </li>
  );
}
