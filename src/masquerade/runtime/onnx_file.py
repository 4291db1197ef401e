"""Reading ONNX files that come from strangers.

A network from the internet is data, but a runtime that loads it follows it: files named in it,
operators of plug-in libraries, graphs inside graphs, sizes that fill the memory. Everything that
the public face networks do not need is refused here, before any runtime sees the file.
"""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from masquerade.core.errors import ModelError
from masquerade.runtime.graph_limits import check_graph, check_head
from masquerade.runtime.onnx_pieces import parse_pieces

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["LARGEST_FILE_BYTES", "parse_model", "read_model"]

LARGEST_FILE_BYTES = 2**31 - 1
"""A protobuf message cannot be larger, and weights outside the file are refused."""

_SMALLEST_FILE_BYTES = 16
_OTHER_KINDS = (
    (b"version https://git-lfs", "a pointer of Git LFS, not the model itself"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"PK\x03\x04", "an archive or a PyTorch file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x1f\x8b", "compressed"),
    (b"ORTM", "in ONNX Runtime's own format"),
)


def read_model(path: Path) -> ModelProto:
    """The network in an ONNX file, if it is nothing but a plain network.

    Args:
        path: of the file.

    Raises:
        ModelError: the file is missing, cannot be read, is damaged, is not an ONNX file, or
            holds something that is refused (see :mod:`masquerade.runtime.graph_limits`).
    """
    path = Path(path)
    try:
        # Opened without waiting: a named pipe would otherwise hold the program up for ever.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(number, "rb") as file:
            status = os.fstat(file.fileno())
            _check_size(path.name, status)
            return _parsed(file, status.st_size, path.name)
    except FileNotFoundError:
        raise ModelError(f"The model file {path} is missing. Pull or import it again.") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ModelError(f"{path} cannot be read ({reason}). Check its permissions.") from error


def parse_model(data: bytes, label: str) -> ModelProto:
    """The network in the bytes of an ONNX file; checked as in :func:`read_model`.

    Args:
        data: whole file.
        label: what messages call it.

    Raises:
        ModelError: as in :func:`read_model`.
    """
    return _parsed(io.BytesIO(data), len(data), label)


def _parsed(file: BinaryIO, size: int, label: str) -> ModelProto:
    from google.protobuf.message import DecodeError

    if size > LARGEST_FILE_BYTES:
        raise ModelError(f"{label} is larger than 2 GB. Use a variant in half precision.")
    if size < _SMALLEST_FILE_BYTES:
        raise ModelError(f"{label} is empty or cut short. Pull or import it again.")
    start = file.read(_SMALLEST_FILE_BYTES)
    for head, kind in _OTHER_KINDS:
        if start.startswith(head[:_SMALLEST_FILE_BYTES]):
            raise ModelError(f"{label} is {kind}. Give an ONNX file.")
    damaged = f"{label} is damaged or not an ONNX file. Pull or import it again."
    if not start or start[0] & 7 not in (0, 2):
        raise ModelError(damaged)
    try:
        model = parse_pieces(file, size)
    except DecodeError as error:
        raise ModelError(damaged) from error
    check_head(model, label)
    check_graph(model, label)
    return model


def _check_size(name: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{name} is not a file. Give the path of an ONNX file.")
    if status.st_size > LARGEST_FILE_BYTES:
        raise ModelError(f"{name} is larger than 2 GB. Use a variant in half precision.")
