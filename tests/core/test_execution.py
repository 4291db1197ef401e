"""Where networks run, as one checked value."""

from __future__ import annotations

import pytest

from masquerade.core.errors import SettingsError
from masquerade.core.execution import NETWORK_ROLES, Execution
from masquerade.models.spec import ROLES


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"providers": ("rocket",)}, "no provider 'rocket'"),
        ({"providers": ()}, "name one, or 'auto'"),
        ({"options": {"cudda": {}}}, "no provider 'cudda'"),
        ({"precision": "fp8"}, "choose one of auto, fp32"),
        ({"device_ids": ()}, "at least one"),
        ({"device_ids": (-1,)}, "from 0 on"),
        ({"devices_of": {"enhancer": ()}}, "at least one"),
        ({"devices_of": {"drawer": (1,)}}, "No network is a 'drawer'; choose one of swapper"),
        ({"threads": 257}, "from 0 to 256"),
        ({"idle_s": -1.0}, "seconds from 0 to 86400"),
        ({"idle_s": float("nan")}, "seconds from 0 to 86400"),
        ({"max_memory_bytes": 0}, "above 0"),
    ],
)
def test_a_wrong_value_says_what_is_right(changes, told):
    with pytest.raises(SettingsError) as caught:
        Execution(**changes)
    assert told in str(caught.value)


def test_a_role_has_its_own_devices_and_else_those_of_all():
    execution = Execution(device_ids=(0, 2), devices_of={"enhancer": (1,), "detector": (0,)})
    assert execution.of_role("enhancer") == Execution(device_ids=(1,))
    assert execution.of_role("swapper") == Execution(device_ids=(0, 2))
    assert execution.all_device_ids == (0, 2, 1)


def test_roles_are_those_of_the_registry():
    assert set(NETWORK_ROLES) == set(ROLES)
