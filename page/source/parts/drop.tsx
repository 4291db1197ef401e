/** A place to drop files on, or to press and pick them. */

import type { ComponentChildren, JSX } from "preact";
import { useRef, useState } from "preact/hooks";

interface DropFields {
  accept: string;
  several?: boolean;
  onFiles: (files: File[]) => void;
  children: ComponentChildren;
  class?: string;
}

export function Drop({ accept, several, onFiles, children, class: kind }: DropFields): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const take = (list: FileList | null | undefined): void => {
    const files = [...(list ?? [])];
    if (files.length) onFiles(several ? files : files.slice(0, 1));
  };
  return (
    <div
      class={["drop", kind, over ? "over" : ""].filter(Boolean).join(" ")}
      onDragOver={(event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        event.stopPropagation();
        setOver(false);
        take(event.dataTransfer.files);
      }}
    >
      <button type="button" onClick={() => input.current?.click()}>
        {children}
      </button>
      <input
        ref={input}
        type="file"
        accept={accept}
        multiple={several ?? false}
        hidden
        tabIndex={-1}
        onChange={(event) => {
          take(event.currentTarget.files);
          event.currentTarget.value = "";
        }}
      />
    </div>
  );
}
