/** Small drawings, 24 by 24, in the colour of the text around them. */

import type { JSX } from "preact";

const DRAWINGS = {
  add: "M12 5v14M5 12h14",
  back: "M9 14 4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  check: "m5 12 5 5 9-10",
  close: "M6 6l12 12M18 6 6 18",
  compare: "M12 3v18M5 6h4M5 18h4M4 6v12M15 6h5v12h-5",
  download: "M12 4v11m-5-4 5 5 5-5M5 20h14",
  figures: "M4 20V10m6 10V4m6 16v-7m4 7H2",
  forward: "m15 14 5-5-5-5M20 9H10a6 6 0 0 0 0 12h3",
  full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  help: "M9.2 9a3 3 0 1 1 4 3c-.8.4-1.2 1-1.2 2m0 3v.2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  mirror: "M12 3v18M9 7 3 17h6zM15 7l6 10h-6z",
  moon: "M20 14.5A8 8 0 0 1 9.5 4a8 8 0 1 0 10.5 10.5z",
  pause: "M8 5v14M16 5v14",
  pencil: "m4 20 1-4L16 5l3 3L8 19zM14 7l3 3",
  pip: "M3 5h18v14H3zM12 12h7v5h-7z",
  play: "M7 4.5v15l12-7.5z",
  record: "M12 18a6 6 0 1 0 0-12 6 6 0 0 0 0 12z",
  stop: "M6 6h12v12H6z",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2m0 16v2M4.9 4.9l1.4 1.4m11.4 11.4 1.4 1.4M2 12h2m16 0h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
  upload: "M12 16V5m-5 4 5-5 5 5M5 20h14",
} as const;

export type IconName = keyof typeof DRAWINGS;

export function Icon({ name, solid }: { name: IconName; solid?: boolean }): JSX.Element {
  return (
    <svg class={solid ? "icon solid" : "icon"} viewBox="0 0 24 24" aria-hidden="true">
      <path d={DRAWINGS[name]} />
    </svg>
  );
}
