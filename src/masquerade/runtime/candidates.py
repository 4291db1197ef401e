"""The ways in which one network could run, in the order in which they are tried.

Nothing is opened here: files, a provider and what was asked for go in, plans come out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from masquerade.core.errors import ModelError
from masquerade.core.execution import Execution
from masquerade.runtime.brought_file import BroughtFile

__all__ = ["Candidate", "Group", "candidate_groups"]

_LIBRARIES = {"cpu": "onnxruntime", "openvino": "openvino"}
_CASTING = ("tensorrt", "migraphx")
"""Providers that compute a float32 file in reduced precision by themselves."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to run a network.

    Attributes:
        file: that is read.
        library: what it runs on: "cpu" is ONNX Runtime's, "openvino" is the package; else the
            provider.
        precision: of the arithmetic.
        winograd: whether 3x3 convolutions are written as matrix products.
    """

    file: BroughtFile
    library: str
    precision: str
    winograd: bool = False

    @property
    def name(self) -> str:
        """For messages and for what is remembered."""
        return f"{self.library} {self.precision}" + (" winograd" if self.winograd else "")


@dataclass(frozen=True, slots=True)
class Group:
    """Candidates of the same precision, of which the quickest that fits is taken.

    Attributes:
        candidates: the plainest first.
        notice: what the user is told where this one is taken; "" where it is what was asked for.
    """

    candidates: tuple[Candidate, ...]
    notice: str = ""


def candidate_groups(
    provider: str,
    files: Mapping[str, BroughtFile],
    execution: Execution,
    *,
    openvino: bool,
    label: str = "The network",
) -> tuple[Group, ...]:
    """Groups to try one after the other, each smaller in memory than the one before.

    Args:
        provider: short name, resolved.
        files: by precision; the first is the model itself.
        execution: precision and options.
        openvino: whether the package openvino is there.
        label: what messages call the network.

    Raises:
        ModelError: there is no file of that precision and none may stand in.
    """
    on_processor = _on_processor(provider, execution)
    groups: list[Group] = []
    for precision, notice in _precisions(execution, files, on_processor=on_processor):
        file = _file_for(precision, files, provider, on_processor=on_processor)
        if file is None:
            continue
        computed = "fp32" if precision == "fp16" and on_processor else precision
        ways = _ways(provider, file, computed, execution, openvino=openvino)
        if ways:
            groups.append(Group(ways, notice))
    if not groups:
        raise ModelError(
            f"{label} is not installed in {execution.precision}. Make that variant with "
            f"`masquerade models quantize {label} --precision {execution.precision}`, or ask for "
            "the precision 'auto'."
        )
    return tuple(groups)


def _on_processor(provider: str, execution: Execution) -> bool:
    device = execution.options.get("openvino", {}).get("device_type", "CPU")
    return provider == "cpu" or (provider == "openvino" and device == "CPU")


def _precisions(
    execution: Execution, files: Mapping[str, BroughtFile], *, on_processor: bool
) -> list[tuple[str, str]]:
    """Precisions to try, with what the user has to be told."""
    asked = execution.precision
    if asked == "fp16" and on_processor:
        return [("fp16", "Processors compute in fp32, so that is used in place of fp16.")]
    if asked != "auto":
        wanted: list[tuple[str, str]] = [(asked, "")]
        if execution.allow_fallback:
            wanted.append(("fp32", f"The precision {asked} is not possible here; fp32 is used."))
        return wanted
    if next(iter(files)) == "int8":
        return [("int8", "")]
    lower = ("int8", "It did not fit into the memory in full precision, so int8 is used.")
    if on_processor:
        return [("fp32", ""), lower]
    if "fp16" in files:
        return [("fp16", ""), lower]
    return [("fp32", ""), lower]


def _file_for(
    precision: str, files: Mapping[str, BroughtFile], provider: str, *, on_processor: bool
) -> BroughtFile | None:
    full = files.get("fp32") or files.get("fp16")  # half becomes single without loss
    if precision in ("fp32", "bf16"):
        return full
    if precision == "fp16" and precision not in files and (on_processor or provider in _CASTING):
        return full
    if precision == "fp16" and precision not in files and provider == "openvino":
        return full
    return files.get(precision)


def _ways(
    provider: str, file: BroughtFile, precision: str, execution: Execution, *, openvino: bool
) -> tuple[Candidate, ...]:
    choices = _winograd_choices(file, precision, execution)
    if not _on_processor(provider, execution):
        return (Candidate(file, provider, precision),)
    if provider == "openvino":
        return tuple(Candidate(file, provider, precision, winograd) for winograd in choices)
    library = execution.options.get("cpu", {}).get("library", "auto")
    libraries = [name for name in ("cpu", "openvino") if library in ("auto", _LIBRARIES[name])]
    if not openvino:
        libraries = [name for name in libraries if name == "cpu"]
    if precision == "bf16":  # ONNX Runtime has no kernels for it on processors
        libraries = [name for name in libraries if name == "openvino"]
    ways = []
    for winograd in choices:
        ways += [Candidate(file, name, precision, winograd) for name in libraries]
    return tuple(ways)


def _winograd_choices(file: BroughtFile, precision: str, execution: Execution) -> tuple[bool, ...]:
    asked = execution.options.get("cpu", {}).get("winograd", "auto")
    if asked == "off" or precision != "fp32" or not file.winograd_bytes:
        return (False,)
    return (True,) if asked == "on" else (False, True)
