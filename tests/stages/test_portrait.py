from __future__ import annotations

import dataclasses
import json
import time
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from donor_photos import NAMES, donor, enroller, face, photo

from masquerade.core.errors import CorruptMediaError, InputError, MasqueradeError
from masquerade.geometry.roi import Roi
from masquerade.geometry.templates import TEMPLATES, kps_from_landmarks
from masquerade.models.landmarker import Landmarker
from masquerade.stages.identity import Identity
from masquerade.stages.portrait import MAX_PORTRAITS, Portrait


def _portrait(weight: float = 1.0, seed: int = 0) -> Portrait:
    pixels = np.random.default_rng(seed).integers(0, 256, (512, 512, 3), np.uint8)
    return Portrait(pixels, (TEMPLATES["ffhq_512"] * 512).astype(np.float32), weight)


@pytest.mark.parametrize("name", NAMES)
def test_the_face_of_a_real_photo_stands_where_the_template_has_it(name):
    (portrait,) = donor(name).portraits
    assert portrait.weight == 1
    off = np.linalg.norm(portrait.kps - TEMPLATES["ffhq_512"] * 512, axis=1)
    assert off.max() < 30  # a face's own proportions; the median face is the template
    roi = Roi(255.5, 275.0, 470.0)
    seen = kps_from_landmarks(Landmarker().locate(portrait.pixels, roi).points)
    assert np.linalg.norm(seen - portrait.kps, axis=1).max() < 12


def test_several_photos_share_the_say():
    identity = Identity.from_photos([photo("mona"), photo("astronaut")], enroller=enroller())
    assert len(identity.portraits) == 2
    assert sum(portrait.weight for portrait in identity.portraits) == pytest.approx(1)
    assert min(portrait.weight for portrait in identity.portraits) > 0


def test_a_turned_photo_is_set_upright():
    upside_down = np.ascontiguousarray(cv2.rotate(photo("astronaut"), cv2.ROTATE_180))
    identity = Identity.from_photos(upside_down, enroller=enroller())
    apart = identity.portraits[0].pixels.astype(float) - donor("astronaut").portraits[0].pixels
    assert np.abs(apart).mean() < 6


def test_beyond_the_photo_its_edge_is_drawn_out():
    found = face("astronaut")
    tight = found.points.copy()
    low = tight[:468, :2].min(0).astype(int)
    cropped = np.ascontiguousarray(found.pixels[low[1] :, low[0] :])
    tight[:, :2] -= low
    portrait = Portrait.cut(cropped, tight)
    assert (portrait.pixels.reshape(-1, 3).max(axis=1) > 0).mean() > 0.95


def test_arrays_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        donor("mona").portraits[0].pixels[0, 0] = 1


@pytest.mark.parametrize(
    "changes",
    [
        {"pixels": np.zeros((256, 256, 3), np.uint8)},
        {"pixels": np.zeros((512, 512, 3), np.float32)},
        {"kps": np.zeros((5, 2), np.float32)},
        {"kps": np.full((5, 2), np.nan, np.float32)},
        {"kps": np.full((5, 3), 1, np.float32)},
        {"weight": 0.0},
        {"weight": float("nan")},
    ],
)
def test_nonsense_cannot_become_a_portrait(changes):
    with pytest.raises(InputError, match="enrol it anew"):
        dataclasses.replace(_portrait(), **changes)


def test_a_mesh_in_one_place_is_refused():
    with pytest.raises(InputError):
        Portrait.cut(photo("mona"), np.full((478, 3), 40, np.float32))


def test_portraits_are_saved_bit_for_bit(tmp_path):
    identity = dataclasses.replace(donor("mona"), portraits=(_portrait(0.25), _portrait(0.75, 1)))
    path = tmp_path / "two.mqid"
    identity.save(path)
    loaded = Identity.load(path)
    for before, after in zip(identity.portraits, loaded.portraits, strict=True):
        assert np.array_equal(before.pixels, after.pixels)
        assert np.array_equal(before.kps, after.kps)
        assert before.weight == after.weight


def test_the_consent_register_still_knows_who_it_is():
    """The fingerprint is its key: portraits must not change it."""
    identity = donor("mona")
    bare = dataclasses.replace(identity, portraits=())
    assert bare.fingerprint == identity.fingerprint


