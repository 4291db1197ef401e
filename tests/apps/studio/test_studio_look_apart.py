"""Uploads are looked at by a process that may break."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from masquerade.apps.studio import look_apart
from masquerade.apps.studio.look_apart import look_at_apart
from masquerade.apps.studio.upload_facts import look_at
from masquerade.core.errors import CorruptMediaError, MediaLimitError, UnsupportedMediaError
from masquerade.media.limits import MediaLimits

LIMITS = MediaLimits(max_pixels=10_000_000)


def test_it_says_the_same_as_in_this_process(mona):
    assert look_at_apart(mona, LIMITS) == look_at(mona, LIMITS)


def test_errors_come_over_with_their_kind_and_sentence(tmp_path, mona):
    (tmp_path / "a.jpg").write_bytes(b"%PDF-1.7")
    (tmp_path / "b.jpg").write_bytes(mona.read_bytes()[:2000])
    small = MediaLimits(max_pixels=100)
    for path, limits, kind in (
        (tmp_path / "a.jpg", LIMITS, UnsupportedMediaError),
        (tmp_path / "b.jpg", LIMITS, CorruptMediaError),
        (mona, small, MediaLimitError),
    ):
        with pytest.raises(kind) as here:
            look_at(path, limits)
        with pytest.raises(kind) as there:
            look_at_apart(path, limits)
        assert str(there.value) == str(here.value)


@pytest.mark.skipif(sys.platform == "win32", reason="a program of POSIX")
@pytest.mark.parametrize(
    ("end", "told"), [("kill -SEGV $$", "breaks its decoder"), ("exec sleep 60", "takes longer")]
)
def test_a_decoder_that_breaks_or_hangs_is_a_sentence(tmp_path, mona, monkeypatch, end, told):
    broken = tmp_path / "python"
    broken.write_text(f"#!/bin/sh\n{end}\n")
    broken.chmod(0o700)
    monkeypatch.setattr(look_apart.sys, "executable", str(broken))
    monkeypatch.setattr(look_apart, "_LONGEST_S", 2)
    began = time.monotonic()
    with pytest.raises(CorruptMediaError, match=told):
        look_at_apart(mona, LIMITS)
    assert time.monotonic() - began < 30


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_the_process_may_write_nothing_and_knows_no_token(tmp_path, monkeypatch):
    monkeypatch.setenv("MASQUERADE_STUDIO_TOKEN", "secret")
    assert "MASQUERADE_STUDIO_TOKEN" not in look_apart._PASSED_ON
    script = (
        "import sys, signal\n"
        "from masquerade.apps.studio.look_apart import _give_up_everything\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "_give_up_everything()\n"
        "try:\n"
        "    with open(sys.argv[1], 'wb', buffering=0) as file: file.write(b'x')\n"
        "except OSError as error:\n"
        "    print('refused', error.strerror)\n"
        "try:\n"
        "    bytearray(9 * 2**30)\n"
        "except MemoryError:\n"
        "    print('too much')\n"
    )
    words = [sys.executable, "-c", script, str(tmp_path / "a")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["refused File too large", "too much"]
