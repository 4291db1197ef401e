"""A small swapper whose output layer is fitted, so that it draws faces and not noise.

Random weights say how long a network takes. They say little about what eight bits do to it, since
nothing in them hangs on anything. Here is a network of the same kind with a quarter of the
channels, whose last convolution is solved by least squares so that it returns the crop it is given,
softened, whoever the donor is: its picture rests on fitted sums over all of its layers, and what
rounding adds in them shows as it would in a trained network. The layers before are random still.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
import onnx

from masquerade.runtime.activation_ranges import visit_activations
from masquerade.testing.networks.full_swapper import draft_inswapper

WIDE, BLOCKS, BRANCH = 256, 4, 0.1
ROWS_PER_CROP = 4000
RIDGE = 1e-3
"""Of 1e-6 to 1e-2 the one that draws unseen crops best. Weaker ones fit the noise: their weights
are large, and eight bits lose up to 10 dB more."""
SOFT_PX = 2.0


def write_fitted(target: Path, feeds: list[dict], threads: int) -> None:
    """Write the network, its output layer fitted to these inputs."""
    model = draft_inswapper(wide=WIDE, blocks=BLOCKS, branch=BRANCH)
    last = [node for node in model.graph.node if node.op_type == "Conv"][-1]
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    shape = tuple(tensors[last.input[1]].dims)
    crops = iter(feeds)
    random = np.random.default_rng(0)
    size = int(np.prod(shape[1:])) + 1
    gram, moments = np.zeros((size, size)), np.zeros((size, shape[0]))

    def add(_: str, padded: np.ndarray) -> None:
        wanted = wanted_output(next(crops)["target"])
        picked = random.choice(wanted.shape[1] * wanted.shape[2], ROWS_PER_CROP, replace=False)
        rows = patches(padded[0], shape[2], picked)
        values = np.arctanh(2 * wanted.reshape(3, -1)[:, picked].T - 1)
        gram[:] += rows.T @ rows
        moments[:] += rows.T @ values

    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        visit_activations(model, [last.input[0]], feeds, Path(folder), add, threads=threads)
    gram[np.diag_indices(size)] += RIDGE * np.trace(gram) / size
    solution = np.linalg.solve(gram, moments).T.astype(np.float32)
    weights, bias = solution[:, :-1].reshape(shape), solution[:, -1]
    for name, values in zip(last.input[1:], (weights, bias), strict=True):
        tensors[name].CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
    target.write_bytes(model.SerializeToString())


def wanted_output(target: np.ndarray) -> np.ndarray:
    """(3, H, W), 0..1: the crop softened, since what is finer is lost at 32x32."""
    soft = cv2.GaussianBlur(target[0].transpose(1, 2, 0), (0, 0), SOFT_PX)
    return np.clip(soft, 0.02, 0.98).transpose(2, 0, 1)


def patches(padded: np.ndarray, side: int, picked: np.ndarray) -> np.ndarray:
    """What the kernel sees at some places, and 1 for the bias: (places, channels * side^2 + 1)."""
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
    y, x = np.divmod(picked, windows.shape[2])
    rows = windows[:, y, x].transpose(1, 0, 2, 3).reshape(len(picked), -1)
    return np.concatenate([rows, np.ones((len(picked), 1), np.float32)], axis=1)
