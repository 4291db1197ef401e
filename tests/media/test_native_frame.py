"""Mending decoded planes where pixels changed."""

from __future__ import annotations

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from clips import scene, to_bgr
from hypothesis import given, settings
from hypothesis import strategies as st

from masquerade.media.colorimetry import BgrReader, BgrWriter, ColorTags
from masquerade.media.native_frame import changed_regions, mended, planes, turned
from masquerade.media.orientation import Orientation

TAGS = ColorTags.for_size(160, 120)


def native(pix_fmt: str, index: int = 0) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(scene(index), "bgr24")
    frame = frame.reformat(format=pix_fmt, src_colorspace=5, dst_colorspace=5)
    TAGS.mark(frame)
    return frame


boxes = st.lists(
    st.tuples(st.integers(0, 159), st.integers(0, 119), st.integers(1, 40), st.integers(1, 40)),
    max_size=4,
)


@settings(deadline=None)
@given(boxes)
def test_regions_hold_exactly_the_changed_pixels(changes: list[tuple[int, ...]]) -> None:
    before = scene(0)
    after = before.copy()
    for x, y, width, height in changes:
        after[y : y + height, x : x + width] ^= 0x55
    rebuilt = np.zeros((120, 160), bool)
    for x0, y0, mask in changed_regions(before, after):
        assert x0 % 2 == y0 % 2 == 0
        rebuilt[y0 : y0 + mask.shape[0], x0 : x0 + mask.shape[1]] |= mask > 0
    assert (rebuilt == (before != after).any(axis=2)).all()


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p", "yuv420p10le"])
@settings(deadline=None)
@given(changes=boxes)
def test_samples_of_untouched_pixels_stay(pix_fmt: str, changes: list[tuple[int, ...]]) -> None:
    frame = native(pix_fmt)
    before = BgrReader(TAGS, pix_fmt).read(frame).copy()
    after = before.copy()
    for x, y, width, height in changes:
        after[y : y + height, x : x + width] ^= 0x55
    result = mended(frame, before, after, BgrWriter(TAGS, pix_fmt), VideoReformatter())
    changed = (before != after).any(axis=2)
    for index, (a, b) in enumerate(zip(planes(frame), planes(result), strict=True)):
        mask = changed
        if index and "420" in pix_fmt:
            mask = changed.reshape(60, 2, 80, 2).any(axis=(1, 3))
        assert (a == b)[~mask].all()
    whole = to_bgr(BgrWriter(TAGS, pix_fmt).write(after))
    luma_of = np.array([0.114, 0.587, 0.299])
    difference = np.abs(to_bgr(result) @ luma_of - whole @ luma_of)
    assert difference.mean() < 1.5


def test_planes_are_turned_like_pixels() -> None:
    for value in range(1, 9):
        orientation = Orientation.from_exif(value)
        for pix_fmt in ("yuv420p", "yuv444p10le"):
            frame = native(pix_fmt, 3)
            got = to_bgr(turned(frame, orientation))
            assert (got == orientation.upright(to_bgr(frame))).all()


def test_black_and_white_stay_black_and_white() -> None:
    for level in (16, 235):
        frame = av.VideoFrame(64, 48, "yuv420p")
        for plane, value in zip(planes(frame), (level, 128, 128), strict=True):
            plane[:] = value
        TAGS.mark(frame)
        pixels = BgrReader(TAGS, "yuv420p").read(frame)
        wanted = 0 if level == 16 else 255
        assert np.abs(pixels.astype(int) - wanted).max() <= 1
