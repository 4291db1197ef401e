"""The public models that masquerade knows, read from ``registry.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from masquerade.core.errors import ModelError
from masquerade.models.spec import ROLES, Decoding, ModelFile, ModelSpec, SourceInput

__all__ = ["catalogue", "find_spec", "parse_catalogue"]

_REGISTRY = Path(__file__).parent / "registry.toml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@cache
def catalogue() -> Mapping[str, ModelSpec]:
    """Every public model by its name, in the order of the file: by role, then as it is known."""
    return parse_catalogue(_REGISTRY.read_text(encoding="utf-8"))


def find_spec(name: str) -> ModelSpec:
    """The model of that name.

    Raises:
        ModelError: there is none; the message names what comes near.
    """
    spec = catalogue().get(name)
    if spec is None:
        import difflib

        near = difflib.get_close_matches(name, catalogue(), n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "See `masquerade models list`."
        raise ModelError(f"There is no model {name!r}. {hint}")
    return spec


def parse_catalogue(text: str) -> Mapping[str, ModelSpec]:
    """Read a registry.

    Args:
        text: TOML as in ``registry.toml``.

    Raises:
        ModelError: an entry is incomplete or contradicts another; the message names it.
    """
    try:
        document = tomllib.loads(text)
        patterns = {
            name: tuple(entry["mirrors"]) for name, entry in document.get("exporter", {}).items()
        }
        specs = {name: _spec(name, entry, patterns) for name, entry in document["model"].items()}
        faults = {name: next(_faults(spec, specs), None) for name, spec in specs.items()}
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise _damaged(str(error)) from error
    except RecursionError as error:
        raise _damaged("it is nested too deeply") from error
    for name, fault in faults.items():
        if fault is not None:
            raise _damaged(f"{name}: {fault}")
    return MappingProxyType(specs)


def _damaged(reason: str) -> ModelError:
    return ModelError(f"The registry of models is damaged ({reason[:300]}); reinstall it.")


def _spec(name: str, entry: dict[str, Any], patterns: Mapping[str, tuple[str, ...]]) -> ModelSpec:
    entry = dict(entry)
    for key in ("mean", "std"):
        if key in entry:
            entry[key] = _by_channel(entry[key])
    if "source" in entry:
        source = dict(entry["source"])
        entry["source"] = SourceInput(**source)
    if "decoding" in entry:
        decoding = dict(entry["decoding"])
        decoding["strides"] = tuple(decoding["strides"])
        entry["decoding"] = Decoding(**decoding)
    entry["boost_sizes"] = tuple(entry.get("boost_sizes", ()))
    entry["files"] = tuple(_file(item, patterns) for item in entry["files"])
    return ModelSpec(name=name, **entry)


def _file(entry: dict[str, Any], patterns: Mapping[str, tuple[str, ...]]) -> ModelFile:
    """A file with its mirrors written out: the exporter's own, then those of the entry."""
    entry = dict(entry)
    places = {"tag": entry.pop("tag", ""), "file": entry["name"]}
    own = tuple(pattern.format(**places) for pattern in patterns[entry["exporter"]])
    entry["mirrors"] = (*own, *entry.get("mirrors", ()))
    return ModelFile(**entry)


def _by_channel(value: float | list[float]) -> tuple[float, float, float]:
    if isinstance(value, list):
        red, green, blue = value
        return float(red), float(green), float(blue)
    return (float(value),) * 3


def _faults(spec: ModelSpec, specs: Mapping[str, ModelSpec]) -> Iterator[str]:
    """What is wrong with an entry, in words."""
    if not _NAME.fullmatch(spec.name):
        yield "the name cannot be typed"
    if spec.role not in ROLES:
        yield f"there is no role {spec.role}"
    if not (spec.title and spec.family and spec.licence and spec.licence_url and spec.files):
        yield "title, family, licence, its address and files are needed"
    if (spec.role == "swapper") != (spec.source is not None):
        yield "swappers have a source, and others have none"
    if (spec.role == "upscaler") != (spec.scale > 1):
        yield "upscalers have a scale above 1, and others have none"
    if (spec.role == "detector") != (spec.decoding is not None):
        yield "detectors have a decoding, and others have none"
    for name in spec.needs:
        if name not in specs:
            yield f"it needs {name}, which is not listed"
    keys = [(file.name, file.exporter) for file in spec.files]
    if len(set(keys)) != len(keys):
        yield "two files have the same name and exporter"
    for file in spec.files:
        if file.sha256 is not None and not _SHA256.fullmatch(file.sha256):
            yield f"the hash of {file.name} is not 64 hexadecimal digits"
        if file.verified and file.sha256 is None:
            yield f"{file.name} is called verified and has no hash"
        if not _NAME.fullmatch(file.name):
            yield f"the file name {file.name!r} leads elsewhere"
        if any(not mirror.startswith("https://") for mirror in file.mirrors):
            yield f"a mirror of {file.name} is no https address"
