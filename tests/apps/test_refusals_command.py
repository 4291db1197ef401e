"""Refusals on the command line: exit codes, sentences, and nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from masquerade.models.content import ContentNetwork
from masquerade.trust import minors

OUT = Path("out.png")


@pytest.fixture
def swap(run, mona, astronaut):
    def command(*words):
        given = ("swap", "-s", mona, "-t", astronaut, "-o", OUT, "--overwrite")
        return run(*given, *(words or ("--consent", "public-domain")))

    return command


def test_the_content_check_refuses_calmly(swap, run, monkeypatch):
    monkeypatch.setattr(ContentNetwork, "score", lambda _self, _crop: 0.9)
    done = swap()
    assert done.code == 11
    assert "The content check finds this picture likely to be sexual" in done.err
    assert not OUT.exists()
    assert "refused         The content check finds" in run("audit", "show").out
    assert swap("--content-threshold", "0.95", "--consent", "self").code == 0
    off = swap("--no-content-check", "--consent", "self")
    assert off.code == 0
    assert "The content check is off" in off.err
    newest = run("audit", "show", "--last", "1", "--json").json["entries"]
    assert [entry["facts"]["content"]["checked"] for entry in newest] == [False]
    assert "content      not looked at, on request" in run("inspect", OUT).out


def test_a_child_needs_an_answer_which_is_remembered_and_shown(swap, run, monkeypatch):
    monkeypatch.setattr(minors, "ADULT_YEARS", 100.0)
    done = swap()
    assert (done.code, OUT.exists()) == (7, False)
    assert "looks under 18" in done.err
    assert swap("--consent", "given", "--guardian", "agreed").code == 0
    shown = run("inspect", OUT).out
    assert "the person has agreed, a guardian has agreed, said on" in shown
    assert "the people of the target: a guardian has agreed" in shown
    assert run("consent", "list", "--json").json["consents"][0]["guardian"] == "agreed"
    # What was said of the donor holds; of the target's people it is said anew.
    assert "A face of the target looks under 18" in swap("--consent", "given").err


def test_consent_is_listed_and_revoked(swap, run, monkeypatch):
    assert swap().code == 0
    (said,) = run("consent", "list", "--json").json["consents"]
    assert (said["name"], said["basis"]) == ("mona_lisa", "public-domain")
    assert len(said["identity"]) == 64
    assert said["identity"][:12] in run("inspect", OUT).out
    assert run("swap", "-s", "x", "-t", "y", "-o", "z").code != 0
    assert run("consent", "revoke", said["donor"][:8]).code == 0
    assert run("consent", "list", "--json").json["consents"] == []
    assert "Nobody has said whose face" in swap("--quiet").err
    assert run("consent", "revoke", "mona_lisa").code == 7
    assert [event["event"] for event in run("audit", "show", "--json").json["entries"]] == [
        "consent",
        "output",
        "consent-revoked",
    ]


def test_a_name_that_several_donors_have_is_no_mistake_but_part_of_two_numbers_is(run, swap):
    assert swap().code == 0
    assert run("consent", "revoke", "").code == 7


def test_faces_are_locked_listed_and_unlocked(swap, run, mona):
    assert "No face is locked" in run("lock", "list").out
    locked = run("lock", "add", mona, "--name", "Lisa", "--json").json["locked"]
    done = run("lock", "list", "--json").json
    assert [(face["id"], face["name"]) for face in done["faces"]] == [(locked[0], "Lisa")]
    assert done["recogniser"] == "faceres"
    refused = swap()
    assert (refused.code, OUT.exists()) == (7, False)
    assert "looks like Lisa, whose face is locked" in refused.err
    assert run("lock", "remove", "nobody").code == 7
    assert run("lock", "remove", locked[0]).code == 0
    assert swap().code == 0


def test_a_lock_needs_a_face(run, nobody):
    assert run("lock", "add", nobody).code == 4
    assert run("lock", "add", "gone.jpg").code == 3


def test_the_log_is_verified(swap, run, workplace):
    assert "Nothing was done here yet" in run("audit", "verify").out
    assert swap().code == 0
    whole = run("audit", "verify", "--json").json
    assert whole["lines"] == 2
    assert whole["hash"][:12] in run("inspect", OUT).out
    log = workplace.parent / "home" / "audit.jsonl"
    log.write_text(log.read_text().replace("public-domain", "self"))
    changed = run("audit", "verify")
    assert changed.code == 22
    assert "was changed at line 1" in changed.out
