"""The docs are true: commands parse, examples run, tables are current, links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from masquerade.apps.commands.swap import SOME_FAILED
from masquerade.apps.parser import build_parser
from masquerade.core import errors

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)


def fenced(page: Path, language: str) -> list[str]:
    return [body for kind, body in FENCE.findall(page.read_text("utf-8")) if kind == language]


def shell_lines() -> list[str]:
    return [
        line.split(" #")[0].strip()
        for page in PAGES
        for block in fenced(page, "sh")
        for line in block.splitlines()
        if line.strip()
    ]


@pytest.mark.parametrize("line", [line for line in shell_lines() if line.startswith("masquerade")])
def test_a_command_of_the_docs_is_understood(line):
    build_parser().parse_args(shlex.split(line)[1:])


@pytest.mark.parametrize("line", [line for line in shell_lines() if line.startswith("tools/")])
def test_a_tool_of_the_docs_is_there_and_can_be_run(line):
    tool = ROOT / shlex.split(line)[0]
    assert tool.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", tool], check=True)


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "holiday.jpg")
    Image.open(ROOT / "tests/media/mona_lisa.jpg").save(tmp_path / "me.jpg")
    monkeypatch.chdir(tmp_path)
    blocks = fenced(ROOT / "README.md", "python")
    assert blocks
    for block in blocks:
        names = {"frames": [skimage.data.astronaut()[:, :, ::-1].copy()]}
        exec(compile(block, "README.md", "exec"), names)
        assert names["shown"].shape == (512, 512, 3)
    assert Image.open("swapped.png").size == (512, 512)


def test_the_map_of_the_docs_is_toml():
    (block,) = fenced(ROOT / "docs/usage.md", "toml")
    assert [sorted(entry) for entry in tomllib.loads(block)["person"]] == [
        ["donor", "reference"],
        ["donor", "track"],
    ]


def test_the_settings_page_is_current():
    path = ROOT / "tools/settings_page.py"
    spec = importlib.util.spec_from_file_location("settings_page", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs/settings.md").read_text("utf-8") == module.page()


def test_the_table_of_exit_codes_has_every_code():
    text = (ROOT / "docs/usage.md").read_text("utf-8").split("## Exit codes")[1]
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.M)}
    raised = {getattr(errors, name).exit_code for name in errors.__all__}
    assert told == raised | {0, SOME_FAILED, 141}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_requirement_is_covered_or_said_not_to_be():
    text = (ROOT / "docs/coverage.md").read_text("utf-8")
    rows = {match[1]: match[2] for match in re.finditer(r"^\| S(\d+)\w* \|(.*)$", text, re.M)}
    assert sorted(rows, key=int) == [str(number) for number in range(1, 30)]
    for path in re.findall(r"`((?:tests|benchmarks|docs|examples)/[\w/.]+)`", text):
        assert (ROOT / path).exists(), path


def test_no_file_names_a_package_registry():
    names = ("pypi.", "pythonhosted.", "npmjs.", "debian.", "anaconda.")
    hosts = [name + ending for name in names for ending in ("org", "com")]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    if not files:
        pytest.skip("not a git checkout")
    for file in files:
        text = file.read_bytes() if file.is_file() else b""
        found = [host for host in hosts if host.encode() in text]
        assert not found, f"{file} names {found}"


def test_locks_name_no_index_and_hash_every_package():
    for lock in sorted(ROOT.glob("requirements/*.txt")):
        text = lock.read_text("utf-8")
        assert "--index-url" not in text
        assert "://" not in text
        packages = re.findall(r"^[\w.-]+==.*?(?=^[\w#-]|\Z)", text, re.M | re.S)
        assert packages
        assert all("--hash=sha256:" in package for package in packages)
