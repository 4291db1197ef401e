from __future__ import annotations

import dataclasses
import threading
import time

import cv2
import numpy as np
import pytest
from donor_photos import donor, psnr
from network_doubles import Brightener, Copier, HalfMasker, Painter, scene

from masquerade.core.errors import ModelError
from masquerade.core.settings import Settings
from masquerade.geometry.affine import apply_affine
from masquerade.geometry.templates import TEMPLATES, align, warp_crop
from masquerade.stages.network_face import NetworkFace
from masquerade.stages.network_patch import to_patch
from masquerade.stages.overlay import blend

BOX_ONLY = Settings(mask=("box",))


def _finished(swapper, *enhancers, settings=BOX_ONLY, maskers=(), landmarks=True, **where):
    frame, mesh, kps = scene(**where)
    face = NetworkFace(swapper, enhancers, maskers, settings)
    code = face.encode(donor("mona"))
    return face.make(frame, mesh if landmarks else None, kps, code), frame, kps


def test_a_donor_is_encoded_once_for_all_frames():
    swapper, (frame, mesh, kps) = Painter(), scene()
    face = NetworkFace(swapper, (), (), BOX_ONLY)
    for _ in range(4):
        face.make(frame, mesh, kps, face.encode(donor("mona")))
    assert (swapper.encoded, swapper.swapped) == (1, 4)
    face.encode(donor("hopper"))
    assert swapper.encoded == 2
    face.configure(Settings())
    face.encode(donor("mona"))
    assert swapper.encoded == 2


def test_the_code_is_of_the_identity_and_not_of_its_name():
    swapper = Painter()
    face = NetworkFace(swapper, (), (), BOX_ONLY)
    one = donor("mona")
    face.encode(one)
    face.encode(dataclasses.replace(one, portraits=donor("hopper").portraits))
    assert swapper.encoded == 2


def test_the_swapper_sees_the_crop_of_its_template():
    swapper = Painter()
    finished, frame, kps = _finished(swapper)
    matrix = align(kps, "arcface_128", 128)
    assert np.array_equal(finished.matrix, matrix)
    assert np.array_equal(swapper.crops[0], warp_crop(frame, matrix, 128, "edge"))
    assert np.array_equal(finished.target, swapper.crops[0])
    expected = finished.target / 2 + face_colour() / 2
    assert np.abs(finished.pixels - expected).max() <= 1


def face_colour() -> np.ndarray:
    return donor("mona").portraits[0].pixels.mean(axis=(0, 1))


