"""Everything but the networks, step by step, for one face: against pasting back over whole frames.

    .venv/bin/python benchmarks/network_steps.py [--size 1280x720] [--face 270] [--rounds 200]

The stand-in swapper and enhancer return a ready picture, so that only our own steps are timed:
cutting the crop, filling the network's input and reading its output, composing and masking, and
laying the patch into the frame. The whole-frame way warps crop and mask back to the frame's size,
erodes and blurs the mask there and blends in floats, as the published packages of 2018 to 2024 do;
it runs in the same rounds as ours.

The scene of the occlusion mask is the dear one: something is found in front of the face, so that
it is laid into the crop; where nothing is, which is most frames, a third of the time is saved.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace

import cv2
import numpy as np

from masquerade.core.settings import Settings
from masquerade.geometry.templates import align, kps_from_landmarks, warp_crop
from masquerade.media.puppet import Portrait
from masquerade.models.normalisation import Normalisation
from masquerade.stages.face_color import match_color
from masquerade.stages.finished_face import FinishedFace
from masquerade.stages.network_face import NetworkFace
from masquerade.stages.network_patch import to_patch
from masquerade.stages.overlay import blend
from measuring import Spread, machine

_PLAIN = Normalisation(mean=(0.0,) * 3, std=(1.0,) * 3)
_SIGNED = Normalisation(mean=(0.5,) * 3, std=(0.5,) * 3)


class _Ready:
    """Adapters whose networks cost nothing: inputs are filled, outputs read, nothing runs."""

    def __init__(self, size: int, template: str, normalisation: Normalisation) -> None:
        self.size, self.template = size, template
        self._normalisation = normalisation
        self._output = np.random.default_rng(0).random((1, 3, size, size), np.float32)

    def swap_with_masks(self, crops_bgr, _codes, **_):
        self._normalisation.encode(crops_bgr, np.dtype(np.float32))
        return self._normalisation.decode(self._output), None

    def enhance(self, crop_bgr, _weight=0.5):
        self._normalisation.encode(crop_bgr[None], np.dtype(np.float32))
        return self._normalisation.decode(self._output)[0]


def scene(size_wh: tuple[int, int], face_px: float):
    """A frame with a face of that width in its middle: pixels, landmarks, five points."""
    portrait = Portrait.bundled("astronaut")
    scale = face_px / np.ptp(portrait.landmarks[:468, 0])
    middle = portrait.landmarks[:468, :2].mean(axis=0)
    shift = np.array(size_wh) / 2 - scale * middle
    matrix = np.column_stack([np.eye(2) * scale, shift])
    frame = cv2.warpAffine(portrait.pixels, matrix, size_wh, borderMode=cv2.BORDER_REPLICATE)
    landmarks = (portrait.landmarks * scale).astype(np.float32)
    landmarks[:, :2] += shift
    return frame, landmarks, kps_from_landmarks(landmarks)


def whole_frame_paste(finished: FinishedFace, frame: np.ndarray) -> np.ndarray:
    """Crop and a white square warped to the frame's size, eroded, blurred, blended in floats."""
    size = frame.shape[1::-1]
    inverse = cv2.invertAffineTransform(finished.matrix)
    pixels = cv2.warpAffine(finished.pixels, inverse, size, borderValue=0.0)
    white = np.full(finished.mask.shape, 255, np.float32)
    white = cv2.warpAffine(white, inverse, size, borderValue=0.0)
    white[white > 20] = 255
    rows, columns = np.where(white == 255)
    side = int(np.sqrt((rows.max() - rows.min()) * (columns.max() - columns.min())))
    eroded = cv2.erode(white, np.ones((max(side // 10, 10),) * 2, np.uint8), iterations=1)
    reach = 2 * max(side // 20, 5) + 1
    mask = cv2.GaussianBlur(eroded, (reach, reach), 0)[..., None] / 255
    return (mask * pixels + (1 - mask) * frame.astype(np.float32)).astype(np.uint8)


def main() -> None:
    args = _arguments()
    cv2.setNumThreads(1)
    _settle_memory()
    frame, landmarks, kps = scene(args.size, args.face)
    print(machine())
    print(f"{args.size[0]}x{args.size[1]}, face {args.face:.0f} px wide, {args.rounds} rounds\n")
    for title, settings, enhancers in (
        ("swapper of 128", Settings(), ()),
        ("swapper of 128, occlusion", Settings(mask=("box", "mesh", "occlusion")), ()),
        ("swapper of 256", Settings(swap_size=256), ()),
        ("swapper of 128, enhancer of 512", Settings(), (_Ready(512, "ffhq_512", _SIGNED),)),
    ):
        side = settings.swap_size or 128
        swapper = _Ready(side, "arcface_128", _PLAIN)
        face = NetworkFace(swapper, enhancers, (), settings)
        print(title)
        _report(_measure(_steps(face, swapper, frame, landmarks, kps), args.rounds))


def _settle_memory() -> None:
    """Have glibc keep what is freed, as it does in a program that has loaded a network.

    Until it has seen a large array go, every array of 128 KB and more is new memory, and up to
    half of the time goes there.
    """
    np.ones(30 * 2**20, np.uint8)


def _steps(
    face: NetworkFace, swapper: _Ready, frame, landmarks, kps
) -> dict[str, Callable[[], object]]:
    """Each step by its name; the last two are the sums that are compared."""
    code = SimpleNamespace(source=None)
    finished = face.make(frame, landmarks, kps, code, 0)
    out, patch = frame.copy(), to_patch(finished, frame, 0)
    crop_of = align(kps, swapper.template, swapper.size)
    crop = warp_crop(frame, crop_of, swapper.size)

    def ours() -> None:
        blend(out, to_patch(face.make(frame, landmarks, kps, code, 0), frame, 0))

    def whole_frame() -> None:
        matrix = align(kps, swapper.template, swapper.size)
        target = warp_crop(frame, matrix, swapper.size)
        pixels = swapper.swap_with_masks(target[None], (code,))[0][0]
        whole_frame_paste(FinishedFace(pixels, target, finished.mask, matrix), frame)

    return {
        "crop": lambda: warp_crop(
            frame, align(kps, swapper.template, swapper.size), swapper.size, "edge"
        ),
        "blob in and out": lambda: swapper.swap_with_masks(crop[None], (code,)),
        "crop, blob, compose, masks": lambda: face.make(frame, landmarks, kps, code, 0),
        "patch": lambda: to_patch(finished, frame, 0),
        "blend": lambda: blend(out, patch),
        "(colour, mean)": lambda: match_color(
            "mean", finished.pixels, finished.target, finished.mask
        ),
        "(colour, light)": lambda: match_color(
            "light", finished.pixels, finished.target, finished.mask
        ),
        "(Poisson)": lambda: to_patch(finished, frame, 0, "poisson"),
        "all of it": ours,
        "whole frame, box mask alone": whole_frame,
    }


def _measure(steps: dict[str, Callable[[], object]], rounds: int) -> dict[str, Spread]:
    """Milliseconds of every step; the rounds are interleaved, so that disturbances hit all.

    All of a step runs in this thread, whose own time is taken: what others do meanwhile does not
    count.
    """
    times = defaultdict(list)
    for _ in range(rounds):
        for name, step in steps.items():
            started = time.thread_time()
            step()
            times[name].append(1000 * (time.thread_time() - started))
    return {name: Spread.of(values) for name, values in times.items()}


def _report(measured: dict[str, Spread]) -> None:
    for name, spread in measured.items():
        print(f"  {name:32} {spread.median:7.2f} ms  (least {spread.low:.2f})")
    ratio = measured["whole frame, box mask alone"].median / measured["all of it"].median
    print(f"  {'whole frame over ours':32} {ratio:7.2f}\n")


def _arguments() -> argparse.Namespace:
    def size(text: str) -> tuple[int, int]:
        width, height = text.split("x")
        return int(width), int(height)

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=size, default=(1280, 720))
    parser.add_argument("--face", type=float, default=270.0)
    parser.add_argument("--rounds", type=int, default=200)
    return parser.parse_args()


if __name__ == "__main__":
    main()
