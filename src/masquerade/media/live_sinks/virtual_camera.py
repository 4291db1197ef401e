"""A live stream as a camera that meeting programs can choose."""

from __future__ import annotations

import platform
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from masquerade.core.errors import VirtualCameraError
from masquerade.core.lifetimes import Committing
from masquerade.media.live_sinks.canvas import letterboxed
from masquerade.media.live_sinks.foreign_camera import ForeignCamera
from masquerade.media.live_sinks.loopback import LoopbackCamera, find_loopback

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.frame import Frame
    from masquerade.core.protocols import SourceInfo
    from masquerade.media.live_sinks.options import SinkOptions

__all__ = ["CameraDevice", "VirtualCameraSink", "hold_card", "open_camera"]

_LAST_S = 2.0
_HOLD_AFTER = 1.5  # frame times without a new picture


class CameraDevice(Protocol):
    """What shows pictures as a camera."""

    name: str

    def send(self, pixels: NDArray[np.uint8]) -> None:
        """Show a picture, uint8 (H, W, 3) BGR. Raises VirtualCameraError."""
        ...

    def close(self) -> None:
        """Release it."""
        ...


def open_camera(device: str | None, size_wh: tuple[int, int], rate: Fraction) -> CameraDevice:
    """The virtual camera of this system.

    Args:
        device: its path (Linux) or name; None finds one.
        size_wh: width and height in pixels, even.
        rate: frames a second.

    Raises:
        VirtualCameraError: there is none, or it is in use.
    """
    if platform.system() == "Linux":
        return LoopbackCamera(Path(device) if device else find_loopback(), size_wh, rate)
    return ForeignCamera(device, size_wh, rate)


def hold_card(size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """What is shown before the first picture, uint8 (H, W, 3) BGR."""
    width, height = size_wh
    card = np.full((height, width, 3), 40, np.uint8)
    text, font = "Masquerade: no picture yet", cv2.FONT_HERSHEY_SIMPLEX
    (wide, high), _ = cv2.getTextSize(text, font, 1.0, 1)
    scale = 0.8 * width / wide
    place = (round(0.1 * width), round((height + high * scale) / 2))
    thick = max(1, round(2 * scale))
    cv2.putText(card, text, place, font, scale, (200, 200, 200), thick, cv2.LINE_AA)
    return card


class VirtualCameraSink(Committing):
    """Shows the stream as a camera of one size and a steady rate.

    While no frames come the last one is repeated, before the first one a card that says so, so
    that the program that watches does not lose the camera. Frames of another size are fitted in.

    Args:
        device: path or name of the camera; None finds one.
        info: gives size and rate.
        options: another size or rate.
        camera: what shows the pictures, for a camera that is open already.

    Raises:
        VirtualCameraError: there is none, or it is in use.
    """

    status = ""

    def __init__(
        self,
        device: str | None,
        info: SourceInfo,
        options: SinkOptions,
        *,
        camera: CameraDevice | None = None,
    ) -> None:
        width, height = options.camera_size_wh or info.size_wh
        self.size_wh = max(16, width - width % 2), max(16, height - height % 2)
        rate = options.frame_rate(info)
        self._camera = camera or open_camera(device, self.size_wh, rate)
        self._period_s = 1 / float(rate)
        self._changed = threading.Condition()
        self._picture: NDArray[np.uint8] = hold_card(self.size_wh)
        self._fresh = True
        self._ended = False
        self._failure: VirtualCameraError | None = None
        self._thread = threading.Thread(
            target=self._run, name="masquerade-virtual-camera", daemon=True
        )
        self._thread.start()

    @property
    def notices(self) -> tuple[str, ...]:
        """Which camera to choose, and of what size it is."""
        width, height = self.size_wh
        return (f"The virtual camera is {self._camera.name}, {width}x{height}.",)

    def write(self, frame: Frame) -> None:
        """Show one frame.

        Raises:
            VirtualCameraError: the camera is gone.
        """
        picture = letterboxed(frame.pixels, self.size_wh)
        if picture is frame.pixels:
            picture = picture.copy()
        with self._changed:
            if self._failure is not None:
                raise self._failure
            self._picture, self._fresh = picture, True
            self._changed.notify_all()

    def commit(self) -> None:
        """Let go of the camera."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join(_LAST_S)
        if not self._thread.is_alive():  # else the device hangs, and closing it would too
            self._camera.close()

    def abort(self) -> None:
        """As commit."""
        self.commit()

    def _run(self) -> None:
        last, holding = time.monotonic(), True
        while True:
            hold_at = last + self._period_s * (1.0 if holding else _HOLD_AFTER)
            with self._changed:
                left_s = max(0.0, hold_at - time.monotonic())
                self._changed.wait_for(lambda: self._ended or self._fresh, left_s)
                if self._ended:
                    return
                picture, holding, self._fresh = self._picture, not self._fresh, False
            try:
                self._camera.send(picture)
            except VirtualCameraError as error:
                with self._changed:
                    self._failure = error
                return
            last = max(hold_at, time.monotonic() - self._period_s) if holding else time.monotonic()
