"""What the program keeps is its user's alone."""

from __future__ import annotations

import os
import stat
import sys

import pytest

from masquerade.apps.commands import encoders

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")


def open_to_others(folder):
    """Files that others on this machine may read or change."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077
    )


@pytest.fixture(autouse=True)
def generous_mask():
    """As most systems have it: others may read what is not made private on purpose."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_what_a_swap_leaves_at_home_is_private(run, tmp_path, mona):
    words = ["swap", "-s", mona, "-t", mona, "-o", "out.png", "--consent", "public-domain"]
    assert run(*words).code == 0
    home = tmp_path / "home"
    assert {path.name for path in home.rglob("*")} >= {"consents.json", "own.pem"}
    assert open_to_others(home) == []


def test_a_saved_identity_is_private(run, mona, workplace):
    assert run("identity", "make", mona, "-o", "mona.mqid").code == 0
    assert open_to_others(workplace) == []


@pytest.mark.parametrize("writable", [True, False])
def test_the_account_of_an_error_is_private_and_holds_no_secret(
    run, monkeypatch, tmp_path, writable
):
    def fail(args, console):
        raise ZeroDivisionError("no rtmp://me:pass-word@host/app/stream-key today")

    logs = tmp_path / "logs"
    logs.mkdir()
    if not writable:
        logs.rmdir()
        logs.write_text("")  # so no folder can be made there, for root either
    monkeypatch.setattr(encoders, "run", fail)
    monkeypatch.setattr("platformdirs.user_log_path", _folder(logs))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    outcome = run("encoders")
    assert outcome.code == 1
    (kept,) = tmp_path.rglob("masquerade-last-error*")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    told = kept.read_text()
    assert "ZeroDivisionError" in told
    assert "pass-word" not in told
    assert "stream-key" not in told


def _folder(logs):
    def made(*_words, **_how):
        logs.mkdir(exist_ok=True)
        return logs

    return made
