"""``inspect`` reads the invisible mark of what has lost everything else."""

from __future__ import annotations

from PIL import Image

from masquerade.apps.found_marks import compared, told
from masquerade.trust.watermark_reading import FoundMark


def test_a_copy_without_metadata_still_has_its_number(run, swap, astronaut):
    swap(astronaut, "out.png")
    whole = run("inspect", "out.png", "--json").json
    assert whole["mark"]["agrees"] is True
    with Image.open("out.png") as picture:
        picture.convert("RGB").resize((400, 400)).save("copy.jpg", quality=70)
    copy = run("inspect", "copy.jpg", "--json")
    assert (copy.code, copy.json["state"]) == (21, "none")
    assert copy.json["mark"]["number"] == whole["mark"]["number"]
    assert copy.json["mark"]["agrees"] is None
    assert "no invisible mark was found" in run("inspect", astronaut).out


def test_a_number_of_another_file_is_told():
    found = FoundMark(0x3F, 9.0)
    assert compared(found, {"number": "0003f"})["agrees"] is True
    assert compared(found, {"number": "1003f"})["agrees"] is False
    for nonsense in (None, [], {"scheme": "none"}, "0003f"):
        assert compared(found, nonsense)["agrees"] is None
    facts = compared(FoundMark(0x3F, 9.0, 1.5, 90, mirrored=True, pictures=8), None)
    assert facts["frames"] == 8
    assert told(facts) == (
        "invisible, number 0003f; it is a part of this picture, mirrored, turned by 90°"
    )
    assert told(compared(found, None)) == "invisible, number 0003f"
    assert compared(None, {"number": "0003f"}) == {"found": False}
