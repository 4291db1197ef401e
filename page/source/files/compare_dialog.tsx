/** What came of a job, over what it was made from; both play together. */

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { Dialog } from "../parts/dialog";
import { Wipe } from "../parts/wipe";
import { API } from "../server/request";
import type { Job } from "../server/types";
import { say } from "../text/translate";

const TOGETHER_S = 0.08;

export function CompareDialog({ job, onClose }: { job: Job; onClose: () => void }): JSX.Element {
  const [at, setAt] = useState(0.5);
  const [ratio, setRatio] = useState(4 / 3);
  const clip = { clipPath: `inset(0 0 0 ${100 * at}%)` };
  const before = `${API}/jobs/${job.id}/target`;
  const after = `${API}/jobs/${job.id}/result`;
  return (
    <Dialog title={job.target.name} onClose={onClose} wide>
      <div class="picture" style={{ "--ratio": String(ratio) }}>
        {job.target.kind === "video" ? (
          <Pair
            before={before}
            after={after}
            clip={clip}
            onRatio={setRatio}
            onUnplayable={() => setAt(0)}
          />
        ) : (
          <>
            <img
              src={before}
              alt={say("wipe.before")}
              onLoad={({ currentTarget: image }) => setRatio(image.naturalWidth / image.naturalHeight)}
            />
            <img class="after" src={after} alt={say("wipe.after")} style={clip} />
          </>
        )}
        <Wipe at={at} onMove={setAt} />
      </div>
    </Dialog>
  );
}

interface PairFields {
  before: string;
  after: string;
  clip: { clipPath: string };
  onRatio: (ratio: number) => void;
  /** The browser does not play what was there before. */
  onUnplayable: () => void;
}

function Pair({ before, after, clip, onRatio, onUnplayable }: PairFields): JSX.Element {
  const follower = useRef<HTMLVideoElement>(null);
  const leader = useRef<HTMLVideoElement>(null);
  const [playing, setPlaying] = useState(false);
  const [share, setShare] = useState(0);
  const follow = (): void => {
    const [one, other] = [leader.current, follower.current];
    if (!one || !other) return;
    if (Math.abs(one.currentTime - other.currentTime) > TOGETHER_S) other.currentTime = one.currentTime;
    setShare(one.duration ? one.currentTime / one.duration : 0);
  };
  const toggle = (): void => {
    for (const video of [leader.current, follower.current]) {
      if (playing) video?.pause();
      else video?.play().catch(() => undefined); // a format that browsers do not play
    }
    setPlaying(!playing);
  };
  return (
    <>
      <video ref={follower} src={before} muted playsInline preload="auto" onError={onUnplayable} />
      <video
        ref={leader}
        class="after"
        src={after}
        playsInline
        preload="auto"
        style={clip}
        onTimeUpdate={follow}
        onEnded={() => setPlaying(false)}
        onLoadedMetadata={({ currentTarget: video }) => onRatio(video.videoWidth / video.videoHeight)}
      />
      <div class="player">
        <button type="button" class="button" onClick={toggle}>
          {say(playing ? "player.pause" : "player.play")}
        </button>
        <input
          type="range"
          min={0}
          max={1}
          step={0.001}
          value={share}
          aria-label={say("preview.moment")}
          onInput={(event) => {
            const { current } = leader;
            if (current?.duration) current.currentTime = Number(event.currentTarget.value) * current.duration;
            follow();
          }}
        />
      </div>
    </>
  );
}
