"""The preview: the newest picture, as large as the window, and what there is to know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from masquerade.apps.live import panels
from masquerade.apps.live.actions import key_labels
from masquerade.apps.live.scaling import ScaledImage, fitted
from masquerade.apps.live.screen import ensure_screen, no_desktop

try:
    from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, QTimer, Signal
    from PySide6.QtGui import QCloseEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
    from PySide6.QtWidgets import QApplication, QWidget
except ImportError as error:
    raise no_desktop(error) from error

if TYPE_CHECKING:
    from masquerade.apps.live.controls import Controls
    from masquerade.apps.live.window_sink import Shown, WindowSink
    from masquerade.pipeline.statistics import LiveStatistics

__all__ = ["PreviewWindow", "open_window"]

_FIRST_SIZE = QSize(960, 540)
_SMALLEST = QSize(240, 180)
_OF_SCREEN = 0.8
_SAID_MS = 2500

_KEYS = {
    Qt.Key.Key_Space: "space",
    Qt.Key.Key_Escape: "escape",
    Qt.Key.Key_Up: "up",
    Qt.Key.Key_Down: "down",
    Qt.Key.Key_Left: "left",
    Qt.Key.Key_Right: "right",
    **{Qt.Key(Qt.Key.Key_F1 + number): f"f{number + 1}" for number in range(12)},
}
_COMMANDS = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)


def open_window(sink: WindowSink, controls: Controls) -> PreviewWindow:
    """Show the preview of ``sink``; call it in the main thread.

    Raises:
        OutputError: there is no screen.
        RuntimeSetupError: PySide6, or a system library that it needs, is missing.
    """
    ensure_screen()
    if QApplication.instance() is None:
        application = QApplication(["masquerade"])
        application.setApplicationName("Masquerade")
        application.setQuitOnLastWindowClosed(False)
        # The application lives as long as the process: Qt does not stand a second one.
        globals()["_application"] = application
    window = PreviewWindow(sink, controls)
    window.show()
    return window


class PreviewWindow(QWidget):
    """Paints the newest frame; keys and mouse do what the table of actions says.

    Nothing of the stream is painted before its first finished frame. The window keeps that frame,
    the original beside it and both in its own size, and nothing else.

    Args:
        sink: holds the newest frame.
        controls: what keys do, and the view.
    """

    closed = Signal()
    _came = Signal()
    _said = Signal(str)

    def __init__(self, sink: WindowSink, controls: Controls) -> None:
        super().__init__()
        self._sink, self._controls, self._view = sink, controls, controls.view
        self._shown: Shown | None = None
        self._finished, self._original = ScaledImage(), ScaledImage()
        self._statistics: LiveStatistics | None = None
        self._dragging = False
        self._words = ""
        self._silence = QTimer(self, singleShot=True, interval=_SAID_MS)
        self._silence.timeout.connect(self._hush)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setMinimumSize(_SMALLEST)
        self.resize(_FIRST_SIZE)
        self.setWindowTitle("Masquerade")
        # Queued always: whoever writes or speaks must not paint.
        self._came.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._said.connect(self._hear, Qt.ConnectionType.QueuedConnection)
        sink.tell(self._came.emit)
        controls.listen(self._said.emit)

    def show_statistics(self, statistics: LiveStatistics) -> None:
        """Take the stream's numbers and state over into what is shown."""
        self._statistics = statistics
        self.setWindowTitle("Masquerade (paused)" if statistics.paused else "Masquerade")
        self.update()

    # What comes from the stream and from actions

    def _take(self) -> None:
        first = self._shown is None
        self._shown = self._sink.take()
        if first and self._shown is not None and not self.isFullScreen():
            self.resize(self._comfortable(QSize(*self._shown.frame.size_wh)))
        self.update()

    def _comfortable(self, size: QSize) -> QSize:
        """The picture's own size, or less where it would fill the screen."""
        ratio = self.devicePixelRatioF()
        most = self.screen().availableSize() * _OF_SCREEN
        size = QSize(round(size.width() / ratio), round(size.height() / ratio))
        if size.width() > most.width() or size.height() > most.height():
            size.scale(most, Qt.AspectRatioMode.KeepAspectRatio)
        return size

    def _hear(self, text: str) -> None:
        if text:
            self._words = text
            self._silence.start()
        view = self._view
        if view.full_screen != self.isFullScreen():
            self.showFullScreen() if view.full_screen else self.showNormal()
        handle = self.windowHandle()
        if handle is not None:
            # The widget's own flag would take the window down and open it anew.
            handle.setFlag(Qt.WindowType.WindowStaysOnTopHint, view.on_top)
        self.update()

    def _hush(self) -> None:
        self._words = ""
        self.update()

    # Painting

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint the picture, then what is to be known."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        try:
            painter.fillRect(self.rect(), panels.BACKGROUND)
            if self._shown is None:
                waiting = self._statistics.source if self._statistics else ""
                panels.draw_card(painter, self.rect(), "Looking for the first picture", waiting)
            else:
                self._paint_picture(painter, self._shown)
            if self._view.help:
                panels.draw_keys(painter, self.rect(), key_labels(self._controls.actions))
            else:
                self._paint_signs(painter)
        finally:
            painter.end()  # an error must not leave the painter open: Qt would end the process

    def _paint_picture(self, painter: QPainter, shown: Shown) -> None:
        place, ratio = self._place(), self.devicePixelRatioF()
        size = QSize(round(place.width() * ratio), round(place.height() * ratio))
        mirrored = self._view.mirror
        finished = self._finished.of(shown.frame.pixels, size, mirrored=mirrored)
        finished.setDevicePixelRatio(ratio)
        painter.drawImage(place.topLeft(), finished)
        if self._view.wipe:
            original = self._original.of(shown.original, size, mirrored=mirrored)
            original.setDevicePixelRatio(ratio)
            x = self._divider_x()
            painter.setClipRect(QRect(place.left(), place.top(), x - place.left(), place.height()))
            painter.drawImage(place.topLeft(), original)
            painter.setClipping(False)
            panels.draw_divider(painter, place, x)

    def _paint_signs(self, painter: QPainter) -> None:
        area, statistics, sign = self.rect(), self._statistics, None
        bottom = area.bottom() - 12
        if statistics is not None:
            trouble = "Paused" if statistics.paused else statistics.source
            if trouble and self._shown is not None:
                sign = panels.draw_sign(painter, area, trouble, warning=True)
            if self._view.numbers and self._shown is not None:
                panels.draw_numbers(painter, area, statistics, sign)
            for alarm in statistics.alarms[:2]:
                box = panels.draw_sign(painter, area, alarm, bottom=bottom, warning=True)
                bottom = box.top() - 8
        if self._words:
            panels.draw_sign(painter, area, self._words, bottom=bottom)

    def _place(self) -> QRect:
        """Where the picture is, in the window's own pixels."""
        assert self._shown is not None
        return fitted(QSize(*self._shown.frame.size_wh), self.size())

    def _divider_x(self) -> int:
        place = self._place()
        return place.left() + round(self._view.divider * place.width())

    # Keys and mouse

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Do what the key stands for."""
        key = _KEYS.get(Qt.Key(event.key()), event.text().lower())
        if event.modifiers() & _COMMANDS or not self._controls.press(
            key, repeated=event.isAutoRepeat()
        ):
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take the divider to the mouse."""
        self._dragging = event.button() == Qt.MouseButton.LeftButton and self._view.wipe
        self._drag(event.position().toPoint())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drag the divider."""
        wiping = self._view.wipe and self._shown is not None
        self.setCursor(Qt.CursorShape.SplitHCursor if wiping else Qt.CursorShape.ArrowCursor)
        self._drag(event.position().toPoint())

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:  # noqa: N802
        """Leave the divider where it is."""
        self._dragging = False

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:  # noqa: N802
        """Full screen and back."""
        self._view.full_screen = not self._view.full_screen
        self._hear("")

    def _drag(self, point: QPoint) -> None:
        if self._dragging and self._shown is not None:
            place = self._place()
            share = (point.x() - place.left()) / place.width()
            self._view.divider = min(1.0, max(0.0, share))
            self.update()

    # The window itself

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Notice when the desktop itself ends the full screen."""
        if event.type() == QEvent.Type.WindowStateChange:
            self._view.full_screen = self.isFullScreen()
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Closing the window ends the stream."""
        self._sink.tell(None)
        self._controls.session.stop()
        self.closed.emit()
        super().closeEvent(event)
