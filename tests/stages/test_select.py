from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data

from masquerade.core.errors import SettingsError
from masquerade.core.face import Attributes, Face
from masquerade.core.frame import Frame, FrameJob
from masquerade.core.settings import Settings
from masquerade.models.detector import Detector
from masquerade.models.embedder import Embedder
from masquerade.models.finder import FaceFinder
from masquerade.models.landmarker import Landmarker
from masquerade.stages.detect import Detect
from masquerade.stages.face_order import order_faces
from masquerade.stages.select import Select
from masquerade.stages.track import Track

_PIXELS = np.zeros((720, 1280, 3), np.uint8)


class FakeEmbedder:
    """Says of each face what its track's script says, and counts the looks."""

    def __init__(self) -> None:
        self.says: dict[int, list[Attributes]] = {}
        self.looks: list[int] = []

    def describe(self, pixels: np.ndarray, meshes: Sequence[np.ndarray]) -> list[Attributes]:
        found = []
        for mesh in meshes:
            track = int(mesh[0, 0])
            self.looks.append(track)
            script = self.says.get(track) or [_person(100 + track)]
            found.append(script.pop(0) if len(script) > 1 else script[0])
        return found


def _person(seed: int, *, age: float = 30.0, male: float = 0.5) -> Attributes:
    unit = np.abs(np.random.default_rng(seed).normal(size=1024)) * (np.arange(1024) % 9 == seed % 9)
    return Attributes((unit / np.linalg.norm(unit)).astype(np.float32), age, male)


def _mix(a: Attributes, b: Attributes, cosine: float) -> Attributes:
    """Somebody whose embedding has that cosine with ``a``."""
    unit = cosine * a.embedding_unit + np.sqrt(1 - cosine**2) * b.embedding_unit
    return Attributes(unit.astype(np.float32), a.age, a.male)


def face(
    track: int, size: float = 100, x: float = 300, y: float = 300, state: Any = "measured"
) -> Face:
    box = np.array([x - size / 2, y - size / 2, x + size / 2, y + size / 2], np.float32)
    landmarks = None if state == "lost" else np.full((478, 3), track, np.float32)
    kps = np.array([[-20, -10], [20, -10], [0, 0], [-15, 20], [15, 20]], np.float32)
    kps += np.array([x, y], np.float32)
    return Face(box, 1.0, kps, landmarks, track_id=track, state=state)


class Show:
    """Feeds frames of faces into the stage, as the tracker would: it carries what was decided."""

    def __init__(
        self, settings: Settings, donors: Sequence[str] = ("d",), **references: Any
    ) -> None:
        self.embedder = FakeEmbedder()
        self.stage = Select(self.embedder, settings, donors, references)  # type: ignore[arg-type]
        self._last: dict[int, Face] = {}

    def __call__(self, *faces: Face, scene: int = 0) -> dict[int, str]:
        for item in faces:
            last = self._last.get(item.track_id)
            if last is not None:
                item.selected, item.donor, item.attributes = (
                    last.selected,
                    last.donor,
                    last.attributes,
                )
        job = FrameJob(Frame(_PIXELS), faces=list(faces), scene=scene)
        self.stage.process(job)
        self._last = {item.track_id: item for item in job.faces}
        assert all(item.selected == (item.donor is not None) for item in job.faces)
        return {item.track_id: item.donor for item in job.faces if item.donor is not None}


def test_the_largest_face_by_default() -> None:
    assert Show(Settings())(face(0, 90), face(1, 140), face(2, 60)) == {1: "d"}


def test_two_faces_of_like_size_do_not_flip() -> None:
    show = Show(Settings())
    sizes = np.random.default_rng(0).uniform(90, 110, (60, 2))
    chosen = [show(face(0, a), face(1, b)) for a, b in sizes]
    assert chosen == [chosen[0]] * 60
    assert len(chosen[0]) == 1


def test_whoever_is_selected_stays_so_while_lost() -> None:
    show = Show(Settings())
    assert show(face(0, 140), face(1, 90)) == {0: "d"}
    for _ in range(20):
        assert show(face(0, 140, state="lost"), face(1, 90)) == {0: "d"}


