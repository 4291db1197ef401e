/** Begins the page. */

import { render } from "preact";
import { App } from "./app";
import { listen } from "./live/hotkeys";
import { session } from "./live/session";
import type { Latency } from "./link/latency";
import { loadFirst } from "./server/data";
import { complain } from "./state/notices";
import { followTheme } from "./state/preferences";
import { followRoute } from "./state/route";
import { speak } from "./text/translate";

declare global {
  interface Window {
    /** For benchmarks: what the page itself measures. */
    masquerade: { latency: () => Latency };
  }
}

async function begin(): Promise<void> {
  followTheme();
  followRoute();
  const first = loadFirst();
  await speak();
  render(<App />, document.getElementById("page") as HTMLElement);
  listen();
  await first;
}

window.masquerade = { latency: () => session.meter.read() };
addEventListener("unhandledrejection", (event) => complain(event.reason));
void begin();
