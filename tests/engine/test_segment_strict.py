"""The strict mode in segments: heads are hidden at a seam as in the whole film."""

from __future__ import annotations

from pathlib import Path

from test_segment import SETTINGS, film, likeness, piece_of

from masquerade import Engine
from masquerade.engine.scout import scout
from masquerade.media.file import VideoSource
from masquerade.media.puppet import Actor, Scene, bundled_photo
from masquerade.media.segments import plan_segments
from masquerade.testing import MemorySink

STRICT_DB = 45.0
"""A bystander's blur of another extent makes it 24."""


def test_bystanders_are_hidden_alike_behind_a_seam(tmp_path: Path) -> None:
    pair = (
        Actor(name="a", portrait="astronaut", size=0.4, path=((0.0, 0.25, 0.42),)),
        Actor(name="b", identity_seed=3, size=0.36, path=((0.0, 0.72, 0.42),)),
    )
    clip, whole = film(tmp_path / "pair.mp4", [Scene(actors=pair, seconds=5)]), MemorySink()
    with Engine(bundled_photo("mona_lisa"), SETTINGS.replace(strict=True)) as engine:
        plan = scout(plan_segments(clip, 1.9), engine)
        assert len(plan.segments[2].run_up) == 2
        with VideoSource(clip) as source:
            engine.run(source, whole)
        piece = piece_of(plan, 2, engine)
    assert min(likeness(piece, whole)) >= STRICT_DB
