from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from carried_faces import View, broken, finish, psnr, repainted, view
from stage_rig import Rig

from masquerade.core.errors import ModelError
from masquerade.core.settings import Settings
from masquerade.stages.network_patch import to_patch
from masquerade.stages.overlay import blend
from masquerade.testing.threads import no_leaked_threads


@pytest.fixture
def rig(request) -> Iterator[Rig]:
    with no_leaked_threads():
        made = Rig(getattr(request, "param", "auto"))
        yield made
        made.maker.gate.set()
        made.stage.close()


def _is_networks(picture: np.ndarray, shown: View) -> bool:
    return psnr(picture, repainted(shown.pixels), shown.inside) > 30


@pytest.mark.parametrize("rig", ["every"], indirect=True)
def test_every_frame_is_the_networks_own(rig: Rig) -> None:
    for n in range(3):
        shown = view().moved(dx=n * 4)
        job, _ = rig.frame(shown, live=n == 1)
        expected = to_patch(finish(shown.pixels, shown.landmarks), shown.pixels, 0)
        assert expected is not None
        assert np.array_equal(job.patches[0].pixels, expected.pixels)
        assert np.array_equal(job.patches[0].mask, expected.mask)
    assert len(rig.maker.made) == 3
    assert rig.maker.threads == {"masquerade-frames_0"}


@pytest.mark.parametrize("rig", ["4"], indirect=True)
def test_a_file_gets_a_key_frame_every_n_frames_and_is_carried_between(rig: Rig) -> None:
    counts = []
    for n in range(12):
        shown = view().moved(dx=2 * n, turn_deg=n)
        _, picture = rig.frame(shown)
        assert _is_networks(picture, shown)
        counts.append(len(rig.maker.made))
    assert counts == [1] * 4 + [2] * 4 + [3] * 4


def test_a_file_comes_out_the_same_every_time() -> None:
    films = []
    for latency_s in (0.0, 0.02):
        with Rig("auto").stage as stage:
            rig = Rig("auto")
            rig.stage.close()
            rig.stage = stage
            rig.maker = stage._maker  # type: ignore[assignment]
            rig.maker.latency_s = latency_s
            films.append(
                [
                    rig.frame(view().moved(dx=3 * n, turn_deg=4 * n, scale=1 - n / 40))[1]
                    for n in range(8)
                ]
            )
    assert all(np.array_equal(a, b) for a, b in zip(*films, strict=True))


def test_live_the_embedded_swapper_bridges_until_the_network_is_ready(rig: Rig) -> None:
    rig.maker.gate.clear()
    shown = view()
    for _ in range(3):
        job, picture = rig.frame(shown, live=True)
        assert len(job.patches) == 1
        assert not _is_networks(picture, shown)
        assert psnr(picture, shown.pixels, shown.inside) < 25  # nor the real face
    rig.maker.gate.set()
    rig.until_made(shown, 1)
    for _ in range(8):
        _, picture = rig.frame(shown, live=True)
    assert _is_networks(picture, shown)


@pytest.mark.parametrize("on_failure", ["bridge", "conceal"])
def test_live_after_a_failure_nobody_sees_the_real_face(on_failure: str) -> None:
    rig = Rig("auto", on_failure=on_failure)
    rig.maker.error = broken()
    shown = view()
    with rig.stage:
        end_s = time.monotonic() + 10
        while not rig.stage.gauges()["network_failures"]:
            assert time.monotonic() < end_s
            rig.frame(shown, live=True)
        for _ in range(3):
            job, picture = rig.frame(shown, live=True)
            assert psnr(picture, shown.pixels, shown.inside) < 25
            assert len(job.patches) == (1 if on_failure == "bridge" else 0)
            if on_failure == "conceal":
                assert [failure.track_id for failure in job.failures] == [0]
        rig.maker.error = None
        rig.seq += 25  # a second later it is tried again
        rig.until_made(shown, 1)


