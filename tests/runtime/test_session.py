from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from masquerade.core.errors import ModelError, RuntimeSetupError
from masquerade.models.store import weight_path
from masquerade.runtime.session import Session, choose_threads


@pytest.fixture(scope="module")
def blendshapes() -> Session:
    return Session(weight_path("blendshapes"), threads=1)


def test_runs_from_a_path_and_from_bytes(blendshapes: Session) -> None:
    points = np.random.default_rng(0).uniform(0, 200, (1, 146, 2)).astype(np.float32)
    again = Session(weight_path("blendshapes").read_bytes(), threads=1)
    assert blendshapes.inputs == ("points",)
    assert blendshapes.outputs == ("weights",)
    np.testing.assert_array_equal(
        blendshapes.run({"points": points})[0], again.run({"points": points})[0]
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.onnx is missing"):
        Session(tmp_path / "gone.onnx")


@pytest.mark.parametrize("data", [b"", b"not a network", b"\x08\x08\x12\x04junk"])
def test_damaged_bytes_are_a_model_error(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"bad\.onnx cannot be loaded"):
        Session(tmp_path / "bad.onnx")


@pytest.mark.parametrize(
    "feeds",
    [
        {"points": np.zeros((1, 9, 2), np.float32)},
        {"points": np.zeros((1, 146, 2), np.float64)},
        {"dots": np.zeros((1, 146, 2), np.float32)},
        {},
    ],
)
def test_wrong_feeds_are_a_model_error(blendshapes: Session, feeds: dict[str, np.ndarray]) -> None:
    with pytest.raises(ModelError, match=r"blendshapes\.onnx failed while running"):
        blendshapes.run(feeds)


def test_a_provider_that_is_not_there_is_never_replaced_in_silence() -> None:
    with pytest.raises(RuntimeSetupError, match="migraphx"):
        Session(weight_path("blendshapes"), providers=("migraphx",))


def test_threads() -> None:
    assert choose_threads(3) == 3
    assert 1 <= choose_threads(0) <= 4
