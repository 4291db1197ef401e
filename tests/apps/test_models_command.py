"""The command models, from the words typed to what lies on the disk."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from masquerade.apps.console import ProgressLine
from masquerade.apps.models.transfer_line import TransferLine
from masquerade.apps.parsing import UsageError
from masquerade.core.errors import DownloadError, LicenceError, ModelError, SettingsError
from masquerade.models.catalogue import catalogue
from masquerade.models.download import Transferred
from masquerade.testing.networks.functional import draw_functional, write_functional

GHOST = "ghost_1_256"


@pytest.fixture
def mirror(tmp_path, monkeypatch) -> Path:
    """A folder of one's own with Ghost and what it needs; no network."""
    folder = tmp_path / "mirror"
    monkeypatch.setenv("MASQUERADE_MIRRORS", str(folder))
    monkeypatch.setenv("MASQUERADE_OFFLINE", "1")
    for name in (GHOST, "crossface_ghost"):
        write_functional(name, folder)
    return folder


@pytest.fixture
def models(tmp_path) -> Path:
    return tmp_path / "home" / "models"


@pytest.fixture
def brought(tmp_path) -> Path:
    return write_functional("inswapper_128", tmp_path / "brought")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def type_in(monkeypatch, words: str) -> Terminal:
    shown = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal(words))
    monkeypatch.setattr(sys, "stderr", shown)
    return shown


def test_list_shows_every_model_and_its_terms(run):
    done = run("models", "list")
    assert done.code == 0
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines] == ["model", *catalogue()]
    row = next(line for line in lines if line.startswith("inswapper_128 "))
    assert row.split()[:8] == [
        "inswapper_128",
        "swapper",
        "128",
        "554",
        "MB",
        "no",
        "-",
        "w600k_r50",
    ]


def test_list_can_be_narrowed(run, brought):
    assert run("models", "list", "--installed").out.startswith("No such model is installed")
    run("models", "import", brought, "--accept-licence")
    done = run("models", "list", "--installed", "--json")
    (model,) = done.json["models"]
    assert (model["name"], model["precisions"], model["commercial"]) == (
        "inswapper_128",
        ["fp32"],
        False,
    )
    assert model["licence_accepted"] is True
    assert model["size_bytes"] == brought.stat().st_size
    roles = {
        row["role"] for row in run("models", "list", "--role", "masker", "--json").json["models"]
    }
    assert roles == {"masker"}


def test_info_of_a_model_that_is_not_here(run):
    done = run("models", "info", "inswapper_128_fp16")
    assert done.code == 0
    for part in ("NON-COMMERCIAL", "not accepted here yet", "arcface_128", "w600k_r50 (not"):
        assert part in done.out
    assert "hash stated by its publisher" in done.out
    assert "hash unverified" in done.out
    assert "https://huggingface.co/hacksider/deep-live-cam" in done.out
    assert run("models", "info", "inswapper_128_fp16", "--json").json["graph"] is None


def test_info_of_a_file_tells_what_it_is_and_costs(run, brought):
    done = run("models", "info", brought)
    assert done.code == 0
    for part in (
        "inswapper_128.onnx: inswapper_128",
        "takes       target 1x3x128x128 float32",
        "source 1x512 float32",
        "multiply-adds (MACs) a picture",
        "FLOPs at two each",
        "parameters",
        "Its hash is listed nowhere",
    ):
        assert part in done.out, part
    graph = run("models", "info", brought, "--json").json["graph"]
    assert graph["parameters"] >= 512 * 512
    assert graph["inputs"][0]["shape"] == [1, 3, 128, 128]


def test_info_of_an_installed_model_has_both(run, brought):
    run("models", "import", brought, "--accept-licence")
    done = run("models", "info", "inswapper_128")
    assert "accepted here;" in done.out
    assert "trusted by: user" in done.out
    assert "multiply-adds" in done.out


