"""Addresses of streams: which are allowed, how they are opened, and how they are named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import av.error

from masquerade.core.errors import AddressError, InputError
from masquerade.media.live.reader import Attempt

if TYPE_CHECKING:
    from masquerade.media.live.options import SourceOptions

__all__ = ["AddressInput", "is_address"]

_PROTOCOLS = {
    "http": "http,https,httpproxy,tcp,tls,crypto",
    "https": "http,https,httpproxy,tcp,tls,crypto",
    "rtsp": "rtp,udp,tcp",
    "rtsps": "rtp,srtp,udp,tcp,tls",
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmp,rtmps,tcp,tls",
    "udp": "udp",
    "tcp": "tcp",
}
"""By scheme, what FFmpeg may open on its behalf: also after a redirect and from a playlist."""

_FORMATS = (
    "rtsp,flv,live_flv,mpegts,hls,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mjpeg,mpjpeg,jpeg_pipe,"
    "h264,hevc,m4v,ogg,nut,asf,avi,ivf,obu,aac,mp3,webvtt"
)
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
# FFmpeg takes these for more than a name although they have no slashes.
_TRAPS = re.compile(
    r"(async|bluray|cache|concat|concatf|crypto|data|fd|ffrtmpcrypt|file|pipe|subfile|tee|lavfi)[:,]"
)
_RECORDED = ("mov", "matroska", "avi", "ogg", "asf")
_IN_PIECES = ("hls", "dash")


def is_address(spec: str) -> bool:
    """Whether ``spec`` is an address rather than a name or a path."""
    return bool(_ADDRESS.match(spec) or _TRAPS.match(spec))


@dataclass(frozen=True, slots=True)
class AddressInput:
    """A stream on the network, for a Reader.

    Attributes:
        address: as the user gave it; it may hold a password and is never shown.
        label: what it is called in messages: scheme, host and port.
    """

    address: str
    label: str
    options: SourceOptions

    @classmethod
    def of(cls, address: str, options: SourceOptions) -> AddressInput:
        """Check an address.

        Raises:
            AddressError: a scheme that is not allowed, or no host.
        """
        found = _ADDRESS.match(address)
        scheme = found[1].lower() if found else address.split(":")[0].split(",")[0].lower()
        if scheme not in _PROTOCOLS:
            raise AddressError(
                f"An address that begins with {scheme}: is not allowed as a camera; use one of "
                f"{', '.join(_PROTOCOLS)}, or give a file by its path."
            )
        parts = _split(address)
        return cls(address, f"{scheme}://{_place(parts)}", options)

    def attempts(self) -> Sequence[Attempt]:
        """How to open it, best first."""
        parts = _split(self.address)
        url, listens = _without_listen(parts, self.address)
        options = {
            "protocol_whitelist": _PROTOCOLS[parts.scheme.lower()],
            "format_whitelist": _FORMATS,
            # Not "nobuffer": it would throw away what is read to learn what the stream is, and
            # with it the first key frame.
            "analyzeduration": "1000000",
            "max_pixels": str(self.options.limits.max_pixels),
        }
        if parts.scheme.lower() == "udp":
            options |= {"overrun_nonfatal": "1", "fifo_size": "50000"}
        if listens:
            options["listen"] = "1"
        if parts.scheme.lower() in ("rtsp", "rtsps"):
            return [
                Attempt(url, None, {**options, "rtsp_transport": way}) for way in ("tcp", "udp")
            ]
        return [Attempt(url, None, options)]

    def paced(self, format_name: str, duration: int | None) -> bool:
        """Whether pictures come faster than they are to be shown: recordings and pieces."""
        names = format_name.split(",")
        return duration is not None or any(name in names for name in (*_IN_PIECES, *_RECORDED))

    def ends(self, format_name: str, duration: int | None) -> bool:
        """Whether its end is the end, and not a connection that broke."""
        return duration is not None and format_name.split(",")[0] in (*_IN_PIECES, *_RECORDED)

    def without_picture(self, what: str) -> InputError:
        """One sentence: it sends something else than a picture."""
        return AddressError(f"{self.label} sends {what}; choose a stream with a picture.")

    def explain(self, error: Exception, waited_s: float) -> InputError:
        """One sentence about what FFmpeg raised, without the address itself."""
        name = self.label
        if isinstance(error, InputError):
            return error
        if isinstance(error, av.error.ExitError | TimeoutError):
            return AddressError(
                f"Nothing came from {name} within {waited_s:.0f} s; check the address, and whether "
                "the sender runs."
            )
        if isinstance(error, av.error.HTTPError | av.error.HTTPClientError):
            code = str(error.strerror or error).split(":")[0]
            return AddressError(
                f"{name} refuses the stream ({code}); check the path and the password."
            )
        if isinstance(error, ConnectionError):
            return AddressError(
                f"Nobody answers at {name} ({_reason(error)}); check the address, and whether "
                "the sender runs."
            )
        if isinstance(error, av.error.InvalidDataError):
            return AddressError(
                f"{name} sends nothing that can be received as video here; check the address, and "
                "that it leads to no other kind of connection."
            )
        return AddressError(
            f"{name} cannot be received ({_reason(error)}); check the address and the network."
        )


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        if not parts.netloc or (parts.hostname is None and parts.scheme != "udp"):
            raise ValueError
        parts.port  # noqa: B018 - it is read to be checked
    except ValueError:
        raise AddressError(
            "The address of the stream has no valid host; give it as scheme://host:port/path."
        ) from None
    return parts


def _place(parts: SplitResult) -> str:
    host = parts.hostname or "@"
    host = f"[{host}]" if ":" in host else host
    return host if parts.port is None else f"{host}:{parts.port}"


def _without_listen(parts: SplitResult, address: str) -> tuple[str, bool]:
    """RTMP listens by an option of its own; tcp, udp and http read it from the address."""
    query = parse_qsl(parts.query, keep_blank_values=True)
    if not parts.scheme.lower().startswith("rtmp") or ("listen", "1") not in query:
        return address, False
    query.remove(("listen", "1"))
    return parts._replace(query=urlencode(query)).geturl(), True


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or type(error).__name__).rstrip(".").lower()
