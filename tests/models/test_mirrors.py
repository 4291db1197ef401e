"""Where files are looked for, and what of that is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from masquerade.core.errors import DownloadError, SettingsError
from masquerade.models.catalogue import find_spec
from masquerade.models.mirrors import Permissions, mirrors_of

SPEC = find_spec("det_10g")
FILE = SPEC.files[0]


def test_published_mirrors_come_after_ones_own(monkeypatch, tmp_path):
    bases = f"{tmp_path};https://mine.test/m/ ; file://{tmp_path}/with%20space"
    monkeypatch.setenv("MASQUERADE_MIRRORS", bases)
    found = mirrors_of(SPEC, FILE)
    assert [str(mirror) for mirror in found if mirror.own] == [
        f"{tmp_path}/det_10g/det_10g.onnx",
        f"{tmp_path}/det_10g.onnx",
        "https://mine.test/m/det_10g/det_10g.onnx",
        "https://mine.test/m/det_10g.onnx",
        f"{tmp_path}/with space/det_10g/det_10g.onnx",
        f"{tmp_path}/with space/det_10g.onnx",
    ]
    assert found[0].path == tmp_path / "det_10g" / "det_10g.onnx"
    assert [mirror.own for mirror in found] == [True] * 6 + [False] * len(FILE.mirrors)


def test_a_pack_names_its_member(monkeypatch):
    monkeypatch.delenv("MASQUERADE_MIRRORS", raising=False)
    pack = mirrors_of(SPEC, FILE)[-1]
    assert pack.address.endswith("/buffalo_l.zip")
    assert pack.member == "det_10g.onnx"


def test_a_home_folder_is_found(monkeypatch):
    monkeypatch.setenv("MASQUERADE_MIRRORS", "~/models")
    assert mirrors_of(SPEC, FILE)[1].path == Path.home() / "models" / "det_10g.onnx"


@pytest.mark.parametrize("base", ["ftp://mine.test/m", "file://other-host/share"])
def test_what_is_no_place_is_refused(monkeypatch, base):
    monkeypatch.setenv("MASQUERADE_MIRRORS", base)
    with pytest.raises(SettingsError, match=r"MASQUERADE_MIRRORS names"):
        mirrors_of(SPEC, FILE)


@pytest.mark.parametrize(
    ("address", "insecure", "hash_known", "fault"),
    [
        ("https://mine.test/m", False, False, None),
        ("http://127.0.0.1:8000/m", False, False, None),
        ("http://localhost/m", False, False, None),
        ("http://[::1]/m", False, False, None),
        ("http://127.0.0.1.mine.test/m", False, True, "--insecure"),
        ("http://mine.test/m", False, True, "--insecure"),
        ("http://mine.test/m", True, True, None),
        ("http://mine.test/m", True, False, "hash is not known"),
        ("file:///etc/passwd", True, True, "no https address"),
        ("ftp://127.0.0.1/m", True, True, "no https address"),
    ],
)
def test_what_may_be_asked(address, insecure, hash_known, fault):
    permissions = Permissions(insecure=insecure)
    if fault is None:
        permissions.check(address, hash_known=hash_known)
    else:
        with pytest.raises(DownloadError, match=fault):
            permissions.check(address, hash_known=hash_known)


@pytest.mark.parametrize(
    ("value", "offline"), [("1", True), ("true", True), ("0", False), ("", False)]
)
def test_offline_is_a_word_of_the_environment(monkeypatch, value, offline):
    monkeypatch.setenv("MASQUERADE_OFFLINE", value)
    permissions = Permissions.from_environment()
    assert permissions.offline is offline
    assert Permissions.from_environment(offline=True).offline
    permissions.check("http://127.0.0.1/m", hash_known=False)
    if offline:
        with pytest.raises(DownloadError, match="MASQUERADE_OFFLINE"):
            permissions.check("https://mine.test/m", hash_known=True)
