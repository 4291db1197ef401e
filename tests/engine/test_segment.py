"""Films swapped in segments: at the seams as in the whole film, and the same people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from masquerade import Engine, Settings
from masquerade.core.disclosure import Disclosure
from masquerade.core.errors import CancelledError, InputError
from masquerade.engine.scout import scout
from masquerade.engine.seam import Entry, Seams, disagreeing
from masquerade.engine.segment import run_segment, swap_segment
from masquerade.media.cut_source import CutSource
from masquerade.media.file import VideoSource
from masquerade.media.join import join_segments
from masquerade.media.puppet import Actor, PuppetSource, Scene, bundled_photo
from masquerade.media.puppet.acting import Turn
from masquerade.media.segments import SegmentPlan, Stretch, plan_segments
from masquerade.pipeline.meter import Progress
from masquerade.testing import MemorySink

SETTINGS = Settings(threads=1)
SEAM_DB = 48.0
"""45 is promised; here it is more, and without the take's first frames it would be less."""
ALMOST_S = 1.9


def film(path: Path, scenes: list[Scene]) -> Path:
    """256x144 at 25 frames a second, with B-frames, open groups of 50 frames and sound."""
    puppets = PuppetSource(scenes, size_wh=(256, 144), noise=1.0)
    params = "open-gop=1:keyint=50:min-keyint=50:scenecut=0:bframes=2:b-adapt=0"
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"crf": "14", "x264-params": params})
        video.width, video.height, video.pix_fmt = 256, 144, "yuv420p"
        sound = out.add_stream("aac", rate=48000)
        for number in range(puppets.info.frame_count * 1920 // 1024):
            wave = np.sin(np.arange(1024) * (0.02 + number / 5000)).astype(np.float32)[None]
            heard = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave), "fltp", "mono")
            heard.sample_rate, heard.pts = 48000, 1024 * number
            out.mux(sound.encode(heard))
        out.mux(sound.encode(None))
        for frame in puppets:
            picture = av.VideoFrame.from_ndarray(frame.pixels, "bgr24")
            picture.pts, picture.time_base = frame.seq, Fraction(1, 25)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))
    return path


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(bundled_photo("mona_lisa"), SETTINGS) as made:
        yield made


TURNS = (Turn(0.0, 1.6, 40.0), Turn(5.0, 2.0, -25.0))


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One long take, and then another scene with two people that begins with a segment."""
    there = ((0.0, 0.25, 0.42), (2.0, 0.3, 0.42))
    pair = (
        Actor(name="a", portrait="astronaut", size=0.4, path=there),
        Actor(name="b", identity_seed=3, size=0.36, path=((0.0, 0.72, 0.42),)),
    )
    take = Scene(actors=(Actor(turns=TURNS),), seconds=8)
    scenes = [take, Scene(actors=pair, seconds=1.6, background=6)]
    return film(tmp_path_factory.mktemp("film") / "talk.mp4", scenes)


@pytest.fixture(scope="module")
def plan(talk: Path, engine: Engine) -> SegmentPlan:
    return scout(plan_segments(talk, ALMOST_S), engine)


Piece = tuple[MemorySink, Seams]


@pytest.fixture(scope="module")
def pieces(plan: SegmentPlan, engine: Engine) -> list[Piece]:
    return [piece_of(plan, number, engine) for number in range(len(plan.segments))]


def piece_of(plan: SegmentPlan, number: int, engine: Engine, entry: Entry | None = None) -> Piece:
    """A segment's own frames, before they are encoded."""
    segment, sink = plan.segments[number], MemorySink()
    if entry:
        segment = replace(segment, run_up=entry.run_up(segment))
    with CutSource(plan, segment.stretches) as source:
        _, tally, seams = run_segment(engine, source, sink, plan, number, entry)
    first = segment.start_pts - plan.shift_pts
    sink.frames = [frame for frame in sink.frames if frame.pts >= first]
    assert tally.frames == len(sink.frames)
    return sink, seams


