"""Whatever has been found by fuzzing is answered for good; tools/fuzz looks for more."""

from __future__ import annotations

import pytest
from fuzz_corpus import read_corpus
from fuzz_hours import Hours
from fuzz_target import FuzzTarget
from fuzz_targets import TARGETS

from masquerade.core.errors import InputError


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_read(name: str) -> None:
    """Seeds are what our own writers make: a target that refuses all of them tests nothing."""
    target = TARGETS[name]
    answers = []
    for seed in target.seeds():
        assert len(seed) <= target.max_bytes
        try:
            target.parse(seed)
            answers.append("read")
        except Exception as error:  # noqa: BLE001  # looked at below
            answers.append(f"{type(error).__name__}: {error}")
    assert "read" in answers, answers


@pytest.mark.parametrize("name", TARGETS)
def test_kept_inputs_are_read_or_refused_in_a_sentence(name: str) -> None:
    kept = read_corpus(name)
    assert kept, "run tools/fuzz --keep"
    for data in kept.values():
        TARGETS[name].attack(data)


@pytest.mark.parametrize("name", TARGETS)
def test_cut_and_bent_seeds_are_read_or_refused_in_a_sentence(name: str) -> None:
    """A little of what tools/fuzz does, everywhere."""
    target = TARGETS[name]
    target.attack(b"")
    for seed in target.seeds():
        for at in range(0, len(seed), max(1, len(seed) // 12)):
            target.attack(seed[:at])
            target.attack(seed[:at] + bytes([seed[at] ^ 0x55]) + seed[at + 1 :])


@pytest.mark.parametrize("error", [ValueError("x"), InputError("a" * 5000), InputError("")])
def test_a_target_notices_what_is_no_answer(error: Exception) -> None:
    def parse(data: bytes) -> None:
        raise error

    with pytest.raises((ValueError, AssertionError)):
        FuzzTarget("one", parse, list).attack(b"")


def test_hours_add_up_and_begin_anew_with_a_crash(tmp_path) -> None:
    hours = Hours(tmp_path / "hours.txt")
    for crashed in (False, True, False):
        hours.add("map", 60, 1000, crashed=crashed)
    hours.add("job", 5, 10, crashed=False)
    (spent, other) = (hours.read()[name] for name in ("map", "job"))
    assert (spent.seconds, spent.quiet_seconds, spent.inputs, spent.crashes) == (180, 60, 3000, 1)
    assert other.seconds == 5
