"""The puppet is a plausible head, and what it says of itself is true."""

from __future__ import annotations

import itertools
import time

import cv2
import matplotlib
import numpy as np
import pytest

from masquerade.core.errors import NoFaceInDonorError, SettingsError
from masquerade.geometry.roi import Roi
from masquerade.media.puppet import (
    BUNDLED,
    Actor,
    Occluder,
    Portrait,
    PuppetSource,
    Scene,
    Turn,
    demo_source,
)
from masquerade.models.detector import Detector
from masquerade.models.embedder import Embedder
from masquerade.models.landmarker import Landmarker

EYES = (33, 263)
UPPER_LID, LOWER_LID, UPPER_LIP, LOWER_LIP, IRIS = 159, 145, 13, 14, 468


@pytest.fixture(scope="module")
def landmarker():
    return Landmarker()


@pytest.fixture(scope="module")
def detector():
    return Detector()


def still(**changes):
    return PuppetSource([Scene(actors=(Actor(sway=0, talk=0, blink=False, **changes),), seconds=1)])


def eye_distance(head):
    apart = np.linalg.norm(head.landmarks[EYES[0]] - head.landmarks[EYES[1]])
    return float(apart)


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("identity_seed", [None, 1, 4])
def test_trackers_find_what_the_truth_says(name, identity_seed, detector, landmarker):
    actor = Actor(name="x", portrait=name, identity_seed=identity_seed)
    source = PuppetSource([Scene(actors=(actor,), seconds=3)], seed=2)
    errors = []
    for seq in range(0, 75, 15):
        frame, truth = source.render(seq)
        head = truth.heads[0]
        found = max(detector.find(frame.pixels, 0.5), key=lambda face: face.score)
        middle = (found.bbox[:2] + found.bbox[2:]) / 2
        assert (head.bbox[:2] < middle).all()
        assert (middle < head.bbox[2:]).all()
        mesh = landmarker.locate(frame.pixels, Roi.from_landmarks(head.landmarks))
        assert mesh.presence > 0.9
        off = np.linalg.norm((mesh.points - head.landmarks)[:, :2], axis=1)
        errors.append(off.mean() / eye_distance(head))
    assert np.mean(errors) < 0.05


def test_profile_turns_are_found_and_measured(detector):
    source = PuppetSource(
        [Scene(actors=(Actor(portrait="astronaut", sway=0, turns=(Turn(0, 2, 60),)),), seconds=2)]
    )
    frame, truth = source.render(25)
    assert truth.heads[0].yaw_deg == pytest.approx(60, abs=5)
    assert detector.find(frame.pixels, 0.5)


def test_the_same_arguments_draw_the_same_pixels_in_any_order():
    def make():
        return PuppetSource([Scene(seconds=1)], size_wh=(160, 120), noise=4, seed=9)

    one, other = make(), make()
    late = one.render(20)[0].pixels
    for seq in (3, 20):
        pixels = other.render(seq)[0].pixels
    assert np.array_equal(late, pixels)
    third = PuppetSource([Scene(seconds=1)], size_wh=(160, 120), noise=4, seed=10)
    assert not np.array_equal(third.render(20)[0].pixels, late)


def test_scenes_count_and_time():
    source = PuppetSource(
        [Scene(seconds=0.4), Scene(seconds=0.2, background=7)], size_wh=(96, 64), rate=10
    )
    frames = list(source.pairs())
    assert [frame.seq for frame, _ in frames] == list(range(6))
    assert [truth.scene for _, truth in frames] == [0, 0, 0, 0, 1, 1]
    assert [frame.seconds for frame, _ in frames] == pytest.approx([k / 10 for k in range(6)])
    assert source.info.duration_s == pytest.approx(0.6)


def test_a_cut_changes_the_whole_picture():
    source = PuppetSource([Scene(seconds=0.2), Scene(seconds=0.2, background=7)])
    pixels = [frame.pixels.astype(int) for frame in source]
    within = np.abs(pixels[4] - pixels[3]).mean()
    across = np.abs(pixels[5] - pixels[4]).mean()
    assert across > 10 * within


