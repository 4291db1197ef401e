"""What the invisible mark says, as waves: how a number becomes a tile and is heard again.

A tile is a sum of waves of equal right, those whose frequency lies in a band. They are dealt out to
four families. One, the anchor, always says the same, and tells where the tile lies. The other three
say a symbol of ten bits each: a book holds 1024 words, each of which sets the phases of its waves.
The first two symbols are the halves of the number, the third is their exclusive or. A reader weighs
all million numbers against what it heard and takes the likeliest (maximum likelihood), so nothing
is decided bit by bit, and how far the likeliest stands out tells whether there is a mark at all.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NUMBER_BITS", "SCHEME", "TILE", "Heard", "anchor_tile", "even_tile", "heard", "tile_of"]

SCHEME = "masquerade-2"
"""Name of this way to mark; the credentials say it beside the number."""

NUMBER_BITS = 20
TILE = 144
"""Side of a tile in units of the pattern."""

_SYMBOL_BITS = NUMBER_BITS // 2
_WORDS = 1 << _SYMBOL_BITS
_BAND = (0.02, 0.18)  # cycles per unit
_DEALT = (0, 1, 0, 2, 0, 3, 1, 2, 3)
"""To which family the waves go in turn, from the lowest up; 0 is the anchor."""

_RINGS = 6
"""Into so many rings of equal size, from low to high, the waves are parted where they are believed
as far as the anchor's waves among them came through. Codecs and scaling take the high first."""

_DOUBT = 0.03
"""How far waves are believed among which the anchor's did not come through."""

_LEAST = 0.5
"""A wave that is weaker than this share of the usual one is believed less."""

_NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class Heard:
    """The likeliest number of a tile.

    Attributes:
        number: what it says.
        data: how far it stands out, in standard deviations of what one wrong number answers. The
            likeliest of all numbers comes to about 5 where there is none.
        anchor: how far the anchor stands out, in standard deviations of what noise answers.
    """

    number: int
    data: float
    anchor: float


