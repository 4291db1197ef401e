"""The built page is what the sources give, and it is in the wheel."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from page_harness import PAGE

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "page"


def test_lock_names_no_registry() -> None:
    lock = json.loads((SOURCES / "package-lock.json").read_text())
    assert len(lock["packages"]) > 3
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


@pytest.mark.skipif(
    not shutil.which("node") or not (SOURCES / "node_modules").is_dir(),
    reason="needs Node and what `tools/build_page` installs",
)
def test_building_anew_changes_nothing(tmp_path: Path) -> None:
    subprocess.run(["node", "build.mjs", str(tmp_path / "page")], cwd=SOURCES, check=True)
    built = {path.relative_to(tmp_path / "page"): path for path in (tmp_path / "page").rglob("*")}
    kept = {path.relative_to(PAGE) for path in PAGE.rglob("*")}
    assert set(built) == kept
    changed = [
        str(name)
        for name, path in built.items()
        if path.is_file() and path.read_bytes() != (PAGE / name).read_bytes()
    ]
    assert not changed, "run tools/build_page"


def test_page_is_in_the_wheel() -> None:
    wheel = pytest.importorskip("hatchling.builders.wheel")
    files = {
        file.distribution_path for file in wheel.WheelBuilder(str(ROOT)).recurse_included_files()
    }
    expected = {
        f"masquerade/apps/studio/page/{path.relative_to(PAGE).as_posix()}"
        for path in PAGE.rglob("*")
        if path.is_file()
    }
    assert len(expected) > 10
    assert expected <= files


def test_nothing_is_written_into_the_page_itself() -> None:
    html = (PAGE / "index.html").read_text()
    assert "style=" not in html
    assert "onload" not in html
    assert html.count("<script") == html.count('<script type="module" src=')
    for name in ("app.js", "live.js", "app.css", "index.html"):
        assert "https://" not in (PAGE / name).read_text()
