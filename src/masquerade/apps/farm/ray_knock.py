"""A knock at a cluster's door, since Ray itself waits half a minute where it is not let in.

Whether somebody listens is asked by a plain connection. Whether it is Ray and takes our token is
asked by a process of its own: Ray's client cannot be told how long to wait, a process can be ended.
"""

from __future__ import annotations

import importlib
import json
import queue
import socket
import subprocess
import sys
import threading
from typing import IO

__all__ = ["knock"]

_CONNECT_S = 5.0
_ANSWER_S = 10.0
_IMPORT_S = 60.0


def knock(host: str, port: int) -> str:
    """Why a cluster does not let us in, in Ray's words; empty where it does.

    The environment has the token, as Ray reads it.
    """
    try:
        socket.create_connection((host, port), _CONNECT_S).close()
    except OSError as error:
        return str(error)
    child = subprocess.Popen(
        [sys.executable, "-m", "masquerade.apps.farm.ray_knock", f"{host}:{port}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        return _answer(child)
    finally:
        child.kill()
        child.wait()


def _answer(child: subprocess.Popen[bytes]) -> str:
    lines: queue.Queue[bytes] = queue.Queue()
    assert child.stdout is not None
    threading.Thread(
        target=_listen, args=[child.stdout, lines], name="farm-knock", daemon=True
    ).start()
    try:
        lines.get(timeout=_IMPORT_S)  # Ray is imported, which may take long on a busy machine
        word = lines.get(timeout=_ANSWER_S)
    except queue.Empty:
        return "whoever listens there does not answer as Ray does"
    return str(json.loads(word)) if word else ""


def _listen(stream: IO[bytes], lines: queue.Queue[bytes]) -> None:
    with stream:
        for line in stream:
            lines.put(line)
    lines.put(b"")
    lines.put(b"")


def _main(address: str) -> None:
    # The one client that says at once why it was not let in. It is not of Ray's public interface:
    # where it is missing this process ends, nothing is said, and `ray.init` finds out by itself.
    client = importlib.import_module("ray._raylet").GcsClient
    from ray.exceptions import RayError

    sys.stdout.write("here\n")
    sys.stdout.flush()
    refused = ""
    try:
        client(address=address)
    except RayError as error:
        refused = str(error)
    sys.stdout.write(json.dumps(refused) + "\n")


if __name__ == "__main__":
    _main(sys.argv[1])
