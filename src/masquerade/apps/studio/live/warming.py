"""What takes time before a first live session, done while nobody waits for it."""

from __future__ import annotations

__all__ = ["warm_up"]

_SIZE_WH = (320, 240)


def warm_up() -> None:
    """Import the engine and load the built-in networks, which all sessions share.

    Raises:
        ModelError: their weights are missing.
    """
    import masquerade.apps.studio.live.conversation
    import masquerade.apps.studio.live.sources  # noqa: F401 - it is imported to be there
    from masquerade.core.settings import Settings
    from masquerade.engine.networks import shared_networks
    from masquerade.engine.rehearsal import rehearsal_frames

    settings = Settings()
    networks = shared_networks(settings.threads)
    pixels = next(rehearsal_frames(_SIZE_WH))
    faces = networks.detector.find(pixels, settings.detect_score)
    networks.embedder.describe(pixels, [f.landmarks for f in faces if f.landmarks is not None])
