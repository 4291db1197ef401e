"""Where live pictures come from and where they go, over a real WebSocket."""

from __future__ import annotations

import io
import time

import av
import cv2
import httpx
import numpy as np
import pytest
from live_client import BROWSER, DONORS, QUIET, connected, jpegs, pump, upload_film
from studio_harness import BEARER


class TestOutputs:
    def test_a_recording_with_sound_and_a_snapshot_can_be_fetched(self, studio, talk):
        data = jpegs(talk[0])
        tone = (8000 * np.sin(np.arange(4800) / 10)).astype("<i2").tobytes()
        with connected(studio) as client:
            client.start({**BROWSER, "sound": True}, settings=QUIET)
            pump(client, data, 3)
            client.say("sink", id="recording", on=True, sound=True)
            assert client.wait_for("recording") == {
                "type": "recording", "on": True, "id": None, "bytes": 0,
            }  # fmt: skip
            for place in range(12):
                client.push(tone, kind=2, codec=3)
                pump(client, data[place % len(data) :], 1)
                time.sleep(0.08)
            client.say("snapshot")
            snapshot = client.wait_for("snapshot")
            client.say("sink", id="recording", on=False)
            recording = client.wait_for("recording")
            files = f"{studio.root}/api/v1/live/files"
            film = httpx.get(f"{files}/{recording['id']}", headers=BEARER)
            still = httpx.get(f"{files}/{snapshot['id']}", headers=BEARER)
            assert httpx.get(f"{files}/{recording['id']}").status_code == 401
            assert httpx.get(f"{files}/{'0' * 20}", headers=BEARER).status_code == 404
            gone = f"{files}/{snapshot['id']}"
            assert httpx.delete(gone, headers=BEARER).status_code == 204
            assert httpx.get(gone, headers=BEARER).status_code == 404
        assert film.headers["content-type"] == "video/mp4"
        assert "attachment" in film.headers["content-disposition"]
        assert len(film.content) == recording["bytes"] > 1000
        assert cv2.imdecode(np.frombuffer(still.content, np.uint8), 1).shape == (240, 320, 3)
        assert b"trainedAlgorithmicMedia" in still.content or b"xmp" in still.content.lower()
        self._check_film(film.content)

    def _check_film(self, content: bytes) -> None:
        with av.open(io.BytesIO(content)) as container:
            assert len(container.streams.video) == len(container.streams.audio) == 1
            frames = list(container.decode(video=0))
            assert len(frames) >= 8
            assert frames[0].width == 320
        with av.open(io.BytesIO(content)) as container:
            heard = np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)
        assert np.abs(heard).max() > 0.1

    def test_a_recording_that_runs_at_the_end_is_finished(self, studio, talk):
        data = jpegs(talk[0])
        with connected(studio) as client:
            client.start(settings=QUIET)
            client.say("sink", id="recording", on=True)
            client.wait_for("recording")
            pump(client, data, 4)
            client.say("stop")
            recording = client.wait_for("recording")
            assert client.wait_for("ended")["reason"] == "stopped"
            assert client.closed()[0] == 1000
        film = httpx.get(f"{studio.root}/api/v1/live/files/{recording['id']}", headers=BEARER)
        assert len(film.content) == recording["bytes"] > 1000

    @pytest.mark.parametrize(
        ("wish", "code"),
        [
            ({"id": "rtmp"}, "settings"),
            ({"id": "rtmp", "address": "rtmp://127.0.0.1/live/key"}, "address"),
            ({"id": "rtmp", "address": "/etc/passwd"}, "stream"),
            ({"id": "rtmp", "address": "http://0.0.0.0:80"}, "stream"),
            ({"id": "virtual-camera"}, "virtual_camera"),
        ],
    )
    def test_outputs_that_cannot_be_are_refused_and_the_stream_goes_on(
        self, studio, talk, wish, code
    ):
        with connected(studio) as client:
            client.start(settings=QUIET)
            client.say("sink", on=True, **wish)
            problem = client.wait_for("problem")
            assert (problem["code"], problem["fatal"]) == (code, False)
            pump(client, jpegs(talk[0]), 2)


class TestSources:
    def test_an_upload_plays_and_its_end_is_told(self, studio, talk, tmp_path):
        upload = upload_film(studio, 4 * talk[0], tmp_path / "film.mp4")
        with connected(studio) as client:
            started = client.start({"kind": "upload", "id": upload, "loop": False})
            assert (started["width"], started["height"]) == (320, 240)
            client.picture()
            assert client.wait_for("ended")["reason"] == "source_ended"

    @pytest.mark.parametrize(
        ("source", "code"),
        [
            ({"kind": "upload", "id": "0" * 20}, "missing_input"),
            ({"kind": "camera", "id": "0" * 20}, "device"),
            ({"kind": "stream", "address": "rtsp://10.0.0.1/x"}, "address"),
            ({"kind": "stream", "address": "file:///etc/passwd"}, "address"),
        ],
    )
    def test_what_is_not_there_or_not_allowed_is_said(self, studio, source, code):
        with connected(studio) as client:
            client.say("start", source=source, donor=DONORS["mona_lisa"])
            problem = client.wait_for("problem")
            assert (problem["code"], problem["fatal"]) == (code, True)
            assert "/etc" not in problem["detail"]
            assert client.wait_for("ended")["reason"] == "failed"
            assert client.closed()[0] == 1000

    def test_the_hosts_devices_are_listed_for_clients_of_this_machine(self, studio):
        found = httpx.get(f"{studio.root}/api/v1/devices", headers=BEARER).json()
        assert [sink["id"] for sink in found["sinks"]] == ["recording", "virtual-camera", "rtmp"]
        assert found["puppet"]["id"] == "puppet"
        far = {**BEARER, "X-Forwarded-For": "203.0.113.7"}
        found = httpx.get(f"{studio.root}/api/v1/devices", headers=far).json()
        assert [sink["id"] for sink in found["sinks"]] == ["recording"]
        assert found["cameras"] == found["microphones"] == []
