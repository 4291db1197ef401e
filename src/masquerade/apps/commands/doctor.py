"""``masquerade doctor``: is this installation whole, and what would make it quicker?"""

from __future__ import annotations

import argparse
from typing import Any

from masquerade.apps.console import Console
from masquerade.apps.doctor.finding import Finding
from masquerade.apps.doctor.hardware import look_at_hardware, read_machine
from masquerade.apps.doctor.software import look_at_software
from masquerade.core.errors import RuntimeSetupError

__all__ = ["run"]


def run(args: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Make every check. What is broken says how to repair it, and the exit code is 8."""
    findings: list[Finding] = []

    def show(found: list[Finding]) -> None:
        for item in found:
            console.say(f"{item.mark:<6}  {item.name:<24}  {item.detail}")
        findings.extend(found)

    show(look_at_hardware(read_machine()))
    show(look_at_software())
    if not _broken(findings):
        for group in _networks(args.models):
            show(group)
    broken = _broken(findings)
    advice = [item.name for item in findings if item.state == "advice"]
    if broken:
        console.say(f"Broken: {', '.join(broken)}.")
    elif advice:
        console.say(f"Everything works; {', '.join(advice)} could be better.")
    else:
        console.say("Everything is in order.")
    return {
        "checks": [_plain(item) for item in findings],
        "exit_code": RuntimeSetupError.exit_code if broken else 0,
    }


def _networks(models: bool) -> list[list[Finding]]:
    from masquerade.apps.doctor.networks import look_at_models, look_at_shipped
    from masquerade.apps.doctor.plan import look_at_plan
    from masquerade.apps.doctor.providers import advise_providers, executions
    from masquerade.models.library import Library
    from masquerade.runtime.budget import process_budget

    ways, library = executions(), Library()
    installed = library.installed()
    groups = [[look_at_plan(library, process_budget().free_bytes)]]
    groups += [advise_providers(ways), look_at_shipped(ways)]
    if models:
        groups.append(look_at_models(list(installed), ways))
    elif installed:
        names = ", ".join(item.spec.name for item in installed)
        groups.append([Finding("models", "ok", f"{names}; --models runs them all")])
    return groups


def _broken(findings: list[Finding]) -> list[str]:
    return [item.name for item in findings if item.state == "broken"]


def _plain(item: Finding) -> dict[str, Any]:
    ok = item.state != "broken"
    return {"name": item.name, "ok": ok, "state": item.state, "detail": item.detail}
