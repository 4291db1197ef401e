"""No way from an engine to a file goes round the seal."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import skimage.data

import masquerade
from masquerade.core.disclosure import Disclosure
from masquerade.engine import Engine, swap_image
from masquerade.engine.origin import engine_report, state_origin
from masquerade.trust.inspection import inspect_file
from masquerade.trust.report import Errand

PACKAGE = Path(masquerade.__file__).parent


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1])


def test_the_library_signs_whatever_the_caller_states(photo, tmp_path):
    own = Disclosure(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>", {"comment": "mine"})
    for disclosure in (None, own):
        swap_image(photo, photo, tmp_path / "a.png", overwrite=True, disclosure=disclosure)
        found = inspect_file(tmp_path / "a.png")
        assert found.state == "trusted"
        assert found.latest is not None
        assert found.latest.actions == ("c2pa.created",)  # an array is no file


def test_what_others_state_is_in_the_credentials(photo, tmp_path):
    with Engine(photo) as engine:
        engine.ledger.statements["watermark"] = {"payload": "00c0ffee"}
        pixels, _report = engine.swap_picture(photo)
        disclosure = state_origin(engine)
        engine.ledger.statements["content"] = {"checked": True}  # late, but before the end
        from masquerade.media.image import Picture, write_image

        write_image(tmp_path / "a.jpg", Picture(pixels), pixels, disclosure)
    found = inspect_file(tmp_path / "a.jpg")
    assert found.latest is not None
    assert found.latest.statements["watermark"] == {"payload": "00c0ffee"}
    assert found.latest.statements["content"] == {"checked": True}


def test_figures_are_those_of_the_latest_work(photo):
    with Engine(photo) as engine:
        assert engine_report(engine)["figures"] == {}
        engine.swap_picture(photo)
        engine.swap_picture(np.zeros((64, 64, 3), np.uint8), allow_no_face=True)
        figures = engine_report(engine)["figures"]
    names = ("frames", "faces_swapped", "frames_without_face")
    assert [figures[name] for name in names] == [1, 0, 1]


def test_an_input_that_is_gone_is_told(photo, tmp_path):
    with Engine(photo) as engine, pytest.raises(masquerade.InputError, match="be read any more"):
        engine_report(engine, Errand(target=tmp_path / "gone.mp4"))


def test_no_program_states_an_origin_without_its_seal():
    """``build_disclosure`` makes the metadata alone; engine/origin.py is who may call it.

    And a node of the farm, whose pictures the driver's machine seals before they have their names.
    """
    callers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\bbuild_disclosure\(", path.read_text(encoding="utf-8"))
    }
    assert callers == {"engine/origin.py", "trust/metadata.py", "apps/farm/drawn_batch.py"}
