"""What the judge sees: MediaPipe's FaceLandmarker, dlib's 68 points, dlib's ResNet descriptor.

None of these, in these builds, is part of the product.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import dlib
import face_recognition_models
import mediapipe as mp
import numpy as np
from clips import read_clip, read_picture
from mediapipe.tasks.python import BaseOptions, vision
from numpy.typing import NDArray

__all__ = ["Seen", "Trackers"]

Array = NDArray[np.floating]
Picture = NDArray[np.uint8]
_VERSION = "2"
_MS_PER_FRAME = 40


@dataclass(frozen=True, slots=True)
class Seen:
    """One clip as the trackers see it; NaN where no face was found.

    Attributes:
        mesh: (T, 478, 3) pixels.
        blendshapes: (T, 52).
        points: (T, 68, 2) pixels, dlib.
        descriptors: (N, 128), dlib's ResNet at every n-th frame.
    """

    mesh: Array
    blendshapes: Array
    points: Array
    descriptors: Array

    @property
    def found(self) -> NDArray[np.bool_]:
        """(T,) whether MediaPipe found a face."""
        return np.isfinite(self.mesh[:, 0, 0])


class Trackers:
    """The three trackers, with a cache of what they said of a file (by its content).

    Args:
        task: path of ``face_landmarker.task``.
        mode: "video" tracks from frame to frame as MediaPipe does by default for video;
            "image" searches each frame anew.
        every: descriptors are taken at every n-th frame.
        cache: folder for the cache, None for no cache.
    """

    def __init__(self, task: Path, mode: str, every: int, cache: Path | None) -> None:
        self._task, self._mode, self._every, self._cache = task, mode, every, cache
        self._detector = dlib.get_frontal_face_detector()
        self._shape = dlib.shape_predictor(face_recognition_models.pose_predictor_model_location())
        self._net = dlib.face_recognition_model_v1(
            face_recognition_models.face_recognition_model_location()
        )

    def see_file(self, path: Path) -> Seen:
        """Track a clip's file, from the cache where its content is known."""
        if self._cache is None:
            return self.see(read_clip(path))
        digest = hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()[:20]
        kept = self._cache / f"{digest}-{self._mode}-{self._every}-v{_VERSION}.npz"
        if kept.exists():
            with np.load(kept) as data:
                return Seen(**{item.name: data[item.name] for item in fields(Seen)})
        seen = self.see(read_clip(path))
        self._cache.mkdir(parents=True, exist_ok=True)
        np.savez(kept, **{item.name: getattr(seen, item.name) for item in fields(Seen)})
        return seen

    def see(self, frames: list[Picture]) -> Seen:
        """Track frames, uint8 (H, W, 3) BGR."""
        mesh = np.full((len(frames), 478, 3), np.nan)
        blendshapes = np.full((len(frames), 52), np.nan)
        points = np.full((len(frames), 68, 2), np.nan)
        descriptors = []
        with self._landmarker() as landmarker:
            for index, frame in enumerate(frames):
                rgb = np.ascontiguousarray(frame[..., ::-1])
                self._see_mesh(landmarker, rgb, index, mesh, blendshapes)
                box = self._box(rgb, mesh[index])
                shape = self._shape(rgb, box) if box else None
                if shape:
                    points[index] = [(p.x, p.y) for p in shape.parts()]
                if index % self._every == 0:
                    descriptors.append(self._describe(rgb, shape))
        return Seen(mesh, blendshapes, points, np.array(descriptors))

    def describe_photo(self, path: Path) -> Array:
        """Descriptor (1, 128) of the most prominent face of a photo."""
        picture = read_picture(path)
        scale = min(1.0, 1024 / max(picture.shape[:2]))
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        rgb = np.ascontiguousarray(picture[..., ::-1])
        boxes = self._detector(rgb, 1)
        if not boxes:
            raise SystemExit(f"dlib finds no face in {path.name}; it cannot be a donor of the set.")
        box = max(boxes, key=lambda item: item.area())
        return self._describe(rgb, self._shape(rgb, box))[None]

    def _landmarker(self) -> vision.FaceLandmarker:
        running = {"video": vision.RunningMode.VIDEO, "image": vision.RunningMode.IMAGE}[self._mode]
        options = vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(self._task)),
            running_mode=running,
            output_face_blendshapes=True,
        )
        return vision.FaceLandmarker.create_from_options(options)

    def _see_mesh(
        self,
        landmarker: vision.FaceLandmarker,
        rgb: Picture,
        index: int,
        mesh: Array,
        blendshapes: Array,
    ) -> None:
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=rgb)
        if self._mode == "video":
            result = landmarker.detect_for_video(image, index * _MS_PER_FRAME)
        else:
            result = landmarker.detect(image)
        if result.face_landmarks:
            height, width = rgb.shape[:2]
            scale = (width, height, width)
            mesh[index] = [
                (p.x * scale[0], p.y * scale[1], p.z * scale[2]) for p in result.face_landmarks[0]
            ]
            blendshapes[index] = [item.score for item in result.face_blendshapes[0]]

    def _box(self, rgb: Picture, mesh: Array) -> dlib.rectangle | None:
        """dlib's own detection; where it has none, the box of the mesh in dlib's proportions.

        The picture is brought to a face of about 150 px first, which the detector likes and
        which makes its cost independent of the frame's size.
        """
        if not np.isfinite(mesh[0, 0]):
            return None
        low, high = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
        size = float((high - low).max())
        x0, y0 = np.maximum(np.floor(low - 0.6 * size), 0).astype(int)
        x1, y1 = np.ceil(high + 0.6 * size).astype(int)
        crop = rgb[y0:y1, x0:x1]
        scale = 150 / size
        small = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        boxes = self._detector(small, 0)
        if boxes:
            box = max(boxes, key=lambda item: item.area())
            edges = np.array([box.left(), box.top(), box.right(), box.bottom()]) / scale
            edges += (x0, y0, x0, y0)
        else:
            centre = (low + high) / 2 + (0, 0.02 * size)
            edges = np.concatenate([centre - 0.42 * size, centre + 0.42 * size])
        return dlib.rectangle(*(int(value) for value in edges))

    def _describe(self, rgb: Picture, shape: dlib.full_object_detection | None) -> Array:
        if shape is None:
            return np.full(128, np.nan)
        return np.array(self._net.compute_face_descriptor(rgb, shape))
