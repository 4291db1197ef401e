"""MediaPipe's FaceLandmarker on the frames of speed.py; runs in an environment of its own.

Started by speed.py with: FRAMES.npy TASK. For every line on its input it goes once through the
frames in video mode and prints one JSON line: milliseconds of wall and CPU time per frame.
"""

from __future__ import annotations

import json
import sys
import time

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision


def main() -> None:
    frames = [np.ascontiguousarray(f[..., ::-1]) for f in np.load(sys.argv[1])]
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=sys.argv[2]),
        running_mode=vision.RunningMode.VIDEO,
        num_faces=1,
    )
    landmarker = vision.FaceLandmarker.create_from_options(options)
    stamp_ms = 0
    for line in sys.stdin:
        count, found = int(line), 0
        period = max(1, 2 * len(frames) - 2)
        wall, cpu = time.perf_counter(), time.process_time()
        for seq in range(count):
            at = seq % period
            pixels = frames[at if at < len(frames) else period - at]
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=pixels)
            stamp_ms += 40
            found += bool(landmarker.detect_for_video(image, stamp_ms).face_landmarks)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(
            json.dumps(
                {"wall_ms": 1e3 * wall / count, "cpu_ms": 1e3 * cpu / count, "found": found}
            ),
            flush=True,
        )


main()
