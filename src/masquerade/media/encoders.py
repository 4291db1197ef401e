"""Video encoders: what is known of each, and which of them work on this machine."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from typing import Literal

import av
import av.error
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext

from masquerade.core.errors import EncoderError, SettingsError
from masquerade.media.scheduling import usual_priority

__all__ = ["ENCODERS", "PRESETS", "Encoder", "VideoOptions", "available_encoders", "find_encoder"]

PRESETS = (
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
)  # fmt: skip
"""From fast and large to slow and small; each encoder's own scale is mapped onto these."""

_Options = dict[str, str]

_AVX_512 = 13  # cv2's number of the feature


def _repeatable(encoder: str, threads: int) -> _Options:
    """What an encoder has to be told, beside a number of threads, to write the same bytes again.

    x265 and SVT-AV1 do not take FFmpeg's number, and what x265 writes depends on how many frames it
    works on at a time. x264's look-ahead reads what it has not written where it uses AVX-512 (core
    165: 6 different results of 30 equal runs; with AVX2 or without ``mbtree`` one).
    """
    if encoder == "libx264":
        return {"x264-params": "asm=avx2"} if cv2.checkHardwareSupport(_AVX_512) else {}
    if encoder == "libx265":
        return {"x265-params": f"frame-threads=1:pools={threads}"}
    return {"svtav1-params": f"lp={threads}"} if encoder == "libsvtav1" else {}


# SVT-AV1 writes a page about itself to stderr unless told not to: errors only.
os.environ.setdefault("SVT_LOG", "1")


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoOptions:
    """How a video is read and written.

    Attributes:
        encoder: name as FFmpeg knows it; None chooses by container (libx264; libvpx-vp9 for
            WebM).
        quality: 0 to 100. 80 looks like the source; 100 is lossless where the encoder can.
        preset: one of PRESETS.
        fps: output frame rate; None keeps the source's timestamps, variable ones too.
        no_audio: leave the sound out.
        start_s: where to begin, seconds from the start of the file.
        end_s: where to end, seconds from the start of the file; None is its end.
        encoder_threads: threads of a software encoder; 0 leaves it to the encoder, which goes by
            the machine. With a number the same frames give the same bytes on every machine.

    Raises:
        SettingsError: a value is out of range.
    """

    encoder: str | None = None
    quality: int = 80
    preset: str = "veryfast"
    fps: float | Fraction | None = None
    no_audio: bool = False
    start_s: float = 0.0
    end_s: float | None = None
    encoder_threads: int = 0

    def __post_init__(self) -> None:
        self._check_kinds()
        if not 0 <= self.encoder_threads <= 64:
            raise SettingsError(
                f"encoder threads are {self.encoder_threads}; give a number from 0 to 64."
            )
        if not 0 <= self.quality <= 100:
            raise SettingsError(f"video quality is {self.quality}; give a number from 0 to 100.")
        if self.preset not in PRESETS:
            raise SettingsError(
                f"video preset is {self.preset!r}; choose one of {', '.join(PRESETS)}."
            )
        if self.fps is not None and not 0.1 <= self.fps <= 1000:
            raise SettingsError(f"fps is {self.fps}; give a number from 0.1 to 1000.")
        if not 0 <= self.start_s < float("inf"):
            raise SettingsError(f"trim start is {self.start_s}; give seconds from 0 up.")
        if self.end_s is not None and not self.end_s > self.start_s:
            raise SettingsError("trim end is not after trim start; swap or correct the two.")

    def _check_kinds(self) -> None:
        """Values may come from a file or from a client."""
        numbers = (self.quality, self.fps or 0, self.start_s, self.end_s or 0, self.encoder_threads)
        words = (self.encoder or "", self.preset)
        if not all(isinstance(value, Real) for value in numbers):
            raise SettingsError("A video option must be a number and is none; see docs/usage.md.")
        if not all(isinstance(word, str) for word in words):
            raise SettingsError("A video option must be a word and is none; see docs/usage.md.")


@dataclass(frozen=True, slots=True)
class Encoder:
    """What is known of one encoder.

    Attributes:
        name: as FFmpeg knows it.
        family: the coding format: h264, hevc, vp9, av1 or ffv1.
        containers: muxers that take it.
        keeps_10_bit: whether 10-bit video is written with 10 bits. libx264 could, but next to
            no player and no browser shows such a file.
        quality: its quality number at our quality 0, 80 and 100.
        settings: its options from that number and a preset's index in PRESETS.
        lossless: options that replace the quality at 100, None where it cannot be lossless.
        hardware: whether it needs a device.
    """

    name: str
    family: Literal["h264", "hevc", "vp9", "av1", "ffv1"]
    containers: tuple[str, ...]
    keeps_10_bit: bool
    quality: tuple[float, float, float]
    settings: Callable[[float, int], _Options]
    lossless: Mapping[str, str] | None = None
    hardware: bool = False

    def options(self, quality: int, preset: str, threads: int = 0) -> _Options:
        """The encoder's own options for a quality of 0 to 100 and one of PRESETS.

        Args:
            quality, preset, threads: as in VideoOptions.
        """
        number = float(np.interp(quality, (0, 80, 100), self.quality))
        chosen = self.settings(number, PRESETS.index(preset))
        if quality == 100 and self.lossless is not None:
            chosen |= self.lossless
        if threads and not self.hardware:
            chosen["threads"] = str(threads)
            for key, words in _repeatable(self.name, threads).items():
                given = f"{chosen[key]}:" if key in chosen else ""
                chosen[key] = given + words
        return chosen

    def is_lossless(self, quality: int) -> bool:
        """Whether every sample survives at this quality."""
        return self.family == "ffv1" or (quality == 100 and self.lossless is not None)


