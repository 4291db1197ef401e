"""Where a live stream goes: files, the network, browsers, a virtual camera."""

from __future__ import annotations

from masquerade.media.live_sinks.open import SINK_FORMS, open_live_sink
from masquerade.media.live_sinks.options import SinkOptions

__all__ = ["SINK_FORMS", "SinkOptions", "open_live_sink"]
