"""Provider options as they are written: whose they are, and what a mistake is told."""

from __future__ import annotations

import pytest

from masquerade.core.errors import SettingsError
from masquerade.core.execution import Execution
from masquerade.runtime.given_options import given_options
from masquerade.runtime.known_options import KNOWN_OPTIONS, KNOWN_VALUES, WHOLE_NUMBERS
from masquerade.runtime.provider_options import provider_setup


@pytest.mark.parametrize(
    ("word", "providers", "found"),
    [
        ("gpu_mem_limit=5", ["cuda"], {"cuda": {"gpu_mem_limit": "5"}}),
        ("gpu_mem_limit=5", ["auto"], {"cuda": {"gpu_mem_limit": "5"}}),
        # TensorRT hands to CUDA what it does not take.
        ("gpu_mem_limit=5", ["tensorrt"], {"cuda": {"gpu_mem_limit": "5"}}),
        (
            "user_compute_stream=7",
            ["tensorrt"],
            {"tensorrt": {"user_compute_stream": "7"}, "cuda": {"user_compute_stream": "7"}},
        ),
        (
            "tensorrt:user_compute_stream=7",
            ["tensorrt"],
            {"tensorrt": {"user_compute_stream": "7"}},
        ),
        ("device_type=GPU", ["openvino"], {"openvino": {"device_type": "GPU"}}),
        # OpenVINO stands in for the processor.
        ("num_of_threads=3", ["cpu"], {"openvino": {"num_of_threads": "3"}}),
        ("dml:device_filter=npu", ["directml"], {"directml": {"device_filter": "npu"}}),
        ("cpu:winograd=off", ["cuda", "cpu"], {"cpu": {"winograd": "off"}}),
    ],
)
def test_an_option_goes_to_the_providers_that_have_it(word, providers, found):
    assert given_options([word], providers) == found
    assert Execution(providers=tuple(providers), options=found).options == found


def test_values_are_taken_as_they_are():
    word = 'load_config={"CPU": {"A": "B=C:D"}}'
    assert given_options([word], ["openvino"])["openvino"]["load_config"] == word[12:]


@pytest.mark.parametrize(
    ("word", "providers", "told"),
    [
        ("gpu_memory_limit=5", ["cuda"], "has an option 'gpu_memory_limit'. Did you mean gpu_mem"),
        ("cuda:gpu_memory_limit=5", ["cuda"], "'cuda' has no option 'gpu_memory_limit'. Did you"),
        ("cuda:qqqq=5", ["cuda"], "'cuda' has no option 'qqqq'; it has device_id, gpu_mem_limit"),
        ("cudda:gpu_mem_limit=5", ["cuda"], "no provider 'cudda'. Did you mean cuda"),
        ("gpu_mem_limit=5", ["cpu"], "is an option of cuda, which was not asked for"),
        ("device_type=GPU", ["auto"], "add --execution-provider openvino"),
        ("device_id=1", ["cuda"], "--device-id"),
        ("winograd=perhaps", ["cpu"], "choose one of auto, on, off"),
        ("gpu_mem_limit=much", ["cuda"], "give a whole number of bytes"),
        ("num_of_threads=many", ["cpu"], "give a whole number."),
        ("gpu_mem_limit", ["cuda"], "is no provider option; write KEY=VALUE"),
        ("=5", ["cuda"], "write KEY=VALUE"),
        ("gpu_mem_limit=", ["cuda"], "write KEY=VALUE"),
    ],
)
def test_a_mistake_names_what_comes_near_or_what_to_do(word, providers, told):
    with pytest.raises(SettingsError) as caught:
        given_options([word], providers)
    assert told in str(caught.value)


def test_the_tables_speak_of_options_that_there_are():
    for provider, key in (*KNOWN_VALUES, *WHOLE_NUMBERS):
        assert key in KNOWN_OPTIONS[provider]


def test_what_is_written_arrives_where_sessions_are_opened(tmp_path):
    options = given_options(["gpu_mem_limit=2147483648", "use_tf32=0"], ["cuda"])
    execution = Execution(providers=("cuda",), options=options)
    made = provider_setup("cuda", execution, device_id=1, cache=tmp_path)
    assert made.options["gpu_mem_limit"] == "2147483648"
    assert made.options["use_tf32"] == "0"
    assert made.device == "cuda:1"
