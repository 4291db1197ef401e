from __future__ import annotations

import numpy as np
import pytest

from masquerade.media.sheet import before_after_sheet


def plain(value, size=(240, 320)):
    return np.full((*size, 3), value, np.uint8)


def test_before_stands_above_after_and_the_donor_at_the_left():
    sheet = before_after_sheet([plain(90)] * 9, [plain(200)] * 9, plain(40, (300, 200)))
    rows = [
        int(np.flatnonzero((sheet == value).all(axis=2).any(axis=1)).mean()) for value in (90, 200)
    ]
    assert rows[0] < rows[1]
    columns = [np.flatnonzero((sheet == value).all(axis=2).any(axis=0)) for value in (40, 90)]
    assert columns[0].max() < columns[1].min()
    shown = (sheet == 90).all(axis=2).sum() / (270 * 360)
    assert shown == pytest.approx(4, abs=0.1)


def test_few_frames_and_odd_shapes():
    sheet = before_after_sheet([plain(90, (33, 21))], [plain(200, (33, 21))], plain(40, (50, 900)))
    assert sheet.dtype == np.uint8
    assert (sheet == 90).any()


def test_frames_must_match():
    with pytest.raises(ValueError, match="2 frames before, 1 after"):
        before_after_sheet([plain(1)] * 2, [plain(1)], plain(1))