def test_live_a_failure_later_on_leaves_the_last_key_frame_carried(rig: Rig) -> None:
    shown = view()
    rig.until_made(shown, 1)
    for _ in range(8):
        rig.frame(shown, live=True)
    rig.maker.error = broken()
    end_s = time.monotonic() + 10
    while not rig.stage.gauges()["network_failures"]:
        assert time.monotonic() < end_s
        rig.frame(shown.dimmed(0.6), live=True)
    _, picture = rig.frame(shown.moved(dx=5), live=True)
    assert _is_networks(picture, shown.moved(dx=5))


@pytest.mark.parametrize("rig", ["every", "3"], indirect=True)
def test_a_files_frame_meets_the_networks_error(rig: Rig) -> None:
    rig.maker.error = broken()
    with pytest.raises(ModelError):
        rig.frame(view())
    rig.maker.error = None
    _, picture = rig.frame(view())
    assert _is_networks(picture, view())


def test_a_lost_face_is_reported_and_not_drawn(rig: Rig) -> None:
    shown = view()
    lost = shown.face()
    lost.state = "lost"
    job, _ = rig.frame(shown, lost)
    assert job.patches == []
    assert [(failure.stage, failure.track_id) for failure in job.failures] == [("swap", 0)]


def test_what_was_made_for_an_old_donor_is_never_shown(rig: Rig) -> None:
    shown = view()
    rig.maker.gate.clear()
    rig.frame(shown, live=True)
    donors = {"astronaut": rig.donors["mona"]}
    rig.stage.configure(donors, rig.settings, rig.stage.prepare(donors))
    _, bridged = rig.frame(shown, live=True)
    rig.maker.gate.set()
    rig.until_made(shown, 1)
    assert rig.stage.gauges()["refreshes"] == 1
    # Two were made, the first one of them for the donor that has gone.
    assert [name for _, name in rig.maker.made[:2]] == ["astronaut", "mona"]
    assert not _is_networks(bridged, shown)


def test_a_face_that_changes_its_donor_starts_anew(rig: Rig) -> None:
    shown = view()
    for donor in ("astronaut", "mona"):
        rig.frame(shown, shown.face(donor=donor))
    assert [name for _, name in rig.maker.made] == ["astronaut", "mona"]


def test_a_cut_drops_what_was_carried(rig: Rig) -> None:
    shown = view()
    rig.frame(shown)
    rig.frame(shown)
    assert len(rig.maker.made) == 1
    rig.frame(shown, scene=1)
    assert len(rig.maker.made) == 2
    assert rig.maker.forgotten == 2


def test_reset_forgets_the_stream(rig: Rig) -> None:
    first = [rig.frame(view().moved(dx=n))[1] for n in range(3)]
    rig.stage.reset()
    rig.seq = 0
    again = [rig.frame(view().moved(dx=n))[1] for n in range(3)]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_other_settings_are_taken_over_and_drawn_anew(rig: Rig) -> None:
    shown = view()
    rig.frame(shown)
    rig.stage.configure(rig.donors, rig.settings)
    rig.frame(shown)
    assert (len(rig.maker.made), rig.maker.configured) == (1, 0)
    rig.stage.configure(rig.donors, Settings(refresh="auto", mask_blur=0.5))
    rig.frame(shown)
    assert (len(rig.maker.made), rig.maker.configured) == (2, 1)
    rig.stage.configure(rig.donors, Settings(refresh="every"))
    rig.frame(shown)
    rig.frame(shown)
    assert len(rig.maker.made) == 4


def test_several_faces_share_the_network(rig: Rig) -> None:
    shown = view()
    second = shown.face(1, "mona")
    second.landmarks = shown.landmarks + np.array([150, 0, 0], np.float32)
    second.bbox = second.bbox + np.array([150, 0, 150, 0], np.float32)
    job, _ = rig.frame(shown, shown.face(), second)
    assert [patch.track_id for patch in job.patches] == [0, 1]
    assert sorted(rig.maker.made) == [(0, "astronaut"), (1, "mona")]
    for _ in range(3):
        job, _ = rig.frame(shown, shown.face(), second)
        assert [patch.track_id for patch in job.patches] == [0, 1]
    assert len(rig.maker.made) == 2


