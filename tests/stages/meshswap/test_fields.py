"""Light, folds, occlusion, sharpness and shape: what is measured of the target."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from masquerade.core.settings import Settings
from masquerade.stages.meshswap.detail import Detail
from masquerade.stages.meshswap.light import Light, sample_field
from masquerade.stages.meshswap.occlusion import Occlusion, refine
from masquerade.stages.meshswap.parts import FIELD_SIZE, TRIANGLES, skin_field, with_rings
from masquerade.stages.meshswap.reading import Reader
from masquerade.stages.meshswap.shape import ShapeTransfer, close_lids
from masquerade.stages.meshswap.texture import Texture
from masquerade.stages.neutral import neutral_shape

EVERYWHERE = np.ones((FIELD_SIZE, FIELD_SIZE), np.float32)


def test_a_field_does_not_depend_on_the_size_of_the_face(hopper) -> None:
    field = sample_field(hopper.pixels, hopper.landmarks)
    half = cv2.resize(hopper.pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    small = sample_field(half, ((hopper.landmarks + 0.5) * 0.5 - 0.5).astype(np.float32))
    skin = (skin_field() > 0) & (field.seen > 0.5)
    assert np.abs(field.colour - small.colour)[skin].mean() < 4


def test_what_turns_away_or_lies_outside_is_not_seen(hopper) -> None:
    assert (sample_field(hopper.pixels, hopper.landmarks).seen > 0.5).mean() > 0.4
    away = hopper.landmarks + np.array([4000, 0, 0], np.float32)
    assert not sample_field(hopper.pixels, away).seen.any()


def test_a_face_in_its_own_light_is_left_alone(hopper) -> None:
    field = sample_field(hopper.pixels, hopper.landmarks)
    scale, lift = Light(field.colour, EVERYWHERE).relight(field, None, 1.0)
    assert np.allclose(scale, 1, atol=1e-3) and np.abs(lift).max() < 0.5


def test_less_light_multiplies_and_more_light_also_lifts(hopper) -> None:
    field = sample_field(hopper.pixels, hopper.landmarks)
    light = Light(field.colour.copy(), EVERYWHERE)
    field.colour *= 0.5
    scale, lift = light.relight(field, None, 1.0)
    assert np.abs(np.median(scale) - 0.5) < 0.05 and lift.max() < 1
    field.colour *= 3.0
    scale, lift = light.relight(field, None, 1.0)
    assert 1.05 < np.median(scale) < 1.45 and np.median(lift) > 5


def test_without_strength_the_donors_light_stays(hopper, astronaut) -> None:
    donor = sample_field(astronaut.pixels, astronaut.landmarks)
    field = sample_field(hopper.pixels, hopper.landmarks)
    scale, lift = Light(donor.colour, EVERYWHERE).relight(field, None, 0.0)
    assert np.allclose(scale, 1) and np.allclose(lift, 0)


def test_folds_that_come_are_drawn_and_folds_that_stay_are_not(hopper) -> None:
    field = sample_field(hopper.pixels, hopper.landmarks)
    light = Light(field.colour, EVERYWHERE)
    for _ in range(5):
        assert np.allclose(light.folds(field, 1.0), 1, atol=1e-5)
    x, y = 22, 40  # on the cheek beside the mouth
    field.colour[y - 3 : y + 4, x - 1 : x + 1] *= 0.6
    factor = light.folds(field, 1.0)
    assert factor[y, x - 1 : x + 1].min() < 0.95
    assert np.allclose(factor[:10], 1, atol=0.01)


def _covering(person, colour) -> np.ndarray:
    pixels = person.pixels.copy()
    x, y = person.landmarks[205, :2].round().astype(int)
    reach = int(np.ptp(person.landmarks[:, 0]) * 0.14)
    cv2.rectangle(pixels, (x - reach, y - reach), (x + reach, y + 2 * reach), colour, -1)
    return pixels


@pytest.mark.parametrize("colour", [(40, 40, 40), (60, 140, 40), (90, 60, 60)])
def test_a_thing_that_moves_in_front_is_found(hopper, colour) -> None:
    occlusion = Occlusion()
    clean = sample_field(hopper.pixels, hopper.landmarks)
    before = [occlusion.find(clean) for _ in range(8)][-1]
    covered = occlusion.find(sample_field(_covering(hopper, colour), hopper.landmarks))
    was = 0.0 if before is None else float((before > 0.5).mean())
    assert was < 0.02
    assert covered is not None
    u, v = (np.array([0.29, 0.62]) * FIELD_SIZE).astype(int)  # about vertex 205
    assert covered[v - 2 : v + 3, u - 2 : u + 3].mean() > 0.6
    assert (covered > 0.5).mean() < 0.3


def test_a_change_of_light_is_no_thing(hopper) -> None:
    occlusion = Occlusion()
    clean = sample_field(hopper.pixels, hopper.landmarks)
    for _ in range(8):
        occlusion.find(clean)
    ramp = np.linspace(0.6, 1.1, FIELD_SIZE, dtype=np.float32)[None, :, None]
    clean.colour = np.clip(clean.colour * ramp, 0, 255).astype(np.float32)
    found = occlusion.find(clean)
    assert found is None or (found > 0.5).mean() < 0.02


def test_a_face_is_read_every_other_frame_and_at_once_when_the_light_jumps(hopper) -> None:
    donor = sample_field(hopper.pixels, hopper.landmarks).colour.copy()
    reader = Reader(donor, EVERYWHERE, Settings())
    first = reader.read(hopper.pixels, hopper.landmarks)
    assert reader.read(hopper.pixels, hopper.landmarks) is first
    assert reader.read(hopper.pixels, hopper.landmarks) is not first
    dark = reader.read(hopper.pixels // 2, hopper.landmarks)
    assert dark.scale.mean() < 0.7 * first.scale.mean()


@pytest.mark.parametrize(("share", "believed"), [(0.5, True), (0.9, False)])
def test_a_covering_of_nearly_all_is_not_believed(hopper, monkeypatch, share, believed) -> None:
    def things(distance: np.ndarray) -> np.ndarray:
        return np.arange(FIELD_SIZE)[:, None] < share * FIELD_SIZE * np.ones(FIELD_SIZE)

    monkeypatch.setattr("masquerade.stages.meshswap.occlusion._objects", things)
    found = Occlusion().find(sample_field(hopper.pixels, hopper.landmarks))
    assert (found is not None) == believed


def test_a_mask_is_pulled_to_the_edge_in_the_picture() -> None:
    picture = np.full((60, 60, 3), 40, np.uint8)
    picture[:, 30:] = 200
    coarse = cv2.GaussianBlur(
        (np.arange(60) > 26)[None].repeat(60, 0).astype(np.float32), (0, 0), 4
    )
    fine = refine(coarse, picture, 6)
    assert fine[30, 33] > 0.85 and fine[30, 26] < 0.3
    assert np.abs(np.diff(fine[30])).argmax() == 29


def test_a_soft_film_softens_the_swap(hopper) -> None:
    region = np.ascontiguousarray(hopper.pixels[100:360, 140:380])
    shown = np.ones(region.shape[:2], np.float32)
    soft = cv2.GaussianBlur(region, (0, 0), 2.5)

    def sharpness(picture: np.ndarray) -> float:
        return float(cv2.Laplacian(picture, cv2.CV_32F).std())

    matched = Detail().match(region, soft, shown, 1.0)
    assert sharpness(matched) < 0.5 * sharpness(region)
    assert (Detail().match(region, soft, shown, 0.0) == region).all()


def test_grain_of_the_film_is_on_the_swap(hopper) -> None:
    region = cv2.GaussianBlur(np.ascontiguousarray(hopper.pixels[100:360, 140:380]), (0, 0), 1.5)
    noise = np.random.default_rng(0).normal(0, 5, region.shape)
    film = np.clip(region + noise, 0, 255).astype(np.uint8)
    shown = np.ones(region.shape[:2], np.float32)
    grain = Detail().match(region, film, shown, 1.0).astype(float) - region
    assert 2.0 < grain.std() < 6.0
    assert np.corrcoef(grain.ravel(), noise.ravel())[0, 1] > 0.4


def test_a_donor_in_its_own_shape_moves_nothing(hopper) -> None:
    transfer = ShapeTransfer(neutral_shape(hopper.landmarks))
    assert np.abs(transfer.offsets(hopper.landmarks, 1.0)).max() < 1e-2
    assert (transfer.offsets(hopper.landmarks, 0.0) == 0).all()


def test_the_shape_is_frozen_after_its_first_frames(hopper, astronaut) -> None:
    transfer = ShapeTransfer(neutral_shape(astronaut.landmarks))
    first = transfer.offsets(hopper.landmarks, 1.0)
    for _ in range(20):
        transfer.offsets(hopper.landmarks, 1.0)
    talking = hopper.landmarks.copy()
    talking[152, 1] += 20
    for _ in range(5):
        transfer.offsets(talking, 1.0)
    assert np.abs(transfer.offsets(hopper.landmarks, 1.0) - first).max() < 0.05
    assert np.abs(first).max() > 1


def test_open_lids_stay_and_nearly_shut_lids_shut(hopper) -> None:
    points = hopper.landmarks.copy()
    close_lids(points)
    assert (points == hopper.landmarks).all()
    points[159] = points[145] + (points[159] - points[145]) * 0.1
    close_lids(points)
    assert np.linalg.norm(points[159] - points[145]) < 0.5


def test_the_rings_surround_the_face_and_every_triangle_has_its_vertices() -> None:
    points = with_rings(np.random.default_rng(0).normal(size=(470, 2)))
    assert TRIANGLES.max() == len(points) - 1


def test_levels_come_down_by_quarter_octaves() -> None:
    atlas = np.zeros((1024, 1024, 3), np.uint8)
    texture = Texture(atlas, np.full((1024, 1024), 255, np.uint8))
    assert texture.level_for(1.0) == 0
    assert len(texture.level(texture.level_for(5.0))) == 256
    assert texture.level(8) is texture.level(8)
