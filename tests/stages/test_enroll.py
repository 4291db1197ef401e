from __future__ import annotations

import cv2
import numpy as np
import pytest
from donor_photos import MONA, NAMES, donor, enroller, photo

from masquerade.core.errors import (
    InputError,
    MissingInputError,
    NoFaceInDonorError,
    UnsupportedMediaError,
)
from masquerade.models.canonical import CANONICAL
from masquerade.stages.identity import Identity
from masquerade.stages.regions import mirror_index


def _enroll(photos, **options) -> Identity:
    return Identity.from_photos(photos, enroller=enroller(), **options)


def _couple() -> np.ndarray:
    return np.hstack([photo("astronaut"), photo("hopper")[:512]])


@pytest.mark.parametrize("name", NAMES)
def test_real_photos_become_identities(name):
    identity = donor(name)
    assert identity.name == name
    assert identity.photos == 1
    assert (identity.coverage > 200).mean() > 0.3
    assert np.linalg.norm(identity.attributes.embedding_unit) == pytest.approx(1, abs=1e-4)
    assert 10 < identity.attributes.age < 90


def test_age_and_gender_of_a_clear_photo():
    attributes = donor("astronaut").attributes
    assert attributes.gender == "female"
    assert attributes.age < donor("hopper").attributes.age


def test_people_are_told_apart():
    units = [donor(name).attributes.embedding_unit for name in NAMES]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert units[one] @ units[other] < 0.56


def test_teeth_are_seen():
    assert donor("astronaut").teeth > 0.6
    assert donor("hopper").teeth == 0
    assert donor("mona").teeth == 0


def test_enrolment_is_deterministic():
    assert _enroll(photo("mona")).fingerprint == donor("mona").fingerprint


def test_a_path_gives_the_name_and_the_same_face():
    identity = _enroll(MONA)
    assert identity.name == "mona_lisa"
    assert identity.attributes.embedding_unit @ donor("mona").attributes.embedding_unit > 0.98


@pytest.mark.parametrize("name", NAMES)
def test_a_mirrored_photo_gives_the_mirrored_face(name):
    mirrored = _enroll(np.ascontiguousarray(photo(name)[:, ::-1]))
    other_shape = mirrored.mesh[mirror_index()[:468]] * [-1, 1, 1]
    assert np.sqrt(((other_shape - donor(name).mesh) ** 2).sum(1).mean()) < 0.05
    inside = (donor(name).coverage > 200) & (mirrored.coverage[:, ::-1] > 200)
    apart = mirrored.texture[:, ::-1].astype(float) - donor(name).texture
    assert np.median(np.abs(apart[inside])) < 6
    other_iris = mirrored.iris[mirror_index()[-10:] - 468] * [-1, 1] + [1, 0]
    assert np.abs(other_iris - donor(name).iris).max() < 0.02


@pytest.mark.parametrize("rotation", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180])
def test_a_photo_that_lies_on_its_side_is_read(rotation):
    identity = _enroll(cv2.rotate(photo("astronaut"), rotation))
    cosine = identity.attributes.embedding_unit @ donor("astronaut").attributes.embedding_unit
    assert cosine > 0.9


def test_a_face_that_fills_the_photo_is_read():
    tight = photo("hopper")[130:345, 180:345]
    cosine = _enroll(tight).attributes.embedding_unit @ donor("hopper").attributes.embedding_unit
    assert cosine > 0.7


def test_of_several_faces_the_largest_is_taken_and_named():
    identity = _enroll(_couple())
    cosine = identity.attributes.embedding_unit @ donor("hopper").attributes.embedding_unit
    assert cosine > 0.9
    assert "shows 2 faces; the largest was taken, number 2 from the left" in identity.advice[0]


def test_another_face_can_be_chosen():
    identity = _enroll(_couple(), face_index=1)
    cosine = identity.attributes.embedding_unit @ donor("astronaut").attributes.embedding_unit
    assert cosine > 0.9
    assert not any("faces" in line for line in identity.advice)


def test_a_face_that_is_not_there_cannot_be_chosen():
    with pytest.raises(NoFaceInDonorError, match="2 faces, so there is no face number 2"):
        _enroll(_couple(), face_index=2)


def test_two_people_are_noticed():
    advice = _enroll([photo("hopper"), photo("mona")]).advice
    assert "another person" in advice[0]


def test_the_same_photo_twice_changes_little():
    twice = _enroll([photo("mona"), photo("mona").copy()])
    assert np.abs(twice.mesh - donor("mona").mesh).max() < 1e-3
    apart = np.abs(twice.texture.astype(int) - donor("mona").texture)
    assert np.median(apart[donor("mona").coverage > 200]) <= 2


@pytest.mark.parametrize(
    "empty", [np.zeros((200, 300, 3), np.uint8), np.full((1, 1, 3), 200, np.uint8)]
)
def test_a_photo_without_a_face(empty):
    with pytest.raises(NoFaceInDonorError, match="shows no face; choose"):
        _enroll(empty)


def test_noise_is_no_face():
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), np.uint8)
    with pytest.raises(NoFaceInDonorError):
        _enroll(noise)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((9, 9), np.uint8),
        np.zeros((9, 9, 4), np.uint8),
        np.zeros((9, 9, 3), np.float32),
        np.zeros((0, 9, 3), np.uint8),
        [],
        [np.zeros((9, 9, 3), np.uint8)] * 17,
    ],
)
def test_wrong_pictures_are_refused(wrong):
    with pytest.raises(InputError):
        _enroll(wrong)


def test_missing_and_strange_files(tmp_path):
    with pytest.raises(MissingInputError):
        _enroll(tmp_path / "nobody.jpg")
    (tmp_path / "words.jpg").write_text("no picture at all, just words and words")
    with pytest.raises(UnsupportedMediaError):
        _enroll(str(tmp_path / "words.jpg"))


def test_the_eyes_and_the_mouth_are_the_photos_own():
    """A vertex on the lid or the lip shows in the texture what the photo shows there."""
    from donor_photos import face

    found, identity = face("hopper"), donor("hopper")
    for vertex in (159, 386, 0, 17):
        x, y = np.round(found.points[vertex, :2]).astype(int)
        u, v = np.round(CANONICAL.uv[vertex] * 1024 - 0.5).astype(int)
        near = identity.texture[v - 6 : v + 7, u - 6 : u + 7].reshape(-1, 3).astype(float)
        colour = found.pixels[y, x].astype(float)
        assert np.abs(near - colour).max(1).min() < 40
