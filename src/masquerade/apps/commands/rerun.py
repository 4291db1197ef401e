"""``masquerade rerun``: do the job of a run report again.

A report may come from anybody. It chooses settings, devices and files to read, all of which are
checked as those of a command line are; files have to have the hashes that it names. It cannot
choose where anything is written, leave the label or the mark out, give consent, weaken the content
check, raise limits, or set options of providers, some of which name libraries to be loaded.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from masquerade.apps.commands import swap
from masquerade.apps.console import Console
from masquerade.apps.execution_arguments import execution_words
from masquerade.apps.parser import build_parser
from masquerade.apps.report_files import donor_words, place_of
from masquerade.apps.settings_file import checked_changes
from masquerade.core.errors import InputError, MissingInputError, ModelError, SettingsError
from masquerade.core.execution import Execution
from masquerade.media.compare import same_pixels
from masquerade.media.file import VideoOptions
from masquerade.media.limits import MediaLimits
from masquerade.models.library import Library
from masquerade.models.store import registry
from masquerade.trust.inspection import inspect_file
from masquerade.trust.report import device_facts, software_facts
from masquerade.trust.report_reading import (
    LARGEST_REPORT_BYTES,
    KnownReport,
    read_report,
)

__all__ = ["run"]

_JSON_BEGINS = b"{"
_OWN_SETTINGS = ("content_check", "content_threshold")
"""What is no matter of a report: those of whoever runs it hold."""
_OWN_OPTIONS = ("overwrite", "consent", "guardian", "json", "quiet", "debug")


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Do a job again, and say whether the pixels are the same where both outputs are there."""
    path = Path(args.report)
    report, made = _report_of(path)
    try:
        settings = checked_changes(report.settings)
    except SettingsError as error:
        raise SettingsError(f"In the report, {error}") from error
    _check_marks(settings, args)
    for name in _OWN_SETTINGS:
        settings.pop(name, None)
    if settings.get("on_lost") == "pass":
        console.note("Real faces are shown wherever a swap fails: the report asks for that.")
    target = place_of(report.target, args.target)
    _tell_differences(report, console)
    with donor_words(report.donors, args.source or ()) as words:
        execution = execution_words(_execution(report.execution))
        files = [f"--target={target}", f"--output={args.output}", *words]
        parsed = build_parser().parse_args(["swap", *files, "--profile=none", *execution])
        for name, value in {**settings, **_options(report.options)}.items():
            setattr(parsed, name, value)
        for name in (*_OWN_OPTIONS, *MediaLimits.__dataclass_fields__):
            setattr(parsed, name, getattr(args, name))
        result = swap.run(parsed, console)
    if made is not None:
        result["same_pixels"] = same_pixels(made, Path(args.output))
        console.say(
            "The pixels are the same." if result["same_pixels"] else "The pixels are not the same."
        )
    return result


def _report_of(path: Path) -> tuple[KnownReport, Path | None]:
    """The report, and the output that it is of where that is known."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_REPORT_BYTES + 1)
    except FileNotFoundError as error:
        raise MissingInputError(f"There is no file {path}; check the name.") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder; give a report or an output.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a report.") from error
    if text.lstrip().startswith(_JSON_BEGINS):
        return read_report(text, str(path)), None
    found = inspect_file(path)
    if found.state == "altered" or found.latest is None:
        fault = "has no credentials and is no report"
        if found.state == "altered":
            fault = "was altered since it was signed, so its report is nobody's word"
        raise InputError(f"{path} {fault}; give an intact output, or what --report wrote.")
    return read_report(found.latest.statements.get("report", {}), str(path)), path


def _check_marks(settings: Mapping[str, Any], args: argparse.Namespace) -> None:
    if settings.get("watermark") is False and not args.no_watermark:
        raise SettingsError(
            "The report asks to leave the invisible mark out, which is for you to decide; add "
            "--no-watermark."
        )
    if settings.get("watermark") is not False and args.no_watermark:
        raise SettingsError("The report's output has an invisible mark; drop --no-watermark.")
    if settings.get("label") == "none" and args.label != "none":
        raise SettingsError(
            "The report asks to leave the label out, which is for you to decide; add --label none."
        )
    if settings.get("label") != "none" and args.label == "none":
        raise SettingsError("The report's output has a label; leave --label none out.")


def _execution(values: Mapping[str, Any]) -> Execution:
    """Where networks ran; options of providers are left to whoever runs it."""
    try:
        return Execution(
            providers=tuple(map(str, values.get("providers", ("auto",)))),
            device_ids=tuple(map(int, values.get("device_ids", (0,)))),
            devices_of={
                str(role): tuple(map(int, ids))
                for role, ids in dict(values.get("devices_of", {})).items()
            },
            threads=int(values.get("threads", 0)),
            precision=values.get("precision", "auto"),
            strict_precision=bool(values.get("strict_precision", False)),
        )
    except (TypeError, ValueError) as error:
        if isinstance(error, SettingsError):
            raise
        raise SettingsError(
            "The report says in no known way where networks ran; give one that --report wrote."
        ) from error


def _number_or_none(value: Any) -> Any:
    return value if value is None or type(value) in (int, float) else _strange("a number")


def _truth(value: Any) -> Any:
    return value if type(value) is bool else _strange("true or false")


def _whole_or_none(value: Any) -> Any:
    fits = value is None or (type(value) is int and 0 <= value <= 99)
    return value if fits else _strange("a number from 0 to 99")


def _word_or_none(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else _strange("a word")


def _strange(wanted: str) -> Any:
    raise SettingsError(f"An option of the report is not {wanted}; give one that --report wrote.")


_VIDEO: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "encoder": ("video_encoder", _word_or_none),
    "quality": ("video_quality", _number_or_none),
    "preset": ("video_preset", _word_or_none),
    "fps": ("fps", _number_or_none),
    "start_s": ("trim_start", _number_or_none),
    "end_s": ("trim_end", _number_or_none),
    "no_audio": ("no_audio", _truth),
}


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The other options, by their names on the command line."""
    found: dict[str, Any] = {
        "source_face": _whole_or_none(options.get("source_face")),
        "allow_no_face": _truth(options.get("allow_no_face", False)),
    }
    video = options.get("video", {})
    if not isinstance(video, dict):
        _strange("an object")
    usual = dataclasses.asdict(VideoOptions())
    for name, value in video.items():
        if name in _VIDEO:
            option, check = _VIDEO[name]
            found[option] = check(value)
        elif name not in usual or value != usual[name]:
            raise SettingsError(
                f"The report has the video option {name[:40]!r}, which cannot be set here; give "
                "one that --report wrote."
            )
    return found


def _tell_differences(report: KnownReport, console: Console) -> None:
    """What may make other pixels: networks, libraries, the machine.

    Raises:
        ModelError: a brought network is not here, or is another file.
    """
    library = Library()
    shipped = {role: spec.sha256 for role, spec in registry().items()}
    for name, digest in report.models.items():
        own = shipped.get(name)
        if own is None and library.sha256(library.path(name)) != digest:
            raise ModelError(f"The model {name} is another file here than in the report; pull it.")
        if own not in (None, digest):
            console.note(f"The built-in network {name} is another one here; pixels may differ.")
    for kind, known, here in (
        ("software", report.software, software_facts()),
        ("device", report.device, device_facts()),
    ):
        other = [name for name, value in known.items() if here.get(name) != value]
        if other:
            console.note(f"Not the same {kind} here: {', '.join(other)[:200]}.")
