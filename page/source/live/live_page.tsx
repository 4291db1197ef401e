/** The live page. It stays in the document while others are shown, so that the stream goes on. */

import type { JSX } from "preact";
import { say } from "../text/translate";
import { Controls } from "./controls";
import { FiguresStrip, Remarks } from "./figures_strip";
import { Shelf } from "./shelf";
import { SourcePicker } from "./source_picker";
import { Stage } from "./stage";

export function LivePage({ hidden }: { hidden: boolean }): JSX.Element {
  return (
    <main class="page live-page" hidden={hidden}>
      <h1 class="unseen">{say("page.live")}</h1>
      <div class="side">
        <Shelf />
        <SourcePicker />
      </div>
      <div class="middle">
        <Stage />
        <Remarks />
        <FiguresStrip />
      </div>
      <Controls />
    </main>
  );
}
