"""The command as a process: signals, closed pipes, the unexpected."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from masquerade import __version__
from masquerade.apps import cli

MASQUERADE = [sys.executable, "-m", "masquerade"]


@pytest.mark.parametrize(
    ("number", "target", "output"),
    [
        (signal.SIGINT, "{clip}", "out.mp4"),
        (signal.SIGTERM, "{clip}", "out.mp4"),
        (signal.SIGINT, "{clip.parent}/carphone*.mp4", "many"),
    ],
)
def test_a_stop_leaves_nothing(mona, clip, workplace, number, target, output):
    words = ["swap", "-s", mona, "-t", target.format(clip=clip), "-o", output]
    # ten seconds of work and more
    words += ["--consent", "public-domain", "--video-preset", "veryslow", "--fps", "1000"]
    process = subprocess.Popen(
        [*MASQUERADE, *map(str, words)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    while not list(workplace.rglob(".*.part.mp4")):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
        assert process.poll() is None, process.communicate()[1]
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "masquerade: Stopped; no half-written file was left."
    assert not [path for path in workplace.rglob("*") if path.is_file()]


def test_a_closed_pipe_is_quiet():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*MASQUERADE, "completion", "bash"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_without_a_word_there_is_help(run):
    done = run()
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("usage: masquerade COMMAND")


def test_the_version():
    done = subprocess.run([*MASQUERADE, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"masquerade {__version__}\n"


def test_an_unexpected_error_is_one_sentence_and_a_file(run, monkeypatch, tmp_path):
    def fail(*_args):
        raise RuntimeError("the sky\nfell")

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(cli, "_run", fail)
    done = run("doctor", "--json")
    assert done.code == 1
    (line,) = done.err.splitlines()
    assert line.startswith(
        "masquerade: An unexpected error stopped the work (RuntimeError: the sky"
    )
    (log,) = (tmp_path / "state").rglob("*.txt")
    assert str(log) in line
    assert "Traceback" in log.read_text("utf-8")
    assert done.json["kind"] == "RuntimeError"


def test_a_name_that_is_no_text_is_still_written(astronaut, mona, workplace):
    output = os.fsdecode(b"out-\xff.png")
    words = ["swap", "-s", mona, "-t", astronaut, "-o", output, "--consent", "self", "--json"]
    done = subprocess.run([*MASQUERADE, *words], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in workplace.iterdir()] == [output]


def test_debug_shows_the_traceback(run):
    done = run("swap", "-s", "no.jpg", "-t", "no.png", "-o", "out.png", "--debug")
    assert done.code == 3
    assert "Traceback" in done.err
    assert done.err.splitlines()[-1].startswith("masquerade: ")
