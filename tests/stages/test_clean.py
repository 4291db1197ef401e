from __future__ import annotations

import cv2
import numpy as np
import pytest
from donor_photos import NAMES, face, photo, psnr

from masquerade.models.canonical import CANONICAL
from masquerade.stages.clean import find_skin
from masquerade.stages.fill import coverage_of, fill_skin, hidden_eyes, whole_eyes
from masquerade.stages.identity import Identity
from masquerade.stages.regions import region_mask
from masquerade.stages.tint import calm_colour, even_light, warm_shadows
from masquerade.stages.unwrap import unwrap

FACE = region_mask("face", 256) > 0.5


def _skin(name):
    flat = unwrap(face(name).pixels, face(name).points)
    return flat, find_skin(flat.texture, flat.seen)


def _at(mask, vertex):
    u, v = CANONICAL.uv[vertex]
    return float(mask[round(float(v) * 256 - 0.5), round(float(u) * 256 - 0.5)])


def _with_glasses(name, colour, thickness):
    """The donor's photo with round glasses drawn upon it, and the face as it was."""
    found = face(name)
    pixels, points = found.pixels.copy(), found.points
    for outer, inner in ((33, 133), (263, 362)):
        centre = points[[outer, inner], :2].mean(0)
        half = float(np.linalg.norm(points[outer, :2] - points[inner, :2]))
        axes = (round(0.85 * half), round(0.65 * half))
        middle = (round(float(centre[0])), round(float(centre[1] + 0.1 * half)))
        cv2.ellipse(pixels, middle, axes, 0, 0, 360, colour, thickness, cv2.LINE_AA)
    bridge = [tuple(int(v) for v in points[vertex, :2]) for vertex in (133, 362)]
    cv2.line(pixels, *bridge, colour, thickness, cv2.LINE_AA)
    return pixels, points


@pytest.mark.parametrize("name", NAMES)
def test_cheeks_nose_eyes_and_mouth_are_trusted(name):
    _, skin = _skin(name)
    for vertex in (4, 425, 386, 374, 0, 17, 200):
        assert _at(skin.trust, vertex) > 0.9, vertex


def test_a_fringe_a_hat_and_a_veil_are_not():
    assert _at(_skin("astronaut")[1].trust, 10) < 0.1
    assert _at(_skin("hopper")[1].trust, 10) < 0.1
    assert _at(_skin("mona")[1].trust, 389) < 0.1


def test_glasses_are_told_from_bare_faces():
    assert _skin("hopper")[1].glasses == 1
    assert _skin("astronaut")[1].glasses == 0
    assert _skin("mona")[1].glasses == 0


@pytest.mark.parametrize("name", ["astronaut", "mona"])
@pytest.mark.parametrize(("colour", "share"), [((40, 35, 30), 0.05), ((110, 110, 120), 0.015)])
def test_a_drawn_frame_leaves_the_texture_as_it_was(name, colour, share):
    found = face(name)
    width = float(np.linalg.norm(found.points[33] - found.points[263]))
    pixels, points = _with_glasses(name, colour, max(1, round(share * width)))
    textures = []
    for picture in (found.pixels, pixels):
        flat = unwrap(picture, points)
        skin = find_skin(flat.texture, flat.seen)
        textures.append((flat.texture, fill_skin(flat.texture, skin.trust, skin.model)))
    (_, clean), (raw, mended) = textures
    assert skin.glasses > 0.5
    drawn = np.abs(raw.astype(int) - textures[0][0]).max(-1) > 40
    drawn &= region_mask("eyes", 1024, 0.012) < 0.5
    drawn &= region_mask("brows", 1024, 0.02) < 0.5
    assert drawn.sum() > 1000
    assert psnr(mended[drawn], clean[drawn]) > psnr(raw[drawn], clean[drawn]) + 4


def test_a_beard_stays():
    """Half the photo's lower face painted dark and rough, as a beard is."""
    found = face("astronaut")
    chin = cv2.convexHull(
        found.points[[58, 288, 152, 148, 377, 205, 425, 2], :2].round().astype(int)
    )
    mask = np.zeros(found.pixels.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, chin, 1)
    cv2.fillConvexPoly(
        mask, cv2.convexHull(found.points[[61, 291, 0, 17], :2].round().astype(int)), 0
    )
    noise = np.random.default_rng(0).normal(0, 10, found.pixels.shape)
    bearded = np.where(mask[..., None] > 0, 45 + noise, found.pixels).clip(0, 255).astype(np.uint8)
    flat = unwrap(bearded, found.points)
    skin = find_skin(flat.texture, flat.seen)
    assert skin.beard
    assert _at(skin.trust, 200) > 0.9
    assert _at(skin.trust, 171) > 0.7
    assert not _skin("astronaut")[1].beard


@pytest.mark.parametrize("name", NAMES)
def test_cleaning_is_the_same_in_a_mirror(name):
    flat, skin = _skin(name)
    mirrored = find_skin(
        np.ascontiguousarray(flat.texture[:, ::-1]), np.ascontiguousarray(flat.seen[:, ::-1])
    )
    apart = np.abs(mirrored.trust[:, ::-1] - skin.trust)[FACE]
    assert apart.mean() < 0.03


def test_what_is_trusted_is_kept_bit_for_bit():
    flat, skin = _skin("mona")
    filled = fill_skin(flat.texture, np.ones_like(skin.trust), skin.model)
    assert np.array_equal(filled, flat.texture)


