"""A still picture from a file or from bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image, ImageCms
from PIL.JpegImagePlugin import get_sampling

from masquerade.core.errors import (
    CorruptMediaError,
    InputError,
    MissingInputError,
    UnsupportedMediaError,
)
from masquerade.media.limits import MediaLimits
from masquerade.media.orientation import Orientation
from masquerade.media.picture import JpegCoding, Picture
from masquerade.media.pillow_errors import FORMATS, mapped, open_picture_lock
from masquerade.media.png_tiff import png_chunks
from masquerade.media.sniff import HEAD_BYTES, sniff

if TYPE_CHECKING:
    from numpy.typing import NDArray

    _Planes = tuple[NDArray[Any], NDArray[Any] | None, NDArray[Any] | None]

__all__ = ["input_error", "not_a_picture", "read_image"]

_ORIENTATION, _EXIF_IFD, _GPS_IFD, _MAKER_NOTE = 0x0112, 0x8769, 0x8825, 0x927C
_EXIF_SIZE = (0xA002, 0xA003)
# Description, camera, software, time, artist, copyright. The rest is either wrong after an edit
# (sizes, orientation) or may hold a preview of the face as it was (thumbnail, maker notes).
_EXIF_KEPT = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)
_PNG_COLOUR_CHUNKS = (b"gAMA", b"cHRM", b"sRGB", b"cICP", b"pHYs")
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SEPARATED = 258, 262, 5


def read_image(
    source: str | Path | bytes, *, limits: MediaLimits | None = None, name: str | None = None
) -> Picture:
    """Read one picture; of an animated one the first frame.

    Args:
        source: a path, or the file's bytes.
        limits: the largest size that is decoded.
        name: what errors call the picture; the path by default.

    Raises:
        MissingInputError: no such file.
        UnsupportedMediaError: not a picture, or one of a kind that is not read.
        CorruptMediaError: empty, truncated or damaged.
        MediaLimitError: more pixels than ``limits`` allow; nothing has been decoded then.
    """
    limits = limits or MediaLimits()
    if isinstance(source, bytes):
        return _read(io.BytesIO(source), name or "The picture", limits)
    path = Path(source)
    try:
        with path.open("rb") as file:
            return _read(file, name or str(path), limits)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise input_error(error, path) from error


def input_error(error: Exception, path: Path) -> InputError:
    """One sentence for what the operating system said while ``path`` was being opened."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return MissingInputError(f"There is no file {path}; check the name.")
    if isinstance(error, IsADirectoryError):
        return UnsupportedMediaError(f"{path} is a folder; give the name of a file in it.")
    if isinstance(error, PermissionError):
        return InputError(f"{path} may not be read; check its permissions.")
    return InputError(f"{path} could not be read ({error}); check the name and the disk.")


def not_a_picture(kind: str, name: str) -> InputError:
    """One sentence for a file whose first bytes are of ``kind`` and which is no picture."""
    if kind == "empty":
        return CorruptMediaError(f"{name} is empty (0 bytes); get it again from where it came.")
    words = {
        "text": "is a text file",
        "playlist": "is a playlist, and playlists are not followed",
        "svg": "is a vector drawing (SVG)",
        "pdf": "is a PDF",
        "zip": "is a ZIP archive",
        "heif": "is a HEIC picture, which is not read",
    }.get(kind, "is not a picture that is known here")
    remedy = "export it as JPEG or PNG" if kind in ("svg", "pdf", "heif") else "choose a picture"
    return UnsupportedMediaError(
        f"{name} {words}; {remedy} (JPEG, PNG, WebP, TIFF, GIF, BMP and AVIF are read)."
    )


def _read(file: IO[bytes], name: str, limits: MediaLimits) -> Picture:
    kind = sniff(file.read(HEAD_BYTES))
    file.seek(0)
    if kind.upper() not in FORMATS:
        raise not_a_picture(kind, name)
    with mapped(name), open_picture_lock():
        image = Image.open(file, formats=FORMATS)
    limits.check_picture(*image.size, name)
    with mapped(name), image:
        orientation = Orientation.from_exif(int(image.getexif().get(_ORIENTATION, 1)))
        form = "JPEG" if image.format == "MPO" else str(image.format)
        facts: dict[str, Any] = {
            "format": form,
            "icc_profile": image.info.get("icc_profile"),
            "exif": _kept_exif(image, orientation),
            "dpi": image.info.get("dpi"),
            "jpeg": _jpeg_coding(image, orientation) if form == "JPEG" else None,
        }
        if form == "PNG":
            file.seek(0)
            chunks = png_chunks(file.read(1 << 16))
            facts["png_chunks"] = tuple(c for c in chunks if c[0] in _PNG_COLOUR_CHUNKS)
        deep = _is_16_bit(image, file)
        planes = _decode_16_bit(file) if deep else _decode_8_bit(image, facts)
    return _upright(orientation, *planes, facts)


