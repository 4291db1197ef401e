"""Live sources: cameras, screens, addresses, files at their own pace, a puppet, microphones."""

from __future__ import annotations

from masquerade.media.live.microphone import Microphone
from masquerade.media.live.open import open_live_source
from masquerade.media.live.options import SourceOptions

__all__ = ["Microphone", "SourceOptions", "open_live_source"]
