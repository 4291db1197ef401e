"""What a page has to know of each setting to offer it."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from masquerade.core.settings import Settings

__all__ = ["GROUPS", "Group", "SettingFacts", "SettingsMap", "setting_facts"]

Group = Literal["look", "faces", "network", "safety", "search"]
Kind = Literal["number", "integer", "switch", "choice", "text", "list"]

GROUPS: dict[Group, tuple[str, ...]] = {
    "look": (
        "shape", "strength", "sharpness", "wrinkles", "relight", "occlusion", "mouth_mask",
        "color", "effect",
    ),
    "faces": (
        "many_faces", "face_order", "face_index", "age_min", "age_max", "gender",
        "reference_threshold",
    ),
    "network": (
        "model", "enhancer", "refresh", "swap_size", "identity_weight", "enhancer_weight",
        "enhancer_blend", "mask", "mask_blur", "mask_padding", "blend", "crop_scale",
        "crop_shift_x", "crop_shift_y", "alignment", "threads",
    ),
    "safety": (
        "on_lost", "hold_s", "strict", "content_check", "content_threshold", "label", "watermark",
    ),
    "search": ("detector", "detect_size", "detect_score", "detect_every"),
}  # fmt: skip
"""Which settings belong together; one that is named nowhere belongs to the networks."""

_GROUP_OF = {name: group for group, names in GROUPS.items() for name in names}
_STEPS = 100


class SettingFacts(BaseModel):
    """One setting."""

    name: str
    kind: Kind
    low: float | None = Field(description="least value of a number; null for other kinds")
    high: float | None = Field(description="greatest value of a number; null for other kinds")
    step: float | None = Field(description="a good step for a slider; null for other kinds")
    choices: list[str] | None = Field(description="what a choice or a list is made of; or null")
    default: bool | int | float | str | list[str]
    help: str
    group: Group


def setting_facts() -> list[SettingFacts]:
    """Every setting, group by group."""
    fields = {item.name: item for item in dataclasses.fields(Settings)}
    named = [name for names in GROUPS.values() for name in names if name in fields]
    rest = [name for name in fields if name not in named]
    return [_facts(fields[name]) for name in [*named, *rest]]


def _facts(item: dataclasses.Field[Any]) -> SettingFacts:
    low, high = item.metadata.get("range", (None, None))
    default: Any = item.default
    kind = _kind(item)
    choices = item.metadata.get("choices") or item.metadata.get("of") or None
    step = {"integer": 1.0, "number": None if low is None else (high - low) / _STEPS}.get(kind)
    return SettingFacts(
        name=item.name,
        kind=kind,
        low=low,
        high=high,
        step=step,
        choices=list(choices) if choices else None,
        default=list(default) if isinstance(default, tuple) else default,
        help=item.metadata["doc"],
        group=_GROUP_OF.get(item.name, "network"),
    )


def _kind(item: dataclasses.Field[Any]) -> Kind:
    if isinstance(item.default, bool):
        return "switch"
    if isinstance(item.default, tuple):
        return "list"
    if item.metadata.get("choices"):
        return "choice"
    if isinstance(item.default, str):
        return "text"
    return "integer" if isinstance(item.default, int) else "number"


def _schema(item: dataclasses.Field[Any]) -> dict[str, Any]:
    """JSON Schema of one setting."""
    facts = _facts(item)
    kinds = {"number": "number", "integer": "integer", "switch": "boolean", "list": "array"}
    schema: dict[str, Any] = {"type": kinds.get(facts.kind, "string"), "description": facts.help}
    word: dict[str, Any] = {"type": "string"} if facts.kind == "list" else schema
    if facts.low is not None:
        schema |= {"minimum": facts.low, "maximum": facts.high}
    if facts.choices:
        word["enum"] = facts.choices
    elif item.metadata.get("pattern"):
        word["pattern"] = f"^(?:{item.metadata['pattern']})$"
    if facts.kind == "list":
        schema["items"] = word
    return schema


Value = bool | int | float | str | list[str]

SettingsMap = Annotated[
    dict[str, Value],
    WithJsonSchema(
        {
            "type": "object",
            "properties": {item.name: _schema(item) for item in dataclasses.fields(Settings)},
            "additionalProperties": False,
        }
    ),
]
"""Some settings by name, in a body; ``checked_changes`` of apps/settings_file.py checks them."""
