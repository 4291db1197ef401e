/** The picture, what lies over it, and the buttons below it. */

import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../parts/icon";
import { Wipe } from "../parts/wipe";
import { useStore, usePart } from "../state/store";
import { say } from "../text/translate";
import { FaceBoxes } from "./face_boxes";
import { look } from "./look";
import { actions } from "./actions";
import { session } from "./session";
import { addDonors, choose, DRAGGED } from "./shelf";
import { StageTools } from "./stage_tools";
import { shown, status } from "./status";

const MIDDLE = 0.5;

export function Stage(): JSX.Element {
  const stage = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [wipe, setWipe] = useState<number | null>(null);
  const [over, setOver] = useState(false);
  const { phase } = useStore(status);
  const ratio = usePart(shown, ({ width, height }) => width / height);
  const move = (at: number | null): void => {
    setWipe(at);
    void session.wipe(at);
  };
  useEffect(() => {
    if (canvas.current) session.canvas(canvas.current);
  }, []);
  actions.compare = () => move(wipe === null ? MIDDLE : null);
  actions.full = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void stage.current?.requestFullscreen();
  };
  return (
    <section class="stage-area" aria-label={say("stage.label")}>
      <div
        ref={stage}
        class={["stage", phase, over ? "over" : ""].join(" ")}
        style={{ "--ratio": String(ratio) }}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          const donor = event.dataTransfer?.getData(DRAGGED);
          if (donor) choose(donor);
          else addDonors([...(event.dataTransfer?.files ?? [])]);
        }}
      >
        <div class="picture">
          <canvas ref={canvas} width={640} height={480} role="img" aria-label={say("stage.picture")} />
          <FaceBoxes />
          {wipe !== null && phase === "live" && <Wipe at={wipe} onMove={move} />}
        </div>
        <Message />
      </div>
      <StageTools comparing={wipe !== null} canvas={canvas} />
    </section>
  );
}

/** What has to be read before, or instead of, a picture. */
function Message(): JSX.Element {
  const { phase, message, paused } = useStore(status);
  const donor = usePart(look, (value) => value.donor);
  if (paused) {
    return (
      <p class="over-stage" role="status">
        <Icon name="pause" />
        {say("live.paused")}
      </p>
    );
  }
  if (message) {
    return (
      <p class={message.bad ? "over-stage bad" : "over-stage"} role={message.bad ? "alert" : "status"}>
        {phase !== "idle" && <span class="spinner" aria-hidden="true" />}
        {message.text ?? say(message.key, message.places)}
      </p>
    );
  }
  if (phase !== "idle") return <p class="over-stage none" role="status" />;
  return (
    <ol class="over-stage steps">
      <li class={donor ? "done" : ""}>{say("steps.donor")}</li>
      <li class="done">{say("steps.source")}</li>
      <li>{say("steps.live")}</li>
    </ol>
  );
}
