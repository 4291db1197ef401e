"""Where masquerade keeps what belongs to the user."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["cache_folder", "data_folder", "models_folder"]


def data_folder() -> Path:
    """What cannot be made again: consents, settings, models; ``MASQUERADE_HOME`` overrides it."""
    home = os.environ.get("MASQUERADE_HOME")
    return Path(home) if home else platformdirs.user_data_path("masquerade", appauthor=False)


def cache_folder() -> Path:
    """What can be made again, such as networks optimised for this machine; in
    ``MASQUERADE_HOME/cache`` where that is set.
    """
    home = os.environ.get("MASQUERADE_HOME")
    if home:
        return Path(home) / "cache"
    return platformdirs.user_cache_path("masquerade", appauthor=False)


def models_folder() -> Path:
    """Installed models; ``MASQUERADE_MODELS`` overrides it, so that several users may share one."""
    models = os.environ.get("MASQUERADE_MODELS")
    return Path(models) if models else data_folder() / "models"
