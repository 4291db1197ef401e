"""Certificates: made once, private, for every name; those of users are checked."""

from __future__ import annotations

import datetime
import stat

import pytest
from cryptography import x509

from masquerade.apps.studio.access import certificate
from masquerade.apps.studio.access.certificate import (
    check_tls,
    fingerprint,
    make_certificate,
    names_of_this_machine,
)
from masquerade.apps.studio.config import TlsFiles
from masquerade.core.errors import OutputError, SettingsError

NAMES = ["localhost", "127.0.0.1", "::1", "gpu.lan"]


def test_it_is_for_every_name_and_for_this_user_alone(tmp_path):
    files = make_certificate(tmp_path / "tls", NAMES)
    check_tls(files)
    made = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(str(name.value) for name in names) == sorted(NAMES)
    assert made.not_valid_after_utc - made.not_valid_before_utc <= datetime.timedelta(days=398)
    for file in (files.certificate, files.key):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700


def test_it_is_kept_while_it_will_do(tmp_path):
    first = fingerprint(make_certificate(tmp_path, NAMES))
    assert fingerprint(make_certificate(tmp_path, NAMES[:2])) == first
    assert fingerprint(make_certificate(tmp_path, [*NAMES, "more.lan"])) != first


def test_an_old_one_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(certificate, "_VALID_DAYS", 5)
    first = fingerprint(make_certificate(tmp_path, NAMES))
    monkeypatch.undo()
    assert fingerprint(make_certificate(tmp_path, NAMES)) != first


@pytest.mark.parametrize("damage", ["certificate", "key"])
def test_a_damaged_one_is_made_anew(tmp_path, damage):
    files = make_certificate(tmp_path, NAMES)
    getattr(files, damage).write_text("nothing")
    check_tls(make_certificate(tmp_path, NAMES))


def test_the_fingerprint_is_that_of_the_certificate(tmp_path):
    from cryptography.hazmat.primitives import hashes

    files = make_certificate(tmp_path, NAMES)
    made = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    assert fingerprint(files).replace(":", "").lower() == made.fingerprint(hashes.SHA256()).hex()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="--tls-cert"):
        make_certificate(tmp_path / "file" / "tls", NAMES)


def test_what_does_not_belong_together_is_refused(tmp_path):
    one = make_certificate(tmp_path / "one", NAMES)
    two = make_certificate(tmp_path / "two", NAMES)
    for files in (
        TlsFiles(one.certificate, two.key),
        TlsFiles(one.key, one.certificate),
        TlsFiles(tmp_path / "missing", one.key),
    ):
        with pytest.raises(SettingsError, match="cannot be used"):
            check_tls(files)


def test_a_key_with_a_password_asks_nobody(tmp_path):
    from cryptography.hazmat.primitives import serialization

    files = make_certificate(tmp_path, NAMES)
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"word"),
        )
    )
    with pytest.raises(SettingsError, match="without a password"):
        check_tls(files)


def test_the_names_of_this_machine():
    names = names_of_this_machine("0.0.0.0", ["gpu.lan"])
    assert {"localhost", "127.0.0.1", "gpu.lan"} <= set(names)
    assert "0.0.0.0" not in names