def db(one: np.ndarray, other: np.ndarray) -> float:
    error = float(((one.astype(np.float64) - other) ** 2).mean())
    return np.inf if error == 0 else 10 * np.log10(255**2 / error)


def likeness(piece: Piece, whole: MemorySink) -> list[float]:
    """How like a piece's frames are those of the film that was done in one go, dB."""
    at = {frame.pts: frame.pixels for frame in whole.frames}
    return [db(frame.pixels, at[frame.pts]) for frame in piece[0].frames]


@pytest.fixture(scope="module")
def whole(talk: Path, engine: Engine) -> MemorySink:
    sink = MemorySink()
    with VideoSource(talk) as source:
        engine.run(source, sink)
    return sink


def test_a_film_is_cut_at_its_cut_and_led_in_within_its_take(plan: SegmentPlan) -> None:
    starts = [round(float(part.start_pts * plan.base), 2) for part in plan.segments]
    assert starts == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert [len(part.run_up) for part in plan.segments] == [0, 1, 2, 2, 0]
    opening = plan.segments[2].run_up[0]
    assert opening.start_pts == plan.segments[0].start_pts
    assert opening == plan.segments[3].run_up[0]
    assert 16 < float((opening.end_pts - opening.start_pts) * plan.base * 25) < 80


def test_seams_do_not_show(plan: SegmentPlan, pieces: list[Piece], whole: MemorySink) -> None:
    frames = [frame for sink, _ in pieces for frame in sink.frames]
    assert [frame.pts for frame in frames] == [frame.pts for frame in whole.frames]
    assert all(value == np.inf for piece in pieces[:2] for value in likeness(piece, whole))
    assert all(value == np.inf for value in likeness(pieces[4], whole))
    worst = min(min(likeness(piece, whole)[:10]) for piece in pieces[2:4])
    assert worst >= SEAM_DB
    assert not disagreeing(plan.segments, [seams for _, seams in pieces])


def test_without_the_first_frames_of_its_take_a_seam_shows(
    plan: SegmentPlan, engine: Engine, pieces: list[Piece], whole: MemorySink
) -> None:
    """The measure can fail, and the segment is told what it lacked."""
    late = replace(plan.segments[3], run_up=plan.segments[3].run_up[-1:])
    lacking = replace(plan, segments=(*plan.segments[:3], late, *plan.segments[4:]))
    piece = piece_of(lacking, 3, engine)
    assert min(likeness(piece, whole)[:10]) < SEAM_DB - 4
    said = [seams for _, seams in pieces]
    found = disagreeing(lacking.segments, [*said[:3], piece[1], *said[4:]])
    assert list(found) == [3]
    mended = piece_of(lacking, 3, engine, found[3])
    assert min(likeness(mended, whole)[:10]) >= SEAM_DB
    assert not disagreeing(lacking.segments, [*said[:3], mended[1], *said[4:]])


def test_who_is_swapped_is_who_was_before_the_border(engine: Engine, tmp_path: Path) -> None:
    """She comes in while he is swapped, and is the larger one when the next segment begins."""
    he = Actor(name="a", portrait="astronaut", size=0.4, path=((0.0, 0.25, 0.45),))
    she = Actor(name="b", size=0.5, path=((1.0, 1.4, 0.45), (1.8, 0.7, 0.45)))
    clip = film(tmp_path / "two.mp4", [Scene(actors=(he, she), seconds=8)])
    plan = scout(plan_segments(clip, ALMOST_S), engine)
    number = 3
    lead_in = plan.segments[number].run_up[-1:]
    blind = replace(plan.segments[number], run_up=lead_in)
    plan = replace(plan, segments=(*plan.segments[:number], blind, *plan.segments[number + 1 :]))
    before, alone = piece_of(plan, number - 1, engine)[1], piece_of(plan, number, engine)[1]
    (left,) = [face for face in before.after if face.donor]
    (other,) = [face for face in alone.before if face.donor]
    assert left.box[2] < 256 / 2 < other.box[0]  # alone it chooses her
    told = disagreeing(plan.segments[number - 1 : number + 1], [before, alone])[number]
    seams = piece_of(plan, number, engine, told)[1]
    for seen in (seams.before, seams.after):
        (chosen,) = [face for face in seen if face.donor]
        assert chosen.box[2] < 256 / 2
    assert not disagreeing(plan.segments[number - 1 : number + 1], [before, seams])


