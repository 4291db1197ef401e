"""What it costs to look at every picture that a network draws, and to put tiles together.

    .venv/bin/python benchmarks/watched.py [--rounds 100]

The first is done after each run of a swapper, an enhancer or an upscaler (``runtime/watched.py``),
the second for each picture that is enhanced as a whole (``runtime/tiles.py``): here the network
gives back a ready tile, so that the reduction and the fading alone are timed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import cv2
import numpy as np

from masquerade.models.upscaler import TILE_STEP
from masquerade.runtime.tiles import enhance_tiled, fitted_side
from masquerade.runtime.watched import picture_fault
from measuring import Spread, machine

_SIDES = (128, 256, 512, 1024)
_FILM_WH = (1920, 1080)
_OVERLAP = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    print(machine())
    random = np.random.default_rng(0)
    for dtype in (np.float32, np.float16):
        for side in _SIDES:
            picture = random.random((1, 3, side, side), np.float32).astype(dtype)
            cost = timed(lambda x=picture: picture_fault([x], [x]), rounds)
            print(f"looking at {side}x{side} {np.dtype(dtype).name}: {cost.median:.3f} ms")
    film = random.integers(0, 255, (_FILM_WH[1], _FILM_WH[0], 3), np.uint8)
    for most in (256, 512, 1024):
        high, wide = (fitted_side(side, most, _OVERLAP, TILE_STEP) for side in film.shape[:2])
        large = random.integers(0, 255, (2 * high, 2 * wide, 3), np.uint8)
        fed_px = [0]

        def ready(
            piece: np.ndarray, large: np.ndarray = large, fed_px: list[int] = fed_px
        ) -> np.ndarray:
            fed_px[0] += piece.size // 3
            size_wh = (piece.shape[1], piece.shape[0])
            return cv2.resize(large, size_wh, interpolation=cv2.INTER_AREA)

        def tiled(ready: Callable = ready, tile_hw: tuple[int, int] = (high, wide)) -> np.ndarray:
            return enhance_tiled(ready, film, tile_hw, _OVERLAP)

        tiled()
        share = fed_px[0] / (_FILM_WH[0] * _FILM_WH[1])
        print(
            f"tiles of {wide}x{high} put together to {_FILM_WH[0]}x{_FILM_WH[1]}: "
            f"{timed(tiled, max(3, rounds // 10))} ms; the network draws {share:.2f} pictures"
        )


def timed(run: Callable[[], object], rounds: int) -> Spread:
    """Milliseconds of a call."""
    run()
    took_ms = []
    for _ in range(rounds):
        started_s = time.perf_counter()
        run()
        took_ms.append(1e3 * (time.perf_counter() - started_s))
    return Spread.of(took_ms)


if __name__ == "__main__":
    main()
