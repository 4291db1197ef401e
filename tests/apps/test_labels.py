"""Nothing leaves unlabelled: every sink, every format, every place that writes pictures.

A new sink, a new format or a new writer must be entered here, beside how it is labelled; until then
these tests fail.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from fractions import Fraction
from importlib.resources import as_file
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

import masquerade
from masquerade import Engine, Settings
from masquerade.core.lifetimes import Committing
from masquerade.core.protocols import Sink
from masquerade.engine.live import LiveSession
from masquerade.engine.live_options import LiveOptions
from masquerade.media.animation import ANIMATION_EXTENSIONS
from masquerade.media.containers import VIDEO_EXTENSIONS
from masquerade.media.image_write import PICTURE_EXTENSIONS
from masquerade.media.live_sinks.open import SINK_FORMS
from masquerade.media.live_sinks.parcels import Parcel, ParcelCoding, ParcelSink
from masquerade.media.live_sinks.recording import RECORDING_EXTENSIONS
from masquerade.media.puppet import bundled_photo
from masquerade.testing import PacedSource, WitnessSink, play
from masquerade.trust.badge import make_badge
from masquerade.trust.inspection import inspect_file
from masquerade.trust.metadata import DIGITAL_SOURCE_TYPE
from masquerade.trust.watermark_reading import read_mark

FILES, LIVE, UNSEEN, PART = "file", "live", "nobody sees it", "part of a file"

SINKS = {
    "media.video_sink.VideoSink": FILES,
    "media.animation.AnimationSink": FILES,
    "media.segment_sink.SegmentSink": PART,
    "media.live_sinks.recording.RecordingSink": LIVE,
    "media.live_sinks.hls.HlsSink": LIVE,
    "media.live_sinks.stream.StreamSink": LIVE,
    "media.live_sinks.mjpeg.MjpegSink": LIVE,
    "media.live_sinks.virtual_camera.VirtualCameraSink": LIVE,
    "media.live_sinks.parcels.ParcelSink": LIVE,
    "media.webrtc.WebRtcSink": LIVE,
    "media.live_sinks.null.NullSink": UNSEEN,
    "apps.bench.clip.Nowhere": UNSEEN,
    "engine.scout._Nowhere": UNSEEN,
    "apps.live.window_sink.WindowSink": LIVE,
}
"""Every sink there is. ``FILES`` are walked format by format below; ``LIVE`` ones are given frames
by a session alone, whose label and mark are drawn before any sink; see below."""

WRITERS = {
    "media/image_write.py": "the one writer of stills; a statement goes in with the pixels",
    "media/animation.py": "AnimationSink",
    "media/video_sink.py": "VideoSink",
    "media/join.py": "joins what VideoSink's kind has written, with the statement of the whole",
    "media/live_sinks/recording.py": "RecordingSink",
    "media/live_sinks/mjpeg.py": "MjpegSink",
    "media/live_sinks/picture_encoders.py": "ParcelSink",
    "media/live_sinks/parcels.py": "ParcelSink",
    "media/open.py": "opens VideoSink and AnimationSink with the caller's statement",
    "media/sheet.py": "draws a sheet of pictures that write_image writes",
    "media/palette.py": "pixels of AnimationSink",
    "engine/files.py": "state_origin",
    "apps/jobs/work.py": "state_origin",
    "apps/jobs/preview.py": "state_origin",
    "apps/live/snapshot.py": "a live session's frame, state_origin",
    "apps/studio/live/switchboard.py": "a live session's frame, state_origin",
    "apps/commands/demo.py": "state_origin",
    "apps/commands/swap.py": "state_origin",
    "apps/commands/faces.py": "annotation_origin: boxes on real faces, of which none is replaced",
    "apps/commands/identity.py": "a donor's identity",
    "apps/picture_stream.py": "state_origin",
    "apps/farm/drawn_batch.py": "statement_of: signs what a node has drawn, labelled and marked",
    "apps/farm/estimate.py": "a trial in a folder that is removed",
    "apps/plan.py": "tries whether a name is free",
    "apps/run_reports.py": "a report",
    "apps/studio/presets.py": "a preset",
    "apps/studio/caster.py": "a donor's photo as it was sent",
    "apps/studio/upload_facts.py": "a thumbnail of what was sent",
    "apps/studio/api/previews.py": "a frame of what was sent, unswapped",
    "stages/identity_file.py": "a donor's portrait within an identity",
    "engine/locked_faces.py": "a locked face's own portrait",
}
"""Every module that encodes pictures or opens an output, and why nothing leaves it unlabelled."""

ENCODING = {"write_image", "imencode", "open_sink", "OutputFile", "VideoSink", "AnimationSink",
            "encode_jpeg", "fromarray"}  # fmt: skip
ROOT = Path(masquerade.__file__).parent


# Every sink and every writer is known


def _sinks() -> Iterator[str]:
    for module in pkgutil.walk_packages(masquerade.__path__, "masquerade."):
        if ".testing" in module.name or module.name.endswith("__main__"):
            continue
        found = importlib.import_module(module.name)
        for name, item in vars(found).items():
            own = inspect.isclass(item) and item.__module__ == module.name
            if own and item not in (Sink, Committing) and _takes_frames(item):
                yield f"{module.name.removeprefix('masquerade.')}.{name}"


def _takes_frames(item: type) -> bool:
    return all(callable(getattr(item, name, None)) for name in ("write", "commit", "abort"))


def test_every_sink_is_known():
    assert set(_sinks()) == set(SINKS)


def test_every_place_that_writes_pictures_is_known():
    found = set()
    for path in ROOT.rglob("*.py"):
        if "testing" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else None
                name = called.id if isinstance(called, ast.Name) else name
                if name in ENCODING:
                    found.add(path.relative_to(ROOT).as_posix())
    assert found == set(WRITERS)


# What is written to files


def _corner(pixels: np.ndarray) -> np.ndarray:
    """Where the small label stands in a picture of that size that shows no face there."""
    badge = make_badge("small")
    assert badge is not None
    x0, y0, x1, y1 = badge.places((pixels.shape[1], pixels.shape[0]))[0]
    return pixels[y0:y1, x0:x1].astype(int)


def _is_labelled(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether a pill with a word stands in the corner: dark ground, white ink."""
    gap = np.abs(_corner(after) - _corner(before)).mean(axis=2)
    return bool(gap.mean() > 15 and _corner(after).max() > 200 and np.median(gap) > 10)


