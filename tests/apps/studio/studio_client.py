"""A client of a studio on real sockets, in the words of the tests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
from studio_harness import BEARER, served

from masquerade.apps.studio.config import StudioConfig

PATIENCE_S = 120.0


class StudioClient:
    """Does what a page does.

    Args:
        root: address of the studio.
    """

    def __init__(self, root: str) -> None:
        self.http = httpx.Client(base_url=f"{root}/api/v1", headers=BEARER, timeout=60)

    def ask(self, method: str, path: str, expect: int = 200, **options: Any) -> Any:
        response = self.http.request(method, path, **options)
        assert response.status_code == expect, response.text
        is_json = response.headers.get("content-type", "").endswith("json")
        return response.json() if is_json and response.content else response

    def upload(self, path: Path) -> str:
        files = {"file": (path.name, path.read_bytes())}
        return self.ask("POST", "/uploads", 201, files=files)["id"]

    def donor(self, photo: Path, name: str = "Mona") -> str:
        body = {"name": name, "uploads": [self.upload(photo)], "consent": "public-domain"}
        return self.ask("POST", "/identities", 201, json=body)["id"]

    def submit(self, targets: list[str], donor: str, **more: object) -> list[str]:
        """Ids of new jobs."""
        body = {"targets": targets, "donors": {"Mona": donor}, **more}
        return [job["id"] for job in self.ask("POST", "/jobs", 201, json=body)]

    def wait_for(self, path: str, *states: str) -> dict[str, Any]:
        """What ``path`` answers once its state is one of these."""
        until = time.monotonic() + PATIENCE_S
        while (found := self.ask("GET", path))["state"] not in states:
            assert time.monotonic() < until, found
            time.sleep(0.1)
        return found

    @contextmanager
    def events(self, path: str = "/jobs/events", **options: Any) -> Iterator[Queue[Any]]:
        """Server-sent events as (id, kind, data); None when the server ends them."""
        heard: Queue[Any] = Queue()
        begun = threading.Event()

        def listen() -> None:
            try:
                with self.http.stream("GET", path, **options) as response:
                    fields: dict[str, str] = {}
                    for line in response.iter_lines():
                        begun.set()
                        name, _, value = line.partition(": ")
                        if line and name:
                            fields[name] = value
                        elif fields:
                            heard.put(
                                (int(fields["id"]), fields["event"], json.loads(fields["data"]))
                            )
                            fields = {}
            except (httpx.HTTPError, httpx.StreamError):
                pass
            heard.put(None)

        thread = threading.Thread(target=listen, name="test-events", daemon=True)
        thread.start()
        assert begun.wait(PATIENCE_S)
        yield heard

    def close(self) -> None:
        self.http.close()


@contextmanager
def client_at(config: StudioConfig) -> Iterator[StudioClient]:
    """A client of a studio that runs in this process."""
    with served(config) as running:
        client = StudioClient(running.root)
        try:
            yield client
        finally:
            client.close()
