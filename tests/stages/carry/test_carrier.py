from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest
from carried_faces import View, key_of, psnr, repainted, view

from masquerade.geometry.mesh import INNER_LIPS, OUTER_LIPS
from masquerade.stages.carry.carrier import Carrier
from masquerade.stages.overlay import blend
from masquerade.stages.swap import Swap


def _drawn(carrier: Carrier, shown: View, at_s: float) -> np.ndarray:
    picture = shown.pixels.copy()
    patch = carrier.draw(shown.pixels, shown.landmarks, 3, at_s)
    assert patch is not None
    assert patch.track_id == 3
    blend(picture, patch)
    return picture


def _carrier(shown: View) -> Carrier:
    carrier = Carrier()
    carrier.take(key_of(shown))
    return carrier


def test_nothing_is_drawn_before_the_first_key_frame_nor_outside_the_frame() -> None:
    shown = view()
    assert Carrier().draw(shown.pixels, shown.landmarks, 0, 0.0) is None
    outside = shown.landmarks + np.array([5000, 0, 0], np.float32)
    assert _carrier(shown).draw(shown.pixels, outside, 0, 0.0) is None


def test_on_its_own_frame_it_shows_what_the_network_has_finished() -> None:
    shown = view()
    picture = _drawn(_carrier(shown), shown, 0.0)
    assert psnr(picture, repainted(shown.pixels), shown.inside) > 38


@pytest.mark.parametrize(
    "change", [{"dx": 37.3, "dy": -12.6}, {"turn_deg": 17.0}, {"scale": 0.8}, {"scale": 1.2}]
)
def test_it_follows_the_face(change: dict[str, float]) -> None:
    shown = view()
    after = shown.moved(**change)
    picture = _drawn(_carrier(shown), after, 0.04)
    assert psnr(picture, repainted(after.pixels), after.inside) > 33


def test_a_face_at_the_frames_edge_is_drawn_as_far_as_it_is_seen() -> None:
    shown = view()
    after = shown.moved(dx=-float(shown.landmarks[:468, 0].mean()))
    picture = _drawn(_carrier(shown), after, 0.04)
    # What lies beyond the edge has no light, so a stripe along it is a guess.
    seen = after.inside
    seen[:, :12] = False
    assert psnr(picture, repainted(after.pixels), seen) > 28


def test_it_follows_the_light() -> None:
    shown = view()
    after = shown.dimmed(0.6)
    still = _drawn(_carrier(shown), shown, 0.0)
    picture = _drawn(_carrier(shown), after, 0.04)
    wanted = np.rint(still * 0.6).astype(np.uint8)
    assert psnr(picture, wanted, shown.inside) > 33 > 20 > psnr(still, wanted, shown.inside)


def test_far_from_the_face_no_pixel_changes() -> None:
    shown = view()
    picture = _drawn(_carrier(shown), shown.moved(dx=9), 0.04)
    far = cv2.dilate(shown.inside.astype(np.uint8), np.ones((161, 161), np.uint8)) == 0
    assert far.any()
    assert np.array_equal(picture[far], shown.moved(dx=9).pixels[far])


def test_a_new_key_frame_fades_in() -> None:
    shown = view()
    carrier = _carrier(shown)
    usual = [_drawn(carrier, shown.moved(dx=n * 0.5), n / 25) for n in range(5)]
    other = key_of(shown)
    brighter = np.clip(other.finished.pixels.astype(int) + 40, 0, 255).astype(np.uint8)
    other.finished.pixels[:] = brighter
    carrier.take(other)
    after = [_drawn(carrier, shown.moved(dx=n * 0.5), n / 25) for n in range(5, 13)]
    steps = [
        float(np.abs(b.astype(int) - a)[shown.inside].mean())
        for a, b in zip([usual[-1], *after], after, strict=False)
    ]
    whole = float(np.abs(after[-1].astype(int) - usual[-1])[shown.inside].mean())
    assert whole > 30
    assert max(steps) < whole / 3
    assert psnr(after[-1], after[-2], shown.inside) > 30


def test_what_another_swapper_drew_fades_over_too(astronaut_swap: Swap) -> None:
    shown = view()
    job = astronaut_swap.process(_job(shown))
    before = shown.pixels.copy()
    blend(before, job.patches[0])
    carrier = Carrier()
    carrier.take_patch(shown.pixels, job.patches[0], shown.landmarks, 0.0)
    carrier.take(key_of(shown))
    first, last = (_drawn(carrier, shown, at_s) for at_s in (0.0, 1.0))
    assert psnr(first, before, shown.inside) > 33
    assert psnr(last, repainted(shown.pixels), shown.inside) > 38


def test_an_opened_mouth_shows_the_frames_own_inside() -> None:
    shown = view()
    opened = shown.landmarks.copy()
    arch = np.sin(np.arange(20) * np.pi / 10)  # above 0 on the upper lip, below on the lower one
    opened[INNER_LIPS, 1] -= np.where(arch > 0, 4, 22) * arch
    opened[OUTER_LIPS, 1] -= np.where(arch > 0, 4, 22) * arch
    lips = opened[INNER_LIPS]
    pixels = shown.pixels.copy()
    hole = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillPoly(hole, [np.rint(lips[:, :2]).astype(np.int32)], 255)
    stripes = (np.indices(hole.shape).sum(axis=0) % 8 < 4) & (hole > 0)
    pixels[hole > 0] = 30
    pixels[stripes] = 120
    picture = _drawn(_carrier(shown), View(pixels, opened), 0.04)
    inside = cv2.erode(hole, np.ones((7, 7), np.uint8)) > 0
    grey = picture.mean(axis=2)
    assert grey[inside & stripes].mean() - grey[inside & ~stripes].mean() > 60


def test_a_frame_costs_no_memory_of_its_own_size() -> None:
    shown = view()
    large = cv2.copyMakeBorder(shown.pixels, 0, 1500, 0, 2500, cv2.BORDER_REPLICATE)
    carrier = _carrier(shown)
    carrier.draw(large, shown.landmarks, 0, 0.0)
    tracemalloc.start()
    carrier.draw(large, shown.landmarks, 0, 0.04)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < large.nbytes / 2


def _job(shown: View):
    from masquerade.core.frame import Frame, FrameJob

    return FrameJob(Frame(shown.pixels), [shown.face()])
