"""The figures of swap quality, each as one pure function of what the trackers saw.

Convention: T frames. A mesh track is float (T, 478, 3) in pixels, rows of NaN where no face was
found; a 68-point track is (T, 68, 2). ``iod`` is the inter-ocular distance of the *target*: from
the middle of one eye's two corners to the middle of the other's, 3D for the mesh, so that a
turned head does not inflate the figures. Figures over frames use those in which both faces were
found; faces that were lost are a figure of their own.
"""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "acceleration_ratio",
    "blendshape_error",
    "distances",
    "dynamics_error",
    "face_mask",
    "flicker_ratio",
    "flow_error",
    "flows",
    "iod_68",
    "iod_mesh",
    "landmark_error",
    "nearest_share",
]

_EYES_MESH = ((33, 133), (362, 263))
_EYES_68 = ((36, 39), (42, 45))
_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
Array = NDArray[np.floating]
Picture = NDArray[np.uint8]


def _iod(points: Array, eyes: tuple[tuple[int, int], tuple[int, int]]) -> Array:
    one, other = (points[:, list(corners)].mean(axis=1) for corners in eyes)
    return np.linalg.norm(one - other, axis=-1)


def iod_mesh(mesh: Array) -> Array:
    """Inter-ocular distance of a mesh track in pixels, (T,), 3D."""
    return _iod(mesh, _EYES_MESH)


def iod_68(points: Array) -> Array:
    """Inter-ocular distance of a 68-point track in pixels, (T,), 2D."""
    return _iod(points, _EYES_68)


def _rotations(mesh: Array) -> Array:
    """Rotation (T, 3, 3) of each frame's mesh against the clip's mean shape (Kabsch).

    The mean shape is found in two rounds: the first frame as reference, then the mean of all
    meshes brought into it.
    """
    unit = (mesh - mesh.mean(axis=1, keepdims=True)) / iod_mesh(mesh)[:, None, None]
    reference = unit[0]
    for _ in range(2):
        u, _, vt = np.linalg.svd(np.einsum("tij,ik->tjk", unit, reference))
        sign = np.linalg.det(u @ vt)
        u[..., -1] *= sign[:, None]
        rotation = u @ vt  # unit @ rotation lies on the reference
        reference = (unit @ rotation).mean(axis=0)
    return rotation


def dynamics_error(target: Array, output: Array) -> float:
    """dyn: how far pose and expression are not followed, % of the inter-ocular distance.

    The offset of each landmark (output less target, 3D) is divided by the frame's inter-ocular
    distance and turned into the target's pose frame; its mean over the clip, which is another
    face's shape, is taken away; the figure is the mean length of what is left, in the face's
    frontal plane (depth is the trackers' guess).
    """
    both = _both(target, output)
    target, output = target[both], output[both]
    if len(target) < 2:
        return float("nan")
    offset = (output - target) / iod_mesh(target)[:, None, None]
    offset = offset @ _rotations(target)
    offset -= offset.mean(axis=0, keepdims=True)
    return 100 * float(np.linalg.norm(offset[..., :2], axis=-1).mean())


def landmark_error(target: Array, output: Array, iod: Array) -> float:
    """nme: mean 2D distance of output and target landmarks, % of the inter-ocular distance.

    Meant at shape 0, where the output is to have the target's own geometry.
    """
    both = _both(target, output)
    distance = np.linalg.norm(output[both, :, :2] - target[both, :, :2], axis=-1)
    return _mean(100 * distance / iod[both, None])


def acceleration_ratio(target: Array, output: Array) -> float:
    """acc: mean second difference of the 2D landmarks over time, output / target.

    Below 1 the output lags or is smoothed, above 1 it jitters.
    """
    both = _both(target, output)
    runs = both[:-2] & both[1:-1] & both[2:]

    def mean_acceleration(track: Array) -> float:
        second = track[2:, :, :2] - 2 * track[1:-1, :, :2] + track[:-2, :, :2]
        return _mean(np.linalg.norm(second[runs], axis=-1))

    return mean_acceleration(output) / max(mean_acceleration(target), 1e-6)


