/** The models: what each does, under which licence, and what it costs on this machine. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "../parts/button";
import { Dialog } from "../parts/dialog";
import { loadModels, models } from "../server/data";
import { post, remove } from "../server/request";
import type { Model } from "../server/types";
import { complain } from "../state/notices";
import { useStore } from "../state/store";
import { bytes, clock, milliseconds, number } from "../text/numbers";
import { known, say } from "../text/translate";
import { callOff, pull, tasks } from "./tasks";

const roleName = (role: string): string => (known(`role.${role}`) ? say(`role.${role}`) : role);
const millions = (value: number | null): string =>
  value == null ? "–" : say("unit.millions", { value: number(value / 1e6, value < 1e7 ? 1 : 0) });

/** A model to be fetched, and the licences that have to be accepted for it first. */
interface Asked {
  model: Model;
  open: readonly Model[];
}

/** The model, and those it does not work without, as far as nobody has accepted their licences. */
function licencesFor(model: Model, all: readonly Model[]): Model[] {
  const along = all.filter((one) => model.needs.includes(one.name) && !one.installed);
  return [model, ...along].filter((one) => !one.accepted);
}

export function ModelList(): JSX.Element {
  const all = useStore(models) ?? [];
  const [asked, setAsked] = useState<Asked | null>(null);
  useEffect(() => void loadModels(), []);
  const roles = [...new Set(all.map((model) => model.role))];
  const of = (role: string): Model[] =>
    all
      .filter((model) => model.role === role)
      .sort((a, b) => Number(b.installed) - Number(a.installed));
  const fetch = (model: Model): void => {
    const open = licencesFor(model, all);
    if (open.length) setAsked({ model, open });
    else void pull(model.name);
  };
  return (
    <section class="card models" aria-labelledby="models-title">
      <h2 id="models-title">{say("models.title")}</h2>
      {roles.map((role) => (
        <details key={role} class="group" open={role === "swapper" || of(role).some((model) => model.installed)}>
          <summary>
            {roleName(role)} <span class="count">{number(of(role).length)}</span>
          </summary>
          <ul class="model-list">
            {of(role).map((model) => (
              <Row key={model.name} model={model} onFetch={() => fetch(model)} />
            ))}
          </ul>
        </details>
      ))}
      {asked?.open[0] && (
        <LicenceQuestion
          key={asked.open[0].name}
          model={asked.open[0]}
          neededBy={asked.open[0] === asked.model ? null : asked.model}
          onAccepted={() => {
            const open = asked.open.slice(1);
            setAsked(open.length ? { ...asked, open } : null);
            if (!open.length) void pull(asked.model.name);
          }}
          onClose={() => setAsked(null)}
        />
      )}
    </section>
  );
}

function Row({ model, onFetch }: { model: Model; onFetch: () => void }): JSX.Element {
  const task = useStore(tasks)[model.name];
  const drop = (): void => void remove(`/models/${model.name}`).then(loadModels).catch(complain);
  return (
    <li class="model">
      <div class="model-name">
        <strong title={model.name}>{model.title}</strong>
        <span class={model.commercial ? "tag" : "tag warn"}>
          {model.licence}
          {!model.commercial && ` · ${say("models.not_commercial")}`}
        </span>
        {model.installed && <span class="tag good">{say("models.installed")}</span>}
      </div>
      <dl>
        <div>
          <dt>{say("models.size")}</dt>
          <dd>{model.bytes == null ? "–" : bytes(model.bytes)}</dd>
        </div>
        <div>
          <dt>{say("models.parameters")}</dt>
          <dd>{millions(model.parameters)}</dd>
        </div>
        <div>
          <dt>{say("models.time")}</dt>
          <dd>{milliseconds(model.ms_on_this_machine)}</dd>
        </div>
      </dl>
      {task ? (
        <div class="row">
          <progress max={task.total_bytes ?? 1} value={task.done_bytes} aria-label={model.name} />
          {task.left_s != null && <span>{say("queue.left", { time: clock(task.left_s) })}</span>}
          <Button kind="quiet" icon="close" label={say("models.stop", { name: model.name })}
            onPress={() => void callOff(task)} />
        </div>
      ) : (
        <div class="row">
          {!model.installed && (
            <Button icon="download" onPress={onFetch}>
              {say("models.pull")}
            </Button>
          )}
          {model.installed && model.bytes != null && (
            <Button kind="quiet" icon="trash" label={say("models.remove", { name: model.name })} onPress={drop} />
          )}
        </div>
      )}
    </li>
  );
}

interface QuestionFields {
  model: Model;
  /** The model that was asked for, where this is one that comes along. */
  neededBy: Model | null;
  onAccepted: () => void;
  onClose: () => void;
}

function LicenceQuestion({ model, neededBy, onAccepted, onClose }: QuestionFields): JSX.Element {
  const accept = async (): Promise<void> => {
    try {
      await post(`/models/${model.name}/accept`, { licence: model.licence });
      onAccepted();
    } catch (error) {
      complain(error);
    }
  };
  return (
    <Dialog title={say("licence.title", { name: model.name })} onClose={onClose}>
      {neededBy && <p>{say("licence.needed", { name: neededBy.title })}</p>}
      <p>{say("licence.text", { licence: model.licence })}</p>
      {!model.commercial && <p class="alarm">{say("licence.not_commercial")}</p>}
      <p>
        <a href={model.licence_text_url} target="_blank" rel="noopener noreferrer">
          {say("licence.read")}
        </a>
      </p>
      <div class="row">
        <Button kind="main" onPress={() => void accept()}>
          {say("licence.accept")}
        </Button>
        <Button onPress={onClose}>{say("licence.decline")}</Button>
      </div>
    </Dialog>
  );
}
