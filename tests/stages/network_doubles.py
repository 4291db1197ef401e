"""Small stand-ins of the adapters, in memory: what they do can be told from their pictures."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
from numpy.typing import NDArray

from masquerade.geometry.templates import kps_from_landmarks
from masquerade.media.puppet import Portrait
from masquerade.models.donor_code import DonorCode


class Painter:
    """A swapper that paints in one colour, half over the target; counts what it is asked for."""

    network = SimpleNamespace(devices=frozenset({"cpu"}))

    def __init__(self, size: int = 128, template: str = "arcface_128") -> None:
        self.size, self.template = size, template
        self.encoded = self.swapped = 0
        self.weights: list[float] = []
        self.crops: list[NDArray[np.uint8]] = []

    def batches(self, count):
        return count > 1

    def encode(self, portraits):
        self.encoded += 1
        colour = np.mean([item.pixels.mean(axis=(0, 1)) for item in portraits], axis=0)
        return DonorCode("painter", colour.astype(np.float32)[None])

    def weighted(self, code, crop_bgr, weight):
        self.weights.append(weight)
        return code

    def swap(self, crops_bgr, codes, *, weight=0.5):
        assert crops_bgr.shape == (len(codes), self.size, self.size, 3)
        self.swapped += len(codes)
        self.weights.append(weight)
        self.crops.extend(crops_bgr)
        return np.stack(
            [
                (crop / 2 + code.source[0] / 2).astype(np.uint8)
                for crop, code in zip(crops_bgr, codes, strict=True)
            ]
        )

    def swap_with_masks(self, crops_bgr, codes, *, weight=0.5):
        return self.swap(crops_bgr, codes, weight=weight), None


class Copier(Painter):
    """A swapper that gives the target back."""

    def swap(self, crops_bgr, codes, *, weight=0.5):
        super().swap(crops_bgr, codes, weight=weight)
        return crops_bgr.copy()


class Brightener:
    """An enhancer that adds a constant and remembers what it saw."""

    network = SimpleNamespace(devices=frozenset({"cpu"}))

    def __init__(self, size: int = 512, template: str = "ffhq_512", step: int = 40) -> None:
        self.size, self.template, self.step = size, template, step
        self.seen: list[NDArray[np.uint8]] = []
        self.weights: list[float] = []

    def enhance(self, crop_bgr, weight=0.5):
        assert crop_bgr.shape == (self.size, self.size, 3)
        self.seen.append(crop_bgr)
        self.weights.append(weight)
        return np.asarray(cv2.add(crop_bgr, (self.step,) * 3), np.uint8)

    def enhance_many(self, crops_bgr, weight=0.5):
        return [self.enhance(crop, weight) for crop in crops_bgr]

    def batches(self, count):
        return count > 1


class HalfMasker:
    """A masker that leaves the crop's right half to the target."""

    def __init__(self, family: str = "xseg", size: int = 256) -> None:
        self.spec, self.size = SimpleNamespace(family=family), size
        self.asked = 0

    def mask(self, crop_bgr):
        assert crop_bgr.shape == (self.size, self.size, 3)
        self.asked += 1
        mask = np.full((self.size, self.size), 255, np.uint8)
        mask[:, self.size // 2 :] = 0
        return mask


def scene(
    scale: float = 1.0, at_xy: tuple[int, int] = (300, 40), size_wh: tuple[int, int] = (1280, 720)
) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
    """A frame with the bundled astronaut: pixels, landmarks (478, 3), five points."""
    portrait = Portrait.bundled("astronaut")
    moved = np.array([[scale, 0, at_xy[0]], [0, scale, at_xy[1]]], np.float64)
    frame = cv2.warpAffine(portrait.pixels, moved, size_wh, borderValue=(96, 96, 96))
    landmarks = portrait.landmarks * np.float32(scale)
    landmarks[:, :2] += np.array(at_xy, np.float32)
    return np.asarray(frame, np.uint8), landmarks, kps_from_landmarks(landmarks)
