"""An output file that appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from masquerade.core.errors import OutputError, OutputExistsError
from masquerade.media.sidecar_file import SidecarFile

if TYPE_CHECKING:
    from masquerade.core.disclosure import Disclosure

__all__ = ["OutputFile", "output_error"]

_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def output_error(error: OSError, path: Path) -> OutputError:
    """One sentence for what the operating system said while ``path`` was being written."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            text = f"The disk is full, so {path} was not written; free some space."
        case errno.EFBIG:
            text = f"{path} would exceed the largest file size allowed here; choose another disk."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            text = f"The folder {path.parent} cannot be written to; choose another one with -o."
        case errno.ENAMETOOLONG:
            text = f"The name {path.name[:40]}... is too long; choose a shorter one."
        case _:
            reason = error.strerror or error
            text = f"{path} could not be written ({reason}); check the disk and the folder."
    return OutputError(text)


class OutputFile:
    """A hidden file beside ``path`` that takes its place at :meth:`commit`.

    Args:
        path: where the file is to appear.
        overwrite: whether a file that is there may be replaced.
        inputs: files that are being read; none of them may be the output.
        keep: leave the hidden file where it is if it cannot take its place: of a recording, what
            is there is worth more than a clean folder.
        disclosure: whose seal signs the file at :meth:`commit`; None for files of ours that are
            no pictures and no videos.

    Raises:
        OutputExistsError: there is a file and ``overwrite`` is False.
        OutputError: the folder is missing or cannot be written, ``path`` is a folder, or it is
            one of ``inputs`` (also by another name: links are followed).
    """

    def __init__(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        inputs: Iterable[str | Path] = (),
        keep: bool = False,
        disclosure: Disclosure | None = None,
    ) -> None:
        self.path = Path(path)
        self._overwrite = overwrite
        self._keep = keep
        self._seal = disclosure.seal if disclosure else None
        self._sidecar = SidecarFile(self.path)
        self._check(inputs)
        self.temporary = self._hidden()
        self._done = False
        try:
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
            os.close(os.open(self.temporary, flags, 0o666))
        except OSError as error:
            raise output_error(error, self.path) from error
        except BaseException:  # Ctrl-C between the file's birth and its owner's first care
            self.temporary.unlink(missing_ok=True)
            raise

    def _hidden(self) -> Path:
        # The extension stays last, because muxers and codecs look at it.
        name = f".{self.path.stem[:80]}-{secrets.token_hex(4)}.part{self.path.suffix}"
        return self.path.with_name(name)

    def _check(self, inputs: Iterable[str | Path]) -> None:
        path = self.path
        if path.is_dir():
            raise OutputError(f"{path} is a folder; give the name of a file in it.")
        if not path.parent.is_dir():
            raise OutputError(f"There is no folder {path.parent}; create it first.")
        for source in inputs:
            if path.exists() and Path(source).exists() and path.samefile(source):
                raise OutputError(
                    f"{path} is the input itself; choose another output, the input is never "
                    "overwritten."
                )
        if path.exists() and not self._overwrite:
            raise self._exists()

    def _exists(self) -> OutputExistsError:
        return OutputExistsError(
            f"{self.path} exists already; pass --overwrite to replace it or choose another name."
        )

    def commit(self) -> None:
        """Sign the file, bring its bytes to disk and it to its name, in one step.

        Raises:
            OutputExistsError: a file appeared meanwhile and may not be replaced.
            SigningError: it cannot be signed.
            OutputError: the disk is full or gone; nothing is left behind unless ``keep``.
        """
        if self._done:
            return
        try:
            self._sign()
            _sync(self.temporary)
            self._sidecar.place()
            if self._overwrite:
                self.temporary.replace(self.path)
            else:
                self._place_new()
            if os.name == "posix":
                _sync(self.path.parent)
        except OutputError as error:
            self._give_up()
            if self._keep:
                raise type(error)(f"{error} What there is is in {self.temporary}.") from error
            raise
        except FileExistsError as error:
            self._give_up()
            raise self._exists() from error
        except OSError as error:
            self._give_up()
            raise output_error(error, self.path) from error
        self._done = True

    def _sign(self) -> None:
        if self._seal is None:
            return
        signed = self._hidden()
        try:
            words = self._seal(self.temporary, signed, ())
            if words is None:
                signed.replace(self.temporary)
            else:
                self._sidecar.words = words
        finally:
            with contextlib.suppress(OSError):
                signed.unlink()
        self._seal = None

    def _give_up(self) -> None:
        self._sidecar.take_back()
        if self._keep:
            self._done = True
        else:
            self.abort()

    def _place_new(self) -> None:
        """Take the name only if it is free, without a moment in which another could take it."""
        try:
            self.path.hardlink_to(self.temporary)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            self.temporary.replace(self.path)
        else:
            self.temporary.unlink()

    def abort(self) -> None:
        """Remove what was begun; does nothing after a commit."""
        if not self._done:
            self._done = True
            with contextlib.suppress(OSError):
                self.temporary.unlink()

    def write_whole(self, data: bytes) -> None:
        """Write ``data`` and commit.

        Raises:
            OutputError: as :meth:`commit`.
        """
        try:
            self.temporary.write_bytes(data)
        except OSError as error:
            self.abort()
            raise output_error(error, self.path) from error
        self.commit()


def _sync(path: Path) -> None:
    # Windows flushes only what was opened for writing; folders are read on POSIX alone.
    handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
