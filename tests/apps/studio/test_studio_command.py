"""``masquerade studio`` as a process: its link, its refusals, its end."""

from __future__ import annotations

import contextlib
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from studio_harness import TOKEN

HEAVY = ("numpy", "cv2", "av", "PIL", "onnxruntime", "onnx", "aiortc", "cryptography")


def test_the_first_page_waits_for_no_library_of_pictures_or_networks():
    code = (
        "import sys, masquerade.apps.studio.launch\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    words = [sys.executable, "-c", code]
    assert subprocess.run(words, capture_output=True, text=True).stdout == "[]\n"


class TestCommand:
    def start(self, *words: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "masquerade", "studio", "--port", "0", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        return process, process.stdout.readline().removeprefix("Studio: ").strip()

    @pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
    def test_it_ends_in_peace_and_leaves_nothing(self, tmp_path, sign):
        process, link = self.start()
        try:
            root, _, token = link.partition("/?token=")
            headers = {"Authorization": f"Bearer {token}"}
            portrait = Path(__file__).parents[2] / "media" / "mona_lisa.jpg"
            _wait_for(f"{root}/healthz")
            files = {"file": portrait.read_bytes()}
            assert httpx.post(f"{root}/api/v1/uploads", files=files, headers=headers).is_success
            process.send_signal(sign)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
        assert process.returncode == 0, err
        assert "uploads are deleted" in err
        assert "Traceback" not in err
        assert token not in out + err
        uploads = tmp_path / "home" / "studio" / "uploads"
        assert list(uploads.iterdir()) == []

    def test_a_second_one_on_the_port_says_so(self, run):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
            outcome = run("studio", "--port", taken.getsockname()[1])
        assert outcome.code == 6
        assert "is in use" in outcome.err
        assert "--port" in outcome.err

    def test_without_the_extra_it_says_what_to_run(self, run, monkeypatch):
        found = "masquerade.apps.commands.studio.importlib.util.find_spec"
        monkeypatch.setattr(found, lambda name: None if name == "uvicorn" else object())
        outcome = run("studio", "--json")
        assert outcome.code == 8
        assert outcome.json["error"].endswith("Run: pip install 'masquerade[studio]'")

    @pytest.mark.parametrize(
        "words",
        [
            ["--tls-cert", "a.pem"],
            ["--insecure", "--tls"],
            ["--allow-stream", "nonsense"],
            ["--tls-cert", "missing.pem", "--tls-key", "missing.pem"],
        ],
    )
    def test_what_cannot_be_is_refused_at_once(self, run, words):
        outcome = run("studio", "--port", "0", *words)
        assert outcome.code == 2
        assert outcome.err.count("\n") == 1

    def test_for_others_it_encrypts_by_itself(self, tmp_path):
        process, link = self.start("--host", "0.0.0.0")
        try:
            assert link.startswith("https://")
            root = f"https://127.0.0.1:{link.partition('/?')[0].rpartition(':')[2]}"
            certificate = tmp_path / "home" / "studio" / "tls" / "certificate.pem"
            trusted = ssl.create_default_context(cafile=certificate)
            _wait_for(f"{root}/healthz", trusted)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()
        assert "SHA-256" in err

    def test_the_token_may_come_from_outside(self, monkeypatch):
        monkeypatch.setenv("MASQUERADE_STUDIO_TOKEN", TOKEN)
        process, link = self.start()
        process.kill()
        process.communicate()
        assert link.endswith(f"/?token={TOKEN}")


def _wait_for(address: str, trusted: ssl.SSLContext | bool = True) -> None:
    for _ in range(200):
        with contextlib.suppress(httpx.ConnectError):
            assert httpx.get(address, verify=trusted).text == "ok"
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody answers at {address}")
