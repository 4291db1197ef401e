"""What the command line says about networks and where they run."""

from __future__ import annotations

import pytest

from masquerade import Settings
from masquerade.apps.arguments import settings_changes
from masquerade.apps.network_arguments import execution_from
from masquerade.apps.parser import build_parser
from masquerade.apps.parsing import UsageError
from masquerade.core.execution import Execution

COMMANDS = {
    "swap": ["swap", "-s", "a.jpg", "-t", "b.jpg", "-o", "c.jpg"],
    "live": ["live", "-s", "a.jpg"],
    "faces": ["faces", "b.jpg"],
}


def parse(command: str, *words: str):
    return build_parser().parse_args([*COMMANDS[command], *words])


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_word_nothing_is_asked_for(command):
    assert execution_from(parse(command)) == Execution()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_arrives(command):
    words = "--execution-provider cuda,cpu --execution-provider DML --execution-threads 4"
    words += " --precision int8 --device-id 1 --device-id 0,1 --allow-fallback"
    words += " --strict-precision"
    words += " --max-memory 8 --max-vram 1.5GB"
    assert execution_from(parse(command, *words.split())) == Execution(
        providers=("cuda", "cpu", "directml"),
        threads=4,
        precision="int8",
        device_ids=(1, 0),
        strict_precision=True,
        allow_fallback=True,
        max_memory_bytes=8 * 2**30,
        max_vram_bytes=3 * 2**29,
    )


def test_threads_of_all_networks_are_those_of_brought_ones_too():
    assert execution_from(parse("swap", "--threads", "3")).threads == 3
    assert execution_from(parse("swap", "--threads", "3", "--execution-threads", "2")).threads == 2


def test_names_of_networks_become_settings():
    args = parse(
        "swap", *["--model", "inswapper_128", "--enhancer", "a", "--enhancer", "b", "--mask", "box"]
    )
    settings = Settings().replace(**settings_changes(args))
    assert (settings.model, settings.enhancer, settings.mask) == (
        "inswapper_128",
        ("a", "b"),
        ("box",),
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--execution-provider rocket", "'rocket' is no provider; choose of auto, cpu, cuda"),
        ("--max-memory none", "'none' is no size; write gigabytes"),
        ("--max-memory 0", "'0' is no size"),
        ("--device-id gpu", "'gpu' is no device"),
        ("--precision fp8", "--precision: invalid choice: 'fp8'"),
    ],
)
def test_a_mistake_says_what_to_write(words, message):
    with pytest.raises(UsageError) as caught:
        parse("swap", *words.split())
    assert message in str(caught.value)
