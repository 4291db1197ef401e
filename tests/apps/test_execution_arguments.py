"""Where networks run, from the command line and back to it; and the real command's refusals."""

from __future__ import annotations

import pytest

from masquerade.apps.execution_arguments import execution_from, execution_words
from masquerade.apps.parser import build_parser
from masquerade.apps.parsing import UsageError
from masquerade.core.errors import SettingsError
from masquerade.core.execution import Execution

SWAP = ["swap", "-s", "a.jpg", "-t", "b.jpg", "-o", "c.jpg"]
EVERYTHING = Execution(
    providers=("cuda", "cpu"),
    options={"cuda": {"use_tf32": "0"}, "cpu": {"winograd": "off"}},
    device_ids=(0, 1),
    devices_of={"enhancer": (2, 3), "detector": (1,)},
    threads=5,
    precision="int8",
    strict_precision=True,
    allow_fallback=True,
    max_memory_bytes=3 * 2**30 + 1,
    max_vram_bytes=2**30,
    idle_s=12.5,
)


def parse(*words: str, command=SWAP) -> Execution:
    return execution_from(build_parser().parse_args([*command, *words]))


@pytest.mark.parametrize("execution", [Execution(), EVERYTHING], ids=["nothing", "everything"])
def test_an_execution_becomes_words_and_those_the_same_execution(execution):
    assert parse(*execution_words(execution)) == execution
    assert parse(*execution_words(execution), command=["bench"]) == execution


@pytest.mark.parametrize(
    "words",
    [
        ["--execution-provider", "cuda", "cpu"],
        ["--execution-provider", "cuda,cpu"],
        ["--execution-provider", "cuda", "--execution-provider", "cpu"],
    ],
)
def test_several_providers_are_written_as_anybody_may_be_used_to(words):
    assert parse(*words).providers == ("cuda", "cpu")


def test_a_file_after_a_provider_is_a_file():
    args = build_parser().parse_args(["faces", "--execution-provider", "cuda,cpu", "b.jpg"])
    assert (args.file, execution_from(args).providers) == ("b.jpg", ("cuda", "cpu"))


def test_roles_may_be_named_again():
    words = ["--device-of", "enhancer=1", "--device-of", "enhancer=1,2", "--device-of", "masker=0"]
    assert parse(*words).devices_of == {"enhancer": (1, 2), "masker": (0,)}


def test_zero_seconds_keep_networks():
    assert parse("--release-after", "0").idle_s == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--device-of", "drawer=1"], "write enhancer=1, with one of swapper, enhancer"),
        (["--device-of", "enhancer"], "write enhancer=1"),
        (["--device-of", "enhancer=gpu"], "'gpu' is no device"),
        (["--release-after", "-1"], "from 0 to 86400"),
        (["--provider-option", "gpu_memlimit=5"], "Did you mean gpu_mem_limit"),
    ],
)
def test_a_mistake_says_what_to_write(words, told):
    with pytest.raises((UsageError, SettingsError)) as caught:
        parse(*words)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "words",
    [
        ["swap", "-s", "{mona}", "-t", "{mona}", "-o", "out.png"],
        ["live", "-s", "{mona}", "-c", "{mona}", "--sink", "null"],
        ["faces", "{mona}"],
    ],
)
def test_a_provider_that_is_not_there_ends_every_command_at_once(run, mona, words):
    words = [word.format(mona=mona) for word in words]
    done = run(*words, "--execution-provider", "cuda")
    assert done.code == 8
    (line,) = done.err.splitlines()
    assert line.startswith("masquerade: The provider 'cuda' is not in the installed ONNX Runtime")
    assert "pip install 'masquerade[cuda]'" in line
    done = run(*words, "--execution-provider", "cuda,cpu")
    assert (done.code, "leave it out" in done.err) == (8, True)


def test_with_leave_the_built_in_swapper_goes_on_and_says_so(run, mona, astronaut):
    swap = ("swap", "-s", mona, "-t", astronaut, "-o", "out.png", "--consent", "public-domain")
    done = run(*swap, "--execution-provider", "cuda", "--allow-fallback")
    assert done.code == 0, done.err
    assert "The provider 'cuda' is not installed here, so another is used." in done.err
