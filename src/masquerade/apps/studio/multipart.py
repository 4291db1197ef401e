"""One file out of a multipart/form-data body, on its way to the disk while it is still coming."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from starlette.requests import Request

    from masquerade.apps.studio.arrival import Arrival
    from masquerade.apps.studio.uploads import Upload, Uploads

__all__ = ["receive_file"]

_BLOCK_BYTES = 2**20
_FIELD = b"file"


async def receive_file(request: Request, uploads: Uploads) -> Upload:
    """Take the one file that a request brings, in a field called ``file``.

    Raises:
        HTTPException: the body is no form with one file.
        InputError: the file is refused; nothing of it is kept.
    """
    reader = _Reader(_boundary(request))
    arrival: Arrival | None = None
    try:
        async for chunk in request.stream():
            reader.feed(chunk)
            if arrival is None and reader.name is not None:
                arrival = await asyncio.to_thread(uploads.begin, reader.name)
            if arrival is not None and len(reader.waiting) >= _BLOCK_BYTES:
                await asyncio.to_thread(arrival.write, reader.take())
        if arrival is None or not reader.ended:
            raise HTTPException(400, "The form ends before its file does; send it again.")
        await asyncio.to_thread(arrival.write, reader.take())
        return await asyncio.to_thread(arrival.finish)
    except ClientDisconnect:
        raise HTTPException(400, "The client left before its file had come.") from None
    finally:
        if arrival is not None:
            await asyncio.shield(asyncio.to_thread(arrival.close))


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary or len(boundary) > 200:
        raise HTTPException(
            415, "An upload is a form (multipart/form-data) with one field called file."
        )
    return boundary


@dataclass
class _Reader:
    """Follows the form and gathers what belongs to the file.

    Attributes:
        boundary: what stands between the parts.
        name: what the client calls the file; None until its part began.
        waiting: bytes of the file that nobody has taken yet.
        ended: whether the form is complete.
    """

    boundary: bytes
    name: str | None = None
    waiting: bytearray = field(default_factory=bytearray)
    ended: bool = False

    def __post_init__(self) -> None:
        self._header, self._value = bytearray(), bytearray()
        self._disposition = b""
        self._parser = MultipartParser(
            self.boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_begin": self._header_begin,
                "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": lambda data, start, end: self.waiting.extend(data[start:end]),
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise HTTPException(400, "The form is malformed; send it again.") from None

    def take(self) -> bytes:
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken

    def _part_begin(self) -> None:
        if self.name is not None:
            raise HTTPException(400, "The form has more than one part; send one file at a time.")
        self._disposition = b""

    def _header_begin(self) -> None:
        self._header.clear()
        self._value.clear()

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        if options.get(b"name") != _FIELD or b"filename" not in options:
            raise HTTPException(400, "The form has no file in a field called file; name it so.")
        self.name = options[b"filename"].decode(errors="replace")

    def _end(self) -> None:
        self.ended = True
