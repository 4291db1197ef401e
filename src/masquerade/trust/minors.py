"""People who look under 18: their faces are used only where somebody answers for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from masquerade.core.errors import GuardianError

__all__ = ["ADULT_YEARS", "GUARDIANS", "Guardian", "guardian_of", "looks_minor", "require_guardian"]

Guardian = Literal["agreed", "adult"]
"""``agreed``: a parent or guardian has agreed to this use. ``adult``: the person is 18 or older,
whatever the estimate says."""
GUARDIANS: tuple[Guardian, ...] = get_args(Guardian)
ADULT_YEARS = 18.0


def looks_minor(age: float) -> bool:
    """Whether an estimated age is below 18 years.

    The network's estimate errs by several years either way: a guard against mistakes, no proof.
    """
    return age < ADULT_YEARS


def guardian_of(statement: Guardian | Mapping[str, Guardian] | None, name: str) -> Guardian | None:
    """What was stated of one person.

    Args:
        statement: one for everybody, or by donor's name; the empty name stands for the people of
            the target.
        name: of the donor; empty for the people of the target.
    """
    return statement.get(name) if isinstance(statement, Mapping) else statement


def require_guardian(whose: str, age: float, statement: Guardian | None) -> None:
    """Refuse a face that looks under 18 unless somebody answers for it.

    Args:
        whose: what the sentence calls the face, such as ``The donor Ann``.
        age: estimated, in years.
        statement: what was stated of the person.

    Raises:
        GuardianError: nobody does.
    """
    if looks_minor(age) and statement is None:
        raise GuardianError(
            f"{whose} looks under 18, about {age:.0f}; state guardian as 'agreed' if a parent or "
            "guardian has agreed to this use, or as 'adult' if the person is 18 or older."
        )
