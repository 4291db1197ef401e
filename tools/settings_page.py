"""Write docs/settings.md from the metadata of core/settings.py: python tools/settings_page.py"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from masquerade import Settings

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
HEAD = """\
# Settings

Every setting of a swap, with the option of `masquerade swap` that sets it. In Python they are
the fields of one frozen value: `Settings(shape=0.5, many_faces=True)`.

This page is written by `python tools/settings_page.py`.

| setting | option | default | values | what it does |
|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(_row(item) for item in dataclasses.fields(Settings))


def _row(item: dataclasses.Field) -> str:
    flag = item.name.replace("_", "-")
    if isinstance(item.default, bool):
        values = "on, off"
        option, default = (f"--no-{flag}", "on") if item.default else (f"--{flag}", "off")
    elif "pattern" in item.metadata:
        option = f"--{flag}"
        default = " ".join(item.default) if isinstance(item.default, tuple) else item.default
        values = item.metadata["hint"] or ", ".join(item.metadata["of"])
        default = default or "none"
    else:
        option, default = f"--{flag}", str(item.default)
        choices = item.metadata.get("choices")
        values = ", ".join(choices) if choices else "{:g} to {:g}".format(*item.metadata["range"])
    return f"| `{item.name}` | `{option}` | {default} | {values} | {item.metadata['doc']} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
