"""An installation that signs files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from masquerade.trust.credentials import Credentials
from masquerade.trust.signing_identity import SigningStore


@pytest.fixture
def store(tmp_path: Path) -> SigningStore:
    return SigningStore(tmp_path / "signing")


Sign = Callable[..., Path]


@pytest.fixture
def sign(store: SigningStore) -> Sign:
    """Signs a file as an output is, its sidecar included, and returns it."""

    def signed(
        path: Path,
        *,
        target: Path | None = None,
        statements: Mapping[str, Any] | None = None,
        by: SigningStore | None = None,
    ) -> Path:
        copy = path.with_name(f"signed{path.suffix}")
        seal = Credentials(target, lambda: statements or {}, store=by or store)
        words = seal(path, copy)
        if words is None:
            copy.replace(path)
        else:
            path.with_name(f"{path.name}.credentials.json").write_bytes(words)
        return path

    return signed