def _x264(number: float, preset: int) -> _Options:
    return {"crf": f"{number:.1f}", "preset": PRESETS[preset]}


def _x265(number: float, preset: int) -> _Options:
    return _x264(number, preset) | {"x265-params": "log-level=error"}


def _vp9(number: float, preset: int) -> _Options:
    speed = (8, 8, 7, 6, 5, 4, 3, 2, 1)[preset]
    deadline = "realtime" if speed > 5 else "good"
    return {
        "crf": f"{number:.0f}", "b": "0", "deadline": deadline, "cpu-used": f"{speed}",
        "row-mt": "1",
    }  # fmt: skip


def _svt(number: float, preset: int) -> _Options:
    return {"crf": f"{number:.0f}", "preset": str((12, 10, 9, 8, 8, 7, 6, 5, 4)[preset])}


def _ffv1(_number: float, _preset: int) -> _Options:
    return {"level": "3", "slicecrc": "1"}


def _nvenc(number: float, preset: int) -> _Options:
    level = (1, 1, 2, 3, 4, 4, 5, 6, 7)[preset]
    return {"rc": "vbr", "cq": f"{number:.0f}", "b": "0", "preset": f"p{level}"}


def _qsv(number: float, preset: int) -> _Options:
    name = PRESETS[max(preset, PRESETS.index("veryfast"))]
    return {"global_quality": f"{number:.0f}", "preset": name}


def _amf(number: float, preset: int) -> _Options:
    speed = "speed" if preset < 4 else "balanced" if preset < 6 else "quality"
    level = f"{number:.0f}"
    return {"rc": "cqp", "qp_i": level, "qp_p": level, "quality": speed}


def _toolbox(number: float, _preset: int) -> _Options:
    # Constant quality is a number of "lambda" units here, 118 to the step.
    return {"flags": "+qscale", "global_quality": f"{number * 118:.0f}"}


_ALL = ("mp4", "mov", "matroska")
_SOFT, _HARD = (45.0, 18.0, 1.0), (45.0, 19.0, 5.0)

ENCODERS: Mapping[str, Encoder] = {
    item.name: item
    for item in (
        Encoder("libx264", "h264", _ALL, False, _SOFT, _x264, {"crf": "0"}),
        Encoder(
            "libx265", "hevc", _ALL, True, (45.0, 20.0, 2.0), _x265,
            {"x265-params": "log-level=error:lossless=1"},
        ),
        Encoder(
            "libvpx-vp9", "vp9", ("mp4", "matroska", "webm"), False, (60.0, 24.0, 4.0), _vp9,
            {"lossless": "1"},
        ),
        Encoder(
            "libsvtav1", "av1", ("mp4", "matroska", "webm"), True, (60.0, 25.0, 5.0), _svt
        ),
        Encoder("ffv1", "ffv1", ("matroska",), True, (0.0, 0.0, 0.0), _ffv1),
        *(
            Encoder(f"{kind}_{vendor}", kind, _ALL, False, _HARD, settings, None, True)
            for vendor, settings in (("nvenc", _nvenc), ("qsv", _qsv), ("amf", _amf))
            for kind in ("h264", "hevc")
        ),
        Encoder("av1_nvenc", "av1", ("mp4", "matroska", "webm"), False, _HARD, _nvenc, None, True),
        *(
            Encoder(
                f"{kind}_videotoolbox", kind, _ALL, False, (20.0, 65.0, 95.0), _toolbox, None, True
            )
            for kind in ("h264", "hevc")
        ),
    )
}  # fmt: skip
"""Every encoder that can be asked for."""


@functools.cache
def available_encoders() -> tuple[str, ...]:
    """Names of the encoders that work here, software first; each was opened to find out."""
    with _quiet(), usual_priority():
        return tuple(name for name in ENCODERS if _opens(name))


def _opens(name: str) -> bool:
    try:
        context = av.CodecContext.create(name, "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = 256, 256, "yuv420p"
        context.framerate, context.time_base = Fraction(25), Fraction(1, 25)
        context.options = ENCODERS[name].options(80, "veryfast")
        frame = av.VideoFrame(256, 256, "yuv420p")
        frame.pts = 0
        context.encode(frame)
        context.encode(None)
    except (av.error.FFmpegError, ValueError):
        return False
    return True


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    level = av.logging.get_level()
    av.logging.set_level(None)
    try:
        yield
    finally:
        av.logging.set_level(level)


def find_encoder(name: str | None, container: str) -> Encoder:
    """The encoder of that name, or the default of a container.

    Args:
        name: as in VideoOptions.
        container: FFmpeg's name of the muxer.

    Raises:
        EncoderError: unknown, not working here, or not for this container.
    """
    if name is None:
        name = "libvpx-vp9" if container == "webm" else "libx264"
    encoder = ENCODERS.get(name)
    if encoder is None:
        raise EncoderError(
            f"There is no encoder {name!r}; choose one of {', '.join(available_encoders())}."
        )
    if container not in encoder.containers:
        fitting = [key for key, item in ENCODERS.items() if container in item.containers]
        usable = [key for key in fitting if key in available_encoders()]
        raise EncoderError(
            f"{name} does not go into {container}; choose {' or '.join(usable)}, or another "
            "extension."
        )
    if encoder.hardware and name not in available_encoders():
        raise EncoderError(
            f"The encoder {name} does not work on this machine; choose one of "
            f"{', '.join(available_encoders())}."
        )
    return encoder
