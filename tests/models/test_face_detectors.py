"""Every detector of the registry: what it is fed, and that a planted face is found where it is."""

import cv2
import numpy as np
import pytest
from recorded import open_recorded

from masquerade.core.errors import ModelError
from masquerade.models.catalogue import catalogue, find_spec
from masquerade.models.face_detectors import FaceDetector
from masquerade.models.face_detectors.candidates import Candidates
from masquerade.testing.networks.functional_detectors import HALF_CELLS, KPS_CELLS, SKIN_BGR

# order of the channels, offset and divisor of x (0..255), whether the file's size is fixed
FACTS = {
    "retinaface_10g": ("bgr", 127.5, 128, False),
    "det_10g": ("rgb", 127.5, 128, False),
    "scrfd_10g_bnkps": ("rgb", 127.5, 128, False),
    "scrfd_2.5g": ("bgr", 127.5, 128, False),
    "scrfd_2.5g_bnkps": ("rgb", 127.5, 128, False),
    "det_500m": ("rgb", 127.5, 128, False),
    "yoloface_8n": ("bgr", 0, 255, True),
    "yoloface_8n_visomaster": ("rgb", 0, 255, True),
    "yunet_2023_mar": ("bgr", 0, 1, True),
}
FILES = [(name, file.exporter) for name in FACTS for file in find_spec(name).files]


def planted(size_wh, *squares) -> np.ndarray:
    """Grey, with squares like skin (x, y of the middle, side)."""
    picture = np.full((size_wh[1], size_wh[0], 3), 90, np.uint8)
    for x, y, side in squares:
        half = side // 2
        picture[y - half : y + half, x - half : x + half] = SKIN_BGR
    return picture


def test_the_facts_cover_the_registry():
    assert set(FACTS) == {name for name, spec in catalogue().items() if spec.role == "detector"}


