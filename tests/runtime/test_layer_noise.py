import onnx
from small_swapper import draft_small_swapper, feeds

from masquerade.runtime.activation_ranges import measure_ranges
from masquerade.runtime.integer_graph import IntegerGraph
from masquerade.runtime.layer_noise import keep_single, measure_noise, work_shares
from masquerade.runtime.opset import raise_opset


def measured(tmp_path, widen=None):
    model = draft_small_swapper()
    raise_opset(model, 13)
    graph = IntegerGraph(model)
    found = measure_ranges(model, graph.watched(), feeds(2), tmp_path, threads=1)
    ranges = {name: item.limits("minmax") for name, item in found.items()}
    if widen is not None:
        name = graph.convolutions[widen].input[0]
        low, high = ranges[name]
        ranges[name] = (8 * low, 8 * high)
    noise = measure_noise(model, graph, ranges, feeds(1), tmp_path, threads=1)
    return graph, noise, work_shares(model, graph)


def test_coarser_steps_are_heard_in_the_convolution_that_reads_them_alone(tmp_path):
    graph, fine, shares = measured(tmp_path)
    _, coarse, _ = measured(tmp_path, widen=2)
    louder = [name for name in fine if coarse[name] > 4 * fine[name]]
    assert louder == [graph.convolutions[2].output[0]]
    assert all(1e-7 < value < 0.05 for value in fine.values())
    assert abs(sum(shares.values()) - 1) < 1e-9


def test_what_stays_single_keeps_to_its_share_of_the_work(tmp_path):
    _, noise, shares = measured(tmp_path)
    for most in (0.0, 0.1, 0.5, 1.0):
        kept = keep_single(noise, shares, most)
        assert sum(shares[name] for name in kept) <= most + 1e-9
    assert set(keep_single(noise, shares, 1.01)) == set(noise)


def test_relus_are_rounded_behind_and_slopes_on_both_sides():
    model = draft_small_swapper()
    graph = IntegerGraph(model)
    makers = {name: node.op_type for node in model.graph.node for name in node.output}
    behind = [tuple(makers[name] for name in graph.results(c)) for c in graph.convolutions]
    assert behind[0] == ("Conv", "LeakyRelu")
    assert behind[-2] == ("Relu",)
    assert behind[-1] == ("Conv",)
    onnx.checker.check_model(model)
