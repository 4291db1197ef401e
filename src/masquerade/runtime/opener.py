"""Opening a network in one given way: checked, rewritten, kept, admitted, loaded."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.core.execution import Execution
from masquerade.core.folders import cache_folder
from masquerade.runtime.budget import device_budget, process_budget
from masquerade.runtime.candidates import Candidate
from masquerade.runtime.half_check import probe
from masquerade.runtime.mapped_files import let_go_of_mapped
from masquerade.runtime.memory import (
    peak_resident_bytes,
    resident_bytes,
    return_freed_memory,
)
from masquerade.runtime.opened import Opened
from masquerade.runtime.openvino_network import OpenVinoNetwork, save_for_openvino
from masquerade.runtime.optimised_files import OptimisedFiles, entry_key
from masquerade.runtime.provider_options import ProviderSetup, provider_setup
from masquerade.runtime.providers import installed_providers
from masquerade.runtime.session import OptimisedModel, Session

if TYPE_CHECKING:
    from masquerade.runtime.budget import Admission

__all__ = ["Opener"]

_REWRITE_VERSION = 2
"""To be raised when a pass changes what it writes: kept networks are then made anew."""
_MODEL = "model.onnx"
_OPENVINO_MODEL = "model.xml"
_WORKSPACE_BYTES = 100 * 2**20  # of what a first look cannot tell: pictures between the layers
_BYTES_PER_PX, _MOST_WORKSPACE_BYTES = 1500, 2 * 2**30
"""The same of networks that draw large pictures: GFPGAN takes so much for each pixel of its 512."""
_SPREAD = 1.3  # of what lies between the layers, from run to run
_ON_DEVICE = ("cuda", "tensorrt", "directml", "migraphx", "webgpu")


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens candidates of one network.

    Attributes:
        execution: options and limits; threads are a number, not 0.
        label: what messages call the network.
        free_batch: whether several faces may be fed at once, where the graph permits.
        files: where rewritten networks are kept.
    """

    execution: Execution
    label: str
    free_batch: bool = False
    files: OptimisedFiles = field(default_factory=OptimisedFiles)

    def open(self, candidate: Candidate, device_id: int = 0) -> Opened:
        """Load a network and run it once, so that what it takes is known.

        Raises:
            ModelError: the file is refused, or a library does not take the network.
            ProviderError: the provider does not start here.
            MemoryBudgetError: it does not fit into the budget, or there was not enough memory.
        """
        entry = self._entry(candidate)
        with contextlib.ExitStack() as stack:
            admissions = [stack.enter_context(a) for a in self._admit(candidate, device_id)]
            before, highest = resident_bytes(), peak_resident_bytes()
            network = stack.enter_context(self._load(candidate, entry, device_id))
            probe(network)
            if candidate.library == "openvino" or candidate.winograd:
                let_go_of_mapped(entry)  # packed into a layout of the library's; else it is read
            grown = max(0, resident_bytes() - before)
            peak = self._peak_bytes(candidate, grown, before, highest)
            admissions[0].settle(grown, self._working_bytes(candidate, peak - grown))
            for admission in admissions[1:]:
                admission.settle(admission.claim_bytes)
            candidate.file.remembered.put(self._peak_key(candidate), peak)
            stack.pop_all()
        return Opened(network, candidate.precision, admissions=tuple(admissions))

    def fits(self, candidate: Candidate) -> bool:
        """Whether there is memory to open it, and to make it first where it is not kept yet."""
        kept = self.files.find(self._key(candidate)) is not None
        making = 0 if kept else self._making_bytes(candidate)
        return process_budget().fits(max(making, self._expected_bytes(candidate)))

    def forget(self, candidate: Candidate) -> None:
        """Remove what was made for a candidate that was not chosen: it may be gigabytes."""
        self.files.remove(self._key(candidate))

    def _entry(self, candidate: Candidate) -> Path:
        """The folder of the kept network, made where it is missing."""
        key = self._key(candidate)
        entry = self.files.find(key)
        if entry is not None:
            return entry
        with process_budget().admit(f"Reading {self.label}", self._making_bytes(candidate)):
            entry = self.files.get(key, lambda folder: self._make(candidate, folder))
        return_freed_memory()
        return entry

    def _make(self, candidate: Candidate, folder: Path) -> None:
        if candidate.library not in ("cpu", "openvino"):
            # Other providers compile in a way of their own, which ONNX Runtime cannot write down.
            self._write_rewritten(candidate, folder / _MODEL)
            return
        source = folder / "rewritten"
        source.mkdir()
        self._write_rewritten(candidate, source / _MODEL)
        if candidate.library == "cpu":
            target = OptimisedModel(folder / _MODEL, made=False)
            setup = ProviderSetup(threads=self.execution.threads)
            Session(source / _MODEL, setup=setup, optimised=target, label=self.label).close()
        elif self._by_package:
            save_for_openvino(source / _MODEL, folder / _OPENVINO_MODEL, self.label)
        else:
            self._write_rewritten(candidate, folder / _MODEL)
        shutil.rmtree(source)

    def _write_rewritten(self, candidate: Candidate, target: Path) -> None:
        import onnx

        from masquerade.runtime.onnx_file import read_model
        from masquerade.runtime.rewrite import rewrite

        rewritten = rewrite(
            read_model(candidate.file.path),
            winograd=candidate.winograd,
            free_batch=self.free_batch,
            single=candidate.precision != "fp16",
            prelu=candidate.library == "cpu",
        )
        # Weights beside the graph: a protobuf message ends at 2 GB, and they can be mapped.
        onnx.save_model(
            rewritten.model,
            str(target),
            save_as_external_data=True,
            all_tensors_to_one_file=True,
            location=OptimisedModel.WEIGHTS,
            size_threshold=1024,
        )

    def _load(self, candidate: Candidate, entry: Path, device_id: int) -> Any:
        setup = provider_setup(
            candidate.library,
            self.execution,
            device_id=device_id,
            cache=cache_folder() / "providers",
            precision=candidate.precision,
            fixed_shapes=candidate.file.fixed_shapes and not self.free_batch,
        )
        if candidate.library == "openvino" and self._by_package:
            return OpenVinoNetwork(
                entry / _OPENVINO_MODEL, setup, precision=candidate.precision, label=self.label
            )
        made = OptimisedModel(entry / _MODEL, made=True) if candidate.library == "cpu" else None
        return Session(entry / _MODEL, setup=setup, optimised=made, label=self.label)

    @property
    def _by_package(self) -> bool:
        return installed_providers().openvino

    def _key(self, candidate: Candidate) -> str:
        single = candidate.precision != "fp16"
        return entry_key(
            file=candidate.file.digest,
            rewrite=_REWRITE_VERSION,
            library=candidate.library,
            single=single,
            winograd=candidate.winograd,
            free_batch=self.free_batch,
        )

    def _admit(self, candidate: Candidate, device_id: int) -> Iterator[Admission]:
        expected = self._expected_bytes(candidate)
        yield process_budget().admit(self.label, expected)
        if candidate.library in _ON_DEVICE:
            yield device_budget(device_id).admit(self.label, self._weight_bytes(candidate))

    def _peak_key(self, candidate: Candidate) -> str:
        return f"peak {candidate.name} {self.execution.threads}"

    def _peak_bytes(self, candidate: Candidate, grown: int, before: int, highest: int) -> int:
        """The most that opening and a first run take, by all that was seen of it so far.

        Args:
            candidate: what was opened.
            grown: by how much the process has grown.
            before: what it had before.
            highest: the most that it had ever had before.
        """
        known = candidate.file.remembered.get(self._peak_key(candidate))
        now = peak_resident_bytes()
        seen = now - before if now > highest else 0  # else it was larger before: nobody can tell
        passing = max(seen - grown, 0) * _SPREAD
        earlier = known if isinstance(known, int) else 0
        return max(earlier, grown + int(passing), grown + self._passing_bytes(candidate))

    def _expected_bytes(self, candidate: Candidate) -> int:
        """The most that it took the last time; else a guess: weights as they are kept and packed,
        and pictures between the layers.
        """
        known = candidate.file.remembered.get(self._peak_key(candidate))
        least = self._weight_bytes(candidate) + self._passing_bytes(candidate)
        if isinstance(known, int) and known > 0:
            return max(known, least)
        held = int(1.1 * self._weight_bytes(candidate)) + _workspace_bytes(candidate)
        return held + self._passing_bytes(candidate)

    def _working_bytes(self, candidate: Candidate, passing: int) -> int:
        """What it gives back after each run: see ``session_options``."""
        gives_back = candidate.library == "cpu" and process_budget().limit_bytes is not None
        return max(_workspace_bytes(candidate), passing) if gives_back else 0

    def _passing_bytes(self, candidate: Candidate) -> int:
        """What opening takes beside what stays: OpenVINO packs weights while the file is mapped."""
        return self._weight_bytes(candidate) if candidate.library == "openvino" else 0

    def _weight_bytes(self, candidate: Candidate) -> int:
        file = candidate.file
        widened = 2 if file.precision == "fp16" and candidate.precision != "fp16" else 1
        return file.size_bytes * widened + (file.winograd_bytes if candidate.winograd else 0)

    def _making_bytes(self, candidate: Candidate) -> int:
        """While it is made: the file as it is read, and other weights where they are made of it."""
        size, weights = candidate.file.size_bytes, self._weight_bytes(candidate)
        return int(1.3 * size + (1.1 * weights if weights > size else 0))


def _workspace_bytes(candidate: Candidate) -> int:
    """About what lies between the layers while a network runs."""
    pictures = min(candidate.file.picture_px * _BYTES_PER_PX, _MOST_WORKSPACE_BYTES)
    return max(_WORKSPACE_BYTES, pictures)
