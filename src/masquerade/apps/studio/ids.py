"""Opaque names of what clients may ask for. Nothing else of a request finds a file."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Path
from pydantic import StringConstraints

__all__ = ["ID_PATTERN", "Id", "IdInPath", "new_id"]

ID_PATTERN = r"^[a-z0-9]{16,32}$"

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
"""An id in a body."""

IdInPath = Annotated[str, Path(pattern=ID_PATTERN, description="opaque id")]
"""An id in the path of a route."""


def new_id() -> str:
    """An id that cannot be guessed: 20 characters of ``[0-9a-f]``."""
    return secrets.token_hex(10)
