/** Numbers of the running stream. */

import type { JSX } from "preact";
import type { Remark } from "../link/messages";
import { Button } from "../parts/button";
import { preferences } from "../state/preferences";
import { usePart, useStore } from "../state/store";
import { bytes, milliseconds, number, percent } from "../text/numbers";
import { known, say } from "../text/translate";
import { session } from "./session";
import { status } from "./status";

interface FigureFields {
  name: string;
  value: string;
  warn?: boolean;
}

function Figure({ name, value, warn }: FigureFields): JSX.Element {
  return (
    <div class={warn ? "figure warn" : "figure"}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** What is wrong; what to do about it speaks of the command line. */
const firstSentence = (text: string): string => text.split(/(?<=\.) /)[0] ?? text;

const load = (share: number | null | undefined): string => (share == null ? "–" : percent(share));

/** What is wrong, and what had to be given up; it is shown without the figures too. */
export function Remarks(): JSX.Element | null {
  const figures = usePart(status, (value) => value.figures);
  if (!figures) return null;
  const all = [...figures.alarms, ...figures.notices];
  return (
    <div class="remarks" role="status">
      {all.map((remark) => (
        <RemarkLine key={remark.text} remark={remark} />
      ))}
    </div>
  );
}

/** What was chosen, and nothing is wrong with. */
const HARMLESS = new Set(["network.provider", "network.measured"]);

/** What a remark names, in the words of the settings where it is one of their choices. */
function named(places: Record<string, string> = {}): Record<string, string> {
  const choice = (name: string): string => (known(`choice.${name}`) ? say(`choice.${name}`) : name);
  return Object.fromEntries(Object.entries(places).map(([key, name]) => [key, choice(name)]));
}

function RemarkLine({ remark: { code, text, places } }: { remark: Remark }): JSX.Element {
  const key = `remark.${code}`;
  if (!known(key)) {
    return (
      <p class="alarm" lang="en" title={text}>
        {firstSentence(text)}
      </p>
    );
  }
  return (
    <p class={HARMLESS.has(code) ? "hint" : "alarm"}>
      {say(key, named(places))}
      {code === "guardian" && (
        <Button onPress={() => void session.answer()}>{say("guardian.answer")}</Button>
      )}
    </p>
  );
}

export function FiguresStrip(): JSX.Element | null {
  const visible = usePart(preferences, (value) => value.figures);
  const { figures, latency, transport, phase } = useStore(status);
  if (!visible || phase !== "live" || !figures) return null;
  const own = latency?.n ? latency : figures.latency_ms;
  const lost = figures.dropped + figures.lagged + figures.skipped;
  const stages = Object.entries(figures.stages_ms).filter(([, ms]) => ms >= 0.05);
  return (
    <section class="figures" aria-label={say("figures.label")}>
      <dl>
        <Figure name={say("figures.fps")} value={number(figures.fps, 1)} />
        <Figure
          name={say("figures.latency")}
          value={`${milliseconds(own.p50)} / ${milliseconds(own.p95)}`}
        />
        <Figure name={say("figures.lost")} value={number(lost)} />
        <Figure name={say("figures.faces")} value={number(figures.faces)} />
        <Figure name={say("figures.memory")} value={figures.rss_bytes ? bytes(figures.rss_bytes) : "–"} />
        <Figure name={say("figures.cpu")} value={load(figures.cpu)} />
        {figures.gpu != null && <Figure name={say("figures.gpu")} value={load(figures.gpu)} />}
        <Figure name={say("figures.way")} value={say(`transport.${transport}`)} />
      </dl>
      <Stages stages={stages} />
    </section>
  );
}

/** Share of the bar below which a step's name does not fit. */
const LEGIBLE = 0.09;

/** How long each step takes, as parts of one bar. */
function Stages({ stages }: { stages: [string, number][] }): JSX.Element | null {
  const total = stages.reduce((sum, [, ms]) => sum + ms, 0);
  if (!total) return null;
  const step = (name: string): string => (known(`stage.${name}`) ? say(`stage.${name}`) : name);
  return (
    <ul class="stages" aria-label={say("figures.stages")}>
      {stages.map(([name, ms]) => (
        <li key={name} style={{ flexGrow: ms }} title={`${step(name)} ${number(ms, 1)}`}>
          {ms > LEGIBLE * total && (
            <span>
              {step(name)} {number(ms, 1)}
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}