def test_the_place_is_free_once_the_track_is_forgotten() -> None:
    show = Show(Settings())
    show(face(0, 140), face(1, 90))
    assert show(face(1, 90)) == {1: "d"}


class TestSeats:
    """What another one has decided about faces at certain places."""

    def test_holds_against_the_order_to_the_end_of_the_scene(self) -> None:
        show = Show(Settings())
        show.stage.seat([(face(9, 90, x=100).bbox, "d"), (face(9, 140, x=500).bbox, None)])
        for _ in range(20):
            assert show(face(0, 140, x=501), face(1, 92, x=101)) == {1: "d"}
        assert show(face(0, 140, x=501), face(1, 92, x=101), scene=1) == {0: "d"}

    def test_says_nothing_of_faces_elsewhere_and_of_later_frames(self) -> None:
        show = Show(Settings())
        show.stage.seat([(face(9, 90, x=900).bbox, "d")])
        assert show(face(0, 140), face(1, 90)) == {0: "d"}
        show = Show(Settings())
        show.stage.seat([(face(9, 90, x=100).bbox, "d")])
        assert show() == {}
        assert show(face(0, 140), face(1, 90, x=100)) == {0: "d"}

    def test_with_many_faces_the_next_donor_is_for_the_next_one(self) -> None:
        show = Show(Settings(many_faces=True), ("a", "b"))
        show.stage.seat([(face(9, x=100).bbox, "a")])
        assert show(face(0, x=100), face(1, x=400)) == {0: "a", 1: "b"}


def test_a_bystander_does_not_keep_the_place() -> None:
    show = Show(Settings())
    show(face(0, 60))
    chosen = [show(face(0, 60), face(1, 160)) for _ in range(12)]
    assert chosen[0] == {0: "d"}
    assert chosen[-1] == {0: "d", 1: "d"}, "who was selected stays selected"
    assert show(face(0, 60), face(1, 160), face(2, 70)) == {0: "d", 1: "d"}


def test_many_faces_get_the_donors_in_turn() -> None:
    show = Show(Settings(many_faces=True), ("a", "b"))
    assert show(face(0, 90), face(1, 140), face(2, 60)) == {1: "a", 0: "b", 2: "a"}
    assert show(face(0), face(1), face(2), face(3)) == {1: "a", 0: "b", 2: "a", 3: "b"}


def test_two_donors_take_the_two_largest() -> None:
    show = Show(Settings(), ("a", "b"))
    assert show(face(0, 90), face(1, 140), face(2, 60)) == {1: "a", 0: "b"}


@pytest.mark.parametrize(
    ("order", "index", "track"),
    [
        ("large", 1, 2),
        ("left", 0, 0),
        ("left", 2, 2),
        ("right", 0, 2),
        ("top", 0, 2),
        ("bottom", 0, 0),
        ("center", 0, 1),
        ("best", 0, 1),
    ],
)
def test_order_and_index(order: Any, index: int, track: int) -> None:
    show = Show(Settings(face_order=order, face_index=index))
    faces = face(0, 80, 200, 600), face(1, 200, 660, 340), face(2, 120, 1100, 100)
    assert show(*faces) == {track: "d"}


def test_an_index_beyond_the_faces_selects_nobody_yet() -> None:
    show = Show(Settings(face_index=1))
    assert show(face(0)) == {}
    assert show(face(0), face(1, 70)) == {1: "d"}


def test_best_prefers_a_face_that_looks_here() -> None:
    away, here = face(0, 150, 300), face(1, 120, 900)
    away.kps[2, 0] += 18
    assert [f.track_id for f in order_faces([away, here], "best", (1280, 720))] == [1, 0]


def test_filters_by_age_and_gender() -> None:
    show = Show(Settings(many_faces=True, age_min=40, gender="male"))
    show.embedder.says = {
        0: [_person(0, age=60, male=0.9)],
        1: [_person(1, age=20, male=0.9)],
        2: [_person(2, age=60, male=0.1)],
    }
    for _ in range(15):
        assert show(face(0), face(1), face(2)) == {0: "d"}


