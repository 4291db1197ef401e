"""A still picture into a file."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from masquerade.core.errors import OutputError, SettingsError
from masquerade.media.output_file import OutputFile
from masquerade.media.png_tiff import gif_with_xmp, png_with_chunks, text_chunk, tiff_with_tags

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from masquerade.core.disclosure import Disclosure
    from masquerade.media.picture import JpegCoding, Picture

__all__ = ["PICTURE_EXTENSIONS", "png_metadata", "unknown_extension", "write_image"]

PICTURE_EXTENSIONS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG",
    ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".gif": "GIF", ".avif": "AVIF",
}  # fmt: skip
"""What is written for which extension. BMP is missing: it has no place for the disclosure."""

_XMP_TAG, _ICC_TAG = 700, 34675
_FINE_TABLE_MEAN = 12.0
"""Mean of a luminance table at about quality 90; coarser ones are not used again."""


def unknown_extension(path: Path, known: Iterable[str]) -> OutputError:
    """One sentence for an output name whose extension no writer knows."""
    what = f"the extension {path.suffix!r}" if path.suffix else "a name without extension"
    return OutputError(f"{path} has {what}, which cannot be written; use {', '.join(known)}.")


def write_image(
    path: str | Path,
    picture: Picture,
    pixels: NDArray[np.uint8],
    disclosure: Disclosure | None,
    overwrite: bool = False,
    *,
    quality: int | None = None,
    inputs: Iterable[str | Path] = (),
) -> None:
    """Write ``pixels`` as the finished form of ``picture``; the extension chooses the format.

    Lossless formats (PNG, TIFF, WebP of a lossless source format) keep every untouched sample,
    16-bit ones too; alpha, colour profile, resolution and camera data are kept. A JPEG is
    written with the source's own quantisation tables where they are fine, else at quality 95,
    and with its subsampling. Transparent pictures are laid on white where the format has no
    alpha.

    Args:
        path: where to write.
        picture: what was read.
        pixels: uint8 (H, W, 3), BGR, of the picture's size.
        disclosure: embedded as XMP (and as PNG text), and its mark is put in; None writes none.
        overwrite: whether an existing file may be replaced.
        quality: 1 to 100 for JPEG, WebP and AVIF; None keeps to the source.
        inputs: files that must not be the output.

    Raises:
        OutputError: unknown extension, unwritable folder, full disk, output is an input.
        OutputExistsError: the file exists and ``overwrite`` is False.
        SettingsError: quality out of range.
    """
    path = Path(path)
    form = PICTURE_EXTENSIONS.get(path.suffix.lower())
    if form is None:
        raise unknown_extension(path, PICTURE_EXTENSIONS)
    if quality is not None and not 1 <= quality <= 100:
        raise SettingsError(f"quality is {quality}; give a number from 1 to 100.")
    target = OutputFile(path, overwrite=overwrite, inputs=inputs, disclosure=disclosure)
    try:
        data = _encode(form, picture, pixels, disclosure, quality)
    except (OSError, ValueError, MemoryError, cv2.error) as error:
        raise OutputError(f"{path} could not be encoded as {form} ({error}).") from error
    finally:
        if "data" not in locals():
            target.abort()
    target.write_whole(data)


def _encode(
    form: str,
    picture: Picture,
    pixels: NDArray[np.uint8],
    disclosure: Disclosure | None,
    quality: int | None,
) -> bytes:
    deep = picture.samples is not None and picture.samples.dtype == np.uint16
    if deep and form in ("PNG", "TIFF"):
        return _encode_16_bit(form, picture, pixels, disclosure)
    image = _pillow_image(form, picture, pixels, disclosure)
    out = io.BytesIO()
    image.save(out, form, **_options(form, image, picture, disclosure, quality))
    data = out.getvalue()
    if form == "PNG":
        data = png_with_chunks(data, png_metadata(picture, disclosure))
    elif form == "GIF" and disclosure:
        data = gif_with_xmp(data, disclosure.xmp)
    return data


def _pillow_image(
    form: str, picture: Picture, pixels: NDArray[np.uint8], disclosure: Disclosure | None
) -> Image.Image:
    """The picture in the mode that ``form`` can hold, nearest to the source's own."""
    alpha = picture.alpha
    if alpha is not None and alpha.dtype == np.uint16:
        alpha = cv2.convertScaleAbs(alpha, alpha=1 / 257)
    if picture.samples is not None and picture.samples.ndim == 2:
        grey = picture.merged(pixels)
        if grey.dtype == np.uint16:
            grey = cv2.convertScaleAbs(grey, alpha=1 / 257)
        image = Image.fromarray(_marked(grey, disclosure))
    else:
        image = Image.fromarray(_marked(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), disclosure))
    if alpha is None:
        return image
    if form == "JPEG":
        white = Image.new(image.mode, image.size, "white")
        return Image.composite(image, white, Image.fromarray(alpha))
    if form in ("GIF", "WEBP", "AVIF"):
        image = image.convert("RGB")
    image.putalpha(Image.fromarray(alpha))
    return image


