from __future__ import annotations

from pathlib import Path

import pytest

from masquerade.core.errors import ModelError
from masquerade.core.execution import Execution, Precision
from masquerade.runtime.brought_file import BroughtFile
from masquerade.runtime.candidates import candidate_groups


def file(precision: str, winograd_bytes: int = 1000) -> BroughtFile:
    return BroughtFile(
        path=Path(f"{precision}.onnx"),
        digest=precision,
        precision=precision,
        fixed_shapes=True,
        size_bytes=100,
        winograd_bytes=winograd_bytes,
    )


def names(
    provider: str, have: list[str], execution: Execution, *, openvino: bool = True, **kind: int
) -> list[list[str]]:
    files = {name: file(name, **kind) for name in have}
    groups = candidate_groups(provider, files, execution, openvino=openvino)
    return [[f"{c.name} of {c.file.precision}" for c in group.candidates] for group in groups]


def test_on_a_processor_all_exact_ways_compete_then_int8() -> None:
    assert names("cpu", ["fp32", "int8"], Execution()) == [
        [
            "cpu fp32 of fp32",
            "openvino fp32 of fp32",
            "cpu fp32 winograd of fp32",
            "openvino fp32 winograd of fp32",
        ],
        ["cpu int8 of int8", "openvino int8 of int8"],
    ]


def test_without_openvino_and_without_gain_there_is_one_way() -> None:
    ways = names("cpu", ["fp32"], Execution(), openvino=False, winograd_bytes=0)
    assert ways == [["cpu fp32 of fp32"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"library": "onnxruntime", "winograd": "off"}, ["cpu fp32 of fp32"]),
        ({"library": "openvino", "winograd": "on"}, ["openvino fp32 winograd of fp32"]),
    ],
)
def test_a_way_can_be_asked_for(options: dict[str, str], expected: list[str]) -> None:
    assert names("cpu", ["fp32"], Execution(options={"cpu": options})) == [expected]


def test_openvino_that_was_asked_for_is_the_only_library() -> None:
    assert names("openvino", ["fp32"], Execution()) == [
        ["openvino fp32 of fp32", "openvino fp32 winograd of fp32"]
    ]


def test_a_half_file_is_computed_in_single_on_a_processor_and_in_half_on_a_device() -> None:
    ways = names("cpu", ["fp16"], Execution(), openvino=False, winograd_bytes=0)
    assert ways == [["cpu fp32 of fp16"]]
    assert names("cuda", ["fp16"], Execution()) == [["cuda fp16 of fp16"]]
    assert names("cuda", ["fp32", "fp16"], Execution()) == [["cuda fp16 of fp16"]]
    assert names("cuda", ["fp16", "fp32"], Execution(precision="fp32")) == [["cuda fp32 of fp32"]]


def test_tensorrt_makes_half_by_itself_and_cuda_does_not() -> None:
    half = Execution(precision="fp16", strict_precision=True)
    assert names("tensorrt", ["fp32"], half) == [["tensorrt fp16 of fp32"]]
    with pytest.raises(ModelError, match=r"masquerade models quantize .* --precision fp16"):
        names("cuda", ["fp32"], half)


def test_half_on_a_processor_is_said_to_be_single() -> None:
    files = {"fp32": file("fp32")}
    (group,) = candidate_groups("cpu", files, Execution(precision="fp16"), openvino=False)
    assert {candidate.precision for candidate in group.candidates} == {"fp32"}
    assert "Processors compute in fp32" in group.notice


def test_bfloat16_is_openvinos_alone() -> None:
    half = Execution(precision="bf16", strict_precision=True)
    assert names("cpu", ["fp32"], half) == [["openvino bf16 of fp32"]]
    with pytest.raises(ModelError, match=r"cannot be had in bf16 here\. Install OpenVINO"):
        names("cpu", ["fp32"], half, openvino=False)
    allowed = Execution(precision="bf16", allow_fallback=True)
    ways = names("cpu", ["fp32"], allowed, openvino=False, winograd_bytes=0)
    assert ways == [["cpu fp32 of fp32"]]


def test_int8_needs_a_file_of_its_own() -> None:
    with pytest.raises(ModelError, match="--precision int8"):
        names("cpu", ["fp32"], Execution(precision="int8", strict_precision=True))
    assert names("cpu", ["int8"], Execution(), openvino=False) == [["cpu int8 of int8"]]


@pytest.mark.parametrize(
    ("provider", "asked", "have", "taken"),
    [
        ("cpu", "int8", ["fp32"], "cpu fp32 of fp32"),
        ("cpu", "int8", ["fp16"], "cpu fp32 of fp16"),
        ("cpu", "bf16", ["fp32", "int8"], "cpu fp32 of fp32"),
        ("cuda", "int8", ["fp32"], "cuda fp32 of fp32"),
        ("cuda", "int8", ["fp32", "fp16"], "cuda fp16 of fp16"),
        ("cuda", "fp16", ["fp32"], "cuda fp32 of fp32"),
    ],
)
def test_what_cannot_be_had_is_replaced_by_the_nearest_that_is_more_exact_and_said(
    provider: str, asked: Precision, have: list[str], taken: str
) -> None:
    files = {name: file(name, winograd_bytes=0) for name in have}
    execution = Execution(precision=asked)
    (group,) = candidate_groups(provider, files, execution, openvino=False, label="gfpgan_1.4")
    (way,) = group.candidates
    assert f"{way.name} of {way.file.precision}" == taken
    assert group.notice.startswith(f"It cannot be had in {asked} here, so {way.precision} is used.")
    made = f"`masquerade models quantize gfpgan_1.4 --precision {asked}` makes it."
    assert (made in group.notice) == (asked != "bf16")
