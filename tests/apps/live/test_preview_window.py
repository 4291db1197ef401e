"""The preview window, painted off screen and looked at pixel by pixel."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import psutil
import pytest
from live_stand_ins import STATISTICS, StandInSession

pytest.importorskip(
    "PySide6.QtWidgets", reason="the desktop extra is not installed", exc_type=ImportError
)

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from masquerade.apps.live import panels
from masquerade.apps.live.controls import Controls
from masquerade.apps.live.scaling import ScaledImage
from masquerade.apps.live.window import PreviewWindow, open_window
from masquerade.apps.live.window_loop import run_window
from masquerade.apps.live.window_sink import WindowSink
from masquerade.core.frame import Frame
from masquerade.core.protocols import Sink

BLUE, GREEN, RED, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 255, 255)  # BGR
DARK = tuple(panels.BACKGROUND.getRgb()[2::-1])


@pytest.fixture(autouse=True)
def off_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture
def session() -> StandInSession:
    return StandInSession()


@pytest.fixture
def sink() -> WindowSink:
    return WindowSink()


@pytest.fixture
def controls(session: StandInSession) -> Controls:
    return Controls(session, session.engine, has_window=True)


@pytest.fixture
def window(sink: WindowSink, controls: Controls) -> Iterator[PreviewWindow]:
    window = open_window(sink, controls)
    yield window
    window.close()
    window.deleteLater()


def halves(left: tuple[int, ...], right: tuple[int, ...], wh: tuple[int, int] = (320, 180)):
    """A picture of two colours, uint8 (H, W, 3) BGR."""
    pixels = np.empty((wh[1], wh[0], 3), np.uint8)
    pixels[:, : wh[0] // 2], pixels[:, wh[0] // 2 :] = left, right
    return pixels


def seen(window: PreviewWindow) -> np.ndarray:
    """What the window shows, uint8 (H, W, 3) BGR."""
    QApplication.processEvents()
    image = window.grab().toImage().convertToFormat(QImage.Format.Format_BGR888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def colour(picture: np.ndarray, x: float, y: float = 0.65) -> tuple[int, ...]:
    """The colour at a place given as shares of width and height."""
    height, width = picture.shape[:2]
    return tuple(picture[int(y * height), int(x * width)].tolist())


def show(window: PreviewWindow, sink: WindowSink, finished, original=None) -> np.ndarray:
    sink.write_beside(Frame(finished), finished if original is None else original)
    return seen(window)


def test_nothing_of_the_stream_is_seen_before_the_first_finished_frame(window):
    window.show_statistics(replace(STATISTICS, frames=0, source="waiting for the camera"))
    picture = seen(window)
    assert colour(picture, 0.02, 0.02) == DARK
    words = picture.reshape(-1, 3).max(axis=1) > 150
    assert 300 < words.sum() < 0.05 * words.size  # a few words on a dark card


def test_colours_are_as_in_the_frame(window, sink):
    picture = show(window, sink, halves(BLUE, RED))
    assert (colour(picture, 0.1), colour(picture, 0.9)) == (BLUE, RED)


def test_the_window_takes_the_pictures_size_but_not_more_than_the_screen(window, sink):
    show(window, sink, halves(BLUE, RED))
    assert window.size() == QSize(320, 180)
    room = window.screen().availableSize()
    large = PreviewWindow(WindowSink(), window._controls)
    show(large, large._sink, halves(BLUE, RED, (4 * room.width(), room.width())))
    assert large.width() <= 0.81 * room.width()
    assert large.width() == pytest.approx(4 * large.height(), rel=0.02) or large.height() >= 180


def test_an_unscaled_picture_is_shown_bit_for_bit(window, sink):
    noise = np.random.default_rng(4).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    np.testing.assert_array_equal(show(window, sink, noise), noise)


@pytest.mark.parametrize("size", [(640, 360), (333, 500), (250, 190), (801, 600)])
def test_the_shape_of_the_picture_is_kept_in_any_window(window, sink, size):
    show(window, sink, halves(BLUE, RED))
    window.resize(*size)
    picture = seen(window)
    assert picture.shape[:2] == size[::-1]
    lit = (picture != DARK).any(axis=2)
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    assert width / height == pytest.approx(16 / 9, rel=0.02)
    assert width == size[0] or height == size[1]
    middle = rows[0] + height // 2, columns[0] + width // 2
    assert tuple(picture[middle[0], columns[0] + 3]) == BLUE
    assert tuple(picture[middle[0], columns[-1] - 3]) == RED
    assert abs(middle[1] - size[0] / 2) <= 1


def test_a_frame_of_another_size_in_the_middle_of_the_stream(window, sink):
    show(window, sink, halves(BLUE, RED))
    picture = show(window, sink, halves(GREEN, YELLOW, (200, 400)))
    assert picture.shape == (180, 320, 3)  # the window stays as its user has it
    assert colour(picture, 0.05) == DARK
    assert (colour(picture, 0.4), colour(picture, 0.6)) == (GREEN, YELLOW)


def test_mirror(window, sink):
    show(window, sink, halves(BLUE, RED))
    QTest.keyClick(window, Qt.Key.Key_M)
    picture = seen(window)
    assert (colour(picture, 0.1), colour(picture, 0.9)) == (RED, BLUE)
    QTest.keyClick(window, Qt.Key.Key_M)
    assert colour(seen(window), 0.1) == BLUE


@pytest.mark.parametrize("mirrored", [False, True])
def test_wipe_shows_the_original_left_and_the_swap_right(window, sink, mirrored):
    show(window, sink, halves(BLUE, BLUE), halves(GREEN, GREEN))
    QTest.keyClicks(window, "wm" if mirrored else "w")
    picture = seen(window)
    assert (colour(picture, 0.1), colour(picture, 0.45)) == (GREEN, GREEN)
    assert (colour(picture, 0.55), colour(picture, 0.9)) == (BLUE, BLUE)


def test_the_wipe_is_off_until_it_is_asked_for(window, sink):
    picture = show(window, sink, halves(BLUE, BLUE), halves(GREEN, GREEN))
    assert not (picture == GREEN).all(axis=2).any()


def test_the_mouse_drags_the_divider_and_cannot_lose_it(window, sink, controls):
    show(window, sink, halves(BLUE, BLUE), halves(GREEN, GREEN))
    QTest.keyClick(window, Qt.Key.Key_W)
    y = window.height() * 4 // 5
    QTest.mousePress(window, Qt.MouseButton.LeftButton, pos=QPoint(160, y))
    QTest.mouseMove(window, QPoint(80, y))
    picture = seen(window)
    assert (colour(picture, 0.2), colour(picture, 0.3)) == (GREEN, BLUE)
    QTest.mouseMove(window, QPoint(-500, y))
    QTest.mouseRelease(window, Qt.MouseButton.LeftButton, pos=QPoint(-500, y))
    assert controls.view.divider == 0
    QTest.mouseMove(window, QPoint(200, y))  # no button any more
    assert controls.view.divider == 0
    assert colour(seen(window), 0.1) == BLUE


def test_signs_of_a_pause_and_of_a_stalled_source(window, sink, session, controls):
    plain = show(window, sink, halves(BLUE, BLUE))
    window.show_statistics(session.statistics())
    np.testing.assert_array_equal(seen(window), plain)
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert session.paused
    window.show_statistics(session.statistics())
    controls.say("")
    paused = seen(window)
    assert (paused[:40] != plain[:40]).any(axis=2).sum() > 300
    assert "paused" in window.windowTitle()
    session.resume()
    session.numbers = replace(STATISTICS, source="no picture for 5 s")
    window.show_statistics(session.statistics())
    stalled = seen(window)
    assert (stalled[:40] != plain[:40]).any(axis=2).sum() > 300
    assert (stalled != paused).any()


def test_numbers_alarms_and_words_are_laid_over_the_picture(window, sink, session, controls):
    plain = show(window, sink, halves(BLUE, BLUE, (640, 360)))
    session.numbers = replace(STATISTICS, alarms=("22 fps; take a smaller input.",))
    window.show_statistics(session.statistics())
    alarmed = seen(window)
    assert (alarmed[300:] != plain[300:]).any(axis=2).sum() > 1000
    np.testing.assert_array_equal(alarmed[:250], plain[:250])
    QTest.keyClick(window, Qt.Key.Key_I)
    numbers = seen(window)
    assert (numbers[:120, :300] != plain[:120, :300]).any(axis=2).sum() > 3000
    controls.say("Shape 80%")
    spoken = seen(window)
    assert (spoken[:300] != numbers[:300]).any()
    QTest.keyClick(window, Qt.Key.Key_H)
    assert (seen(window) != spoken).any(axis=2).sum() > 20_000


def test_keys_do_their_actions(window, sink, session, controls):
    show(window, sink, halves(BLUE, RED))
    with controls:
        QTest.keyClick(window, Qt.Key.Key_Up)
        QTest.keyClick(window, Qt.Key.Key_A, Qt.KeyboardModifier.ShiftModifier)
        with session.told:
            assert session.told.wait_for(lambda: len(session.calls) == 2, 5)
    assert session.calls == [{"shape": 0.8}, {"many_faces": True}]
    QTest.keyClick(window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    assert not session.wait(0)
    QTest.keyClick(window, Qt.Key.Key_Q)
    assert session.wait(0)


def test_full_screen_by_key_and_double_click(window, sink, controls):
    show(window, sink, halves(BLUE, RED))
    QTest.keyClick(window, Qt.Key.Key_F11)
    QApplication.processEvents()
    assert window.isFullScreen()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    QApplication.processEvents()
    assert not window.isFullScreen()
    QTest.mouseDClick(window, Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    assert window.isFullScreen()
    window.showNormal()  # as a desktop does
    QApplication.processEvents()
    assert not controls.view.full_screen


def test_on_top(window, sink):
    flag = Qt.WindowType.WindowStaysOnTopHint
    for wanted in (True, False):
        QTest.keyClick(window, Qt.Key.Key_T)
        QApplication.processEvents()
        assert bool(window.windowHandle().flags() & flag) is wanted
        assert window.isVisible()


def test_closing_the_window_stops_the_stream_and_later_frames_are_let_go_of(window, sink, session):
    window.close()
    assert session.wait(0)
    sink.write(Frame(halves(BLUE, RED)))
    QApplication.processEvents()
    assert window._shown is None


def test_the_sink_is_one_and_takes_what_comes_without_a_window():
    sink = WindowSink()
    assert isinstance(sink, Sink)
    assert sink.newest is None
    first, second = Frame(halves(BLUE, RED)), Frame(halves(GREEN, RED), seq=1)
    sink.write(first)
    sink.write(second)
    sink.commit()
    sink.abort()
    assert sink.newest is second


def test_the_newest_frame_wins_and_one_call_is_on_its_way_at_most():
    sink, told = WindowSink(), []
    sink.tell(lambda: told.append(True))
    frames = [Frame(halves(BLUE, RED), seq=seq) for seq in range(50)]
    for frame in frames:
        sink.write(frame)
    assert len(told) == 1
    assert sink.take().frame is frames[-1]
    sink.write(frames[0])
    assert len(told) == 2
    sink.tell(None)
    sink.write(frames[1])
    assert len(told) == 2
    sink.tell(lambda: told.append(True))  # a window that opens late
    assert len(told) == 3


def test_an_image_lies_over_the_array_and_is_made_once():
    pixels = halves(BLUE, RED)
    scaled = ScaledImage()
    image = scaled.of(pixels, QSize(320, 180), mirrored=False)
    pixels[0, 0] = GREEN
    assert image.pixelColor(0, 0).getRgb()[:3] == GREEN  # green is green in RGB as well
    assert scaled.of(pixels, QSize(320, 180), mirrored=False) is image
    pixels.flags.writeable = False
    small = scaled.of(pixels, QSize(32, 18), mirrored=True)
    assert (small.width(), small.height()) == (32, 18)
    assert small.pixelColor(2, 9).getRgb()[:3] == (255, 0, 0)


def _until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, "nothing came of it"
        QApplication.processEvents()


def test_two_hundred_frames_from_another_thread_leave_nothing_behind(window, sink):
    made: list[weakref.ref[np.ndarray]] = []
    numbers = iter(range(10_000))

    def write(count: int) -> None:
        for _ in range(count):
            pixels = np.full((720, 1280, 3), next(numbers) % 251, np.uint8)
            made.append(weakref.ref(pixels))
            sink.write_beside(Frame(pixels), pixels)

    def write_and_paint(count: int) -> int:
        thread = threading.Thread(target=write, args=(count,))
        thread.start()
        _until(lambda: not thread.is_alive())
        seen(window)
        gc.collect()
        return psutil.Process().memory_info().rss

    before_bytes = write_and_paint(20)
    after_bytes = write_and_paint(200)
    assert sum(pixels() is not None for pixels in made) == 1
    assert after_bytes - before_bytes < 20 * 2**20  # seven frames; two hundred were 550 MB


def test_the_loop_ends_with_the_stream_and_passes_numbers_on(window, session):
    watched = []

    def watch(statistics) -> None:
        watched.append(statistics)
        if len(watched) == 3:
            session.ended.set()

    run_window(session, window, watch)
    assert watched == [STATISTICS] * 3
    assert not window.isVisible()


def test_the_loop_ends_with_the_window(window, session):
    run_window(session, window, lambda _statistics: window.close())
    assert session.calls == ["stop"]


def test_an_error_while_painting_comes_out_of_the_loop(window, session, sink):
    broken = Frame(np.zeros((10, 10, 3), np.uint8))
    broken.pixels = None  # what no sink is ever given
    session.numbers = STATISTICS
    with pytest.raises(AttributeError):
        run_window(session, window, lambda _statistics: sink.write_beside(broken, broken.pixels))
    assert not window.isVisible()


def test_an_error_of_the_watcher_comes_out_of_the_loop(window, session):
    def watch(_statistics) -> None:
        raise BrokenPipeError("nobody reads the status line")

    with pytest.raises(BrokenPipeError):
        run_window(session, window, watch)
