"""A live session by WebRTC, signalled over its WebSocket, with a peer in this process."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json

import av
import numpy as np
import psutil
import pytest
from live_client import BROWSER, DONORS, HEAD, QUIET, Picture, connected, jpegs
from studio_harness import TOKEN
from websockets.asyncio.client import connect

aiortc = pytest.importorskip("aiortc")

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack  # noqa: E402

reachable = pytest.mark.skipif(
    all(name == "lo" for name, facts in psutil.net_if_stats().items() if facts.isup),
    reason="WebRTC uses no loopback address, and there is no other here",
)


def track_of(pictures: list[np.ndarray]) -> VideoStreamTrack:
    class Camera(VideoStreamTrack):
        count = 0

        async def recv(self):
            frame = av.VideoFrame.from_ndarray(pictures[0], format="bgr24")
            frame.pts, frame.time_base = await self.next_timestamp()
            return frame

    return Camera()


@reachable
def test_pictures_go_by_webrtc_and_faces_by_the_socket(studio, talk):
    async def talk_to():
        browser = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        shown: asyncio.Queue = asyncio.Queue(4)

        @browser.on("track")
        def receive(track):
            async def take():
                while True:
                    await shown.put(await track.recv())

            browser.taking = asyncio.ensure_future(take())

        browser.addTrack(track_of(talk[0]))
        await browser.setLocalDescription(await browser.createOffer())
        address = f"ws://127.0.0.1:{studio.port}/api/v1/live"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        facts, said, back = [], [], []
        async with (
            asyncio.timeout(60),
            connect(address, additional_headers=headers, subprotocols=["masquerade.v1"]) as socket,
        ):
            start = {"type": "start", "source": BROWSER, "donor": DONORS["mona_lisa"]}
            await socket.send(json.dumps({**start, "settings": QUIET}))
            frames = []
            async for message in socket:
                if isinstance(message, bytes):
                    facts.append(Picture.of(message))
                    got = {"type": "got", "seq": facts[-1].number, "shown_ms": 0}
                    await socket.send(json.dumps(got))
                else:
                    said.append(json.loads(message))
                    if said[-1]["type"] == "started":
                        offer = {"type": "offer", "sdp": browser.localDescription.sdp}
                        await socket.send(json.dumps(offer))
                    if said[-1]["type"] == "answer":
                        answer = RTCSessionDescription(said[-1]["sdp"], "answer")
                        await browser.setRemoteDescription(answer)
                while not shown.empty():
                    frames.append(shown.get_nowait())
                if len(frames) >= 12 and facts and facts[-1].faces:
                    break
            browser.taking.cancel()
            await browser.close()
            while not back or back[-1].codec != 1:  # the page goes on by the socket
                head = HEAD.pack(1, 1, 1, 0, len(back), 0.0, 320, 240)
                await socket.send(head + jpegs(talk[0][:1])[0])
                with contextlib.suppress(TimeoutError):
                    message = await asyncio.wait_for(socket.recv(), 0.1)
                    if isinstance(message, bytes):
                        back.append(Picture.of(message))
        return frames, facts, back

    frames, facts, back = asyncio.run(talk_to())
    assert back[-1].pixels().shape == (240, 320, 3)
    last = facts[-1]
    assert (last.codec, last.data, last.size_wh) == (0, b"", (320, 240))
    assert last.faces[0][1:3] == (0, 0)
    picture = frames[-1].to_ndarray(format="bgr24").astype(int)
    x0, y0, x1, y1 = last.faces[0][3:]
    face = np.s_[y0:y1, x0:x1]
    background = np.ones(picture.shape[:2], bool)
    background[max(0, y0 - 30) : y1 + 30, max(0, x0 - 30) : x1 + 30] = False
    apart = np.abs(picture - talk[0][0])
    assert apart[background].mean() < 8, "it is the same scene"
    assert apart[face].mean() > 2 * apart[background].mean(), "with another face"


def test_an_offer_without_sense_leaves_the_stream_as_it_was(studio):
    with connected(studio) as client:
        client.start({"kind": "puppet"})
        client.say("offer", sdp="nonsense")
        problem = client.wait_for("problem")
        assert (problem["code"], problem["fatal"]) == ("input", False)
        assert client.picture().codec == 1
        client.say("candidate", candidate="nonsense", mid="0")
        client.say("candidate", candidate=None)
        client.picture()


def test_without_the_package_it_is_said_how_to_get_it(studio, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *args: None if name == "aiortc" else find(name)
    )
    with connected(studio) as client:
        client.start({"kind": "puppet"})
        client.say("offer", sdp="v=0")
        problem = client.wait_for("problem")
        assert "pip install masquerade[webrtc]" in problem["detail"]
        assert client.picture().codec == 1