def test_doubt_closes_until_three_looks() -> None:
    """38 years may be 40: the face is covered at first, and let go when that is known."""
    show = Show(Settings(age_min=40))
    show.embedder.says = {0: [_person(0, age=38)]}
    chosen = [show(face(0)) for _ in range(15)]
    assert chosen[0] == {0: "d"}
    assert chosen[-1] == {}
    assert chosen == sorted(chosen, key=len, reverse=True), "no flicker"


def test_a_reference_is_followed_by_person_not_by_place() -> None:
    anna, bob = _person(1), _person(2)
    show = Show(Settings(), d=anna)
    show.embedder.says = {0: [_mix(bob, anna, 0.95)], 1: [_mix(anna, bob, 0.9)]}
    for _ in range(15):
        assert show(face(0, 200), face(1, 80)) == {1: "d"}


def test_one_look_does_not_turn_a_person_down_for_good() -> None:
    anna, bob = _person(1), _person(2)
    show = Show(Settings(), d=anna.embedding_unit * 3)
    show.embedder.says = {0: [_mix(anna, bob, 0.2)] * 3 + [_mix(anna, bob, 0.95)]}
    chosen = [show(face(0)) for _ in range(140)]
    assert chosen[0] == {}
    assert chosen[-1] == {0: "d"}


def test_doubt_about_a_reference_yields_to_who_fits_better() -> None:
    anna, bob, carl = _person(1), _person(2), _person(3)
    show = Show(Settings(), d=anna)
    show.embedder.says = {0: [_mix(anna, bob, 0.5)], 1: [_mix(anna, carl, 0.95)]}
    assert show(face(0, 200), face(1, 80)) == {1: "d"}
    alone = Show(Settings(), d=anna)
    alone.embedder.says = {0: [_mix(anna, bob, 0.5)]}
    assert alone(face(0)) == {0: "d"}, "with nobody better in sight, doubt closes"
    assert [alone(face(0)) for _ in range(15)][-1] == {}


def test_a_map_gives_each_person_their_donor() -> None:
    anna, bob = _person(1), _person(2)
    show = Show(Settings(), ("a", "b", "c"), a=anna, b=bob, c=7)
    show.embedder.says = {4: [bob], 5: [anna], 6: [_person(3)], 7: [_person(4)]}
    for _ in range(12):
        assert show(face(4), face(5), face(6), face(7)) == {5: "a", 4: "b", 7: "c"}


def test_a_donor_without_reference_takes_the_largest_of_the_others() -> None:
    anna = _person(1)
    show = Show(Settings(), ("a", "b"), a=anna)
    show.embedder.says = {0: [anna], 1: [_person(2)], 2: [_person(3)]}
    for _ in range(12):
        assert show(face(0, 200), face(1, 90), face(2, 150)) == {0: "a", 2: "b"}


def test_who_comes_back_under_a_new_number_is_selected_at_once() -> None:
    show = Show(Settings())
    show.embedder.says = {0: [_person(1)], 1: [_person(2)], 8: [_person(1)]}
    show(face(0, 140), face(1, 90))
    show(face(0, 140, state="lost"), face(1, 90))
    assert show(face(0, 140, state="lost"), face(1, 90), face(8, 80)) == {0: "d", 8: "d"}


def test_each_track_is_looked_at_three_times_and_no_more() -> None:
    show = Show(Settings())
    for _ in range(300):
        show(face(0, 140), face(1, 90))
    assert sorted(show.embedder.looks) == [0, 0, 0, 1, 1, 1]


def test_a_face_that_is_not_measured_is_not_looked_at() -> None:
    show = Show(Settings())
    show(face(0, state="predicted"))
    assert show.embedder.looks == []
    show(face(0))
    assert show.embedder.looks == [0]


def test_a_new_scene_begins_anew() -> None:
    show = Show(Settings())
    assert show(face(0, 140), face(1, 90)) == {0: "d"}
    assert show(face(2, 90), face(3, 140), scene=1) == {3: "d"}


def test_reset_forgets() -> None:
    show = Show(Settings())
    show(face(0, 140), face(1, 90))
    show.stage.reset()
    assert show(face(4, 60), face(5, 90)) == {5: "d"}


