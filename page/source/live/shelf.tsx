/** The donors: pick one, drag one onto a face of the picture, or add another. */

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { askWhose } from "../parts/consent_dialog";
import { Drop } from "../parts/drop";
import { Icon } from "../parts/icon";
import { identities } from "../server/data";
import { PHOTOS } from "../server/enrol";
import { API } from "../server/request";
import type { Identity } from "../server/types";
import { tell } from "../state/notices";
import { usePart, useStore } from "../state/store";
import { advice } from "../text/advice";
import { say } from "../text/translate";
import { change, look } from "./look";

export const DRAGGED = "application/x-masquerade-identity";

export const portrait = (id: string): string => `${API}/identities/${id}/thumbnail`;

export function choose(donor: string): void {
  change({ donor }, "donor");
}

/** Asks whose faces the photos show and puts the first one on. */
export function addDonors(files: File[]): void {
  const photos = files.filter((file) => file.type.startsWith("image/"));
  if (!photos.length) return;
  askWhose(photos, (made) => {
    const first = made[0];
    if (first) choose(first.id);
    const weightiest = made.flatMap((one) => one.advice)[0];
    if (weightiest) tell(advice(weightiest));
  });
}

function Donor({ one, chosen }: { one: Identity; chosen: boolean }): JSX.Element {
  return (
    <li>
      <button
        type="button"
        class="donor"
        aria-pressed={chosen}
        draggable
        title={one.name}
        onClick={() => choose(one.id)}
        onDragStart={(event) => {
          event.dataTransfer?.setData(DRAGGED, one.id);
          event.dataTransfer?.setData("text/plain", one.name);
        }}
      >
        <img src={portrait(one.id)} alt="" width={64} height={64} loading="lazy" draggable={false} />
        <span>{one.name}</span>
      </button>
    </li>
  );
}

/** A donor that is gone cannot be worn; the first one takes its place, and so does a lone one. */
function keepDonor(): void {
  const all = identities.value;
  if (!all || all.some((one) => one.id === look.value.donor)) return;
  look.change({ donor: all[0]?.id ?? null });
}

export function Shelf(): JSX.Element {
  const all = useStore(identities);
  const donor = usePart(look, (value) => value.donor);
  useEffect(keepDonor, [all]);
  return (
    <section class="card shelf" aria-labelledby="shelf-title">
      <h2 id="shelf-title">{say("shelf.title")}</h2>
      <ul>
        {(all ?? []).map((one) => (
          <Donor key={one.id} one={one} chosen={one.id === donor} />
        ))}
        <li>
          <Drop accept={PHOTOS} several onFiles={addDonors} class="add">
            <Icon name="add" />
            <span>{say("shelf.add")}</span>
          </Drop>
        </li>
      </ul>
      {all?.length === 0 && <p class="hint">{say("shelf.empty")}</p>}
    </section>
  );
}
