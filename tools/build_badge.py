"""Rebuild the label's glyphs: two words as alpha pictures, drawn from Noto Sans CJK Bold.

    python tools/build_badge.py /usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc

The font (Debian's fonts-noto-cjk, SIL Open Font License 1.1) is not shipped: what is kept are
pictures of six characters, trimmed to their ink, at a size that 8K video needs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_ASSETS = Path(__file__).resolve().parents[1] / "src" / "masquerade" / "trust" / "assets"
_WORDS = {"small": "AI", "gb45438": "AI生成"}
_INK_HEIGHT_PX = 240
_SIMPLIFIED_CHINESE = 2


def _draw(word: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    canvas = Image.new("L", (font.size * (len(word) + 2), font.size * 3))
    ImageDraw.Draw(canvas).text((font.size, font.size), word, fill=255, font=font)
    return canvas.crop(canvas.getbbox())


def main() -> None:
    """Write one grey PNG per word; white is ink."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("font", type=Path)
    font_path = parser.parse_args().font
    _ASSETS.mkdir(exist_ok=True)
    for name, word in _WORDS.items():
        big = ImageFont.truetype(str(font_path), 512, index=_SIMPLIFIED_CHINESE)
        ink = _draw(word, big)
        width = round(ink.width * _INK_HEIGHT_PX / ink.height)
        picture = ink.resize((width, _INK_HEIGHT_PX), Image.Resampling.LANCZOS)
        path = _ASSETS / f"{name}.png"
        picture.save(path, optimize=True)
        print(f"{path.name}: {picture.width}x{picture.height}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
