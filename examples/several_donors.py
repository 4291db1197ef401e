"""Give each person of a picture a donor of their own.

    python examples/several_donors.py group.jpg out.png anna.jpg=her_photo.jpg bob.jpg=his_photo.jpg

Before the equals sign stands the donor, after it a photo of the person who is replaced.
"""

from __future__ import annotations

import sys

import cv2

from masquerade import Engine, Settings

target, output, *pairs = sys.argv[1:]
donors = {f"person {n}": pair.split("=")[0] for n, pair in enumerate(pairs)}
references = {f"person {n}": pair.split("=")[1] for n, pair in enumerate(pairs)}

with Engine(donors, Settings(many_faces=True), references=references) as engine:
    pixels, report = engine.swap_picture(cv2.imread(target))
cv2.imwrite(output, pixels)
print(f"wrote {output}: {report.faces_swapped} faces swapped")
