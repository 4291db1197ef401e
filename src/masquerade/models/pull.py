"""Getting a published model into the library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.core.errors import DownloadError, ModelError
from masquerade.models.download import Show, Wanted, fetch
from masquerade.models.installed_files import read_files
from masquerade.models.mirrors import Permissions, mirrors_of
from masquerade.models.trusted_hashes import TrustedHashes
from masquerade.runtime.graph_facts import facts_of
from masquerade.runtime.onnx_file import read_model

if TYPE_CHECKING:
    from masquerade.models.installed_files import Trust
    from masquerade.models.library import Installed, Library
    from masquerade.models.spec import ModelFile, ModelSpec

__all__ = ["Pull", "pull"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """How a model is fetched.

    Attributes:
        exporter: whose file; "" tries one after the other.
        precision: of the file; "" takes the preferred one.
        trust: take a file although its hash is not the one that others reported.
        permissions: what may be asked.
        timeout_s: silence after which a mirror is given up.
        pause_s: before a mirror that broke off is asked again.
        show: called as bytes arrive.
        waiting: called once where another process is at the same model.
    """

    exporter: str = ""
    precision: str = ""
    trust: bool = False
    permissions: Permissions = field(default_factory=Permissions)
    timeout_s: float = 30.0
    pause_s: float = 1.0
    show: Show = lambda _: None
    waiting: Callable[[], None] | None = None


def pull(
    library: Library, name: str, how: Pull | None = None, hashes: TrustedHashes | None = None
) -> Installed:
    """Fetch a model, check it, and take it in. What is here already is left alone.

    Args:
        library: where to.
        name: of the model.
        how: which file, and how.
        hashes: of files that came before; those of this installation by default.

    Raises:
        DownloadError: no mirror has it, or its hash is wrong.
        LicenceError: its licence was not accepted.
        ModelError: it is unknown, has no such file, or what came is no usable network.
        OutputError: it cannot be written.
    """
    how = how or Pull()
    spec = library.spec(name)
    files = _choose(spec, how)
    library.licences.require(spec)
    with library.changing(name, how.waiting):
        here = library.find(name)
        if here is not None and _suffices(here, files, how):
            return here
        job = _Job(library, spec, how, hashes or TrustedHashes())
        failures = []
        for file in files:
            try:
                job.bring(file)
                break
            except DownloadError as error:
                failures.append(str(error))
        else:
            raise DownloadError(" ".join(failures))
    return library.get(name)


def _choose(spec: ModelSpec, how: Pull) -> list[ModelFile]:
    """The files that will do, in the order in which they are tried: of one precision."""
    fitting = [
        file
        for file in spec.files
        if how.exporter in {"", file.exporter} and how.precision in {"", file.precision}
    ]
    if not fitting:
        offered = ", ".join(f"{file.exporter} ({file.precision})" for file in spec.files)
        raise ModelError(f"{spec.name} has no such file; there are: {offered}.")
    return [file for file in fitting if file.precision == fitting[0].precision]


def _suffices(here: Installed, files: list[ModelFile], how: Pull) -> bool:
    """Whether what is installed is what is asked for."""
    published = [file for file in here.files if file.published]
    same = any(
        own.name == file.name and file.sha256 in (None, own.sha256)
        for own in published
        for file in files
    )
    if same or how.exporter:
        return same
    return any(file.precision == files[0].precision for file in published)


@dataclass(frozen=True, slots=True)
class _Job:
    library: Library
    spec: ModelSpec
    how: Pull
    hashes: TrustedHashes

    def bring(self, file: ModelFile) -> None:
        """Fetch one file and write it down."""
        before = None if file.verified else self.hashes.find(self.spec, file)
        target = self.library.folder / self.spec.name / file.name
        if any(own.name == file.name for own in read_files(target.parent)):
            raise ModelError(
                f"Another file {file.name} of {self.spec.name} is installed; run: masquerade "
                f"models remove {self.spec.name}."
            )
        if target.is_file():  # fetched by a process that died before it was written down
            target.replace(target.with_name(f"{target.name}.part"))
        wanted = Wanted(
            target,
            sha256=before or file.sha256,
            size_bytes=file.size_bytes,
            verified=file.verified,
            trust=self.how.trust,
            known_from="this machine had it first" if before else "others reported it",
        )
        fetched = fetch(
            wanted,
            mirrors_of(self.spec, file),
            self.how.permissions,
            show=self.how.show,
            timeout_s=self.how.timeout_s,
            pause_s=self.how.pause_s,
        )
        precision = self._precision(target)
        trust: Trust = "first use"
        if fetched.sha256 == file.sha256:
            trust = "publisher" if file.verified else "reported"
        self.library.record(target, fetched.sha256, precision, fetched.origin, trust)
        if not file.verified:
            self.hashes.record(self.spec, file, fetched.sha256)

    def _precision(self, path: Path) -> str:
        """Of what came, which is read with suspicion; what is no network does not stay."""
        try:
            return facts_of(read_model(path), path.stat().st_size).precision
        except ModelError as error:
            path.unlink(missing_ok=True)
            raise DownloadError(f"What came as {path.name} was deleted: {error}") from error
