"""The stand-ins themselves: valid, small, and with the names of the published files."""

import numpy as np
import onnx
import pytest
from recorded import open_recorded

from masquerade.models.catalogue import find_spec
from masquerade.models.face_detectors.decoders import DECODERS
from masquerade.runtime.graph_facts import find_initialiser
from masquerade.testing.networks.functional import (
    draw_functional,
    functional_names,
    write_functional,
)

FILES = [(name, file.exporter) for name in functional_names() for file in find_spec(name).files]

# (inputs, outputs) as the exporters' programs call them
NAMES = {
    ("inswapper_128", "deep-live-cam"): (["target", "source"], ["output"]),
    ("simswap_512_visomaster", "visomaster"): (["input", "onnx::Gemm_1"], ["output"]),
    ("ghost_1_256_visomaster", "visomaster"): (["target", "source"], ["781"]),
    ("ghost_2_256_visomaster", "visomaster"): (["target", "source"], ["1165"]),
    ("ghost_3_256_visomaster", "visomaster"): (["target", "source"], ["1549"]),
    ("cscs_256", "visomaster"): (["input_1", "input_2"], ["output"]),
    ("gfpgan_1.4", "roop-unleashed"): (["input"], ["1288"]),
    ("codeformer", "facefusion"): (["input", "weight"], ["output"]),
    ("codeformer", "visomaster"): (["x", "w"], ["y"]),
    ("yoloface_8n_visomaster", "visomaster"): (["images"], ["output0"]),
    ("2d106det", "visomaster"): (["data"], ["fc1"]),
    ("xseg_dfl", "visomaster"): (["in_face:0"], ["out_mask:0"]),
    ("occluder", "visomaster"): (["img"], ["output"]),
    ("crossface_ghost", "facefusion"): (["input"], ["output"]),
}


@pytest.mark.parametrize(("name", "exporter"), FILES)
def test_every_published_file_has_a_small_valid_stand_in(name, exporter, tmp_path):
    path = write_functional(name, tmp_path, exporter=exporter)
    assert path.name in {file.name for file in find_spec(name).files}
    assert path.stat().st_size < 2_000_000
    onnx.checker.check_model(onnx.load(path), full_check=True)


@pytest.mark.parametrize("place", NAMES)
def test_inputs_and_outputs_are_called_as_published(place):
    inputs, outputs = NAMES[place]
    graph = draw_functional(place[0], exporter=place[1]).graph
    assert [port.name for port in graph.input] == inputs
    assert [port.name for port in graph.output] == outputs


def test_the_emap_is_the_last_weight_where_the_published_file_has_it(tmp_path):
    for name in ("inswapper_128", "inswapper_128_fp16"):
        path = write_functional(name, tmp_path)
        last = onnx.numpy_helper.to_array(onnx.load(path).graph.initializer[-1])
        assert last.shape == (512, 512)
        found = find_initialiser(path, (512, 512))
        np.testing.assert_array_equal(found, last.astype(np.float32))
    assert find_initialiser(write_functional("reswapper_128", tmp_path), (512, 512)) is None


def test_stand_ins_are_the_same_every_time():
    first, second = (draw_functional("w600k_r50").SerializeToString() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["det_10g", "yunet_2023_mar"])
def test_detectors_are_read_in_any_order_and_with_a_batch_axis(name, tmp_path):
    spec = find_spec(name)
    network = open_recorded(name, tmp_path)
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 3, 640, 640)).astype(np.float32)
    results = network.run({network.input_ports[0].name: picture})
    decode = DECODERS[spec.family]
    plain = decode(results, (640, 640), 0.02, spec.decoding)
    widths = [result.shape[-1] for result in results]
    other = [results[place] for place in sorted(range(len(results)), key=lambda i: -widths[i])]
    batched = [result.reshape(1, -1, result.shape[-1]) for result in reversed(other)]
    turned = decode(batched, (640, 640), 0.02, spec.decoding)
    assert len(plain.scores) > 10
    np.testing.assert_array_equal(plain.boxes, turned.boxes)
    np.testing.assert_array_equal(plain.kps, turned.kps)
    np.testing.assert_array_equal(plain.scores, turned.scores)
