"""Every embedder, converter, landmarker and masker of the registry."""

import cv2
import numpy as np
import pytest
from recorded import open_recorded, portrait

from masquerade.core.errors import ModelError
from masquerade.geometry.affine import apply_affine
from masquerade.geometry.templates import TEMPLATES, align, warp_crop
from masquerade.models.arcface import ArcFace, JointArcFace
from masquerade.models.catalogue import catalogue, find_spec
from masquerade.models.converter import Converter
from masquerade.models.landmarkers import (
    BoxLandmarker,
    FiveLandmarker,
    five_of_68,
    five_of_106,
    five_points,
)
from masquerade.models.maskers import (
    FACE_REGIONS,
    REGIONS,
    FaceParser,
    JointMasker,
    OcclusionMasker,
)
from masquerade.testing.networks.functional_measures import landmark_offsets

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
EMBEDDERS = {
    "w600k_r50": "arcface_112_v2",
    "w600k_mbf": "arcface_112_v2",
    "glintr100": "arcface_112_v2",
    "simswap_arcface": "arcface_112_v2",
    "ghost_arcface": "arcface_112_v2",
    "cscs_arcface": "ffhq_512",
    "cscs_id_adapter": "ffhq_512",
}
# order of the channels, divisor of x, side, side of the crop by that of the box
LANDMARKERS = {
    "2dfan4": ("bgr", 255, 256, 256 / 195),
    "peppa_wutz": ("bgr", 255, 256, 256 / 195),
    "2d106det": ("rgb", 1, 192, 1.5),
    "1k3d68": ("rgb", 1, 192, 1.5),
}
# order of the channels, which axis they are, side
MASKERS = {
    "xseg_1": ("bgr", 3, 256),
    "xseg_2": ("bgr", 3, 256),
    "xseg_3": ("bgr", 3, 256),
    "xseg_dfl": ("rgb", 1, 256),
    "xseg_dfl_roop": ("bgr", 3, 256),
    "occluder": ("rgb", 1, 256),
    "bisenet_resnet_18": ("rgb", 1, 512),
    "bisenet_resnet_34": ("rgb", 1, 512),
}
CONVERTERS = ("crossface_ghost", "crossface_hififace", "crossface_simswap")


def test_the_facts_cover_the_registry():
    known = {*EMBEDDERS, *LANDMARKERS, *MASKERS, *CONVERTERS, "fan_68_5"}
    roles = ("embedder", "converter", "landmarker", "masker")
    assert known == {name for name, spec in catalogue().items() if spec.role in roles}


class TestEmbedders:
    @pytest.mark.parametrize("name", EMBEDDERS)
    def test_fed_as_published(self, name, tmp_path):
        donor = portrait(3)
        for file in find_spec(name).files:
            network = open_recorded(name, tmp_path, exporter=file.exporter)
            vector = ArcFace(find_spec(name), network).embed(donor.pixels, donor.kps)
            (fed,) = network.feeds[0].values()
            crop = warp_crop(donor.pixels, align(donor.kps, EMBEDDERS[name], 112), 112)
            mean, std = IMAGENET if name == "simswap_arcface" else ((0.5,) * 3, (0.5,) * 3)
            expected = ((crop[..., ::-1] / 255 - np.array(mean)) / np.array(std)).transpose(2, 0, 1)
            np.testing.assert_allclose(fed[0], expected, atol=2e-6)
            assert vector.shape == (512,)
            # As the network gave it: raw lengths carry meaning for ghost and the converters.
            assert np.linalg.norm(vector) > 2

    def test_insightface_embeds_the_same(self, tmp_path):
        reason = "a dev dependency"
        theirs = pytest.importorskip("insightface.model_zoo.arcface_onnx", reason=reason)
        network = open_recorded("w600k_r50", tmp_path)
        picture = cv2.resize(portrait(3).pixels, (300, 300))
        kps = (TEMPLATES["arcface_112_v2"] * 150 + (70, 60)).astype(np.float32)

        class Face:
            embedding = None

        face = Face()
        face.kps = kps
        reference = theirs.ArcFaceONNX(str(network.path), session=network.session)
        expected = reference.get(picture, face)
        vector = ArcFace(find_spec("w600k_r50"), network).embed(picture, kps)
        np.testing.assert_allclose(vector, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())

    def test_a_vector_of_another_length_is_refused(self, tmp_path):
        network = open_recorded("w600k_r50", tmp_path)
        network.run = lambda feeds: [np.zeros((1, 128), np.float32)]
        embedder = ArcFace(find_spec("w600k_r50"), network)
        with pytest.raises(ModelError, match="512 values"):
            embedder.embed_crop(np.zeros((112, 112, 3), np.uint8))

    def test_two_are_added_as_units(self, tmp_path):
        donor = portrait(3)
        parts = [
            ArcFace(find_spec(name), open_recorded(name, tmp_path))
            for name in ("cscs_arcface", "w600k_r50")
        ]
        units = [p.embed(donor.pixels, donor.kps) for p in parts]
        expected = sum(vector / np.linalg.norm(vector) for vector in units)
        joint = JointArcFace(parts)
        np.testing.assert_allclose(joint.embed(donor.pixels, donor.kps), expected, atol=1e-6)
        joint.close()
        assert all(part.network.closed for part in parts)


