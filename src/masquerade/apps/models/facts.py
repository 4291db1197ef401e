"""``masquerade models info``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from masquerade.apps.models.sizes import amount, megabytes
from masquerade.apps.models.spec_facts import spec_lines
from masquerade.models.library import Library
from masquerade.models.recognise import recognise
from masquerade.runtime.graph_facts import graph_facts

if TYPE_CHECKING:
    from masquerade.apps.console import Console
    from masquerade.models.library import Installed
    from masquerade.models.spec import ModelFile
    from masquerade.runtime.graph_facts import GraphFacts
    from masquerade.runtime.network import Port

__all__ = ["run"]


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Say what is known of a model, or of a file."""
    path = Path(args.model)
    if path.suffix.lower() == ".onnx" or path.is_file():
        return _file(path, console)
    return _model(Library(), args.model, console)


def _model(library: Library, name: str, console: Console) -> dict[str, Any]:
    spec, here = library.spec(name), library.find(name)
    lines = [*spec_lines(spec, library), *_installed_lines(here)]
    facts = graph_facts(here.path) if here else None
    if facts is not None:
        lines += _graph_lines(facts)
    else:
        lines.append(("graph", f"known once it is installed: masquerade models pull {spec.name}"))
    console.say(_told(f"{spec.name}: {spec.title}", lines))
    return {
        "name": spec.name,
        "licence": spec.licence,
        "commercial": spec.commercial,
        "licence_accepted": library.licences.accepted(spec),
        "needs": list(spec.needs),
        "path": str(here.path) if here else None,
        "trust": here.main.trust if here else None,
        "published": [_published(file) for file in spec.files],
        "graph": _graph(facts) if facts else None,
    }


def _file(path: Path, console: Console) -> dict[str, Any]:
    found = recognise(path)
    name = found.spec.name if found.spec else "not known"
    lines = [("is", f"{found.spec.name}: {found.spec.title}")] if found.spec else []
    lines += [("note", note) for note in found.notes]
    lines += [("SHA-256", found.sha256)]
    if found.spec:
        lines += [line for line in spec_lines(found.spec, Library()) if line[0] != "file"]
    console.say(_told(f"{path.name}: {name}", [*lines, *_graph_lines(found.facts)]))
    return {
        "file": str(path),
        "name": found.spec.name if found.spec else None,
        "how": found.how,
        "candidates": list(found.candidates),
        "sha256": found.sha256,
        "graph": _graph(found.facts),
    }


def _told(head: str, lines: list[tuple[str, str]]) -> str:
    """A head line and facts below it; a word that repeats is told once."""
    text, last = [head], ""
    for word, fact in lines:
        text.append(f"  {'' if word == last else word:<12}{fact}".rstrip())
        last = word
    return "\n".join(text)


def _installed_lines(here: Installed | None) -> list[tuple[str, str]]:
    if here is None:
        return [("installed", "no")]
    return [
        (
            "installed",
            f"{here.folder / file.name}, {megabytes(file.size_bytes)}, {file.precision}, "
            f"trusted by: {file.trust}, SHA-256 {file.sha256}",
        )
        for file in here.files
    ]


def _graph_lines(facts: GraphFacts) -> list[tuple[str, str]]:
    cost = "not known: a size is left open"
    if facts.multiply_adds is not None:
        cost = (
            f"{amount(facts.multiply_adds)} multiply-adds (MACs) a picture, "
            f"{amount(2 * facts.multiply_adds)} FLOPs at two each"
        )
    producer = f", written by {facts.producer}" if facts.producer else ""
    return [
        ("parameters", amount(facts.parameters)),
        ("cost", cost),
        ("precision", f"{facts.precision}, opset {facts.opset}{producer}"),
        *(("takes", _port(port)) for port in facts.inputs),
        *(("gives", _port(port)) for port in facts.outputs),
        *(("stages", stage) for stage in facts.stages),
    ]


def _port(port: Port) -> str:
    sides = "x".join(str(side or "?") for side in port.shape) or "one number"
    return f"{port.name} {sides} {port.dtype}"


def _graph(facts: GraphFacts) -> dict[str, Any]:
    def ports(items: tuple[Port, ...]) -> list[dict[str, Any]]:
        return [
            {"name": port.name, "shape": list(port.shape), "dtype": str(port.dtype)}
            for port in items
        ]

    return {
        "parameters": facts.parameters,
        "multiply_adds": facts.multiply_adds,
        "precision": facts.precision,
        "size_bytes": facts.size_bytes,
        "opset": facts.opset,
        "producer": facts.producer,
        "inputs": ports(facts.inputs),
        "outputs": ports(facts.outputs),
        "stages": list(facts.stages),
    }


def _published(file: ModelFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "exporter": file.exporter,
        "precision": file.precision,
        "sha256": file.sha256,
        "verified": file.verified,
        "size_bytes": file.size_bytes,
        "mirrors": list(file.mirrors),
    }
