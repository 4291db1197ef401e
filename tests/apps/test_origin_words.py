"""What credentials and the log state is told in plain words, whatever form a stranger gave it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masquerade.apps.origin_words import told_actions, told_moment, told_source, told_statement
from masquerade.trust.deed import ANNOTATED, SWAPPED
from masquerade.trust.inspection import Edit
from masquerade.trust.metadata import DIGITAL_SOURCE_TYPE

HASH = "d88ada567eebe47472ba8483ac4b5e262ac59cda009ab83c592ceb4089b47482"
NAMES = ("label", "watermark", "content", "consent", "donor", "figures", "faces", "job", "other")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["style", "scheme", "number", "checked", "threshold", "highest", "bases", "statements",
     "basis", "stated_at", "identity", "guardian", "frames", "faces_swapped", "seconds",
     "described", "replaced", "target", "donors", "guardian_of_target"]
)  # fmt: skip


def test_actions_in_words():
    edit = Edit(
        actions=("c2pa.opened", SWAPPED.action, "c2pa.color_adjustments", "adobe.magic_wand"),
        descriptions=("", SWAPPED.description),
    )
    assert told_actions(edit) == (
        "opened the target; edited it: faces were replaced; changed colours; adobe magic wand"
    )
    assert told_actions(Edit(actions=(ANNOTATED.action,))) == "drew on it"
    assert told_actions(Edit()) == ""


def test_sources_in_words():
    assert told_source(DIGITAL_SOURCE_TYPE) == "a composite made with AI"
    assert told_source("http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture") == (
        "taken by a camera"
    )
    assert told_source("http://example.org/new") == "http://example.org/new"


def test_moments():
    assert told_moment("2026-11-26T02:45:26Z") == "2026-11-26 02:45:26 UTC"
    assert told_moment("2026-11-26T02:45:26+05:00") == "2026-11-26T02:45:26+05:00"
    assert told_moment("some day") == "some day"


@pytest.mark.parametrize(
    ("name", "statement", "words"),
    [
        ("label", {"style": "none"}, "none, left out on request"),
        ("watermark", {"scheme": "masquerade-1", "number": "5e96f"}, "invisible, number 5e96f"),
        ("watermark", {"scheme": "none"}, "none, left out on request"),
        ("content", {"checked": False}, "not looked at, on request"),
        ("consent", {"bases": ["given", "self"]}, "the person has agreed; one's own face"),
        (
            "consent",
            {
                "bases": ["self"],
                "statements": [
                    {
                        "basis": "self",
                        "stated_at": "2026-11-26T02:45:26+00:00",
                        "identity": HASH,
                        "guardian": "adult",
                    }
                ],
                "guardian_of_target": "agreed",
            },
            "one's own face, of age, somebody says, said on 2026-11-26 02:45:26 UTC, identity "
            "d88ada567eeb...; the people of the target: a guardian has agreed",
        ),
        (
            "figures",
            {"frames": 2, "faces_swapped": 1, "faces_concealed": 3, "seconds": 0.52},
            "2 frames, 1 face swapped, 3 hidden, 0.5 s",
        ),
        ("figures", {"frames": 1, "faces_swapped": 2}, "1 frame, 2 faces swapped"),
        ("faces", {"described": 2, "replaced": 0}, "2 described, 0 replaced"),
        ("job", {"target": {"sha256": HASH}}, "d88ada567eeb..."),
        ("other", {"an_entry": [HASH, 3]}, "an entry d88ada567eeb..., 3"),
    ],
)
def test_statements_in_words(name, statement, words):
    assert told_statement(name, statement) == words


@given(st.sampled_from(NAMES), ANYTHING | st.dictionaries(KEYS, ANYTHING, max_size=4))
def test_statements_of_any_form_have_words(name, statement):
    assert isinstance(told_statement(name, statement), str)
