/** The buttons below the picture. */

import type { JSX, RefObject } from "preact";
import { Button } from "../parts/button";
import { useStore } from "../state/store";
import { complain } from "../state/notices";
import { clock } from "../text/numbers";
import { say } from "../text/translate";
import { actions } from "./actions";
import { look, steps } from "./look";
import { status } from "./status";

/** Shows the canvas in a small window over all others. */
async function showSmall(canvas: HTMLCanvasElement | null): Promise<void> {
  if (document.pictureInPictureElement) return document.exitPictureInPicture();
  if (!canvas) return undefined;
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = canvas.captureStream();
  await video.play();
  await video.requestPictureInPicture();
  video.addEventListener("leavepictureinpicture", () => (video.srcObject = null), { once: true });
}

interface ToolsFields {
  comparing: boolean;
  canvas: RefObject<HTMLCanvasElement | null>;
}

export function StageTools({ comparing, canvas }: ToolsFields): JSX.Element {
  const { phase, paused, recordingSince } = useStore(status);
  const { mirror } = useStore(look);
  const { undo, redo } = useStore(steps);
  const live = phase === "live";
  const recording = recordingSince !== null;
  actions.small = () => void showSmall(canvas.current).catch(() => complain(say("tools.small_failed")));
  return (
    <div class="tools" role="toolbar" aria-label={say("tools.label")}>
      <Button
        class={phase === "idle" ? "live-button" : "live-button on"}
        icon={phase === "idle" ? "play" : "stop"}
        solid
        kind="main"
        hotkey="l"
        onPress={actions.live}
      >
        {say(phase === "idle" ? "tools.live" : "tools.stop")}
      </Button>
      <div class="tool-group">
        <Button icon={paused ? "play" : "pause"} label={say("tools.pause")} hotkey="space"
          pressed={paused} disabled={!live} onPress={actions.pause} />
        <Button icon="compare" label={say("tools.compare")} hotkey="w" pressed={comparing}
          disabled={!live} onPress={actions.compare} />
        <Button icon="mirror" label={say("tools.mirror")} hotkey="m" pressed={mirror}
          onPress={actions.mirror} />
      </div>
      <div class="tool-group">
        <Button icon="camera" label={say("tools.snapshot")} hotkey="s" disabled={!live}
          onPress={actions.snapshot} />
        <Button icon="record" solid={recording} label={say("tools.record")} hotkey="r"
          pressed={recording} disabled={!live} class={recording ? "recording" : ""}
          onPress={actions.record} />
        {recording && (
          <span class="recorded">{clock((performance.now() - recordingSince) / 1000)}</span>
        )}
      </div>
      <div class="tool-group">
        {document.pictureInPictureEnabled && (
          <Button icon="pip" label={say("tools.small")} hotkey="o" disabled={!live} onPress={actions.small} />
        )}
        <Button icon="full" label={say("tools.full")} hotkey="f" onPress={actions.full} />
      </div>
      <div class="tool-group">
        <Button icon="back" label={say("tools.undo")} hotkey="control+z" disabled={!undo}
          onPress={actions.undo} />
        <Button icon="forward" label={say("tools.redo")} hotkey="control+shift+z" disabled={!redo}
          onPress={actions.redo} />
      </div>
    </div>
  );
}
