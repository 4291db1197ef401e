"""The statement of origin, read back with parsers that are not ours."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta, timezone

import pytest
from PIL import Image, PngImagePlugin

from masquerade import __version__
from masquerade.core.settings import Settings
from masquerade.trust.metadata import DIGITAL_SOURCE_TYPE, build_disclosure, settings_digest

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
TC260 = "{http://www.tc260.org.cn/ns/AIGC/1.0/}"
OWN = "{urn:masquerade:disclosure:1.0/}"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def properties(xmp: bytes) -> dict[str, str]:
    """The simple properties of a packet's only description."""
    (description,) = ET.fromstring(xmp).iter(f"{RDF}Description")
    return {item.tag: item.text or "" for item in description}


def test_the_packet_is_well_formed_and_says_what_the_file_is() -> None:
    said = properties(build_disclosure(Settings(), now=NOON).xmp)
    assert said[f"{EXT}DigitalSourceType"] == DIGITAL_SOURCE_TYPE
    assert said[f"{EXT}DigitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert said[f"{EXT}AISystemVersionUsed"] == __version__
    assert said[f"{XMP}CreatorTool"] == f"Masquerade {__version__}"
    assert said[f"{XMP}MetadataDate"] == "2026-11-22T12:00:00+00:00"
    assert said[f"{OWN}Label"] == "small"


def test_the_packet_has_the_frame_that_scanners_look_for() -> None:
    xmp = build_disclosure(Settings()).xmp
    assert xmp.startswith('<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'.encode())
    assert xmp.endswith(b'<?xpacket end="w"?>')


def test_pillow_reads_it_from_a_jpeg() -> None:
    buffer = io.BytesIO()
    xmp = build_disclosure(Settings()).xmp
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", xmp=xmp)
    assert Image.open(io.BytesIO(buffer.getvalue())).info["xmp"] == xmp


def test_tags_survive_png_text_chunks() -> None:
    tags = build_disclosure(Settings(label="gb45438")).tags
    text = PngImagePlugin.PngInfo()
    for key, value in tags.items():
        text.add_itxt(key, value)
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=text)
    read = Image.open(io.BytesIO(buffer.getvalue())).text
    assert {key: str(value) for key, value in read.items()} == dict(tags)


def test_leaving_the_label_out_is_recorded() -> None:
    disclosure = build_disclosure(Settings(label="none"))
    assert disclosure.tags["label"] == "none"
    assert properties(disclosure.xmp)[f"{OWN}Label"] == "none"
    assert disclosure.tags["digital_source_type"] == DIGITAL_SOURCE_TYPE


def test_gb45438_carries_the_seven_fields_in_both_places() -> None:
    disclosure = build_disclosure(Settings(label="gb45438"), produce_id="abc1")
    fields = json.loads(disclosure.tags["AIGC"])
    assert list(fields) == [
        "Label",
        "ContentProducer",
        "ProduceID",
        "ReservedCode1",
        "ContentPropagator",
        "PropagateID",
        "ReservedCode2",
    ]
    assert fields["Label"] == "1"
    assert fields["ProduceID"] == fields["PropagateID"] == "abc1"
    assert json.loads(properties(disclosure.xmp)[f"{TC260}AIGC"]) == fields


def test_every_output_has_its_own_produce_id() -> None:
    ids = {
        json.loads(build_disclosure(Settings(label="gb45438")).tags["AIGC"])["ProduceID"]
        for _ in range(5)
    }
    assert len(ids) == 5


@pytest.mark.parametrize("label", ["small", "none"])
def test_no_aigc_field_unless_asked_for(label: str) -> None:
    disclosure = build_disclosure(Settings(label=label))
    assert "AIGC" not in disclosure.tags
    assert f"{TC260}AIGC" not in properties(disclosure.xmp)


def test_donors_stay_nameless_and_the_basis_is_said() -> None:
    consents = {"aunt <Mary> & co": "given", "me.jpg": "self", "me2.jpg": "self"}
    disclosure = build_disclosure(Settings(), consents=consents)
    assert disclosure.tags["consent"] == "given, self"
    assert properties(disclosure.xmp)[f"{OWN}Consent"] == "given, self"
    assert b"Mary" not in disclosure.xmp


def test_the_date_is_written_in_utc() -> None:
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    assert build_disclosure(Settings(), now=tokyo).tags["disclosed_at"].startswith("2026-11-22T12:")


def test_the_digest_follows_the_settings() -> None:
    assert settings_digest(Settings()) == settings_digest(Settings())
    assert settings_digest(Settings()) != settings_digest(Settings(shape=0.1))


def test_brought_networks_are_named_and_built_in_ones_are_not():
    assert "models" not in build_disclosure(Settings()).tags
    settings = Settings(model="inswapper_128", enhancer=("gfpgan_1.4",))
    disclosure = build_disclosure(settings)
    assert disclosure.tags["models"] == "inswapper_128, gfpgan_1.4"
    system = b"<Iptc4xmpExt:AISystemUsed>Masquerade with inswapper_128, gfpgan_1.4<"
    assert system in disclosure.xmp
    lowered = build_disclosure(settings, models=["inswapper_128 (int8, cpu)"])
    assert lowered.tags["models"] == "inswapper_128 (int8, cpu)"
