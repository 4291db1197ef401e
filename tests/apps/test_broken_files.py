"""A hundred broken files of twenty kinds: each gets a sentence and an exit code, and nothing is
written. They are given to the commands as somebody would give them.
"""

from __future__ import annotations

import re

import pytest
from broken_files import KINDS, files_of

STILLS = {".jpg", ".png", ".webp", ".tiff", ".avif", ".bmp", ".gif"}
SENTENCE = re.compile(r"masquerade: [^\n]{20,}[.)]")
OURS = {
    "identities": (3, lambda path, mona: ["swap", "-s", path, "-t", mona, "-o", "out.png"]),
    "maps": (2, lambda path, mona: ["swap", "--map", path, "-t", mona, "-o", "out.png"]),
    "settings_files": (
        2,
        lambda path, mona: ["swap", "--settings", path, "-s", mona, "-t", mona, "-o", "out.png"],
    ),
    "reports": (3, lambda path, mona: ["rerun", path, "-o", "out.png"]),
    "networks": (8, lambda path, mona: ["models", "import", "inswapper_128", path]),
}
"""What reads files of our own, and the code of their refusal."""


def as_target(path, mona):
    still = path.suffix in STILLS
    return ["swap", "-s", mona, "-t", path, "-o", "out.png" if still else "out.mp4"]


def as_donor(path, mona):
    return ["swap", "-s", path, "-t", mona, "-o", "out.png"]


def to_be_looked_at(path, mona):
    return ["faces", path]


WAYS = {"target": as_target, "donor": as_donor, "faces": to_be_looked_at}


def check(run, workplace, words, code):
    outcome = run(
        *words, *(["--consent", "public-domain"] if words[0] in ("swap", "rerun") else [])
    )
    told = outcome.err.strip().splitlines()[-1]
    assert SENTENCE.fullmatch(told), outcome.err
    assert "unexpected" not in told
    assert "Traceback" not in outcome.err
    assert outcome.code == code, outcome.err
    assert not list(workplace.glob("out*"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in OURS])
def test_broken_media_are_refused_in_a_sentence(run, workplace, tmp_path, mona, kind, way):
    files = list(files_of(kind, tmp_path))
    assert len(files) == 5
    for path in files:
        check(run, workplace, WAYS[way](path, mona), 3)


@pytest.mark.parametrize("kind", OURS)
def test_broken_files_of_ours_are_refused_in_a_sentence(run, workplace, tmp_path, mona, kind):
    code, words = OURS[kind]
    files = list(files_of(kind, tmp_path))
    assert len(files) == 5
    for path in files:
        check(run, workplace, words(path, mona), code)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in OURS])
def test_broken_media_can_be_inspected(run, tmp_path, kind):
    for path in files_of(kind, tmp_path):
        outcome = run("inspect", path)
        assert outcome.code != 1, outcome.err
        assert "Traceback" not in outcome.err


def test_they_are_a_hundred_and_more():
    assert len(KINDS) >= 20
    assert 5 * len(KINDS) >= 100
