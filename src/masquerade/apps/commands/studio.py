"""``masquerade studio``: the studio in a browser, here or on another machine."""

from __future__ import annotations

import argparse
import importlib.util
import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.apps.console import Console
from masquerade.core.errors import RuntimeSetupError, SettingsError

if TYPE_CHECKING:
    from masquerade.apps.studio.config import StudioConfig, TlsFiles

__all__ = ["run"]

_NEEDED = ("fastapi", "uvicorn", "websockets", "python_multipart", "cryptography")
_TOKEN_VARIABLE = "MASQUERADE_STUDIO_TOKEN"


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Serve the studio until it is stopped."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise RuntimeSetupError(
            f"The studio needs packages that are not installed ({', '.join(missing)}). "
            "Run: pip install 'masquerade[studio]'"
        )
    # These take half a second, and whoever lacks the packages must get the sentence above.
    from masquerade.apps.studio.launch import Studio, opened_in_browser

    config = _config(args)
    studio = Studio(config)
    _tell(config, studio.links, console)
    with ExitStack() as held:
        opened = held.enter_context(opened_in_browser(studio.links[0])) if args.open else None
        studio.run(opened or _nothing)
    console.note("The studio has ended; its uploads are deleted.")
    return {}


def _nothing() -> None:
    """Nothing is opened."""


def _config(args: argparse.Namespace) -> StudioConfig:
    from masquerade.apps.studio.config import Limits, StudioConfig, make_token

    return StudioConfig(
        host=args.host,
        port=args.port,
        token=os.environ.get(_TOKEN_VARIABLE) or make_token(),
        tls=_tls(args),
        insecure=args.insecure,
        allow_hosts=tuple(args.allow_host or ()),
        allow_host_devices=args.allow_host_devices,
        allow_streams=tuple(args.allow_stream or ()),
        limits=Limits(
            upload_bytes=args.max_upload,
            uploads_bytes=4 * args.max_upload,
            upload_age_s=args.keep_uploads,
            sessions=args.max_sessions,
            jobs_at_a_time=args.jobs,
            job_age_s=args.keep_jobs,
        ),
    )


def _tls(args: argparse.Namespace) -> TlsFiles | None:
    """The certificate that was given, or one that is made where others can connect or it was
    asked for; None without encryption.
    """
    from masquerade.apps.studio.access.certificate import make_certificate, names_of_this_machine
    from masquerade.apps.studio.config import TlsFiles, is_loopback
    from masquerade.core.folders import data_folder

    if bool(args.tls_cert) != bool(args.tls_key):
        raise SettingsError("Give --tls-cert and --tls-key together.")
    if args.insecure and (args.tls or args.tls_cert):
        raise SettingsError("Give --insecure or a certificate, not both.")
    if args.tls_cert:
        return TlsFiles(Path(args.tls_cert), Path(args.tls_key))
    if args.tls or not (args.insecure or is_loopback(args.host)):
        names = names_of_this_machine(args.host, args.allow_host or ())
        return make_certificate(data_folder() / "studio" / "tls", names)
    return None


def _tell(config: StudioConfig, links: list[str], console: Console) -> None:
    """Say where the page is. The links go to the terminal alone: they let anybody in."""
    from masquerade.apps.studio.access.certificate import fingerprint

    console.say(f"Studio: {links[0]}")
    for link in links[1:]:
        console.note(f"     or {link}")
    if config.tls is not None:
        console.note(f"Certificate, SHA-256: {fingerprint(config.tls)}")
    elif not config.on_loopback:
        console.note("Not encrypted: others on the way can read the token and the pictures.")
    console.note("Whoever has the link may use the studio. Ctrl-C ends it.")
