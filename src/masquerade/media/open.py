"""What a target is, by its content, and the right source and sink for it."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image

from masquerade.core.errors import (
    CorruptMediaError,
    InputError,
    MissingInputError,
    UnsupportedMediaError,
)
from masquerade.media.animation import ANIMATION_EXTENSIONS, AnimationSink, AnimationSource
from masquerade.media.containers import VIDEO_EXTENSIONS, open_input
from masquerade.media.encoders import VideoOptions
from masquerade.media.image_read import input_error, not_a_picture
from masquerade.media.image_write import PICTURE_EXTENSIONS, unknown_extension
from masquerade.media.limits import MediaLimits
from masquerade.media.pillow_errors import FORMATS, mapped, open_picture_lock
from masquerade.media.sniff import HEAD_BYTES, sniff
from masquerade.media.video_facts import find_video_stream
from masquerade.media.video_sink import VideoSink
from masquerade.media.video_source import VideoSource

if TYPE_CHECKING:
    from masquerade.core.disclosure import Disclosure
    from masquerade.core.protocols import Source

__all__ = [
    "VIDEO_INPUTS",
    "TargetKind",
    "check_output",
    "expand_targets",
    "open_sink",
    "open_source",
    "open_target",
]

TargetKind = Literal["image", "animation", "video"]

_PICTURES = {"jpeg", "png", "gif", "webp", "tiff", "bmp", "avif"}
_MAY_MOVE = {"png", "gif", "webp", "avif"}
VIDEO_INPUTS = {
    *VIDEO_EXTENSIONS, ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".flv", ".wmv", ".asf",
    ".ogv", ".3gp", ".mxf", ".y4m", ".ivf", ".nut", ".vob", ".dv", ".mjpeg", ".h264", ".hevc",
}  # fmt: skip
"""Names of videos end so."""


def open_target(path: str | Path, *, limits: MediaLimits | None = None) -> TargetKind:
    """Decide by content, not by name, what ``path`` is; nothing of it is decoded.

    Raises:
        MissingInputError: no such file.
        UnsupportedMediaError: a folder, a text, a playlist, sound without a picture, or a kind
            that is unknown.
        CorruptMediaError: empty, or its header is damaged or missing.
        MediaLimitError: larger than ``limits``.
    """
    path, limits = Path(path), limits or MediaLimits()
    kind = _sniffed(path)
    if kind in _PICTURES:
        return _picture_kind(path, kind, limits)
    if kind != "unknown":
        raise _no_target(kind, path)
    try:
        container = open_input(path)
    except CorruptMediaError as error:
        if path.suffix.lower() in VIDEO_INPUTS:
            raise
        raise UnsupportedMediaError(
            f"{path} is neither a picture nor a video that is known here; choose another file."
        ) from error
    with container:
        context = find_video_stream(container, path).codec_context
        limits.check_picture(context.width, context.height, str(path))
    return "video"


def _sniffed(path: Path) -> str:
    try:
        if path.is_dir():
            raise UnsupportedMediaError(
                f"{path} is a folder; give a file, or the folder as a batch."
            )
        if path.exists() and not path.is_file():
            raise UnsupportedMediaError(f"{path} is a device or a pipe; give a regular file.")
        with path.open("rb") as file:
            return sniff(file.read(HEAD_BYTES))
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise input_error(error, path) from error


def _picture_kind(path: Path, kind: str, limits: MediaLimits) -> TargetKind:
    with mapped(str(path)), open_picture_lock():
        image = Image.open(path, formats=FORMATS)
    with image:
        limits.check_picture(*image.size, str(path))
        with mapped(str(path)):
            moves = kind in _MAY_MOVE and getattr(image, "n_frames", 1) > 1
    return "animation" if moves else "image"


def _no_target(kind: str, path: Path) -> InputError:
    if kind in ("text", "playlist", "zip"):
        what = {"text": "a text file", "playlist": "a playlist", "zip": "a ZIP archive"}[kind]
        return UnsupportedMediaError(f"{path} is {what}; choose a picture or a video.")
    return not_a_picture(kind, str(path))


def open_source(
    path: str | Path, options: VideoOptions | None = None, *, limits: MediaLimits | None = None
) -> VideoSource | AnimationSource:
    """The source for an animation or a video.

    Args:
        path: the file.
        options: start, end and frame rate of a video; an animation has none of them.
        limits: the largest size that is decoded.

    Raises:
        InputError: as :func:`open_target`, or the file is a still picture.
    """
    kind, options = open_target(path, limits=limits), options or VideoOptions()
    if kind == "image":
        raise UnsupportedMediaError(f"{path} is a still picture; read it with read_image.")
    if kind == "animation":
        return AnimationSource(path, limits=limits)
    return VideoSource(
        path, start_s=options.start_s, end_s=options.end_s, fps=options.fps, limits=limits
    )


def open_sink(
    path: str | Path,
    source: Source,
    options: VideoOptions | None = None,
    *,
    disclosure: Disclosure | None = None,
    overwrite: bool = False,
    limits: MediaLimits | None = None,
) -> VideoSink | AnimationSink:
    """The sink that the extension of ``path`` asks for.

    Args:
        path: where to write.
        source: what is read, which the sink asks for sound and the like.
        options: how a video is encoded; an animation has none of them.
        disclosure: what the file says of its origin.
        overwrite: whether an existing file may be replaced.
        limits: how large an animation may become, which is held in memory.

    Raises:
        OutputError: as VideoSink and AnimationSink; unknown extension.
    """
    check_output(path, "video")
    if Path(path).suffix.lower() in ANIMATION_EXTENSIONS:
        return AnimationSink(
            path, source, disclosure=disclosure, overwrite=overwrite, limits=limits
        )
    return VideoSink(path, source, options, disclosure=disclosure, overwrite=overwrite)


def check_output(path: str | Path, kind: TargetKind) -> None:
    """Refuse an output name that cannot hold a target of this kind.

    Raises:
        OutputError: the extension is unknown or belongs to another kind.
    """
    path = Path(path)
    moving = [*VIDEO_EXTENSIONS, *ANIMATION_EXTENSIONS]
    known = list(PICTURE_EXTENSIONS) if kind == "image" else moving
    if path.suffix.lower() not in known:
        raise unknown_extension(path, known)


def expand_targets(pattern: str | Path, *, skip: Iterable[str | Path] = ()) -> list[Path]:
    """The files that a file name, a folder or a glob pattern stands for, in natural order.

    Of a folder (not of those inside it) and of a pattern only pictures and videos are taken,
    told by their content, or by their names where that is damaged; hidden files and those in
    ``skip`` (the outputs of the same batch) are left out.

    Raises:
        MissingInputError: nothing is there.
    """
    path = Path(pattern)
    if path.is_file():
        return [path]
    if path.is_dir():
        found: Iterable[Path] = path.iterdir()
    else:
        found = (Path(name) for name in glob.glob(str(pattern), recursive=True))  # noqa: PTH207
    left_out = {Path(item).resolve() for item in skip}
    files = [
        item
        for item in found
        if not item.name.startswith(".") and _is_media(item) and item.resolve() not in left_out
    ]
    if not files:
        raise MissingInputError(f"{pattern} holds no picture and no video; check the name.")
    return sorted(files, key=_natural)


def _is_media(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        kind = _sniffed(path)
    except InputError:
        return False
    if kind in ("unknown", "empty"):  # damaged ones are told of by whoever reads them
        return path.suffix.lower() in (VIDEO_INPUTS | set(PICTURE_EXTENSIONS))
    return kind in _PICTURES


def _natural(path: Path) -> tuple[str, list[tuple[int, int | str]]]:
    """Sorts frame2 before frame10."""
    parts = re.split(r"(\d+)", path.name.lower())
    return str(path.parent), [(0, int(x)) if x.isdecimal() else (1, x) for x in parts]
