"""The example of a client runs as it is printed, against a real studio, live session included."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
from studio_harness import served

from masquerade.apps.studio.access.certificate import make_certificate

ROOT = Path(__file__).parents[3]
PORTRAIT = ROOT / "tests" / "media" / "mona_lisa.jpg"


def run(link: str, output: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, ROOT / "examples" / "studio_client.py", link, PORTRAIT, output]
    environment = {**os.environ, **environment}
    return subprocess.run(words, capture_output=True, text=True, env=environment, timeout=120)


def test_a_live_session_from_a_program_over_tls(configure, tmp_path):
    output = tmp_path / "out.jpg"
    tls = make_certificate(tmp_path / "tls", ["127.0.0.1"])
    with served(configure(tls=tls)) as running:
        done = run(running.link, output, SSL_CERT_FILE=str(tls.certificate))
    assert done.returncode == 0, done.stderr
    assert "quality 0." in done.stdout
    assert "1 face(s)" in done.stdout
    assert cv2.imread(str(output)).shape == (480, 640, 3)


def test_an_error_is_a_sentence(configure, tmp_path):
    with served(configure()) as running:
        done = run(running.link[:-1] + "x", tmp_path / "out.jpg")
    assert done.returncode == 1
    assert done.stderr.startswith("The token is missing or belongs to an earlier start; open")
