"""A picture that shows a swap at a glance: the donor, frames before, frames after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["before_after_sheet"]

_PAPER_RGB, _INK_RGB, _FAINT_RGB = (22, 23, 27), (236, 236, 238), (148, 150, 158)
_TILE_H, _GAP, _MARGIN, _HEADING = 270, 14, 44, 52
_CAPTION_PX = 21


def before_after_sheet(
    frames_before: Sequence[NDArray[np.uint8]],
    frames_after: Sequence[NDArray[np.uint8]],
    donor: NDArray[np.uint8],
    *,
    columns: int = 4,
) -> NDArray[np.uint8]:
    """Lay out a contact sheet on dark paper.

    Args:
        frames_before: uint8 (H, W, 3) BGR, all of one size; at least one.
        frames_after: as many, the same size.
        donor: uint8 (H, W, 3) BGR of any size.
        columns: how many frames are shown, taken evenly over the sequence.

    Returns:
        uint8 (H, W, 3) BGR: the donor on the left, the frames before above those after.

    Raises:
        ValueError: no frames, or not as many after as before.
    """
    if not frames_before or len(frames_before) != len(frames_after):
        raise ValueError(f"{len(frames_before)} frames before, {len(frames_after)} after")
    shown = np.unique(np.linspace(0, len(frames_before) - 1, columns).round().astype(int))
    rows = [[_tile(frames[i]) for i in shown] for frames in (frames_before, frames_after)]
    tile_h, tile_w = rows[0][0].shape[:2]
    donor_h = 2 * tile_h + _HEADING
    photo = _donor(donor, donor_h, tile_w)
    left = _MARGIN + photo.shape[1] + 3 * _GAP
    width = left + len(shown) * (tile_w + _GAP) - _GAP + _MARGIN
    height = _HEADING + donor_h + _MARGIN
    paper = Image.new("RGB", (width, height), _PAPER_RGB)
    draw = ImageDraw.Draw(paper)
    _put(paper, photo, (_MARGIN, _HEADING))
    _caption(draw, (_MARGIN, _HEADING), "Donor", "one photo")
    for row, (title, note) in enumerate((("Before", "the target"), ("After", "the swap"))):
        top = _HEADING + row * (tile_h + _HEADING)
        _caption(draw, (left, top), title, note)
        for column, tile in enumerate(rows[row]):
            _put(paper, tile, (left + column * (tile_w + _GAP), top))
    return np.ascontiguousarray(np.asarray(paper, np.uint8)[..., ::-1])


def _tile(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    width = max(1, round(frame.shape[1] * _TILE_H / frame.shape[0]))
    return _resized(frame, (width, _TILE_H))


def _donor(photo: NDArray[np.uint8], height: int, tile_w: int) -> NDArray[np.uint8]:
    """The photo at the sheet's height, cut at the sides where it is wide and below where tall."""
    width = int(np.clip(photo.shape[1] * height / photo.shape[0], 0.9 * tile_w, 1.25 * tile_w))
    zoom = max(width / photo.shape[1], height / photo.shape[0])
    size = (max(width, round(photo.shape[1] * zoom)), max(height, round(photo.shape[0] * zoom)))
    grown = _resized(photo, size)
    x = (grown.shape[1] - width) // 2
    return grown[:height, x : x + width]


def _resized(picture: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    shrinks = size_wh[1] < picture.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size_wh, interpolation=method), np.uint8)


def _put(paper: Image.Image, picture: NDArray[np.uint8], at: tuple[int, int]) -> None:
    """Paste with softly rounded corners."""
    height, width = picture.shape[:2]
    mask = Image.new("L", (2 * width, 2 * height), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, 2 * width - 1, 2 * height - 1), 18, fill=255)
    paper.paste(
        Image.fromarray(np.ascontiguousarray(picture[..., ::-1])),
        at,
        mask.resize((width, height), Image.Resampling.LANCZOS),
    )


def _caption(draw: ImageDraw.ImageDraw, at: tuple[int, int], title: str, note: str) -> None:
    """A title and a fainter note on the line above ``at``."""
    font = ImageFont.load_default(_CAPTION_PX)
    x, y = at[0] + 2, at[1] - 14
    draw.text((x, y), title, fill=_INK_RGB, font=font, anchor="ls")
    shift = draw.textlength(title + "   ", font=font)
    draw.text((x + shift, y), note, fill=_FAINT_RGB, font=font, anchor="ls")
