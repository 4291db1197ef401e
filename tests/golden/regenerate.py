# ruff: noqa: T201 - a command speaks
"""Draw the golden pictures anew and show what changed.

    python tests/golden/regenerate.py [--all] [--sheet changes.png] [NAME ...]

Prints how far each picture moved, and keeps those that moved within the tolerance unless
``--all`` is given. The sheet has a row for each that did: before, after, and the
difference four times as strong. Look at it before you commit.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from golden_cases import CASES, MEAN_LEVELS, MOST_LEVELS, distance, stored


def compared(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """One row of the sheet."""
    off = np.clip(4 * np.abs(before.astype(np.int16) - after), 0, 255).astype(np.uint8)
    return np.hstack([before, after, off])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--sheet", type=Path, help="where to draw what changed")
    parser.add_argument("--all", action="store_true", help="also where the change is tolerable")
    options = parser.parse_args()
    rows = []
    for name in options.names or CASES:
        path, now = stored(name), CASES[name]()
        before = cv2.imread(str(path)) if path.exists() else None
        if before is None or before.shape != now.shape:
            print(f"{name}: new, {now.shape[1]}x{now.shape[0]}")
            before = np.zeros_like(now)
        else:
            mean, most = distance(before, now)
            within = mean <= MEAN_LEVELS and most <= MOST_LEVELS
            verdict = "within tolerance" if within else "changed"
            print(f"{name}: mean {mean:.2f}, most {most:.0f} levels: {verdict}")
            if within and not options.all:
                continue
        rows.append(compared(before, now))
        cv2.imwrite(str(path), now, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if rows and options.sheet:
        width = max(row.shape[1] for row in rows)
        padded = [
            cv2.copyMakeBorder(row, 0, 4, 0, width - row.shape[1], cv2.BORDER_CONSTANT)
            for row in rows
        ]
        cv2.imwrite(str(options.sheet), np.vstack(padded))


if __name__ == "__main__":
    main()
