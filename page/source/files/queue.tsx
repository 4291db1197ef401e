/** The jobs: how far each is, how long it will take, what came of it. */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "../parts/button";
import { API } from "../server/request";
import { Problem } from "../server/problem";
import type { Job } from "../server/types";
import { complain } from "../state/notices";
import { useStore } from "../state/store";
import { bytes, clock, moment, number, percent } from "../text/numbers";
import { say } from "../text/translate";
import { CompareDialog } from "./compare_dialog";
import { drop, followJobs, jobs, retry } from "./jobs";

export function Queue(): JSX.Element {
  const all = useStore(jobs);
  const [compared, setCompared] = useState<Job | null>(null);
  useEffect(followJobs, []);
  return (
    <section class="card queue" aria-labelledby="queue-title">
      <h2 id="queue-title">{say("queue.title")}</h2>
      {all?.length === 0 && <p class="hint">{say("queue.empty")}</p>}
      <ul>
        {(all ?? []).map((job) => (
          <Row key={job.id} job={job} onCompare={() => setCompared(job)} />
        ))}
      </ul>
      {compared && <CompareDialog job={compared} onClose={() => setCompared(null)} />}
    </section>
  );
}

function detail(job: Job): string {
  if (job.state === "failed" && job.error) {
    return Problem.sentence(new Problem(job.error.code, job.error.detail, 0));
  }
  if (job.state === "done" && job.result) return `${bytes(job.result.bytes)} · ${moment(job.created)}`;
  if (job.state !== "running") return moment(job.created);
  const parts = [percent(job.progress)];
  if (job.fps) parts.push(say("queue.fps", { value: number(job.fps, 1) }));
  if (job.left_s != null) parts.push(say("queue.left", { time: clock(job.left_s) }));
  return parts.join(" · ");
}

function Row({ job, onCompare }: { job: Job; onCompare: () => void }): JSX.Element {
  const trying = (work: Promise<void>): void => void work.catch(complain);
  const under = job.state === "waiting" || job.state === "running";
  return (
    <li class={`job ${job.state}`}>
      <div class="job-name">
        <strong>{job.target.name}</strong>
        <span class="state">{say(`job.${job.state}`)}</span>
      </div>
      {under && <progress max={1} value={job.progress} aria-label={job.target.name} />}
      <p class="job-detail">{detail(job)}</p>
      <div class="row">
        {job.state === "done" && (
          <>
            <Button icon="compare" onPress={onCompare}>
              {say("queue.compare")}
            </Button>
            <a class="button" href={`${API}/jobs/${job.id}/result`} download={job.result?.name ?? ""}>
              {say("queue.download")}
            </a>
            {job.result?.credentials && (
              <a
                class="button"
                href={`${API}/jobs/${job.id}/credentials`}
                download=""
                title={say("queue.credentials_help")}
              >
                {say("queue.credentials")}
              </a>
            )}
          </>
        )}
        {(job.state === "failed" || job.state === "cancelled") && (
          <Button onPress={() => trying(retry(job.id))}>{say("queue.retry")}</Button>
        )}
        <Button
          kind="quiet"
          icon={under ? "stop" : "trash"}
          label={say(under ? "queue.cancel" : "queue.forget", { name: job.target.name })}
          onPress={() => trying(drop(job))}
        />
      </div>
    </li>
  );
}
