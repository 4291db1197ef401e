"""Rebuild the demo portraits in src/masquerade/media/assets from their origins.

    python tools/build_portraits.py

Mona Lisa: Leonardo da Vinci, public domain, kept as tests/media/mona_lisa.jpg. The astronaut
Eileen Collins: NASA, public domain, from scikit-image. Each portrait gets its 478 landmarks
(the package's own landmark network) and a matte: an outline drawn by hand, refined with
GrabCut in a narrow band.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import skimage.data

from masquerade.geometry.roi import Roi
from masquerade.models.detector import Detector
from masquerade.models.landmarker import Landmarker

ROOT = Path(__file__).parents[1]
ASSETS = ROOT / "src/masquerade/media/assets"

# fmt: off
MONA_LISA = [
    (0, 775), (60, 765), (100, 740), (113, 690), (130, 640), (165, 600), (205, 560), (238, 510),
    (243, 470), (234, 430), (228, 390), (222, 330), (229, 270), (236, 215), (252, 170), (277, 130),
    (310, 102), (350, 86), (395, 84), (430, 92), (470, 120), (500, 165), (515, 215), (525, 280),
    (530, 330), (537, 400), (550, 440), (575, 485), (620, 520), (660, 560), (690, 605), (712, 670),
    (730, 740), (743, 780), (743, 1155), (0, 1155),
]
ASTRONAUT = [
    (22, 512), (22, 400), (33, 330), (45, 285), (68, 245), (108, 215), (113, 190), (125, 166),
    (150, 150), (184, 149), (186, 140), (180, 131), (172, 123), (160, 112), (153, 95), (154, 78),
    (163, 58), (183, 30), (213, 15), (250, 17), (278, 34), (296, 62), (301, 92), (293, 118),
    (280, 128), (274, 134), (268, 142), (262, 155), (256, 174), (285, 195), (302, 225), (306, 242),
    (335, 262), (350, 285), (360, 330), (364, 512),
]
# fmt: on


def matte(pixels: np.ndarray, outline: list[tuple[int, int]], band_px: int) -> np.ndarray:
    """uint8 (H, W): 255 on the person."""
    drawn = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillPoly(drawn, [np.array(outline, np.int32)], 255, cv2.LINE_AA)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band_px + 1,) * 2)
    inner, outer = cv2.erode(drawn, kernel), cv2.dilate(drawn, kernel)
    likely = np.where(drawn > 128, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    labels = np.where(inner > 128, cv2.GC_FGD, np.where(outer < 128, cv2.GC_BGD, likely))
    labels = labels.astype(np.uint8)
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(pixels, labels, None, *models, 4, cv2.GC_INIT_WITH_MASK)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8) * 255
    found = cv2.morphologyEx(found, cv2.MORPH_CLOSE, kernel)
    found = cv2.morphologyEx(found, cv2.MORPH_OPEN, kernel)
    return cv2.GaussianBlur(cv2.max(found, inner), (0, 0), 0.35 * band_px)


def main() -> None:
    mona = (ROOT / "tests/media/mona_lisa.jpg").read_bytes()
    (ASSETS / "mona_lisa.jpg").write_bytes(mona)
    astronaut = np.ascontiguousarray(skimage.data.astronaut()[:352, :, ::-1])
    cv2.imwrite(str(ASSETS / "astronaut.jpg"), astronaut, [cv2.IMWRITE_JPEG_QUALITY, 93])
    detector, landmarker = Detector(), Landmarker()
    landmarks = {}
    for name, outline, band_px in (("mona_lisa", MONA_LISA, 7), ("astronaut", ASTRONAUT, 4)):
        pixels = cv2.imread(str(ASSETS / f"{name}.jpg"))
        cv2.imwrite(str(ASSETS / f"{name}_matte.png"), matte(pixels, outline, band_px))
        face = max(detector.find(pixels, 0.5), key=lambda face: face.size_px)
        mesh = landmarker.locate(pixels, Roi.from_detection(face.bbox, face.kps, 1.5))
        mesh = landmarker.locate(pixels, Roi.from_landmarks(mesh.points))
        landmarks[name] = mesh.points
        print(f"{name}: {pixels.shape[1]}x{pixels.shape[0]}, presence {mesh.presence:.3f}")
    np.savez_compressed(ASSETS / "portraits.npz", **landmarks)


if __name__ == "__main__":
    main()
