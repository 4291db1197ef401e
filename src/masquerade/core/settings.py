"""How a swap is done: one frozen value, never global."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Self

from masquerade.core.errors import SettingsError

__all__ = ["FaceOrder", "LabelStyle", "OnLost", "Settings"]

FaceOrder = Literal["large", "left", "right", "top", "bottom", "center", "best"]
LabelStyle = Literal["small", "gb45438", "none"]
OnLost = Literal["hold", "blur", "blank", "pass"]


def _range(low: float, high: float, doc: str, default: float) -> Any:
    return dataclasses.field(default=default, metadata={"range": (low, high), "doc": doc})


def _choice(values: tuple[str, ...], doc: str, default: str) -> Any:
    return dataclasses.field(default=default, metadata={"choices": values, "doc": doc})


def _value(doc: str, default: Any) -> Any:
    return dataclasses.field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of a swap. Every field has a default that suits most people.

    Raises:
        SettingsError: a value is out of its range or not one of its choices.

    >>> Settings(shape=0.5).replace(many_faces=True).many_faces
    True
    """

    shape: float = _range(0, 1, "How much of the donor's face shape is carried over.", 0.75)
    strength: float = _range(0, 1, "Opacity of the swap: 1 shows the donor alone.", 1.0)
    sharpness: float = _range(0, 1, "How far sharpness and grain follow the target.", 1.0)
    wrinkles: float = _range(0, 1, "How much of the target's folds is carried over.", 0.6)
    relight: float = _range(0, 1, "How far light and colour follow the target.", 1.0)
    occlusion: bool = _value("Keep things in front of the target's face in front.", True)

    many_faces: bool = _value("Swap every face, not one alone.", False)
    face_order: FaceOrder = _choice(
        ("large", "left", "right", "top", "bottom", "center", "best"),
        "How faces are ordered before one is picked.",
        "large",
    )
    face_index: int = _range(0, 99, "Which face of that order is swapped.", 0)
    age_min: int = _range(0, 100, "Swap only faces that look at least this old.", 0)
    age_max: int = _range(0, 100, "Swap only faces that look at most this old.", 100)
    gender: Literal["any", "female", "male"] = _choice(
        ("any", "female", "male"), "Swap only faces that look like this.", "any"
    )
    reference_threshold: float = _range(
        0, 1, "Cosine from which a face counts as the reference person.", 0.55
    )

    detect_score: float = _range(0.05, 0.99, "Detector score from which a face counts.", 0.5)
    detect_every: int = _range(1, 120, "Search for new faces every n-th frame.", 10)

    on_lost: OnLost = _choice(
        ("hold", "blur", "blank", "pass"),
        "What a selected face shows when it cannot be swapped; `pass` shows the real face.",
        "hold",
    )
    hold_s: float = _range(0, 20, "Seconds a lost face is held before it is blurred.", 0.3)
    strict: bool = _value("Blur every head that is not swapped, whoever it belongs to.", False)

    label: LabelStyle = _choice(
        ("small", "gb45438", "none"), "Visible label; metadata is always written.", "small"
    )
    threads: int = _range(0, 256, "Threads of a network; 0 chooses by the machine.", 0)

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            limits = item.metadata.get("range")
            if limits and not (isinstance(value, int | float) and limits[0] <= value <= limits[1]):
                raise SettingsError(
                    f"{item.name} is {value!r}; give a number from {limits[0]} to {limits[1]}."
                )
            choices = item.metadata.get("choices")
            if choices and value not in choices:
                raise SettingsError(
                    f"{item.name} is {value!r}; choose one of {', '.join(choices)}."
                )
        if self.age_min > self.age_max:
            raise SettingsError("age_min is above age_max; swap the two.")

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked like a new one."""
        known = {item.name for item in dataclasses.fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise SettingsError(f"There is no setting {unknown[0]!r}; see docs/settings.md.")
        return dataclasses.replace(self, **changes)
