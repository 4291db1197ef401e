"""Stills: everything that belongs to a picture survives, and nothing else changes."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from masquerade.core.disclosure import Disclosure
from masquerade.core.errors import (
    CorruptMediaError,
    InputError,
    MediaLimitError,
    MissingInputError,
    OutputError,
    OutputExistsError,
    SettingsError,
    UnsupportedMediaError,
)
from masquerade.media.image import PICTURE_EXTENSIONS, Picture, read_image, write_image
from masquerade.media.limits import MediaLimits
from masquerade.media.orientation import Orientation

MONA = Path(__file__).with_name("mona_lisa.jpg")
DISCLOSURE = Disclosure(b"<x:xmpmeta>made here</x:xmpmeta>", {"AIGC": '{"a":1}'})
BOX = (slice(5, 12), slice(7, 20))


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(1).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def changed(picture: Picture) -> np.ndarray:
    pixels = picture.pixels.copy()
    pixels[BOX] = 255 - pixels[BOX]
    return pixels


def rewritten(path: Path, name: str) -> tuple[Picture, Path]:
    """Read, change a box, write under another name."""
    picture = read_image(path)
    out = path.with_name(name)
    write_image(out, picture, changed(picture), DISCLOSURE)
    return picture, out


@pytest.mark.parametrize("extension", PICTURE_EXTENSIONS)
def test_a_photo_reaches_every_format_with_its_disclosure(tmp_path: Path, extension: str) -> None:
    picture = read_image(MONA)
    assert picture.pixels.shape == (1155, 743, 3)
    out = tmp_path / f"out{extension}"
    write_image(out, picture, picture.pixels, DISCLOSURE)
    again = read_image(out)
    error = np.abs(again.pixels.astype(int) - picture.pixels)
    lossless = extension in (".png", ".tif", ".tiff")
    assert error.max() == 0 if lossless else error.mean() < 3
    with Image.open(out) as image:
        found = image.info.get("xmp") or getattr(image, "info", {}).get("xmp")
    assert found == DISCLOSURE.xmp or DISCLOSURE.xmp in out.read_bytes()


def test_xmp_is_found_by_other_readers(tmp_path: Path) -> None:
    picture = Picture(noise(30, 40, 3))
    for extension in (".jpg", ".png", ".webp", ".tif", ".avif"):
        out = tmp_path / f"out{extension}"
        write_image(out, picture, picture.pixels, DISCLOSURE)
        with Image.open(out) as image:
            image.load()
            assert image.info["xmp"] == DISCLOSURE.xmp


def test_a_jpeg_that_changes_nothing_loses_next_to_nothing(tmp_path: Path) -> None:
    """The source's fine tables and subsampling are used again."""
    buffer = io.BytesIO()
    Image.open(MONA).resize((370, 576)).save(buffer, "JPEG", quality=95, subsampling=2)
    picture = read_image(buffer.getvalue())
    assert picture.jpeg is not None
    assert picture.jpeg.subsampling == 2
    write_image(tmp_path / "a.jpg", picture, picture.pixels, None)
    again = read_image(tmp_path / "a.jpg")
    assert again.jpeg == picture.jpeg
    assert np.abs(again.pixels.astype(int) - picture.pixels).mean() < 0.35


def test_a_coarse_jpeg_is_written_finer() -> None:
    buffer = io.BytesIO()
    Image.open(MONA).resize((370, 576)).save(buffer, "JPEG", quality=40)
    picture = read_image(buffer.getvalue())
    assert picture.jpeg is not None
    assert sum(picture.jpeg.tables[0]) / 64 > 12


@pytest.mark.parametrize("shape", [(40, 51), (40, 51, 3), (40, 51, 4)])
@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_untouched_16_bit_samples_are_kept(
    tmp_path: Path, shape: tuple[int, ...], extension: str
) -> None:
    samples = noise(*shape, dtype=np.uint16)
    cv2.imwrite(str(tmp_path / f"in{extension}"), samples)
    picture, out = rewritten(tmp_path / f"in{extension}", f"out{extension}")
    expected = samples[..., :3] if samples.ndim == 3 else samples[..., None].repeat(3, 2)
    assert np.abs(picture.pixels - expected / 257).max() <= 0.5
    again = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
    assert again.dtype == np.uint16
    assert again.shape == samples.shape
    same = again == samples
    assert not same[BOX].reshape(-1, *same.shape[2:])[..., 0:1].all()
    same[BOX] = True
    assert same.all()
    if len(shape) == 3 and shape[2] == 4:
        assert (again[..., 3] == samples[..., 3]).all()


def test_a_16_bit_picture_becomes_an_8_bit_jpeg(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "in.png"), ramp)
    picture = read_image(tmp_path / "in.png")
    write_image(tmp_path / "out.jpg", picture, picture.pixels, None)
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.mode == "L"
        assert np.abs(np.asarray(image) - ramp / 257).max() < 4


