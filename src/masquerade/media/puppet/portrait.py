"""The picture that a puppet is made from: a photo, its face mesh and its outline."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Literal, Self

import cv2
import numpy as np

from masquerade.core.errors import NoFaceInDonorError, SettingsError
from masquerade.media.puppet.topology import OVAL

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from numpy.typing import NDArray

__all__ = ["BUNDLED", "BundledName", "Portrait", "bundled_photo"]

BundledName = Literal["mona_lisa", "astronaut"]
BUNDLED: tuple[BundledName, ...] = ("mona_lisa", "astronaut")
"""Portraits that come with the package; both are in the public domain."""


def bundled_photo(name: BundledName) -> Traversable:
    """The JPEG of a bundled portrait.

    Raises:
        SettingsError: there is no such portrait.
    """
    if name not in BUNDLED:
        raise SettingsError(f"There is no portrait {name!r}; choose one of {', '.join(BUNDLED)}.")
    return files("masquerade.media") / "assets" / f"{name}.jpg"


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A head and shoulders with everything that is known of it.

    Attributes:
        name: for people.
        pixels: uint8 (H, W, 3) BGR.
        landmarks: float32 (478, 3) in ``pixels``; z in pixels, smaller is nearer.
        matte: uint8 (H, W), 255 on the person, 0 on what is behind.
    """

    name: str
    pixels: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    matte: NDArray[np.uint8]

    @classmethod
    def bundled(cls, name: BundledName) -> Self:
        """A portrait of the package, with a mesh and a matte made beforehand.

        Raises:
            SettingsError: there is no such portrait.
        """
        photo = bundled_photo(name)
        assets = files("masquerade.media") / "assets"
        with (assets / "portraits.npz").open("rb") as file, np.load(file) as meshes:
            landmarks = meshes[name]
        return cls(
            name,
            _decode(photo.read_bytes(), cv2.IMREAD_COLOR),
            landmarks,
            _decode((assets / f"{name}_matte.png").read_bytes(), cv2.IMREAD_GRAYSCALE),
        )

    @classmethod
    def from_pixels(cls, pixels: NDArray[np.uint8], name: str = "portrait") -> Self:
        """A portrait from any picture of one face: finds its mesh and cuts it out.

        Args:
            pixels: uint8 (H, W, 3) BGR, facing the camera.
            name: for people.

        Raises:
            NoFaceInDonorError: no face was found.
        """
        from masquerade.geometry.roi import Roi
        from masquerade.models.detector import Detector
        from masquerade.models.landmarker import Landmarker

        found = Detector().find(pixels, 0.5)
        if not found:
            raise NoFaceInDonorError("The portrait shows no face; choose another picture.")
        face = max(found, key=lambda face: face.size_px)
        landmarker = Landmarker()
        mesh = landmarker.locate(pixels, Roi.from_detection(face.bbox, face.kps, 1.5))
        mesh = landmarker.locate(pixels, Roi.from_landmarks(mesh.points))
        return cls(name, pixels, mesh.points, cut_out(pixels, mesh.points))

    @property
    def face_px(self) -> float:
        """Height of the face mesh in pixels."""
        return float(np.ptp(self.landmarks[:468, 1]))

    def framed(self) -> Portrait:
        """The same portrait cropped or extended to head, shoulders and chest.

        What lies beyond the picture repeats its border, so that a body never ends in mid-air.
        """
        height, width = self.pixels.shape[:2]
        face = self.landmarks[list(OVAL), :2]
        middle, unit = face.mean(axis=0), self.face_px
        x0, x1 = int(middle[0] - 2.2 * unit), int(middle[0] + 2.2 * unit)
        y0, y1 = int(face[:, 1].min() - 1.0 * unit), int(face[:, 1].max() + 2.4 * unit)
        pad = max(-y0, 0), max(y1 - height, 0), max(-x0, 0), max(x1 - width, 0)
        box = np.s_[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
        pixels = _extend(self.pixels[box], pad)
        matte = _extend(self.matte[box], pad)
        matte[: pad[0]] = 0
        shift = np.array([x0, y0, 0], np.float32)
        return Portrait(self.name, pixels, self.landmarks - shift, matte)


def cut_out(pixels: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Matte of a head and shoulders: GrabCut from a drawn guess, uint8 (H, W).

    Args:
        pixels: uint8 (H, W, 3) BGR.
        landmarks: float32 (478, 3) in ``pixels``.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, 320 / max(height, width))
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    points = landmarks[:468, :2] * scale
    unit, middle = float(np.ptp(points[:, 1])), points.mean(axis=0)
    labels = np.full(small.shape[:2], cv2.GC_BGD, np.uint8)
    crown = (int(middle[0]), int(middle[1] - 0.15 * unit))
    for radius, label in ((1.0, cv2.GC_PR_BGD), (0.8, cv2.GC_PR_FGD)):
        axes = (int(0.68 * radius * unit), int(radius * unit))
        cv2.ellipse(labels, crown, axes, 0, 0, 360, int(label), -1)
    chin = points[152]
    for wide, label in ((1.0, cv2.GC_PR_FGD), (0.45, cv2.GC_FGD)):
        half = np.array([0.3 * wide, 1.6 * wide, 1.8 * wide]) * unit
        rows = np.array([chin[1] - 0.05 * unit, chin[1] + 0.9 * unit, small.shape[0]])
        sides = [np.stack([middle[0] + sign * half, rows], axis=1) for sign in (-1, 1)]
        trunk = np.concatenate([sides[0], sides[1][::-1]]).astype(np.int32)
        cv2.fillPoly(labels, [trunk], int(label))
    cv2.fillConvexPoly(labels, cv2.convexHull(points.astype(np.int32)), cv2.GC_FGD)
    cv2.setRNGSeed(0)
    behind, before = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small, labels, (0, 0, 1, 1), behind, before, 5, cv2.GC_INIT_WITH_MASK)
    person = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8) * 255
    soft = cv2.GaussianBlur(person, (0, 0), 1.2)
    return np.asarray(cv2.resize(soft, (width, height)), np.uint8)


def _extend(picture: NDArray[np.uint8], pad: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.copyMakeBorder(picture, *pad, cv2.BORDER_REPLICATE), np.uint8)


def _decode(data: bytes, flag: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), flag), np.uint8)
