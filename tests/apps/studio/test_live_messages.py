"""What no page would say in a live session: one clear message, and streams go on."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live_client import HEAD, QUIET, connected, jpegs, pump
from websockets.exceptions import ConnectionClosed

from masquerade.apps.studio.live.binary import NO_DONOR, pack, unpack
from masquerade.apps.studio.live.messages import parse_message
from masquerade.core.errors import InputError
from masquerade.core.face_fact import FaceFact

TYPES = (
    "start", "settings", "donor", "map", "output", "mirror", "preset", "sink", "snapshot", "pause",
    "stop", "got", "key_frame", "offer", "candidate",
)  # fmt: skip
NAMES = (
    "source", "donor", "changes", "faces", "codec", "quality", "width", "on", "id", "name", "seq",
    "sdp",
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
FIELDS = st.dictionaries(
    st.sampled_from(NAMES) | st.text(max_size=6),
    JSON,
    max_size=4,
)
MESSAGES = st.builds(
    lambda kind, fields: json.dumps({**fields, "type": kind}), st.sampled_from(TYPES), FIELDS
)


class TestMessages:
    @settings(max_examples=400, deadline=None)
    @given(text=MESSAGES | st.text() | JSON.map(json.dumps))
    def test_any_text_is_a_message_or_an_error_of_ours(self, text):
        try:
            assert parse_message(text).type in TYPES
        except InputError as error:
            assert "docs/studio-api.md" in str(error) or "64 kB" in str(error)

    @settings(max_examples=400, deadline=None)
    @given(data=st.binary(max_size=80))
    def test_any_bytes_are_media_or_an_error_of_ours(self, data):
        with contextlib.suppress(InputError):
            assert unpack(data).data == data[24:]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[]",
            "null",
            '{"type": "start"}',
            '{"type": "nothing"}',
            '{"type": "stop", "more": 1}',
            '{"type": "got", "seq": -1, "shown_ms": 0}',
            '{"type": "got", "seq": 1, "shown_ms": NaN}',
            '{"type": "mirror", "on": "yes"}',
            '{"type": "donor", "donor": "../../etc/passwd"}',
            '{"type": "map", "faces": {"-1": null}}',
            '{"type": "sink", "id": "/tmp/x.mp4", "on": true}',
            "[" * 50_000,
            '{"type": "settings", "changes": {"strength": ' + "9" * 5000 + "}}x",
            '{"type": "' + "x" * 70_000 + '"}',
        ],
    )
    def test_malformed_text_is_refused_without_repeating_it(self, text):
        with pytest.raises(InputError) as refused:
            parse_message(text)
        assert len(str(refused.value)) < 500
        assert "passwd" not in str(refused.value)

    def test_a_head_is_read_as_it_was_written(self):
        fact = FaceFact(70_001, (-4, 5, 70_000, 9), "concealed", "b")
        message = pack(
            "picture", "jpeg", b"data", number=2**32 + 7, stamp_ms=12.5, size_wh=(640, 480),
            faces=[fact] * 40, donors=("a", "b"),
        )  # fmt: skip
        kind, codec, flags, faces, number, stamp, width, height = HEAD.unpack_from(message)
        assert (kind, codec, flags, faces, number) == (1, 1, 1, 32, 7)
        assert (stamp, width, height) == (12.5, 640, 480)
        assert message[24 : 24 + 12] == bytes([113, 17, 2, 1, 0, 0, 5, 0, 255, 255, 9, 0])
        assert message.endswith(b"data")
        nobody = pack("picture", "none", b"", number=0, stamp_ms=0, size_wh=(1, 1), faces=[fact])
        assert nobody[27] == NO_DONOR


class TestMistakes:
    @pytest.mark.parametrize("first", ['{"type": "stop"}', "nonsense", b"short", b"\x01" * 40])
    def test_the_first_message_must_be_a_start(self, studio, first):
        with connected(studio) as client:
            client.socket.send(first)
            if first == b"\x01" * 40:  # pictures may come before the start is worked on
                client.socket.send("{}")
            problem = client.wait_for("problem")
            assert (problem["code"], problem["fatal"]) == ("protocol", True)
            assert client.closed() == (4400, "protocol error")

    def test_a_running_stream_survives_some_mistakes_but_not_many(self, studio, talk):
        with connected(studio) as client:
            client.start(settings=QUIET)
            for wrong in ("{", b"x", b"\x09" * 30, '{"type": "donor", "donor": "x"}'):
                client.socket.send(wrong)
                assert client.wait_for("problem")["fatal"] is False
            assert pump(client, jpegs(talk[0]), 2)
            for _ in range(6):
                client.socket.send("{")
            assert client.closed()[0] == 4400
        assert [item["fatal"] for item in client.said if item["type"] == "problem"][-1]
        assert client.said[-1]["type"] == "ended"

    def test_pictures_of_another_kind_than_announced_are_a_mistake(self, studio, talk):
        with connected(studio) as client:
            client.start(settings=QUIET)
            client.push(jpegs(talk[0])[0], codec=2)
            assert "as jpeg" in client.wait_for("problem")["detail"]

    def test_what_is_no_picture_ends_in_one_message(self, studio):
        with connected(studio) as client:
            client.start(settings=QUIET)
            ended = False
            with contextlib.suppress(ConnectionClosed):
                while not ended:
                    client.push(b"no picture at all")
                    time.sleep(0.005)
                    with contextlib.suppress(TimeoutError):
                        item = client.receive(0.001)
                        ended = isinstance(item, dict) and item["type"] == "ended"
            client.closed()
        problems = [item for item in client.said if item["type"] == "problem"]
        assert [item["code"] for item in problems] == ["corrupt_media"]

    def test_another_sub_protocol_is_refused(self, studio):
        with connected(studio, subprotocols=["other.v9"]) as client:
            assert client.closed()[0] == 4400

    def test_a_huge_message_ends_the_connection(self, studio):
        with connected(studio) as client, contextlib.suppress(ConnectionClosed):
            client.socket.send(bytes(9 * 2**20))
            assert client.closed()[0] in (1009, 4400)


def test_a_fuzzer_on_a_running_session_changes_nothing_for_others(studio, talk):
    """Malformed messages of every kind, for some seconds, beside a session that goes on."""
    data = jpegs(talk[0])

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(messages=st.lists(MESSAGES | st.text(max_size=50) | st.binary(max_size=60), max_size=9))
    def attack(messages):
        with contextlib.suppress(ConnectionClosed), connected(studio) as attacker:
            for message in messages:
                attacker.socket.send(message)
            attacker.socket.send("{")
            assert attacker.closed()[0] in (1000, 4400)

    with connected(studio) as client:
        client.start(settings=QUIET)
        attack()
        assert len(pump(client, data, 3)) == 3
