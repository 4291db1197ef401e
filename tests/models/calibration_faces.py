"""Pictures that stand for faces: smooth colours, five points where a portrait has them."""

from types import SimpleNamespace

import cv2
import numpy as np

from masquerade.geometry.templates import TEMPLATES


def faces(count):
    random = np.random.default_rng(3)
    made = []
    for _ in range(count):
        coarse = random.integers(0, 255, (9, 9, 3), np.uint8)
        pixels = cv2.resize(coarse, (512, 512), interpolation=cv2.INTER_CUBIC)
        kps = TEMPLATES["ffhq_512"] * 512 + random.normal(0, 3, (5, 2))
        made.append(SimpleNamespace(pixels=pixels, kps=kps.astype(np.float32)))
    return made
