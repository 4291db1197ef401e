"""Swap the face of a video and show how far it is.

python examples/swap_video.py me.jpg holiday.mp4 out.mp4
"""

from __future__ import annotations

import sys

from masquerade import Progress, Settings, VideoOptions, swap_video


def show(progress: Progress) -> None:
    left = "" if progress.eta_s is None else f", {progress.eta_s:.0f} s left"
    print(
        f"\r{progress.done} of {progress.total} frames, {progress.fps:.0f} a second{left}   ",
        end="",
    )


donor, target, output = sys.argv[1:4]
report = swap_video(
    donor,
    target,
    output,
    settings=Settings(shape=0.5),  # half of the donor's face shape
    options=VideoOptions(quality=90, end_s=60),  # the first minute
    progress=show,
)
print(f"\n{report.faces_swapped} faces on {report.frames} frames, {report.fps:.0f} a second")
for name, value_ms in report.timings_ms.items():
    print(f"  {name:10s} {value_ms:6.2f} ms")
