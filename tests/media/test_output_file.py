"""Outputs appear whole or not at all."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from clips import CARPHONE, make_clip, scene

from masquerade.core.errors import OutputError, OutputExistsError
from masquerade.core.frame import Frame
from masquerade.media.file import VideoOptions, VideoSink, VideoSource
from masquerade.media.image import Picture, write_image
from masquerade.media.output_file import OutputFile


@pytest.fixture
def small_files() -> Iterator[None]:
    """Files may not grow beyond 20 kB, as on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_nothing_is_there_before_commit_and_nothing_else_after(tmp_path: Path) -> None:
    out = OutputFile(tmp_path / "a.bin")
    out.temporary.write_bytes(b"half")
    assert not (tmp_path / "a.bin").exists()
    assert all(name.startswith(".") for name in names(tmp_path))
    out.commit()
    out.abort()
    assert (tmp_path / "a.bin").read_bytes() == b"half"
    assert names(tmp_path) == {"a.bin"}


def test_abort_removes_what_was_begun(tmp_path: Path) -> None:
    OutputFile(tmp_path / "a.bin").abort()
    assert names(tmp_path) == set()


def test_an_existing_file_is_kept_unless_told(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"old")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        OutputFile(tmp_path / "a.bin")
    OutputFile(tmp_path / "a.bin", overwrite=True).write_whole(b"new")
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    assert names(tmp_path) == {"a.bin"}


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    out = OutputFile(tmp_path / "a.bin")
    (tmp_path / "a.bin").write_bytes(b"theirs")
    with pytest.raises(OutputExistsError):
        out.write_whole(b"ours")
    assert (tmp_path / "a.bin").read_bytes() == b"theirs"
    assert names(tmp_path) == {"a.bin"}


def test_without_hard_links_the_name_is_still_taken_safely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    OutputFile(tmp_path / "a.bin").write_whole(b"new")
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    out = OutputFile(tmp_path / "b.bin")
    (tmp_path / "b.bin").write_bytes(b"theirs")
    with pytest.raises(OutputExistsError):
        out.write_whole(b"ours")
    assert (tmp_path / "b.bin").read_bytes() == b"theirs"


@pytest.mark.parametrize("link", ["same", "symlink", "hardlink", "dotted"])
def test_the_output_is_never_the_input(tmp_path: Path, link: str) -> None:
    clip = make_clip(tmp_path / "in.mp4")
    before = clip.read_bytes()
    out = tmp_path / "out.mp4"
    if link == "symlink":
        out.symlink_to(clip)
    elif link == "hardlink":
        out.hardlink_to(clip)
    elif link == "dotted":
        out = tmp_path / ".." / tmp_path.name / "in.mp4"
    else:
        out = clip
    with VideoSource(clip) as source, pytest.raises(OutputError, match="the input itself"):
        VideoSink(out, source, overwrite=True)
    assert clip.read_bytes() == before


def test_folders_and_missing_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        OutputFile(tmp_path, overwrite=True)
    with pytest.raises(OutputError, match="no folder"):
        OutputFile(tmp_path / "missing" / "a.bin")


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        # Root may write everywhere but in /proc.
        folder = Path("/proc")
        if not folder.is_dir():
            pytest.skip("no folder that root may not write to")
    else:
        folder = tmp_path / "locked"
        folder.mkdir(0o555)
    with pytest.raises(OutputError, match=str(folder)):
        OutputFile(folder / "a.bin")


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_leaves_no_picture(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    with pytest.raises(OutputError, match=r"file size|disk"):
        write_image(tmp_path / "a.png", Picture(noise), noise, None)
    assert names(tmp_path) == set()


@pytest.mark.parametrize("extension", [".mp4", ".mkv"])
@pytest.mark.usefixtures("small_files")
def test_a_full_disk_leaves_no_video(tmp_path: Path, extension: str) -> None:
    with (
        VideoSource(CARPHONE) as source,
        pytest.raises(OutputError, match=r"file size|disk"),
        VideoSink(tmp_path / f"a{extension}", source, VideoOptions(quality=95)) as sink,
    ):
        for frame in source:
            sink.write(frame)
    assert names(tmp_path) == set()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_no_space_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = OutputFile(tmp_path / "a.bin")
    real = out.temporary
    out.temporary = Path("/dev/full")
    monkeypatch.setattr(Path, "unlink", lambda self: None)
    with pytest.raises(OutputError, match="disk is full"):
        out.write_whole(b"x")
    monkeypatch.undo()
    real.unlink()


def test_an_error_midway_leaves_nothing(tmp_path: Path) -> None:
    with (
        VideoSource(CARPHONE) as source,
        pytest.raises(KeyboardInterrupt),
        VideoSink(tmp_path / "a.mp4", source) as sink,
    ):
        for frame in source:
            sink.write(frame)
            if frame.seq == 50:
                raise KeyboardInterrupt
    assert names(tmp_path) == set()


def test_a_sink_without_frames_writes_nothing(tmp_path: Path) -> None:
    with VideoSource(CARPHONE) as source:
        sink = VideoSink(tmp_path / "a.mp4", source)
        with pytest.raises(OutputError, match="No frame"):
            sink.commit()
        sink.abort()
    assert names(tmp_path) == set()


def test_abort_after_commit_does_nothing(tmp_path: Path) -> None:
    with VideoSource(CARPHONE, end_s=0.2) as source:
        sink = VideoSink(tmp_path / "a.mp4", source)
        for frame in source:
            sink.write(frame)
        sink.commit()
        sink.abort()
    assert names(tmp_path) == {"a.mp4"}


def test_frames_need_a_time(tmp_path: Path) -> None:
    with VideoSource(CARPHONE) as source:
        sink = VideoSink(tmp_path / "a.mp4", source)
        with pytest.raises(OutputError, match="time"):
            sink.write(Frame(scene(0, 176, 144), 0, None))
        sink.abort()


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """A clip ten times as long needs at most 25 MB more."""
    code = (
        "import sys, resource; from masquerade.media.file import *\n"
        "s = VideoSource(sys.argv[1])\n"
        "with VideoSink(sys.argv[2], s, VideoOptions(preset='ultrafast')) as k:\n"
        "    for f in s: k.write(f)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = []
    for frames in (40, 400):
        clip = make_clip(
            tmp_path / f"{frames}.mp4",
            size=(640, 360),
            pts=range(frames),
            audio="aac",
            options={"crf": "30", "preset": "ultrafast"},
        )
        command = [sys.executable, "-c", code, str(clip), str(tmp_path / f"o{frames}.mp4")]
        peaks.append(int(subprocess.run(command, capture_output=True, check=True).stdout))
    assert peaks[1] - peaks[0] < 25_000
