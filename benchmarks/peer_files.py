"""What Deep-Live-Cam does with a video file, as a baseline: a serial loop between two pipes.

Written from what it is known to do (docs/networks.md), not from its code. One ffmpeg decodes to raw
BGR frames in a pipe; the loop searches and recognises on every frame, swaps by the points of the
frame before, and puts the crop back; another ffmpeg encodes what it is fed; at the end the sound of
the target is joined to the result by a third, which copies both.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import cv2
import numpy as np

from masquerade.geometry.templates import align
from peer_schedule import SIDE, PeerSchedule, default_session

RECOGNISED_PX = 112


class FreeSession:
    """A session that costs nothing: whatever it is fed, it answers with one grey face."""

    _FACE = np.full((1, 3, SIDE, SIDE), 0.5, np.float32)

    def __init__(self, _path: Path) -> None:
        pass

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="target"), SimpleNamespace(name="source")]

    def run(self, _outputs: None, _feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return [self._FACE]


def find_ffmpeg() -> str:
    """The program's path."""
    path = shutil.which("ffmpeg")
    if path is None:
        raise SystemExit("The program ffmpeg is missing; install it (apt install ffmpeg).")
    return path


class PeerFile:
    """The serial job.

    Args:
        swapper: ONNX file.
        detector: likewise.
        recogniser: likewise; its answer is not used.
        encoder_options: of libx264.
        opened: makes a session of a file; ONNX Runtime's default one, or :class:`FreeSession`.
    """

    def __init__(
        self,
        swapper: Path,
        detector: Path,
        recogniser: Path,
        encoder_options: Mapping[str, str],
        opened: Callable[[Path], Any] = default_session,
    ) -> None:
        latent = np.random.default_rng(1).standard_normal((1, 512)).astype(np.float32)
        latent /= np.linalg.norm(latent)
        self._schedule = PeerSchedule(swapper, detector, latent, opened)
        self._recogniser = opened(recogniser)
        self._encoding = [word for item in encoder_options.items() for word in _option(*item)]
        self._ffmpeg = [find_ffmpeg(), "-y", "-hide_banner", "-loglevel", "error"]

    def swap(self, clip: Path, out: Path, kps: np.ndarray) -> None:
        """The whole job of a film of 25 frames a second whose face has those five points."""
        silent = out.with_name(f"silent-{out.name}")
        shape = _shape(clip)
        before = None
        with (
            self._decoder(clip) as reading,
            self._encoder(silent, shape) as writing,
        ):
            while raw := reading.stdout.read(int(np.prod(shape))):
                pixels = np.frombuffer(raw, np.uint8).reshape(shape)
                self._recognise(pixels, kps)
                drawn = self._schedule.frame(pixels, kps if before is None else before, 0)
                before = kps
                writing.stdin.write(drawn.tobytes())
            writing.stdin.close()
        self._run("-i", silent, "-i", clip, "-map", "0:v", "-map", "1:a", "-c", "copy", out)

    def _recognise(self, pixels: np.ndarray, kps: np.ndarray) -> None:
        matrix = align(kps, "arcface_112_v2", RECOGNISED_PX)
        crop = cv2.warpAffine(pixels, matrix, (RECOGNISED_PX, RECOGNISED_PX))
        side = (RECOGNISED_PX, RECOGNISED_PX)
        blob = cv2.dnn.blobFromImage(crop, 1 / 127.5, side, (127.5,) * 3, swapRB=True)
        self._recogniser.run(None, {self._recogniser.get_inputs()[0].name: blob})

    def _decoder(self, clip: Path) -> subprocess.Popen:
        words = ["-i", str(clip), "-f", "rawvideo", "-pix_fmt", "bgr24", "-"]
        return subprocess.Popen([*self._ffmpeg, *words], stdout=subprocess.PIPE)

    def _encoder(self, out: Path, shape: tuple[int, int, int]) -> subprocess.Popen:
        size = f"{shape[1]}x{shape[0]}"
        raw = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", size, "-r", "25", "-i", "-"]
        coded = ["-c:v", "libx264", *self._encoding, "-pix_fmt", "yuv420p", str(out)]
        return subprocess.Popen([*self._ffmpeg, *raw, *coded], stdin=subprocess.PIPE)

    def _run(self, *words: str | Path) -> None:
        subprocess.run([*self._ffmpeg, *map(str, words)], check=True)


def _option(name: str, value: str) -> tuple[str, str]:
    return f"-{name}", value


def _shape(clip: Path) -> tuple[int, int, int]:
    """Height, width and channels of a film's frames."""
    with av.open(str(clip)) as container:
        video = container.streams.video[0]
        return video.height, video.width, 3
