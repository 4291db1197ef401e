"""What the commands about trust say to somebody who is new here and errs."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def odd(workplace):
    """Files that somebody may take for pictures."""
    Path("folder").mkdir()
    Path("note.txt").write_text("hello\n")
    Path("empty.png").touch()
    Path("film.mkv.credentials.json").write_text("{}")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["inspect", "folder"], 3, "folder is a folder; inspect its files one by one"),
        (["inspect", ""], 3, "is a folder"),
        (["inspect", "https://example.org/a.jpg"], 3, "nothing is fetched; save the file first"),
        (["inspect", "note.txt"], 21, "note         note.txt is a text file"),
        (["inspect", "empty.png"], 21, "note         empty.png is empty"),
        (
            ["inspect", "film.mkv.credentials.json"],
            21,
            "these are the credentials of film.mkv; inspect that",
        ),
        (["audit", "verify"], 0, "Nothing was done here yet, so there is no log."),
        (["audit", "show"], 0, "Nothing was done here yet, so there is no log."),
        (["audit", "show", "--last", "0"], 2, "'0' is not a whole number from 1 to 1000000;"),
        (["audit", "verfy"], 2, "did you mean verify?"),
        (["consent", "revoke", ""], 7, "Nothing was said of a donor ''; give a name, or four"),
        (["consent", "list"], 0, "Nothing was said of any donor yet."),
        (["lock", "remove", "Ada"], 7, "No face 'Ada' is locked; give an id or a name"),
        (["lock", "list"], 0, "No face is locked."),
        (["deny", "add"], 2, "there is no 'deny' here (did you mean lock?)"),
        (["verify", "a.jpg"], 2, "did you mean inspect?"),
        (["rerun", "folder", "-o", "a.jpg"], 3, "folder is a folder; give a report or an output"),
        (["rerun", "note.txt", "-o", "a.jpg"], 3, "note.txt has no credentials and is no report"),
        (["rerun", "gone.json", "-o", "a.jpg"], 3, "There is no file gone.json"),
        (["rerun", "film.mkv.credentials.json", "-o", "a.jpg"], 3, "holds no run report"),
    ],
)
def test_one_sentence_says_what_is_wrong_and_what_to_do(run, odd, words, code, sentence):
    done = run(*words)
    assert (done.code, sentence in done.out + done.err) == (code, True), done.out + done.err


@pytest.fixture
def made(swap, astronaut):
    """An output, out.jpg, and its report, out.json."""
    swap(astronaut, "out.jpg", "--report", "out.json")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["out.jpg"], "add -t with the target and -s with the donor's photos"),
        (["out.json", "-s", "a.jpg", "-s", "b.jpg"], "a donor with 1 photo, and 2 came with -s"),
        (["wild.json"], "In the report, shape is 7"),
        (["moved.json"], "gone.png, which the report names, is gone; put it back, or say with -t"),
        (["cut.jpg"], "cut.jpg was altered since it was signed, so its report is nobody's word"),
    ],
)
def test_mistakes_with_reports(run, made, astronaut, words, sentence):
    report, picture = Path("out.json").read_text(), Path("out.jpg").read_bytes()
    Path("wild.json").write_text(report.replace('"shape": 0.75', '"shape": 7'))
    Path("moved.json").write_text(report.replace(str(astronaut), "/gone.png"))
    Path("cut.jpg").write_bytes(picture[:-500])
    done = run("rerun", *words, "-o", "again.jpg")
    assert done.code in (2, 3)
    assert sentence in done.err
    assert not Path("again.jpg").exists()


def test_a_mark_that_is_not_found_is_missed(run, swap, astronaut, monkeypatch):
    swap(astronaut, "out.png")
    monkeypatch.setattr("masquerade.apps.commands.inspect.find_mark", lambda _path: None)
    assert "was found, though the credentials state one" in run("inspect", "out.png").out
    assert "though" not in run("inspect", astronaut).out


def test_what_is_wrong_with_a_file_is_told_in_words(run, swap, astronaut):
    swap(astronaut, "out.png")
    data = bytearray(Path("out.png").read_bytes())
    data[-2000] ^= 1
    Path("out.png").write_bytes(data)
    words = run("inspect", "out.png").out
    assert "the file is not the one that was signed (assertion.dataHash.mismatch)" in words


def test_a_slip_of_the_finger_revokes_nothing(run, made):
    (said,) = run("consent", "list", "--json").json["consents"]
    assert run("consent", "revoke", said["donor"][:3]).code == 7
    assert run("consent", "revoke", said["donor"][:4]).code == 0


def test_a_log_that_cannot_be_read_is_not_an_empty_one(run, made, workplace):
    log = workplace.parent / "home" / "audit.jsonl"
    log.write_text("garbage\n")
    shown = run("audit", "show")
    assert "Nothing was done" not in shown.out
    assert "The log is not as it was written, from line 1 on: it cannot be read." in shown.err
    log.unlink()
    assert "it is gone: the log had 2 lines and has 0" in run("audit", "verify").out


def test_faces_are_unlocked_by_name_where_only_one_has_it(run, mona, astronaut):
    locked = run("lock", "add", mona, astronaut, "--name", "Ada", "--json")
    assert f"{astronaut} does not look like {mona}" in locked.err
    first, second = locked.json["locked"]
    ambiguous = run("lock", "remove", "Ada")
    assert (ambiguous.code, f"{first}, {second}" in ambiguous.err) == (7, True)
    assert run("lock", "remove", first).code == 0
    assert run("lock", "remove", "Ada", "--json").json["unlocked"] == second
    same = run("lock", "add", mona, mona, "--name", "Ada")
    assert "does not look like" not in same.err
