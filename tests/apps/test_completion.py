"""Completion in the shells themselves, where they are installed."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from masquerade.apps.commands.completion import script
from masquerade.apps.parser import COMMANDS

needs = {
    shell: pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")
    for shell in ("bash", "zsh", "fish")
}


def run(*command: str, text: str) -> str:
    return subprocess.run(
        command, input=text, capture_output=True, text=True, check=True, timeout=30
    ).stdout


def bash_offers(*words: str) -> set[str]:
    line = " ".join(f"'{word}'" for word in words)
    asked = (
        f"\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _masquerade"
        '\nprintf "%s\\n" "${COMPREPLY[@]}"'
    )
    return set(run("bash", "--norc", text=script("bash") + asked).split())


@needs["bash"]
@pytest.mark.parametrize(
    ("words", "offers"),
    [
        (["masquerade", ""], {*COMMANDS, "--help", "--version"}),
        (["masquerade", "sw"], {"swap"}),
        (["masquerade", "swap", "--face"], {"--face-order", "--face-index"}),
        (["masquerade", "swap", "--label", ""], {"small", "gb45438", "none"}),
        (["masquerade", "swap", "--label", "g"], {"gb45438"}),
        (["masquerade", "identity", ""], {"make", "show"}),
        (["masquerade", "completion", "z"], {"zsh"}),
        (["masquerade", "swap", "-s", "--"], set()),
    ],
)
def test_bash(words, offers):
    assert bash_offers(*words) == offers


@needs["zsh"]
def test_zsh_accepts_the_script():
    run("zsh", "-f", "-n", text=script("zsh"))


@needs["fish"]
def test_fish():
    asked = '\ncomplete -C "masquerade swap --label "'
    offers = run("fish", "--no-config", text=script("fish") + asked)
    assert {line.split("\t")[0] for line in offers.splitlines()} == {"small", "gb45438", "none"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_in_every_script(shell):
    text = script(shell)
    for name in COMMANDS:
        assert name in text
