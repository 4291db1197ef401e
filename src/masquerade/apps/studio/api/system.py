"""What the studio and its machine are and do."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["system"])


@router.get("/system", summary="The studio, its machine and its limits")
def read_system() -> dict[str, object]:
    """What the studio can do here."""
    return {"api": 1}
