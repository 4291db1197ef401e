from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masquerade.geometry.raster import Grid, rasterise, unwrap_weights
from masquerade.models.canonical import CANONICAL

SQUARE = np.array([[0, 0], [40, 0], [40, 30], [0, 30]], np.float32)
# Counter-clockwise to the eye, y down: what MediaPipe's mesh has.
FRONT = np.array([[0, 2, 1], [0, 3, 2]], np.int32)
BACK = FRONT[:, [0, 2, 1]]


@given(
    st.integers(0, 50), st.integers(0, 50), st.integers(4, 90), st.integers(4, 90),
    st.integers(1, 9),
)  # fmt: skip
def test_enlarging_cell_centres_gives_every_pixel_its_own_place(
    x: int, y: int, width: int, height: int, step: int
) -> None:
    grid = Grid((x, y, x + width, y + height), step)
    full = grid.enlarge(grid.centres())
    assert full.shape == (height, width, 2)
    expected = np.stack(np.meshgrid(np.arange(x, x + width), np.arange(y, y + height)), -1)
    assert np.abs(full - expected).max() < 1e-3


@given(
    st.integers(1, 7), st.integers(0, 20), st.integers(0, 20), st.integers(30, 60),
    st.integers(30, 60),
)  # fmt: skip
def test_a_part_of_a_grid_holds_the_same_cells(
    step: int, x: int, y: int, right: int, bottom: int
) -> None:
    grid = Grid((10, 10, 80, 80), step)
    part, where = grid.part((10 + x, 10 + y, 10 + right, 10 + bottom))
    assert np.allclose(grid.centres()[where], part.centres())
    x0, y0, x1, y1 = part.box
    assert x0 <= 10 + x and y0 <= 10 + y and x1 >= 10 + right and y1 >= 10 + bottom
    assert x1 <= 80 and y1 <= 80


@given(st.integers(0, 2**32 - 1))
def test_interpolation_is_exact_for_what_is_linear(seed: int) -> None:
    rng = np.random.default_rng(seed)
    slope, offset = rng.normal(size=(2, 3)), rng.normal(size=3)
    surface = rasterise(SQUARE, np.zeros(4), FRONT, (31, 41))
    values = surface.interpolate((SQUARE @ slope + offset).astype(np.float32))
    ys, xs = np.mgrid[0:31, 0:41]
    expected = np.stack([xs, ys], -1) @ slope + offset
    inside = surface.triangle >= 0
    assert inside[1:-1, 1:-1].all()
    assert np.abs(values - expected)[inside].max() < 1e-3


def test_the_nearer_triangle_wins_whatever_the_order() -> None:
    points = np.concatenate([SQUARE, SQUARE])
    both = np.concatenate([FRONT, FRONT + 4])
    for near_first in (True, False):
        depth = np.repeat([0.0, 9.0] if near_first else [9.0, 0.0], 4)
        seen = rasterise(points, depth, both, (31, 41)).triangle[15, 20]
        assert (seen < 2) == near_first


def test_what_turns_its_back_is_not_drawn() -> None:
    assert (rasterise(SQUARE, np.zeros(4), BACK, (31, 41)).triangle == -1).all()


def test_cells_without_a_triangle_are_zero() -> None:
    surface = rasterise(SQUARE / 2, np.zeros(4), FRONT, (31, 41))
    assert (surface.interpolate(np.full((4, 1), 7, np.float32))[25:, 30:] == 0).all()


@pytest.mark.parametrize("size", [32, 64])
def test_an_atlas_is_placed_on_the_mesh_it_came_from(size: int) -> None:
    vertices, weights, covered = unwrap_weights(CANONICAL.uv, CANONICAL.tri, size)
    assert np.allclose(weights.sum(1), 1, atol=1e-5)
    assert (weights >= 0).all()
    at = np.einsum("tkc,tk->tc", CANONICAL.uv[vertices], weights).reshape(size, size, 2)
    ys, xs = np.mgrid[0:size, 0:size]
    expected = (np.stack([xs, ys], -1) + 0.5) / size
    # The rim's texels may lie a texel outside their triangle.
    error = np.abs(at - expected)[covered]
    assert error.max() < 2 / size
    assert error.mean() < 0.15 / size
    assert 0.5 < covered.mean() < 0.95
