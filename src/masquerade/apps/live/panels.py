"""What the preview draws over the picture: signs, numbers, the list of keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from masquerade.apps.live.screen import no_desktop

try:
    from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
    from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
except ImportError as error:
    raise no_desktop(error) from error

if TYPE_CHECKING:
    from masquerade.pipeline.statistics import LiveStatistics

__all__ = [
    "BACKGROUND",
    "draw_card",
    "draw_divider",
    "draw_keys",
    "draw_numbers",
    "draw_sign",
]

BACKGROUND = QColor(16, 18, 23)
_PANEL = QColor(12, 14, 19, 205)
_TEXT = QColor(238, 240, 245)
_DIM = QColor(165, 172, 186)
_WARNING = QColor(255, 190, 92)
_LINE = QColor(255, 255, 255, 235)
_SHADE = QColor(0, 0, 0, 120)
_GAP = 12
_SIGN_WIDTH = 0.7  # of the window


def _font(area: QRect, *, scale: float = 1.0, bold: bool = False) -> QFont:
    """The font for a window of that size."""
    font = QFont()
    room = min(area.height(), round(0.6 * area.width()))
    font.setPixelSize(round(scale * max(11, min(20, room // 38))))
    font.setBold(bold)
    return font


def draw_card(painter: QPainter, area: QRect, title: str, text: str) -> None:
    """What is shown while there is no picture."""
    middle = area.center().y()
    painter.setFont(_font(area, scale=1.5))
    painter.setPen(_TEXT)
    above = QRect(area.left(), middle - 80, area.width(), 80)
    painter.drawText(above, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, title)
    painter.setFont(_font(area))
    painter.setPen(_DIM)
    below = QRect(area.left() + _GAP, middle + _GAP, area.width() - 2 * _GAP, 120)
    wrapped = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(below, wrapped, text)


def draw_sign(
    painter: QPainter, area: QRect, text: str, *, bottom: int | None = None, warning: bool = False
) -> QRect:
    """A few words in a rounded box in the middle; a long sentence takes several lines.

    Args:
        painter: of the window.
        area: of the window.
        text: what is said.
        bottom: lower edge of the box; None puts it at the top of the window.
        warning: in the colour of trouble.

    Returns:
        The box.
    """
    painter.setFont(_font(area, bold=warning))
    # Narrow enough for the label in the picture's corner to stay in sight.
    room = QRect(0, 0, round(_SIGN_WIDTH * area.width()) - 3 * _GAP, area.height())
    wrapped = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    needed = painter.boundingRect(room, wrapped, text)
    box = QRect(0, 0, needed.width() + 3 * _GAP, needed.height() + _GAP)
    box.moveCenter(area.center())
    box.moveTop(area.top() + _GAP if bottom is None else bottom - box.height())
    _draw_box(painter, box, radius=(painter.fontMetrics().height() + _GAP) / 2)
    painter.setPen(_WARNING if warning else _TEXT)
    painter.drawText(box.adjusted(_GAP, 0, -_GAP, 0), wrapped, text)
    return box


def draw_divider(painter: QPainter, picture: QRect, x: int) -> None:
    """The line between original and swap, with a handle and a word on either side."""
    painter.setPen(QPen(_SHADE, 4))
    painter.drawLine(x, picture.top(), x, picture.bottom())
    painter.setPen(QPen(_LINE, 2))
    painter.drawLine(x, picture.top(), x, picture.bottom())
    centre = QPointF(x, picture.center().y())
    painter.setBrush(_PANEL)
    painter.drawEllipse(centre, 13, 13)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for side in (-1, 1):
        tip = centre + QPointF(8 * side, 0)
        for end in (-4, 4):
            painter.drawLine(tip, tip + QPointF(-4 * side, end))
    painter.setFont(_font(picture, scale=0.9))
    _draw_word(painter, picture, "original", x, left=True)
    _draw_word(painter, picture, "swapped", x, left=False)


def draw_numbers(
    painter: QPainter, area: QRect, statistics: LiveStatistics, sign: QRect | None
) -> None:
    """Rate, latency and losses in the upper left corner, or below the ``sign`` in the way."""
    title = f"{statistics.fps:.1f} fps"
    lines = _numbers(statistics)
    large, small = _font(area, scale=1.35, bold=True), _font(area)
    tall, metrics = QFontMetrics(large), QFontMetrics(small)
    widths = [tall.horizontalAdvance(title), *map(metrics.horizontalAdvance, lines)]
    height = tall.height() + metrics.lineSpacing() * len(lines) + _GAP + 4
    box = QRect(area.left() + _GAP, area.top() + _GAP, max(widths) + 2 * _GAP, height)
    if sign is not None and box.intersects(sign):
        box.moveTop(sign.bottom() + _GAP // 2)
    _draw_box(painter, box, radius=9)
    at = box.topLeft() + QPoint(_GAP, _GAP // 2 + tall.ascent())
    painter.setFont(large)
    painter.setPen(_TEXT)
    painter.drawText(at, title)
    painter.setFont(small)
    painter.setPen(_DIM)
    at += QPoint(0, tall.descent() + 4 + metrics.ascent())
    for line in lines:
        painter.drawText(at, line)
        at += QPoint(0, metrics.lineSpacing())


def _numbers(statistics: LiveStatistics) -> list[str]:
    latency = statistics.latency_ms
    lines = [
        f"latency {latency.p50:.0f} ms, p95 {latency.p95:.0f}",
        f"dropped {statistics.dropped}, skipped {statistics.skipped}, lagged {statistics.lagged}",
    ]
    if statistics.source_fps > 0:
        lines.insert(0, f"of {statistics.source_fps:.1f} captured")
    stage_ms = statistics.stages_ms.get(statistics.busiest)
    if stage_ms is not None:
        lines.append(f"{statistics.busiest} {stage_ms:.0f} ms, busy {statistics.busy:.0%}")
    if statistics.eased:
        lines.append(f"{statistics.preset}, less: {', '.join(statistics.eased)}")
    return lines


def draw_keys(painter: QPainter, area: QRect, labels: Sequence[tuple[str, str]]) -> None:
    """The list of keys, in the middle of the window; smaller where there is little room."""
    fits = int((area.height() - 6 * _GAP) / (1.45 * len(labels)))
    font = _font(area)
    font.setPixelSize(max(7, min(font.pixelSize(), fits)))
    metrics = QFontMetrics(font)
    step = round(1.25 * metrics.height())
    keys_px = max(metrics.horizontalAdvance(keys) for keys, _ in labels)
    texts_px = max(metrics.horizontalAdvance(text) for _, text in labels)
    width, height = keys_px + texts_px + 6 * _GAP, step * len(labels) + 3 * _GAP
    box = QRect(0, 0, width, height)
    box.moveCenter(area.center())
    _draw_box(painter, box, radius=12)
    _draw_box(painter, box, radius=12)  # twice: what is behind must not be read with it
    painter.setFont(font)
    right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    y = box.top() + 3 * _GAP // 2
    for keys, text in labels:
        row = QRect(box.left() + 2 * _GAP, y, keys_px, step)
        painter.setPen(_WARNING)
        painter.drawText(row, right, keys)
        painter.setPen(_TEXT)
        row = QRect(row.right() + 2 * _GAP, y, texts_px + _GAP, step)
        painter.drawText(row, Qt.AlignmentFlag.AlignVCenter, text)
        y += step


def _draw_word(painter: QPainter, picture: QRect, word: str, x: int, *, left: bool) -> None:
    """A word beside the divider, where there is room for it."""
    metrics = painter.fontMetrics()
    width, height = metrics.horizontalAdvance(word) + _GAP, metrics.height() + 4
    edge = x - _GAP // 2 - width if left else x + _GAP // 2
    box = QRect(edge, picture.top() + height + 2 * _GAP, width, height)
    if picture.contains(box):
        _draw_box(painter, box, radius=height / 2)
        painter.setPen(_TEXT)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, word)


def _draw_box(painter: QPainter, box: QRect, *, radius: float) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_PANEL)
    painter.drawRoundedRect(QRectF(box), radius, radius)
    painter.setBrush(Qt.BrushStyle.NoBrush)
