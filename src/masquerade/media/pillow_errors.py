"""What Pillow and OpenCV raise on hostile pictures, as errors of this package."""

from __future__ import annotations

import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
from PIL import Image

from masquerade.core.errors import CorruptMediaError, MasqueradeError

__all__ = ["FORMATS", "mapped", "open_picture_lock"]

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF")
"""The decoders that may run: no EPS (it starts Ghostscript), no font or container formats."""

_PICTURE_ERRORS = (
    OSError, ValueError, SyntaxError, EOFError, TypeError, KeyError, IndexError, AttributeError,
    OverflowError, MemoryError, RuntimeError, ZeroDivisionError, struct.error, zlib.error,
    cv2.error, Image.DecompressionBombError,
)  # fmt: skip

_LOCK = threading.RLock()


@contextmanager
def mapped(name: str) -> Iterator[None]:
    """Turn a decoder's error within the block into CorruptMediaError; its warnings are muted.

    Raises:
        CorruptMediaError: the file is truncated or damaged.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except MasqueradeError:
        raise
    except _PICTURE_ERRORS as error:
        cut = isinstance(error, EOFError) or "truncated" in str(error).lower()
        what = "is cut off before its end" if cut else "is damaged"
        raise CorruptMediaError(f"{name} {what}; get it again from where it came.") from error


@contextmanager
def open_picture_lock() -> Iterator[None]:
    """Suspend Pillow's own fixed size limit, which is process-wide; MediaLimits replaces it."""
    with _LOCK:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before
