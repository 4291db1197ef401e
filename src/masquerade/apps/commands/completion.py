"""Completion scripts, written from the parser itself so that they cannot fall behind."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from masquerade.apps.console import Console
from masquerade.apps.parser import COMMANDS, build_parser

__all__ = ["run", "script"]


@dataclass(frozen=True, slots=True)
class _Option:
    """One option as a shell needs it.

    Attributes:
        flags: its spellings.
        text: its help.
        choices: the values it takes, empty where any file or text will do.
        takes_value: whether a value follows.
    """

    flags: tuple[str, ...]
    text: str
    choices: tuple[str, ...]
    takes_value: bool


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Print the script of ``args.shell``."""
    text = script(args.shell)
    console.say(text)
    return {"shell": args.shell, "script": text}


def script(shell: str) -> str:
    """The completion script of ``bash``, ``zsh`` or ``fish``."""
    return _WRITERS[shell](list(_commands(build_parser())))


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[_Option], list[str]]]:
    """Name, options and words (actions, choices) of each command."""
    for name, command in _subparsers(parser).items():
        options, words = list(_options(command)), _words(command)
        for action in _subparsers(command).values():
            options += [option for option in _options(action) if option not in options]
        yield name, options, words


def _subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _options(parser: argparse.ArgumentParser) -> Iterator[_Option]:
    for action in parser._actions:
        if action.option_strings:
            yield _Option(
                flags=tuple(action.option_strings),
                text=action.help or "",
                choices=tuple(str(choice) for choice in action.choices or ()),
                takes_value=action.nargs != 0,
            )


def _words(parser: argparse.ArgumentParser) -> list[str]:
    return [
        str(choice)
        for action in parser._actions
        if not action.option_strings
        for choice in action.choices or ()
    ]


_Commands = list[tuple[str, list[_Option], list[str]]]


def _bash(commands: _Commands) -> str:
    cases, values = [], []
    for name, options, words in commands:
        flags = " ".join(flag for option in options for flag in option.flags)
        cases.append(f"        {name}) flags='{flags}'; words='{' '.join(words)}' ;;")
        values += [
            f"        {name}:{flag}) words='{' '.join(option.choices)}'; flags='' ;;"
            for option in options
            for flag in option.flags
            if option.choices
        ]
        files = "|".join(
            f"{name}:{flag}"
            for option in options
            for flag in option.flags
            if option.takes_value and not option.choices
        )
        values += [f"        {files}) words=''; flags='' ;;"] if files else []
    return _BASH.format(
        commands=" ".join(COMMANDS), cases="\n".join(cases), values="\n".join(values)
    )


_BASH = """\
# bash completion of masquerade; put this into ~/.bashrc:
#     eval "$(masquerade completion bash)"
_masquerade() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}}
    local command=${{COMP_WORDS[1]}} flags='' words=''
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W '{commands} --help --version' -- "$word"))
        return
    fi
    case $command in
{cases}
    esac
    case $command:$before in
{values}
    esac
    case $word in
        -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
        *) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
    esac
}}
complete -o default -o bashdefault -F _masquerade masquerade"""


def _zsh(commands: _Commands) -> str:
    names = "\n".join(f"        {shlex.quote(f'{name}:{text}')}" for name, text in COMMANDS.items())
    cases = []
    for name, options, words in commands:
        specs = [_zsh_spec(option) for option in options]
        specs.append(
            f"'1:word:({' '.join(words)})' '*:file:_files'" if words else "'*:file:_files'"
        )
        joined = " \\\n                ".join(specs)
        cases.append(f"        {name})\n            _arguments -S \\\n                {joined} ;;")
    return _ZSH.format(names=names, cases="\n".join(cases))


def _zsh_spec(option: _Option) -> str:
    text = option.text.replace("[", "(").replace("]", ")").replace(":", "\\:")
    value = ""
    if option.takes_value:
        value = f":value:({' '.join(option.choices)})" if option.choices else ":value:_files"
    return " ".join(shlex.quote(f"*{flag}[{text}]{value}") for flag in option.flags)


_ZSH = """\
#compdef masquerade
# zsh completion of masquerade; put this into ~/.zshrc after compinit:
#     eval "$(masquerade completion zsh)"
_masquerade() {{
    local -a commands
    commands=(
{names}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
{cases}
    esac
}}
compdef _masquerade masquerade"""


def _fish(commands: _Commands) -> str:
    lines = [
        "# fish completion of masquerade; save it as ~/.config/fish/completions/masquerade.fish",
        "complete -c masquerade -n __fish_use_subcommand -f -l help -d 'show help'",
        "complete -c masquerade -n __fish_use_subcommand -f -l version -d 'show the version'",
    ]
    for name, text in COMMANDS.items():
        lines.append(
            f"complete -c masquerade -n __fish_use_subcommand -f -a {name} -d {_fish_quote(text)}"
        )
    for name, options, words in commands:
        seen = f"complete -c masquerade -n '__fish_seen_subcommand_from {name}'"
        if words:
            lines.append(f"{seen} -f -a '{' '.join(words)}'")
        lines += [f"{seen} {_fish_spec(option)}" for option in options]
    return "\n".join(lines)


def _fish_spec(option: _Option) -> str:
    flags = [f"-l {f[2:]}" if f.startswith("--") else f"-s {f[1:]}" for f in option.flags]
    value = f" -x -a '{' '.join(option.choices)}'" if option.choices else " -r"
    return (
        " ".join(flags) + (value if option.takes_value else "") + f" -d {_fish_quote(option.text)}"
    )


def _fish_quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_WRITERS: dict[str, Callable[[_Commands], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
