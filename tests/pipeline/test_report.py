"""What a report counts, and that it is ready for JSON."""

from __future__ import annotations

import json

import numpy as np
from stand_ins import picture, selected_face

from masquerade.core.frame import Failure, Frame, FrameJob, Patch
from masquerade.pipeline.meter import Meter
from masquerade.pipeline.report import Tally


def job(*, faces=(), drawn=(), failures=()):
    patch = np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint8)
    patches = [Patch(number, (0, 0, 2, 2), *patch) for number in drawn]
    return FrameJob(Frame(picture(0)), list(faces), patches, list(failures))


def report_of(*jobs, **options):
    tally, meter = Tally(), Meter()
    for item in jobs:
        tally.add(item)
        meter.frame_finished({"swap": 2.0})
    return tally, tally.report(meter, **options)


def test_faces_are_swapped_or_concealed_and_frames_may_have_none():
    bystander = selected_face(9)
    bystander.selected = False
    both = [selected_face(1), selected_face(2), bystander]
    tally, report = report_of(job(faces=both, drawn=[1, 2]), job(faces=both, drawn=[1]), job())
    assert (report.frames, report.faces_swapped, report.faces_concealed) == (3, 3, 1)
    assert (report.frames_without_face, report.frames_concealed) == (1, 0)
    assert (tally.faces_found, tally.faces_selected) == (6, 4)


def test_a_lost_frame_counts_as_concealed_whatever_was_drawn_on_it():
    lost = job(faces=[selected_face(1)], drawn=[1], failures=[Failure("composite", "full")])
    nobody = job(failures=[Failure("detect", "broken")])
    _, report = report_of(lost, nobody)
    assert (report.faces_swapped, report.faces_concealed, report.frames_concealed) == (0, 1, 2)
    assert report.frames_without_face == 0


def test_equal_failures_are_one_warning_with_their_number():
    again = [Failure("swap", "the face is lost", 1)]
    _, report = report_of(
        job(failures=again), job(failures=again), warnings=("the film is cut off",)
    )
    assert report.warnings == ("the film is cut off", "swap: the face is lost (2 times).")


def test_a_report_is_plain_json():
    _, report = report_of(
        job(faces=[selected_face(1)], drawn=[1]), encoder="libx264", advice=("a",)
    )
    values = json.loads(json.dumps(report.as_dict()))
    assert values["encoder"] == "libx264"
    assert values["timings_ms"] == {"swap": 2.0}
    assert (values["advice"], values["warnings"], values["faces_swapped"]) == (["a"], [], 1)
