"""Kill -9 the farm at random moments, have it go on, and compare what comes out.

A real clip with sound is swapped once undisturbed. Then the same is done again and again while a
worker, the driver or, with ``--ray``, a machine of a cluster is killed, until there were as many
kills as were asked for. Every output has to have the frames, their times, the coded pictures, the
decoded pixels and the sound of the undisturbed one; no finished segment may be done twice, no
worker may outlive its driver, and nothing may be left beside the output.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import psutil

_ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(_ROOT / "tests" / "apps"))

from talking_film import make_film  # noqa: E402

_DONOR = _ROOT / "tests" / "media" / "mona_lisa.jpg"
_FARM = (sys.executable, "-m", "masquerade", "farm")
_PATIENCE_S = 900.0
_ORPHAN_S = 20.0
_ON_A_NODE = re.compile(r"ray::(scout|segment|pictures)")
"""What Ray calls a process that does a task of ours."""
_STARTS = 4
"""How often a node is tried to be started: Ray gives each half a minute."""


@dataclass(frozen=True)
class Film:
    """What is compared of two films.

    Attributes:
        times: of each packet in each stream, in its time base: presented, decoded.
        coded: SHA-256 of the coded data of each stream.
        pixels: SHA-256 of the decoded pictures.
        frames: how many there are.
    """

    times: tuple[tuple[tuple[int | None, int | None], ...], ...]
    coded: tuple[str, ...]
    pixels: str
    frames: int

    @staticmethod
    def read(path: Path) -> Film:
        times, coded = [], []
        with av.open(str(path)) as film:
            for stream in film.streams:
                digest, moments = hashlib.sha256(), []
                film.seek(0)
                for packet in film.demux(stream):
                    if packet.size:
                        digest.update(bytes(packet))
                        moments.append((packet.pts, packet.dts))
                times.append(tuple(moments))
                coded.append(digest.hexdigest())
        digest, frames = hashlib.sha256(), 0
        with av.open(str(path)) as film:
            for frame in film.decode(video=0):
                digest.update(frame.to_ndarray())
                frames += 1
        return Film(tuple(times), tuple(coded), digest.hexdigest(), frames)

    def differences(self, other: Film) -> list[str]:
        names = ("times", "coded", "pixels", "frames")
        return [name for name in names if getattr(self, name) != getattr(other, name)]


class Cluster:
    """Two machines of Ray on this one, of one core each; the second may be killed."""

    def __init__(self) -> None:
        from masquerade.apps.farm.ray_session import LOOPBACK_ENVIRONMENT

        os.environ.update(LOOPBACK_ENVIRONMENT)
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        from ray.cluster_utils import Cluster as RayCluster

        head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 128 * 2**20}
        self._cluster = RayCluster(initialize_head=True, head_node_args=head)
        self.address: str = self._cluster.address
        self._second: Any = None
        self.mend()

    def kill(self) -> None:
        self._cluster.remove_node(self._second, allow_graceful=False)
        self._second = None

    def mend(self) -> None:
        for attempt in range(_STARTS):
            if self._second is not None:
                return
            try:
                self._second = self._cluster.add_node(num_cpus=1, object_store_memory=128 * 2**20)
            except Exception as error:  # Ray says so of a machine that is busy
                print(f"a node did not start ({error})", flush=True)
                if attempt + 1 == _STARTS:
                    raise

    def close(self) -> None:
        self._cluster.shutdown()


@dataclass
class Chaos:
    """One run of all kills.

    Attributes:
        folder: of film, jobs and outputs.
        kills: how many there are to be.
        cluster: None for processes of this machine.
        moments: decides who is killed and when.
        problems: what must not be, in words.
    """

    folder: Path
    kills: int
    cluster: Cluster | None
    moments: random.Random
    problems: list[str] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    undisturbed_s: float = 0.0

    def run(self) -> None:
        begun_s = time.monotonic()
        job = self._submit("undisturbed")
        with self._driver() as driver:
            driver.wait(_PATIENCE_S)
        self.undisturbed_s = time.monotonic() - begun_s
        expected = self._output(job, "undisturbed")
        print(f"undisturbed: {expected.frames} frames in {self.undisturbed_s:.0f} s", flush=True)
        round_ = 0
        while self.killed.total() < self.kills and not self.problems:
            round_ += 1
            name = f"disturbed-{round_}"
            job = self._submit(name)
            before, begun_s = self.killed.copy(), time.monotonic()
            self._disturb(job)
            if self.killed == before:  # the machine is quicker now: kills have to come sooner
                self.undisturbed_s = min(self.undisturbed_s, time.monotonic() - begun_s)
            found = self._output(job, name)
            wrong = found.differences(expected)
            self.problems += [f"{name}: other {what}" for what in wrong]
            words = ", ".join(f"{n} {who}" for who, n in (self.killed - before).items()) or "nobody"
            print(f"{name}: killed {words}; {'other ' + ', '.join(wrong) if wrong else 'the same'}")
            sys.stdout.flush()

    def _disturb(self, job: str) -> None:
        """Have a job done, whatever happens, and make things happen."""
        until_s = time.monotonic() + _PATIENCE_S
        while (state := self._state(job)) != "done":
            if time.monotonic() > until_s:
                raise SystemExit(f"The job is {state} after {_PATIENCE_S:.0f} s.")
            if state == "failed":  # a piece whose worker was killed time and again
                self._farm("retry", job)
            if self.cluster is not None:
                self.cluster.mend()
            with self._driver() as driver:
                self._attack(driver)

    def _attack(self, driver: subprocess.Popen[bytes]) -> None:
        while driver.poll() is None:
            wait_s = self.moments.uniform(0.02, 0.5) * max(4.0, self.undisturbed_s)
            if self.killed.total() >= self.kills:
                driver.wait(_PATIENCE_S)
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                driver.wait(wait_s)
                return
            who = self.moments.choice(["worker", "driver", *(["node"] if self.cluster else [])])
            if who == "driver":
                self._kill_driver(driver)
                return
            if who == "node":
                assert self.cluster is not None
                self.cluster.kill()
                self.killed["node"] += 1
                time.sleep(self.moments.uniform(0.0, 3.0))
                self.cluster.mend()
            elif (worker := self._worker(driver)) is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.kill()
                    self.killed["worker"] += 1

    def _kill_driver(self, driver: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(driver.pid).children(recursive=True)
            driver.send_signal(signal.SIGKILL)
            driver.wait()
            self.killed["driver"] += 1
            _gone, left = psutil.wait_procs(children, _ORPHAN_S)
            self.problems += [f"a worker outlived its driver by {_ORPHAN_S:.0f} s" for _ in left]

    def _worker(self, driver: subprocess.Popen[bytes]) -> psutil.Process | None:
        """One of the processes that work: the driver's own, or those of the cluster."""
        top = psutil.Process() if self.cluster else psutil.Process(driver.pid)
        found = []
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in top.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    words = " ".join(process.cmdline())
                    if "masquerade.apps.farm.worker" in words or _ON_A_NODE.match(words):
                        found.append(process)
        return self.moments.choice(found) if found else None

    def _submit(self, name: str) -> str:
        file = self.folder / f"{name}.toml"
        file.write_text(
            f'targets = "film.mp4"\noutput = "{name}/film.mp4"\ndonor = "donor.jpg"\n'
            'consent = "public-domain"\nsegment_s = 1\n'
        )
        return str(self._farm("submit", file)["jobs"][0]["id"])

    @contextlib.contextmanager
    def _driver(self) -> Iterator[subprocess.Popen[bytes]]:
        who = ["--ray", self.cluster.address] if self.cluster else ["--workers", "2"]
        with (self.folder / "driver.log").open("ab") as log:
            driver = subprocess.Popen([*_FARM, "run", *who], stdout=log, stderr=log)
            try:
                yield driver
            finally:
                if driver.poll() is None:
                    driver.kill()
                    driver.wait()

    def _farm(self, *words: object) -> dict[str, Any]:
        done = subprocess.run(
            [*_FARM, *map(str, words), "--json"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"farm {words[0]}: {done.stdout}{done.stderr}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    def _state(self, job: str) -> str:
        return str(self._farm("status", job)["job"]["state"])

    def _output(self, job: str, name: str) -> Film:
        """The film, after a look at what else was to be."""
        facts = self._farm("status", job)["job"]
        if facts["state"] != "done":
            log = (self.folder / "driver.log").read_text(errors="replace")[-2000:]
            raise SystemExit(f"{name} is {facts['state']}: {facts['error']}\n{log}")
        left = sorted(path.name for path in (self.folder / name).iterdir())
        if left != ["film.mp4"]:
            self.problems.append(f"{name}: left over: {left}")
        lines = [line["text"] for line in self._farm("logs", job)["lines"]]
        finished = Counter(line.partition(":")[0] for line in lines if " frames in " in line)
        twice = [segment for segment, times in finished.items() if times > 1]
        if twice:
            self.problems.append(f"{name}: done twice: {', '.join(twice)}")
        return Film.read(self.folder / name / "film.mp4")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--frames", type=int, default=250, help="of the clip, 25 a second")
    parser.add_argument("--ray", action="store_true", help="two machines of a Ray cluster")
    parser.add_argument("--seed", type=int, help="the same kills again, as far as time allows")
    args = parser.parse_args()
    seed = secrets.randbelow(2**32) if args.seed is None else args.seed
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="masquerade-chaos-") as name:
        folder = Path(name)
        os.environ["MASQUERADE_HOME"] = str(folder / "home")
        make_film(folder / "film.mp4", args.frames)
        (folder / "donor.jpg").write_bytes(_DONOR.read_bytes())
        cluster = Cluster() if args.ray else None
        chaos = Chaos(folder, args.kills, cluster, random.Random(seed))
        try:
            chaos.run()
        finally:
            if cluster is not None:
                cluster.close()
    words = ", ".join(f"{times} {who}" for who, times in sorted(chaos.killed.items()))
    print(f"{chaos.killed.total()} kills ({words}): {'; '.join(chaos.problems) or 'all the same'}")
    return 1 if chaos.problems else 0


if __name__ == "__main__":
    sys.exit(main())
