"""Puppets: rendered talking heads with ground truth, made from public-domain portraits."""

from __future__ import annotations

from masquerade.media.puppet.acting import Actor, LightKind, Occluder, OccluderKind, Scene, Turn
from masquerade.media.puppet.expression import Expression
from masquerade.media.puppet.portrait import BUNDLED, Portrait, bundled_photo
from masquerade.media.puppet.render import Light
from masquerade.media.puppet.source import PuppetSource
from masquerade.media.puppet.stage import demo_source
from masquerade.media.puppet.truth import FrameTruth, HeadTruth

__all__ = [
    "BUNDLED",
    "Actor",
    "Expression",
    "FrameTruth",
    "HeadTruth",
    "Light",
    "LightKind",
    "Occluder",
    "OccluderKind",
    "Portrait",
    "PuppetSource",
    "Scene",
    "Turn",
    "bundled_photo",
    "demo_source",
]
