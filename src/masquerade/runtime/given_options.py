"""Provider options as people write them, put with the providers that have them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from masquerade.core.errors import SettingsError
from masquerade.runtime.known_options import KNOWN_OPTIONS, KNOWN_VALUES, WHOLE_NUMBERS

__all__ = ["check_option", "given_options"]

_CHAINS = {"tensorrt": ("tensorrt", "cuda"), "dml": ("directml",)}
"""Providers that stand for others: what TensorRT does not take runs on CUDA."""
_ALSO = {"cpu": ("openvino",)}
"""Providers that may stand in: OpenVINO runs networks on the processor where that is quicker."""
_FORM = "write KEY=VALUE, or PROVIDER:KEY=VALUE where several providers have it"


def given_options(words: Iterable[str], providers: Sequence[str]) -> dict[str, dict[str, str]]:
    """Options by provider, for ``Execution.options``.

    Args:
        words: ``KEY=VALUE`` for every provider that was asked for and has the option, or
            ``PROVIDER:KEY=VALUE`` for that one.
        providers: short names that were asked for; with "auto" among them, any may be meant.

    Raises:
        SettingsError: a word has another form, no such provider has the option, or it does not
            take the value. The message names what comes near.

    >>> given_options(["gpu_mem_limit=2147483648", "cpu:winograd=off"], ["cuda", "cpu"])
    {'cuda': {'gpu_mem_limit': '2147483648'}, 'cpu': {'winograd': 'off'}}
    """
    found: dict[str, dict[str, str]] = {}
    for word in words:
        name, equals, value = word.partition("=")
        provider, colon, key = name.rpartition(":")
        if not equals or not key or not value:
            raise SettingsError(f"{word!r} is no provider option; {_FORM}.")
        meant = _chain(provider) if colon else _askable(providers)
        for short in _having(key, tuple(meant), named=bool(colon)):
            check_option(short, key, value)
            found.setdefault(short, {})[key] = value
    _check_openvino_is_asked(found, providers)
    return found


def check_option(provider: str, key: str, value: str) -> None:
    """Whether a provider has an option and takes the value.

    Raises:
        SettingsError: it does not; the message names the nearest.
    """
    if key not in KNOWN_OPTIONS[provider]:
        raise SettingsError(
            f"The provider {provider!r} has no option {key!r}{_near(key, KNOWN_OPTIONS[provider])}"
        )
    if key == "device_id":
        raise SettingsError(
            "Devices are not chosen by the option 'device_id'; name them with --device-id "
            "(Execution.device_ids), or by role with --device-of."
        )
    values = KNOWN_VALUES.get((provider, key), ())
    if values and value not in values:
        raise SettingsError(
            f"The option {key!r} of {provider!r} is {value!r}; choose one of {', '.join(values)}."
        )
    if (provider, key) in WHOLE_NUMBERS and not value.isdecimal():
        raise SettingsError(
            f"The option {key!r} of {provider!r} is {value!r}; give a whole number"
            f"{'' if 'threads' in key else ' of bytes'}."
        )


def _chain(provider: str) -> tuple[str, ...]:
    short = provider.lower()
    if short not in KNOWN_OPTIONS and short not in _CHAINS:
        raise SettingsError(f"There is no provider {provider!r}{_near(short, KNOWN_OPTIONS)}")
    return _CHAINS[short][:1] if short in _CHAINS else (short,)


def _askable(providers: Sequence[str]) -> Iterator[str]:
    """The providers whose options have an effect where these were asked for."""
    if "auto" in providers:
        yield from KNOWN_OPTIONS
        return
    for short in providers:
        yield from _CHAINS.get(short, (short,))
        yield from _ALSO.get(short, ())


def _having(key: str, meant: tuple[str, ...], *, named: bool) -> list[str]:
    having = [short for short in dict.fromkeys(meant) if key in KNOWN_OPTIONS[short]]
    if having or named:
        return having or list(meant)
    others = [short for short, known in KNOWN_OPTIONS.items() if key in known]
    if others:
        raise SettingsError(
            f"{key!r} is an option of {' and '.join(others)}, which was not asked for; "
            f"ask for it with --execution-provider {others[0]}."
        )
    known = {name: None for short in meant for name in KNOWN_OPTIONS[short]}
    raise SettingsError(f"No provider that was asked for has an option {key!r}{_near(key, known)}")


def _check_openvino_is_asked(
    found: Mapping[str, Mapping[str, str]], providers: Sequence[str]
) -> None:
    device = found.get("openvino", {}).get("device_type", "CPU")
    if device != "CPU" and "openvino" not in providers:
        raise SettingsError(
            f"OpenVINO takes {device!r} only where it is asked for; add "
            "--execution-provider openvino."
        )


def _near(word: str, known: Iterable[str]) -> str:
    """The rest of a sentence: what comes near, or all that there is."""
    names = list(known)
    nearest = difflib.get_close_matches(word, names, n=3, cutoff=0.5)
    if nearest:
        return f". Did you mean {' or '.join(nearest)}?"
    return f"; it has {', '.join(names)}." if names else "; it has none."