@dataclass(frozen=True, slots=True)
class _Waves:
    """The waves of a tile: where they lie in its ``rfft2``, whose they are, how strong they are."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    families: NDArray[np.intp]
    strengths: NDArray[np.float64]


@lru_cache(maxsize=1)
def _waves() -> _Waves:
    """One of each pair of opposite frequencies, the lowest first; the lower, the stronger."""
    half = TILE // 2
    lying = [
        (down * down + across * across, down, across)
        for down in range(-half + 1, half)
        for across in range(half)
        if (across > 0 or down > 0) and _BAND[0] < np.hypot(down, across) / TILE <= _BAND[1]
    ]
    square, down, across = (np.array(side) for side in zip(*sorted(lying), strict=True))
    families = np.resize(np.array(_DEALT, np.intp), len(square))
    return _Waves(down % TILE, across, families, square**-0.25)


@lru_cache(maxsize=1)
def _books() -> tuple[NDArray[np.complex64], ...]:
    """The anchor (1, N) and three books (1024, N), complex64 of modulus 1, N waves of a family.

    They are conjugated, as answers are computed with them.

    They are made from bytes of SHAKE-256, which are the same everywhere and for good.
    """
    books = []
    for family in range(4):
        waves, words = int((_waves().families == family).sum()), _WORDS if family else 1
        count = words * waves * 2
        data = hashlib.shake_256(f"{SCHEME} {family}".encode()).digest(-(-count // 8))
        signs = np.unpackbits(np.frombuffer(data, np.uint8))[:count].reshape(2, words, waves)
        real, imaginary = (signs * 2.0 - 1) * np.sqrt(0.5)
        books.append((real - 1j * imaginary).astype(np.complex64))
    return tuple(books)


def tile_of(number: int) -> NDArray[np.float64]:
    """The pattern that says a number, float64 (TILE, TILE), of mean 0 and mean square 1.

    Args:
        number: 0 and more, below ``2 ** NUMBER_BITS``.
    """
    high, low = divmod(number, _WORDS)
    waves, phases = _waves(), np.zeros(len(_waves().rows), np.complex128)
    for family, word in enumerate((0, high, low, high ^ low)):
        phases[waves.families == family] = np.conj(_books()[family][word])
    return _tile(phases)


@lru_cache(maxsize=1)
def anchor_tile() -> NDArray[np.float64]:
    """The part that is the same in every tile, float64 (TILE, TILE), of mean square 1."""
    phases = np.zeros(len(_waves().rows), np.complex128)
    phases[_waves().families == 0] = np.conj(_books()[0][0])
    return _tile(phases)


def _tile(phases: NDArray[np.complex128]) -> NDArray[np.float64]:
    waves = _waves()
    tile = np.fft.irfft2(_spectrum(phases * waves.strengths), s=(TILE, TILE))
    return np.asarray(tile / np.sqrt(np.mean(tile * tile)))


def _spectrum(values: NDArray[Any]) -> NDArray[np.complex128]:
    """The ``rfft2`` of a real tile whose waves have these values."""
    waves = _waves()
    spectrum = np.zeros((TILE, TILE // 2 + 1), np.complex128)
    spectrum[waves.rows, waves.columns] = values
    upright = waves.columns == 0  # both of a pair lie there
    spectrum[-waves.rows[upright], 0] = np.conj(values[upright])
    return spectrum


def even_tile(folded: NDArray[np.float32]) -> NDArray[np.complex64]:
    """The ``rfft2`` of these alone, complex64 (TILE, TILE // 2 + 1)."""
    return _spectrum(even_waves(folded)).astype(np.complex64)


def even_waves(folded: NDArray[np.float32]) -> NDArray[np.complex64]:
    """The waves of a tile, complex64 (..., N): their phases, and nearly all of one strength.

    Whatever the picture itself has of a frequency, however much, then counts once.

    Args:
        folded: float32 (..., TILE, TILE).
    """
    waves = _waves()
    found = np.fft.rfft2(folded)[..., waves.rows, waves.columns]
    size = np.abs(found)
    usual = np.median(size, axis=-1, keepdims=True)
    return np.asarray(found / (size + _LEAST * usual + _NOTHING), np.complex64)


def heard(
    folded: NDArray[np.float32], enough: float = 0.0, anchored: float = -math.inf
) -> Heard | None:
    """The likeliest number of a tile that lies as it was laid out.

    Args:
        folded: float32 (TILE, TILE).
        enough: give up at once where no number can reach this much of ``data``.
        anchored: give up at once where the anchor does not reach this much.

    Returns:
        The likeliest number; None for a tile of nothing, or one that cannot reach these.
    """
    even, anchors = even_waves(folded), _waves().families == 0
    agreement = (_books()[0][0] * even[anchors]).real
    usual = math.sqrt(float(np.sum(np.abs(even[anchors]) ** 2)) / 2)
    anchor = float(agreement.sum()) / max(usual, _NOTHING)
    if usual < _NOTHING or anchor < anchored:
        return None
    weighed = even * _belief(agreement)
    own = [weighed[_waves().families == family] for family in range(1, 4)]
    answers = [(book @ each).real for book, each in zip(_books()[1:], own, strict=True)]
    usual = math.sqrt(sum(float(np.sum(np.abs(each) ** 2)) for each in own) / 2)
    if usual < _NOTHING or sum(each.max() for each in answers) < enough * usual:
        return None
    sums = answers[0][:, None] + answers[1][None] + answers[2][_third()]
    number = int(sums.argmax())
    return Heard(number, float(sums.flat[number]) / usual, anchor)


def _belief(agreement: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each wave is believed, float32 (N,), by how the anchor's waves around it agree.

    The anchor's waves are not the symbols', so noise among the symbols gains nothing by it.
    """
    families = _waves().families
    rings = np.arange(len(families)) * _RINGS // len(families)
    through = [agreement[rings[families == 0] == ring].mean() for ring in range(_RINGS)]
    return np.asarray(np.maximum(through, 0)[rings] + _DOUBT, np.float32)


@lru_cache(maxsize=1)
def _third() -> NDArray[np.uint16]:
    """The third symbol of each pair of the other two, uint16 (1024, 1024)."""
    symbols = np.arange(_WORDS, dtype=np.uint16)
    return symbols[:, None] ^ symbols[None]
