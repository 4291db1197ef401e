"""HLS, as a web server serves it and FFmpeg plays it."""

from __future__ import annotations

import functools
import http.server
import subprocess
import threading
from pathlib import Path

import pytest
from receivers import (
    INFO,
    Voice,
    check_times,
    frame,
    noisy,
    onset,
    open_descriptors,
    pictures,
    sound_of,
)

from masquerade.core.errors import EncoderError, OutputError, OutputExistsError
from masquerade.core.protocols import Sink
from masquerade.media.live_sinks.hls import HlsSink
from masquerade.media.live_sinks.options import SinkOptions
from masquerade.media.live_sinks.programme import TITLE
from masquerade.media.sound import Sound
from masquerade.testing import no_leaked_threads


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path):
    """The folder and its address on a real web server."""
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield tmp_path, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def show(path: Path, count: int, sound: Sound | None = None) -> HlsSink:
    sink = HlsSink(path, INFO, SinkOptions(sound=sound))
    voice = Voice(sound, lambda t: 0.5 * (t >= 2.0)) if sound else None
    for number in range(count):
        if voice:
            voice((number + 1) / 30)
        sink.write(frame(number))
    return sink


def test_a_browser_s_way_through_the_stream(served: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = served
    before = open_descriptors()
    with no_leaked_threads():
        sink = show(folder / "show.m3u8", 130, Sound())
        assert isinstance(sink, Sink)
        playing = (folder / "show.m3u8").read_text()
        assert "#EXT-X-ENDLIST" not in playing
        assert "#EXT-X-INDEPENDENT-SEGMENTS" in playing
        assert "show-00000.ts" in playing
        sink.commit()
    assert open_descriptors() == before
    assert (folder / "show.m3u8").read_text().rstrip().endswith("#EXT-X-ENDLIST")
    out = tmp_path / "out.mkv"
    command = ["ffmpeg", "-v", "error", "-i", f"{url}/show.m3u8", "-c", "copy", str(out)]
    subprocess.run(command, check=True, timeout=20)
    found = pictures(out)
    assert [number for number, _, _ in found] == list(range(130))
    check_times(found)
    samples, begin = sound_of(out)
    assert abs(onset(samples, begin, 1.5) - found[60][1]) < 0.04


def test_every_segment_plays_by_itself(tmp_path: Path) -> None:
    show(tmp_path / "show.m3u8", 130).commit()
    segments = sorted(tmp_path.glob("*.ts"))
    assert [item.name for item in segments] == [f"show-{n:05d}.ts" for n in range(3)]
    first = [pictures(item)[0] for item in segments]
    assert [(number, key) for number, _, key in first] == [(0, True), (60, True), (120, True)]
    assert all(TITLE.encode() in item.read_bytes() for item in segments)


def test_old_segments_are_deleted_and_strangers_are_left_alone(tmp_path: Path) -> None:
    strangers = ["show.txt", "show-1.ts", "other-00000.ts", "show-extra-00000.ts"]
    for name in strangers:
        (tmp_path / name).write_text("mine")
    sink = show(tmp_path / "show.m3u8", 60 * 11)
    sink.commit()
    lines = (tmp_path / "show.m3u8").read_text().splitlines()
    listed = [line for line in lines if line.endswith(".ts")]
    assert listed == [f"show-{n:05d}.ts" for n in range(5, 11)]
    there = {item.name for item in tmp_path.iterdir()}
    assert there >= {*listed, *strangers, "show.m3u8"}
    assert len(there - {*listed, *strangers, "show.m3u8"}) <= 1  # one more for slow players
    assert all((tmp_path / name).read_text() == "mine" for name in strangers)


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    path = tmp_path / "new" / "show.m3u8"
    show(path, 70).commit()
    with pytest.raises(OutputExistsError):
        HlsSink(path, INFO, SinkOptions())
    path.unlink()
    with pytest.raises(OutputExistsError, match=r"show-00001\.ts exists"):
        HlsSink(path, INFO, SinkOptions())
    sink = HlsSink(path, INFO, SinkOptions(overwrite=True))
    sink.write(frame(7))
    sink.commit()
    assert [item.name for item in sorted(path.parent.iterdir())] == ["show-00000.ts", "show.m3u8"]
    assert pictures(path.parent / "show-00000.ts")[0][0] == 7


def test_an_empty_stream_leaves_nothing_and_a_broken_one_ends(tmp_path: Path) -> None:
    HlsSink(tmp_path / "a.m3u8", INFO, SinkOptions()).abort()
    with pytest.raises(OutputError, match="No frame"):
        HlsSink(tmp_path / "a.m3u8", INFO, SinkOptions()).commit()
    assert not list(tmp_path.iterdir())
    sink = show(tmp_path / "b.m3u8", 70)
    sink.abort()
    sink.abort()
    sink.commit()
    assert (tmp_path / "b.m3u8").read_text().rstrip().endswith("#EXT-X-ENDLIST")


def test_bad_places(tmp_path: Path) -> None:
    (tmp_path / "folder.m3u8").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        HlsSink(tmp_path / "folder.m3u8", INFO, SinkOptions(overwrite=True))
    with pytest.raises(OutputError, match="no folder"):
        HlsSink(tmp_path / "no" / "such" / "a.m3u8", INFO, SinkOptions())
    with pytest.raises(EncoderError):
        HlsSink(tmp_path / "a.m3u8", INFO, SinkOptions(encoder="libvpx-vp9"))


def test_names_with_signs_that_ffmpeg_knows(tmp_path: Path) -> None:
    path = tmp_path / "100% a:b.m3u8"
    show(path, 10).commit()
    with pytest.raises(OutputError, match="place for a number"):
        HlsSink(tmp_path / "a%03d.m3u8", INFO, SinkOptions())
    names = {item.name for item in tmp_path.iterdir()}
    assert names == {"100% a:b-00000.ts", "100% a:b.m3u8"}


def test_a_full_disk_ends_the_stream(tmp_path: Path) -> None:
    import resource

    sink = HlsSink(tmp_path / "a.m3u8", INFO, SinkOptions(bitrate=8_000_000))
    for number in range(65):
        sink.write(frame(number))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    try:
        with pytest.raises(OutputError, match="largest file size"):
            for number in range(65, 300):
                sink.write(noisy(number))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    sink.abort()
    lines = (tmp_path / "a.m3u8").read_text().splitlines()
    assert lines[0] == "#EXTM3U"
    assert "a-00000.ts" in lines
    assert lines[-1] == "#EXT-X-ENDLIST"
    assert [number for number, _, _ in pictures(tmp_path / "a-00000.ts")] == list(range(60))
