"""What the catalogue says of a model, in lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from masquerade.apps.models.sizes import megabytes

if TYPE_CHECKING:
    from masquerade.models.library import Library
    from masquerade.models.spec import ModelFile, ModelSpec, SourceInput

__all__ = ["hash_state", "spec_lines"]

_SOURCES = {
    "latent": "the embedding times the emap, of length 1",
    "embedding_unit": "the embedding, of length 1",
    "embedding_raw": "the embedding as it is",
}


def spec_lines(spec: ModelSpec, library: Library) -> list[tuple[str, str]]:
    """Facts of a model as (word, fact)."""
    accepted = "accepted here" if library.licences.accepted(spec) else "not accepted here yet"
    use = "commercial use permitted" if spec.commercial else "NON-COMMERCIAL"
    lines = [
        ("does", f"{spec.role} ({spec.family})"),
        ("licence", f"{spec.licence}; {use}; {accepted}; {spec.licence_url}"),
        ("picture", _picture(spec)),
    ]
    if spec.source is not None:
        lines.append(("donor", _source(spec.source)))
    if spec.boost_sizes:
        lines.append(("boost", f"to {', '.join(map(str, spec.boost_sizes))} pixels"))
    if spec.decoding is not None:
        lines.append(
            (
                "decoding",
                f"score from {spec.decoding.min_score}, overlap up to {spec.decoding.max_overlap}, "
                f"strides {spec.decoding.strides}, {spec.decoding.anchors} a cell",
            )
        )
    lines += [
        ("needs", name if library.find(name) else f"{name} (not installed)") for name in spec.needs
    ]
    if spec.note:
        lines.append(("note", spec.note))
    for file in spec.files:
        lines += _file(file)
    return lines


def hash_state(file: ModelFile) -> str:
    """How much is known of a published file's hash."""
    if file.sha256 is None:
        return "hash unknown"
    return "hash stated by its publisher" if file.verified else "hash unverified"


def _picture(spec: ModelSpec) -> str:
    if not spec.size:
        return "none"
    crop = f"cut by {spec.template}" if spec.template else "not cut by five points"
    mean = "/".join(f"{value:g}" for value in dict.fromkeys(spec.mean))
    std = "/".join(f"{value:g}" for value in dict.fromkeys(spec.std))
    return (
        f"{spec.size}x{spec.size} {spec.color.upper()} {spec.layout.upper()}, {crop}, "
        f"mean {mean}, std {std} (of 0..1)"
    )


def _source(source: SourceInput) -> str:
    if source.kind == "image":
        return f"a picture, {source.size}x{source.size}, cut by {source.template}"
    return _SOURCES[source.kind]


def _file(file: ModelFile) -> list[tuple[str, str]]:
    head = f"{file.name} of {file.exporter}: {file.precision}, {megabytes(file.size_bytes)}, "
    note = f" ({file.note})" if file.note else ""
    lines = [("file", f"{head}{hash_state(file)}{note}")]
    if file.sha256:
        lines.append(("file", f"  SHA-256 {file.sha256}"))
    return [*lines, *(("file", f"  {mirror}") for mirror in file.mirrors)]
