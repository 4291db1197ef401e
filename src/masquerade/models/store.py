"""Where the shipped weights are, and whether they are what they should be."""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.core.errors import ModelError
from masquerade.core.execution import Execution
from masquerade.core.folders import cache_folder
from masquerade.models.spec import WeightSpec
from masquerade.runtime.provider_options import provider_setup
from masquerade.runtime.session import Session
from masquerade.runtime.single_item import single_item

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["open_network", "registry", "verify_weights", "weight_path"]

_HERE = Path(__file__).parent
_FOLDER = _HERE / "weights"
_REPAIR = "Reinstall masquerade (pip install --force-reinstall --no-deps masquerade)."


@cache
def registry() -> Mapping[str, WeightSpec]:
    """Every shipped weight file by its role."""
    with (_HERE / "shipped.toml").open("rb") as file:
        entries = tomllib.load(file)
    return {role: WeightSpec(role=role, **entry) for role, entry in entries.items()}


def weight_path(role: str) -> Path:
    """Path of the weight file with that role.

    Only presence and length are looked at, which is quick enough for every start;
    :func:`verify_weights` reads the whole file.

    Raises:
        ModelError: there is no such role, or the file is missing or cut short.
    """
    spec = registry().get(role)
    if spec is None:
        raise ModelError(f"No network has the role {role!r}; there are {', '.join(registry())}.")
    path = _FOLDER / spec.file
    if not path.is_file():
        raise ModelError(f"The weight file {spec.file} is missing. {_REPAIR}")
    if path.stat().st_size != spec.size_bytes:
        raise ModelError(f"The weight file {spec.file} is damaged: its length is wrong. {_REPAIR}")
    return path


def verify_weights(role: str | None = None) -> None:
    """Compare one weight file, or all of them, with the hashes of the registry.

    Raises:
        ModelError: a file is missing or damaged.
    """
    for name in registry() if role is None else (role,):
        digest = hashlib.sha256(weight_path(name).read_bytes()).hexdigest()
        spec = registry()[name]
        if digest != spec.sha256:
            raise ModelError(
                f"The weight file {spec.file} is damaged: its hash is {digest[:12]}..., "
                f"not {spec.sha256[:12]}.... {_REPAIR}"
            )


def open_network(role: str, threads: int = 0, device: str = "") -> Session:
    """The network with that role; loaded once per process and setting, then shared.

    One session may be run from several threads at a time.

    Args:
        role: a key of :func:`registry`.
        threads: threads of the network; 0 chooses by the machine.
        device: "cuda:0" and the like: there it takes one item at a time, so that its runs can be
            recorded. "" is the processor, which takes any number.

    Raises:
        ModelError: the file is missing or damaged.
        ProviderError: the device's provider does not start.
        RuntimeSetupError: ONNX Runtime is not set up.
    """
    return _shared_session(weight_path(role), threads, device)


@cache
def _shared_session(path: Path, threads: int, device: str) -> Session:
    if not device:
        return Session(path, threads=threads)
    provider, _, number = device.partition(":")
    setup = provider_setup(
        provider,
        Execution(providers=(provider,), precision="fp32"),
        device_id=int(number or 0),
        cache=cache_folder() / "providers",
    )
    return Session(single_item(path), setup=setup, label=path.stem)
