"""The files of the page, held in memory: no path of a request ever reaches the disk."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PAGE_LANGUAGES", "PageFile", "PageFiles"]

PAGE_FOLDER = Path(__file__).with_name("page")
PAGE_LANGUAGES = ["en", "zh", "es", "de", "fr", "pt", "ja"]
"""The languages that the page speaks."""

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_PACKED = frozenset({".png", ".jpg", ".webp", ".woff2", ".gz", ".avif"})
_HIDDEN = frozenset({".py", ".pyc", ".ts", ".map"})
_NAMED_BY_CONTENT = re.compile(r"[-.](?=[A-Za-z]*\d)[0-9A-Za-z]{8,}\.\w+$")
_LEAST_BYTES = 512

_PLACEHOLDER = b"""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="color-scheme" content="dark light">
<title>Masquerade studio</title>
<h1>Masquerade studio</h1>
<p>The page was not built here; run tools/build_page.
The interface is described at <a href="/api/v1/docs">/api/v1/docs</a>.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file of the page.

    Attributes:
        content: as it is.
        packed: the same by gzip; None where that gains nothing.
        media_type: of the Content-Type header.
        etag: changes with the content.
        cache_control: whether browsers have to ask again.
    """

    content: bytes
    packed: bytes | None
    media_type: str
    etag: str
    cache_control: str


class PageFiles:
    """Every file of the page, by its path from the root of the site.

    Args:
        folder: the built page.
    """

    def __init__(self, folder: Path = PAGE_FOLDER) -> None:
        self._files = {
            f"/{path.relative_to(folder).as_posix()}": _read(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix not in _HIDDEN and not path.name.startswith(".")
        }
        self._files.setdefault("/index.html", _page_file("index.html", _PLACEHOLDER))

    def find(self, path: str) -> PageFile | None:
        """The file at ``path``; ``/`` is the page itself."""
        return self._files.get("/index.html" if path == "/" else path)


def _read(path: Path) -> PageFile:
    return _page_file(path.name, path.read_bytes())


def _page_file(name: str, content: bytes) -> PageFile:
    suffix = Path(name).suffix
    guessed = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    packable = suffix not in _PACKED and len(content) >= _LEAST_BYTES
    lasting = _NAMED_BY_CONTENT.search(name) is not None
    return PageFile(
        content=content,
        packed=gzip.compress(content, 9, mtime=0) if packable else None,
        media_type=guessed,
        etag=f'"{hashlib.sha256(content).hexdigest()[:20]}"',
        cache_control="private, max-age=31536000, immutable" if lasting else "no-cache",
    )
