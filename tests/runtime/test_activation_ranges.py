import numpy as np
import onnx
from small_swapper import draft_small_swapper, feeds

from masquerade.runtime.activation_ranges import Histogram, measure_ranges


def test_a_histogram_grows_with_what_it_is_shown_and_loses_nothing():
    random = np.random.default_rng(0)
    parts = [random.normal(middle, 1, 5000).astype(np.float32) for middle in (0, 9, -40)]
    histogram = Histogram.of(parts[0])
    for part in parts[1:]:
        histogram.add(part)
    values = np.concatenate(parts)
    assert histogram.counts.sum() == values.size
    assert histogram.limits("minmax") == (values.min(), values.max())
    middles = histogram.low + histogram.width * (np.arange(histogram.counts.size) + 0.5)
    assert abs((middles * histogram.counts).sum() / values.size - values.mean()) < histogram.width


def test_rare_large_values_are_cut_where_that_errs_less():
    values = np.random.default_rng(0).normal(0, 1, 400_000).astype(np.float32)
    values[:4] = 12.0
    histogram = Histogram.of(values)
    assert histogram.limits("minmax")[1] == 12.0
    assert 3 < histogram.limits("percentile")[1] < 6
    assert 4 < histogram.limits("error")[1] < 12


def test_ranges_hold_zero_and_are_never_empty():
    for values in (np.full(10, 3.0), np.full(10, -3.0), np.zeros(10)):
        histogram = Histogram.of(values.astype(np.float32))
        for rule in ("minmax", "percentile", "error"):
            low, high = histogram.limits(rule)
            assert low <= 0 <= high
            assert high > low


def test_ranges_are_those_of_the_activations_in_groups_or_not(tmp_path, monkeypatch):
    model = draft_small_swapper()
    names = [n.output[0] for n in model.graph.node if n.op_type in ("Conv", "Relu")] + ["target"]
    whole = measure_ranges(model, names, feeds(2), tmp_path, threads=1)
    monkeypatch.setattr("masquerade.runtime.activation_ranges._GROUP_BYTES", 1)
    parts = measure_ranges(model, names, feeds(2), tmp_path, threads=1)
    assert set(whole) == set(parts) == set(names)
    assert all((whole[n].least, whole[n].most) == (parts[n].least, parts[n].most) for n in names)
    targets = np.concatenate([f["target"] for f in feeds(2)])
    assert (whole["target"].least, whole["target"].most) == (targets.min(), targets.max())
    relu = next(n.output[0] for n in model.graph.node if n.op_type == "Relu")
    assert whole[relu].least == 0.0
    assert not list(tmp_path.iterdir())
    onnx.checker.check_model(model)
