"""Enrol a person once, from several photos, and use the saved identity afterwards.

python examples/save_identity.py me.mqid photo1.jpg photo2.jpg photo3.jpg
"""

from __future__ import annotations

import sys

from masquerade import Identity

file, *photos = sys.argv[1:]
identity = Identity.from_photos(photos, name="me")
for sentence in identity.advice:
    print(f"for a better likeness: {sentence}")
identity.save(file)

again = Identity.load(file)  # a plain file of numbers and pictures: nothing in it is executed
print(f"{file}: {again.name}, {again.photos} photos, about {again.attributes.age:.0f} years old")
