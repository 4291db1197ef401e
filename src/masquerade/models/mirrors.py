"""Where a model's file may be fetched from, in which order, and what of that is allowed.

Own mirrors come first: the variable ``MASQUERADE_MIRRORS`` names folders, ``file://`` and
``https://`` addresses, separated by ``;``. Below each of them a file is looked for as
``MODEL/FILE`` (so another machine's model folder is a mirror as it is) and as ``FILE``.
``MASQUERADE_OFFLINE`` forbids the network; folders and servers on this machine still count.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

from masquerade.core.errors import DownloadError, SettingsError
from masquerade.models.spec import ModelFile, ModelSpec

__all__ = ["Mirror", "Permissions", "mirrors_of"]


@dataclass(frozen=True, slots=True)
class Mirror:
    """One place that may have a file.

    Attributes:
        address: an ``https`` or ``http`` address; "" for a file of this machine.
        path: the file on this machine; None for an address.
        member: name of the file within the zip that is there; "" for the file itself.
        own: whether the user named it.
    """

    address: str = ""
    path: Path | None = None
    member: str = ""
    own: bool = False

    def __str__(self) -> str:
        return self.address or str(self.path)


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a download may do.

    Attributes:
        offline: nothing beyond this machine.
        insecure: plain ``http`` too, and then only for files whose hash is known. To this very
            machine it is always allowed.
    """

    offline: bool = False
    insecure: bool = False

    @classmethod
    def from_environment(cls, *, offline: bool = False, insecure: bool = False) -> Permissions:
        """As asked for; ``MASQUERADE_OFFLINE`` (other than 0) forbids the network as well."""
        variable = os.environ.get("MASQUERADE_OFFLINE", "0").strip().lower()
        return cls(offline or variable not in {"", "0", "no", "false", "off"}, insecure)

    def check(self, address: str, *, hash_known: bool) -> None:
        """Refuse an address that may not be asked; redirects are checked by this too.

        Raises:
            DownloadError: with the reason.
        """
        parts = urlsplit(address)
        here = parts.scheme in {"http", "https"} and _is_here(parts.hostname or "")
        if self.offline and not here:
            raise DownloadError("The network is forbidden; unset MASQUERADE_OFFLINE to allow it.")
        if parts.scheme == "https" or here:
            return
        if parts.scheme != "http":
            raise DownloadError(f"{address} is no https address; give one.")
        if not self.insecure:
            raise DownloadError(f"{address} is not encrypted; use https, or --insecure.")
        if not hash_known:
            raise DownloadError(
                f"{address} is not encrypted and the file's hash is not known, so nothing would "
                "tell a forgery; use https."
            )


def mirrors_of(spec: ModelSpec, file: ModelFile) -> tuple[Mirror, ...]:
    """Places to look for a file, the user's own first.

    Raises:
        SettingsError: MASQUERADE_MIRRORS names something that is no place.
    """
    published = (_published(address) for address in file.mirrors)
    return (*_own(spec.name, file.name), *published)


def _published(address: str) -> Mirror:
    address, _, member = address.partition("#")
    return Mirror(address=address, member=member)


def _own(model: str, file_name: str) -> list[Mirror]:
    found: list[Mirror] = []
    for base in os.environ.get("MASQUERADE_MIRRORS", "").split(";"):
        base = base.strip()
        if not base:
            continue
        scheme = urlsplit(base).scheme.lower()
        if scheme in {"http", "https"}:
            base = base.rstrip("/")
            found += [
                Mirror(address=f"{base}/{quote(part)}", own=True)
                for part in (f"{model}/{file_name}", file_name)
            ]
        else:
            folder = _folder(base, scheme)
            found += [
                Mirror(path=folder / model / file_name, own=True),
                Mirror(path=folder / file_name, own=True),
            ]
    return found


def _folder(base: str, scheme: str) -> Path:
    if scheme == "file":
        parts = urlsplit(base)
        if parts.netloc not in {"", "localhost"}:
            raise SettingsError(
                f"MASQUERADE_MIRRORS names {base}, on another machine; mount it and give its path."
            )
        return Path(url2pathname(unquote(parts.path)))
    if "://" in base:
        raise SettingsError(
            f"MASQUERADE_MIRRORS names {base}; give folders, file:// or https:// addresses, "
            "separated by ';'."
        )
    return Path(base).expanduser()


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
