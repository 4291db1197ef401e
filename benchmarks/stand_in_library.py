"""A home of masquerade in which full-cost stand-ins are installed as if they were the models."""

from __future__ import annotations

import os
from pathlib import Path

KINDS = {
    "inswapper_128": "inswapper",
    "gfpgan_1.4": "gfpgan",
    "det_10g": "scrfd_10g",
    "w600k_r50": "arcface_r50",
}
"""The stand-in of each model."""


def use_stand_ins(folder: Path | None = None) -> Path:
    """Make that home this process's own; it is filled at the first call (a gigabyte).

    Call it before anything else of masquerade looks for models. The files are random weights in
    the published graphs: they cost what the models cost and draw nothing that makes sense.
    """
    from masquerade.core.folders import cache_folder

    home = folder or cache_folder() / "stand-ins" / "home"
    os.environ["MASQUERADE_HOME"] = str(home)
    from masquerade.models.library import Library
    from masquerade.testing.networks.full_cost import write_full_cost

    library = Library()
    for name, kind in KINDS.items():
        if library.find(name) is None:
            library.licences.accept(library.spec(name))
            library.import_file(write_full_cost(kind), name, link=True)
    return home
