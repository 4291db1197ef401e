"""A brought detector searches like the shipped one: whole, parts, turned, each face once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from masquerade.core.face import Face
from masquerade.models.network_detector import NetworkDetector


class SeesSquares:
    """Finds white squares of 10 pixels and more in its small picture, as a network finds faces."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, int]] = []

    def find(self, pixels_bgr, min_score, size_wh):
        height, width = pixels_bgr.shape[:2]
        self.shapes.append((width, height))
        scale = min(size_wh[0] / width, size_wh[1] / height)
        small = cv2.resize(pixels_bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        white = (small[..., 0] > 200).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(white)
        faces = []
        for x, y, w, h, _ in stats[1:]:
            if max(w, h) >= 10:
                box = np.array([x, y, x + w, y + h], np.float32) / scale
                kps = np.array([[x, y]] * 5, np.float32) / scale
                faces.append(Face(bbox=box, score=float(min(1, max(w, h) / 100)), kps=kps))
        return faces


def picture(width: int, height: int, *squares: tuple[int, int, int]) -> np.ndarray:
    pixels = np.zeros((height, width, 3), np.uint8)
    for x, y, side in squares:
        pixels[y : y + side, x : x + side] = 255
    return pixels


def boxes(faces: list[Face]) -> list[list[int]]:
    return sorted(np.round(face.bbox).astype(int).tolist() for face in faces)


def test_a_usual_frame_is_one_look():
    sees = SeesSquares()
    detector = NetworkDetector(sees, (640, 480))
    pixels = picture(1280, 720, (100, 200, 120))
    for thorough in (False, True):
        assert boxes(detector.find(pixels, thorough=thorough)) == [[100, 200, 220, 320]]
    assert sees.shapes == [(1280, 720)] * 2


def test_small_faces_of_a_large_frame_are_found_in_its_parts():
    sees = SeesSquares()
    detector = NetworkDetector(sees, (320, 240))
    squares = [(30, 40, 44), (1900, 900, 44), (2500, 1300, 50), (1000, 300, 400)]
    pixels = picture(2560, 1440, *squares)
    wanted = sorted([x, y, x + side, y + side] for x, y, side in squares)
    found = boxes(detector.find(pixels, thorough=True))
    np.testing.assert_allclose(found, wanted, atol=4)
    parts = set(sees.shapes[1:])
    assert len(sees.shapes) > 2
    assert max(w for w, _ in parts) <= 1280


def test_quick_looks_go_round_the_parts():
    sees = SeesSquares()
    detector = NetworkDetector(sees, (320, 240))
    pixels = picture(2560, 1440, (30, 40, 44), (2500, 1380, 50))
    seen = set()
    for turn in range(6):
        seen |= {tuple(box) for box in boxes(detector.find(pixels, turn=turn))}
        assert len(sees.shapes) == 2 * (turn + 1)
    assert len(seen) == 2


def test_one_look_is_the_whole_or_a_part_in_turn():
    sees = SeesSquares()
    detector = NetworkDetector(sees, (320, 240))
    for turn in range(4):
        detector.find(picture(2560, 1440), turn=turn, looks=1)
    whole = [shape == (2560, 1440) for shape in sees.shapes]
    assert whole == [True, False, True, False]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_faces_of_a_turned_picture_come_back_to_their_place(quarters):
    detector = NetworkDetector(SeesSquares(), (640, 480))
    pixels = picture(600, 400, (100, 50, 80))
    (face,) = detector.find_turned(pixels, quarters)
    np.testing.assert_allclose(face.bbox, [100, 50, 180, 130], atol=3)
