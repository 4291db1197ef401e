"""Steps of work on several faces, of which one that fails does not cost the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

__all__ = ["each", "together"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def each(
    step: Callable[[_Item], _Result], items: Iterable[_Item | Exception]
) -> list[_Result | Exception]:
    """Take every item a step further.

    Args:
        step: works on one.
        items: those that have failed already are errors, and stay what they are.

    Returns:
        In order, the result of each or the error that prevented it.

    >>> each(lambda number: 12 // number, [3, 0, ValueError("lost before")])
    [4, ZeroDivisionError('integer division or modulo by zero'), ValueError('lost before')]
    """
    return [item if isinstance(item, Exception) else _tried(step, item) for item in items]


def together(
    step: Callable[[list[_Item]], Sequence[_Result | Exception]],
    items: Iterable[_Item | Exception],
) -> list[_Result | Exception]:
    """Take all items a step further at once; where that fails, one by one.

    Args:
        step: works on several; gives as many results, or errors in their place.
        items: as of :func:`each`.

    Returns:
        As :func:`each`.

    >>> together(lambda numbers: [12 // number for number in numbers], [3, 0])
    [4, ZeroDivisionError('integer division or modulo by zero')]
    """
    found: list[_Item | Exception] = list(items)
    sound = [item for item in found if not isinstance(item, Exception)]
    if not sound:
        return [item for item in found if isinstance(item, Exception)]
    done = _tried(step, sound)
    if isinstance(done, Exception):
        alone = len(sound) == 1
        done = [done] if alone else [_alone(step, item) for item in sound]
    results = iter(done)
    return [item if isinstance(item, Exception) else next(results) for item in found]


def _alone(
    step: Callable[[list[_Item]], Sequence[_Result | Exception]], item: _Item
) -> _Result | Exception:
    done = _tried(step, [item])
    return done if isinstance(done, Exception) else done[0]


def _tried(step: Callable[[_Item], _Result], item: _Item) -> _Result | Exception:
    try:
        return step(item)
    except Exception as error:  # noqa: BLE001 - carried to whoever asked for this face
        return error
