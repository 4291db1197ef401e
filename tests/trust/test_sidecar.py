"""Sidecars from strangers: whatever they hold, they are refused in words or read as data."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signed_files import make_file

from masquerade.trust import certificates
from masquerade.trust.inspection import inspect_file
from masquerade.trust.sidecar import read_sidecar, sidecar_path, write_sidecar
from masquerade.trust.signing_identity import SigningStore


@pytest.fixture
def film(tmp_path, sign):
    return sign(make_file(tmp_path / "film.mkv"), statements={"label": {"style": "small"}})


def _parts(text: bytes) -> dict[str, str]:
    return json.loads(text)


def _words(values: object) -> str:
    text = json.dumps(values).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def _values(word: str) -> dict:
    return json.loads(base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)))


def test_any_library_that_knows_jws_can_check_it(film):
    """The steps of RFC 7515, written out anew with nothing of ours."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    document = _parts(sidecar_path(film).read_bytes())
    header = _values(document["protected"])
    leaf = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
    raw = base64.urlsafe_b64decode(document["signature"] + "==")
    signature = utils.encode_dss_signature(
        int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    )
    signed = f"{document['protected']}.{document['payload']}".encode()
    key = leaf.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    assert _values(document["payload"])["file"]["bytes"] == film.stat().st_size


@pytest.mark.parametrize("part", ["payload", "protected", "signature"])
def test_changing_any_part_is_found(film, store, part):
    beside = sidecar_path(film)
    document = _parts(beside.read_bytes())
    values = _values(document[part]) | {"more": 1} if part != "signature" else document[part][::-1]
    document[part] = values if isinstance(values, str) else _words(values)
    beside.write_text(json.dumps(document))
    assert inspect_file(film, store=store).state == "altered"


def test_the_sidecar_of_another_file_is_found(film, store, sign, tmp_path):
    other = sign(make_file(tmp_path / "other.webm", seed=5))
    sidecar_path(film).write_bytes(sidecar_path(other).read_bytes())
    found = inspect_file(film, store=store)
    assert found.state == "altered"
    assert found.problems == ("the file is not the one that was signed",)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"payload":1,"protected":2,"signature":3}',
        b'{"payload":"e30","protected":"e30","signature":""}',
        b'{"payload":"!","protected":"e30","signature":""}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"9" * 3_000_000,
        b'{"n":' + b"9" * 10_000 + b"}",
    ],
)
def test_nonsense_is_refused(film, store, text):
    sidecar_path(film).write_bytes(text)
    found = inspect_file(film, store=store)
    assert (found.state, found.latest) == ("altered", None)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES256", "typ": "JWT"},
        {"x5c": []},
        {"x5c": ["!!"]},
        {"x5c": [1]},
        {"x5c": "text"},
        {"x5c": ["TUlJQg=="]},
        {"crit": ["exp"]},
    ],
)
def test_other_headers_are_refused(film, store, header):
    document = _parts(sidecar_path(film).read_bytes())
    document["protected"] = _words(_values(document["protected"]) | header)
    sidecar_path(film).write_text(json.dumps(document))
    assert inspect_file(film, store=store).state == "altered"


def test_parts_are_looked_at_and_lead_nowhere_else(tmp_path, store):
    names = ("s-00000.ts", "s-00001.ts")
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "s.m3u8").write_text("#EXTM3U\n")
    playlist, anchors = tmp_path / "s.m3u8", store.identity().anchor_pem
    parts = [tmp_path / name for name in names]
    text = write_sidecar(playlist, {}, store.identity(), parts)
    assert read_sidecar(text, playlist, anchors).matches
    (tmp_path / names[1]).write_bytes(b"another")
    assert not read_sidecar(text, playlist, anchors).matches
    (tmp_path / names[1]).unlink()
    assert not read_sidecar(text, playlist, anchors).matches
    for name in ("../s-00000.ts", "/etc/hostname", "", ".", "..", "a\0b"):
        hostile = write_sidecar(playlist, {"parts": {name: {}}}, store.identity())
        assert not read_sidecar(hostile, playlist, anchors).matches, name


def test_a_leaf_cannot_issue_others(tmp_path, store):
    """Whoever has a leaf under a trusted authority must not become one."""
    now = datetime.now(UTC)
    trusted, trusted_key = certificates.make_authority(now)
    leaf, leaf_key = certificates.issue_leaf(trusted, trusted_key, now)
    forged, forged_key = certificates.issue_leaf(leaf, leaf_key, now)
    film = make_file(tmp_path / "film.mkv")
    identity = store.identity()
    chain = certificates.pem(forged, leaf, trusted)
    evil = type(identity)(
        chain, certificates.key_pem(forged_key), b"", "", "", now + timedelta(days=1), own=False
    )
    text = write_sidecar(film, {}, evil)
    assert not read_sidecar(text, film, certificates.pem(trusted)).trusted
    good = type(identity)(
        certificates.pem(leaf, trusted), certificates.key_pem(leaf_key), b"", "", "", now, own=False
    )
    assert read_sidecar(write_sidecar(film, {}, good), film, certificates.pem(trusted)).trusted


def test_a_strangers_words_cannot_steer_a_terminal(tmp_path, store):
    film = make_file(tmp_path / "film.mkv")
    said = {
        "software": {"name": "\x1b[2J\x07evil" * 100, "version": ["1"]},
        "actions": [{"action": "\x1b]0;x\x07", "digitalSourceType": 5}, 7, None],
        "history": [{"signer": "\u202etxt", "actions": "no list"}] * 500,
        "statements": "text",
    }
    sidecar_path(film).write_bytes(write_sidecar(film, said, store.identity()))
    found = inspect_file(film, store=store)
    assert found.state == "trusted"
    assert found.latest is not None
    words = [found.latest.software, *found.latest.actions, *(e.signer for e in found.earlier)]
    assert all(word.isprintable() and len(word) < 500 for word in words)
    assert len(found.earlier) == 64


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["software", "actions", "history", "statements", "parts",
                                        "signed_at"]), _JSON))  # fmt: skip
def test_whatever_a_signed_sidecar_says_is_read(tmp_path_factory, said):
    folder = tmp_path_factory.mktemp("said")
    store = SigningStore(tmp_path_factory.getbasetemp() / "shared-signing")
    film = folder / "film.mkv"
    film.write_bytes(b"\x1aE\xdf\xa3 not looked into")
    sidecar_path(film).write_bytes(write_sidecar(film, said, store.identity()))
    found = inspect_file(film, store=store)
    json.dumps(found.as_dict())
    assert found.state in ("trusted", "altered")
