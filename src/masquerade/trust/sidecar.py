"""Credentials beside a file that cannot carry them: a signed JSON document.

The document is a JSON Web Signature in the flattened form of RFC 7515, section 7.2.2, signed with
ES256 (RFC 7518, section 3.4), so that any library that knows it can check it. Its header carries
the signer's certificates (``x5c``), its payload the length and the SHA-256 of the file, which binds
the two together, and the same statements as a C2PA manifest.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.core.disclosure import SIDECAR_SUFFIX

if TYPE_CHECKING:
    from masquerade.trust.certificates import Certificate
    from masquerade.trust.signing_identity import SigningIdentity

__all__ = ["LARGEST_SIDECAR_BYTES", "SidecarFacts", "read_sidecar", "sidecar_path", "write_sidecar"]

LARGEST_SIDECAR_BYTES = 2_000_000
_TYPE = "masquerade-credentials+json"
_BASE64 = re.compile(r"[A-Za-z0-9_-]*")
_MOST_PARTS = 1000
_HALF_BYTES = 32  # of r and of s, on the curve P-256


@dataclass(frozen=True, slots=True)
class SidecarFacts:
    """What a sidecar says, once its signature was found to be right.

    Attributes:
        payload: the statements.
        signer: common name of the leaf.
        anchor: SHA-256 of the last certificate, hexadecimal.
        trusted: whether an authority that is trusted here issued the leaf.
        expired: whether the leaf has ended.
        matches: whether the file is the one that was signed.
    """

    payload: Mapping[str, Any]
    signer: str
    anchor: str
    trusted: bool
    expired: bool
    matches: bool


def sidecar_path(file: Path) -> Path:
    """Where the sidecar of a file is, if it has one."""
    return file.with_name(file.name + SIDECAR_SUFFIX)


def write_sidecar(
    file: Path,
    statements: Mapping[str, Any],
    identity: SigningIdentity,
    parts: Sequence[Path] = (),
) -> bytes:
    """The sidecar's text for a finished file.

    Args:
        file: what is signed.
        statements: plain JSON values; ``file`` is added.
        identity: who signs.
        parts: further files that belong to it, in the same folder.

    Raises:
        OSError: the file cannot be read.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.serialization import Encoding

    from masquerade.trust.certificates import parse_chain, parse_key

    chain = parse_chain(identity.chain_pem)
    certificates = [
        base64.b64encode(item.public_bytes(Encoding.DER)).decode() for item in chain
    ]  # RFC 7515, 4.1.6: plain base64, not that of addresses
    header = {"alg": "ES256", "typ": _TYPE, "x5c": certificates}
    payload = {**statements, "file": _describe(file)}
    if parts:
        payload["parts"] = {part.name: _describe(part) for part in parts}
    protected, body = _encode(_compact(header)), _encode(_compact(payload))
    signed = f"{protected}.{body}".encode()
    signature = parse_key(identity.key_pem).sign(signed, ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(signature)
    raw = r.to_bytes(_HALF_BYTES, "big") + s.to_bytes(_HALF_BYTES, "big")
    document = {"payload": body, "protected": protected, "signature": _encode(raw)}
    return (json.dumps(document, indent=1) + "\n").encode()


def read_sidecar(
    text: bytes, file: Path | None, anchors: bytes, now: datetime | None = None
) -> SidecarFacts:
    """Check a sidecar, which may come from anybody.

    Args:
        text: its content.
        file: what it stands beside; None looks at the sidecar alone, which then ``matches``.
        anchors: authorities that are trusted, PEM.
        now: the present by default.

    Raises:
        ValueError: it is no sidecar, or its signature is wrong; the text says which.
        OSError: the file cannot be read.
    """
    now = now or datetime.now(UTC)
    document = _object(text, "no JSON document")
    protected, body = _word(document, "protected"), _word(document, "payload")
    header = _object(_decode(protected), "its header is damaged")
    if header.get("alg") != "ES256" or header.get("typ") != _TYPE or "crit" in header:
        raise ValueError("it is signed in a way that is not known here")
    chain = _chain_of(header)
    _check_signature(
        chain[0], f"{protected}.{body}".encode(), _decode(_word(document, "signature"))
    )
    payload = _object(_decode(body), "its statements are damaged")
    leaf = chain[0]
    from masquerade.trust.certificates import common_name, fingerprint

    return SidecarFacts(
        payload=payload,
        signer=common_name(leaf),
        anchor=fingerprint(chain[-1]),
        trusted=_is_trusted(chain, anchors),
        expired=not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc,
        matches=file is None or _matches(payload, file),
    )


def _matches(payload: Mapping[str, Any], file: Path) -> bool:
    """Whether a file and all its parts are what was signed. Names of parts lead nowhere else."""
    parts = payload.get("parts", {})
    if not isinstance(parts, dict) or len(parts) > _MOST_PARTS or not all(map(_is_name, parts)):
        return False
    known = {file: payload.get("file"), **{file.with_name(n): parts[n] for n in parts}}
    return all(path.is_file() and _describe(path) == facts for path, facts in known.items())


def _is_name(name: str) -> bool:
    return name not in ("", ".", "..") and name.isprintable() and Path(name).name == name


def _describe(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return {"sha256": digest, "bytes": stream.tell()}


def _chain_of(header: Mapping[str, Any]) -> list[Certificate]:
    from cryptography import x509

    certificates = header.get("x5c")
    if not isinstance(certificates, list) or not 1 <= len(certificates) <= 6:
        raise ValueError("it names no certificate")
    try:
        return [
            x509.load_der_x509_certificate(base64.b64decode(item, validate=True))
            for item in certificates
        ]
    except (TypeError, ValueError) as error:
        raise ValueError("its certificate is damaged") from error


def _check_signature(leaf: Certificate, signed: bytes, raw: bytes) -> None:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    try:
        key = leaf.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or len(raw) != 2 * _HALF_BYTES:
            raise ValueError("its signature is of another kind")
        r, s = (int.from_bytes(part, "big") for part in (raw[:_HALF_BYTES], raw[_HALF_BYTES:]))
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise ValueError("its signature is wrong") from error
    except UnsupportedAlgorithm as error:
        raise ValueError("its certificate is of an unknown kind") from error


def _is_trusted(chain: list[Certificate], anchors: bytes) -> bool:
    """Whether the chain holds together and ends at, or was issued by, a trusted authority."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    if not anchors:
        return False
    from masquerade.trust.certificates import is_authority

    known = x509.load_pem_x509_certificates(anchors)
    try:
        for child, parent in itertools.pairwise(chain):
            child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return chain[-1] in known and all(map(is_authority, chain[1:]))


def _object(text: bytes, complaint: str) -> dict[str, Any]:
    if len(text) > LARGEST_SIDECAR_BYTES:
        raise ValueError("it is too large")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(complaint) from error
    if not isinstance(document, dict):
        raise ValueError(complaint)
    return document


def _word(document: Mapping[str, Any], name: str) -> str:
    word = document.get(name)
    if not isinstance(word, str) or not _BASE64.fullmatch(word):
        raise ValueError("it is no signed document")
    return word


def _compact(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise ValueError("it is no signed document") from error