def blendshape_error(target: Array, output: Array, *, less_mean: bool) -> float:
    """Mean |output - target| of the 51 blendshapes after ``_neutral``, (T, 52) each.

    With ``less_mean`` (bs_dyn) the mean difference of the clip, which is another face's resting
    look, is taken away first.
    """
    both = np.isfinite(target[:, 0]) & np.isfinite(output[:, 0])
    difference = (output - target)[both, 1:]
    if less_mean and len(difference):
        difference = difference - difference.mean(axis=0, keepdims=True)
    return _mean(np.abs(difference))


def face_mask(points: Array, size_wh: tuple[int, int]) -> Picture:
    """255 inside the face oval of one mesh (478, 3), 0 outside; uint8 (H, W)."""
    mask = np.zeros((size_wh[1], size_wh[0]), np.uint8)
    cv2.fillPoly(mask, [np.rint(points[list(_OVAL), :2]).astype(np.int32)], 255)
    return mask


def flows(frames: list[Picture]) -> list[NDArray[np.float32]]:
    """Optical flow from each frame to the next, (T-1) x float32 (H, W, 2): DIS, medium preset."""
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in frames]
    return [dis.calc(a, b, None) for a, b in itertools.pairwise(grey)]


def flow_error(
    target: list[NDArray[np.float32]],
    output: list[NDArray[np.float32]],
    masks: list[Picture | None],
    iod: Array,
) -> float:
    """flow: mean |flow of the output - flow of the target| in the face, % of the iod.

    Shimmer and lag both cost. ``masks`` are the target's face ovals, None where there is none.
    """
    errors = [
        100 * float(np.linalg.norm(o - t, axis=-1)[mask > 0].mean()) / d
        for t, o, mask, d in zip(target, output, masks, iod, strict=False)
        if mask is not None
    ]
    return _mean(np.array(errors))


def flicker_ratio(
    target: list[Picture], output: list[Picture], masks: list[Picture | None]
) -> float:
    """flicker: mean frame-to-frame |difference| of the pixels in the face, output / target.

    Freezing scores low, so this is a range around 1, not a minimum.
    """

    def total(frames: list[Picture]) -> float:
        return sum(
            float(cv2.absdiff(b, a)[mask > 0].mean())
            for a, b, mask in zip(frames, frames[1:], masks, strict=False)
            if mask is not None
        )

    return total(output) / max(total(target), 1e-6)


def distances(output: Array, reference: Array, *, leave_same: bool = False) -> float:
    """Mean Euclidean distance of all pairs of descriptors, (N, 128) and (M, 128).

    With ``leave_same`` the pairs of the same row are left out: a frame is compared with the
    other frames of the target clip, never with itself.
    """
    matrix = np.linalg.norm(output[:, None] - reference[None], axis=-1)
    if leave_same:
        np.fill_diagonal(matrix, np.nan)
    return _mean(matrix)


def nearest_share(output: Array, gallery: dict[str, Array], donor: str) -> float:
    """Share of output descriptors whose nearest gallery person is the donor, in %.

    A gallery person is (M, 128) descriptors; the distance to the person is the mean over them.
    """
    output = output[np.isfinite(output[:, 0])]
    if not len(output):
        return float("nan")
    names = list(gallery)
    per_person = [
        np.nanmean(np.linalg.norm(output[:, None] - gallery[name][None], axis=-1), axis=1)
        for name in names
    ]
    nearest = np.argmin(np.array(per_person), axis=0)
    return 100 * float(np.mean(nearest == names.index(donor)))


def _both(target: Array, output: Array) -> NDArray[np.bool_]:
    return np.isfinite(target[:, 0, 0]) & np.isfinite(output[:, 0, 0])


def _mean(values: Array) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else float("nan")
