"""What is written into every output to say that it is a composite made with AI.

The source type is IPTC's ``compositeWithTrainedAlgorithmicMedia``: a composite of which at least
one element was made with trained algorithms. It is the right word although the mesh engine
invents no pixels: a face is drawn that was never before that camera, steered frame by frame by
trained networks. ``compositeCapture`` (all elements captured from life) would hide that,
``compositeSynthetic`` does not say that AI took part, and platforms label by the term chosen here.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from masquerade._version import __version__
from masquerade.core.disclosure import Disclosure

if TYPE_CHECKING:
    from masquerade.core.settings import Settings

__all__ = [
    "DIGITAL_SOURCE_TYPE",
    "SOFTWARE",
    "annotation_disclosure",
    "build_disclosure",
    "settings_digest",
]

DIGITAL_SOURCE_TYPE = (
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
)
SOFTWARE = f"Masquerade {__version__}"

_STATEMENT = f"AI-composited: faces in this file were swapped with {SOFTWARE}."
_ANNOTATION = f"Faces were framed and described by {SOFTWARE}; none was replaced."
_GENERATED = "1"  # GB 45438-2025, appendix E: 1 is, 2 may be, 3 is suspected to be generated
_PRODUCER = "Masquerade"

# The packet's frame is fixed by the XMP specification, part 1, 7.3.2; "w" allows editing in place.
_PACKET = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/"
    xmlns:masquerade="urn:masquerade:disclosure:1.0/">
{properties}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def build_disclosure(
    settings: Settings,
    *,
    consents: Mapping[str, str] | None = None,
    models: Sequence[str] | None = None,
    now: datetime | None = None,
    produce_id: str | None = None,
) -> Disclosure:
    """State what an output is: source type, software, label style, date, settings.

    The label style is always stated, "none" included: leaving the visible label out is a choice
    that the file remembers. No name, photo or descriptor of a donor is written; of each consent
    only the basis is.

    Args:
        settings: how the swap was done; its digest is written, not its values.
        consents: the donors' names and on what basis their faces were used ("self", "given",
            "public-domain", "synthetic"); the set of bases is written, sorted.
        models: brought networks that made it; those that the settings name by default. The
            built-in ones are part of the software and are not named.
        now: time of the statement, aware; the present by default.
        produce_id: the identifier of this output for GB 45438; a random one by default.

    Returns:
        The XMP packet and the text tags ``comment``, ``software``, ``digital_source_type``,
        ``label``, ``disclosed_at``, ``settings_digest``, with brought networks ``models``, with
        consents ``consent``, and with the label ``gb45438`` also ``AIGC``.
    """
    tags = {
        "comment": _STATEMENT,
        "software": SOFTWARE,
        "digital_source_type": DIGITAL_SOURCE_TYPE,
        "label": settings.label,
        "disclosed_at": _moment(now),
        "settings_digest": settings_digest(settings),
    }
    named = _named_models(settings) if models is None else tuple(models)
    if named:
        tags["models"] = ", ".join(named)
    if consents:
        tags["consent"] = ", ".join(sorted(set(consents.values())))
    if settings.label == "gb45438":
        tags["AIGC"] = _aigc(produce_id or uuid.uuid4().hex)
    return Disclosure(xmp=_xmp(tags), tags=tags)


def annotation_disclosure(now: datetime | None = None) -> Disclosure:
    """State of a picture whose faces were framed and described that no face was replaced.

    Args:
        now: time of the statement, aware; the present by default.

    Returns:
        The XMP packet and the text tags ``comment``, ``software`` and ``disclosed_at``; no source
        type, since the picture is what it was, with lines drawn on it.
    """
    tags = {"comment": _ANNOTATION, "software": SOFTWARE, "disclosed_at": _moment(now)}
    properties = {"xmp:CreatorTool": SOFTWARE, "xmp:MetadataDate": tags["disclosed_at"]}
    return Disclosure(xmp=_packet(properties, _ANNOTATION), tags=tags)


def _moment(now: datetime | None) -> str:
    return (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")


def _named_models(settings: Settings) -> tuple[str, ...]:
    swapper = () if settings.model == "mesh" else (settings.model,)
    return (*swapper, *settings.enhancer)


def settings_digest(settings: Settings) -> str:
    """The first 16 hexadecimal digits of SHA-256 over the settings as sorted JSON."""
    values = json.dumps(dataclasses.asdict(settings), sort_keys=True)
    return hashlib.sha256(values.encode()).hexdigest()[:16]


def _aigc(produce_id: str) -> str:
    """The AIGC field of GB 45438-2025, appendix E, as one line of JSON.

    Producer and propagator are the same here: the person who runs the program on their own
    machine. A service that publishes the file replaces the propagator's two fields by its own.
    """
    fields = {
        "Label": _GENERATED,
        "ContentProducer": _PRODUCER,
        "ProduceID": produce_id,
        "ReservedCode1": "",
        "ContentPropagator": _PRODUCER,
        "PropagateID": produce_id,
        "ReservedCode2": "",
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _xmp(tags: Mapping[str, str]) -> bytes:
    properties = {
        "Iptc4xmpExt:DigitalSourceType": tags["digital_source_type"],
        "Iptc4xmpExt:AISystemUsed": _system(tags),
        "Iptc4xmpExt:AISystemVersionUsed": __version__,
        "xmp:CreatorTool": tags["software"],
        "xmp:MetadataDate": tags["disclosed_at"],
        "masquerade:Label": tags["label"],
        "masquerade:SettingsDigest": tags["settings_digest"],
    }
    if "consent" in tags:
        properties["masquerade:Consent"] = tags["consent"]
    if "AIGC" in tags:
        properties["TC260:AIGC"] = tags["AIGC"]
    return _packet(properties, tags["comment"])


def _packet(properties: Mapping[str, str], description: str) -> bytes:
    lines = [f"   <{name}>{escape(value)}</{name}>" for name, value in properties.items()]
    lines.append(_description(description))
    return _PACKET.format(properties="\n".join(lines)).encode()


def _system(tags: Mapping[str, str]) -> str:
    return f"{_PRODUCER} with {tags['models']}" if "models" in tags else _PRODUCER


def _description(text: str) -> str:
    """dc:description, which XMP wants as alternatives by language."""
    return (
        '   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">'
        f"{escape(text)}</rdf:li></rdf:Alt></dc:description>"
    )