def _pictures(path: Path) -> list[np.ndarray]:
    """All frames, uint8 (H, W, 3) BGR."""
    if path.suffix in VIDEO_EXTENSIONS or path.suffix == ".m3u8":
        with av.open(str(path)) as film:
            return [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]
    with Image.open(path) as image:
        count, found = getattr(image, "n_frames", 1), []
        for number in range(count):
            image.seek(number)
            found.append(np.asarray(image.convert("RGB"))[:, :, ::-1].copy())
        return found


@pytest.fixture(scope="module")
def portrait(tmp_path_factory) -> Path:
    """A target whose corner is neither black nor white."""
    path = tmp_path_factory.mktemp("labels") / "portrait.png"
    picture = skimage.data.astronaut()
    picture[400:, 380:] = 120
    Image.fromarray(picture).save(path)
    return path


@pytest.fixture(scope="module")
def film(portrait) -> Path:
    path = portrait.with_name("film.mp4")
    picture = cv2.imread(str(portrait))
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=8, options={"crf": "18"})
        stream.width = stream.height = 512
        for number in range(3):
            moved = np.roll(picture, number, axis=1)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="bgr24")))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", PICTURE_EXTENSIONS)
def test_every_format_of_pictures(swap, portrait, suffix):
    out = Path(f"out{suffix}")
    swap(portrait, str(out))
    (written,) = _pictures(out)
    assert _is_labelled(cv2.imread(str(portrait)), written)
    _check_words(out, written)


@pytest.mark.parametrize("suffix", sorted({*VIDEO_EXTENSIONS, *ANIMATION_EXTENSIONS}))
def test_every_format_of_films(swap, film, suffix):
    out = Path(f"out{suffix}")
    swap(film, str(out), "--video-quality", "80", "--video-preset", "ultrafast")
    before, after = _pictures(film), _pictures(out)
    assert len(after) >= 3
    for one, other in zip(before, after, strict=False):
        assert _is_labelled(one, other)
    _check_words(out, after[0])


