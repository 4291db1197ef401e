/** The faces of a frame, and whose each of them becomes. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { identities } from "../server/data";
import { get } from "../server/request";
import type { FoundFace, FoundFaces } from "../server/types";
import { DRAGGED } from "../live/shelf";
import { complain } from "../state/notices";
import { useStore } from "../state/store";
import { number } from "../text/numbers";
import { say } from "../text/translate";
import { Button } from "../parts/button";
import { changeTarget, type Mapped, mapFace, type Target } from "./draft";

function useFaces(target: Target, atS: number): FoundFace[] | null {
  const [found, setFound] = useState<FoundFace[] | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    get<FoundFaces>(`/uploads/${target.id}/faces?at_s=${atS}`, stop.signal).then(
      (answer) => setFound(answer.faces),
      (error: unknown) => {
        if (stop.signal.aborted) return;
        setFound([]);
        complain(error);
      },
    );
    return () => stop.abort();
  }, [target.id, atS]);
  return found;
}

export function Faces({ target, atS }: { target: Target; atS: number }): JSX.Element {
  const found = useFaces(target, atS);
  const elsewhere = target.mapped.filter((one) => one.atS !== atS);
  return (
    <section class="found" aria-labelledby="found-title">
      <h3 id="found-title">
        {found ? say("faces.found", { count: number(found.length) }) : say("faces.searching")}
      </h3>
      <ul>
        {(found ?? []).map((face) => (
          <FaceChoice key={face.index} target={target} atS={atS} face={face} />
        ))}
        {elsewhere.map((one) => (
          <MappedElsewhere key={`${one.atS}-${one.face}`} target={target} one={one} />
        ))}
      </ul>
    </section>
  );
}

interface FaceFields {
  target: Target;
  atS: number;
  face: FoundFace;
}

function FaceChoice({ target, atS, face }: FaceFields): JSX.Element {
  const all = useStore(identities) ?? [];
  const own = target.mapped.find((one) => one.face === face.index && one.atS === atS);
  const name = say("faces.number", { number: number(face.index + 1) });
  return (
    <li
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        const donor = event.dataTransfer?.getData(DRAGGED);
        if (donor) mapFace(target.id, atS, face, donor);
      }}
    >
      <img src={face.thumbnail} alt={name} width={56} height={56} />
      <select
        aria-label={say("faces.donor_for", { name })}
        value={own?.donor ?? ""}
        onChange={(event) =>
          mapFace(target.id, atS, face, event.currentTarget.value || undefined)
        }
      >
        <option value="">{say("face.as_others")}</option>
        {all.map((one) => (
          <option key={one.id} value={one.id}>
            {one.name}
          </option>
        ))}
      </select>
    </li>
  );
}

/** A face of another moment that has its donor already. */
function MappedElsewhere({ target, one }: { target: Target; one: Mapped }): JSX.Element {
  const name = identities.value?.find(({ id }) => id === one.donor)?.name ?? "";
  const drop = (): void =>
    changeTarget(target.id, { mapped: target.mapped.filter((other) => other !== one) });
  return (
    <li class="elsewhere">
      <img src={one.thumbnail} alt="" width={56} height={56} />
      <span>{name}</span>
      <Button kind="quiet" icon="close" label={say("remove")} onPress={drop} />
    </li>
  );
}
