"""The ways in which one network could run, in the order in which they are tried.

Nothing is opened here: files, a provider and what was asked for go in, plans come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from masquerade.core.errors import ModelError
from masquerade.core.execution import Execution
from masquerade.runtime.brought_file import BroughtFile

__all__ = ["Candidate", "Group", "candidate_groups"]

_LIBRARIES = {"cpu": "onnxruntime", "openvino": "openvino"}
_MADE = ("fp16", "int8")
"""Precisions that need a file of their own."""
_VARIANT = "`masquerade models quantize {} --precision {}`"
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

    def groups(precisions: Iterable[tuple[str, str]]) -> Iterator[Group]:
        for precision, notice in precisions:
            file = _file_for(precision, files, provider, on_processor=on_processor)
            if file is None:
                continue
            computed = "fp32" if precision == "fp16" and on_processor else precision
            ways = _ways(provider, file, computed, execution, openvino=openvino)
            if ways:
                yield Group(ways, notice)

    found = tuple(groups(_precisions(execution, files, on_processor=on_processor)))
    if not found and not execution.strict_precision:
        found = tuple(groups(_nearest(execution.precision, label, on_processor=on_processor)))[:1]
    if not found:
        raise ModelError(
            f"{label} cannot be had in {execution.precision} here. {_remedy(execution, label)}, "
            "or ask for the precision 'auto'."
        )
    return found


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


def _nearest(asked: str, label: str, *, on_processor: bool) -> Iterator[tuple[str, str]]:
    """More exact precisions, the nearest first, with what the user is told."""
    remedy = f" {_VARIANT.format(label, asked)} makes it." if asked in _MADE else ""
    for precision in ("fp32",) if on_processor else ("fp16", "fp32"):
        if precision != asked:
            yield precision, f"It cannot be had in {asked} here, so {precision} is used.{remedy}"


def _remedy(execution: Execution, label: str) -> str:
    if execution.precision in _MADE:
        return f"Make that variant with {_VARIANT.format(label, execution.precision)}"
    return "Install OpenVINO"


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
