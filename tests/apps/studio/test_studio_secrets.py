"""A studio at work leaves nothing that others may read, and its log holds no secret."""

from __future__ import annotations

import logging
import os
import stat
import sys

import pytest
from studio_client import StudioClient
from studio_harness import TOKEN, served


@pytest.fixture(autouse=True)
def generous_mask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_neither_files_nor_log_tell_anything(configure, mona, caplog, capfd, tmp_path):
    caplog.set_level(logging.DEBUG)
    config = configure(port=0)
    with served(config) as running:
        client = StudioClient(running.root)
        donor = client.donor(mona)
        (job,) = client.submit([client.upload(mona)], donor)
        done = client.wait_for(f"/jobs/{job}", "done", "failed")
        assert done["state"] == "done", done
        cookies = _cookies_of(running.link)
        client.http.get(f"/system?token={TOKEN}")
        client.close()
    ours = [record for record in caplog.records if not record.name.startswith("http")]
    told = "\n".join(record.getMessage() for record in ours) + "".join(capfd.readouterr())
    for secret in (TOKEN, *cookies):
        assert secret not in told
    if sys.platform != "win32":
        files = [path for path in config.folder.rglob("*") if path.is_file()]
        assert files
        others = [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]
        private = {path for path in config.folder.rglob("*") if path.is_dir()} | {config.folder}
        closed = {path for path in private if not stat.S_IMODE(path.stat().st_mode) & 0o077}
        assert [path for path in others if not closed & set(path.parents)] == []


def _cookies_of(link: str) -> list[str]:
    """What a browser gets for the token."""
    import httpx

    answer = httpx.get(link, follow_redirects=False)
    cookies = list(answer.cookies.values())
    assert cookies
    return cookies