def test_at_a_lower_resolution_the_same_face_is_drawn(rig: Rig) -> None:
    rig.stage.resolution = 0.5
    shown = view()
    _, picture = rig.frame(shown)
    assert psnr(picture, repainted(shown.pixels), shown.inside) > 22
    assert rig.stage.resolution == 0.5


def test_gauges() -> None:
    now = [0.0]
    rig = Rig("2", clock=lambda: now[0])
    make = rig.maker.make

    def timed(*args, **named):
        now[0] += 0.25
        return make(*args, **named)

    rig.maker.make = timed  # type: ignore[method-assign]
    with rig.stage:
        for _ in range(4):
            rig.frame(view())
            now[0] += 0.25
        gauges = rig.stage.gauges()
    assert gauges["refreshes"] == 2
    assert gauges["refresh_age_s"] == pytest.approx(0.04)
    assert gauges["network_busy"] == pytest.approx(0.5 / 1.5)
    assert gauges["network_failures"] == 0


def test_the_thread_ends_with_the_stage() -> None:
    with no_leaked_threads():
        rig = Rig("3")
        rig.frame(view())
        assert any(t.name == "masquerade-networks" for t in threading.enumerate())
        rig.stage.close()
        rig.stage.close()


def test_live_with_a_slow_network_no_frame_waits_none_is_without_a_face_and_nothing_pops() -> None:
    rig = Rig("auto")
    rig.maker.latency_s = 0.3
    base = view()
    shown = [base.moved(dx=20 * np.sin(n / 9), turn_deg=14 * np.sin(n / 7)) for n in range(60)]
    pictures, refreshes, under_way = [], [], []
    with rig.stage, no_leaked_threads():
        began_s = time.perf_counter()
        for n, one in enumerate(shown):
            time.sleep(max(0.0, began_s + n / 30 - time.perf_counter()))
            job, picture = rig.frame(one, live=True)
            # Who waits for a key frame finds that nothing is being made any more.
            under_way.append(bool(rig.stage._worker.under_way))
            assert [patch.track_id for patch in job.patches] == [0]
            pictures.append(picture)
            refreshes.append(rig.stage.gauges()["refreshes"])
        rig.stage.close()
    assert np.mean(under_way) > 0.25, "frames are shown while the network is at work"
    settled = next(n for n, count in enumerate(refreshes) if count) + 8
    steps = np.array([_step(pictures[n - 1], pictures[n], shown, n) for n in range(1, 60)])
    changes = [n for n in range(settled, 60) if refreshes[n] != refreshes[n - 1]]
    assert changes, "the network is asked again while it is slow"
    usual = float(np.median(steps[settled:]))
    assert max(steps[n - 1] for n in changes) < 3 * usual


def _step(before: np.ndarray, after: np.ndarray, shown: list[View], n: int) -> float:
    """Change from one frame to the next, the motion of the head taken out."""
    import cv2

    from masquerade.geometry.affine import fit_similarity

    motion = fit_similarity(shown[n - 1].landmarks[:468, :2], shown[n].landmarks[:468, :2])
    moved = cv2.warpAffine(before, motion, before.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    return float(np.abs(after.astype(int) - moved)[shown[n].inside].mean())


def test_a_neighbour_that_was_swapped_stays_swapped(rig: Rig) -> None:
    shown = view()
    second = shown.face(1)
    second.landmarks = shown.landmarks + np.array([120, 0, 0], np.float32)
    second.bbox = second.bbox + np.array([120, 0, 120, 0], np.float32)
    job, together = rig.frame(shown, shown.face(), second)
    picture = shown.pixels.copy()
    blend(picture, job.patches[0])
    only_first = shown.inside.copy()
    only_first[:, round(float(second.bbox[0])) - 20 :] = False
    assert psnr(together, picture, only_first) > 25
