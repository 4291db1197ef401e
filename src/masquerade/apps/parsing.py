"""An argument parser that suggests, raises instead of exiting, and has a short help."""

from __future__ import annotations

import argparse
import difflib
import re
from typing import NoReturn

from masquerade.core.errors import SettingsError

__all__ = ["Help", "Parser", "UsageError"]


_OTHER_WORDS = {
    "allow": "consent", "ban": "lock", "block": "lock", "check": "inspect", "deny": "lock",
    "forbid": "lock", "history": "audit", "log": "audit", "repeat": "rerun", "replay": "rerun",
    "sign": "signing", "unlock": "lock", "verify": "inspect", "webcam": "live",
}  # fmt: skip
"""What somebody may call a command, and its name."""


class UsageError(SettingsError):
    """The command line cannot be understood."""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of exiting and suggests what was meant."""

    essentials: tuple[str, ...] = ()
    """Options that ``-h`` shows, where ``--help`` shows more than fits a screen."""

    def __init__(self, **kwargs: object) -> None:
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("add_help", False)
        kwargs.setdefault("formatter_class", _Formatter)
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self._words: list[str] = []

    def error(self, message: str) -> NoReturn:
        """Raise :class:`UsageError` with the message and where to look.

        A mistyped option comes first: what it was meant to be may be what is missing.
        """
        for word in self._words:
            if word.startswith("--") and word.partition("=")[0] not in self._option_string_actions:
                self._unknown(word)
        raise UsageError(f"{self._reworded(message)}; see {self.prog} --help.")

    def parse_known_args(  # type: ignore[override]
        self, args: list[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse; whatever is not known is an error of this very parser, not of its parent."""
        self._words = list(args or ())
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self._unknown(unknown[0])
        return known, unknown

    def format_essentials(self) -> str:
        """Help that fits a screen."""
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        formatter.add_text(self.description)
        formatter.start_section("what is used most")
        formatter.add_arguments([self._option_string_actions[name] for name in self.essentials])
        formatter.end_section()
        formatter.add_text(f"All options: {self.prog} --help")
        return formatter.format_help()

    def _unknown(self, word: str) -> NoReturn:
        raise UsageError(f"{word} is unknown here{self._suggestion(word)}; see {self.prog} --help.")

    def _reworded(self, message: str) -> str:
        wrong = re.match(r"argument (?:COMMAND|ACTION|SHELL): invalid choice: '(.*?)'", message)
        if wrong:
            return f"there is no {wrong[1]!r} here{self._suggestion(wrong[1])}"
        message = re.sub(r"^argument (\S+): ", r"\1: ", message)
        return message.replace("the following arguments are required:", "still needed:")

    def _suggestion(self, word: str) -> str:
        if (meant := _OTHER_WORDS.get(word)) and self.prog.count(" ") == 0:
            return f" (did you mean {meant}?)"
        flags = [name for name in self._option_string_actions if name.startswith("--")]
        choices = [
            str(choice)
            for action in self._actions
            if not action.option_strings
            for choice in action.choices or ()
        ]
        words = flags if word.startswith("-") else choices
        word = word.partition("=")[0]
        near = [name for name in words if name.startswith(word)]
        near = near or difflib.get_close_matches(word, words, n=1)
        return f" (did you mean {near[0]}?)" if near else ""


class Help(argparse.Action):
    """Prints help and stops: the essentials for ``-h`` where there are some, else everything."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _namespace: argparse.Namespace,
        _values: object,
        option_string: str | None = None,
    ) -> None:
        """Print and stop with exit code 0."""
        if option_string == "-h" and isinstance(parser, Parser) and parser.essentials:
            print(parser.format_essentials(), end="")
        else:
            print(parser.format_help(), end="")
        parser.exit()


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help with one narrow column of options, so that a description rarely wraps."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)
