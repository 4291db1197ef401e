"""What helps to test masquerade and what is built on it: puppets, a clock, contracts, audits.

    from masquerade.testing import PuppetSource, Scene, assert_source_contract

The product itself never imports this package.
"""

from __future__ import annotations

from masquerade.media.puppet import (
    Actor,
    FrameTruth,
    HeadTruth,
    Occluder,
    Portrait,
    PuppetSource,
    Scene,
    Turn,
)
from masquerade.testing.clock import FakeClock
from masquerade.testing.contracts import (
    assert_sink_contract,
    assert_source_contract,
    assert_stage_contract,
)
from masquerade.testing.exposure import Exposure, ExposureAudit, is_shown, likeness, untouched_share
from masquerade.testing.identity_judge import SAME_PERSON, IdentityJudge, Sighting
from masquerade.testing.live import PacedSource, WitnessSink
from masquerade.testing.memory import MemorySink, MemorySource
from masquerade.testing.plays import PLAYS, play
from masquerade.testing.rehearsal import Rehearsal
from masquerade.testing.stand_ins import FailingStage, NullSwap, StandInStage
from masquerade.testing.threads import no_leaked_threads

__all__ = [
    "PLAYS",
    "SAME_PERSON",
    "Actor",
    "Exposure",
    "ExposureAudit",
    "FailingStage",
    "FakeClock",
    "FrameTruth",
    "HeadTruth",
    "IdentityJudge",
    "MemorySink",
    "MemorySource",
    "NullSwap",
    "Occluder",
    "PacedSource",
    "Portrait",
    "PuppetSource",
    "Rehearsal",
    "Scene",
    "Sighting",
    "StandInStage",
    "Turn",
    "WitnessSink",
    "assert_sink_contract",
    "assert_source_contract",
    "assert_stage_contract",
    "is_shown",
    "likeness",
    "no_leaked_threads",
    "play",
    "untouched_share",
]
