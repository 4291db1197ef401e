"""Certificates of an installation: made, renewed, and checked where they were brought.

The rules are those of C2PA 2.2, section 14.5 ("X.509 Certificates"): version 3, a leaf that is no
authority, its key for digital signatures alone, and an extended use that says so. The use
``emailProtection`` is the one that every reader accepts without being told.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = [
    "Certificate",
    "Key",
    "check_chain",
    "common_name",
    "fingerprint",
    "is_authority",
    "issue_leaf",
    "key_pem",
    "make_authority",
    "parse_chain",
    "parse_key",
    "pem",
]

Certificate = x509.Certificate
Key = ec.EllipticCurvePrivateKey

_ORGANISATION = "Masquerade"
_AUTHORITY, _LEAF = timedelta(days=20 * 365), timedelta(days=10 * 365)
"""Without a timestamp a file is valid for as long as the leaf of its time: hence a long one."""
_CLOCKS_DIFFER = timedelta(minutes=5)
_LONGEST_CHAIN = 6


def make_authority(now: datetime) -> tuple[Certificate, Key]:
    """A new authority of this installation alone, valid for 20 years."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Masquerade installation authority")
    builder = (
        _builder(name, name, key, now, now + _AUTHORITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
    )
    return builder.sign(key, hashes.SHA256()), key


def issue_leaf(authority: Certificate, key: Key, now: datetime) -> tuple[Certificate, Key]:
    """A new leaf that signs files, valid for ten years or as long as its authority."""
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    end = min(now + _LEAF, authority.not_valid_after_utc)
    name = _name("Masquerade installation")
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    builder = (
        _builder(name, authority.subject, leaf_key, now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(uses, critical=False)
        .add_extension(issuer, critical=False)
    )
    return builder.sign(key, hashes.SHA256()), leaf_key


def parse_chain(text: bytes) -> list[Certificate]:
    """The certificates of a PEM text, leaf first.

    Raises:
        ValueError: there is none, or one cannot be read.
    """
    try:
        chain = x509.load_pem_x509_certificates(text)
    except x509.InvalidVersion as error:  # no ValueError, unlike all else that it raises
        raise ValueError(str(error)) from error
    if len(chain) > _LONGEST_CHAIN:
        raise ValueError("the chain is too long")
    return chain


def parse_key(text: bytes) -> Key:
    """The private key of a PEM text.

    Raises:
        ValueError: it is no key on the curve P-256, or is locked by a password.
    """
    try:
        key = serialization.load_pem_private_key(text, password=None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("the key is locked by a password or of an unknown kind") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("the key is not on the curve P-256, which ES256 needs")
    return key


def check_chain(chain: list[Certificate], key: Key) -> None:
    """Whether a chain, leaf first, belongs together and to the key, and may sign files.

    Raises:
        ValueError: it does not; the text says why, and goes into a sentence.
    """
    leaf = chain[0]
    if leaf.public_key() != key.public_key():
        raise ValueError("the key belongs to another certificate")
    for child, parent in itertools.pairwise(chain):
        try:
            child.verify_directly_issued_by(parent)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise ValueError("its certificates are not in order, the leaf first") from error
    if is_authority(leaf):
        raise ValueError("its first certificate is an authority and no leaf")
    try:
        leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension) as error:
        raise ValueError("its leaf does not say what it is for (key usage)") from error
    if not usage.digital_signature:
        raise ValueError("its leaf is not meant for digital signatures")


def is_authority(certificate: Certificate) -> bool:
    """Whether a certificate may issue others."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False


def common_name(certificate: Certificate) -> str:
    """Whom a certificate is of, in a few words."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def fingerprint(certificate: Certificate) -> str:
    """SHA-256 over the certificate, 64 hexadecimal digits."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def pem(*certificates: Certificate) -> bytes:
    """Certificates one behind the other, as PEM."""
    return b"".join(item.public_bytes(serialization.Encoding.PEM) for item in certificates)


def key_pem(key: Key) -> bytes:
    """A private key as PEM (PKCS 8, without a password)."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANISATION),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - _CLOCKS_DIFFER)
        .not_valid_after(end.astimezone(UTC))
        .add_extension(own, critical=False)
    )


def _usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
