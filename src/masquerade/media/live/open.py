"""The live source for what ``--camera`` takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.core.errors import DeviceError
from masquerade.media.live.address import AddressInput, is_address
from masquerade.media.live.capture import CaptureSource
from masquerade.media.live.device_input import (
    camera_input,
    screen_crops_by_itself,
    screen_input,
)
from masquerade.media.live.devices import list_cameras
from masquerade.media.live.file_camera import FileCamera
from masquerade.media.live.options import SourceOptions
from masquerade.media.live.puppet_camera import PuppetCamera
from masquerade.media.live.still_camera import StillCamera
from masquerade.media.open import open_target

if TYPE_CHECKING:
    from masquerade.core.protocols import Source

__all__ = ["open_live_source"]


def open_live_source(spec: str, options: SourceOptions | None = None) -> Source:
    """Open a live source.

    Args:
        spec: the index or the name of a camera (or part of it), a path (of a device, a video
            or a picture),
            an address, ``screen`` or ``screen:1``, ``puppet`` or ``puppet:mona_lisa``.
        options: size, rate, and how the picture is turned.

    Raises:
        DeviceError: a camera or a screen is missing, in use, refused, or sends nothing.
        AddressError: an address is not allowed, nobody answers, or nothing usable comes.
        InputError: a file cannot be used.
        SettingsError: a crop outside the picture, an unknown puppet.
    """
    options = options or SourceOptions()
    kind, _, rest = spec.partition(":")
    if kind == "puppet":
        return PuppetCamera(rest, options)
    if kind == "screen":
        cropped = screen_crops_by_itself()
        return CaptureSource(screen_input(rest, options), options, cropped=cropped)
    if is_address(spec) and not Path(spec).exists():
        return CaptureSource(AddressInput.of(spec, options), options)
    if _is_file(spec):
        still = open_target(spec, limits=options.limits) == "image"
        return (StillCamera if still else FileCamera)(spec, options)
    return CaptureSource(camera_input(spec, options), options)


def _is_file(spec: str) -> bool:
    """Whether a file is meant, and not a camera."""
    if spec.startswith("/dev/"):
        return False
    path = Path(spec)
    if path.exists():
        return not spec.isdecimal()
    if spec.isdecimal():
        return False
    if "/" in spec or "\\" in spec or path.suffix[1:].isalnum():
        try:
            return not any(spec.casefold() in item.name.casefold() for item in list_cameras())
        except DeviceError:
            return True
    return False
