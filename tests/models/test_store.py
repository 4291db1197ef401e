from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from masquerade.core.errors import ModelError
from masquerade.models import store


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for role in store.registry():
        shutil.copy(store.weight_path(role), tmp_path)
    monkeypatch.setattr(store, "_FOLDER", tmp_path)
    return tmp_path


def test_every_shipped_file_has_its_hash() -> None:
    store.verify_weights()


def test_every_shipped_file_is_registered_with_its_terms() -> None:
    specs = store.registry().values()
    folder = store.weight_path("landmarks").parent
    assert {spec.file for spec in specs} == {path.name for path in folder.iterdir()}
    notice = (Path(__file__).parents[2] / "NOTICE").read_text(encoding="utf-8")
    for spec in specs:
        assert spec.licence in {"Apache-2.0", "BSD-2-Clause", "MIT"}
        assert spec.file in notice
        assert spec.origin


def test_one_changed_byte_is_found(copies: Path) -> None:
    path = copies / "detector.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    store.verify_weights("landmarks")
    with pytest.raises(ModelError, match=r"detector\.onnx is damaged.*Reinstall"):
        store.verify_weights("detector")
    with pytest.raises(ModelError):
        store.verify_weights()


def test_a_cut_file_is_found_at_once(copies: Path) -> None:
    path = copies / "landmarks.onnx"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"landmarks\.onnx is damaged: its length"):
        store.open_network("landmarks")


def test_a_missing_file_is_named(copies: Path) -> None:
    (copies / "attributes.onnx").unlink()
    with pytest.raises(ModelError, match=r"attributes\.onnx is missing.*Reinstall"):
        store.open_network("attributes")


def test_an_unknown_role_is_an_error() -> None:
    with pytest.raises(ModelError, match="'teeth'"):
        store.weight_path("teeth")
