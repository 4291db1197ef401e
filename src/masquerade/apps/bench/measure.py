"""One scenario, measured in this process."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from masquerade.apps.bench.clip import Camera, Film, Nowhere, render_pictures
from masquerade.apps.bench.scenario import SIZES, Scenario
from masquerade.core.errors import ModelError, NoFaceInTargetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from masquerade.core.execution import Execution
    from masquerade.engine import Report
    from masquerade.engine.engine import Engine

__all__ = ["Figures", "measure"]

_SHORTEST_FRAMES, _WARM_FRAMES = 12, 6


@dataclass(frozen=True, slots=True)
class Figures:
    """What a scenario came to.

    Attributes:
        scenario: its name.
        fps: of a film, read and written as quickly as it goes.
        live_fps: of a camera of 30 frames a second.
        p50_ms, p95_ms: from capture to the sink, live.
        dropped: frames of the camera that were not taken, as a share.
        rss_mb: the most memory that the process took, megabytes.
        vram_mb: the most memory taken on a graphics device by all programs; None where none is
            seen.
        stages_ms: median of each stage, of the film.
        networks: the brought ones, each with precision and provider.
        notices: what was chosen, replaced or given up, a sentence each.
    """

    scenario: str
    fps: float
    live_fps: float
    p50_ms: float
    p95_ms: float
    dropped: float
    rss_mb: float
    vram_mb: float | None
    stages_ms: dict[str, float]
    networks: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain values with one decimal."""
        values = asdict(self) | {"stages_ms": _rounded(self.stages_ms)}
        return {key: round(v, 3) if isinstance(v, float) else v for key, v in values.items()}


def measure(scenario: Scenario, execution: Execution, seconds: float) -> Figures:
    """Run the scenario as a film and as a stream, for about ``seconds`` each.

    Raises:
        MasqueradeError: a model is not installed, does not fit, or failed.
    """
    from masquerade.core.settings import Settings
    from masquerade.engine.engine import Engine
    from masquerade.media.puppet import Portrait
    from masquerade.runtime.gauges import ProcessGauge

    pictures = render_pictures(SIZES[scenario.size])
    settings = Settings(
        model=scenario.swapper,
        enhancer=scenario.enhancers,
        refresh=scenario.refresh,
        detector=scenario.detector,
        threads=execution.threads,
    )
    donor = Portrait.bundled("astronaut").pixels
    with ProcessGauge() as gauge, Engine(donor, settings, execution=execution) as engine:
        warm = _warm_up(engine, pictures, scenario.detector)
        count = max(_SHORTEST_FRAMES, round(warm.fps * seconds))
        film = engine.run(Film(pictures, count), Nowhere())
        live = _live(engine, Camera(pictures, seconds), scenario.preset)
        reading = gauge.read()
        networks, notices = engine.models, engine.notices
    taken = max(live["frames"] + live["dropped"], 1)
    return Figures(
        scenario=scenario.name,
        fps=film.fps,
        live_fps=live["frames"] / max(live["seconds"], 1e-6),
        p50_ms=live["p50"],
        p95_ms=live["p95"],
        dropped=live["dropped"] / taken,
        rss_mb=reading.peak_rss_bytes / 1e6,
        vram_mb=max((gpu.memory_bytes for gpu in reading.gpus), default=0) / 1e6
        if reading.gpus
        else None,
        stages_ms=dict(film.timings_ms),
        networks=networks,
        notices=notices,
    )


def _warm_up(engine: Engine, pictures: Sequence[NDArray[np.uint8]], detector: str) -> Report:
    try:
        return engine.run(Film(pictures, _WARM_FRAMES), Nowhere())
    except NoFaceInTargetError as error:
        raise ModelError(
            f"{detector} finds no face in the film that is measured on, so nothing would be "
            "measured; see with `masquerade models verify` whether its file is what it should be."
        ) from error


def _live(engine: Engine, camera: Camera, preset: str) -> dict[str, float]:
    from masquerade.engine.live import LiveOptions, LiveSession

    session = LiveSession(engine, camera, {"nowhere": Nowhere()}, LiveOptions(preset=preset))
    with session:
        while not session.wait(0.5):
            pass
    numbers = session.statistics()
    return {
        "frames": numbers.frames,
        "dropped": numbers.dropped,
        "seconds": numbers.seconds,
        "p50": numbers.latency_ms.p50,
        "p95": numbers.latency_ms.p95,
    }


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in values.items()}