def _marked(samples: NDArray[Any], disclosure: Disclosure | None) -> NDArray[Any]:
    """The samples, which are nobody else's, with the invisible mark."""
    if disclosure is not None and disclosure.mark is not None:
        disclosure.mark.add(samples, np.iinfo(samples.dtype).max)
    return samples


def _options(
    form: str,
    image: Image.Image,
    picture: Picture,
    disclosure: Disclosure | None,
    quality: int | None,
) -> dict[str, Any]:
    """What Pillow is told when it saves."""
    if form in ("PNG", "GIF"):
        return {}  # metadata is put in afterwards
    options: dict[str, Any] = {}
    if profile := _profile_for(image, picture.icc_profile):
        options["icc_profile"] = profile
    if picture.exif and form != "TIFF":
        options["exif"] = picture.exif
    if picture.dpi and form in ("JPEG", "TIFF"):
        options["dpi"] = picture.dpi
    if disclosure and form == "TIFF":
        options["tiffinfo"] = {_XMP_TAG: disclosure.xmp}
    elif disclosure:
        options["xmp"] = disclosure.xmp
    if form == "JPEG":
        options |= _jpeg_options(picture.jpeg, quality)
    elif form == "TIFF":
        options["compression"] = "tiff_lzw"
    elif form == "WEBP" and quality is None and picture.format in ("PNG", "TIFF", "BMP", "GIF"):
        options |= {"lossless": True, "exact": True}
    else:
        options["quality"] = 92 if quality is None else quality
    return options


def _profile_for(image: Image.Image, profile: bytes | None) -> bytes | None:
    """The profile, if it describes the colour model that is written (ICC.1, header byte 16)."""
    wanted = b"GRAY" if image.mode in ("L", "LA") else b"RGB "
    return profile if profile and profile[16:20] == wanted else None


def _jpeg_options(coding: JpegCoding | None, quality: int | None) -> dict[str, Any]:
    subsampling = coding.subsampling if coding and coding.subsampling >= 0 else 0
    if quality is not None or coding is None or not coding.tables:
        return {"quality": quality or 95, "subsampling": subsampling, "optimize": True}
    table = coding.tables[min(coding.tables)]
    if (
        sum(table) / len(table) > _FINE_TABLE_MEAN
        or max(max(t) for t in coding.tables.values()) > 255
    ):
        return {"quality": 95, "subsampling": subsampling, "optimize": True}
    return {"qtables": coding.tables, "subsampling": subsampling, "optimize": True}


def png_metadata(
    picture: Picture | None, disclosure: Disclosure | None
) -> list[tuple[bytes, bytes]]:
    """The PNG chunks that carry colour, camera data and the disclosure."""
    chunks: list[tuple[bytes, bytes]] = []
    if picture is not None:
        chunks += picture.png_chunks
        if picture.icc_profile:
            import zlib

            chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(picture.icc_profile)))
        if picture.exif:
            chunks.append((b"eXIf", picture.exif.removeprefix(b"Exif\0\0")))
    if disclosure is not None:
        chunks.append(text_chunk("XML:com.adobe.xmp", disclosure.xmp))
        chunks += [text_chunk(key, value.encode()) for key, value in disclosure.tags.items()]
    return chunks


def _encode_16_bit(
    form: str, picture: Picture, pixels: NDArray[np.uint8], disclosure: Disclosure | None
) -> bytes:
    samples = _marked(picture.merged(pixels), disclosure)
    if picture.alpha is not None:
        if samples.ndim == 2:
            samples = cv2.cvtColor(samples, cv2.COLOR_GRAY2BGR)
        samples = np.dstack([samples, picture.alpha])
    ok, encoded = cv2.imencode(".png" if form == "PNG" else ".tif", samples)
    if not ok:
        raise ValueError("the codec refused")
    data: bytes = encoded.tobytes()
    if form == "PNG":
        return png_with_chunks(data, png_metadata(picture, disclosure))
    tags = {}
    if disclosure:
        tags[_XMP_TAG] = disclosure.xmp
    if picture.icc_profile:
        tags[_ICC_TAG] = picture.icc_profile
    return tiff_with_tags(data, tags) if tags else data
