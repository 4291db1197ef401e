"""One photo in, a swapped picture or video out: offline, labelled, on two CPU cores.

    from masquerade import Engine, swap_image

    swap_image("me.jpg", "holiday.jpg", "out.png")        # one call
    with Engine("me.jpg") as engine:                      # or frame by frame
        out = engine.process(frame)                       # uint8 (H, W, 3) BGR in and out

Streams: :class:`LiveSession` between :func:`open_live_source` and :func:`open_live_sink`.

The names below are all there is to import from here; they are loaded at first use, so that
``import masquerade`` costs nothing.

>>> import masquerade
>>> masquerade.Settings(many_faces=True).many_faces
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from masquerade._version import __version__

if TYPE_CHECKING:
    from masquerade.core.errors import (
        CancelledError,
        ConsentError,
        ContentError,
        FaceError,
        InputError,
        MasqueradeError,
        NoFaceInDonorError,
        NoFaceInTargetError,
        OutputError,
        RuntimeSetupError,
        SettingsError,
    )
    from masquerade.core.execution import Execution
    from masquerade.core.settings import Settings
    from masquerade.engine import (
        Engine,
        LiveOptions,
        LiveSession,
        LiveStatistics,
        Report,
        swap_image,
        swap_video,
    )
    from masquerade.media.file import VideoOptions
    from masquerade.media.live import SourceOptions, open_live_source
    from masquerade.media.live_sinks import SinkOptions, open_live_sink
    from masquerade.pipeline.meter import Progress
    from masquerade.stages.identity import Identity

__all__ = [
    "CancelledError",
    "ConsentError",
    "ContentError",
    "Engine",
    "Execution",
    "FaceError",
    "Identity",
    "InputError",
    "LiveOptions",
    "LiveSession",
    "LiveStatistics",
    "MasqueradeError",
    "NoFaceInDonorError",
    "NoFaceInTargetError",
    "OutputError",
    "Progress",
    "Report",
    "RuntimeSetupError",
    "Settings",
    "SettingsError",
    "SinkOptions",
    "SourceOptions",
    "VideoOptions",
    "__version__",
    "open_live_sink",
    "open_live_source",
    "swap_image",
    "swap_video",
]

_HOMES = {
    "Engine": "engine",
    "Execution": "core.execution",
    "Identity": "stages.identity",
    "LiveOptions": "engine",
    "LiveSession": "engine",
    "LiveStatistics": "engine",
    "Progress": "pipeline.meter",
    "Report": "engine",
    "Settings": "core.settings",
    "SinkOptions": "media.live_sinks",
    "SourceOptions": "media.live",
    "VideoOptions": "media.file",
    "open_live_sink": "media.live_sinks",
    "open_live_source": "media.live",
    "swap_image": "engine",
    "swap_video": "engine",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"{__name__}.{_HOMES.get(name, 'core.errors')}")
    value = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
