"""doctor: what each check finds, and that a bad machine is told from a good one."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from masquerade.apps.doctor import software
from masquerade.apps.doctor.hardware import Machine, look_at_hardware, read_machine
from masquerade.apps.doctor.networks import compare_providers, likeness_db, look_at_shipped
from masquerade.apps.doctor.plan import look_at_plan
from masquerade.apps.doctor.providers import advise_providers, executions
from masquerade.apps.doctor.software import look_at_software, rival_packages
from masquerade.core.errors import ModelError
from masquerade.core.execution import Execution
from masquerade.models.library import Library
from masquerade.runtime.parity import HIGHEST_DB
from masquerade.testing.networks.functional import fill_library

GB = 10**9
STRONG = Machine("Linux x86_64", "Maker", 12, "avx2", 32 * GB, (("RTX", 12 * GB),))
WEAK = Machine("Linux x86_64", "Maker", 2, "", 8 * GB)


def states(machine):
    return {item.name: item.state for item in look_at_hardware(machine)}


def test_what_is_advised_is_in_order_and_less_is_advice_not_an_error():
    assert set(states(STRONG).values()) == {"ok"}
    assert states(WEAK) == {"processor": "advice", "memory": "advice", "graphics": "advice"}


def test_the_sentences_name_what_lacks():
    text = " ".join(item.detail for item in look_at_hardware(WEAK))
    for word in ("6 cores", "AVX2", "16 GB", "--max-memory", "quantize"):
        assert word in text
    small = Machine("Linux", "", 12, "neon", 32 * GB, (("GTX", 4 * GB),))
    assert "8 GB" in look_at_hardware(small)[2].detail


def test_sixteen_gigabytes_as_firmware_leaves_them_are_enough():
    assert states(Machine("Linux", "", 8, "avx2", int(15.4 * GB)))["memory"] == "ok"


def test_this_machine_can_be_read():
    machine = read_machine()
    assert machine.cores >= 1
    assert machine.memory_bytes > GB
    assert machine.system


def test_this_installation_is_whole():
    assert {item.name: item.state for item in look_at_software()} == {
        "python": "ok",
        "libraries": "ok",
        "video": "ok",
        "runtime": "ok",
        "weights": "ok",
    }


def test_two_builds_of_one_library_are_rivals():
    names = ("opencv-python", "opencv-python-headless")
    assert rival_packages(names, {"opencv-python-headless", "numpy"}) == []
    assert rival_packages(names, {*names, "numpy"}) == list(names)


@pytest.mark.parametrize(
    ("ways", "nvidia", "platform", "state", "word"),
    [
        (("cpu",), True, "linux", "advice", "[cuda]"),
        (("cpu",), False, "win32", "advice", "[directml]"),
        (("cpu",), False, "linux", "advice", "openvino"),
        (("cpu", "openvino"), False, "linux", "ok", "openvino"),
        (("cpu", "cuda"), True, "linux", "ok", "cuda"),
    ],
)
def test_the_missing_provider_is_named(ways, nvidia, platform, state, word):
    here = {name: Execution(providers=(name,)) for name in ways}
    (finding,) = advise_providers(here, nvidia=nvidia, platform=platform)
    assert (finding.state, word in finding.detail) == (state, True)


def test_the_landmarks_run_on_every_provider_that_is_here():
    ways = executions()
    assert next(iter(ways)) == "cpu"
    findings = look_at_shipped(ways)
    assert [item.state for item in findings] == ["ok"] * len(ways)
    # OpenVINO stands in for the processor where it was measured to be quicker.
    assert re.search(r"nodes on (cpu|openvino)", findings[0].detail)


def test_a_network_that_says_something_else_is_found(tmp_path):
    path = write_scale(tmp_path / "twice.onnx", 2.0)
    ways = {"cpu": Execution(providers=("cpu",), precision="fp32")}
    (finding,) = compare_providers("twice", path, ways)
    assert (finding.state, finding.name) == ("ok", "twice on cpu")
    (broken,) = compare_providers("none", tmp_path / "none.onnx", ways)
    assert broken.state == "broken"


def test_likeness():
    exact = np.linspace(0, 1, 100)
    assert likeness_db(exact, exact) == HIGHEST_DB
    assert likeness_db(exact, exact + 0.01) == pytest.approx(40)
    assert likeness_db(exact, np.full(100, np.nan)) == -np.inf


def test_what_is_broken_is_named_and_networks_are_not_run(run, monkeypatch):
    def damaged() -> str:
        raise ModelError("The weight file x is damaged. Reinstall masquerade.")

    monkeypatch.setitem(software._CHECKS, "weights", damaged)
    done = run("doctor")
    assert done.code == 8
    assert "The weight file x is damaged." in done.out
    assert "landmarks" not in done.out
    assert done.out.endswith("Broken: weights.\n")


def test_the_command_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "masquerade", "doctor", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    checks = {item["name"]: item for item in json.loads(done.stdout)["checks"]}
    assert checks["weights"]["ok"]
    assert "dB" in checks["landmarks on openvino"]["detail"]


def write_scale(path, factor):
    weight = numpy_helper.from_array(np.float32(factor), "factor")
    node = helper.make_node("Mul", ["x", "factor"], ["y"])
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8]) for name in "xy"]
    graph = helper.make_graph([node], "scale", ports[:1], ports[1:], [weight])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return path


def test_the_plan_says_what_the_free_memory_allows(tmp_path, monkeypatch):
    monkeypatch.setenv("MASQUERADE_HOME", str(tmp_path))
    monkeypatch.delenv("MASQUERADE_MODELS", raising=False)
    bare = look_at_plan(Library(), 8 * 2**30)
    assert bare.state == "ok"
    assert bare.detail == "8.0 GB free: 5 frames under way; 4 frames of 3840x2160"
    library = Library()
    fill_library(library, ["inswapper_128", "gpen_bfr_2048", "gpen_bfr_256", "real_esrgan_x4"])
    wide = look_at_plan(library, 24 * 2**30)
    assert wide.state == "ok"
    assert "real_esrgan_x4 on tiles of 512 pixels, inswapper_128 and gpen_bfr_256" in wide.detail
    tight = look_at_plan(library, 200 * 2**20)
    assert tight.state == "advice"
    assert "To fit into memory, real_esrgan_x4 is left out." in tight.detail
