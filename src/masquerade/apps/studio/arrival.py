"""A file on its way in: its size is limited while it comes, and its kind known from its start."""

from __future__ import annotations

import contextlib
import os
import threading
import unicodedata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from masquerade.apps.studio.look_apart import look_at_apart
from masquerade.apps.studio.uploads import Upload, called
from masquerade.core.errors import CorruptMediaError, MediaLimitError, OutputError
from masquerade.core.lifetimes import Closing
from masquerade.media.image_read import not_a_picture
from masquerade.media.limits import MediaLimits
from masquerade.media.sniff import HEAD_BYTES, sniff

if TYPE_CHECKING:
    from masquerade.apps.studio.uploads import Uploads

__all__ = ["Arrival"]

_REFUSED = frozenset({"text", "playlist", "svg", "pdf", "zip", "heif", "empty"})
_LONGEST_NAME = 120
_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".mp4", ".m4v",
    ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mpg", ".mpeg", ".flv", ".wmv", ".ogv",
    ".3gp", ".mxf", ".y4m", ".mjpeg", ".h264", ".hevc",
})  # fmt: skip
_ONE_AT_A_TIME = threading.Lock()  # a large picture takes much memory while it is decoded


class Arrival(Closing):
    """One file on its way in. Leaving its ``with`` block before :meth:`finish` removes it.

    Args:
        uploads: where it goes to.
        folder: of that.
        upload_id: its future id.
        name: what the client calls it.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(self, uploads: Uploads, folder: Path, upload_id: str, name: str) -> None:
        self._uploads = uploads
        self._id, self._name = upload_id, shown_name(name)
        self._path = folder / f"{upload_id}{_suffix(name)}"
        self._head = b""
        self._bytes = 0
        self._arrived = False
        try:
            self._file: BinaryIO = os.fdopen(
                os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            )
        except OSError as error:
            raise _cannot_write(error) from error

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            MediaLimitError: the file, or all files together, are too large.
            UnsupportedMediaError: it begins like something that is no picture and no video.
            OutputError: the disk is full.
        """
        limit = self._uploads.limits.upload_bytes
        if self._bytes + len(chunk) > limit:
            raise MediaLimitError(
                f"{self._name} is larger than {limit / 2**20:,.0f} MB; send a smaller file, or "
                "start the studio with a larger --max-upload."
            )
        self._uploads.reserve(len(chunk))
        self._bytes += len(chunk)
        if len(self._head) < HEAD_BYTES:
            self._head = (self._head + chunk)[:HEAD_BYTES]
            if len(self._head) == HEAD_BYTES:
                self._check_kind()
        try:
            self._file.write(chunk)
        except OSError as error:
            raise _cannot_write(error) from error

    def finish(self) -> Upload:
        """Look at the whole file and take it in.

        Raises:
            InputError: it is empty, damaged, too large, or neither a picture nor a video.
            OutputError: the disk is full.
        """
        self._check_kind()
        try:
            self._file.close()
        except OSError as error:
            raise _cannot_write(error) from error
        limits = MediaLimits(max_pixels=self._uploads.limits.picture_pixels)
        with called(self._path, self._name), _ONE_AT_A_TIME:
            facts = look_at_apart(self._path, limits)
        upload = Upload(self._id, self._name, self._bytes, facts, self._path)
        self._arrived = True
        self._uploads.add(upload)
        return upload

    def close(self) -> None:
        """Remove the file unless it has arrived. May be called twice."""
        if self._arrived:
            return
        self._arrived = True
        with contextlib.suppress(OSError):  # what is still in its buffer goes too
            self._file.close()
        self._path.unlink(missing_ok=True)
        self._uploads.reserve(-self._bytes)

    def _check_kind(self) -> None:
        kind = sniff(self._head)
        if kind == "empty":
            raise CorruptMediaError(f"{self._name} is empty; choose another file.")
        if kind in _REFUSED:
            raise not_a_picture(kind, self._name)


def shown_name(name: str) -> str:
    """What may be shown of a client's name for a file: its last part, without control characters.

    >>> shown_name("../../etc/pass\\x00wd"), shown_name("C:\\\\me\\\\film.mp4"), shown_name("")
    ('passwd', 'film.mp4', 'upload')
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    shown = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C").strip()
    return shown[-_LONGEST_NAME:] or "upload"


def _suffix(name: str) -> str:
    """The ending of ``name`` if it is one of a few: some videos are known by it alone."""
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    return suffix if suffix in _SUFFIXES else ""


def _cannot_write(error: OSError) -> OutputError:
    return OutputError(
        f"The upload cannot be kept ({error.strerror}); make room on the studio's disk."
    )
