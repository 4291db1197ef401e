"""Recordings: picture, sound, tags, and what is left when something goes wrong."""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from receivers import (
    INFO,
    SIZE,
    Voice,
    coded,
    frame,
    noisy,
    onset,
    open_descriptors,
    pictures,
    sound_of,
)

from masquerade.core.disclosure import Disclosure
from masquerade.core.errors import EncoderError, OutputError, OutputExistsError
from masquerade.core.frame import Frame
from masquerade.core.protocols import Sink, SourceInfo
from masquerade.media.live_sinks.options import SinkOptions
from masquerade.media.live_sinks.recording import RecordingSink
from masquerade.media.sound import Sound
from masquerade.testing import no_leaked_threads

DISCLOSURE = Disclosure(b"<x:xmpmeta>made here</x:xmpmeta>", {"comment": "AI", "AIGC": '{"a":1}'})
SUFFIXES = (".mp4", ".mov", ".mkv", ".webm")
FLASHES = (20, 65)  # numbers of the frames at which it flashes and beeps
FLASH_FRAMES = 4


def probe(path: Path, *entries: str) -> dict:
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", *entries]
    return json.loads(subprocess.check_output([*command, str(path)]))


def beep(times: np.ndarray) -> np.ndarray:
    """A tone that begins with each flash and lasts as long."""
    on = np.zeros(times.shape, bool)
    for number in FLASHES:
        on |= (times >= number / 30) & (times < (number + FLASH_FRAMES) / 30)
    return np.where(on, 0.5 * np.cos(2 * np.pi * 1000 * times), 0.0)


def flashing(number: int, at: int = 0) -> Frame:
    plain = frame(number, at=at)
    if any(first <= number < first + FLASH_FRAMES for first in FLASHES):
        plain.pixels = np.full_like(plain.pixels, 255)
    return plain


def flash_times(path: Path) -> list[float]:
    import av

    times, was = [], False
    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            bright = picture.to_ndarray(format="gray").mean() > 220
            if bright and not was:
                times.append(float(picture.pts * picture.time_base))
            was = bright
    return times


def record(path: Path, count: int = 90, *, at: int = 0, silent_s: float = 0.0) -> RecordingSink:
    """``count`` frames with flashes and beeps; ``silent_s``: the microphone starts so late."""
    sound = Sound()
    sink = RecordingSink(path, INFO, SinkOptions(sound=sound, disclosure=DISCLOSURE))
    voice = Voice(sound, lambda times: beep(times - at / 1e6))
    voice._at = round((at / 1e6 + silent_s) * 48000)
    for number in range(count):
        voice(at / 1e6 + (number + 1) / 30)
        sink.write(flashing(number, at))
    return sink


