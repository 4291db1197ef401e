/** Models on their way to this machine: how far each is. */

import { loadModels } from "../server/data";
import { Problem } from "../server/problem";
import { get, post, remove } from "../server/request";
import type { Task } from "../server/types";
import { complain, tell } from "../state/notices";
import { Store } from "../state/store";
import { say } from "../text/translate";

const LOOK_AGAIN_MS = 500;

/** The running task of each model, by the model's name. */
export const tasks = new Store<Readonly<Record<string, Task>>>({});

function put(model: string, task: Task | null): void {
  const next = { ...tasks.value };
  if (task) next[model] = task;
  else delete next[model];
  tasks.value = next;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function follow(model: string, id: string): Promise<void> {
  for (;;) {
    const task = { ...(await get<Task>(`/tasks/${id}`)), id };
    put(model, task);
    if (task.state === "failed" && task.error) throw new Problem(task.error.code, task.error.detail, 0);
    if (task.state === "done") tell(say("models.pulled", { name: model }));
    if (task.state !== "running" && task.state !== "waiting") return;
    await wait(LOOK_AGAIN_MS);
  }
}

/** Fetches a model, after its licence was accepted. */
export async function pull(model: string): Promise<void> {
  try {
    const { task } = await post<{ task: string }>(`/models/${model}/pull`);
    await follow(model, task);
    await loadModels();
  } catch (error) {
    complain(error);
  }
  put(model, null);
}

export async function callOff(task: Task): Promise<void> {
  await remove(`/tasks/${task.id}`).catch(complain);
}
