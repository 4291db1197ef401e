"""Swap the face of one picture.

python examples/swap_picture.py me.jpg holiday.jpg out.png
"""

from __future__ import annotations

import sys

from masquerade import MasqueradeError, swap_image

donor, target, output = sys.argv[1:4]
try:
    pixels = swap_image(donor, target, output)
except MasqueradeError as error:  # one tree of errors: each says what is wrong and what to do
    sys.exit(str(error))
print(f"wrote {output}: {pixels.shape[1]}x{pixels.shape[0]} pixels")