def test_expressions_move_the_landmarks_that_they_name():
    source = PuppetSource([Scene(actors=(Actor(talk=1.5),), seconds=8)])
    heads = [source.truth(seq).heads[0] for seq in range(0, 200, 2)]
    gaps = np.array(
        [
            np.linalg.norm(h.landmarks[UPPER_LIP] - h.landmarks[LOWER_LIP]) / eye_distance(h)
            for h in heads
        ]
    )
    jaws = np.array([h.expression.jaw for h in heads])
    assert jaws.max() > 0.5
    assert np.corrcoef(gaps, jaws)[0, 1] > 0.95
    lids = np.array(
        [np.linalg.norm(h.landmarks[UPPER_LID] - h.landmarks[LOWER_LID]) for h in heads]
    )
    blinks = np.array([h.expression.blink_right for h in heads])
    assert blinks.max() > 0.9
    assert lids[blinks > 0.9].max() < 0.3 * lids[blinks == 0].min()


def test_the_mouth_opens_onto_something_dark():
    source = PuppetSource([Scene(actors=(Actor(talk=1.5, sway=0),), seconds=8)])
    seqs = range(0, 200, 4)
    seq = max(seqs, key=lambda k: source.truth(k).heads[0].expression.jaw)
    frame, truth = source.render(seq)
    head = truth.heads[0]
    x, y = head.landmarks[[UPPER_LIP, LOWER_LIP, LOWER_LIP], :2].mean(axis=0).round().astype(int)
    cheek_x, cheek_y = head.landmarks[425, :2].round().astype(int)
    assert frame.pixels[y, x].mean() < 0.5 * frame.pixels[cheek_y, cheek_x].mean()


def test_gaze_moves_the_iris_in_the_picture():
    source = PuppetSource(
        [Scene(actors=(Actor(sway=0, talk=0, blink=False, portrait="astronaut"),), seconds=8)]
    )
    gaze = {seq: source.truth(seq).heads[0].expression.gaze_x for seq in range(0, 200, 5)}
    left, right = min(gaze, key=gaze.__getitem__), max(gaze, key=gaze.__getitem__)
    heads = [source.truth(seq).heads[0] for seq in (left, right)]
    assert heads[1].landmarks[IRIS, 0] - heads[0].landmarks[IRIS, 0] > 2
    centres = []
    for seq in (left, right):
        frame, truth = source.render(seq)
        ring = truth.heads[0].landmarks[[33, 133, 159, 145], :2]
        (x0, y0), (x1, y1) = ring.min(axis=0).astype(int), ring.max(axis=0).astype(int) + 1
        eye = frame.pixels[y0:y1, x0:x1].mean(axis=2)
        dark = np.clip(eye.mean() - eye, 0, None)
        centres.append((dark * np.arange(x1 - x0)).sum() / dark.sum())
    assert centres[1] - centres[0] > 1


def test_pose_goes_the_way_that_its_sign_says():
    plain = still().truth(0).heads[0]
    turned = still(turns=(Turn(-1, 2, 30, 15),)).truth(0).heads[0]
    assert turned.yaw_deg > plain.yaw_deg
    assert turned.pitch_deg > plain.pitch_deg
    nose = [h.landmarks[4, :2] - h.landmarks[:468, :2].mean(axis=0) for h in (plain, turned)]
    assert nose[1][0] > nose[0][0]
    assert nose[1][1] < nose[0][1]


@pytest.mark.parametrize("kind", ["hand", "microphone", "bar"])
def test_occluders_hide_what_the_mask_says(kind):
    actor = Actor(sway=0, talk=0)
    thing = Occluder(kind=kind, start_s=0, end_s=1)
    free = PuppetSource([Scene(actors=(actor,), seconds=1)])
    covered = PuppetSource([Scene(actors=(actor,), occluders=(thing,), seconds=1)])
    (plain, _), (frame, truth) = free.render(12), covered.render(12)
    head = truth.heads[0]
    changed = np.abs(plain.pixels.astype(int) - frame.pixels).max(axis=2) > 0
    hidden = head.occlusion > 0
    assert 0.03 < hidden.sum() / (head.face > 0).sum() < 0.8
    assert changed[hidden].mean() > 0.98
    deep = cv2.erode(cv2.bitwise_and(head.face, ~head.occlusion), np.ones((5, 5), np.uint8)) > 0
    assert not changed[deep].any()
    assert head.visible_part == pytest.approx(1 - hidden.sum() / (head.face > 0).sum(), abs=0.01)


