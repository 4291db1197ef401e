/** The line between before and after. It lies over a picture and is moved by mouse, finger or key. */

import type { JSX } from "preact";
import { say } from "../text/translate";

interface WipeFields {
  /** 0 to 1; left of it is before. */
  at: number;
  onMove: (at: number) => void;
}

export function Wipe({ at, onMove }: WipeFields): JSX.Element {
  return (
    <div class="wipe" style={{ "--at": `${100 * at}%` }}>
      <span class="wipe-name before" aria-hidden="true">
        {say("wipe.before")}
      </span>
      <span class="wipe-name after" aria-hidden="true">
        {say("wipe.after")}
      </span>
      <input
        type="range"
        min={0}
        max={1}
        step={0.01}
        value={at}
        aria-label={say("wipe.label")}
        onInput={(event) => onMove(Number(event.currentTarget.value))}
      />
    </div>
  );
}