@pytest.mark.parametrize(("asked", "side"), [(0, 128), (128, 128), (256, 256), (500, 512)])
def test_pixel_boost_takes_the_nearest_multiple_of_the_models_size(asked, side):
    swapper = Painter()
    finished, _, kps = _finished(swapper, settings=BOX_ONLY.replace(swap_size=asked))
    assert finished.pixels.shape == (side, side, 3)
    assert swapper.swapped == (side // 128) ** 2
    assert np.allclose(finished.matrix, align(kps, "arcface_128", side))


def test_settings_reach_the_networks():
    swapper, enhancer = Painter(), Brightener()
    _finished(
        swapper,
        enhancer,
        settings=BOX_ONLY.replace(identity_weight=0.8, enhancer_weight=0.9),
    )
    assert swapper.weights == [0.8]
    assert enhancer.weights == [0.9]


def test_a_larger_and_shifted_square_is_cut():
    settings = BOX_ONLY.replace(crop_scale=1.2, crop_shift_x=0.1, crop_shift_y=-0.05)
    finished, _, kps = _finished(Painter(), settings=settings)
    plain = align(kps, "arcface_128", 128)
    inside = apply_affine(plain, kps) - 63.5
    assert np.allclose(
        apply_affine(finished.matrix, kps) - 63.5, inside / 1.2 - np.array([0.1, -0.05]) * 128
    )


def test_alignment_by_the_mesh_or_by_the_detector():
    frame, mesh, kps = scene()
    lazy = kps + np.float32(9)
    for alignment, points in (("mesh", kps), ("detector", lazy)):
        face = NetworkFace(Painter(), (), (), BOX_ONLY.replace(alignment=alignment))
        finished = face.make(frame, mesh, lazy, face.encode(donor("mona")))
        assert np.allclose(finished.matrix, align(points, "arcface_128", 128), atol=1e-4)
    face = NetworkFace(Painter(), (), (), BOX_ONLY)
    without = face.make(frame, None, lazy, face.encode(donor("mona")))
    assert np.allclose(without.matrix, align(lazy, "arcface_128", 128), atol=1e-4)


def test_an_enhancer_gets_its_own_template_with_the_swap_composed_in():
    enhancer = Brightener()
    finished, frame, kps = _finished(Painter(), enhancer)
    matrix = align(kps, "ffhq_512", 512)
    target = warp_crop(frame, matrix, 512, "edge")
    assert np.allclose(finished.matrix, matrix)
    assert np.array_equal(finished.target, target)
    (seen,) = enhancer.seen
    middle = (slice(220, 400), slice(160, 350))
    assert psnr(seen[middle], target[middle] / 2 + face_colour() / 2) > 28
    uncovered = finished.mask == 0
    assert uncovered.any()
    assert np.array_equal(seen[uncovered], target[uncovered]), "the frame around the swap"


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_enhanced_face_is_mixed_in_by_its_share(share):
    enhancer = Brightener(step=40)
    finished, _, _ = _finished(Painter(), enhancer, settings=BOX_ONLY.replace(enhancer_blend=share))
    below = enhancer.seen[0] < 200
    step = finished.pixels.astype(int)[below] - enhancer.seen[0][below]
    assert np.abs(step - 40 * share).max() <= 1


def test_enhancers_run_one_after_the_other_each_at_its_own_size():
    first, second, third = (
        Brightener(256, "arcface_128"),
        Brightener(512),
        Brightener(512, step=20),
    )
    finished, frame, kps = _finished(
        Copier(), first, second, third, settings=BOX_ONLY.replace(enhancer_blend=1.0)
    )
    assert finished.pixels.shape == (512, 512, 3)
    inside = (slice(230, 380), slice(180, 330))
    target = warp_crop(frame, align(kps, "ffhq_512", 512), 512, "edge")
    assert psnr(second.seen[0][inside], cv2.add(target, (40,) * 3)[inside]) > 26
    # The third has the same square as the second, so nothing is cut anew between them.
    assert np.array_equal(third.seen[0], cv2.add(second.seen[0], (40,) * 3))


def test_what_an_enhancer_adds_beside_the_swap_is_masked_out():
    finished, frame, _ = _finished(Painter(), Brightener(step=90))
    out = frame.copy()
    blend(out, to_patch(finished, frame, 3))
    square = cv2.transform(
        np.array([[[0, 0], [127, 0], [127, 127], [0, 127]]], np.float64),
        cv2.invertAffineTransform(align(scene()[2], "arcface_128", 128)),
    )
    outside = np.full(frame.shape[:2], 255, np.uint8)
    cv2.fillPoly(outside, [np.round(square[0]).astype(np.int32)], 0)
    outside = cv2.erode(outside, np.ones((5, 5), np.uint8)) > 0
    assert np.array_equal(out[outside], frame[outside])


@pytest.mark.parametrize("sizes", [(128, ()), (256, ()), (128, (512,)), (128, (512, 1024))])
def test_a_swap_that_changes_nothing_gives_the_frame_back(sizes):
    """Crop, composition, masks and patch leave no seam, and move nothing by half a pixel.

    The frame is soft, so that sampling it twice costs next to nothing.
    """
    size, enhancers = sizes
    frame, mesh, kps = scene(scale=0.75)
    frame = np.asarray(cv2.GaussianBlur(frame, (0, 0), 1.5), np.uint8)
    chain = [Brightener(side, step=0) for side in enhancers]
    face = NetworkFace(Copier(size), chain, (), Settings(mask=("box",)))
    finished = face.make(frame, mesh, kps, face.encode(donor("mona")))
    out = frame.copy()
    blend(out, to_patch(finished, frame, 0))
    changed = (out != frame).any(axis=2)
    moved = np.asarray(cv2.warpAffine(frame, np.array([[1.0, 0, 0.5], [0, 1, 0.5]]), (1280, 720)))
    assert psnr(out[changed], frame[changed]) > max(40, psnr(moved[changed], frame[changed]) + 8)


def test_without_landmarks_the_box_alone_limits_the_face():
    settings = Settings(mask=("box", "mesh", "occlusion"), mouth_mask=0.5)
    with_mesh, _, _ = _finished(Painter(), settings=settings)
    without, _, _ = _finished(Painter(), settings=settings, landmarks=False)
    assert without.mask.astype(int).sum() > 1.1 * with_mesh.mask.astype(int).sum()
    plain, _, _ = _finished(Painter())
    assert np.array_equal(without.mask, plain.mask)


def test_without_a_box_the_edge_of_the_crop_is_still_no_seam():
    finished, _, _ = _finished(Painter(), settings=Settings(mask=()), landmarks=False)
    rim = np.concatenate([finished.mask[[0, -1]].ravel(), finished.mask[:, [0, -1]].ravel()])
    assert rim.max() < 64
    assert (finished.mask == 255).mean() > 0.85


def test_networks_limit_the_face_where_they_are_asked_to():
    front, regions = HalfMasker("xseg"), HalfMasker("bisenet", 512)
    finished, _, _ = _finished(
        Painter(), settings=Settings(mask=("box", "occlusion")), maskers=(front, regions)
    )
    assert (front.asked, regions.asked) == (1, 0)
    assert finished.mask[:, 66:].max() == 0
    assert finished.mask[40:90, 40:60].min() == 255
    _finished(Painter(), settings=Settings(mask=("region",)), maskers=(front, regions))
    assert (front.asked, regions.asked) == (1, 1)


class Confined(Painter):
    """A swapper that gives a mask with its face: the left part of the crop."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def swap_with_masks(self, crops_bgr, codes, *, weight=0.5):
        masks = np.zeros(crops_bgr.shape[:3], np.float32)
        masks[:, :, : round(self.share * self.size)] = 1
        return self.swap(crops_bgr, codes, weight=weight), masks


def test_a_swappers_own_mask_limits_the_face_unless_it_is_left_out():
    own, _, _ = _finished(Confined(0.5), settings=Settings())
    assert own.mask[:, 64:].max() == 0
    assert own.mask[40:90, 40:60].min() == 255
    for mask in (("box",), ("box", "mesh")):
        finished, _, _ = _finished(Confined(0.5), settings=Settings(mask=mask))
        assert finished.mask[40:90, 70:80].min() > 200


def test_a_mask_that_leaves_nothing_of_the_face_is_a_failure_and_not_believed():
    for share in (0.0, 0.02):
        finished, _, _ = _finished(Confined(share), settings=Settings(mask=("model",)))
        assert finished.mask[40:90, 40:90].min() == 255


def test_regions_need_their_network():
    with pytest.raises(ModelError, match="models pull bisenet"):
        NetworkFace(Painter(), (), (HalfMasker("xseg"),), Settings(mask=("region",)))
    face = NetworkFace(Painter(), (), (), Settings())
    with pytest.raises(ModelError, match="models pull bisenet"):
        face.configure(Settings(mask=("region",)))


def test_the_face_takes_the_targets_colours():
    plain, _, _ = _finished(Painter())
    matched, _, _ = _finished(Painter(), settings=BOX_ONLY.replace(color="mean"))
    inside = plain.mask > 128

    def off(finished):
        return np.abs(finished.pixels[inside].mean(0) - finished.target[inside].mean(0)).max()

    assert off(matched) < 0.2 * off(plain)


def test_a_face_half_out_of_the_frame_is_drawn():
    finished, frame, _ = _finished(Painter(), Brightener(), at_xy=(-190, -60))
    patch = to_patch(finished, frame, 1)
    assert patch is not None
    assert patch.box[:2] == (0, 0)


def test_templates_of_the_doubles_exist():
    assert {"arcface_128", "ffhq_512"} <= set(TEMPLATES)


def test_threads_that_ask_at_once_have_a_donor_encoded_once():
    together = threading.Barrier(4)

    class Slow(Painter):
        def encode(self, portraits):
            time.sleep(0.02)
            return super().encode(portraits)

    swapper = Slow()
    face, codes = NetworkFace(swapper, (), (), BOX_ONLY), []

    def ask() -> None:
        together.wait(5)
        codes.append(face.encode(donor("mona")))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert swapper.encoded == 1
    assert all(code is codes[0] for code in codes)