def test_crossing_heads_hide_each_other():
    actors = (
        Actor(name="back", portrait="astronaut", size=0.3, path=((0, 0.2, 0.4), (2, 0.8, 0.4))),
        Actor(name="front", size=0.3, path=((0, 0.8, 0.4), (2, 0.2, 0.4))),
    )
    source = PuppetSource([Scene(actors=actors, seconds=2)])
    truths = [source.truth(seq) for seq in range(0, 50, 2)]
    back = [truth.head("back").visible_part for truth in truths]
    assert back[0] > 0.95
    assert min(back) < 0.1
    assert min(truth.head("front").visible_part for truth in truths) > 0.95


def test_a_head_that_leaves_is_not_visible():
    actor = Actor(sway=0, path=((0, 0.5, 0.4), (1, 1.6, 0.4)))
    source = PuppetSource([Scene(actors=(actor,), seconds=1.2)])
    parts = [source.truth(seq).heads[0].visible_part for seq in range(0, 30, 3)]
    assert parts[0] == pytest.approx(1)
    assert parts[-1] == 0
    assert all(a + 1e-6 >= b for a, b in itertools.pairwise(parts))
    assert not source.truth(29).heads[0].visible


def test_side_light_and_dimming_change_the_face():
    def lit(kind, t):
        scene = Scene(actors=(Actor(sway=0, talk=0, portrait="astronaut"),), light=kind, seconds=4)
        frame, truth = PuppetSource([scene], rate=5).render(round(5 * t))
        points = truth.heads[0].landmarks.round().astype(int)
        cheeks = [
            frame.pixels[y - 3 : y + 4, x - 3 : x + 4].mean() for x, y, _ in points[[50, 280]]
        ]
        return np.array(cheeks)

    even = lit("even", 0)
    side = lit("side", 0)
    assert side[1] / side[0] > 1.3 * even[1] / even[0]
    assert lit("dim", 2).mean() < 0.5 * even.mean()


def test_seeds_make_different_people():
    embedder = Embedder()
    units = []
    for seed in (None, 1, 2, 3):
        actor = Actor(portrait="astronaut", identity_seed=seed, sway=0, talk=0, blink=False)
        frame, truth = PuppetSource([Scene(actors=(actor,), seconds=1)]).render(0)
        units.append(embedder.describe(frame.pixels, [truth.heads[0].landmarks])[0].embedding_unit)
    likeness = np.array(units) @ np.array(units).T
    pairs = likeness[np.triu_indices(4, 1)]
    assert pairs.max() < 0.9
    assert pairs.mean() < 0.8


def test_a_portrait_of_ones_own():
    photo = cv2.imread(f"{matplotlib.get_data_path()}/sample_data/grace_hopper.jpg")
    portrait = Portrait.from_pixels(photo, "grace")
    inside = portrait.landmarks[:468, :2].round().astype(int)
    assert (portrait.matte[inside[:, 1], inside[:, 0]] > 200).mean() > 0.97
    assert portrait.matte[:10].max() < 30
    source = PuppetSource([Scene(actors=(Actor(portrait=portrait),), seconds=0.2)])
    assert source.truth(0).heads[0].visible


def test_what_cannot_be_is_refused():
    with pytest.raises(SettingsError, match="portrait 'nobody'"):
        Portrait.bundled("nobody")
    with pytest.raises(SettingsError, match="at least one frame"):
        PuppetSource([Scene(seconds=0)])
    with pytest.raises(SettingsError, match="32 pixels"):
        PuppetSource(size_wh=(640, 8))
    with pytest.raises(SettingsError, match="Nobody is called 'b'"):
        PuppetSource([Scene(occluders=(Occluder(actor="b"),))]).render(0)
    with pytest.raises(NoFaceInDonorError):
        Portrait.from_pixels(np.full((64, 64, 3), 128, np.uint8))
    with pytest.raises(IndexError):
        PuppetSource([Scene(seconds=0.2)]).render(5)


@pytest.mark.parametrize("target", BUNDLED)
def test_the_demo_shows_one_portrait_and_offers_the_other(target):
    started = time.perf_counter()
    source, donor = demo_source(target)
    _, truth = source.render(0)
    assert time.perf_counter() - started < 3
    assert source.info.size_wh == (640, 480)
    assert source.info.duration_s == 6
    assert truth.heads[0].visible_part > 0.99
    assert donor.name.removesuffix(".jpg") in set(BUNDLED) - {target}
    assert cv2.imdecode(np.frombuffer(donor.read_bytes(), np.uint8), 1) is not None
