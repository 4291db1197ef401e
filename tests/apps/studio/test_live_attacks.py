"""Clients of live sessions that vanish, are one too many, or never read: nothing is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import socket as sockets
import threading
import time
from collections import Counter
from collections.abc import Iterator

import cv2
import numpy as np
import psutil
import pytest
from live_client import BROWSER, DONORS, QUIET, connected, jpegs, pump, upload_film
from studio_harness import TOKEN, Running, served

from masquerade.apps.studio.config import Limits
from masquerade.apps.studio.live import conversation, outbox
from masquerade.testing import no_leaked_threads


def session_threads() -> list[str]:
    """Threads of live sessions that are alive in this process."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("masquerade-")]


def eventually(condition, seconds: float = 20.0) -> None:
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s, "it did not come true"
        time.sleep(0.02)


class TestEnds:
    def test_a_client_that_vanishes_leaves_nothing(self, studio, talk):
        before = session_threads()
        for _ in range(3):
            with connected(studio) as client:
                client.start(settings=QUIET)
                pump(client, jpegs(talk[0]), 1)
                assert len(session_threads()) > len(before)
                client.socket.socket.setsockopt(
                    sockets.SOL_SOCKET, sockets.SO_LINGER, b"\1\0\0\0\0\0\0\0"
                )
                client.socket.socket.close()  # as if the machine had died
            eventually(lambda: session_threads() == before)

    def test_sessions_one_after_the_other_leave_neither_threads_nor_files(self, studio, talk):
        data, process, left = jpegs(talk[0]), psutil.Process(), []
        before = session_threads()
        for number in range(5):
            codec = ("jpeg", "h264")[number % 2]
            with connected(studio) as client:
                client.start(settings=QUIET, output={"codec": codec, "original": True})
                pump(client, data, 2)
            eventually(lambda: session_threads() == before)
            left.append(process.num_fds())
        assert left[1:] == [left[1]] * 4

    def test_one_that_vanishes_while_it_starts_leaves_nothing(self, studio):
        before = session_threads()
        for pause_s in (0.0, 0.02, 0.1):
            with connected(studio) as client:
                client.say("start", source={"kind": "puppet"}, donor=DONORS["mona_lisa"])
                time.sleep(pause_s)
                client.socket.socket.close()
            eventually(lambda: session_threads() == before)

    def test_one_session_more_than_there_may_be_is_refused_and_then_let_in(
        self, configure, with_people, talk
    ):
        config = configure(limits=Limits(sessions=1))
        with no_leaked_threads(), served(config) as studio:
            with connected(studio) as one:
                one.start(settings=QUIET)
                with connected(studio) as two:
                    two.say("start", source=BROWSER, donor=DONORS["mona_lisa"])
                    problem = two.wait_for("problem")
                    assert problem["code"] == "too_many_sessions"
                    code, reason = two.closed()
                    assert code == 4429
                    assert "live sessions" in reason
                pump(one, jpegs(talk[0]), 1)
            with connected(studio) as three:
                eventually(lambda: len(session_threads()) == 0)
                three.start(settings=QUIET)

    def test_a_session_without_pictures_ends_by_itself(self, studio, monkeypatch):
        monkeypatch.setattr(conversation.Conversation.__init__, "__defaults__", (0.5,))
        with connected(studio) as client:
            assert client.closed() == (1000, "idle")
        with connected(studio) as client:
            client.start(settings=QUIET)
            assert client.wait_for("ended")["reason"] == "idle"

    def test_the_end_of_the_studio_ends_its_sessions(self, configure, with_people):
        with no_leaked_threads(), served(configure()) as studio, connected(studio) as client:
            client.start({"kind": "puppet"})
            studio.studio.stop()
            assert client.closed()[0] in (1001, 1012)


class TestSlowReaders:
    def test_who_answers_nothing_gets_two_pictures_and_then_one_a_second(
        self, studio, talk, monkeypatch
    ):
        monkeypatch.setattr(outbox, "_FORGET_UNSEEN_S", 3600.0)
        data = jpegs(talk[0])
        with connected(studio) as client:
            client.start(settings=QUIET)
            client.answers = False
            for place in range(20):
                client.push(data[place % len(data)])
                time.sleep(0.05)
            client.until(lambda item: isinstance(item, dict) and item.get("page_dropped", 0) > 3)
            assert len(client.pictures) == 2
            client.say("got", seq=client.pictures[-1].number, shown_ms=0)
            client.push(data[0])
            client.picture()

    def test_for_who_reads_nothing_nothing_piles_up_and_nobody_is_held_up(
        self, studio, talk, tmp_path, monkeypatch
    ):
        """Pictures are not even encoded while those before are not on their way."""
        packed: Counter[outbox.Outbox] = Counter()
        pack = outbox.Outbox._packed

        def counted(box, parcel):
            packed[box] += 1
            return pack(box, parcel)

        monkeypatch.setattr(outbox.Outbox, "_packed", counted)
        noise = np.random.default_rng(1).integers(0, 60, (720, 960, 3), np.uint8)
        large = [cv2.add(cv2.resize(picture, (960, 720)), noise) for picture in talk[0][:5]]
        upload = upload_film(studio, large, tmp_path / "grainy.mp4")
        with _deaf(studio, upload) as deaf, connected(studio) as other:
            eventually(lambda: packed)
            box = next(iter(packed))
            other.start(settings=QUIET)
            counts = []
            lie = json.dumps({"type": "got", "seq": 1_000_000, "shown_ms": 0}).encode()
            for _ in range(40):
                deaf.sendall(_frame(1, lie))
                assert pump(other, jpegs(talk[0]), 1)
                time.sleep(0.2)
                counts.append(packed[box])
                if len(counts) > 8 and counts[-1] == counts[-8]:
                    break
            else:
                pytest.fail(f"pictures pile up: {counts}")
            assert not box.has_room()
            assert len(box._words) <= 256


@contextlib.contextmanager
def _deaf(studio: Running, upload: str) -> Iterator[sockets.socket]:
    """A client that begins a session and reads not a byte of it."""
    with sockets.create_connection(("127.0.0.1", studio.port)) as raw:
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        raw.sendall(
            f"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:{studio.port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {'A' * 22}==\r\n"
            f"Sec-WebSocket-Version: 13\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
        )
        raw.recv(100)
        start = {
            "type": "start",
            "source": {"kind": "upload", "id": upload},
            "donor": DONORS["astronaut"],
            "output": {"codec": "jpeg", "quality": 100, "original": True},
        }
        raw.sendall(_frame(1, json.dumps(start).encode()))
        yield raw


def _frame(opcode: int, payload: bytes) -> bytes:
    """A masked frame of a WebSocket client."""
    mask = os.urandom(4)
    size = len(payload)
    head = bytes([0x80 | opcode])
    head += bytes([0x80 | size]) if size < 126 else bytes([0xFE, size >> 8, size & 255])
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
