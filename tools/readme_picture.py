"""Render the picture of the README from bundled portraits: python tools/readme_picture.py"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2

from masquerade import Settings
from masquerade.apps.cli import main
from masquerade.media.image import Picture, read_image, write_image
from masquerade.trust.metadata import build_disclosure

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "before-after.jpg"
WIDTH_PX = 1600


def render() -> None:
    """The demo's sheet, made narrower, as JPEG with its disclosure."""
    with tempfile.TemporaryDirectory() as folder:
        if main(["demo", "-o", folder]) != 0:
            raise SystemExit("the demo failed")
        sheet = read_image(Path(folder) / "before-after.png").pixels
    height = round(sheet.shape[0] * WIDTH_PX / sheet.shape[1])
    small = cv2.resize(sheet, (WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    disclosure = build_disclosure(Settings(), consents={"donor": "public-domain"})
    write_image(PICTURE, Picture(small), small, disclosure, overwrite=True, quality=88)


if __name__ == "__main__":
    render()