def test_a_file_of_version_1_loads_without_portraits(tmp_path):
    old, again = tmp_path / "old.mqid", tmp_path / "again.mqid"
    dataclasses.replace(donor("mona"), portraits=()).save(old)
    with zipfile.ZipFile(old) as archive:
        assert sorted(archive.namelist()) == [
            "coverage.png",
            "floats.bin",
            "header.json",
            "texture.png",
        ]
        header = json.loads(archive.read("header.json"))
    assert header["version"] == 1
    assert "portraits" not in header
    loaded = Identity.load(old)
    assert loaded.portraits == ()
    assert loaded.fingerprint == donor("mona").fingerprint
    loaded.save(again)
    assert again.read_bytes() == old.read_bytes()


def test_the_largest_file_can_be_read_back(tmp_path):
    many = tuple(_portrait(1 / MAX_PORTRAITS, seed) for seed in range(MAX_PORTRAITS))
    full = dataclasses.replace(donor("mona"), portraits=many, advice=("y" * 500,) * 100)
    path = tmp_path / "full.mqid"
    full.save(path)
    assert len(Identity.load(path).portraits) == MAX_PORTRAITS
    with pytest.raises(InputError, match="at most 16"):
        dataclasses.replace(full, portraits=(*many, _portrait()))


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("portraits") / "saved.mqid"
    donor("mona").save(path)
    return path


def _changed(saved: Path, path: Path, header: dict[str, object], **pictures: bytes | None) -> Path:
    with zipfile.ZipFile(saved) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries["header.json"] = json.dumps(json.loads(entries["header.json"]) | header).encode()
    entries.update(pictures)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in entries.items():
            if data is not None:
                archive.writestr(name, data)
    return path


def _png(side: int) -> bytes:
    return cv2.imencode(".png", np.zeros((side, side, 3), np.uint8))[1].tobytes()


_LINE = {"kps": (TEMPLATES["ffhq_512"] * 512).tolist(), "weight": 1.0}
HOSTILE = {
    "no picture for a line": ({}, {"portrait-00.png": None}),
    "no line for a picture": ({"portraits": []}, {}),
    "two pictures, one line": ({}, {"portrait-01.png": _png(512)}),
    "a hole in the numbers": ({"portraits": [_LINE] * 2}, {"portrait-02.png": _png(512)}),
    "a number beyond": ({"portraits": [_LINE] * 2}, {"portrait-99.png": _png(512)}),
    "too large a picture": ({}, {"portrait-00.png": _png(1024)}),
    "a cut picture": ({}, {"portrait-00.png": _png(512)[:80]}),
    "an oversized entry": ({}, {"portrait-00.png": _png(512) + bytes(2**20)}),
    "a line of another kind": ({"portraits": [7]}, {}),
    "lines of another kind": ({"portraits": 7}, {}),
    "points of text": ({"portraits": [_LINE | {"kps": "five"}]}, {}),
    "ragged points": ({"portraits": [_LINE | {"kps": [[1], [2, 3]]}]}, {}),
    "points at infinity": ({"portraits": [_LINE | {"kps": [[1e300, 1]] * 5}]}, {}),
    "an endless number": ({"portraits": [_LINE | {"weight": 10**400}]}, {}),
    "endless points": ({"portraits": [_LINE | {"kps": [[10**400, 1]] * 5}]}, {}),
    "no weight": ({"portraits": [_LINE | {"weight": None}]}, {}),
    "an endless version": ({"version": float("inf")}, {}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_portraits_are_refused_in_one_sentence(kind, saved, tmp_path):
    header, pictures = HOSTILE[kind]
    with pytest.raises(InputError) as caught:
        Identity.load(_changed(saved, tmp_path / "hostile.mqid", header, **pictures))
    assert str(caught.value).rstrip().endswith(".")


def test_damage_in_a_portrait_never_escapes_the_error_tree(saved, tmp_path):
    path = tmp_path / "damaged.mqid"
    data, rng = saved.read_bytes(), np.random.default_rng(2)
    start = data.index(b"portrait-00.png")
    for place in rng.integers(start, len(data), 40):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        try:
            Identity.load(path)
        except MasqueradeError:
            continue


def test_cutting_a_portrait_is_no_noticeable_part_of_enrolment():
    found = face("hopper")
    started = time.thread_time()
    for _ in range(5):
        Portrait.cut(found.pixels, found.points)
    cut_s = (time.thread_time() - started) / 5
    started = time.thread_time()
    Identity.from_photos(photo("hopper"), enroller=enroller())
    assert cut_s < 0.1 * (time.thread_time() - started)


def test_corrupt_files_are_named_as_such(saved, tmp_path):
    with pytest.raises(CorruptMediaError, match="damaged"):
        Identity.load(_changed(saved, tmp_path / "bad.mqid", {"portraits": []}))
