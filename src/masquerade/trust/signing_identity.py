"""Who signs: the identity that an installation makes for itself, or one that was brought.

An installation's own identity is an authority of its own and a leaf that it has issued, in
``signing/own.pem`` of the data folder; nobody else has them, and none is ever shipped. A brought
one, such as an organisation's, is in ``signing/brought.pem`` and comes first. Both files are
readable by their owner alone.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from masquerade.core.errors import SigningError
from masquerade.core.folders import data_folder
from masquerade.core.whole_file import write_whole

__all__ = ["SigningIdentity", "SigningStore"]

_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.S)
_RENEW_BEFORE = timedelta(days=90)
_LARGEST_BYTES = 100_000
_ADDRESS = re.compile(r"https?://[^\s/]+(/\S*)?")


@dataclass(frozen=True, slots=True)
class SigningIdentity:
    """A certificate and its key.

    Attributes:
        chain_pem: certificates, leaf first.
        key_pem: the leaf's private key, PKCS 8.
        anchor_pem: the certificate at the end of the chain.
        fingerprint: SHA-256 of that, hexadecimal: how an installation is told from another.
        name: common name of the leaf.
        ends: until when the leaf is valid.
        own: whether this installation made it; False for a brought one.
        timestamp_url: of the authority (RFC 3161) that dates signatures; None for none.
    """

    chain_pem: bytes
    key_pem: bytes = field(repr=False)
    anchor_pem: bytes
    fingerprint: str
    name: str
    ends: datetime
    own: bool
    timestamp_url: str | None = None


class SigningStore:
    """The identities of one user.

    Args:
        folder: where they are, ``signing`` of the data folder by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or data_folder() / "signing"

    @property
    def own_path(self) -> Path:
        """The installation's own identity; it appears with the first signature."""
        return self.folder / "own.pem"

    @property
    def brought_path(self) -> Path:
        """The brought identity, if there is one."""
        return self.folder / "brought.pem"

    def identity(self, now: datetime | None = None) -> SigningIdentity:
        """Who signs now. The own identity is made if there is none, and renewed 90 days before
        its end; a folder that cannot be written is enough where it is there and valid.

        Raises:
            SigningError: it is damaged, a brought one has ended, or none can be written.
        """
        now = now or datetime.now(UTC)
        brought = self._read(self.brought_path)
        if brought is not None:
            found = self._describe(brought, own=False)
            if found.ends <= now:
                raise SigningError(
                    f"The brought signing certificate ended on {found.ends:%Y-%m-%d}; bring a new "
                    "one, or go back to your own with `masquerade signing own`."
                )
            return found
        text = self._read(self.own_path)
        if text is None:
            return self._describe(self._make(now), own=True)
        found = self._describe(text, own=True)
        if found.ends - now < _RENEW_BEFORE:
            found = self._renewed(text, found, now)
        return found

    def bring(
        self, chain: bytes, key: bytes, timestamp_url: str | None = None, *, anchor: bytes = b""
    ) -> SigningIdentity:
        """Sign with a certificate from elsewhere from now on.

        Args:
            chain: PEM, leaf first, up to the authority that readers know.
            key: PEM of the leaf's key, on the curve P-256, without a password.
            timestamp_url: of an authority that dates signatures; it is asked at each signature.
            anchor: PEM of the authority, where the chain does not hold it.

        Raises:
            SigningError: they do not go together, are damaged or ended; or cannot be kept.
        """
        from masquerade.trust.certificates import check_chain, key_pem, parse_chain, parse_key, pem

        try:
            certificates, parsed = parse_chain(chain + anchor), parse_key(key)
            check_chain(certificates, parsed)
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise SigningError(
                f"That certificate cannot sign files: {reason}. Give a chain in PEM and its key."
            ) from error
        text = _timestamp_line(timestamp_url) + pem(*certificates) + key_pem(parsed)
        found = self._describe(text, own=False)
        if found.ends <= datetime.now(UTC):
            raise SigningError(
                f"That certificate ended on {found.ends:%Y-%m-%d}; give one that is valid."
            )
        self._write(self.brought_path, text)
        return found

    def renew(self, now: datetime | None = None) -> SigningIdentity:
        """Make a new identity of one's own with a new authority; the old one is trusted no more.

        Raises:
            SigningError: the folder cannot be written.
        """
        try:
            self.own_path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error
        return self._describe(self._make(now or datetime.now(UTC)), own=True)

    def forget_brought(self) -> bool:
        """Sign with the own identity again; False where nothing was brought.

        Raises:
            SigningError: the folder cannot be written.
        """
        try:
            self.brought_path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._unwritable(error) from error
        return True

    def anchors(self) -> bytes:
        """Certificates of the authorities that this installation trusts, PEM; empty for none.

        Raises:
            SigningError: an identity is damaged.
        """
        found = [(self._read(self.own_path), True), (self._read(self.brought_path), False)]
        return b"".join(self._describe(text, own=own).anchor_pem for text, own in found if text)

    # The files

    def _read(self, path: Path) -> bytes | None:
        try:
            with path.open("rb") as file:
                if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
                    with contextlib.suppress(OSError):
                        os.fchmod(file.fileno(), 0o600)
                text = file.read(_LARGEST_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise SigningError(
                f"The signing identity {path} cannot be read ({error.strerror}), so nothing can "
                "be signed; check its permissions."
            ) from error
        if len(text) > _LARGEST_BYTES:
            raise self._damaged(path)
        return text

    def _write(self, path: Path, text: bytes) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, text)
        except OSError as error:
            raise self._unwritable(error) from error

    def _make(self, now: datetime) -> bytes:
        """The own identity; of two processes that make one at a time, the first one's stays."""
        from masquerade.models.kept_document import locked
        from masquerade.trust.certificates import issue_leaf, key_pem, make_authority, pem

        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise self._unwritable(error) from error
        with locked(self.folder / "own.lock"):
            known = self._read(self.own_path)
            if known is not None:
                return known
            authority, authority_key = make_authority(now)
            leaf, key = issue_leaf(authority, authority_key, now)
            text = pem(leaf, authority) + key_pem(key) + key_pem(authority_key)
            self._write(self.own_path, text)
            return text

    def _renewed(self, text: bytes, old: SigningIdentity, now: datetime) -> SigningIdentity:
        """A new leaf of the same authority; where it cannot be kept, the old one while it lasts."""
        from masquerade.trust import certificates

        keys = _KEY.findall(text)
        try:
            authority = certificates.parse_chain(text)[-1]
            authority_key = certificates.parse_key(keys[1])
        except (ValueError, IndexError) as error:
            raise self._damaged(self.own_path) from error
        if authority.not_valid_after_utc - now < _RENEW_BEFORE:
            authority, authority_key = certificates.make_authority(now)
        leaf, key = certificates.issue_leaf(authority, authority_key, now)
        keys_pem = certificates.key_pem(key) + certificates.key_pem(authority_key)
        new = certificates.pem(leaf, authority) + keys_pem
        try:
            self._write(self.own_path, new)
        except SigningError:
            if old.ends > now:
                return old
            raise
        return self._describe(new, own=True)

    def _describe(self, text: bytes, *, own: bool) -> SigningIdentity:
        from cryptography.exceptions import UnsupportedAlgorithm

        from masquerade.trust.certificates import (
            common_name,
            fingerprint,
            parse_chain,
            parse_key,
            pem,
        )

        keys = _KEY.findall(text)
        try:
            chain = parse_chain(text)
            if not keys or chain[0].public_key() != parse_key(keys[0]).public_key():
                raise ValueError("no key")
            return SigningIdentity(
                chain_pem=pem(*chain),
                key_pem=keys[0] + b"\n",
                anchor_pem=pem(chain[-1]),
                fingerprint=fingerprint(chain[-1]),
                name=common_name(chain[0]),
                ends=chain[0].not_valid_after_utc,
                own=own,
                timestamp_url=_timestamp_of(text),
            )
        except (ValueError, UnsupportedAlgorithm) as error:  # of its name, dates or key as well
            raise self._damaged(self.own_path if own else self.brought_path) from error

    def _damaged(self, path: Path) -> SigningError:
        return SigningError(
            f"The signing identity {path} is damaged, so nothing can be signed; restore it, or "
            "move it away and a new one is made."
        )

    def _unwritable(self, error: OSError) -> SigningError:
        return SigningError(
            f"The folder {self.folder} cannot be written to ({error.strerror}), so outputs cannot "
            "be signed; set MASQUERADE_HOME to a folder of yours."
        )


def _timestamp_line(url: str | None) -> bytes:
    """Kept above the certificates, where PEM allows text."""
    if url is None:
        return b""
    if not _ADDRESS.fullmatch(url):
        raise SigningError(f"{url!r} is no address of a timestamp authority; give http://...")
    return f"Timestamp-Authority: {url}\n".encode()


def _timestamp_of(text: bytes) -> str | None:
    found = re.match(rb"Timestamp-Authority: (\S+)\n", text)
    return found.group(1).decode("ascii", "replace") if found else None
