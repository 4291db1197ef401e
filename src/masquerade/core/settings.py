"""How a swap is done: one frozen value, never global."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, Literal, Self

from masquerade.core.errors import SettingsError
from masquerade.core.shown_text import quoted

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


def _text(pattern: str, hint: str, doc: str, default: str) -> Any:
    """Words of a certain form; ``hint`` says which in a message and on the settings page."""
    metadata = {"pattern": pattern, "hint": hint, "doc": doc}
    return dataclasses.field(default=default, metadata=metadata)


def _several(
    doc: str,
    default: tuple[str, ...],
    *,
    choices: tuple[str, ...] = (),
    pattern: str = ".+",
    hint: str = "",
) -> Any:
    """Any number of words; one option of the command line each."""
    metadata = {"several": True, "of": choices, "pattern": pattern, "hint": hint, "doc": doc}
    return dataclasses.field(default=default, metadata=metadata)


_NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}"


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

    model: str = _text(
        _NAME,
        "a name from `masquerade models list`",
        "The swapper; `mesh` is the built-in one.",
        "mesh",
    )
    enhancer: tuple[str, ...] = _several(
        "An enhancer to run on the swapped face; several run in this order.",
        (),
        pattern=_NAME,
        hint="a name from `masquerade models list`",
    )
    landmarker: str = _text(
        _NAME,
        "a name from `masquerade models list`",
        "Whose points align a network's crop; `mesh` is the built-in one.",
        "mesh",
    )
    masker: tuple[str, ...] = _several(
        "A network that tells the mask occlusion or region; several of a kind hold together.",
        (),
        pattern=_NAME,
        hint="a name from `masquerade models list`",
    )
    refresh: str = _text(
        r"auto|every|[1-9][0-9]{0,3}",
        "auto, every or a number of frames",
        "How often the networks draw a face anew; the mesh carries it over the frames between.",
        "auto",
    )
    swap_size: int = _range(
        0,
        2048,
        "Side of the swapped face in pixels, a multiple of the model's; 0 is the model's.",
        0,
    )
    identity_weight: float = _range(
        0, 1, "Likeness of a network's swap: 0.5 is the network's own, above it overdraws.", 0.5
    )
    enhancer_weight: float = _range(
        0, 1, "Fidelity of CodeFormer: 1 stays closest to the swapped face.", 0.5
    )
    enhancer_blend: float = _range(
        0, 1, "How much of the enhanced face, and of the enhanced picture, is taken.", 0.8
    )
    enhance_frame: str = _text(
        _NAME,
        "a name from `masquerade models list`",
        "An upscaler to run on the whole finished picture; its size stays.",
        "none",
    )
    tile: int = _range(
        0,
        2048,
        "Side in pixels of the tiles that an upscaler is fed; 0 chooses by the free memory.",
        0,
    )
    mask: tuple[str, ...] = _several(
        "What limits a network's face: all of these together.",
        ("box", "mesh", "model"),
        choices=("box", "mesh", "model", "occlusion", "region"),
    )
    mask_blur: float = _range(0, 1, "Softness of the box mask's edge.", 0.3)
    mask_padding: float = _range(0, 0.5, "How far the box mask stays inside the crop.", 0.0)
    mouth_mask: float = _range(
        0, 1, "Keep the target's own mouth: 0 is off, 1 the whole lower face.", 0.0
    )
    color: Literal["none", "light", "mean"] = _choice(
        ("none", "light", "mean"),
        "How a network's face takes the target's colours: `mean` as a whole, `light` by place.",
        "none",
    )
    blend: Literal["alpha", "poisson"] = _choice(
        ("alpha", "poisson"), "How a network's face is put into the picture.", "alpha"
    )
    crop_scale: float = _range(
        0.8, 1.25, "Size of the square that a network sees, by that of its template.", 1.0
    )
    crop_shift_x: float = _range(-0.2, 0.2, "Shift of that square to the right, by its side.", 0.0)
    crop_shift_y: float = _range(-0.2, 0.2, "Shift of that square downwards, by its side.", 0.0)
    alignment: Literal["mesh", "detector"] = _choice(
        ("mesh", "detector"), "Whose five points align a network's crop.", "mesh"
    )
    effect: tuple[str, ...] = _several(
        "A creative effect from an installed plug-in; several run in this order.",
        (),
        pattern=_NAME,
        hint="the name of a plug-in",
    )

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

    detector: str = _text(
        _NAME,
        "a name from `masquerade models list`",
        "The detector; `blaze` is the built-in one.",
        "blaze",
    )
    detect_size: str = _text(
        r"[1-9][0-9]{1,3}x[1-9][0-9]{1,3}",
        "WIDTHxHEIGHT",
        "Picture that a network detector sees.",
        "640x480",
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

    content_check: bool = _value("Refuse targets that look sexual.", True)
    content_threshold: float = _range(
        0.05, 0.99, "Score from which the content check refuses a target.", 0.8
    )
    label: LabelStyle = _choice(
        ("small", "gb45438", "none"), "Visible label; metadata is always written.", "small"
    )
    watermark: bool = _value("Put an invisible mark into the picture.", True)
    threads: int = _range(0, 256, "Threads of a network; 0 chooses by the machine.", 0)

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            limits = item.metadata.get("range")
            if limits and not (isinstance(value, int | float) and limits[0] <= value <= limits[1]):
                raise SettingsError(
                    f"{item.name} is {quoted(value)}; give a number from {limits[0]} to "
                    f"{limits[1]}."
                )
            choices = item.metadata.get("choices")
            if choices and value not in choices:
                raise SettingsError(
                    f"{item.name} is {quoted(value)}; choose one of {', '.join(choices)}."
                )
            if item.metadata.get("pattern"):
                _check_words(item, value)
        if self.age_min > self.age_max:
            raise SettingsError("age_min is above age_max; swap the two.")

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked like a new one."""
        known = {item.name for item in dataclasses.fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise SettingsError(f"There is no setting {quoted(unknown[0])}; see docs/settings.md.")
        return dataclasses.replace(self, **changes)


def _check_words(item: dataclasses.Field[Any], value: Any) -> None:
    """Raise SettingsError where a text, or one of several, has not the form that it must have."""
    several = item.metadata.get("several", False)
    if several and not isinstance(value, tuple):
        raise SettingsError(f"{item.name} is {quoted(value)}; give a tuple of names.")
    choices = item.metadata.get("of") or ()
    hint = item.metadata["hint"] or f"one of {', '.join(choices)}"
    for word in value if several else (value,):
        fits = isinstance(word, str) and re.fullmatch(item.metadata["pattern"], word)
        if not fits or (choices and word not in choices):
            raise SettingsError(f"{item.name} is {quoted(word)}; give {hint}.")
