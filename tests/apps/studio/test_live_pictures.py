"""Pictures over a real WebSocket: there, swapped, and back."""

from __future__ import annotations

import time

import av
import cv2
import numpy as np
from live_client import BROWSER, DONORS, QUIET, Picture, connected, h264, jpegs, pump

from masquerade.testing import is_shown


class TestPictures:
    def test_jpegs_there_and_back_with_the_stamp_and_the_face(self, studio, talk):
        pictures, truths = talk
        with connected(studio) as client:
            started = client.start(settings=QUIET)
            assert (started["width"], started["height"], started["codec"]) == (320, 240, "jpeg")
            assert started["donors"] == [DONORS["mona_lisa"]]
            found = pump(client, jpegs(pictures), 12)
        assert client.socket.subprotocol == "masquerade.v1"
        for place, picture in enumerate(found):
            assert picture.size_wh == (320, 240)
            head = truths[place % len(pictures)].heads[0]
            assert not is_shown(pictures[place % len(pictures)], picture.pixels(), head)
        _track, state, donor, x0, y0, x1, y1 = found[-1].faces[0]
        assert (state, donor) == (0, 0)
        assert 0 <= x0 < x1 <= 320
        assert 0 <= y0 < y1 <= 240

    def test_h264_there_and_back(self, studio, talk):
        units = h264(talk[0])
        context = av.CodecContext.create("h264", "r")
        shown = []
        with connected(studio) as client:
            client.start({**BROWSER, "codec": "h264"}, output={"codec": "h264"}, settings=QUIET)
            for data, key in units:
                stamp = client.push(data, codec=2, key=key)
                answer = client.until(
                    lambda item, stamp=stamp: isinstance(item, Picture) and item.stamp_ms >= stamp
                )
                assert answer.codec == 2
                shown += context.decode(av.Packet(answer.data))
        assert client.pictures[0].key
        assert len(shown) == len(units)
        assert shown[-1].to_ndarray(format="bgr24").shape == (240, 320, 3)

    def test_damaged_h264_asks_for_a_key_frame(self, studio, talk):
        units = h264(talk[0])
        with connected(studio) as client:
            client.start({**BROWSER, "codec": "h264"}, settings=QUIET)
            client.push(units[0][0], codec=2)
            client.picture()
            client.push(b"\x00\x00\x00\x01\x41broken", codec=2, key=False)
            for data, key in units[1:4]:
                time.sleep(0.2)
                client.push(data, codec=2, key=key)
            assert client.wait_for("key_frame")
            before = len(client.pictures)
            client.push(units[0][0], codec=2)
            client.picture()
            assert len(client.pictures) == before + 1

    def test_the_picture_before_the_swap_comes_first(self, studio, talk):
        pictures = talk[0]
        with connected(studio) as client:
            client.start(settings=QUIET, output={"codec": "jpeg", "original": True, "width": 160})
            pump(client, jpegs(pictures), 3)
        kinds = [picture.kind for picture in client.pictures]
        assert kinds[:2] == [3, 1]
        original, swapped = client.pictures[0], client.pictures[1]
        assert original.number == swapped.number
        assert original.pixels().shape == swapped.pixels().shape == (120, 160, 3)
        small = cv2.resize(pictures[0], (160, 120), interpolation=cv2.INTER_AREA)
        assert np.abs(original.pixels().astype(int) - small).mean() < 4

    def test_the_puppet_needs_no_camera(self, studio):
        with connected(studio) as client:
            started = client.start({"kind": "puppet"})
            assert (started["width"], started["height"]) == (640, 480)
            client.picture()
            state = client.wait_for("state")
        assert {"fps", "latency_ms", "dropped", "stages_ms", "sinks", "faces"} <= set(state)