class TestChanges:
    """Settings, donors and references that change in the middle of a scene."""

    def test_a_donor_that_is_replaced_hands_all_its_faces_on(self) -> None:
        show = Show(Settings(many_faces=True), ("old",))
        assert show(face(0), face(1)) == {0: "old", 1: "old"}
        show.stage.configure(Settings(many_faces=True), ("new",))
        assert show(face(0), face(1), face(2)) == {0: "new", 1: "new", 2: "new"}

    def test_of_several_donors_names_stay_and_places_are_inherited(self) -> None:
        show = Show(Settings(), ("a", "b"))
        assert show(face(0, 90), face(1, 140), face(2, 60)) == {1: "a", 0: "b"}
        show.stage.configure(Settings(), ("a", "c"))
        assert show(face(0, 90), face(1, 140), face(2, 60)) == {1: "a", 0: "c"}
        show.stage.configure(Settings(), ("d",))
        assert show(face(0, 90), face(1, 140), face(2, 60)) == {1: "d", 0: "d"}

    def test_a_lost_face_inherits_too(self) -> None:
        show = Show(Settings(), ("old",))
        show(face(0, 140))
        show.stage.configure(Settings(), ("new",))
        assert show(face(0, 140, state="lost")) == {0: "new"}

    def test_nobody_is_let_go_by_a_new_filter(self) -> None:
        show = Show(Settings(many_faces=True))
        show.embedder.says = {0: [_person(0, male=0.9)], 1: [_person(1, male=0.1)]}
        assert show(face(0), face(1)) == {0: "d", 1: "d"}
        show.stage.configure(Settings(many_faces=True, gender="female"), ("d",))
        show.embedder.says |= {2: [_person(2, male=0.9)], 3: [_person(3, male=0.1)]}
        for _ in range(12):
            assert show(face(0), face(1), face(2), face(3)) == {0: "d", 1: "d", 3: "d"}
        assert set(show(face(0), face(1), scene=1)) == {1}

    def test_a_face_in_doubt_stays_selected_when_the_filters_change(self) -> None:
        show = Show(Settings(age_min=40))
        show.embedder.says = {0: [_person(0, age=38)]}
        assert show(face(0)) == {0: "d"}
        show.stage.configure(Settings(age_min=60), ("d",))
        assert [show(face(0)) for _ in range(15)] == [{0: "d"}] * 15

    def test_a_wider_filter_takes_in_who_was_turned_down(self) -> None:
        show = Show(Settings(many_faces=True, gender="female"))
        show.embedder.says = {0: [_person(0, male=0.9)]}
        for _ in range(15):
            show(face(0))
        assert show(face(0)) == {}
        show.stage.configure(Settings(many_faces=True), ("d",))
        assert show(face(0)) == {0: "d"}
        looks = len(show.embedder.looks)
        show(face(0))
        assert len(show.embedder.looks) == looks, "what was measured is kept"

    def test_another_index_adds_that_face_and_keeps_the_first(self) -> None:
        show = Show(Settings())
        assert show(face(0, 140), face(1, 90)) == {0: "d"}
        show.stage.configure(Settings(face_index=1), ("d",))
        assert show(face(0, 140), face(1, 90)) == {0: "d", 1: "d"}
        assert show(face(0, 140), face(1, 90), face(2, 80)) == {0: "d", 1: "d"}

    def test_other_settings_change_nothing_about_who_is_selected(self) -> None:
        show = Show(Settings(age_min=40))
        show.embedder.says = {0: [_person(0, age=38)]}
        show(face(0))
        show.stage.configure(Settings(age_min=40, shape=0.2), ("d",))
        assert [show(face(0)) for _ in range(15)][-1] == {}, "doubt is resolved as ever"

    def test_a_new_reference_is_looked_for(self) -> None:
        anna, bob = _person(1), _person(2)
        show = Show(Settings(), d=anna)
        show.embedder.says = {0: [anna], 1: [bob]}
        for _ in range(12):
            assert show(face(0), face(1)) == {0: "d"}
        show.stage.configure(Settings(), ("d",), {"d": bob})
        for _ in range(12):
            chosen = show(face(0), face(1))
        assert chosen == {0: "d", 1: "d"}

    def test_a_wrong_change_leaves_the_stage_as_it_was(self) -> None:
        show = Show(Settings())
        show(face(0))
        with pytest.raises(SettingsError, match="no donor"):
            show.stage.configure(Settings(), ())
        assert show(face(0)) == {0: "d"}

    def test_what_was_measured_of_one_face_is_kept_when_the_others_donor_changes(self) -> None:
        show = Show(Settings(), ("a", "b"))
        for _ in range(12):
            show(face(0, 140), face(1, 90))
        looks = list(show.embedder.looks)
        show.stage.configure(Settings(), ("a", "c"))
        for _ in range(12):
            assert show(face(0, 140), face(1, 90)) == {0: "a", 1: "c"}
        assert show.embedder.looks == looks


