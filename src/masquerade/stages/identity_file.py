"""One safe file for an identity: a plain zip of a JSON header, PNGs and raw floats.

The file may come from anywhere, so reading trusts nothing: the entries are known by name, each has
a size limit that is enforced while reading, the PNGs' sizes are looked at before they are decoded,
and nothing is executed. The bytes depend on the identity alone, so equal identities make equal
files.

Version 2 has the portraits besides; an identity without any is still written as version 1, which
older programs read.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from masquerade.core.errors import (
    CorruptMediaError,
    InputError,
    MediaLimitError,
    MissingInputError,
    OutputError,
    UnsupportedMediaError,
)
from masquerade.core.face import Attributes
from masquerade.stages.identity import Identity
from masquerade.stages.portrait import MAX_PORTRAITS, PORTRAIT_PX, Portrait
from masquerade.stages.regions import ATLAS_PX, MESH_COUNT

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["VERSION", "read_identity", "write_identity"]

VERSION = 2
"""Version of the layout; a file of a newer one is refused."""

_KIND = "masquerade identity"
_LIMITS_BYTES = {
    "header.json": 64 * 1024,
    "texture.png": 6 * 1024 * 1024,
    "coverage.png": 2 * 1024 * 1024,
    "floats.bin": 64 * 1024,
}
_PORTRAITS = tuple(f"portrait-{number:02}.png" for number in range(MAX_PORTRAITS))
_PORTRAIT_LIMIT_BYTES = 1024 * 1024
_MAX_FILE_BYTES = sum(_LIMITS_BYTES.values()) + len(_PORTRAITS) * _PORTRAIT_LIMIT_BYTES + 64 * 1024
_FLOATS = {"mesh": (MESH_COUNT, 3), "iris": (10, 2), "embedding": (1024,)}
_FLOAT_COUNT = sum(math.prod(shape) for shape in _FLOATS.values())
_PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_MAX_SENTENCES, _MAX_CHARACTERS = 100, 500


def write_identity(identity: Identity, path: str | os.PathLike[str]) -> None:
    """Write ``identity`` to ``path``, whole or not at all.

    Raises:
        OutputError: the folder does not exist or cannot be written, or the disk is full.
    """
    target = Path(path)
    try:
        handle, partial = tempfile.mkstemp(prefix=".masquerade-", dir=target.parent)
    except OSError as error:
        raise OutputError(f"{target} cannot be written ({error.strerror}).") from error
    try:
        with os.fdopen(handle, "wb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                for name, data in _entries(identity).items():
                    entry = zipfile.ZipInfo(name)  # carries the fixed date 1980-01-01
                    entry.create_system = 3
                    entry.external_attr = 0o600 << 16
                    archive.writestr(entry, data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(partial).replace(target)
    except OSError as error:
        raise OutputError(f"{target} cannot be written ({error.strerror}).") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(partial).unlink()


def read_identity(path: str | os.PathLike[str]) -> Identity:
    """The identity in ``path``.

    Raises:
        MissingInputError: there is no such file.
        UnsupportedMediaError: it is no identity, or of a newer version.
        MediaLimitError: it is larger than an identity can be.
        CorruptMediaError: it is damaged.
    """
    source = Path(path)
    entries = _read_entries(source)
    try:
        header = json.loads(entries["header.json"])
        _check_header(source, header)
        values = np.frombuffer(entries["floats.bin"], "<f4").astype(np.float32)
        if values.size != _FLOAT_COUNT:
            raise CorruptMediaError(f"{source} is damaged; save the identity again.")
        floats = _split(values)
        portraits = _portraits(source, header.get("portraits", []), entries)
        return Identity(
            name=_text(header["name"]),
            mesh=floats["mesh"],
            texture=_decode(source, entries["texture.png"], cv2.IMREAD_COLOR, ATLAS_PX),
            coverage=_decode(source, entries["coverage.png"], cv2.IMREAD_GRAYSCALE, ATLAS_PX),
            iris=floats["iris"],
            teeth=_number(header["teeth"], 0, 1),
            attributes=Attributes(
                floats["embedding"], _number(header["age"], 0, 120), _number(header["male"], 0, 1)
            ),
            photos=int(_number(header["photos"], 1, 10_000)),
            advice=tuple(_text(line) for line in header["advice"][:_MAX_SENTENCES]),
            portraits=portraits,
        )
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise CorruptMediaError(f"{source} is damaged; save the identity again.") from error


def _entries(identity: Identity) -> dict[str, bytes]:
    attributes = identity.attributes
    header = {
        "kind": _KIND,
        "version": VERSION if identity.portraits else 1,
        "name": identity.name,
        "photos": identity.photos,
        "teeth": identity.teeth,
        "age": attributes.age,
        "male": attributes.male,
        "advice": list(identity.advice),
    }
    if identity.portraits:
        header["portraits"] = [
            {"kps": portrait.kps.tolist(), "weight": portrait.weight}
            for portrait in identity.portraits
        ]
    floats = (identity.mesh, identity.iris, attributes.embedding_unit)
    pictures = {
        name: _encode(portrait.pixels)
        for name, portrait in zip(_PORTRAITS, identity.portraits, strict=False)
    }
    return {
        "header.json": json.dumps(header, sort_keys=True, indent=1).encode(),
        "texture.png": _encode(identity.texture),
        "coverage.png": _encode(identity.coverage),
        "floats.bin": b"".join(array.astype("<f4").tobytes() for array in floats),
        **pictures,
    }


def _portraits(
    source: Path, listed: list[dict[str, Any]], entries: dict[str, bytes]
) -> tuple[Portrait, ...]:
    """The portraits that the header lists; each needs its picture and each picture its line."""
    if len(listed) != len(entries) - len(_LIMITS_BYTES):
        raise CorruptMediaError(f"{source} is damaged; save the identity again.")
    return tuple(
        Portrait(
            _decode(source, entries[name], cv2.IMREAD_COLOR, PORTRAIT_PX),
            _points(item["kps"]),
            _number(item["weight"], 0, 1),
        )
        for name, item in zip(_PORTRAITS, listed, strict=False)
    )


def _points(values: Any) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which nobody accepts
        return np.array(values, np.float64).astype(np.float32)


def _read_entries(source: Path) -> dict[str, bytes]:
    try:
        if source.stat().st_size > _MAX_FILE_BYTES:
            raise MediaLimitError(f"{source} is too large to be an identity.")
        with zipfile.ZipFile(source) as archive:
            limits = _limits(len(archive.namelist()) - len(_LIMITS_BYTES))
            if sorted(archive.namelist()) != sorted(limits):
                raise UnsupportedMediaError(f"{source} is no identity that Masquerade has saved.")
            return {name: _read_entry(source, archive, name, limits[name]) for name in limits}
    except InputError:
        raise
    except FileNotFoundError as error:
        raise MissingInputError(f"There is no file {source}; check the path.") from error
    except OSError as error:
        raise InputError(f"{source} cannot be read ({error.strerror}).") from error
    except zipfile.BadZipFile as error:
        raise UnsupportedMediaError(
            f"{source} is no identity that Masquerade has saved, or it is cut short."
        ) from error
    except (EOFError, NotImplementedError, OverflowError, RuntimeError, ValueError) as error:
        # An encrypted entry, an unknown kind, one that lies beyond the file or any number that
        # such a place can have: nothing that we have written. Packed entries are refused before
        # they are begun, so no packer has errors of its own here.
        raise CorruptMediaError(f"{source} is damaged; save the identity again.") from error


def _limits(portraits: int) -> dict[str, int]:
    """The entries of a file with so many portraits, and the most bytes of each."""
    names = _PORTRAITS[: max(portraits, 0)]
    return _LIMITS_BYTES | dict.fromkeys(names, _PORTRAIT_LIMIT_BYTES)


def _read_entry(source: Path, archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    entry = archive.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > limit:
        raise MediaLimitError(f"{source} holds more than an identity can; it was not opened.")
    with archive.open(entry) as stream:
        return stream.read(limit + 1)


def _check_header(source: Path, header: dict[str, Any]) -> None:
    if header["kind"] != _KIND:
        raise UnsupportedMediaError(f"{source} is no identity that Masquerade has saved.")
    if int(header["version"]) > VERSION:
        raise UnsupportedMediaError(f"{source} was saved by a newer Masquerade; update this one.")


def _split(values: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    parts, start = {}, 0
    for name, shape in _FLOATS.items():
        count = math.prod(shape)
        parts[name] = values[start : start + count].reshape(shape).copy()
        start += count
    return parts


def _encode(pixels: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def _decode(source: Path, data: bytes, mode: int, side_px: int) -> NDArray[np.uint8]:
    side = side_px.to_bytes(4, "big")
    if not data.startswith(_PNG_START + side + side):
        raise CorruptMediaError(f"{source} holds a picture of the wrong size; save it again.")
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), mode)
    except cv2.error:
        decoded = None
    if decoded is None:
        raise CorruptMediaError(f"{source} holds a damaged picture; save the identity again.")
    return np.asarray(decoded, np.uint8)


def _number(value: Any, low: float, high: float) -> float:
    number = float(value)
    if not low <= number <= high:
        raise ValueError(number)
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MAX_CHARACTERS:
        raise TypeError(value)
    return "".join(letter for letter in value if letter.isprintable())
