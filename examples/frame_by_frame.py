"""Swap frames that come from anywhere as NumPy arrays; here OpenCV reads them from a file.

python examples/frame_by_frame.py me.jpg holiday.mp4 last_frame.png
"""

from __future__ import annotations

import sys
import time

import cv2

from masquerade import Engine

donor, target, output = sys.argv[1:4]
video = cv2.VideoCapture(target)
with Engine(donor) as engine:
    shown, times_ms = None, []
    while True:
        there_is_one, frame = video.read()  # uint8 (H, W, 3) BGR, as the engine takes it
        if not there_is_one:
            break
        started = time.perf_counter()
        shown = engine.process(frame, pts=round(video.get(cv2.CAP_PROP_POS_MSEC)))
        times_ms.append(1000 * (time.perf_counter() - started))
if shown is None:
    sys.exit(f"{target} holds no frame.")
cv2.imwrite(output, shown)
print(f"{len(times_ms)} frames, {sorted(times_ms)[len(times_ms) // 2]:.1f} ms each")
