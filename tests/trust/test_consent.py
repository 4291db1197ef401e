"""Asked once, remembered, never guessed, never silently lost."""

from __future__ import annotations

import io
import json
import multiprocessing
import stat
import sys
from pathlib import Path

import pytest

from masquerade.core.errors import ConsentError, OutputError
from masquerade.core.folders import data_folder
from masquerade.trust.consent import BASES, Consent, ask, ensure_consent, fingerprint
from masquerade.trust.register import ConsentRegister


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConsentRegister:
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path / "home"))
    return ConsentRegister()


def never_asked(name: str) -> str:
    raise AssertionError(f"asked about {name}")


def test_a_stated_basis_is_remembered_and_not_asked_for_again(register: ConsentRegister) -> None:
    first = ensure_consent(register, "f1", "me.jpg", "self")
    again = ensure_consent(ConsentRegister(), "f1", "me.jpg", question=never_asked)
    assert again == first
    assert first.basis == "self"
    assert first.stated_at.endswith("+00:00")


def test_an_answer_is_remembered(register: ConsentRegister) -> None:
    ensure_consent(register, "f1", "mona.jpg", question=lambda name: "public-domain")
    assert register.find("f1").basis == "public-domain"
    assert register.find("another") is None


def test_a_new_statement_replaces_the_old(register: ConsentRegister) -> None:
    ensure_consent(register, "f1", "a", "self")
    ensure_consent(register, "f1", "a", "synthetic")
    assert [item.basis for item in register.all()] == ["synthetic"]


def test_without_a_terminal_and_without_a_word_it_refuses(
    register: ConsentRegister, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("1\n"))
    with pytest.raises(ConsentError, match="--consent") as caught:
        ensure_consent(register, "f1", "me.jpg")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 7
    assert not register.path.exists()


@pytest.mark.parametrize("typed", ["2", "given", "GIV", "  g "])
def test_the_terminal_takes_numbers_words_and_beginnings(typed: str) -> None:
    writer = Terminal()
    assert ask("me.jpg", Terminal(f"what\n{typed}\n"), writer) == "given"
    assert "me.jpg" in writer.getvalue()
    assert all(basis in writer.getvalue() for basis in BASES)


@pytest.mark.parametrize("typed", ["", "\n", "no\n"])
def test_no_answer_is_no_consent(typed: str) -> None:
    with pytest.raises(ConsentError):
        ask("me.jpg", Terminal(typed), Terminal())


@pytest.mark.parametrize("answer", ["s", "s\n\n"])
def test_an_ambiguous_beginning_is_asked_again(answer: str) -> None:
    with pytest.raises(ConsentError):
        ask("me.jpg", Terminal(answer), Terminal())


def test_fingerprints_follow_the_bytes_alone() -> None:
    assert fingerprint([b"a", b"b"]) == fingerprint([b"b", b"a"])
    assert len({fingerprint(parts) for parts in ([b"a"], [b"b"], [b"ab"], [b"a", b"b"])}) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits are POSIX")
def test_the_file_is_for_its_owner_alone(register: ConsentRegister) -> None:
    ensure_consent(register, "f1", "a", "self")
    assert stat.S_IMODE(register.path.stat().st_mode) == 0o600
    files = {path.name: path for path in register.path.parent.iterdir()}
    assert {"consents.json", "consents.lock", "audit.jsonl", "audit.head"} <= set(files)
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"version": 2, "consents": []}',
        b'{"version": 1, "consents": [{"fingerprint": "f1"}]}',
        b'{"version": 1, "consents": [{"fingerprint": "f1", "name": "a", "basis": "whatever",'
        b' "stated_at": "now"}]}',
        b'{"version": 1, "consents": [{"fingerprint": 1, "name": "a", "basis": "self",'
        b' "stated_at": "now"}]}',
    ],
)
def test_a_damaged_register_is_reported_and_kept(register: ConsentRegister, content: bytes) -> None:
    register.path.parent.mkdir()
    register.path.write_bytes(content)
    for use in (
        lambda: register.find("f1"),
        lambda: ensure_consent(register, "f1", "a", "self"),
        lambda: register.forget("f1"),
    ):
        with pytest.raises(ConsentError, match="register"):
            use()
    assert register.path.read_bytes() == content


def test_a_failed_write_keeps_the_old_register(
    register: ConsentRegister, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_consent(register, "f1", "a", "self")

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OutputError, match="No space left"):
        ensure_consent(register, "f2", "b", "self")
    assert [item.fingerprint for item in register.all()] == ["f1"]
    assert not list(register.path.parent.glob("consents.json?*"))


def test_a_folder_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    with pytest.raises(OutputError, match="MASQUERADE_HOME"):
        ensure_consent(ConsentRegister(tmp_path / "home"), "f1", "a", "self")


def test_forgetting(register: ConsentRegister) -> None:
    ensure_consent(register, "f1", "a", "self")
    assert register.forget("f1")
    assert not register.forget("f1")
    assert register.all() == ()


def test_names_of_any_script_come_back(register: ConsentRegister) -> None:
    ensure_consent(register, "f1", "人 \U0001f9d1.jpg", "self")
    assert register.find("f1").name == "人 \U0001f9d1.jpg"


def test_the_default_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASQUERADE_HOME", raising=False)
    assert data_folder().is_relative_to(Path.home())
    assert data_folder().name == "masquerade"


def write_ten(folder: str, first: int) -> None:
    register = ConsentRegister(Path(folder))
    for number in range(first, first + 10):
        register.record(Consent(str(number), "a", "self", f"2026-01-01T00:00:{number:02d}+00:00"))


def test_two_processes_lose_nothing_of_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_ten, args=(str(tmp_path), first)) for first in (0, 10)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(ConsentRegister(tmp_path).all()) == 20
    assert json.loads((tmp_path / "consents.json").read_text())["version"] == 1
