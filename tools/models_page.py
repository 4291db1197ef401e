"""Write docs/models.md from the registry of public models: python tools/models_page.py"""

from __future__ import annotations

from pathlib import Path

from masquerade.models.catalogue import catalogue
from masquerade.models.spec import ROLES, ModelFile, ModelSpec

PAGE = Path(__file__).parents[1] / "docs" / "models.md"
HEAD = """\
# Models

The built-in swap (`--model mesh`) needs nothing from this page: its weights are part of the
package, under Apache-2.0 and MIT. This page is about the public networks that you may bring:
swappers, enhancers, detectors and what these need.

This page is written by `python tools/models_page.py`.

## Bringing a model

```sh
masquerade models list                                  # what is known, what is here
masquerade models info inswapper_128_fp16               # licence, inputs, cost, hashes, mirrors
masquerade models pull inswapper_128_fp16 gfpgan_1.4    # fetch them and what they need
masquerade models import ~/Downloads/inswapper_128.onnx # or bring files that you have
masquerade models verify                                # are they still what they were?
masquerade models remove gfpgan_1.4
masquerade models quantize inswapper_128 --precision int8 --photos me.jpg friends.jpg
```

A model that needs others (a swapper needs an embedder) is fetched together with them; `--alone`
leaves them out. A transfer that is cut off, by Ctrl-C, a lost line or a lost machine, is gone on
with by the same command.

An imported file is recognised by its hash, else by what its graph takes and gives, else by its
name among the models that take and give the same. Where that leaves a doubt the command says
which models it could be, and `--as NAME` decides; a file that does not fit NAME is refused.

Models lie in `MODEL/FILE` below the folder that `masquerade models list` names;
`MASQUERADE_MODELS` puts it elsewhere, for instance where several users share it.

## Mirrors, proxies, no network

`MASQUERADE_MIRRORS` names places of your own that are looked at first, separated by `;`: folders,
`file://` and `https://` addresses. Below each a file is looked for as `MODEL/FILE` and as `FILE`,
so that a copy of another machine's folder is a mirror as it is. The usual proxy variables
(`https_proxy`, `no_proxy`) are heeded. `--offline`, or `MASQUERADE_OFFLINE=1`, keeps to this
machine: folders, and servers on it. Plain `http` is refused except to this machine; with
`--insecure` it is allowed for files whose hash is known.

## Licences

Most public face networks are for non-commercial use, whatever the program that runs them. No
model is fetched, imported or run before its licence was accepted on this installation: asked on a
terminal, or with `--accept-licence` once you have read it. What was accepted is kept with its date
in `licences.json`; when the terms in the registry change, the question is asked again. "Commercial"
below is "yes" only where the licence plainly permits it. A permissive swapper whose embedder is
not permissive (Ghost) is still not for commercial use as a whole.

## Trust

An ONNX file is data from strangers. It is read with suspicion: nothing outside the file is opened,
operators of plug-ins and oversized graphs are refused. A tampered InSwapper has been published
before, so hashes matter:

- **stated**: the exporter's own code states the SHA-256. Any other file is deleted.
- **reported**: others told it, nobody vouches. A file with another hash is refused and kept aside;
  compare it with a source that you trust, then take it with `--trust`.
- **unknown**: nobody told it. The first file is taken, and its hash is remembered: from then on
  only the same file is (trust on first use), also after the model was removed.

The hash that a file had when it came is compared each time it is loaded and by
`masquerade models verify`. None of these networks was run by the authors of this page; the facts
are read from the public code of those who publish them.

## The models

Pixels are the side of the network's square input. Size and hash are those of the first file.
"""
TITLES = {
    "swapper": "Swappers",
    "enhancer": "Enhancers",
    "upscaler": "Upscalers of whole pictures",
    "detector": "Detectors",
    "landmarker": "Landmarkers",
    "embedder": "Embedders",
    "converter": "Converters of embeddings",
    "masker": "Maskers",
}
COLUMNS = "| name | model | pixels | needs | file | hash | licence | commercial | from |\n"


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_section(role) for role in ROLES)


def _section(role: str) -> str:
    rows = "".join(_row(spec) for spec in catalogue().values() if spec.role == role)
    return f"\n### {TITLES[role]}\n\n{COLUMNS}|{'---|' * COLUMNS.count(' |')}\n{rows}"


def _row(spec: ModelSpec) -> str:
    first = spec.files[0]
    size = f"{first.size_bytes / 1e6:,.0f} MB" if first.size_bytes else "?"
    cells = (
        f"`{spec.name}`",
        spec.title,
        str(spec.size or "-"),
        ", ".join(f"`{name}`" for name in spec.needs) or "-",
        f"{first.precision}, {size}",
        _hash(first),
        f"[{spec.licence}]({spec.licence_url})",
        "yes" if spec.commercial else "no",
        ", ".join(dict.fromkeys(_exporter(file) for file in spec.files)),
    )
    return f"| {' | '.join(cells)} |\n"


def _hash(file: ModelFile) -> str:
    if file.sha256 is None:
        return "unknown"
    return "stated" if file.verified else "reported"


def _exporter(file: ModelFile) -> str:
    address = file.mirrors[0].partition("#")[0].rpartition("/")[0]
    return f"[{file.exporter}]({address})"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
