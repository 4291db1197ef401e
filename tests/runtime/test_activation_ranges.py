import numpy as np
from small_swapper import draft_small_swapper, feeds

from masquerade.runtime import activation_ranges
from masquerade.runtime.activation_ranges import Histogram, measure_ranges
from masquerade.runtime.activation_visits import visit_activations


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


def test_ranges_are_those_of_the_activations_seen_in_groups_or_not(tmp_path, monkeypatch):
    model = draft_small_swapper()
    before = model.SerializeToString()
    names = [n.output[0] for n in model.graph.node if n.op_type in ("Conv", "Relu")] + ["target"]
    found = measure_ranges(model, names, feeds(2), tmp_path, threads=1)
    seen = {}
    for group_bytes in (2**30, 1):
        monkeypatch.setattr("masquerade.runtime.activation_visits._GROUP_BYTES", group_bytes)
        values = {}
        visit_activations(
            model,
            names,
            feeds(2),
            tmp_path,
            lambda name, shown, kept=values: kept.setdefault(name, []).append(shown.copy()),
            threads=1,
        )
        seen[group_bytes] = {name: np.stack(parts) for name, parts in values.items()}
    for name, values in seen[1].items():
        np.testing.assert_array_equal(values, seen[2**30][name])
        assert (found[name].least, found[name].most) == (values.min(), values.max())
    assert set(found) == set(seen[1]) == set(names)
    assert not list(tmp_path.iterdir())
    assert model.SerializeToString() == before


def test_a_sample_gives_about_the_ranges_of_all_values(tmp_path, monkeypatch):
    model = draft_small_swapper()
    names = [n.output[0] for n in model.graph.node if n.op_type == "Conv"]
    whole = measure_ranges(model, names, feeds(4), tmp_path, threads=1)
    monkeypatch.setattr("masquerade.runtime.activation_ranges._SAMPLE", 500)
    sampled = measure_ranges(model, names, feeds(4), tmp_path, threads=1)
    large = [name for name in names if whole[name].counts.sum() > 20_000]
    assert large
    for name in large:
        assert sampled[name].counts.sum() < 0.2 * whole[name].counts.sum()
        assert (sampled[name].least, sampled[name].most) == (whole[name].least, whole[name].most)
        span = whole[name].most - whole[name].least
        near = np.subtract(sampled[name].limits("error"), whole[name].limits("error"))
        assert np.abs(near).max() < 0.1 * span


def test_samples_lie_in_all_rows_and_columns():
    shape = (1, 64, 48, 512)
    step = activation_ranges._step(shape)
    places = np.unravel_index(np.arange(0, np.prod(shape), step), shape)
    for axis, side in enumerate(shape):
        assert len(set(places[axis].tolist())) == side
