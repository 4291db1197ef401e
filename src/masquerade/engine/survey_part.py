"""One segment's part of a survey as one safe file.

The file may come from another machine, so reading trusts nothing: the entries of the zip are known
by name, the header says how many frames and faces there are within limits, every other entry must
have exactly the size that follows, all numbers are looked at, and nothing is executed. The bytes
depend on the content alone.
"""

from __future__ import annotations

import io
import itertools
import json
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from masquerade.core.errors import CorruptMediaError, InputError, MissingInputError
from masquerade.core.face import Face, FaceState
from masquerade.core.frame import Failure
from masquerade.engine.survey_record import FrameRecord, SurveyPart
from masquerade.media.cut_source import Stretch
from masquerade.media.output_file import OutputFile
from masquerade.stages.disclose import Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["read_part", "write_part"]

_KIND, _VERSION = "masquerade survey part", 1
_STATES: tuple[FaceState, ...] = ("measured", "predicted", "lost")
_MOST_FRAMES, _MOST_FACES, _MOST_BYTES = 4_000_000, 8_000_000, 2**33
_HEADER_BYTES = 2**26
_MOST_NAMES, _MOST_CHARACTERS = 1000, 500
_LARGEST = 1e6
_FACE_INTS, _FACE_FLOATS, _MESH = 6, 25, (478, 3)
_SEEN, _REFUSED, _HAS_MESH = 1, 2, 4


def write_part(part: SurveyPart, path: Path) -> None:
    """Write a part to ``path``, whole or not at all; what is there is replaced.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in _entries(part).items():
            entry = zipfile.ZipInfo(name)  # carries the fixed date 1980-01-01
            entry.create_system, entry.external_attr = 3, 0o600 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    OutputFile(path, overwrite=True).write_whole(data.getvalue())


def _entries(part: SurveyPart) -> dict[str, bytes]:
    faces = [face for frame in part.frames for face in frame.faces]
    donors = sorted({face.donor for face in faces if face.donor is not None})
    meshes = [face.landmarks for face in faces if face.landmarks is not None]
    standing = part.standing
    header = {
        "kind": _KIND,
        "version": _VERSION,
        "index": part.index,
        "fingerprint": part.fingerprint,
        "stretches": None
        if part.stretches is None
        else [[item.start_pts, item.end_pts] for item in part.stretches],
        "skip": part.skip,
        "seq": part.seq,
        "standing": [standing.start_s, standing.chosen, standing.corner, standing.stayed],
        "frames": len(part.frames),
        "faces": len(faces),
        "meshes": len(meshes),
        "donors": donors,
        "failures": [
            [place, item.stage, item.reason, item.track_id]
            for place, frame in enumerate(part.frames)
            for item in frame.failures
        ],
    }
    times = [[frame.pts, frame.scene, len(frame.faces)] for frame in part.frames]
    ints = [_ints_of(face, donors) for face in faces]
    floats = [_floats_of(face) for face in faces]
    return {
        "header.json": json.dumps(header, sort_keys=True).encode(),
        "times.bin": np.array(times, "<i8").tobytes(),
        "ints.bin": np.array(ints, "<i4").tobytes(),
        "floats.bin": np.array(floats, "<f4").tobytes(),
        "meshes.bin": _shuffled(np.array(meshes, "<f4")),
    }


def _ints_of(face: Face, donors: Sequence[str]) -> tuple[int, ...]:
    flags = _SEEN * (face.seen_kps is not None) + _REFUSED * face.refused
    flags += _HAS_MESH * (face.landmarks is not None)
    donor = -1 if face.donor is None else donors.index(face.donor)
    state = _STATES.index(face.state)
    return face.track_id, state, face.lost_frames, int(face.selected), donor, flags


def _floats_of(face: Face) -> NDArray[np.float32]:
    seen = np.zeros(10, np.float32) if face.seen_kps is None else face.seen_kps.reshape(-1)
    parts = (face.bbox, np.array([face.score]), face.kps.reshape(-1), seen)
    return np.concatenate(parts).astype(np.float32)


def _shuffled(values: NDArray[np.floating]) -> bytes:
    """The bytes of the numbers sorted by their weight, which deflates better."""
    return np.ascontiguousarray(values.reshape(-1).view(np.uint8).reshape(-1, 4).T).tobytes()


def _unshuffled(data: bytes) -> NDArray[np.float32]:
    columns = np.frombuffer(data, np.uint8).reshape(4, -1)
    return np.ascontiguousarray(columns.T).view("<f4").reshape(-1).astype(np.float32, copy=False)


def read_part(path: Path) -> SurveyPart:
    """What :func:`write_part` wrote.

    Raises:
        MissingInputError: there is no such file.
        CorruptMediaError: it is no part of a survey, damaged, or of another version.
        InputError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            header = json.loads(_read(archive, "header.json", None))
            sizes = _sizes(header)
            if sorted(archive.namelist()) != sorted(["header.json", *sizes]):
                raise ValueError("its entries")
            return _part(header, {name: _read(archive, name, n) for name, n in sizes.items()})
    except FileNotFoundError as error:
        raise MissingInputError(f"There is no survey {path}; make it anew.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the disk.") from error
    except (
        zipfile.BadZipFile, zlib.error, ValueError, TypeError, KeyError, IndexError,
        AttributeError, OverflowError, RecursionError, RuntimeError, EOFError,
    ) as error:  # fmt: skip
        raise CorruptMediaError(f"{path} is damaged or no survey; make it anew.") from error