def check_sync(path: Path) -> None:
    samples, begin = sound_of(path)
    flashes = flash_times(path)
    assert len(flashes) == len(FLASHES)
    for flash, number in zip(flashes, FLASHES, strict=True):
        assert abs(flash - number / 30) < 0.003
        assert abs(onset(samples, begin, flash - 0.2) - flash) < 0.025


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_picture_and_sound_stay_together(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    record(path).commit()
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
    check_sync(path)
    facts = probe(path, "-count_frames")
    video = next(item for item in facts["streams"] if item["codec_type"] == "video")
    assert int(video["nb_read_frames"]) == 90
    assert abs(float(facts["format"]["duration"]) - 3.0) < 0.06
    assert video["pix_fmt"] == "yuv420p"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_late_start_and_a_late_microphone_shift_nothing(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    record(path, at=7_340_000, silent_s=0.4).commit()
    check_sync(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_disclosure_is_in_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    record(path, 10).commit()
    tags = {key.lower(): value for key, value in probe(path)["format"]["tags"].items()}
    assert tags["comment"] == "AI"
    assert tags["aigc"] == '{"a":1}'
    if suffix in (".mp4", ".mov"):
        data = path.read_bytes()
        assert data.endswith(DISCLOSURE.xmp)
        assert data.count(bytes.fromhex("be7acfcb97a942e89c71999491e3afac")) == 1


def test_an_mp4_has_an_ordinary_index_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    record(path).commit()
    data = path.read_bytes()
    assert b"moov" in data
    assert probe(path)["streams"][0]["nb_frames"] == "90"


def test_times_are_the_frames_own(tmp_path: Path) -> None:
    times = [0, 33_000, 50_000, 210_000, 250_000, 251_000, 900_000]
    path = tmp_path / "out.mkv"
    sink = RecordingSink(path, INFO, SinkOptions())
    for number, pts in enumerate(times):
        sink.write(Frame(coded(number), number, 1_000_000 + pts, Fraction(1, 1_000_000)))
    sink.write(Frame(coded(99), 99, 1_900_000, Fraction(1, 1_000_000)))  # time stood still
    sink.commit()
    found = pictures(path)
    assert [number for number, _, _ in found] == list(range(len(times)))
    assert [round(at, 3) for _, at, _ in found] == [pts / 1_000_000 for pts in times]


def test_key_frames_come_every_two_seconds(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    sink = RecordingSink(path, INFO, SinkOptions())
    for number in range(150):
        sink.write(frame(number, rate=24))  # slower than announced
    sink.commit()
    keys = [at for _, at, key in pictures(path) if key]
    gaps = np.diff(keys)
    assert keys[0] == 0
    assert gaps.max() < 2.1


def test_odd_sizes_and_sizes_that_change(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    info = SourceInfo((321, 241), None, Fraction(30), None, live=True)
    sink = RecordingSink(path, info, SinkOptions())
    assert "column and row" in sink.notices[0]
    sink.write(frame(1, size=(321, 241)))
    sink.write(frame(2, size=(640, 480)))
    sink.write(frame(3, size=(120, 400)))
    sink.commit()
    stream = probe(path, "-count_frames")["streams"][0]
    assert (stream["width"], stream["height"], stream["nb_read_frames"]) == (320, 240, "3")
    assert [number for number, _, _ in pictures(path)][:2] == [1, 2]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_can_be_played_at_any_moment(tmp_path: Path, suffix: str) -> None:
    sink = record(tmp_path / f"out{suffix}")
    copy = tmp_path / f"copy{suffix}"
    copy.write_bytes(sink.partial_path.read_bytes())
    sink.abort()
    found = pictures(copy)
    assert len(found) >= 55
    assert "comment" in {key.lower() for key in probe(copy)["format"]["tags"]}
    samples, begin = sound_of(copy)
    flash = flash_times(copy)[0]
    assert abs(onset(samples, begin, flash - 0.2) - flash) < 0.025


KILLED = """
import sys
import threading
from fractions import Fraction
sys.path.insert(0, sys.argv[2])
from receivers import INFO, frame
from masquerade.media.live_sinks.options import SinkOptions
from masquerade.media.live_sinks.recording import RecordingSink
sink = RecordingSink(sys.argv[1], INFO, SinkOptions())
for number in range(100):
    sink.write(frame(number))
print("written", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_killed_program_leaves_a_file_that_plays(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    command = [sys.executable, "-c", KILLED, str(path), str(Path(__file__).parent)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdout.readline() == b"written\n"
        process.kill()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".out-")
    assert left.name.endswith(f".part{suffix}")
    found = pictures(left)
    assert [number for number, _, _ in found] == list(range(len(found)))
    assert len(found) > 60


@contextlib.contextmanager
def small_disk(folder: Path, size: str):
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextlib.contextmanager
def small_files(size: int):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fill(sink: Sink, sound: Sound) -> tuple[int, OutputError]:
    """Write until it fails; how many frames were written, and what was said."""
    voice = Voice(sound)
    for number in range(400):
        voice((number + 1) / 30)
        try:
            sink.write(noisy(number))
        except OutputError as error:
            return number, error
    raise AssertionError("the disk never filled")


def check_cut_off(path: Path, written: int, error: OutputError) -> None:
    assert str(path) in str(error)
    assert str(error).endswith("holds it until then.")
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    found = pictures(path)
    assert [number for number, _, _ in found] == list(range(len(found)))
    assert len(found) > written - 45
    samples, _ = sound_of(path)
    assert abs(len(samples) / 48000 - len(found) / 30) < 1.1
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-f", "null", "-"], check=True)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk_ends_the_recording_and_keeps_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    with small_disk(tmp_path, "1m"), no_leaked_threads():
        sound = Sound()
        sink = RecordingSink(path, INFO, SinkOptions(sound=sound, bitrate=3_000_000))
        written, error = fill(sink, sound)
        assert "The disk is full" in str(error)
        check_cut_off(path, written, error)
        sink.abort()
        sink.commit()
        assert path.exists()
        with pytest.raises(OutputError, match="finished"):
            sink.write(frame(999))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_may_not_grow_is_kept(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    sound = Sound()
    sink = RecordingSink(path, INFO, SinkOptions(sound=sound, bitrate=3_000_000))
    with small_files(900_000):
        written, error = fill(sink, sound)
    assert "File too large" in str(error)
    check_cut_off(path, written, error)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_disk_that_fills_at_the_very_end(tmp_path: Path, suffix: str) -> None:
    """The index does not fit any more: the file stays as it was before."""
    path = tmp_path / f"out{suffix}"
    sound = Sound()
    sink = RecordingSink(path, INFO, SinkOptions(sound=sound, disclosure=DISCLOSURE))
    voice = Voice(sound)
    for number in range(90):
        voice((number + 1) / 30)
        sink.write(frame(number))
    with small_files(sink.partial_path.stat().st_size + 100), pytest.raises(OutputError) as caught:
        sink.commit()
    check_cut_off(path, 90, caught.value)


def test_an_aborted_recording_is_kept_unless_it_is_empty(tmp_path: Path) -> None:
    sink = record(tmp_path / "kept.mp4", 20)
    sink.abort()
    sink.abort()
    sink.commit()
    assert len(pictures(tmp_path / "kept.mp4")) == 20
    RecordingSink(tmp_path / "empty.mp4", INFO, SinkOptions()).abort()
    empty = RecordingSink(tmp_path / "empty.mp4", INFO, SinkOptions())
    with pytest.raises(OutputError, match="No frame"):
        empty.commit()
    assert [item.name for item in tmp_path.iterdir()] == ["kept.mp4"]


@pytest.mark.parametrize("end", ["abort", "commit"])
def test_another_thread_may_end_it(tmp_path: Path, end: str) -> None:
    sink = RecordingSink(tmp_path / "out.mp4", INFO, SinkOptions())
    enough, said = threading.Event(), []

    def write() -> None:
        try:
            for number in range(10_000):
                sink.write(frame(number))
                if number == 20:
                    enough.set()
        except OutputError as error:
            said.append(str(error))

    thread = threading.Thread(target=write)
    thread.start()
    assert enough.wait(20)
    getattr(sink, end)()
    thread.join()
    assert "is finished" in said[0]
    assert len(pictures(tmp_path / "out.mp4")) > 20


def test_a_hidden_file_that_somebody_removes(tmp_path: Path) -> None:
    sink = record(tmp_path / "out.mp4", 10)
    sink.partial_path.unlink()
    sink.abort()
    sink = record(tmp_path / "out.mp4", 10)
    sink.partial_path.unlink()
    with pytest.raises(OutputError):
        sink.commit()
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"mine")
    with pytest.raises(OutputExistsError):
        RecordingSink(path, INFO, SinkOptions())
    with pytest.raises(OutputError, match="input itself"):
        RecordingSink(path, INFO, SinkOptions(overwrite=True, inputs=(path,)))
    with pytest.raises(EncoderError):
        RecordingSink(tmp_path / "a.webm", INFO, SinkOptions(encoder="libx264"))
    with pytest.raises(OutputError, match="no folder"):
        RecordingSink(tmp_path / "no" / "a.mp4", INFO, SinkOptions())
    assert path.read_bytes() == b"mine"
    sink = RecordingSink(path, INFO, SinkOptions(overwrite=True))
    sink.write(frame(5))
    assert path.read_bytes() == b"mine"
    sink.commit()
    assert pictures(path)[0][0] == 5
    assert [item.name for item in tmp_path.iterdir()] == ["out.mp4"]


def test_a_name_that_is_taken_meanwhile_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    sink = record(path, 20)
    path.write_bytes(b"theirs")
    with pytest.raises(OutputExistsError):
        sink.commit()
    assert path.read_bytes() == b"theirs"
    assert len(pictures(sink.partial_path)) == 20


def test_frames_are_left_alone_and_nothing_is_left_open(tmp_path: Path) -> None:
    record(tmp_path / "first.mp4", 2).commit()  # libraries open what they keep
    before = open_descriptors()
    with no_leaked_threads():
        for turn in range(3):
            sink = record(tmp_path / f"out{turn}.mkv", 10)
            assert isinstance(sink, Sink)
            sink.abort() if turn == 1 else sink.commit()
    assert open_descriptors() == before


def test_quality_is_what_was_asked(tmp_path: Path) -> None:
    sizes = []
    for quality in (30, 90):
        path = tmp_path / f"q{quality}.mp4"
        sink = RecordingSink(path, INFO, SinkOptions(quality=quality))
        for number in range(20):
            sink.write(noisy(number))
        sink.commit()
        sizes.append(path.stat().st_size)
        stream = probe(path)["streams"][0]
        assert (stream["codec_name"], stream["width"]) == ("h264", SIZE[0])
    assert sizes[1] > 2 * sizes[0]
