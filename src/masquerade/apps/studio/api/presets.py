"""Named settings."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from masquerade.apps.studio.api.depends import Shared
from masquerade.apps.studio.presets import LivePreset, Preset
from masquerade.apps.studio.setting_facts import SettingsMap

__all__ = ["router"]

router = APIRouter(tags=["presets"], prefix="/presets")

PresetName = Annotated[str, Path(min_length=1, max_length=60)]


class PresetIn(BaseModel):
    """Settings to be kept under a name."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=60)
    live: LivePreset = Field("balanced", description="how a live stream trades quality for speed")
    settings: SettingsMap = Field(default_factory=dict)


class PresetOut(BaseModel):
    """Settings under a name."""

    name: str
    built_in: bool
    live: LivePreset
    settings: SettingsMap

    @classmethod
    def of(cls, preset: Preset) -> PresetOut:
        """What clients are told of ``preset``."""
        return cls(
            name=preset.name,
            built_in=preset.built_in,
            live=preset.live,
            settings=dict(preset.settings),
        )


@router.get("", summary="Presets: the built-in ones, then one's own")
def read_presets(services: Shared) -> list[PresetOut]:
    """Settings that are missing in one keep their defaults."""
    return [PresetOut.of(preset) for preset in services.presets.all()]


@router.post("", status_code=201, summary="Keep settings under a name")
def create_preset(wanted: PresetIn, services: Shared) -> PresetOut:
    """Those that were kept under it before are replaced."""
    return PresetOut.of(services.presets.save(wanted.name, wanted.live, wanted.settings))


@router.delete("/{name}", status_code=204, summary="Delete a preset of one's own")
def delete_preset(name: PresetName, services: Shared) -> None:
    """The built-in ones stay."""
    services.presets.remove(name)
