"""Targets of what strangers may have signed: sidecars, credentials, certificates, models."""

from __future__ import annotations

import functools
import json

from fuzz_target import FuzzTarget, scratch, scratch_file
from PIL import Image

from masquerade.runtime.onnx_file import parse_model
from masquerade.trust.credentials import Credentials
from masquerade.trust.inspection import inspect_file
from masquerade.trust.sidecar import write_sidecar
from masquerade.trust.signing_identity import SigningIdentity, SigningStore


@functools.cache
def _store() -> SigningStore:
    return SigningStore(scratch() / "signing")


@functools.cache
def _identity() -> SigningIdentity:
    return _store().identity()


# Sidecars


def _sidecar(data: bytes) -> None:
    """As it stands; or, behind a J, as statements that somebody has signed in earnest."""
    film = scratch_file("film.mkv", b"film")
    text = data
    if data[:1] == b"J":
        try:
            statements = json.loads(data[1:])
        except (ValueError, RecursionError):
            return
        if not isinstance(statements, dict):
            return
        try:
            text = write_sidecar(film, statements, _identity())
        except (ValueError, RecursionError):
            return  # no number, or half a character: no signer can write that
    scratch_file("film.mkv.credentials.json", text)
    inspect_file(film)


def _sidecar_seeds() -> list[bytes]:
    film = scratch_file("film.mkv", b"film")
    action = {"action": "c2pa.edited", "digitalSourceType": "http://cv.iptc.org/x"}
    edit = {"software": "a", "signer": "b", "when": "c", "actions": ["d"], "source_type": "e"}
    statements = {
        "software": {"name": "Masquerade", "version": "1"},
        "signed_at": "2026-01-01T00:00:00+00:00",
        "actions": [action],
        "statements": {"report": {"version": 1}},
        "history": [edit],
        "parts": {"film.mkv": {"sha256": "0", "bytes": 4}},
    }
    return [write_sidecar(film, {}, _identity()), b"J" + json.dumps(statements).encode()]


# Credentials within pictures


def _credentials(data: bytes) -> None:
    kind = {b"\x89P": "png", b"GI": "gif", b"RI": "webp"}.get(data[:2], "jpg")
    inspect_file(scratch_file(f"picture.{kind}", data))


def _credentials_seeds() -> list[bytes]:
    seeds = []
    for suffix, form in ((".jpg", "JPEG"), (".png", "PNG")):
        plain, signed = (scratch() / f"{name}{suffix}" for name in ("plain", "signed"))
        Image.new("RGB", (8, 8), "teal").save(plain, form)
        Credentials(None, dict, store=_store())(plain, signed)
        seeds.append(signed.read_bytes())
    return seeds


# The identity that signs


def _identity_file(data: bytes) -> None:
    store = SigningStore(scratch() / "damaged")
    store.folder.mkdir(exist_ok=True)
    store.own_path.write_bytes(data)
    store.anchors()


def _identity_seeds() -> list[bytes]:
    _identity()
    return [_store().own_path.read_bytes()]


# Brought networks


def _network(data: bytes) -> None:
    parse_model(data, "The model")


def _network_seeds() -> list[bytes]:
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    weight = helper.make_tensor("w", TensorProto.FLOAT, (1,), [2.0])
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"], name="double")],
        "tiny",
        [value("x", TensorProto.FLOAT, (1, 3))],
        [value("y", TensorProto.FLOAT, (1, 3))],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    return [model.SerializeToString()]


SIGNED = (
    FuzzTarget("sidecar", _sidecar, _sidecar_seeds, 8192),
    FuzzTarget("credentials", _credentials, _credentials_seeds, 32768),
    FuzzTarget("signing", _identity_file, _identity_seeds, 4096),
    FuzzTarget("network", _network, _network_seeds, 4096),
)