def _kept_exif(image: Image.Image, orientation: Orientation) -> bytes | None:
    source, kept = image.getexif(), Image.Exif()
    for tag in _EXIF_KEPT:
        if tag in source:
            kept[tag] = source[tag]
    camera = {k: v for k, v in source.get_ifd(_EXIF_IFD).items() if k != _MAKER_NOTE}
    if orientation.transpose and all(tag in camera for tag in _EXIF_SIZE):
        width, height = (camera[tag] for tag in _EXIF_SIZE)
        camera.update(zip(_EXIF_SIZE, (height, width), strict=True))
    kept.get_ifd(_EXIF_IFD).update(camera)
    kept.get_ifd(_GPS_IFD).update(source.get_ifd(_GPS_IFD))
    return kept.tobytes() if len(kept) or camera else None


def _jpeg_coding(image: Any, orientation: Orientation) -> JpegCoding:
    subsampling = get_sampling(image)
    if orientation.transpose and subsampling == 1:
        subsampling = 0  # 4:2:2 turned by 90 degrees would be 4:4:0
    return JpegCoding({n: list(t) for n, t in image.quantization.items()}, subsampling)


def _is_16_bit(image: Any, file: IO[bytes]) -> bool:
    if image.format == "PNG":
        file.seek(24)
        return file.read(1) == b"\x10"
    if image.format == "TIFF":
        if image.mode in ("F", "I"):
            raise UnsupportedMediaError(
                "TIFF pictures with 32 bits a sample are not read; convert it to 16 bits."
            )
        return 16 in image.tag_v2.get(_BITS_PER_SAMPLE, (1,)) and (
            image.tag_v2.get(_PHOTOMETRIC) != _SEPARATED
        )
    return False


def _decode_16_bit(file: IO[bytes]) -> _Planes:
    """Pixels, samples and alpha of a 16-bit PNG or TIFF, as stored."""
    file.seek(0)
    log = cv2.utils.logging
    level = log.setLogLevel(log.LOG_LEVEL_ERROR)  # libtiff warns of every private tag
    samples = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    log.setLogLevel(level)
    if samples is None or samples.dtype != np.uint16:
        raise ValueError("cannot decode")
    alpha = None
    if samples.ndim == 3 and samples.shape[2] == 4:
        samples, alpha = samples[:, :, :3], np.ascontiguousarray(samples[:, :, 3])
    reduced = cv2.convertScaleAbs(samples, alpha=1 / 257)
    if reduced.ndim == 2:
        reduced = cv2.cvtColor(reduced, cv2.COLOR_GRAY2BGR)
    return reduced, np.ascontiguousarray(samples), alpha


def _decode_8_bit(image: Image.Image, facts: dict[str, Any]) -> _Planes:
    """Pixels, samples and alpha as stored; a CMYK picture becomes sRGB and loses its profile."""
    if image.mode == "CMYK":
        image, facts["icc_profile"] = _cmyk_to_srgb(image, facts["icc_profile"]), None
    if image.mode in ("1", "L") and "transparency" not in image.info:
        grey = np.asarray(image.convert("L"))
        return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), grey.copy(), None
    if image.mode == "LA":
        both = np.asarray(image)
        grey = np.ascontiguousarray(both[:, :, 0])
        return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), grey, np.ascontiguousarray(both[:, :, 1])
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        alpha = np.ascontiguousarray(rgba[:, :, 3])
        return cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGR), None, alpha
    return cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR), None, None


def _cmyk_to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    image.load()
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            managed = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if managed is not None:
                return managed
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile: the plain formula is the best that is left
    return image.convert("RGB")


def _upright(
    orientation: Orientation,
    pixels: NDArray[Any],
    samples: NDArray[Any] | None,
    alpha: NDArray[Any] | None,
    facts: dict[str, Any],
) -> Picture:
    return Picture(
        pixels=orientation.upright(pixels),
        samples=None if samples is None else orientation.upright(samples),
        alpha=None if alpha is None else orientation.upright(alpha),
        **facts,
    )
