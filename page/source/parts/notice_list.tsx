/** The short messages at the edge of the page, read aloud as they come. */

import type { JSX } from "preact";
import { dismiss, notices } from "../state/notices";
import { useStore } from "../state/store";
import { say } from "../text/translate";
import { Button } from "./button";

export function NoticeList(): JSX.Element {
  return (
    <div class="notices" role="status" aria-live="polite">
      {useStore(notices).map((notice) => (
        <div key={notice.id} class={`notice ${notice.kind}`}>
          <p>{notice.text}</p>
          <Button kind="quiet" icon="close" label={say("close")} onPress={() => dismiss(notice.id)} />
        </div>
      ))}
    </div>
  );
}
