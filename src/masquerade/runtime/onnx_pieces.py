"""ONNX files parsed node by node and weight by weight, so that they are in memory once.

Parsing a file as a whole takes its bytes and its message at the same time: twice its size. Here
the outer two messages are taken apart by hand, as the encoding of protocol buffers describes it
(https://protobuf.dev/programming-guides/encoding/): a field is a tag (number and kind) and a value,
and a message that is read in parts equals one that is read at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

__all__ = ["MOST_PIECES", "parse_pieces"]

MOST_PIECES = 1_000_000
"""Fields of the outer messages; public networks have some thousands."""

_GRAPH, _NODE, _INITIALIZER = 7, 1, 5  # of ModelProto, of GraphProto; see onnx.proto
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


class _Field(NamedTuple):
    number: int
    kind: int
    begin: int
    end: int


def parse_pieces(file: BinaryIO, size: int) -> ModelProto:
    """The message in a file.

    Args:
        file: binary, at its beginning; it can be sought in.
        size: of the message in bytes.

    Raises:
        DecodeError: of protobuf: the bytes are no such message, or it has too many parts.
    """
    from onnx import ModelProto

    model = ModelProto()

    def graph(field: _Field) -> None:
        model.graph.SetInParent()
        _read(file, field.begin, field.end, model.graph, _graph_parts(file, model.graph))

    _read(file, 0, size, model, {_GRAPH: graph})
    return model


def _graph_parts(file: BinaryIO, graph: GraphProto) -> dict[int, Any]:
    def part(message: Any) -> Any:
        return lambda field: message.add().MergeFromString(_bytes(file, field.begin, field.end))

    return {_NODE: part(graph.node), _INITIALIZER: part(graph.initializer)}


def _read(file: BinaryIO, begin: int, end: int, message: Any, parts: dict[int, Any]) -> None:
    """Fill a message: some fields by functions of their own, the others together."""
    others = bytearray()
    at = begin
    for field in _fields(file, begin, end):
        if field.kind == _LENGTH and field.number in parts:
            parts[field.number](field)
        else:
            others += _bytes(file, at, field.end)
        at = field.end
    message.MergeFromString(bytes(others))


def _fields(file: BinaryIO, begin: int, end: int) -> Iterator[_Field]:
    for _ in range(MOST_PIECES):
        if begin >= end:
            return
        file.seek(begin)
        tag = _varint(file)
        number, kind = tag >> 3, tag & 7
        if kind == _LENGTH:
            length = _varint(file)
        elif kind == _VARINT:
            start = file.tell()
            _varint(file)
            length = file.tell() - start
            file.seek(start)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise _damaged()
        start = file.tell()
        if start + length > end:
            raise _damaged()
        yield _Field(number, kind, start, start + length)
        begin = start + length
    raise _damaged()


def _varint(file: BinaryIO) -> int:
    """A whole number in groups of seven bits, the lowest first."""
    value = 0
    for place in range(_LONGEST_VARINT):
        read = file.read(1)
        if not read:
            raise _damaged()
        value |= (read[0] & 0x7F) << (7 * place)
        if read[0] < 0x80:
            return value
    raise _damaged()


def _bytes(file: BinaryIO, begin: int, end: int) -> bytes:
    file.seek(begin)
    data = file.read(end - begin)
    if len(data) != end - begin:
        raise _damaged()
    return data


def _damaged() -> Exception:
    from google.protobuf.message import DecodeError

    error: Exception = DecodeError("Error parsing message")
    return error
