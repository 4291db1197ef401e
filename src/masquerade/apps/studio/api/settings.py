"""Settings: which there are, and as the TOML that the command line takes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse

from masquerade.apps.settings_file import read_settings, write_settings
from masquerade.apps.studio.setting_facts import SettingFacts, SettingsMap, setting_facts

__all__ = ["SettingsValues", "router"]

router = APIRouter(tags=["settings"], prefix="/settings")

_TOML: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "TOML",
        "content": {
            "text/plain": {"schema": {"type": "string"}, "example": "strength = 0.8\nmask = []\n"}
        },
    }
}


class SettingsValues(BaseModel):
    """Some settings by name; those that are missing keep their defaults."""

    settings: SettingsMap = Field(examples=[{"strength": 0.8, "many_faces": True}])


@router.get("", summary="Every setting, with its range, its default and what it does")
def read_all_settings() -> list[SettingFacts]:
    """Made from the same source as the options of the command line and docs/settings.md."""
    return setting_facts()


@router.post(
    "/toml",
    summary="Settings as a file for the command line",
    response_class=PlainTextResponse,
    responses=_TOML,
)
def create_toml(values: SettingsValues) -> PlainTextResponse:
    """The text of a file that `masquerade swap` and `masquerade live` take with `--settings`."""
    return PlainTextResponse(write_settings(values.settings))


@router.post("/parse", summary="Settings out of such a file")
def parse_toml(
    text: Annotated[str, Body(media_type="text/plain", examples=["strength = 0.8\n"])],
) -> SettingsValues:
    """The reverse of `/settings/toml`; what is no setting or out of its range is refused."""
    return SettingsValues(settings=read_settings(text))
