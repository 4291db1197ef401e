/**
 * A question or a message over the page. Escape and a press beside it close it. Keys begin at the
 * element that has `data-first`, else at the button that closes it.
 */

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { say } from "../text/translate";
import { Button } from "./button";

interface DialogFields {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
}

export function Dialog({ title, onClose, children, wide }: DialogFields): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? "dialog wide" : "dialog"}
      aria-labelledby={name}
      onClose={onClose}
      onMouseDown={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <div class="dialog-body">
        <header>
          <h2 id={name}>{title}</h2>
          <Button kind="quiet" icon="close" label={say("close")} onPress={() => dialog.current?.close()} />
        </header>
        {children}
      </div>
    </dialog>
  );
}
