"""Swapped pictures stay as they were looked at and found good.

After a change that is meant: python tests/golden/regenerate.py, look at what it shows, commit.
"""

from __future__ import annotations

import cv2
import pytest
from golden_cases import CASES, HERE, MEAN_LEVELS, MOST_LEVELS, distance, stored


@pytest.mark.parametrize("name", CASES)
def test_picture(name):
    golden = cv2.imread(str(stored(name)))
    assert golden is not None, "no such picture; run python tests/golden/regenerate.py"
    now = CASES[name]()
    assert now.shape == golden.shape
    mean, most = distance(golden, now)
    assert mean <= MEAN_LEVELS
    assert most <= MOST_LEVELS


def test_every_picture_belongs_to_a_case():
    assert {path.stem for path in HERE.glob("*.png")} == set(CASES)


def test_the_tolerance_is_narrower_than_a_fault():
    golden = cv2.imread(str(stored("talking")))
    shifted = golden.copy()
    shifted[:, 1:] = golden[:, :-1]
    mean, most = distance(golden, shifted)
    assert mean > MEAN_LEVELS
    assert most > MOST_LEVELS
