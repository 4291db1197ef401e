"""Several faces of one frame, and several devices, through the stage that swaps by networks."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from carried_faces import SlowMaker, finish, view
from stage_rig import Rig, row

from masquerade.core.errors import ModelError
from masquerade.stages.carry.turnstile import AT_WILL
from masquerade.stages.network_patch import to_patch
from masquerade.testing.threads import no_leaked_threads


@pytest.mark.parametrize("refresh", ["every", "3"])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 3, 1, 0)])
def test_all_faces_that_a_frame_waits_for_are_handed_over_at_once(refresh: str, order) -> None:
    with Rig(refresh).stage as stage:
        rig = Rig(refresh)
        rig.stage.close()
        rig.stage, rig.maker = stage, stage._maker
        shown = view()
        faces = row(shown, 4)
        job, _ = rig.frame(shown, *(faces[n] for n in order))
    assert [sorted(tracks) for tracks in rig.maker.jobs] == [[0, 1, 2, 3]]
    assert [patch.track_id for patch in job.patches] == list(order)
    if refresh == "every":
        for patch in job.patches:
            landmarks = faces[patch.track_id].landmarks
            own = to_patch(finish(shown.pixels, landmarks), shown.pixels, patch.track_id)
            assert np.array_equal(patch.pixels, own.pixels)


@pytest.mark.parametrize("crowds", [False, True])
def test_live_faces_are_asked_for_together_only_where_that_is_quicker(crowds: bool) -> None:
    rig = Rig("auto", SlowMaker(crowds=crowds))
    shown = view()
    faces = row(shown, 3)
    with rig.stage:
        end_s = time.monotonic() + 10
        while rig.stage.gauges()["refreshes"] < 3:
            assert time.monotonic() < end_s
            rig.frame(shown, *faces, live=True)
    assert rig.maker.jobs[:3] == ([[0, 1, 2]] if crowds else [[0], [1], [2]])


def test_a_face_whose_network_fails_does_not_cost_a_file_the_others() -> None:
    rig = Rig("every", SlowMaker())
    rig.maker.refused = {1}
    shown = view()
    with rig.stage:
        job, _ = rig.frame(shown, *row(shown, 3))
        assert [patch.track_id for patch in job.patches] == [0, 2]
        assert [failure.track_id for failure in job.failures] == [1]
        rig.maker.refused = {0, 1, 2}
        with pytest.raises(ModelError):
            rig.frame(shown, *row(shown, 3))


def test_the_faces_of_a_frame_are_made_on_two_devices_at_a_time() -> None:
    both = threading.Barrier(2)

    class Meeting(SlowMaker):
        def make_many(self, pixels_bgr, faces, steps=AT_WILL):
            both.wait(10)  # breaks unless both devices are at work
            return super().make_many(pixels_bgr, faces, steps)

    rig = Rig("every", Meeting(devices=2))
    shown = view()
    with no_leaked_threads(), rig.stage:
        for _ in range(2):
            job, _ = rig.frame(shown, *row(shown, 4))
            assert [patch.track_id for patch in job.patches] == [0, 1, 2, 3]
    assert sorted(rig.maker.jobs) == [[0], [0], [1], [1], [2], [2], [3], [3]]
    assert rig.maker.threads == {"masquerade-frames_0", "masquerade-frames_1"}


def test_two_devices_make_two_key_frames_of_one_live_face_at_a_time() -> None:
    rig = Rig("1", SlowMaker(devices=2))
    rig.maker.gate.clear()
    shown = view()
    with no_leaked_threads(), rig.stage as stage:
        end_s = time.monotonic() + 10
        while len(stage._worker.under_way) < 2:
            assert time.monotonic() < end_s
            rig.frame(shown, live=True)
        first, second = sorted(request.seq for request in stage._worker.under_way)
        assert first < second
        rig.maker.gate.set()
