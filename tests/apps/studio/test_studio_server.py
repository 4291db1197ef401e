"""The studio on real sockets: TLS, WebSockets, many and strange connections, a clean end."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from pathlib import Path

import httpx
import pytest
from fastapi import WebSocket, WebSocketDisconnect
from studio_harness import BEARER, TOKEN, served
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from masquerade.apps.studio import app as studio_app
from masquerade.apps.studio.access.certificate import make_certificate
from masquerade.apps.studio.access.token import Token
from masquerade.apps.studio.config import Limits
from masquerade.apps.studio.launch import Studio, opened_in_browser
from masquerade.apps.studio.listening import links, listen
from masquerade.core.errors import OutputError

COOKIE = Token(TOKEN).cookie(secure=False).partition(";")[0]


def raw(port: int, request: bytes, *, patience_s: float = 10.0) -> bytes:
    """What is answered to these very bytes until the studio closes or says nothing more."""
    with socket.create_connection(("127.0.0.1", port), patience_s) as line:
        with contextlib.suppress(OSError):
            line.sendall(request)
        answer = b""
        with contextlib.suppress(OSError):
            while part := line.recv(65536):
                answer += part
        return answer


def whole_answer(line: socket.socket, request: bytes) -> bytes:
    """What is answered on a connection that stays open; the answer ends with its body, ok."""
    line.sendall(request)
    answer = b""
    while not answer.endswith(b"\r\n\r\nok"):
        part = line.recv(65536)
        assert part, answer
        answer += part
    return answer


class TestTls:
    def test_a_client_that_trusts_the_certificate_is_served(self, configure, tmp_path):
        tls = make_certificate(tmp_path / "tls", ["127.0.0.1", "localhost"])
        trusted = ssl.create_default_context(cafile=tls.certificate)
        with served(configure(tls=tls)) as running:
            assert running.link.startswith("https://127.0.0.1:")
            with httpx.Client(verify=trusted, follow_redirects=True) as client:
                page = client.get(running.link)
                assert page.status_code == 200
                assert "token" not in str(page.url)
                assert client.cookies["masquerade"]
                assert client.get(f"{running.root}/api/v1/system").json()["api"] == 1
            given = httpx.get(running.link, verify=trusted).headers["set-cookie"]
            assert given.endswith("; Secure")

    def test_others_are_warned_and_plain_words_get_nothing(self, configure, tmp_path):
        tls = make_certificate(tmp_path / "tls", ["127.0.0.1"])
        with served(configure(tls=tls)) as running:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                httpx.get(running.link)
            assert b"200" not in raw(running.port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    def test_a_handshake_that_stops_is_ended(self, configure, tmp_path, monkeypatch):
        monkeypatch.setattr("masquerade.apps.studio.launch._HANDSHAKE_S", 0.3)
        tls = make_certificate(tmp_path / "tls", ["127.0.0.1"])
        with (
            served(configure(tls=tls)) as running,
            socket.create_connection(("127.0.0.1", running.port), 10) as line,
            contextlib.suppress(ConnectionResetError),
        ):
            assert line.recv(1) == b""

    def test_old_versions_are_refused(self, configure, tmp_path):
        tls = make_certificate(tmp_path / "tls", ["127.0.0.1"])
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with (
            served(configure(tls=tls)) as running,
            socket.create_connection(("127.0.0.1", running.port), 10) as line,
            pytest.raises((ssl.SSLError, OSError)),
        ):
            old.wrap_socket(line)


class TestWebSocket:
    @pytest.fixture
    def running(self, configure, monkeypatch):
        """A studio with one more WebSocket, which answers with what it gets."""
        made = studio_app.create_app

        def with_echo(config):
            app = made(config)

            async def echo(websocket: WebSocket) -> None:
                await websocket.accept("masquerade.v1")
                with contextlib.suppress(WebSocketDisconnect):
                    await websocket.send_text(await websocket.receive_text())
                    await websocket.close()

            app.router.add_websocket_route("/echo", echo)
            app.router.routes.insert(0, app.router.routes.pop())
            return app

        monkeypatch.setattr("masquerade.apps.studio.launch.create_app", with_echo)
        with served(configure()) as running:
            yield running

    def dial(self, running, **options):
        address = running.root.replace("http", "ws") + "/echo"
        return connect(address, subprotocols=["masquerade.v1"], **options)

    def test_the_token_or_the_cookie_lets_in(self, running):
        cookie = {"additional_headers": {"Cookie": COOKIE}, "origin": running.root}
        for options in ({"additional_headers": BEARER}, cookie):
            with self.dial(running, **options) as line:
                assert line.subprotocol == "masquerade.v1"
                line.send("words")
                assert line.recv() == "words"

    @pytest.mark.parametrize(
        "headers",
        [{}, {"Authorization": "Bearer x"}, {"Cookie": COOKIE}, {"Cookie": "masquerade=x"}],
    )
    def test_without_them_it_is_closed_with_the_reason(self, running, headers):
        with self.dial(running, additional_headers=headers) as line:
            with pytest.raises(ConnectionClosed) as closed:
                line.recv()
            assert closed.value.rcvd.code == 4401
            assert "token" in closed.value.rcvd.reason

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
    def test_pages_of_others_are_not_even_answered(self, running, origin):
        headers = {"Cookie": COOKIE, **BEARER}
        with pytest.raises(InvalidStatus) as refused:
            self.dial(running, origin=origin, additional_headers=headers)
        assert refused.value.response.status_code == 403

    def test_by_a_wrong_name_neither(self, running):
        with pytest.raises(InvalidStatus) as refused:
            connect(
                f"ws://evil.example:{running.port}/echo",
                sock=socket.create_connection(("127.0.0.1", running.port)),
                additional_headers=BEARER,
            )
        assert refused.value.response.status_code == 403

    def test_a_message_that_is_too_large_ends_it(self, running):
        with (
            self.dial(running, additional_headers=BEARER, max_size=None) as line,
            pytest.raises(ConnectionClosed),
        ):
            line.send(b"x" * (9 * 2**20))
            line.recv()
        assert _answers(running)


class TestStrangeRequests:
    @pytest.fixture
    def running(self, configure):
        with served(configure()) as running:
            yield running

    @pytest.mark.parametrize(
        "target",
        ["/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/..%5c..%5cx",
         "/api/v1/uploads/../../../etc/passwd", "/api/v1/uploads/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
         "http://127.0.0.1/etc/passwd", "/locales/..%2f..%2fconfig.py", "/config.py", "/%00"],
    )  # fmt: skip
    def test_no_path_leads_anywhere_else(self, running, target):
        head = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        answer = raw(running.port, (head + "Connection: close\r\n\r\n").encode())
        assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.1 422"))
        assert b"root:" not in answer

    @pytest.mark.parametrize(
        "request_bytes",
        [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", os.urandom(2000),
         b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
         b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
         b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
         b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    )  # fmt: skip
    def test_what_is_no_request_is_refused_and_the_studio_lives(self, running, request_bytes):
        answer = raw(running.port, request_bytes + b"\r\n\r\n", patience_s=3)
        assert not answer.startswith(b"HTTP/1.1 2")
        assert httpx.get(f"{running.root}/healthz").text == "ok"


class TestManyConnections:
    def test_those_that_only_hold_a_place_make_room(self, configure):
        with served(configure(limits=Limits(connections=20))) as running:
            lines = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(60)]
            assert httpx.get(f"{running.root}/healthz").text == "ok"
            with contextlib.suppress(ConnectionResetError):
                assert lines[0].recv(1) == b""
            for line in lines:
                line.close()

    def test_where_all_have_spoken_one_too_many_is_told(self, configure):
        request = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        with served(configure(limits=Limits(connections=20))) as running:
            lines = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(20)]
            for line in lines:
                assert whole_answer(line, request).startswith(b"HTTP/1.1 200")
            answer = raw(running.port, request)
            assert answer.startswith(b"HTTP/1.1 503")
            assert answer.endswith(b"ask again later.\n")
            assert whole_answer(lines[0], request).startswith(b"HTTP/1.1 200")
            for line in lines:
                line.close()
            assert _answers(running)

    def test_strangers_keep_no_connection(self, configure):
        with served(configure()) as running:
            for path in (b"/", b"/api/v1/system"):
                request = b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
                assert raw(running.port, request, patience_s=5).startswith(b"HTTP/1.1 401")

    def test_a_thousand_are_borne(self, configure):
        with served(configure()) as running:
            lines = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(900)]
            assert httpx.get(f"{running.root}/healthz").text == "ok"
            for line in lines:
                line.close()

    def test_those_that_say_nothing_are_ended(self, configure, monkeypatch):
        from masquerade.apps.studio import launch

        made = launch.limited_protocol
        monkeypatch.setattr(launch, "limited_protocol", lambda most: made(most, 0.2))
        with served(configure()) as running:
            with socket.create_connection(("127.0.0.1", running.port), 10) as silent:
                assert silent.recv(1) == b""
            with socket.create_connection(("127.0.0.1", running.port), 10) as slow:
                slow.sendall(b"GET /healthz HTT")
                with contextlib.suppress(ConnectionResetError):
                    assert slow.recv(1) == b""
            assert _answers(running)


class TestPlaces:
    def test_a_port_in_use_is_said(self, configure):
        with served(configure()) as running, pytest.raises(OutputError, match="in use"):
            Studio(configure(port=running.port))

    def test_a_host_that_is_not_ours(self):
        with pytest.raises(OutputError, match="no interface"):
            listen("203.0.113.1", 0)
        with pytest.raises(OutputError, match="no interface"):
            listen("no-such-name.invalid", 0)

    def test_localhost_is_one_port_on_all_its_numbers(self):
        opened = listen("localhost", 0)
        assert len({item.getsockname()[1] for item in opened}) == 1
        for item in opened:
            item.close()

    def test_links(self, configure):
        assert links(configure(host="::1"), 80) == [f"http://[::1]:80/?token={TOKEN}"]
        everywhere = configure(host="0.0.0.0", insecure=True, allow_hosts=("gpu.lan",))
        found = links(everywhere, 80)
        assert found[0].startswith("http://gpu.lan:80/")
        assert not any("0.0.0.0" in link for link in found)

    def test_the_browser_gets_a_private_file(self, monkeypatch):
        opened = []
        done = threading.Event()
        monkeypatch.setattr("webbrowser.open", lambda place: (opened.append(place), done.set()))
        with opened_in_browser(f"http://127.0.0.1/?token={TOKEN}") as open_it:
            open_it()
            assert done.wait(5)
            file = Path(opened[0].removeprefix("file://"))
            assert TOKEN not in opened[0]
            assert TOKEN in file.read_text()
            assert file.stat().st_mode & 0o077 == 0
        assert not file.exists()


def _answers(running) -> bool:
    """Whether the studio answers again; what was closed takes a moment to be noticed."""
    for _ in range(100):
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{running.root}/healthz").status_code == 200:
                return True
    return False
