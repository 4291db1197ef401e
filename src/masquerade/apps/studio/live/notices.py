"""What a stream's notices are about, so that pages can say them in their own language.

The engine says them in English sentences. Each is known here by its words; what it names, such as
a model, is taken out of it.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from masquerade.engine.target_check import CHECK_IS_OFF

__all__ = ["Notice"]

_OTHER = "other"
_MODEL = r"(?P<model>[^:]+)"
_PATTERNS = tuple(
    (re.compile(pattern), code)
    for pattern, code in (
        (re.escape(CHECK_IS_OFF), "content_check_off"),
        ("looks under 18", "guardian"),
        ("is locked on this installation", "locked_face"),
        ("^To fit into memory, networks run on ONNX Runtime", "memory.library"),
        (r"^To fit into memory, networks compute in (?P<precision>\w+)", "memory.precision"),
        (
            r"^To fit into memory, faces are swapped at (?P<size>\d+) pixels instead of "
            r"(?P<asked>\d+)",
            "memory.swap_size",
        ),
        (
            "^To fit into memory, (?P<model>.+) enhances instead of (?P<asked>.+)[.]$",
            "memory.enhancer",
        ),
        ("^To fit into memory, (?P<model>.+) is left out", "memory.left_out"),
        ("^No network fits into memory any more", "memory.none"),
        ("^Live pictures are not enhanced as a whole: (?P<model>.+) rests[.]$", "not_live"),
        (f"^{_MODEL} is not used: masks limit", "unused.masker"),
        (rf"^{_MODEL} is not used: it tells the mask (?P<mask>\w+);", "unused.mask"),
        (f"^{_MODEL} is not used: no network draws", "unused.landmarker"),
        (rf"^{_MODEL}: The provider '(?P<provider>\w+)' was chosen", "network.provider"),
        (f"^{_MODEL}: It runs as (?P<way>[^,]+), as measured", "network.measured"),
        (f"^{_MODEL}: It did not fit into the memory in full precision", "network.int8"),
        (rf"^{_MODEL}: In (?P<precision>\w+) on .* so fp32 is used", "network.unsound"),
        (f"^{_MODEL}: .* [Aa]nother is used[.]$", "network.other_provider"),
    )
)


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as clients are told it.

    Attributes:
        code: what it is about; ``other`` where that is not known.
        text: the engine's own sentence.
        places: what the sentence names, by what a translation calls it.
    """

    code: str
    text: str
    places: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Notice:
        """Tell what a sentence is about.

        >>> Notice.of("To fit into memory, gfpgan_1.4 is left out.").places
        {'model': 'gfpgan_1.4'}
        """
        for pattern, code in _PATTERNS:
            if found := pattern.search(text):
                return cls(code, text, found.groupdict())
        return cls(_OTHER, text)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)
