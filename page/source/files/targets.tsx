/** The files that are to be swapped. */

import type { JSX } from "preact";
import { Button } from "../parts/button";
import { Drop } from "../parts/drop";
import { Icon } from "../parts/icon";
import { API } from "../server/request";
import { useStore } from "../state/store";
import { bytes, clock } from "../text/numbers";
import { say } from "../text/translate";
import { addTargets, discard, draft, sending, type Target } from "./draft";

export function Targets(): JSX.Element {
  const { targets, selected } = useStore(draft);
  const underWay = useStore(sending);
  return (
    <section class="card targets" aria-labelledby="targets-title">
      <h2 id="targets-title">{say("targets.title")}</h2>
      <Drop accept="image/*,video/*" several onFiles={(files) => void addTargets(files)} class="big">
        <Icon name="upload" />
        <span>{say("targets.drop")}</span>
      </Drop>
      <ul>
        {targets.map((target) => (
          <Row key={target.id} target={target} chosen={target.id === selected} />
        ))}
        {underWay.map(({ key, name, share }) => (
          <li key={key} class="under-way">
            <span>{name}</span>
            <progress max={1} value={share} aria-label={name} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The same without places where a line could break. */
const whole = (text: string): string => text.replaceAll(" ", "\u00a0");

function Row({ target, chosen }: { target: Target; chosen: boolean }): JSX.Element {
  const { id, name, width, height, duration_s: duration } = target;
  const facts = [`${width} × ${height}`, duration ? clock(duration) : "", bytes(target.bytes)].map(whole);
  return (
    <li class={chosen ? "target chosen" : "target"}>
      <button type="button" aria-pressed={chosen} onClick={() => draft.change({ selected: id })}>
        <img src={`${API}/uploads/${id}/thumbnail`} alt="" width={56} height={56} loading="lazy" />
        <span class="target-name">{name}</span>
        <small>{facts.filter(Boolean).join("\u00a0· ")}</small>
      </button>
      <Button kind="quiet" icon="trash" label={say("targets.remove", { name })} onPress={() => void discard(id)} />
    </li>
  );
}
