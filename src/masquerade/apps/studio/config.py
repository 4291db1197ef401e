"""How a studio runs: one frozen value, made once at its start."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from masquerade.core.errors import SettingsError
from masquerade.core.folders import data_folder

__all__ = ["DEFAULT_PORT", "Limits", "StudioConfig", "TlsFiles", "is_loopback", "make_token"]

DEFAULT_PORT = 8790
_TOKEN_BYTES = 24
_SHORTEST_TOKEN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much clients may take.

    Attributes:
        upload_bytes: one uploaded file.
        uploads_bytes: all uploaded files together.
        picture_pixels: width times height of an uploaded picture or of a frame of a video.
        upload_age_s: how long an upload is kept after it was last used.
        body_bytes: the body of a request that is no upload.
        header_bytes: the head of a request.
        requests_per_s: of one client, on average; ``request_burst`` at once.
        all_requests_per_s: of all clients, on average; ``all_request_burst`` at once.
        connections: open at the same time, WebSockets included.
        sessions: live sessions at the same time.
        jobs: jobs that wait or run at the same time.
        jobs_at_a_time: of those, how many run.
        job_age_s: how long a job and its files are kept after it has ended.
    """

    upload_bytes: int = 4 * 2**30
    uploads_bytes: int = 16 * 2**30
    picture_pixels: int = 100_000_000
    upload_age_s: float = 24 * 3600.0
    body_bytes: int = 256 * 1024
    header_bytes: int = 32 * 1024
    requests_per_s: float = 100.0
    request_burst: int = 300
    all_requests_per_s: float = 400.0
    all_request_burst: int = 1200
    connections: int = 1000
    sessions: int = 4
    jobs: int = 200
    jobs_at_a_time: int = 1
    job_age_s: float = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate (with its chain) and its private key, both PEM."""

    certificate: Path
    key: Path


def make_token() -> str:
    """A token that cannot be guessed: 192 random bits as 32 characters."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioConfig:
    """How a studio runs.

    Attributes:
        host: the interface that is listened on; a name or a number.
        port: 0 takes a free one.
        folder: where the studio keeps what belongs to it.
        token: what a client shows to be let in; made anew at each start.
        tls: None serves without encryption.
        insecure: whether that is allowed where others can connect.
        allow_hosts: further names by which browsers may call this machine.
        allow_host_devices: whether clients on other machines may use this machine's cameras,
            microphones and sinks.
        allow_streams: patterns of stream addresses that clients may ask for, such as
            ``rtsp://camera.example/*``; none allows no address.
        limits: how much clients may take.

    Raises:
        SettingsError: the port or the token cannot be used, or others could read what is sent.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    folder: Path = field(default_factory=lambda: data_folder() / "studio")
    token: str = field(default_factory=make_token, repr=False)
    tls: TlsFiles | None = None
    insecure: bool = False
    allow_hosts: tuple[str, ...] = ()
    allow_host_devices: bool = False
    allow_streams: tuple[str, ...] = ()
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if not 0 <= self.port < 65536:
            raise SettingsError(f"{self.port} is no port; choose one from 0 to 65535.")
        if len(self.token) < _SHORTEST_TOKEN:
            raise SettingsError(
                f"The token is shorter than {_SHORTEST_TOKEN} characters; "
                "leave it out to have one made."
            )

        if self.tls is None and not (self.insecure or self.on_loopback):
            raise SettingsError(
                f"Others could read what is sent to {self.host}; give a certificate, or "
                "--insecure if something else encrypts."
            )

    @property
    def on_loopback(self) -> bool:
        """Whether only programs on this machine can connect."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine talking to itself: a loopback number or ``localhost``.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
