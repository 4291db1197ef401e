"""The certificate that encrypts the page: the user's own, or one that is made here."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import socket
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from masquerade.apps.studio.config import TlsFiles
from masquerade.core.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["check_tls", "fingerprint", "make_certificate", "names_of_this_machine"]

_VALID_DAYS = 397  # browsers refuse certificates that are valid for longer
_LEAST_DAYS = 7


def names_of_this_machine(host: str, more: Iterable[str] = ()) -> list[str]:
    """The names and numbers by which browsers may call this machine, for a certificate."""
    own = socket.gethostname()
    names = ["localhost", "127.0.0.1", "::1", own, f"{own}.local", host, *more]
    names += [
        entry.address.partition("%")[0]
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family in (socket.AF_INET, socket.AF_INET6)
    ]
    return sorted({name for name in names if name not in ("", "0.0.0.0", "::")})


def make_certificate(folder: Path, names: Iterable[str]) -> TlsFiles:
    """A certificate for ``names`` that signs itself, in files that only this user may read.

    One that was made before is used again while it covers the names and is valid for another
    week, so that a browser that was told to trust it still does.

    Args:
        folder: made if need be, 0700.
        names: DNS names and numbers.

    Raises:
        OutputError: the folder cannot be written.
    """
    files = TlsFiles(folder / "certificate.pem", folder / "key.pem")
    wanted = set(names)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        if not _still_good(files, wanted):
            certificate, key = _make(wanted)
            _write_private(files.key, key)
            _write_private(files.certificate, certificate)
    except OSError as error:
        raise OutputError(
            f"The certificate cannot be kept in {folder} ({error.strerror}); "
            "set MASQUERADE_HOME to a folder of yours, or give --tls-cert and --tls-key."
        ) from error
    return files


def check_tls(files: TlsFiles) -> None:
    """Find out whether certificate and key can be used and belong together.

    Raises:
        SettingsError: they cannot.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            files.certificate, files.key, password=lambda: b""
        )
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise SettingsError(
            f"The certificate {files.certificate} with the key {files.key} cannot be used "
            f"({reason}); give both as PEM, without a password, and belonging together."
        ) from error


def fingerprint(files: TlsFiles) -> str:
    """SHA-256 of the certificate, as browsers show it: ``AB:CD:...``."""
    first = files.certificate.read_text("ascii").partition("-----END CERTIFICATE-----")
    pem = first[0][first[0].index("-----BEGIN CERTIFICATE-----") :] + first[1] + "\n"
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def _still_good(files: TlsFiles, names: set[str]) -> bool:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        covered = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        check_tls(files)
    except (OSError, ValueError, SettingsError, x509.ExtensionNotFound):
        return False
    known = {str(entry.value) for entry in covered}
    left = found.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return names <= known and left > datetime.timedelta(days=_LEAST_DAYS)


def _make(names: set[str]) -> tuple[bytes, bytes]:
    """Certificate and key, both PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Masquerade studio")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=_VALID_DAYS - 1))
        .add_extension(x509.SubjectAlternativeName([_name(n) for n in sorted(names)]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return certificate.public_bytes(pem), key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write_private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
