"""Animated pictures through source and sink."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import CARPHONE, make_clip, scene, touched
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from masquerade.core.disclosure import Disclosure
from masquerade.core.errors import MediaLimitError, OutputError
from masquerade.core.protocols import Sink, Source
from masquerade.media.animation import AnimationSink, AnimationSource
from masquerade.media.file import VideoOptions, VideoSink, VideoSource
from masquerade.media.limits import MediaLimits
from masquerade.media.open import open_source
from masquerade.media.palette import paletted
from masquerade.trust.watermark import Watermark
from masquerade.trust.watermark_reading import read_mark

DURATIONS = [50, 60, 70, 80, 90]
STARTS = [0, 50, 110, 180, 260]
BOX = (25, 5, 40, 15)
DISCLOSURE = Disclosure(b"<x:xmpmeta>made here</x:xmpmeta>", {"AIGC": "{}"})


def animated(path: Path, *, clear: bool = False, loop: int = 3) -> Path:
    """Five frames of 60x40 in 100 colours; the left third is transparent where asked."""
    rng = np.random.default_rng(0)
    palette = rng.integers(0, 256, (100, 3), np.uint8)
    images = []
    for _ in DURATIONS:
        image = Image.fromarray(palette[rng.integers(0, 100, (40, 60))])
        if clear:
            alpha = np.full((40, 60), 255, np.uint8)
            alpha[:, :20] = 0
            image.putalpha(Image.fromarray(alpha))
        images.append(image)
    options = {"lossless": True} if path.suffix == ".webp" else {}
    if clear and path.suffix == ".gif":
        options["disposal"] = 2
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=DURATIONS, loop=loop, **options
    )
    return path


@pytest.mark.parametrize("clear", [False, True], ids=["opaque", "clear"])
@pytest.mark.parametrize("output", ["out.gif", "out.webp", "out.png"])
@pytest.mark.parametrize("source", ["in.gif", "in.webp", "in.png"])
def test_everything_untouched_survives(
    tmp_path: Path, source: str, output: str, clear: bool
) -> None:
    given_file = animated(tmp_path / source, clear=clear)
    finished = []
    with AnimationSource(given_file) as reader:
        sink = AnimationSink(tmp_path / output, reader, disclosure=DISCLOSURE)
        assert isinstance(reader, Source)
        assert isinstance(sink, Sink)
        for frame in reader:
            finished.append(touched(frame, BOX))
            sink.write(finished[-1])
        sink.commit()
    assert reader.info.duration_s == pytest.approx(0.35)
    outside = np.ones((40, 60), bool)
    outside[BOX[1] : BOX[3], BOX[0] : BOX[2]] = False
    if clear:
        outside[:, :20] = False
    with AnimationSource(tmp_path / output) as again:
        frames = list(again)
        assert again.loop == 3
        assert again.info.duration_s == pytest.approx(0.35)
    assert [frame.pts for frame in frames] == STARTS
    for wanted, got in zip(finished, frames, strict=True):
        assert (wanted.pixels == got.pixels)[outside].all()
        inside = (slice(BOX[1], BOX[3]), slice(BOX[0], BOX[2]))
        assert np.abs(wanted.pixels[inside].astype(int) - got.pixels[inside]).mean() < 12
    assert DISCLOSURE.xmp in (tmp_path / output).read_bytes()
    with Image.open(tmp_path / output) as image:
        image.seek(2)
        assert (image.convert("RGBA").getpixel((3, 3))[3] == 0) == clear
    assert {path.name for path in tmp_path.iterdir()} == {source, output}


@pytest.mark.parametrize("clear", [False, True], ids=["opaque", "clear"])
@pytest.mark.parametrize("output", ["out.gif", "out.webp", "out.png"])
def test_every_animation_carries_the_invisible_mark(
    tmp_path: Path, output: str, clear: bool
) -> None:
    picture = Image.fromarray(scene(0, 320, 240)).quantize(255).convert("RGBA")
    if clear:
        picture.paste((0, 0, 0, 0), (0, 0, 40, 240))
    others = [picture.rotate(180), picture]
    picture.save(tmp_path / "in.gif", save_all=True, append_images=others, duration=80, disposal=2)
    disclosure = replace(DISCLOSURE, mark=Watermark(0x3FA21))
    with (
        AnimationSource(tmp_path / "in.gif") as source,
        AnimationSink(tmp_path / output, source, disclosure=disclosure) as sink,
    ):
        for frame in source:
            sink.write(frame)
    with (
        AnimationSource(tmp_path / "in.gif") as before,
        AnimationSource(tmp_path / output) as again,
    ):
        for plain, frame in zip(before, again, strict=True):
            found = read_mark([frame.pixels], search=False)
            assert found is not None
            assert (found.number, found.turned) == (0x3FA21, 0)
            opaque = slice(40, 280)
            assert cv2.PSNR(plain.pixels[:, opaque].copy(), frame.pixels[:, opaque].copy()) > 36
    with Image.open(tmp_path / output) as image:
        assert (image.convert("RGBA").getpixel((3, 3))[3] == 0) == clear


def test_hurried_frames_last_as_browsers_show_them(tmp_path: Path) -> None:
    images = [Image.fromarray(scene(index, 60, 60)) for index in range(3)]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=0)
    with AnimationSource(tmp_path / "a.gif") as source:
        assert [frame.pts for frame in source] == [0, 100, 200]


def test_a_video_becomes_a_gif_with_its_times(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4", pts=range(10))
    with VideoSource(clip) as source, AnimationSink(tmp_path / "a.gif", source) as sink:
        for frame in source:
            sink.write(frame)
    with AnimationSource(tmp_path / "a.gif") as again:
        assert [frame.pts for frame in again] == [40 * n for n in range(10)]


def test_rounding_to_hundredths_does_not_add_up(tmp_path: Path) -> None:
    with (
        VideoSource(CARPHONE, end_s=2) as source,
        AnimationSink(tmp_path / "a.gif", source) as sink,
    ):
        wanted = []
        for frame in source:
            wanted.append(frame.seconds)
            sink.write(frame)
    with AnimationSource(tmp_path / "a.gif") as again:
        times = [frame.seconds for frame in again]
    assert max(abs(a - b) for a, b in zip(times, wanted, strict=True)) <= 0.006


def test_an_animation_becomes_a_video_with_its_times(tmp_path: Path) -> None:
    with (
        AnimationSource(animated(tmp_path / "a.gif")) as source,
        VideoSink(tmp_path / "a.mp4", source, VideoOptions()) as sink,
    ):
        for frame in source:
            sink.write(frame)
    with open_source(tmp_path / "a.mp4") as again:
        assert [round(frame.seconds * 1000) for frame in again] == STARTS


def test_too_much_for_the_memory_is_refused(tmp_path: Path) -> None:
    path = animated(tmp_path / "a.gif")
    with pytest.raises(MediaLimitError, match="5 frames of 60x40"):
        AnimationSource(path, limits=MediaLimits(max_animation_pixels=10_000))
    with VideoSource(CARPHONE) as source:
        limits = MediaLimits(max_animation_pixels=60_000)
        sink = AnimationSink(tmp_path / "b.gif", source, limits=limits)
        with pytest.raises(MediaLimitError):
            for frame in source:
                sink.write(frame)
        sink.abort()
    assert [item.name for item in tmp_path.iterdir()] == ["a.gif"]


def test_no_frame_no_file(tmp_path: Path) -> None:
    with AnimationSource(animated(tmp_path / "a.gif")) as source:
        sink = AnimationSink(tmp_path / "b.gif", source)
        with pytest.raises(OutputError, match="No frame"):
            sink.commit()
        with pytest.raises(OutputError, match="the input itself"):
            AnimationSink(tmp_path / "a.gif", source, overwrite=True)
    assert [item.name for item in tmp_path.iterdir()] == ["a.gif"]


@given(st.integers(1, 256), st.booleans(), st.integers(0, 5))
def test_a_palette_keeps_few_colours_exactly(count: int, clear: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (count, 3), np.uint8)
    pixels = colours[rng.integers(0, count, (20, 30))]
    alpha = np.where(rng.random((20, 30)) < 0.3, 0, 255).astype(np.uint8) if clear else None
    nothing = np.zeros((20, 30), bool)
    rgba = np.asarray(paletted(pixels, alpha, nothing).convert("RGBA"))
    seen = slice(None) if alpha is None else alpha > 0
    distinct = len(np.unique(pixels.reshape(-1, 3) if alpha is None else pixels[seen], axis=0))
    if distinct <= 255:
        assert (rgba[..., 2::-1] == pixels)[seen].all()
    if alpha is not None:
        assert (rgba[..., 3] == alpha).all()