@pytest.mark.parametrize("name", CONVERTERS)
def test_a_converter_takes_the_raw_embedding(name, tmp_path):
    network = open_recorded(name, tmp_path)
    converter = Converter(find_spec(name), network)
    vector = np.random.default_rng(0).normal(size=512).astype(np.float32) * 20
    result = converter.convert(vector)
    np.testing.assert_array_equal(network.feeds[0]["input"], vector[None])
    assert result.shape == (512,)
    assert np.abs(converter.convert(vector / 20) - result / 20).max() > 0.01


def _red_disc(x: float, y: float) -> np.ndarray:
    picture = np.full((400, 500, 3), 60, np.uint8)
    cv2.circle(picture, (int(x), int(y)), 40, (60, 60, 230), -1, cv2.LINE_AA)
    return picture


class TestLandmarkers:
    @pytest.mark.parametrize("name", LANDMARKERS)
    @pytest.mark.parametrize("roll", [0.0, 0.4])
    def test_fed_as_published_and_found_in_the_picture(self, name, roll, tmp_path):
        color, divisor, side, margin = LANDMARKERS[name]
        spec = find_spec(name)
        network = open_recorded(name, tmp_path)
        picture, box = _red_disc(260, 190), np.array([190, 110, 310, 270], np.float32)
        found = BoxLandmarker(spec, network).locate(picture, box, roll)

        scale = side / (160 * margin)
        cos, sin = np.cos(roll) * scale, np.sin(roll) * scale
        linear = np.array([[cos, sin], [-sin, cos]])
        matrix = np.column_stack([linear, side / 2 - linear @ (250, 190)])
        (fed,) = network.feeds[0].values()
        crop = cv2.warpAffine(picture, matrix, (side, side))
        shown = crop[..., ::-1] if color == "rgb" else crop
        expected = shown.transpose(2, 0, 1) / divisor
        np.testing.assert_allclose(fed[0], expected, atol=1.01 / divisor)

        middle = apply_affine(matrix, np.array([[260.0, 190.0]])) / side
        offsets = landmark_offsets(spec.points)
        wanted = apply_affine(cv2.invertAffineTransform(matrix), (middle + offsets) * side)
        assert found.points.shape == (spec.points, 3 if name == "1k3d68" else 2)
        np.testing.assert_allclose(found.points[:, :2], wanted, atol=1.0)
        if name == "1k3d68":
            np.testing.assert_allclose(found.points[:, 2], 0.25 * 96 / scale, rtol=1e-3)
        wanted_score = {"2dfan4": 0.6 / 0.9, "peppa_wutz": 0.76 / 0.95}.get(name, 1.0)
        assert found.score == pytest.approx(wanted_score, abs=1e-3)

    @pytest.mark.parametrize("name", ["2d106det", "1k3d68"])
    def test_insightface_finds_the_same(self, name, tmp_path):
        reason = "a dev dependency"
        theirs = pytest.importorskip("insightface.model_zoo.landmark", reason=reason)
        network = open_recorded(name, tmp_path)
        # Its class tells by the name of an early node that the file normalises by itself.
        reference = theirs.Landmark(str(network.path), session=network.session)
        reference.input_mean, reference.input_std = 0.0, 1.0
        reference.require_pose = False

        class Face(dict):
            bbox = np.array([190, 110, 310, 270], np.float32)

        expected = reference.get(_red_disc(260, 190), Face())
        spec = find_spec(name)
        found = BoxLandmarker(spec, network).locate(_red_disc(260, 190), Face.bbox)
        np.testing.assert_allclose(found.points, expected, atol=1e-3)

    def test_a_dark_crop_is_shown_brighter(self, tmp_path):
        network = open_recorded("2dfan4", tmp_path)
        landmarker = BoxLandmarker(find_spec("2dfan4"), network)
        face = cv2.GaussianBlur(portrait(1).pixels, (0, 0), 8)
        for divisor, is_changed in ((6, True), (1, False)):
            landmarker.locate(face // divisor, np.array([100, 100, 295, 295]))
            (fed,) = network.feeds.pop().values()
            plain = (face // divisor)[197 - 128 : 197 + 128, 197 - 128 : 197 + 128] / 255
            assert (fed.std() > 1.2 * plain.std()) == is_changed

    def test_68_points_from_five(self, tmp_path):
        network = open_recorded("fan_68_5", tmp_path)
        landmarker = FiveLandmarker(find_spec("fan_68_5"), network)
        kps = TEMPLATES["ffhq_512"] * 200 + (35, -20)
        found = landmarker.extend(kps)
        (fed,) = network.feeds[0].values()
        np.testing.assert_allclose(fed[0], TEMPLATES["ffhq_512"], atol=1e-5)
        raw = network.session.run(None, network.feeds[0])[0][0]
        np.testing.assert_allclose(found.points, raw * 200 + (35, -20), atol=1e-2)

    def test_five_of_68(self):
        points = np.arange(136.0).reshape(68, 2)
        five = five_of_68(points)
        np.testing.assert_array_equal(five[2:], points[[30, 48, 54]])
        np.testing.assert_array_equal(five[0], points[36:42].mean(axis=0))

    def test_five_of_106(self):
        points = np.arange(318.0).reshape(106, 3)
        np.testing.assert_array_equal(five_of_106(points), points[[38, 88, 86, 52, 61], :2])

    @pytest.mark.parametrize("name", [*LANDMARKERS, "fan_68_5"])
    def test_each_tells_the_five_that_align_a_face(self, name, tmp_path):
        network, spec = open_recorded(name, tmp_path), find_spec(name)
        kind = FiveLandmarker if name == "fan_68_5" else BoxLandmarker
        kps = TEMPLATES["ffhq_512"] * 200 + (160, 90)
        box = np.array([190, 110, 310, 270], np.float32)
        seen = five_points(kind(spec, network), _red_disc(260, 190), box, 0.0, kps)
        left, right, nose, left_mouth, right_mouth = seen.points
        assert left[0] < nose[0] < right[0]
        assert max(left[1], right[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
        assert left_mouth[0] < nose[0] < right_mouth[0]
        assert 0 < seen.score <= 1

    def test_another_file_is_refused(self, tmp_path):
        for name, file in (("2d106det", "1k3d68"), ("2dfan4", "gfpgan_1.4")):
            wrong = BoxLandmarker(find_spec(name), open_recorded(file, tmp_path))
            with pytest.raises(ModelError, match="points"):
                wrong.locate(_red_disc(1, 1), np.array([0, 0, 90, 90]))
        with pytest.raises(ModelError, match="five points"):
            FiveLandmarker(find_spec("fan_68_5"), open_recorded("2dfan4", tmp_path))


def _half_blue(size: int) -> np.ndarray:
    """Skin on the left, something blue on the right."""
    crop = np.full((size, size, 3), (60, 80, 220), np.uint8)
    crop[:, size // 2 :] = (220, 90, 40)
    return crop


class TestMaskers:
    @pytest.mark.parametrize("name", MASKERS)
    def test_fed_as_published_and_softened(self, name, tmp_path):
        color, axis, side = MASKERS[name]
        network = open_recorded(name, tmp_path)
        kind = FaceParser if name.startswith("bisenet") else OcclusionMasker
        masker = kind(find_spec(name), network)
        if kind is FaceParser:
            masker = FaceParser(find_spec(name), network, ("skin",))
        assert masker.size == side
        crop = _half_blue(side)
        mask = masker.mask(crop)

        (fed,) = network.feeds[0].values()
        shown = (crop[..., ::-1] if color == "rgb" else crop) / 255
        if kind is FaceParser:
            shown = (shown - np.array(IMAGENET[0])) / np.array(IMAGENET[1])
        expected = shown if axis == 3 else shown.transpose(2, 0, 1)
        np.testing.assert_allclose(fed[0], expected, atol=2e-6)

        assert mask.shape == (side, side)
        assert mask.dtype == np.uint8
        assert (mask[:, : side // 2 - 16] == 255).all()
        assert (mask[:, side // 2 :] <= 1).all()
        # The edge begins inside and ends where the network's edge is.
        ramp = mask[side // 2, side // 2 - 12 : side // 2]
        assert (np.diff(ramp.astype(int)) <= 0).all()
        assert 20 < ramp[6] < 235

    def test_the_least_of_several_counts(self, tmp_path):
        parts = [
            OcclusionMasker(find_spec(name), open_recorded(name, tmp_path))
            for name in ("xseg_1", "xseg_3")
        ]
        crop = np.full((256, 256, 3), (128, 100, 100), np.uint8)  # a little blue
        raws = [part.raw(crop)[0, 0] for part in parts]
        assert raws[0] < raws[1]
        joint = JointMasker(parts)
        np.testing.assert_array_equal(joint.mask(crop), parts[0].mask(crop))
        assert joint.spec.family == "xseg"

    def test_regions_by_their_numbers(self, tmp_path):
        parser = FaceParser(
            find_spec("bisenet_resnet_34"), open_recorded("bisenet_resnet_34", tmp_path)
        )
        crop = np.full((512, 512, 3), (0, 0, 255), np.uint8)
        crop[:128] = (0, 255, 0)
        crop[128:256] = (255, 0, 0)
        crop[256:384] = (30, 30, 30)
        classes = parser.parse(crop)
        rows = [int(classes[row, 0]) for row in (64, 192, 320, 448)]
        assert rows == [REGIONS["nose"], REGIONS["mouth"], 0, REGIONS["skin"]]
        assert "glasses" not in FACE_REGIONS
        assert (parser.raw(crop)[256:384] == 0).all()

    def test_another_file_is_refused(self, tmp_path):
        wrong = FaceParser(find_spec("bisenet_resnet_34"), open_recorded("gfpgan_1.4", tmp_path))
        with pytest.raises(ModelError, match="19 classes"):
            wrong.mask(np.zeros((512, 512, 3), np.uint8))
        with pytest.raises(ModelError, match="picture input"):
            OcclusionMasker(find_spec("xseg_1"), open_recorded("w600k_r50", tmp_path))
        right = OcclusionMasker(find_spec("xseg_1"), open_recorded("xseg_1", tmp_path))
        with pytest.raises(ModelError, match="square of 256"):
            right.mask(np.zeros((128, 128, 3), np.uint8))
