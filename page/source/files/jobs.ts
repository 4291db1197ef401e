/** The queue as the server tells it, one event for each change. */

import { API, get, post, remove } from "../server/request";
import type { Job } from "../server/types";
import { complain } from "../state/notices";
import { Store } from "../state/store";
import { asked } from "./asked";
import { draft, forget, type Target } from "./draft";

export const jobs = new Store<readonly Job[] | null>(null);

function put(changed: readonly Job[]): void {
  const byId = new Map((jobs.value ?? []).map((job) => [job.id, job]));
  for (const job of changed) byId.set(job.id, job);
  jobs.value = [...byId.values()].sort((a, b) => b.created.localeCompare(a.created));
}

export async function loadJobs(): Promise<void> {
  try {
    jobs.value = await get<Job[]>("/jobs?limit=100");
  } catch (error) {
    complain(error);
  }
}

/** Hears of changes until the function that is returned is called. */
export function followJobs(): () => void {
  const events = new EventSource(`${API}/jobs/events`);
  events.addEventListener("job", (event: MessageEvent<string>) => {
    put([JSON.parse(event.data) as Job]);
  });
  events.addEventListener("gone", (event: MessageEvent<string>) => {
    const { id } = JSON.parse(event.data) as { id: string };
    jobs.value = (jobs.value ?? []).filter((job) => job.id !== id);
  });
  events.onopen = () => void loadJobs();
  return () => events.close();
}

/** Puts targets into the queue and takes them out of the draft. */
export async function begin(targets: readonly Target[]): Promise<void> {
  const special = targets.filter((target) => target.mapped.length || target.guardian);
  const alike = targets.filter((target) => !special.includes(target));
  const groups = [alike, ...special.map((one) => [one])];
  for (const group of groups) {
    const common = asked(draft.value, group[0]);
    if (!group.length || !common) continue;
    const ids = group.map((target) => target.id);
    put(await post<Job[]>("/jobs", { targets: ids, ...common, video: null }));
    forget(ids);
  }
}

export async function retry(id: string): Promise<void> {
  put([await post<Job>(`/jobs/${id}/retry`)]);
}

/** Cancels a job that is under way; forgets one that has ended, with its files. */
export async function drop(job: Job): Promise<void> {
  await remove(`/jobs/${job.id}`);
  const ended = job.state !== "waiting" && job.state !== "running";
  if (ended) jobs.value = (jobs.value ?? []).filter((one) => one.id !== job.id);
  else await loadJobs();
}