def test_pull_needs_the_licences(run, mirror, models):
    done = run("models", "pull", GHOST, "--json")
    assert done.code == LicenceError.exit_code
    assert "--accept-licence" in done.err
    assert "Non-commercial: w600k_r50, crossface_ghost" in done.err
    assert done.json["kind"] == "LicenceError"
    assert not models.exists()
    assert not (models.parent / "licences.json").exists()


def test_pull_brings_what_is_needed_and_fails_for_what_is_nowhere(run, mirror, models):
    done = run("models", "pull", GHOST, "--accept-licence", "--json")
    assert done.code == DownloadError.exit_code
    assert "w600k_r50.onnx cannot be fetched" in done.err
    assert "MASQUERADE_OFFLINE" in done.err
    assert (models / GHOST / f"{GHOST}.onnx").is_file()
    write_functional("w600k_r50", mirror)  # another hash than its publisher states
    done = run("models", "pull", GHOST, "--trust")
    assert done.code == DownloadError.exit_code, "what its publisher states holds, trust or not"
    assert "it was deleted" in done.err
    assert not list((models / "w600k_r50").iterdir())


def test_pull_alone(run, mirror, models):
    done = run("models", "pull", GHOST, "--alone", "--accept-licence", "--json")
    assert done.code == 0
    (result,) = done.json["models"]
    assert result["fetched"] is True
    assert result["trust"] == "first use"
    path = models / GHOST / f"{GHOST}.onnx"
    assert (result["path"], path.is_file()) == (str(path), True)
    again = run("models", "pull", GHOST, "--alone", "--json")
    assert again.json["models"][0]["fetched"] is False
    assert [entry.name for entry in models.iterdir() if entry.name != ".locks"] == [GHOST]


def test_pull_asks_on_a_terminal(run, mirror, models, monkeypatch):
    shown = type_in(monkeypatch, "n\n")
    assert run("models", "pull", GHOST, "--alone").code == LicenceError.exit_code
    assert "Licence: Apache-2.0. It permits commercial use." in shown.getvalue()
    assert "do you accept them? [y/N]" in shown.getvalue()
    assert not models.exists()
    type_in(monkeypatch, "yes\n")
    assert run("models", "pull", GHOST, "--alone").code == 0
    accepted = json.loads((models.parent / "licences.json").read_text())["accepted"]
    assert list(accepted) == [GHOST]


def test_import_says_what_it_is_and_what_is_missing(run, brought, models):
    done = run("models", "import", brought, "--accept-licence")
    assert done.code == 0
    assert "inswapper_128.onnx is inswapper_128 (InSwapper 128)." in done.out
    assert "does not work without w600k_r50" in done.err
    assert (
        models / "inswapper_128" / "inswapper_128.fp32.onnx"
    ).read_bytes() == brought.read_bytes()


def test_import_of_several_takes_all_or_none(run, brought, models, tmp_path):
    stranger = tmp_path / "stranger.onnx"
    onnx.save(draw_functional("gfpgan_1.3"), stranger)
    done = run("models", "import", brought, stranger, "--accept-licence")
    assert done.code == ModelError.exit_code
    assert "could be gfpgan_1.2, gfpgan_1.3" in done.err
    assert "--as NAME" in done.err
    assert not models.exists()
    assert run("models", "import", stranger, "--as", "gfpgan_1.3", "--accept-licence").code == 0
    refused = run("models", "import", stranger, brought, "--as", "gfpgan_1.3")
    assert refused.code == SettingsError.exit_code


def test_import_by_link(run, brought, models):
    assert run("models", "import", brought, "--link", "--accept-licence").code == 0
    assert (models / "inswapper_128" / "inswapper_128.fp32.onnx").is_symlink()


def test_verify_finds_a_changed_byte(run, brought, models):
    assert "No model is installed" in run("models", "verify").out
    run("models", "import", brought, "--accept-licence")
    done = run("models", "verify")
    assert (done.code, done.out) == (0, "inswapper_128/inswapper_128.fp32.onnx: right (user)\n")
    path = models / "inswapper_128" / "inswapper_128.fp32.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    done = run("models", "verify", "inswapper_128", "--json")
    assert done.code == ModelError.exit_code
    assert (done.json["ok"], done.json["files"][0]["right"]) == (False, False)
    assert "DAMAGED" in done.err


