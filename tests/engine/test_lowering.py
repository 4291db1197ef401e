"""What is given up for memory: in a stated order, said aloud, each machine its own."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from masquerade.core.execution import Execution
from masquerade.core.settings import Settings
from masquerade.engine.lowering import expected_bytes, fitting, lowerings

MB, GB = 2**20, 2**30


@dataclass
class Installed:
    """A machine with these files: bytes by precision, by model."""

    files: dict[str, dict[str, int]]
    sides: dict[str, int] = field(
        default_factory=lambda: {
            "inswapper_128": 128,
            "gpen_bfr_512": 512,
            "gpen_bfr_1024": 1024,
            "gpen_bfr_2048": 2048,
            "real_esrgan_x2": 256,
        }
    )

    def sizes(self, name: str) -> dict[str, int]:
        return self.files.get(name, {})

    def side(self, name: str) -> int:
        return self.sides[name]

    def scale(self, name: str) -> int:
        return 2 if name == "real_esrgan_x2" else 1

    def leaner(self, execution: Execution) -> Execution | None:
        return None

    def smaller(self, name: str) -> str | None:
        family = [other for other in self.files if other.startswith("gpen") and name != other]
        below = [other for other in family if self.side(other) < self.side(name)]
        return max(below, key=self.side) if below and name.startswith("gpen") else None


EVERYTHING = Installed(
    {
        "inswapper_128": {"fp32": 529 * MB, "fp16": 265 * MB, "int8": 135 * MB},
        "gpen_bfr_512": {"fp32": 271 * MB},
        "gpen_bfr_1024": {"fp32": 280 * MB},
        "gpen_bfr_2048": {"fp32": 290 * MB},
        "real_esrgan_x2": {"fp32": 64 * MB},
    }
)
WISH = Settings(model="inswapper_128", enhancer=("gpen_bfr_2048",), swap_size=512)


def test_the_order_is_precision_then_sizes_then_the_enhancer():
    steps = list(lowerings(WISH, Execution(), EVERYTHING))
    assert [(s.precision, s.settings.swap_size, s.settings.enhancer) for s in steps] == [
        ("auto", 512, ("gpen_bfr_2048",)),
        ("fp16", 512, ("gpen_bfr_2048",)),
        ("int8", 512, ("gpen_bfr_2048",)),
        ("int8", 0, ("gpen_bfr_2048",)),
        ("int8", 0, ("gpen_bfr_1024",)),
        ("int8", 0, ("gpen_bfr_512",)),
        ("int8", 0, ()),
    ]
    assert steps[0].sentences == ()
    assert steps[-1].sentences == (
        "To fit into memory, networks compute in fp16.",
        "To fit into memory, networks compute in int8.",
        "To fit into memory, faces are swapped at 128 pixels instead of 512.",
        "To fit into memory, gpen_bfr_1024 enhances instead of gpen_bfr_2048.",
        "To fit into memory, gpen_bfr_512 enhances instead of gpen_bfr_1024.",
        "To fit into memory, gpen_bfr_512 is left out.",
    )


def test_the_leaner_library_comes_before_anything_that_is_seen():
    class OpenVino(Installed):
        def leaner(self, execution: Execution) -> Execution | None:
            options = {"cpu": {"library": "onnxruntime"}}
            return Execution(providers=("cpu",), options=options)

    first, second, *_ = lowerings(WISH, Execution(), OpenVino(EVERYTHING.files))
    assert (second.settings, second.precision) == (first.settings, first.precision)
    assert second.execution.options["cpu"]["library"] == "onnxruntime"
    assert second.sentences == (
        "To fit into memory, networks run on ONNX Runtime, which takes less than OpenVINO.",
    )


def test_only_what_is_installed_is_lowered_to():
    alone = Installed({"inswapper_128": {"fp32": 529 * MB}, "gpen_bfr_2048": {"fp32": 290 * MB}})
    steps = list(lowerings(WISH.replace(swap_size=0), Execution(), alone))
    assert [step.settings.enhancer for step in steps] == [("gpen_bfr_2048",), ()]


def test_each_network_runs_as_exactly_as_its_files_allow():
    lowest = list(lowerings(WISH, Execution(), EVERYTHING))[-2]
    assert lowest.execution_of("inswapper_128", EVERYTHING).precision == "int8"
    assert lowest.execution_of("gpen_bfr_512", EVERYTHING).precision == "auto"


def test_a_precision_is_never_raised():
    steps = lowerings(WISH, Execution(precision="int8"), EVERYTHING)
    assert {step.precision for step in steps} == {"int8"}


def test_the_built_in_swapper_gives_up_nothing_but_its_enhancer():
    wish = Settings(enhancer=("gpen_bfr_512",))
    assert [s.settings.enhancer for s in lowerings(wish, Execution(), EVERYTHING)] == [
        ("gpen_bfr_512",),
        (),
    ]


def test_less_memory_means_smaller_networks_and_at_last_no_enhancer():
    def first(free_gb: float):
        step = next(fitting(WISH, Execution(), EVERYTHING, round(free_gb * GB)))
        return step.precision, step.settings.enhancer

    assert first(4) == ("auto", ("gpen_bfr_2048",))
    assert first(2) == ("int8", ("gpen_bfr_1024",))
    assert first(0.9) == ("int8", ("gpen_bfr_512",))
    assert first(0.1) == ("int8", ())


def test_tiles_shrink_before_anything_is_left_out_and_pictures_give_way_before_faces():
    wish = WISH.replace(enhance_frame="real_esrgan_x2", tile=640)
    steps = [
        (s.settings.tile, s.settings.swap_size, s.settings.enhance_frame, s.settings.enhancer)
        for s in lowerings(wish, Execution(precision="int8"), EVERYTHING)
    ]
    assert steps == [
        (640, 512, "real_esrgan_x2", ("gpen_bfr_2048",)),
        (320, 512, "real_esrgan_x2", ("gpen_bfr_2048",)),
        (160, 512, "real_esrgan_x2", ("gpen_bfr_2048",)),
        (128, 512, "real_esrgan_x2", ("gpen_bfr_2048",)),
        (128, 0, "real_esrgan_x2", ("gpen_bfr_2048",)),
        (128, 0, "real_esrgan_x2", ("gpen_bfr_1024",)),
        (128, 0, "real_esrgan_x2", ("gpen_bfr_512",)),
        (128, 0, "none", ("gpen_bfr_512",)),
        (128, 0, "none", ()),
    ]
    *_, left_out, _ = lowerings(wish, Execution(precision="int8"), EVERYTHING)
    assert left_out.sentences[:1] == (
        "To fit into memory, pictures are enhanced in tiles of 320 pixels instead of 640.",
    )
    assert left_out.sentences[-1] == "To fit into memory, real_esrgan_x2 is left out."


def test_each_step_of_an_upscaler_is_expected_to_take_less():
    wish = Settings(enhance_frame="real_esrgan_x2", tile=1024)
    needs = [expected_bytes(s, EVERYTHING) for s in lowerings(wish, Execution(), EVERYTHING)]
    assert needs == sorted(needs, reverse=True)
    assert needs[0] > 2 * GB
    assert needs[-1] == 0


@pytest.mark.parametrize("free_gb", [0.1, 0.5, 1, 2, 4, 8])
def test_what_is_chosen_is_expected_to_fit_unless_nothing_does(free_gb):
    free = round(free_gb * GB)
    steps = list(fitting(WISH, Execution(), EVERYTHING, free))
    if expected_bytes(steps[0], EVERYTHING) > free:
        assert len(steps) == 1
    needs = [expected_bytes(s, EVERYTHING) for s in lowerings(WISH, Execution(), EVERYTHING)]
    assert needs == sorted(needs, reverse=True) or needs[1] >= needs[0]  # fp16 gains no CPU memory


def test_half_precision_takes_no_less_on_a_processor_and_half_on_a_device():
    def needs(provider: str, precision: str) -> int:
        wish = Settings(model="inswapper_128")
        execution = Execution(providers=(provider,), precision=precision)
        return expected_bytes(next(lowerings(wish, execution, EVERYTHING)), EVERYTHING)

    assert needs("cpu", "fp16") == pytest.approx(needs("cpu", "fp32"), rel=0.01)
    assert needs("cuda", "fp16") < 0.6 * needs("cuda", "fp32")
    assert needs("cpu", "int8") < 0.4 * needs("cpu", "fp32")
