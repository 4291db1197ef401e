"""What keys do while a stream runs."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from live_stand_ins import Ear, StandInSession
from PIL import Image

from masquerade.apps.live.actions import ACTIONS, key_labels
from masquerade.apps.live.controls import Controls
from masquerade.apps.live.snapshot import Snapshots
from masquerade.apps.live.window_sink import WindowSink
from masquerade.core.errors import NoFaceInDonorError, OutputError
from masquerade.core.frame import Frame
from masquerade.core.settings import Settings
from masquerade.testing.threads import no_leaked_threads
from masquerade.trust.metadata import DIGITAL_SOURCE_TYPE, build_disclosure

DONORS = {"ada": "ada.jpg", "bert": "bert.jpg", "cleo": "cleo.jpg"}


def _controls(session: StandInSession, **options) -> tuple[Controls, Ear]:
    controls, ear = Controls(session, session.engine, **options), Ear()
    controls.listen(ear)
    return controls, ear


def test_no_key_means_two_things_and_every_name_is_one_actions_own():
    keys = [key for action in ACTIONS for key in action.keys]
    names = [action.name for action in ACTIONS]
    assert len(set(keys)) == len(keys)
    assert len(set(names)) == len(names)


def test_the_list_of_keys_holds_every_action():
    labels = key_labels(ACTIONS)
    assert len(labels) == len(ACTIONS)
    assert ("↑", "more of the donor's face shape") in labels
    assert ("H ?", "this list") in labels


def test_pause_and_going_on():
    session = StandInSession()
    controls, ear = _controls(session)
    assert controls.press("space")
    assert session.paused
    controls.press("space")
    assert not session.paused
    assert ear.heard == ["Paused", "Going on"]


def test_stop_ends_the_session_at_once():
    session = StandInSession()
    controls, _ = _controls(session)
    controls.press("q")
    assert session.wait(0)


@pytest.mark.parametrize(
    ("key", "switch"),
    [("m", "mirror"), ("w", "wipe"), ("i", "numbers"), ("f", "full_screen"), ("t", "on_top")],
)
def test_switches_of_the_view_go_on_and_off(key, switch):
    controls, ear = _controls(StandInSession(), has_window=True)
    before = getattr(controls.view, switch)
    controls.press(key)
    assert getattr(controls.view, switch) is not before
    controls.press(key)
    assert getattr(controls.view, switch) is before
    assert len(ear.heard) == 2  # the window repaints when it hears, be it nothing


def test_escape_leaves_full_screen_and_the_list_but_not_the_stream():
    session = StandInSession()
    controls, _ = _controls(session, has_window=True)
    controls.press("f")
    controls.press("h")
    controls.press("escape")
    assert not controls.view.full_screen
    assert not controls.view.help
    assert not session.wait(0)


def test_without_a_window_nothing_of_a_view_is_offered_and_help_is_words():
    controls, ear = _controls(StandInSession())
    assert not controls.press("m")
    controls.press("h")
    assert "Space  pause, go on" in ear.heard[0]
    assert "mirror" not in ear.heard[0]
    assert "next donor" not in ear.heard[0]
    assert "save the picture" not in ear.heard[0]


def test_shape_and_strength_move_by_steps_and_stop_at_the_ends():
    session = StandInSession()
    controls, ear = _controls(session)
    with controls:
        for key in ("up", "down", "down", "right", "left"):
            controls.press(key)
        heard = ear.wait_for(5)
    assert heard == ["Shape 80%", "Shape 75%", "Shape 70%", "Strength 100%", "Strength 95%"]
    assert session.calls == [{"shape": 0.8}, {"shape": 0.75}, {"shape": 0.7}, {"strength": 0.95}]


def test_every_face_or_one():
    session = StandInSession()
    controls, ear = _controls(session)
    with controls:
        controls.press("a")
        ear.wait_for(1)
        assert session.engine.settings.many_faces
        controls.press("a")
        ear.wait_for(2)
    assert not session.engine.settings.many_faces


def test_donors_go_round_in_both_directions():
    session = StandInSession()
    controls, ear = _controls(session, donors=DONORS)
    with controls:
        for key in "nnnpp":
            controls.press(key)
        heard = ear.wait_for(5)
    assert [text.removeprefix("Donor: ") for text in heard] == [
        "bert",
        "cleo",
        "ada",
        "cleo",
        "bert",
    ]
    assert session.calls == [DONORS[name.removeprefix("Donor: ")] for name in heard]


def test_one_donor_cannot_be_changed():
    controls, _ = _controls(StandInSession(), donors={"ada": "ada.jpg"})
    assert not controls.press("n")


def test_a_donor_without_a_face_is_said_and_passed_over():
    session = StandInSession()
    session.donor_error = NoFaceInDonorError("bert.jpg shows no face; choose another photo.")
    controls, ear = _controls(session, donors=DONORS)
    with controls:
        controls.press("n")
        assert ear.wait_for(1) == ["bert.jpg shows no face; choose another photo."]
        session.donor_error = None
        controls.press("n")
        assert ear.wait_for(2)[1] == "Donor: cleo"
    assert not session.wait(0)


def test_an_unforeseen_error_of_an_action_does_not_end_the_stream():
    session = StandInSession()
    session.donor_error = RuntimeError("cuda is tired")
    controls, ear = _controls(session, donors=DONORS)
    with controls:
        controls.press("n")
        assert "cuda is tired" in ear.wait_for(1)[0]
        controls.press("a")
        ear.wait_for(2)
    assert session.engine.settings.many_faces


def test_a_slow_action_holds_nobody_up_and_a_held_key_piles_nothing_up():
    session = StandInSession()
    begun, go_on = threading.Event(), threading.Event()

    def slow(**changes: object) -> None:
        begun.set()
        assert go_on.wait(10)

    session.change_settings = slow
    controls, ear = _controls(session)
    with controls:
        controls.press("up")
        assert begun.wait(5)
        for _ in range(100):  # returns though the first is not done
            controls.press("up", repeated=True)
        controls.press("space")
        assert session.paused
        go_on.set()
        assert len(ear.wait_for(10)) == 10  # the pause, the first, and the newest eight
        assert len(ear.heard) == 10


def test_a_held_key_switches_once():
    controls, _ = _controls(StandInSession(), has_window=True)
    controls.press("m")
    assert controls.press("m", repeated=True)
    assert controls.view.mirror


def test_the_thread_ends_with_the_block_and_late_presses_do_nothing():
    session = StandInSession()
    with no_leaked_threads():
        controls, _ = _controls(session)
        with controls:
            pass
    controls.press("up")
    assert session.calls == []


def _snapshots(folder: Path, sink: WindowSink, settings: Settings | None = None) -> Snapshots:
    return Snapshots(
        folder,
        lambda: sink.newest,
        lambda: build_disclosure(settings or Settings()),
        now=lambda: datetime(2026, 11, 25, 9, 5, 7),
    )


def test_a_snapshot_is_the_finished_frame_with_its_statement_of_origin(tmp_path):
    sink = WindowSink()
    finished = np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    sink.write_beside(Frame(finished), np.zeros_like(finished))
    controls, ear = _controls(StandInSession(), snapshots=_snapshots(tmp_path / "shots", sink))
    with controls:
        controls.press("s")
        controls.press("s")
        heard = ear.wait_for(2)
    names = ["masquerade-2026-11-25-090507.png", "masquerade-2026-11-25-090507-2.png"]
    paths = [tmp_path / "shots" / name for name in names]
    assert heard == [f"Saved {path}" for path in paths]
    for path in paths:
        with Image.open(path) as picture:
            np.testing.assert_array_equal(np.asarray(picture)[:, :, ::-1], finished)
            assert DIGITAL_SOURCE_TYPE in picture.info["XML:com.adobe.xmp"]


def test_there_is_no_snapshot_before_the_first_frame(tmp_path):
    snapshots = _snapshots(tmp_path / "shots", WindowSink())
    assert snapshots.save() is None
    assert not (tmp_path / "shots").exists()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    sink = WindowSink()
    sink.write(Frame(np.zeros((4, 4, 3), np.uint8)))
    with pytest.raises(OutputError, match="cannot be made"):
        _snapshots(tmp_path / "file" / "shots", sink).save()