def test_the_hidden_side_is_painted_by_the_other():
    flat, skin = _skin("astronaut")
    trust = skin.trust.copy()
    trust[:, :128] = 0
    filled = fill_skin(flat.texture, trust, skin.model)
    eye = region_mask("left_eye", 1024) > 0.5
    true, painted = filled[:, ::-1][eye].astype(float), filled[eye].astype(float)
    assert np.corrcoef(true[:, 1], painted[:, 1])[0, 1] > 0.95
    black = np.zeros_like(flat.texture)
    black[:, 512:] = flat.texture[:, 512:]
    seen = (cv2.resize(skin.trust, (1024, 1024)) > 0.95) & (np.arange(1024) < 480)
    assert psnr(filled[seen], flat.texture[seen]) > 18


def test_an_eye_that_is_hidden_in_part_is_distrusted_as_a_whole():
    trust = np.ones((256, 256), np.float32)
    trust[:, 90:128] = 0
    assert hidden_eyes(trust) == (True, False)
    whole = whole_eyes(trust)
    assert whole[region_mask("left_eye", 256) > 0.5].max() < 0.1
    assert whole[region_mask("right_eye", 256) > 0.5].min() == 1
    assert hidden_eyes(np.ones((256, 256), np.float32)) == (False, False)


def test_coverage_falls_with_the_distance_from_seen_skin():
    trust = np.zeros((256, 256), np.float32)
    trust[100:200, 60:196] = 1
    row = coverage_of(trust)[600].astype(int)
    assert row[512] == 255
    assert (np.diff(row[800:1000]) <= 1).all()
    assert row[1000] < 60
    assert coverage_of(np.zeros_like(trust)).max() == 0


def test_even_light_draws_both_sides_together():
    ramp = np.tile(np.linspace(60, 200, 1024), (1024, 1))[..., None].repeat(3, -1).astype(np.uint8)
    inside = region_mask("face", 1024) > 0.5

    def lean(texture):
        light = texture[..., 0].astype(float)
        return light[:, 512:][inside[:, 512:]].mean() - light[:, :512][inside[:, :512]].mean()

    assert np.array_equal(even_light(ramp, 0.0), ramp)
    assert 0.3 * lean(ramp) < lean(even_light(ramp, 0.5)) < 0.75 * lean(ramp)
    assert abs(lean(even_light(ramp, 1.0))) < 0.25 * lean(ramp)


def test_no_hat_hair_or_frame_is_left_in_the_texture():
    """Dark or blue texels beside skin are what a viewer would notice."""
    identity = Identity.from_photos(photo("hopper"))
    features = np.maximum.reduce(
        [region_mask(n, 1024, 0.03) for n in ("eyes", "brows", "lips", "nostrils")]
    )
    plain = (features < 0.5) & (identity.coverage > 128)
    plain[500:] = False  # the folds about nose and mouth are dark and hers
    light = cv2.cvtColor(identity.texture, cv2.COLOR_BGR2GRAY)[plain]
    raw = unwrap(face("hopper").pixels, face("hopper").points).texture
    raw_light = cv2.cvtColor(raw, cv2.COLOR_BGR2GRAY)[plain]
    assert (raw_light < 60).mean() > 0.02
    assert (light < 60).mean() < 0.002


def test_shadows_take_the_hue_of_the_skin_and_keep_their_lightness():
    skin = np.full((1024, 1024, 3), (90, 140, 200), np.uint8)
    skin[430:470, 250:330] = 40  # a hueless shadow on a cheek
    warmed = warm_shadows(skin, 1.0)[450, 290].astype(float)
    assert warmed[2] > warmed[1] > warmed[0]
    assert warmed @ [0.114, 0.587, 0.299] == pytest.approx(40, abs=4)
    assert np.array_equal(warm_shadows(skin, 0.0), skin)
    assert np.abs(warm_shadows(skin, 1.0)[600, 512].astype(int) - skin[600, 512]).max() <= 2


def test_colour_noise_is_calmed_and_lightness_kept():
    rng = np.random.default_rng(0)
    noisy = np.clip(rng.normal((60, 140, 200), (20, 5, 5), (1024, 1024, 3)), 0, 255)
    noisy = noisy.astype(np.uint8)
    calm = calm_colour(noisy, np.full((256, 256), 0.25, np.float32))
    patch = np.s_[420:480, 250:330]
    assert calm[patch][..., 0].std() < 0.5 * noisy[patch][..., 0].std()
    weights = [0.114, 0.587, 0.299]
    assert np.abs(calm[patch] @ weights - noisy[patch] @ weights).mean() < 1.5


@pytest.mark.parametrize("name", NAMES)
def test_exposure_does_not_matter(name):
    flat, skin = _skin(name)
    dark = find_skin((flat.texture * 0.25).astype(np.uint8), flat.seen)
    assert (dark.trust[skin.trust > 0.8] > 0.5).mean() > 0.95
    assert (dark.trust[(skin.trust < 0.1) & (flat.seen > 0.5)] > 0.5).mean() < 0.1
    assert (dark.glasses > 0.5) == (skin.glasses > 0.5)
    ratio = np.median(dark.model[..., 0][FACE] / skin.model[..., 0][FACE])
    assert 0.15 < ratio < 0.45  # a quarter of the sRGB value is about 28 % of L


@pytest.mark.parametrize("name", NAMES)
def test_strong_compression_does_not_matter(name):
    flat, skin = _skin(name)
    poor = cv2.imdecode(cv2.imencode(".jpg", flat.texture, [cv2.IMWRITE_JPEG_QUALITY, 10])[1], 1)
    again = find_skin(poor, flat.seen)
    assert (again.trust[skin.trust > 0.8] > 0.5).mean() > 0.7
    assert (again.trust[(skin.trust < 0.1) & (flat.seen > 0.5)] > 0.5).mean() < 0.1