@pytest.mark.parametrize("extension", [".png", ".tif", ".jpg", ".webp"])
def test_grey_stays_grey(tmp_path: Path, extension: str) -> None:
    smooth = np.linspace(30, 220, 40 * 51).reshape(40, 51).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "in.png")
    picture, out = rewritten(tmp_path / "in.png", f"out{extension}")
    assert picture.pixels.shape == (40, 51, 3)
    with Image.open(out) as image:
        assert image.mode == ("RGB" if extension == ".webp" else "L")
        again = np.asarray(image.convert("L")).astype(int)
    difference = np.abs(again - smooth)
    difference[BOX] = 0
    assert difference[:, 24:].max() <= (0 if extension in (".png", ".tif") else 6)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize("extension", [".png", ".webp", ".tif"])
def test_alpha_is_kept(tmp_path: Path, mode: str, extension: str) -> None:
    rgba = noise(40, 51, 4)
    rgba[..., 3] = np.where(noise(40, 51) > 128, 255, 0)
    image = Image.fromarray(rgba)
    if mode == "LA":
        image = image.convert("LA")
    if mode in ("P", "PA"):
        image = Image.fromarray(noise(40, 51) % 60)
        image = image.convert("P")
        image.info["transparency"] = bytes(255 * (n % 2) for n in range(256))
    image.save(
        tmp_path / "in.png",
        **({"transparency": image.info["transparency"]} if mode in ("P", "PA") else {}),
    )
    picture, out = rewritten(tmp_path / "in.png", f"out{extension}")
    again = read_image(out)
    assert picture.alpha is not None
    assert again.alpha is not None
    assert (picture.alpha == again.alpha).all()
    visible = picture.alpha > 0
    visible[BOX] = False
    assert (picture.pixels == again.pixels)[visible].all()


def test_a_transparent_picture_is_laid_on_white_in_a_jpeg(tmp_path: Path) -> None:
    rgba = np.zeros((32, 32, 4), np.uint8)
    rgba[:, 16:] = (0, 0, 255, 255)
    Image.fromarray(rgba).save(tmp_path / "in.png")
    picture = read_image(tmp_path / "in.png")
    write_image(tmp_path / "out.jpg", picture, picture.pixels, None)
    pixels = read_image(tmp_path / "out.jpg").pixels
    assert pixels[16, 3].min() > 250
    assert pixels[16, 28, 0] > 240


def test_cmyk_becomes_srgb(tmp_path: Path) -> None:
    cmyk = Image.new("CMYK", (32, 24), (0, 255, 255, 0))
    cmyk.save(tmp_path / "in.jpg", quality=95)
    picture, out = rewritten(tmp_path / "in.jpg", "out.jpg")
    blue, green, red = picture.pixels[2, 2]
    assert red > 200
    assert max(blue, green) < 80
    assert read_image(out).pixels.shape == (24, 32, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied_once(tmp_path: Path, orientation: int) -> None:
    pixels = cv2.GaussianBlur(noise(40, 64, 3), (0, 0), 4)
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera"
    exif.get_ifd(0x8769)[0x927C] = b"maker note with a preview"
    exif.get_ifd(0x8769)[0xA002], exif.get_ifd(0x8769)[0xA003] = 64, 40
    Image.fromarray(pixels).save(tmp_path / "in.jpg", exif=exif, quality=100, subsampling=0)
    with Image.open(tmp_path / "in.jpg") as image:
        from PIL import ImageOps

        wanted = np.asarray(ImageOps.exif_transpose(image))[..., ::-1]
    picture = read_image(tmp_path / "in.jpg")
    assert (picture.pixels == wanted).all()
    write_image(tmp_path / "out.jpg", picture, picture.pixels, None)
    again = read_image(tmp_path / "out.jpg")
    assert again.pixels.shape == wanted.shape
    assert np.abs(again.pixels.astype(int) - wanted).mean() < 1.5
    with Image.open(tmp_path / "out.jpg") as image:
        found = image.getexif()
        assert 0x0112 not in found
        assert found[0x010F] == "Camera"
        camera = found.get_ifd(0x8769)
        assert 0x927C not in camera
        assert (camera[0xA002], camera[0xA003]) == image.size


@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp", ".tif"])
def test_the_colour_profile_is_kept(tmp_path: Path, extension: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(noise(30, 40, 3)).save(tmp_path / f"in{extension}", icc_profile=profile)
    _, out = rewritten(tmp_path / f"in{extension}", f"out{extension}")
    with Image.open(out) as image:
        assert image.info["icc_profile"] == profile


@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_the_colour_profile_of_a_16_bit_picture_is_kept(tmp_path: Path, extension: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Picture(
        noise(30, 40, 3), samples=noise(30, 40, 3, dtype=np.uint16), icc_profile=profile
    )
    write_image(tmp_path / f"in{extension}", picture, picture.pixels, DISCLOSURE)
    again, out = rewritten(tmp_path / f"in{extension}", f"out{extension}")
    assert again.icc_profile == profile
    assert read_image(out).icc_profile == profile


def test_colour_chunks_of_a_png_are_kept(tmp_path: Path) -> None:
    Image.fromarray(noise(30, 40, 3)).save(tmp_path / "plain.png")
    data = (tmp_path / "plain.png").read_bytes()
    body = b"gAMA" + struct.pack(">I", 45455)
    chunk = struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body))
    (tmp_path / "in.png").write_bytes(data[:33] + chunk + data[33:])
    _, out = rewritten(tmp_path / "in.png", "out.png")
    with Image.open(out) as image:
        assert image.info["gamma"] == pytest.approx(0.45455)


def test_one_pixel_is_a_picture(tmp_path: Path) -> None:
    for extension in PICTURE_EXTENSIONS:
        picture = Picture(np.full((1, 1, 3), 200, np.uint8))
        write_image(tmp_path / f"one{extension}", picture, picture.pixels, DISCLOSURE)
        assert read_image(tmp_path / f"one{extension}").pixels.shape == (1, 1, 3)


def header_bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises a lot and whose body is a few bytes."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part))
        for part in (body, data, b"IEND")
    )


