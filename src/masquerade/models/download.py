"""Fetching one file from the first mirror that has it: resumed, checked, and named when whole."""

from __future__ import annotations

import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from masquerade.core.errors import DownloadError, MasqueradeError
from masquerade.models.http_body import BrokenTransferError, open_body
from masquerade.models.mirrors import Mirror, Permissions
from masquerade.models.part_file import PartFile

__all__ = ["MOST_BYTES", "Fetched", "Show", "Transferred", "Wanted", "fetch"]

MOST_BYTES = 4 << 30
"""No file may be larger, whatever a server says."""

_CHUNK_BYTES = 1 << 18
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OverflowError, RuntimeError,
    ValueError, OSError,
)  # fmt: skip
"""What reading a pack may raise that is damaged, or was made to deceive."""
_ATTEMPTS = 4
"""How often a mirror that breaks off is asked again without having sent anything in between."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """How far a transfer is; ``total_bytes`` is None where nobody knows."""

    done_bytes: int
    total_bytes: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be fetched.

    Attributes:
        target: where to.
        sha256: what its hash must be, None where that is unknown.
        size_bytes: its length as far as is known, for the space on disk.
        verified: whether that hash stands in the publisher's own code. Where it was only reported
            by others, a file of another hash is kept as ``.part``, and ``trust`` takes it.
        trust: take a file whose hash is not the reported one.
        known_from: who knows that hash, for messages.
        most_bytes: larger files are refused.
    """

    target: Path
    sha256: str | None = None
    size_bytes: int | None = None
    verified: bool = False
    trust: bool = False
    known_from: str = "others reported it"
    most_bytes: int = MOST_BYTES


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that arrived; ``origin`` is the mirror that had it."""

    sha256: str
    size_bytes: int
    origin: str


Show = Callable[[Transferred], None]
"""Is told how far a transfer is."""


class _OtherHashError(DownloadError):
    """The file differs from what was reported of it: asking more mirrors is not the answer."""


def fetch(
    wanted: Wanted,
    mirrors: Sequence[Mirror],
    permissions: Permissions,
    *,
    show: Show = lambda _: None,
    timeout_s: float = 30.0,
    pause_s: float = 1.0,
) -> Fetched:
    """Fetch a file from the first of the mirrors that has it.

    The bytes go to ``target.part``, which outlives an interruption of any kind, and become
    ``target`` once their hash is right.

    Args:
        wanted: what is to be fetched.
        mirrors: where it may be, in the order in which they are asked.
        permissions: what may be asked.
        show: called as bytes arrive.
        timeout_s: silence after which a mirror is given up.
        pause_s: before a mirror that broke off is asked again; longer each time.

    Raises:
        DownloadError: no mirror has it; the message says why of each.
        OutputError: it cannot be written, or the disk is too full.
    """
    failures: list[str] = []
    job = _Job(wanted, permissions, show, timeout_s, pause_s)
    with PartFile(wanted.target) as part:
        for mirror in mirrors:
            try:
                return job.from_mirror(part, mirror)
            except _OtherHashError:
                raise
            except DownloadError as error:
                failures.append(f"{mirror}: {error}")
    told = " ".join(dict.fromkeys(failures)) or "No mirror is known."
    raise DownloadError(
        f"{wanted.target.name} cannot be fetched. {told} Try again, name a mirror of yours in "
        "MASQUERADE_MIRRORS, or bring the file with `masquerade models import FILE`."
    )


@dataclass(frozen=True, slots=True)
class _Job:
    wanted: Wanted
    permissions: Permissions
    show: Show
    timeout_s: float
    pause_s: float

    def from_mirror(self, part: PartFile, mirror: Mirror) -> Fetched:
        resumed = part.size_bytes > 0 and not self.wanted.trust
        self._bring(part, mirror)
        if resumed and self.wanted.sha256 not in (None, part.sha256):
            part.discard()  # its beginning was of another version
            self._bring(part, mirror)
        return self._check(part, mirror)

    def _bring(self, part: PartFile, mirror: Mirror) -> None:
        if mirror.path is not None:
            self._copy(part, mirror.path)
        elif mirror.member:
            self._unpack(part, mirror)
        else:
            self._download(part, mirror)

    def _check(self, part: PartFile, mirror: Mirror) -> Fetched:
        """Name the file if it is the one."""
        known, found = self.wanted.sha256, part.sha256
        trusted = self.wanted.trust and not self.wanted.verified
        if known not in (None, found) and not trusted:
            if self.wanted.verified:
                part.discard()
                raise DownloadError(f"its SHA-256 is {found}, not {known}; it was deleted.")
            text = (
                f"{self.wanted.target.name} from {mirror} has the SHA-256 {found}, not {known} "
                f"({self.wanted.known_from}; its publisher states none). Compare it with a "
                "source that you trust, and take it with --trust."
            )
            if mirror.own:
                part.discard()
                raise DownloadError(text)
            raise _OtherHashError(f"{text} It is kept until then.")
        part.finish()
        return Fetched(found, part.size_bytes, str(mirror))

    def _copy(self, part: PartFile, path: Path) -> None:
        try:
            with path.open("rb") as file:
                total = path.stat().st_size
                self._admit(0, total)
                part.require_space(total)
                part.begin(str(path), "")
                while chunk := file.read(_CHUNK_BYTES):
                    self._take(part, chunk, total)
        except FileNotFoundError:
            raise DownloadError("there is no such file.") from None
        except MasqueradeError:
            raise
        except OSError as error:
            raise DownloadError(f"it cannot be read ({error.strerror}).") from error

    def _download(self, part: PartFile, mirror: Mirror) -> None:
        """Ask until the file is whole: without end while bytes arrive, a few times without."""
        arrived, idle = False, 0
        while True:
            before = part.size_bytes
            failure = BrokenTransferError("the transfer broke off.")
            try:
                if self._ask(part, mirror):
                    return
            except BrokenTransferError as error:
                failure = error
            part.flush()
            arrived = arrived or part.size_bytes != before
            idle = 0 if part.size_bytes > before else idle + 1
            if not arrived or idle >= _ATTEMPTS:
                raise failure
            time.sleep(self.pause_s * (idle + 1))

    def _ask(self, part: PartFile, mirror: Mirror) -> bool:
        """One request; True once the file is whole."""
        same = part.origin == mirror.address and part.tag != ""
        # The same address proves by its tag that it goes on with what is here; another one by the
        # hash of the whole, in the end.
        proved = same or (self.wanted.sha256 is not None and not self.wanted.trust)
        with open_body(
            mirror.address,
            self.permissions,
            start=part.size_bytes if proved else 0,
            tag=part.tag if same else "",
            hash_known=self.wanted.sha256 is not None,
            timeout_s=self.timeout_s,
        ) as body:
            total = body.total_bytes
            if body.start == 0 or (total is not None and total < body.start):
                part.begin(mirror.address, body.tag)
            else:
                part.note(mirror.address, body.tag or (part.tag if same else ""))
            self._admit(part.size_bytes, total)
            part.require_space((total or self.wanted.size_bytes or 0) - part.size_bytes)
            self.show(Transferred(part.size_bytes, total or self.wanted.size_bytes))
            while chunk := body.read(_CHUNK_BYTES):
                self._take(part, chunk, total)
        return part.size_bytes > 0 and (total is None or part.size_bytes >= total)

    def _take(self, part: PartFile, chunk: bytes, total: int | None) -> None:
        self._admit(part.size_bytes + len(chunk), total)
        part.append(chunk)
        self.show(Transferred(part.size_bytes, total or self.wanted.size_bytes))

    def _admit(self, size_bytes: int, total: int | None) -> None:
        if max(size_bytes, total or 0) > self.wanted.most_bytes:
            raise DownloadError(
                f"it is larger than {self.wanted.most_bytes / 1e6:,.0f} MB, which is not expected."
            )

    def _unpack(self, part: PartFile, mirror: Mirror) -> None:
        """Fetch a pack and take one file out of it."""
        name = mirror.address.rpartition("/")[2]
        pack = self.wanted.target.with_name(name)
        whole = _Job(Wanted(pack), self.permissions, self.show, self.timeout_s, self.pause_s)
        with PartFile(pack) as pack_part:
            whole.from_mirror(pack_part, Mirror(address=mirror.address, own=mirror.own))
        try:
            with zipfile.ZipFile(pack) as archive:
                self._extract(part, archive, mirror)
        except MasqueradeError:
            raise
        except _DAMAGED as error:
            raise DownloadError(f"the pack cannot be opened ({error}).") from error
        finally:
            pack.unlink(missing_ok=True)

    def _extract(self, part: PartFile, archive: zipfile.ZipFile, mirror: Mirror) -> None:
        found = [item for item in archive.infolist() if Path(item.filename).name == mirror.member]
        if not found:
            raise DownloadError(f"the pack holds no {mirror.member}.")
        if found[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DownloadError("the pack is packed in an unusual way.")
        total = found[0].file_size
        self._admit(0, total)
        part.require_space(total)
        part.begin(f"{mirror.address}#{mirror.member}", "")
        with archive.open(found[0]) as file:
            while chunk := file.read(_CHUNK_BYTES):
                self._take(part, chunk, total)