def _check_words(path: Path, picture: np.ndarray) -> None:
    """Metadata, credentials or sidecar, and the invisible mark."""
    found = inspect_file(path)
    assert found.state == "trusted"
    assert found.latest is not None
    assert found.latest.source_type == DIGITAL_SOURCE_TYPE
    assert found.latest.statements["label"] == {"style": "small"}
    beside = Path(f"{path}.credentials.json")
    told = path.read_bytes() + (beside.read_bytes() if beside.exists() else b"")
    assert b"compositeWithTrainedAlgorithmicMedia" in told
    mark = read_mark([picture], search=False)
    assert mark is not None
    assert found.latest.statements["watermark"]["number"] == f"{mark.number:05x}"


def test_no_label_is_a_choice_that_is_remembered(swap, portrait):
    swap(portrait, "out.png", "--label", "none", "--no-watermark")
    (written,) = _pictures(Path("out.png"))
    assert not _is_labelled(cv2.imread(str(portrait)), written)
    assert read_mark([written], search=False) is None
    latest = inspect_file(Path("out.png")).latest
    assert latest is not None
    assert latest.statements["label"] == {"style": "none"}
    assert latest.statements["watermark"] == {"scheme": "none"}
    assert b"<masquerade:Label>none" in Path("out.png").read_bytes()


# What leaves live


def test_every_form_of_live_sink_is_known():
    forms = {form.split("://")[0].split(":")[0].split(" ")[0] for form in SINK_FORMS}
    assert forms == {
        "window", "virtual-camera", "null", "FILE.mp4", "FILE.m3u8",
        "rtmp", "rtmps", "rtsp", "udp", "tcp", "http",
    }  # fmt: skip


class Postman:
    """Takes the studio's pictures as a socket would."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []

    def has_room(self) -> bool:
        return True

    def send(self, parcel: Parcel) -> None:
        self.parcels.append(parcel)

    def take_back(self, seq: int) -> bool:
        return False


def test_every_frame_of_a_session_is_labelled_before_any_sink():
    with play("talk", size_wh=(320, 240), rate=8) as source:
        talk = [frame.pixels.copy() for frame, _ in source.pairs()][:10]
    for pixels in talk:
        pixels[190:, 230:] = 120
    witness, postman = WitnessSink(), Postman()
    socket = ParcelSink(postman, ParcelCoding(), Fraction(30))
    quick = LiveOptions(deadline_s=60, warm_up=False, governed=False)
    with as_file(bundled_photo("mona_lisa")) as photo, Engine(photo, Settings()) as engine:
        number = engine.mark.number
        source = PacedSource(talk, rate=3, count=12)
        with LiveSession(engine, source, {"all": witness, "socket": socket}, quick) as session:
            assert session.wait(60)
    assert len(witness.frames) >= 2
    sent = [cv2.imdecode(np.frombuffer(item.data, np.uint8), 1) for item in postman.parcels]
    assert len(sent) >= 2
    for shown in [*(frame.pixels for frame in witness.frames), *sent]:
        nearest = min(talk, key=lambda one: np.abs(shown.astype(int) - one).mean())
        assert _is_labelled(nearest, shown)
        mark = read_mark([shown], search=False)
        assert mark is not None
        assert mark.number == number


def test_every_live_file(run, mona):
    names = [*(f"live{end}" for end in RECORDING_EXTENSIONS), "live.m3u8"]
    sinks = [word for name in names for word in ("--sink", name)]
    words = ("live", "-s", mona, "-c", "puppet", "--size", "320x240", "--duration", "2")
    done = run(*words, *sinks, "--preset", "fast", "--consent", "public-domain", "-q")
    assert done.code == 0, done.err
    for path in map(Path, names):
        pictures = _pictures(path)
        assert all(_corner(picture).max() > 200 for picture in pictures)
        found = inspect_file(path)
        assert (path.name, found.state) == (path.name, "trusted")
        assert found.latest is not None
        mark = read_mark(pictures[-8:], search=False)
        assert mark is not None
        assert found.latest.statements["watermark"]["number"] == f"{mark.number:05x}"
