"""Files opened through FFmpeg, with the doors shut that a hostile file could use."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import av.error

from masquerade.core.errors import (
    CorruptMediaError,
    EncoderError,
    InputError,
    MasqueradeError,
    OutputError,
)
from masquerade.media.image_read import input_error
from masquerade.media.output_file import output_error

if TYPE_CHECKING:
    from av.container import InputContainer

__all__ = ["LENIENT", "VIDEO_EXTENSIONS", "open_input", "reading", "writing"]

VIDEO_EXTENSIONS = {
    ".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm",
}  # fmt: skip
"""The containers that are written, by extension."""

# Demuxers that read one plain file. Nothing that opens further files or addresses by itself
# (hls, dash, concat, sdp, image2, rtsp, tee, lavfi, v4l2, ...).
_DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,live_flv,asf,ogg,h264,"
    "hevc,av1,obu,ivf,m4v,mjpeg,mxf,nut,yuv4mpegpipe,dv,rm,wtv,mp3,aac,wav,flac,ac3,aiff,au,caf"
)

# Tags that are not UTF-8 are no reason to refuse a film. From PyAV 19 on this is not asked for.
LENIENT: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)


def open_input(path: Path) -> InputContainer:
    """Open a media file: local file only, whitelisted demuxers only, never a playlist.

    Raises:
        CorruptMediaError: FFmpeg cannot make sense of it.
        InputError: it cannot be opened.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": _DEMUXERS, "enable_drefs": "0"}
    with reading(path):
        # "file:" keeps a name with a colon or a percent sign from being taken for a protocol.
        opened: InputContainer = av.open(f"file:{path.absolute()}", "r", options=options, **LENIENT)
        return opened


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what PyAV raises within the block into an InputError about ``path``."""
    try:
        yield
    except MasqueradeError:
        raise
    except (av.error.FileNotFoundError, av.error.PermissionError) as error:
        raise input_error(error, path) from error
    except (av.error.FFmpegError, ValueError, EOFError, OverflowError, MemoryError) as error:
        raise CorruptMediaError(
            f"{path} is damaged, cut off, or no video that is known here ({_reason(error)}); "
            "get it again from where it came."
        ) from error
    except OSError as error:
        raise InputError(f"{path} could not be read ({error}); check the disk.") from error


@contextmanager
def writing(path: Path, encoder: str) -> Iterator[None]:
    """Turn what PyAV raises within the block into an OutputError about ``path``."""
    try:
        yield
    except MasqueradeError:
        raise
    except OSError as error:
        raise output_error(error, path) from error
    except av.error.FFmpegError as error:
        if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise output_error(OSError(error.errno, str(error)), path) from error
        raise EncoderError(
            f"The encoder {encoder} failed ({_reason(error)}); choose another with --video-encoder."
        ) from error
    except (ValueError, TypeError, MemoryError, OverflowError, RuntimeError) as error:
        raise OutputError(f"{path} could not be written ({error}); choose .mkv.") from error


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".").lower()