def test_remove_asks(run, brought, models, monkeypatch):
    run("models", "import", brought, "--accept-licence")
    done = run("models", "remove", "inswapper_128")
    assert (done.code, models.joinpath("inswapper_128").is_dir()) == (2, True)
    assert "--yes" in done.err
    type_in(monkeypatch, "\n")
    assert run("models", "remove", "inswapper_128").code == SettingsError.exit_code
    assert models.joinpath("inswapper_128").is_dir()
    type_in(monkeypatch, "y\n")
    assert run("models", "remove", "inswapper_128").code == 0
    assert not models.joinpath("inswapper_128").exists()
    assert run("models", "remove", "inswapper_128", "--yes").code == ModelError.exit_code


def test_remove_says_what_stops_working(run, brought, tmp_path):
    embedder = write_functional("w600k_r50", tmp_path)
    run("models", "import", brought, embedder, "--accept-licence")
    done = run("models", "remove", "w600k_r50", "-y")
    assert "inswapper_128 does not work without w600k_r50." in done.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["info", "inswaper_128"], ModelError.exit_code, "Did you mean inswapper_128"),
        (["info", "no.onnx"], ModelError.exit_code, "missing"),
        (["pull"], UsageError.exit_code, "still needed: NAME"),
        (["pul"], UsageError.exit_code, "did you mean pull?"),
        (["quantize", "inswapper_128"], UsageError.exit_code, "--precision"),
        (["pull", "codeformer", "--accept-licence", "--exporter", "me"], 8, "facefusion (fp32)"),
    ],
)
def test_mistakes_are_told(run, words, code, said):
    done = run("models", *words)
    assert done.code == code
    assert said in done.err


def test_a_real_process(mirror, models):
    words = [sys.executable, "-m", "masquerade", "models", "pull", GHOST, "--alone", "--json"]
    done = subprocess.run([*words, "--accept-licence"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["models"][0]["path"] == str(models / GHOST / f"{GHOST}.onnx")
    assert "remembered from now on" in done.stderr


def test_the_line_of_a_transfer_tells_speed_and_time_left():
    now_s = [0.0]
    stream = Terminal()
    show = TransferLine(
        "m", ProgressLine("m", stream, clock=lambda: now_s[0]), clock=lambda: now_s[0]
    )
    for second in range(5):
        now_s[0] = float(second)
        show(Transferred(second * 2_000_000, 20_000_000))
    assert (
        stream.getvalue()
        .split("\r")[-1]
        .startswith("m  ████████░░░░░░░░░░░░  40%  8/20 MB  2.0 MB/s  0:06 left")
    )
    show(Transferred(0, None))  # begun anew, of unknown length
    now_s[0] += 1
    show(Transferred(500_000, None))
    assert stream.getvalue().split("\r")[-1].startswith("m  0 MB  0.5 MB/s")


def test_quantize_makes_a_variant_that_the_library_finds(run, tmp_path, models, mona):
    file = write_functional("restoreformer_plus_plus", tmp_path / "brought")
    missing = run("models", "quantize", "restoreformer_plus_plus", "--precision", "int8")
    assert missing.code == ModelError.exit_code
    run("models", "import", file, "--accept-licence")
    words = ["--precision", "fp16", "--photos", mona]
    done = run("models", "quantize", "restoreformer_plus_plus", *words, "--json")
    assert done.code == 0, done.err
    assert done.json["psnr_db"] > 50
    assert "parity" in done.err
    path = Path(done.json["path"])
    assert path.parent == models / "restoreformer_plus_plus"
    (model,) = run("models", "list", "--installed", "--json").json["models"]
    assert model["precisions"] == ["fp32", "fp16"]
    assert model["path"] != str(path)