def test_a_picture_bomb_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(MediaLimitError, match=r"20000x20000.*raise --max-pixels"):
        read_image(header_bomb(20_000, 20_000))


def test_the_limit_can_be_raised_beyond_pillows_own() -> None:
    limits = MediaLimits(max_pixels=500_000_000)
    with pytest.raises(CorruptMediaError):
        read_image(header_bomb(20_000, 20_000), limits=limits)
    assert Image.MAX_IMAGE_PIXELS is not None, "the process-wide limit is put back"


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF", "BMP"])
def test_truncated_pictures_are_refused(tmp_path: Path, form: str, part: float) -> None:
    buffer = io.BytesIO()
    Image.open(MONA).resize((200, 300)).save(buffer, form)
    data = buffer.getvalue()
    cut = data[: int(len(data) * part)]
    if form == "TIFF":
        cut = data[: int(len(data) * part * 0.9)]
    with pytest.raises(InputError, match=r"cut off|damaged"):
        read_image(cut, name="cut")


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", CorruptMediaError, "empty"),
        (b"just some words", UnsupportedMediaError, "text"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedMediaError, "SVG"),
        (b"%PDF-1.7\n%\xe2\xe3", UnsupportedMediaError, "PDF"),
        (b"PK\x03\x04" + bytes(40), UnsupportedMediaError, "ZIP"),
        (b"\0\0\0\x18ftypheic" + bytes(60), UnsupportedMediaError, "HEIC"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", UnsupportedMediaError, "text"),
        (bytes(range(256)), UnsupportedMediaError, "not a picture"),
    ],
)
def test_other_files_are_told_what_they_are(
    data: bytes, kind: type[InputError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        read_image(data)


def test_missing_files_and_folders_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="no file"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(UnsupportedMediaError, match="folder"):
        read_image(tmp_path)
    with pytest.raises(InputError):
        read_image("a\0b.jpg")


MAGICS = [
    b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"RIFF\x99\0\0\0WEBPVP8 ",
]


@given(st.sampled_from([*MAGICS, b"II*\0", b"MM\0*", b"BM", b""]), st.binary(max_size=400))
def test_no_bytes_raise_anything_else(magic: bytes, rest: bytes) -> None:
    try:
        read_image(magic + rest)
    except InputError as error:
        assert str(error)


@given(
    st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "TIFF", "AVIF"]),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_flipped_bytes_raise_nothing_else(form: str, flips: list[tuple[float, int]]) -> None:
    buffer = io.BytesIO()
    Image.fromarray(noise(9, 11, 3)).save(buffer, form)
    data = bytearray(buffer.getvalue())
    for place, value in flips:
        data[int(place * len(data))] = value
    try:
        picture = read_image(bytes(data), limits=MediaLimits(max_pixels=1_000_000))
    except InputError:
        return
    assert picture.pixels.dtype == np.uint8


def test_wrong_outputs_are_refused(tmp_path: Path) -> None:
    picture = Picture(noise(8, 8, 3))
    with pytest.raises(OutputError, match=r"\.bmp.*use \.jpg"):
        write_image(tmp_path / "a.bmp", picture, picture.pixels, None)
    with pytest.raises(SettingsError):
        write_image(tmp_path / "a.jpg", picture, picture.pixels, None, quality=0)
    (tmp_path / "a.png").write_bytes(b"old")
    with pytest.raises(OutputExistsError):
        write_image(tmp_path / "a.png", picture, picture.pixels, None)
    with pytest.raises(OutputError, match="the input itself"):
        write_image(
            tmp_path / "a.png", picture, picture.pixels, None, True, inputs=[tmp_path / "a.png"]
        )
    assert (tmp_path / "a.png").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@given(st.integers(1, 8), st.integers(1, 7), st.integers(1, 7))
def test_orientations_move_corners_as_exif_says(value: int, height: int, width: int) -> None:
    stored = np.arange(height * width, dtype=np.uint8).reshape(height, width)
    image = Image.fromarray(stored)
    operation = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(value)  # fmt: skip
    wanted = image if operation is None else image.transpose(operation)
    assert (Orientation.from_exif(value).upright(stored) == np.asarray(wanted)).all()
