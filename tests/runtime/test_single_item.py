from __future__ import annotations

import numpy as np
import pytest

from masquerade.models.store import weight_path
from masquerade.runtime.plausible_input import plausible_feeds
from masquerade.runtime.session import Session
from masquerade.runtime.single_item import single_item


@pytest.mark.parametrize("role", ["landmarks", "attributes"])
def test_shapes_are_all_fixed_and_results_the_same(role: str) -> None:
    path = weight_path(role)
    with Session(single_item(path)) as one, Session(path) as many:
        assert all(None not in port.shape for port in (*one.input_ports, *one.output_ports))
        assert any(None in port.shape for port in many.input_ports)
        feeds = plausible_feeds(one.input_ports)
        for got, expected in zip(one.run(feeds), many.run(feeds), strict=True):
            np.testing.assert_array_equal(got, expected)
