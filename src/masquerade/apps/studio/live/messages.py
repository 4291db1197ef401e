"""What a client may say in a live session: one JSON object a message, told apart by ``type``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from masquerade.apps.studio.ids import Id
from masquerade.core.errors import InputError

__all__ = [
    "MOST_TEXT_BYTES",
    "BrowserSource",
    "CameraSource",
    "Candidate",
    "ChangeDonor",
    "ChangeMirror",
    "ChangeOutput",
    "ChangePreset",
    "ChangeSettings",
    "ClientMessage",
    "Got",
    "HangUp",
    "KeyFrame",
    "MapFaces",
    "Offer",
    "OutputWish",
    "Pause",
    "PuppetSource",
    "Snapshot",
    "SourceWish",
    "Start",
    "Stop",
    "StreamSource",
    "SwitchSink",
    "UploadSource",
    "parse_message",
]

MOST_TEXT_BYTES = 64 * 1024
_MOST_PIXELS_A_SIDE = 4096
_MOST_SDP = 48 * 1024
_MOST_FACES = 32

Preset = Literal["fast", "balanced", "quality"]
_Address = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
_TrackText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}$")]
Value = bool | int | float | str | list[str]


class _Strict(BaseModel):
    """Nothing but what is named here, and no numbers in the form of texts."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


# Where pictures come from


class BrowserSource(_Strict):
    """The client sends pictures itself, as binary messages or by WebRTC."""

    kind: Literal["browser"]
    width: int = Field(ge=16, le=_MOST_PIXELS_A_SIDE)
    height: int = Field(ge=16, le=_MOST_PIXELS_A_SIDE)
    rate: float = Field(30, ge=1, le=120)
    codec: Literal["jpeg", "h264"] = "jpeg"
    sound: bool = False


class CameraSource(_Strict):
    """A camera of the host; `microphone` adds the sound of one of its microphones."""

    kind: Literal["camera"]
    id: Id
    microphone: Id | None = None


class UploadSource(_Strict):
    """A video or picture that was uploaded, at its own pace."""

    kind: Literal["upload"]
    id: Id
    loop: bool = True


class StreamSource(_Strict):
    """A stream that the host receives."""

    kind: Literal["stream"]
    address: _Address


class PuppetSource(_Strict):
    """The drawn head: a camera for whoever has none."""

    kind: Literal["puppet"]


SourceWish = Annotated[
    BrowserSource | CameraSource | UploadSource | StreamSource | PuppetSource,
    Field(discriminator="kind"),
]


class OutputWish(_Strict):
    """How pictures come back."""

    codec: Literal["jpeg", "h264"] = "jpeg"
    quality: int = Field(80, ge=1, le=100)
    width: int | None = Field(None, ge=16, le=_MOST_PIXELS_A_SIDE)
    original: bool = False


# Messages


class Start(_Strict):
    """Begin the session; the first message."""

    type: Literal["start"]
    source: SourceWish
    donor: Id
    settings: dict[str, Value] = Field(default_factory=dict)
    preset: Preset = "balanced"
    mirror: bool = False
    guardian: Literal["agreed", "adult"] | None = None
    output: OutputWish = Field(default_factory=lambda: OutputWish.model_validate({}))


class ChangeSettings(_Strict):
    """Swap otherwise; settings that are not named stay."""

    type: Literal["settings"]
    changes: dict[str, Value]


class ChangeDonor(_Strict):
    """Draw another identity; faces that were given one of their own keep it."""

    type: Literal["donor"]
    donor: Id


class MapFaces(_Strict):
    """Give faces donors of their own, or none (null), or take that back; others stay."""

    type: Literal["map"]
    faces: dict[_TrackText, Id | Literal["others"] | None] = Field(max_length=_MOST_FACES)


class ChangeOutput(OutputWish):
    """Send pictures otherwise."""

    type: Literal["output"]


class ChangeMirror(_Strict):
    """Let left and right change places."""

    type: Literal["mirror"]
    on: bool


class ChangePreset(_Strict):
    """Let the governor work by another preset."""

    type: Literal["preset"]
    name: Preset


class SwitchSink(_Strict):
    """Switch a recording, the virtual camera or a stream on or off."""

    type: Literal["sink"]
    id: Literal["virtual-camera", "rtmp", "recording"]
    on: bool
    address: _Address | None = None
    sound: bool = True


class Snapshot(_Strict):
    """Keep the newest finished picture as a file."""

    type: Literal["snapshot"]


class Pause(_Strict):
    """Stand still, or go on."""

    type: Literal["pause"]
    on: bool


class Stop(_Strict):
    """End the session."""

    type: Literal["stop"]


class Got(_Strict):
    """A picture was drawn. At most two are on their way without this answer."""

    type: Literal["got"]
    seq: int = Field(ge=0, lt=2**32)
    shown_ms: float = Field(ge=0)


class KeyFrame(_Strict):
    """The client's decoder has to begin anew: send a key frame next."""

    type: Literal["key_frame"]


class Offer(_Strict):
    """Exchange pictures by WebRTC from now on."""

    type: Literal["offer"]
    sdp: Annotated[str, StringConstraints(min_length=1, max_length=_MOST_SDP)]


class HangUp(_Strict):
    """Exchange pictures by the WebSocket again."""

    type: Literal["hang_up"]


class Candidate(_Strict):
    """An address at which the client may be reached by WebRTC; null ends their list."""

    type: Literal["candidate"]
    candidate: Annotated[str, StringConstraints(max_length=1000)] | None
    mid: Annotated[str, StringConstraints(max_length=64)] | None = None
    line: int | None = Field(None, ge=0, le=16)


ClientMessage = Annotated[
    Start
    | ChangeSettings
    | ChangeDonor
    | MapFaces
    | ChangeOutput
    | ChangeMirror
    | ChangePreset
    | SwitchSink
    | Snapshot
    | Pause
    | Stop
    | Got
    | KeyFrame
    | Offer
    | HangUp
    | Candidate,
    Field(discriminator="type"),
]

_ADAPTER: TypeAdapter[Any] = TypeAdapter(ClientMessage)


def parse_message(text: str) -> Any:
    """One message of a client.

    Raises:
        InputError: it is too long, no JSON, of no known type, or a field is wrong. What was sent
            is not repeated.

    >>> parse_message('{"type": "pause", "on": true}').on
    True
    """
    if len(text) > MOST_TEXT_BYTES:
        raise InputError("A text message is longer than 64 kB; send less at once.")
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:100] or "The message"
        raise InputError(
            f"{place} cannot be used: {first['msg'][:200]}. See docs/studio-api.md."
        ) from None
