"""An independent judge of swap quality: prints the figures of a rendered set.

    python benchmarks/quality/judge.py SET --task face_landmarker.task [--controls] [--json FILE]

Runs in an environment of its own (the dependency group ``judge``; mediapipe installs another
OpenCV) and never imports the product: it judges files. SET is a folder as render.py writes it:

    SET/identities/NAME.png         photos of people: the donors and any others
    SET/targets/CLIP.mkv            the clips before the swap
    SET/VARIANT/DONOR__CLIP.mkv     the same clips after it; VARIANT is ``default``, ``shape0``...

The columns:
    near    % of sampled output frames whose nearest person is the donor (dlib's ResNet); the
            gallery is the donor, the clip's own person, and every photo of the set that was not
            made of the donor's own portrait (NAME-SEED is a puppet made of NAME: dlib takes most
            of them for the same person)
    donor   mean descriptor distance of output frames to the donor's photo (same person: < 0.6)
    target  mean descriptor distance of output frames to the clip's *other* frames
    dyn     pose and expression not followed, % of the inter-ocular distance
    flow    optical flow that differs from the target's, % of the inter-ocular distance
    acc     landmark acceleration, output / target
    flick   frame-to-frame difference in the face, output / target
    bs-dyn  blendshapes less their mean; bs: raw
    nme     landmark error, MediaPipe's mesh, % of the inter-ocular distance (judge at shape 0)
    nme68   the same for dlib's 68 points
    lost    frames with a face in the target and none in the output
figures.py defines each exactly.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import figures
import numpy as np
from clips import read_clip
from numpy.typing import NDArray
from trackers import Seen, Trackers

Picture = NDArray[np.uint8]
Row = dict[str, float]

_COLUMNS = {
    "near": "{:6.0f}",
    "donor": "{:6.3f}",
    "target": "{:7.3f}",
    "dyn": "{:6.2f}",
    "flow": "{:6.3f}",
    "acc": "{:6.3f}",
    "flick": "{:6.2f}",
    "bs-dyn": "{:7.4f}",
    "bs": "{:7.4f}",
    "nme": "{:6.2f}",
    "nme68": "{:6.2f}",
    "lost": "{:5.0f}",
}


class Judge:
    """Knows the people of a set and judges one clip at a time."""

    def __init__(self, folder: Path, trackers: Trackers) -> None:
        self.folder = folder
        self._trackers = trackers
        self.people = {
            path.stem: trackers.describe_photo(path)
            for path in sorted((folder / "identities").glob("*.png"))
        }

    def judge_clip(
        self, clip: str, outputs: list[tuple[str, Callable[[], tuple[Seen, list[Picture]]]]]
    ) -> Iterator[Row]:
        """Rows for several outputs of one target clip, each (donor, how to get it)."""
        path = self.folder / "targets" / f"{clip}.mkv"
        frames, seen = read_clip(path), self._trackers.see_file(path)
        size_wh = frames[0].shape[1], frames[0].shape[0]
        masks = [
            figures.face_mask(mesh, size_wh) if found else None
            for mesh, found in zip(seen.mesh, seen.found, strict=True)
        ]
        flows = figures.flows(frames)
        for donor, load in outputs:
            other, other_frames = load()
            if [f.shape for f in other_frames] != [f.shape for f in frames]:
                raise SystemExit(f"{donor} on {clip}: not the target's frames or size.")
            yield {
                **self._identity(donor, seen, other),
                **_geometry(seen, other),
                "flow": figures.flow_error(
                    flows, figures.flows(other_frames), masks, figures.iod_mesh(seen.mesh)
                ),
                "flick": figures.flicker_ratio(frames, other_frames, masks),
            }

    def _identity(self, donor: str, seen: Seen, other: Seen) -> Row:
        others = {
            name: descriptors
            for name, descriptors in self.people.items()
            if name == donor or name.partition("-")[0] != donor.partition("-")[0]
        }
        gallery = {**others, "the clip's own person": seen.descriptors}
        return {
            "near": figures.nearest_share(other.descriptors, gallery, donor),
            "donor": figures.distances(other.descriptors, self.people[donor]),
            "target": figures.distances(other.descriptors, seen.descriptors, leave_same=True),
        }


def _geometry(seen: Seen, other: Seen) -> Row:
    return {
        "dyn": figures.dynamics_error(seen.mesh, other.mesh),
        "acc": figures.acceleration_ratio(seen.mesh, other.mesh),
        "bs-dyn": figures.blendshape_error(seen.blendshapes, other.blendshapes, less_mean=True),
        "bs": figures.blendshape_error(seen.blendshapes, other.blendshapes, less_mean=False),
        "nme": figures.landmark_error(seen.mesh, other.mesh, figures.iod_mesh(seen.mesh)),
        "nme68": figures.landmark_error(seen.points, other.points, figures.iod_68(seen.points)),
        "lost": float((seen.found & ~other.found).sum()),
    }


def judge_variant(judge: Judge, trackers: Trackers, variant: str) -> dict[str, Row]:
    """Rows of all outputs of one variant, by "DONOR on CLIP"."""
    files: dict[str, list[Path]] = {}
    for path in sorted((judge.folder / variant).glob("*__*.mkv")):
        if ".partial" not in path.name:
            files.setdefault(path.stem.split("__")[1], []).append(path)
    rows: dict[str, Row] = {}
    for clip, paths in files.items():
        donors = [path.stem.split("__")[0] for path in paths]
        loads = [lambda p=path: (trackers.see_file(p), read_clip(p)) for path in paths]
        for donor, row in zip(
            donors, judge.judge_clip(clip, list(zip(donors, loads, strict=True))), strict=True
        ):
            rows[f"{donor} on {clip}"] = row
    return rows


def judge_controls(judge: Judge, trackers: Trackers) -> dict[str, Row]:
    """What the figures say of outputs whose fault is known.

    copied: the target itself; every error must be 0 and every ratio 1. late: one frame behind;
    dyn and flow must grow. jittered: each frame moved by up to a pixel at random; acc and flow
    must grow. frozen: every other frame shown twice; flow must grow. repainted: the same face
    paler, in other colours; nothing moved, so its dyn and nme are the trackers' own noise.
    """
    noise = np.random.default_rng(7)
    makers: dict[str, Callable[[list[Picture]], list[Picture]]] = {
        "copied": lambda frames: frames,
        "late": lambda frames: [frames[0], *frames[:-1]],
        "jittered": lambda frames: [_shift(f, noise.uniform(-1, 1, 2)) for f in frames],
        "frozen": lambda frames: [frames[i - i % 2] for i in range(len(frames))],
        "repainted": _repaint,
    }
    rows: dict[str, Row] = {}
    donor = next(iter(judge.people))
    for path in sorted((judge.folder / "targets").glob("*.mkv")):
        frames = read_clip(path)
        made = {name: make(frames) for name, make in makers.items()}
        loads = [(donor, lambda out=out: (trackers.see(out), out)) for out in made.values()]
        for name, row in zip(made, judge.judge_clip(path.stem, loads), strict=True):
            rows[f"{name}: {path.stem}"] = row
    return rows


def _repaint(frames: list[Picture]) -> list[Picture]:
    curve = 255 * (np.arange(256) / 255) ** np.array([[1.3], [0.8], [0.6]])
    return [
        np.stack([cv2.LUT(frame[..., c], curve[c].astype(np.uint8)) for c in range(3)], axis=-1)
        for frame in frames
    ]


def _shift(frame: Picture, by: NDArray[np.float64]) -> Picture:
    matrix = np.array([[1, 0, by[0]], [0, 1, by[1]]])
    size_wh = frame.shape[1], frame.shape[0]
    return cv2.warpAffine(
        frame, matrix, size_wh, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def summarise(rows: dict[str, Row]) -> dict[str, Row]:
    """Mean, median and the range of each column over the rows."""
    values = {
        column: [row[column] for row in rows.values() if math.isfinite(row[column])]
        for column in _COLUMNS
    }
    kinds: dict[str, Callable[[list[float]], float]] = {
        "mean": statistics.fmean,
        "median": statistics.median,
        "lowest": min,
        "highest": max,
    }
    summary = {
        kind: {name: reduce(seen) if seen else math.nan for name, seen in values.items()}
        for kind, reduce in kinds.items()
    }
    for row in summary.values():
        row["lost"] = sum(values["lost"])
    return summary


def print_table(title: str, rows: dict[str, Row], *, brief: bool) -> dict[str, Row]:
    """Print rows and their summary; return the summary."""
    summary = summarise(rows)
    shown = {} if brief else rows
    width = max(len(name) for name in [*shown, "highest"])
    widths = {name: len(form.format(0.0)) for name, form in _COLUMNS.items()}
    print(f"\n{title}: {len(rows)} clips")
    print(" " * width, *(name.rjust(widths[name]) for name in _COLUMNS))
    for name, row in [*shown.items(), *summary.items()]:
        print(name.ljust(width), *(form.format(row[key]) for key, form in _COLUMNS.items()))
    return summary


def main() -> None:
    """Judge the set named on the command line."""
    parser = argparse.ArgumentParser(description="Judge a rendered set of swaps.")
    parser.add_argument("set", type=Path, help="folder that render.py wrote")
    parser.add_argument("variants", nargs="*", help="which variants (default: all that are there)")
    parser.add_argument(
        "--task",
        type=Path,
        default=os.environ.get("FACE_LANDMARKER_TASK"),
        help="face_landmarker.task; also from the variable FACE_LANDMARKER_TASK",
    )
    parser.add_argument("--mode", choices=("video", "image"), default="video")
    parser.add_argument("--every", type=int, default=5, help="descriptors at every n-th frame")
    parser.add_argument("--controls", action="store_true", help="judge known faults instead")
    parser.add_argument("--brief", action="store_true", help="print the summary alone")
    parser.add_argument("--json", type=Path, help="write rows and summaries to this file")
    options = parser.parse_args()
    if options.task is None or not options.task.is_file():
        parser.error("--task: no face_landmarker.task; docs/quality.md says how to get it")

    trackers = Trackers(options.task, options.mode, options.every, options.set / ".judge")
    judge = Judge(options.set, trackers)
    clips = sorted(path.stem for path in (options.set / "targets").glob("*.mkv"))
    print(f"set: {len(judge.people)} identities, {len(clips)} target clips ({', '.join(clips)})")
    results = {}
    if options.controls:
        rows = judge_controls(judge, trackers)
        for name in dict.fromkeys(key.partition(":")[0] for key in rows):
            part = {key: row for key, row in rows.items() if key.startswith(name)}
            results[name] = {"rows": part, "summary": print_table(name, part, brief=options.brief)}
    else:
        found = sorted(
            path.name
            for path in options.set.iterdir()
            if path.is_dir() and any(path.glob("*__*.mkv"))
        )
        for variant in options.variants or found:
            rows = judge_variant(judge, trackers, variant)
            results[variant] = {
                "rows": rows,
                "summary": print_table(variant, rows, brief=options.brief),
            }
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