def _read(archive: zipfile.ZipFile, name: str, size: int | None) -> bytes:
    """An entry of exactly that size, or of a header's at most; never more is unpacked."""
    limit = _HEADER_BYTES if size is None else size
    if archive.getinfo(name).compress_type != zipfile.ZIP_DEFLATED:
        raise ValueError("how an entry is packed")
    with archive.open(name) as entry:
        data = entry.read(limit + 1)
    if len(data) > limit or (size is not None and len(data) != size):
        raise ValueError("the size of an entry")
    return data


def _sizes(header: Any) -> dict[str, int]:
    if header["kind"] != _KIND or header["version"] != _VERSION:
        raise ValueError("its kind")
    frames = _whole(header["frames"], 1, _MOST_FRAMES)
    faces = _whole(header["faces"], 0, _MOST_FACES)
    meshes = _whole(header["meshes"], 0, faces)
    sizes = {
        "times.bin": frames * 3 * 8,
        "ints.bin": faces * _FACE_INTS * 4,
        "floats.bin": faces * _FACE_FLOATS * 4,
        "meshes.bin": meshes * _MESH[0] * _MESH[1] * 4,
    }
    if sum(sizes.values()) > _MOST_BYTES:
        raise ValueError("its size")
    return sizes


def _whole(value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ValueError("a number")
    return value


def _word(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MOST_CHARACTERS:
        raise ValueError("a word")
    return value


def _part(header: Any, data: dict[str, bytes]) -> SurveyPart:
    times = np.frombuffer(data["times.bin"], "<i8").reshape(-1, 3)
    if len(header["donors"]) > _MOST_NAMES or (np.diff(times[:, 0]) <= 0).any():
        raise ValueError("its times")
    if (times[:, 1:] < 0).any() or int(times[:, 2].sum()) != header["faces"]:
        raise ValueError("its frames")
    faces = _faces(data, [_word(name) for name in header["donors"]], header["meshes"])
    failures: dict[int, list[Failure]] = {}
    for place, stage, reason, track in header["failures"]:
        number = None if track is None else _whole(track, 0, 2**31)
        failures.setdefault(_whole(place, 0, len(times) - 1), []).append(
            Failure(_word(stage), _word(reason), number)
        )
    frames, begin = [], 0
    for place, (pts, scene, count) in enumerate(times.tolist()):
        found = tuple(faces[begin : begin + count])
        frames.append(FrameRecord(pts, scene, found, tuple(failures.get(place, ()))))
        begin += count
    return SurveyPart(
        index=_whole(header["index"], 0, _MOST_FRAMES),
        fingerprint=_word(header["fingerprint"]),
        stretches=_stretches(header["stretches"]),
        skip=_whole(header["skip"], 0, len(times)),
        seq=_whole(header["seq"], 0, 2**40),
        standing=_standing(*header["standing"]),
        frames=tuple(frames),
    )


def _stretches(value: Any) -> tuple[Stretch, ...] | None:
    if value is None:
        return None
    whole = 2**62
    found = tuple(
        Stretch(_whole(start, -whole, whole), None if end is None else _whole(end, -whole, whole))
        for start, end in value
    )
    if any(
        one.end_pts is None or one.end_pts > two.start_pts for one, two in itertools.pairwise(found)
    ):
        raise ValueError("its stretches")
    return found


def _standing(start_s: Any, chosen: Any, corner: Any, stayed: Any) -> Standing:
    if start_s is not None and not (isinstance(start_s, int | float) and abs(start_s) < 1e12):
        raise ValueError("the label's start")
    scene = None
    if chosen is not None:
        number, (width, height) = chosen
        size_wh = _whole(width, 1, 2**20), _whole(height, 1, 2**20)
        scene = _whole(number, 0, _MOST_FRAMES), size_wh
    return Standing(start_s, scene, _whole(corner, 0, 100), _whole(stayed, 0, 2**40))


def _faces(data: dict[str, bytes], donors: Sequence[str], meshes: int) -> list[Face]:
    ints = np.frombuffer(data["ints.bin"], "<i4").reshape(-1, _FACE_INTS)
    floats = np.frombuffer(data["floats.bin"], "<f4").reshape(-1, _FACE_FLOATS)
    points = _unshuffled(data["meshes.bin"]).reshape(-1, *_MESH)
    if int(((ints[:, 5] & _HAS_MESH) > 0).sum()) != meshes or (ints[:, [0, 2, 3, 5]] < 0).any():
        raise ValueError("its faces")
    for values in (floats, points):
        if not bool(np.all(np.abs(values) <= _LARGEST)):  # false for what is no number, too
            raise ValueError("its coordinates")
    if (ints[:, 4] < -1).any() or (ints[:, 1] < 0).any():
        raise ValueError("its donors")
    found, mesh = [], 0
    for (track, state, lost, selected, donor, flags), row in zip(
        ints.tolist(), floats, strict=True
    ):
        has_mesh = bool(flags & _HAS_MESH)
        found.append(
            Face(
                bbox=row[:4].astype(np.float32),
                score=float(row[4]),
                kps=row[5:15].astype(np.float32).reshape(5, 2),
                landmarks=points[mesh] if has_mesh else None,
                track_id=track,
                state=_STATES[state],
                lost_frames=lost,
                selected=bool(selected),
                donor=None if donor < 0 else donors[donor],
                seen_kps=row[15:].astype(np.float32).reshape(5, 2) if flags & _SEEN else None,
                refused=bool(flags & _REFUSED),
            )
        )
        mesh += has_mesh
    return found