@pytest.mark.parametrize(("name", "exporter"), FILES)
def test_a_planted_face_is_found_with_its_points(name, exporter, tmp_path):
    color, offset, divisor, is_fixed = FACTS[name]
    network = open_recorded(name, tmp_path, exporter=exporter)
    detector = FaceDetector(find_spec(name), network)
    picture = planted((640, 480), (320, 224, 192), (128, 352, 96))
    faces = detector.find(picture, 0.75)

    (fed,) = network.feeds[0].values()
    assert fed.shape == ((1, 3, 640, 640) if is_fixed else (1, 3, 480, 640))
    shown = picture[..., ::-1] if color == "rgb" else picture
    expected = (shown.astype(np.float64) - offset) / divisor
    np.testing.assert_allclose(fed[0, :, :480], expected.transpose(2, 0, 1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(fed[0, :, 480:], -offset / divisor, rtol=1e-6)

    assert len(faces) == 2
    for (x, y, stride), face in zip(
        ((320, 224, 32), (128, 352, 16)), sorted(faces, key=lambda f: -f.size_px), strict=True
    ):
        middle = face.bbox.reshape(2, 2).mean(axis=0)
        np.testing.assert_allclose(middle, (x, y), atol=0.06 * stride)
        assert face.size_px == pytest.approx(2 * HALF_CELLS * stride, rel=0.06)
        expected_kps = np.array(KPS_CELLS) * stride + (x, y)
        np.testing.assert_allclose(face.kps, expected_kps, atol=0.08 * stride)
        assert face.kps.dtype == face.bbox.dtype == np.float32
        assert 0.75 <= face.score <= 1


@pytest.mark.parametrize("name", ["det_10g", "yoloface_8n", "yunet_2023_mar"])
def test_the_least_score_decides(name, tmp_path):
    detector = FaceDetector(find_spec(name), open_recorded(name, tmp_path))
    picture = planted((640, 480), (320, 224, 192))
    assert not detector.find(picture, 0.99)
    assert len(detector.find(picture, 0.75)) == 1
    assert not detector.find(planted((640, 480)))


def test_coordinates_are_those_of_the_picture(tmp_path):
    detector = FaceDetector(find_spec("det_10g"), open_recorded("det_10g", tmp_path))
    (face,) = detector.find(planted((1920, 1080), (960, 576, 576)), 0.8)
    np.testing.assert_allclose(face.bbox.reshape(2, 2).mean(axis=0), (960, 576), atol=4)
    assert face.size_px == pytest.approx(576, rel=0.06)


@pytest.mark.parametrize(
    ("picture", "asked", "seen"),
    [
        ((640, 480), (640, 480), (640, 480)),
        ((1280, 720), (640, 480), (640, 384)),
        ((720, 1280), (640, 480), (384, 640)),
        ((500, 500), (640, 480), (480, 480)),
        ((4000, 100), (640, 480), (640, 32)),
        ((100, 75), (640, 480), (640, 480)),
        ((1280, 720), (320, 320), (320, 192)),
    ],
)
def test_what_the_network_sees_is_cut_to_the_picture(picture, asked, seen, tmp_path):
    free = FaceDetector(find_spec("det_10g"), open_recorded("det_10g", tmp_path))
    assert free.input_size(picture, asked) == seen
    fixed = FaceDetector(find_spec("yunet_2023_mar"), open_recorded("yunet_2023_mar", tmp_path))
    assert fixed.input_size(picture, asked) == (640, 640)


def test_a_picture_of_one_line_is_no_trouble(tmp_path):
    detector = FaceDetector(find_spec("det_10g"), open_recorded("det_10g", tmp_path))
    assert detector.find(np.zeros((1, 3000, 3), np.uint8)) == []


def test_another_file_is_refused(tmp_path):
    wrong = FaceDetector(find_spec("yoloface_8n"), open_recorded("det_10g", tmp_path))
    with pytest.raises(ModelError, match="not those of its kind"):
        wrong.find(np.zeros((480, 640, 3), np.uint8))
    with pytest.raises(ModelError, match="no face detector"):
        FaceDetector(find_spec("gfpgan_1.4"), open_recorded("gfpgan_1.4", tmp_path))


class TestInsightFace:
    """The package's own SCRFD with the same file."""

    @pytest.fixture
    def both(self, tmp_path):
        scrfd = pytest.importorskip("insightface.model_zoo.scrfd", reason="a dev dependency")
        network = open_recorded("det_10g", tmp_path)
        theirs = scrfd.SCRFD(
            str(network.path), session=network.session, static_shape_sessions=False
        )
        return FaceDetector(find_spec("det_10g"), network), theirs

    @pytest.mark.parametrize("size_wh", [(640, 480), (1000, 700), (533, 301), (300, 420)])
    def test_the_same_faces(self, both, size_wh):
        ours, theirs = both
        noise = np.random.default_rng(7).integers(0, 256, (12, 12, 3), np.uint8)
        picture = cv2.resize(noise, size_wh, interpolation=cv2.INTER_NEAREST)
        found = ours.find(picture, 0.3)
        seen = ours.input_size(size_wh, (640, 480))
        boxes, kps = theirs.detect(picture, input_size=seen, det_thresh=0.3)
        assert len(found) == len(boxes) > 3
        np.testing.assert_allclose([face.bbox for face in found], boxes[:, :4], atol=1e-3)
        np.testing.assert_allclose([face.score for face in found], boxes[:, 4], atol=1e-5)
        np.testing.assert_allclose([face.kps for face in found], kps, atol=1e-3)

    def test_the_same_are_kept_of_many_boxes(self, both):
        _, theirs = both
        random = np.random.default_rng(0)
        low = random.uniform(0, 300, (200, 2))
        boxes = np.concatenate([low, low + random.uniform(10, 120, (200, 2))], axis=1)
        scores = random.uniform(0.3, 1, 200)
        rows = np.concatenate([boxes, scores[:, None]], axis=1).astype(np.float32)
        kps = np.zeros((200, 5, 2), np.float32)
        kept = Candidates(rows[:, :4], kps, rows[:, 4]).thinned(0.4)
        np.testing.assert_array_equal(kept.boxes, rows[theirs.nms(rows), :4])
