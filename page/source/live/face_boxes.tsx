/** The faces in the picture: press one, or drop a donor on it, and it gets its own donor. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { LiveFace } from "../link/wire";
import { Dialog } from "../parts/dialog";
import { identities, identity } from "../server/data";
import { useStore } from "../state/store";
import { say } from "../text/translate";
import { change, look } from "./look";
import { DRAGGED, portrait } from "./shelf";
import { shown, status } from "./status";

function give(track: number, donor: string | null): void {
  change({ map: { ...look.value.map, [track]: donor } });
}

/**
 * Takes a face's own donor back. Where something was decided for a face that is out of sight, this
 * may be that person under a new number: then it is told by name what all others get.
 */
function giveBack(track: number): void {
  const { donor } = look.value;
  const map = { ...look.value.map };
  const away = Object.keys(map).some((one) => !shown.value.faces.some((face) => String(face.track) === one));
  delete map[track];
  if (away && donor) map[track] = donor;
  change({ map });
}

function FaceBox({ face, onPress }: { face: LiveFace; onPress: () => void }): JSX.Element {
  const [over, setOver] = useState(false);
  const { width, height } = useStore(shown);
  const { map } = useStore(look);
  const { donors } = useStore(status);
  const [x0, y0, x1, y1] = face.box;
  const own = map[face.track];
  const worn = identity(donors[face.donor] ?? null)?.name ?? say("face.real");
  return (
    <button
      type="button"
      class={["face", face.state, own !== undefined ? "own" : "", over ? "over" : ""].join(" ")}
      style={{
        left: `${(100 * x0) / width}%`,
        top: `${(100 * y0) / height}%`,
        width: `${(100 * (x1 - x0)) / width}%`,
        height: `${(100 * (y1 - y0)) / height}%`,
      }}
      aria-label={say("face.label", { number: face.track, name: worn })}
      onClick={onPress}
      onDragOver={(event) => {
        if (!event.dataTransfer?.types.includes(DRAGGED)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        const dropped = event.dataTransfer?.getData(DRAGGED);
        setOver(false);
        if (!dropped) return;
        event.preventDefault();
        event.stopPropagation();
        give(face.track, dropped);
      }}
    >
      <span>{worn}</span>
    </button>
  );
}

export function FaceBoxes(): JSX.Element | null {
  const { phase } = useStore(status);
  const { faces } = useStore(shown);
  const [asked, setAsked] = useState<number | null>(null);
  if (phase !== "live") return null;
  return (
    <>
      <div class="faces" role="group" aria-label={say("face.all")}>
        {faces.map((face) => (
          <FaceBox key={face.track} face={face} onPress={() => setAsked(face.track)} />
        ))}
      </div>
      {asked !== null && <DonorQuestion track={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

function DonorQuestion({ track, onClose }: { track: number; onClose: () => void }): JSX.Element {
  const all = useStore(identities) ?? [];
  const own = look.value.map[track];
  const pick = (donor: string | null | undefined): void => {
    if (donor === undefined) giveBack(track);
    else give(track, donor);
    onClose();
  };
  return (
    <Dialog title={say("face.question")} onClose={onClose}>
      <ul class="donor-grid">
        {all.map((one) => (
          <li key={one.id}>
            <button type="button" class="donor" aria-pressed={own === one.id} onClick={() => pick(one.id)}>
              <img src={portrait(one.id)} alt="" width={64} height={64} />
              <span>{one.name}</span>
            </button>
          </li>
        ))}
      </ul>
      <div class="consent-answers">
        <button type="button" onClick={() => pick(undefined)}>
          {say("face.as_others")}
        </button>
        <button type="button" onClick={() => pick(null)}>
          {say("face.leave")}
        </button>
      </div>
    </Dialog>
  );
}
