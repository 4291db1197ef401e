/** Any frame of a target, before and after. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { askGuardian } from "../parts/guardian_dialog";
import { Slider } from "../parts/inputs";
import { Wipe } from "../parts/wipe";
import { API, blobFrom } from "../server/request";
import { Problem } from "../server/problem";
import { complain } from "../state/notices";
import { useStore } from "../state/store";
import { clock } from "../text/numbers";
import { say } from "../text/translate";
import { asked } from "./asked";
import { changeTarget, draft, type Target } from "./draft";
import { Faces } from "./faces";

const WIDTH = 960;
const SETTLES_MS = 250;

/** `value`, once it has stayed the same for a moment. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLES_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

interface Swapped {
  url: string | null;
  busy: boolean;
}

/** Somebody in the target looks under 18; with an answer the preview is asked for again. */
async function answerFor(target: string): Promise<void> {
  const guardian = await askGuardian();
  if (guardian) changeTarget(target, { guardian });
}

/** The swapped frame of `target` that `request` describes; older requests are called off. */
function useSwapped(target: string, request: string | null): Swapped {
  const [swapped, setSwapped] = useState<Swapped>({ url: null, busy: false });
  useEffect(() => {
    if (!request) return setSwapped({ url: null, busy: false });
    const stop = new AbortController();
    setSwapped((last) => ({ ...last, busy: true }));
    blobFrom("/preview", JSON.parse(request), stop.signal).then(
      (blob) => setSwapped({ url: URL.createObjectURL(blob), busy: false }),
      (error: unknown) => {
        if (stop.signal.aborted) return;
        setSwapped({ url: null, busy: false });
        if (error instanceof Problem && error.code === "guardian") void answerFor(target);
        else complain(error);
      },
    );
    return () => stop.abort();
  }, [request]);
  useEffect(() => () => void (swapped.url && URL.revokeObjectURL(swapped.url)), [swapped.url]);
  return swapped;
}

export function Preview({ target }: { target: Target }): JSX.Element {
  const now = useStore(draft);
  const [at, setAt] = useState(0);
  const [wipe, setWipe] = useState(0.5);
  const settledAt = useSettled(at);
  const common = asked(now, target);
  const request = common && JSON.stringify({ upload: target.id, at_s: settledAt, width: WIDTH, ...common });
  const swapped = useSwapped(target.id, useSettled(request));
  const width = Math.min(WIDTH, target.width || WIDTH);
  return (
    <section class="card preview" aria-label={say("preview.label")}>
      <div class="picture" style={{ "--ratio": String((target.width || 4) / (target.height || 3)) }}>
        <img
          src={`${API}/uploads/${target.id}/frame?at_s=${settledAt}&width=${width}`}
          alt={say("preview.before", { name: target.name })}
        />
        {swapped.url && (
          <img
            class="after"
            src={swapped.url}
            alt={say("preview.after", { name: target.name })}
            style={{ clipPath: `inset(0 0 0 ${100 * wipe}%)` }}
          />
        )}
        {swapped.url && <Wipe at={wipe} onMove={setWipe} />}
        {swapped.busy && <span class="spinner corner" role="status" aria-label={say("preview.busy")} />}
        {!common && <p class="over-stage">{say("preview.choose_donor")}</p>}
      </div>
      {target.duration_s ? (
        <div class="scrubber">
          <Slider
            label={say("preview.moment")}
            value={at}
            low={0}
            high={Math.max(0.04, target.duration_s - 0.04)}
            step={0.04}
            onChange={setAt}
          />
          <span class="clock" aria-hidden="true">
            {clock(at)} / {clock(target.duration_s)}
          </span>
        </div>
      ) : null}
      <Faces target={target} atS={settledAt} />
    </section>
  );
}