def test_wrong_donors_are_refused() -> None:
    with pytest.raises(SettingsError, match="no donor"):
        Show(Settings(), ())
    with pytest.raises(SettingsError, match="'x'"):
        Show(Settings(), ("d",), x=1)


@pytest.fixture(scope="module")
def two_people() -> tuple[np.ndarray, dict[str, Attributes]]:
    """The astronaut large on the left and Mona Lisa on the right, and who they are."""
    mona = cv2.imread(str(Path(__file__).parents[1] / "media" / "mona_lisa.jpg"))
    astronaut = np.ascontiguousarray(skimage.data.astronaut()[..., ::-1])
    finder, embedder = FaceFinder(Detector(1), Landmarker(1)), Embedder(1)
    people = {}
    for name, photo in (("astronaut", astronaut), ("mona", mona)):
        # Another picture of the person than the one in the scene: mirrored and smaller.
        other = cv2.resize(photo[:, ::-1], None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
        found = finder.find(other)[0]
        people[name] = embedder.describe(other, [found.landmarks])[0]
    scene = np.full((512, 1024, 3), 90, np.uint8)
    scene[:, :512] = astronaut
    scene[:, 600:929] = cv2.resize(mona, (329, 512), interpolation=cv2.INTER_AREA)
    return scene, people


@pytest.mark.parametrize(("name", "left"), [("astronaut", True), ("mona", False)])
def test_a_real_person_is_found_by_a_photo(
    two_people: tuple[np.ndarray, dict[str, Attributes]], name: str, left: bool
) -> None:
    scene, people = two_people
    settings = Settings()
    landmarker = Landmarker(1)
    track = Track(landmarker, settings)
    detect = Detect(FaceFinder(Detector(1), landmarker), settings, lambda: track.wants_detection)
    select = Select(Embedder(1), settings, ["d"], {"d": people[name]})
    for seq in range(12):
        job = FrameJob(Frame(np.roll(scene, seq, axis=1), seq))
        for stage in (detect, track, select):
            job = stage.process(job)
        assert len(job.faces) == 2
        selected = [item for item in job.faces if item.selected]
        assert len(selected) == 1
        assert (selected[0].bbox[0] < 512) == left


class TestByHand:
    """Faces that somebody has clicked at."""

    def test_one_face_gets_its_own_donor_and_the_others_keep_theirs(self) -> None:
        many = Settings(many_faces=True)
        show = Show(many, ("a",))
        assert show(face(0), face(1), face(2)) == {0: "a", 1: "a", 2: "a"}
        show.stage.configure(many, ("a", "b"), by_hand={1: "b"})
        assert show(face(0), face(1), face(2)) == {0: "a", 1: "b", 2: "a"}
        assert show(face(0), face(1), face(2), face(3)) == {0: "a", 1: "b", 2: "a", 3: "a"}

    def test_a_face_that_nobody_had_chosen_gets_one(self) -> None:
        show = Show(Settings(), ("a",))
        assert show(face(0, 140), face(1, 90)) == {0: "a"}
        show.stage.configure(Settings(), ("a", "b"), by_hand={1: "b"})
        assert show(face(0, 140), face(1, 90)) == {0: "a", 1: "b"}
        show.stage.configure(Settings(), ("a", "b"), by_hand={1: "b", 2: "a"})
        assert show(face(0, 140), face(1, 90), face(2, 60)) == {0: "a", 1: "b", 2: "a"}

    def test_a_face_is_taken_out_and_stays_out(self) -> None:
        many = Settings(many_faces=True)
        show = Show(many, ("a",))
        assert show(face(0), face(1)) == {0: "a", 1: "a"}
        show.stage.configure(many, ("a",), by_hand={0: None})
        for _ in range(3):
            assert show(face(0), face(1)) == {1: "a"}
        show.stage.configure(Settings(many_faces=True, shape=0.2), ("a",), by_hand={0: None})
        assert show(face(0), face(1)) == {1: "a"}
        show.stage.configure(many, ("a",))
        assert show(face(0), face(1)) == {0: "a", 1: "a"}

    def test_who_was_taken_out_is_so_too_under_a_new_number(self) -> None:
        many = Settings(many_faces=True)
        show = Show(many, ("a",))
        show.embedder.says = {0: [_person(7)], 5: [_person(7)], 6: [_person(8)]}
        show(face(0), face(1))
        show.stage.configure(many, ("a",), by_hand={0: None})
        assert show(face(0), face(1)) == {1: "a"}
        assert show(face(0, state="lost"), face(1), face(5), face(6)) == {1: "a", 6: "a"}

    def test_what_was_decided_by_hand_holds_in_the_next_scene(self) -> None:
        many = Settings(many_faces=True)
        show = Show(many, ("a",))
        for track in (0, 5):
            show.embedder.says[track] = [_person(7)]
        for track in (1, 6):
            show.embedder.says[track] = [_person(8)]
        show(face(0), face(1), face(2))
        show.stage.configure(many, ("a", "b"), by_hand={0: None, 1: "b"})
        assert show(face(0), face(1), face(2)) == {1: "b", 2: "a"}
        assert show(face(5), face(6), face(9), scene=1) == {6: "b", 9: "a"}
        show.stage.reset()
        assert show(face(5), face(6), face(9)) == {5: "a", 6: "a", 9: "a"}

    def test_another_main_donor_leaves_faces_by_hand_alone(self) -> None:
        many = Settings(many_faces=True)
        show = Show(many, ("a", "b"))
        show.stage.configure(many, ("a", "b"), by_hand={1: "b"})
        assert show(face(0), face(1)) == {0: "a", 1: "b"}
        show.stage.configure(many, ("c", "b"), by_hand={1: "b"})
        assert show(face(0), face(1)) == {0: "c", 1: "b"}

    def test_of_two_decisions_for_one_person_the_later_holds(self) -> None:
        many = Settings(many_faces=True)
        show = Show(many, ("a",))
        for track in (0, 5, 9):
            show.embedder.says[track] = [_person(7)]
        show(face(0))
        show.stage.configure(many, ("a", "b"), by_hand={0: "b"})
        assert show(face(0)) == {0: "b"}
        assert show(face(5), scene=1) == {5: "b"}
        show.stage.configure(many, ("a", "b"), by_hand={0: "b", 5: "a"})
        assert show(face(5), scene=1) == {5: "a"}
        assert show(face(9), scene=2) == {9: "a"}

    @pytest.mark.parametrize("own", ["b", None])
    @pytest.mark.parametrize("many_faces", [True, False])
    def test_what_was_decided_by_hand_is_taken_back(
        self, many_faces: bool, own: str | None
    ) -> None:
        settings = Settings(many_faces=many_faces)
        show = Show(settings, ("a",))
        faces = (face(0, 140), face(1, 90))
        before = show(*faces)
        for track in (0, 1):
            show.stage.configure(settings, ("a", "b") if own else ("a",), by_hand={track: own})
            assert show(*faces).get(track) == own
            show.stage.configure(settings, ("a",))
            assert show(*faces) == before

    def test_a_donor_who_is_not_there_is_refused_and_nothing_changes(self) -> None:
        show = Show(Settings(many_faces=True), ("a",))
        show(face(0))
        with pytest.raises(SettingsError, match="no such donor"):
            show.stage.configure(Settings(many_faces=True), ("a",), by_hand={0: "z"})
        assert show(face(0)) == {0: "a"}
