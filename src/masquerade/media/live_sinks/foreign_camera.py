"""The virtual camera of Windows and macOS, through pyvirtualcam and OBS."""

from __future__ import annotations

import contextlib
import sys
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from masquerade.core.errors import VirtualCameraError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ForeignCamera"]

_INSTALL = {
    "win32": "install OBS Studio from obsproject.com, which brings one",
    "darwin": "install OBS Studio from obsproject.com, open it and press Start Virtual Camera once",
}


class ForeignCamera:
    """Sends pictures to the camera that OBS installs.

    Args:
        device: name of the camera; None takes the first.
        size_wh: width and height in pixels.
        rate: frames a second.

    Attributes:
        name: of the camera.

    Raises:
        VirtualCameraError: pyvirtualcam or the camera is missing, or another program holds it.
    """

    def __init__(self, device: str | None, size_wh: tuple[int, int], rate: Fraction) -> None:
        # GPL-2.0: an extra of its own that nobody gets unasked.
        try:
            import pyvirtualcam  # type: ignore[import-not-found, unused-ignore]
        except ImportError as error:
            raise VirtualCameraError(
                "The package pyvirtualcam is missing; install it with "
                "`pip install masquerade[virtual-camera]`."
            ) from error
        width, height = size_wh
        try:
            self._camera: Any = pyvirtualcam.Camera(
                width, height, float(rate), fmt=pyvirtualcam.PixelFormat.BGR, device=device
            )
        except (RuntimeError, OSError, ValueError, TypeError) as error:
            raise _missing(error) from error
        self.name = str(self._camera.device)

    def send(self, pixels: NDArray[np.uint8]) -> None:
        """Show a picture, uint8 (H, W, 3) BGR of the camera's size.

        Raises:
            VirtualCameraError: the camera is gone.
        """
        try:
            self._camera.send(pixels)
        except (RuntimeError, OSError, ValueError) as error:
            raise VirtualCameraError(
                f"The virtual camera {self.name} takes no more pictures ({error}); start again."
            ) from error

    def close(self) -> None:
        """Release the camera; may be called twice."""
        with contextlib.suppress(RuntimeError, OSError):
            self._camera.close()


def _missing(error: Exception) -> VirtualCameraError:
    text = " ".join(str(error).split()).rstrip(".")
    if any(word in text.lower() for word in ("in use", "already", "busy", "could not be started")):
        return VirtualCameraError(
            f"The virtual camera is in use ({text}); close the program that shows a picture in it."
        )
    how = _INSTALL.get(sys.platform, _INSTALL["win32"])
    return VirtualCameraError(f"There is no virtual camera on this machine ({text}); {how}.")