def test_a_segment_is_the_same_bytes_each_time_and_joins_to_the_film(
    plan: SegmentPlan, engine: Engine, talk: Path, tmp_path: Path
) -> None:
    out, shown = tmp_path / "film.mp4", list[Progress]()
    files, reports = [], []
    for index in range(len(plan.segments)):
        files.append(tmp_path / f"{index}.mp4")
        reports.append(
            swap_segment(plan, index, engine, files[-1], film=out, progress=shown.append)
        )
    again = swap_segment(plan, 2, engine, tmp_path / "again.mp4", film=out)
    assert (tmp_path / "again.mp4").read_bytes() == files[2].read_bytes()
    assert again.sha256 == reports[2].sha256
    assert [report.counts["frames"] for report in reports] == [50, 50, 50, 50, 40]
    assert all(report.counts["faces_swapped"] >= 40 for report in reports)
    assert all(item.done <= 50 for item in shown)
    assert Seams.of_dict(reports[2].as_dict()["seams"]) == reports[2].seams
    statement = Disclosure(b"<x:xmpmeta>made here</x:xmpmeta>", {"comment": "AI"})
    join_segments(plan, files, out, disclosure=statement)
    with av.open(str(out)) as film_out, av.open(str(talk)) as film_in:
        sound = [
            [bytes(p) for p in container.demux(audio=0) if p.size]
            for container in (film_in, film_out)
        ]
        assert film_out.metadata["comment"] == "AI"
    assert sound[0] == sound[1]
    with VideoSource(talk) as one, VideoSource(out) as other:
        assert [f.pts for f in one] == [f.pts for f in other]


def test_a_plan_for_other_settings_or_another_film_is_refused(
    plan: SegmentPlan, tmp_path: Path
) -> None:
    out, film_name = tmp_path / "0.mp4", tmp_path / "film.mp4"
    with (
        Engine(bundled_photo("mona_lisa"), SETTINGS.replace(many_faces=True)) as other,
        pytest.raises(InputError, match="other settings"),
    ):
        swap_segment(plan, 0, other, out, film=film_name)
    with Engine(bundled_photo("mona_lisa"), SETTINGS.replace(threads=2)) as same:
        with pytest.raises(InputError, match="There is no segment 9"):
            swap_segment(plan, 9, same, out, film=film_name)
        with pytest.raises(InputError, match="where a scene begins"):
            swap_segment(plan, 4, same, out, film=film_name, entry=Entry((), 0, 0))
        changed = replace(plan, size_bytes=plan.size_bytes + 1)
        for work in (lambda: swap_segment(changed, 0, same, out, film=film_name),
                     lambda: scout(changed, same)):  # fmt: skip
            with pytest.raises(InputError, match="was changed"):
                work()
        with pytest.raises(CancelledError):
            swap_segment(plan, 0, same, out, film=film_name, cancel=lambda: True)
        with pytest.raises(CancelledError):
            scout(replace(plan, scouted_for=""), same, cancel=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_a_take_in_which_nobody_is_seen_at_first(engine: Engine, tmp_path: Path) -> None:
    """Its opening is where the first face is, not where the take begins."""
    late = Actor(path=((0.6, -0.5, 0.42), (1.2, 0.5, 0.42)))
    clip = film(tmp_path / "late.mp4", [Scene(actors=(late,), seconds=8)])
    plan = scout(plan_segments(clip, ALMOST_S), engine)
    opening, lead_in = plan.segments[3].run_up
    assert isinstance(opening, Stretch)
    assert 0.6 < float(opening.start_pts * plan.base) < 1.3
    assert lead_in.end_pts == plan.segments[3].start_pts
