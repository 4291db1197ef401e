"""WebRTC with a peer in this process: pictures both ways, the newest alone, nonsense refused."""

from __future__ import annotations

import asyncio
import threading
from fractions import Fraction

import av
import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masquerade.core.errors import InputError
from masquerade.core.frame import Frame
from masquerade.core.protocols import Sink

aiortc = pytest.importorskip("aiortc")

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack  # noqa: E402

from masquerade.media.webrtc import WebRtcPeer  # noqa: E402

SIZE_WH = (320, 240)
reachable = pytest.mark.skipif(
    all(name == "lo" for name, facts in psutil.net_if_stats().items() if facts.isup),
    reason="WebRTC uses no loopback address, and there is no other here",
)


def plain(level: int) -> np.ndarray:
    return np.full((SIZE_WH[1], SIZE_WH[0], 3), level, np.uint8)


class Grey(VideoStreamTrack):
    """A browser's camera: pictures of one grey."""

    async def recv(self):
        pts, time_base = await self.next_timestamp()
        frame = av.VideoFrame.from_ndarray(plain(90), format="bgr24")
        frame.pts, frame.time_base = pts, time_base
        return frame


async def offer_of(browser: RTCPeerConnection) -> str:
    browser.addTrack(Grey())
    await browser.setLocalDescription(await browser.createOffer())
    return browser.localDescription.sdp


@reachable
def test_pictures_go_both_ways_and_the_newest_is_sent():
    async def talk():
        seen, ended, shown = [], [], asyncio.Queue()
        browser = RTCPeerConnection(RTCConfiguration(iceServers=[]))

        @browser.on("track")
        def receive(track):
            async def take():
                for _ in range(200):
                    await shown.put(await track.recv())

            browser.taking = asyncio.ensure_future(take())

        peer = WebRtcPeer(SIZE_WH, lambda *args: seen.append(args), lambda: ended.append(1))
        assert isinstance(peer.sink, Sink)
        answer = await peer.answer(await offer_of(browser))
        assert "x-google-start-bitrate=2500" in answer
        assert "stun" not in answer
        await browser.setRemoteDescription(RTCSessionDescription(answer, "answer"))

        def play():
            for seq in range(400):
                peer.sink.write(Frame(plain(200), seq, 33_333 * seq, Fraction(1, 1_000_000)))
                if stop.wait(0.03):
                    return

        stop = threading.Event()
        player = threading.Thread(target=play)
        player.start()
        async with asyncio.timeout(20):
            for _ in range(10):
                back = await shown.get()
            while len(seen) < 10:
                await asyncio.sleep(0.02)
        stop.set()
        player.join()
        browser.taking.cancel()
        await browser.close()
        await peer.close()
        await peer.close()
        return seen, back, ended

    seen, back, ended = asyncio.run(talk())
    assert abs(int(back.to_ndarray(format="bgr24").mean()) - 200) < 6
    assert abs(int(seen[-1][0].to_ndarray(format="bgr24").mean()) - 90) < 6
    assert seen[-1][0].width == 320
    times = [stamp for _, stamp in seen]
    assert times == sorted(times)
    assert len(ended) <= 1


def test_what_is_taken_back_is_not_sent():
    async def talk():
        peer = WebRtcPeer(SIZE_WH, lambda *_: None, lambda: None)
        for seq in (4, 5):
            peer.sink.write(Frame(plain(10 * seq), seq, seq))
        peer.sink.take_back(5)
        peer.sink.write(Frame(plain(50), 5, 5))
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await peer._track.recv()
        peer.sink.write(Frame(plain(60), 6, 6))
        peer.sink.write(Frame(plain(70), 7, 7))
        await asyncio.sleep(0.01)
        level = (await peer._track.recv()).to_ndarray(format="bgr24").mean()
        await peer.close()
        return level

    assert abs(asyncio.run(talk()) - 70) < 4


async def refused(sdp: str) -> bool:
    peer = WebRtcPeer(SIZE_WH, lambda *_: None, lambda: None)
    try:
        await peer.answer(sdp)
    except InputError:
        return True
    finally:
        await peer.close()
    return False


@pytest.mark.parametrize(
    "sdp", ["", "nonsense", "v=0", "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "m=" * 1000]
)
def test_offers_without_sense_are_refused(sdp):
    assert asyncio.run(refused(sdp))


def _real_offer() -> str:
    async def make():
        browser = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        sdp = await offer_of(browser)
        await browser.close()
        return sdp

    return asyncio.run(make())


OFFER = _real_offer().splitlines()


@settings(max_examples=40, deadline=None)
@given(
    drop=st.sets(st.integers(0, len(OFFER) - 1), max_size=4),
    place=st.integers(0, len(OFFER) - 1),
    text=st.text(st.characters(codec="ascii", exclude_characters="\n\r"), max_size=30),
)
def test_damaged_offers_are_answered_or_refused(drop, place, text):
    lines = [line for number, line in enumerate(OFFER) if number not in drop]
    lines.insert(min(place, len(lines)), text)
    asyncio.run(refused("\r\n".join(lines) + "\r\n"))


@pytest.mark.parametrize("text", ["", "candidate:x", "1 1 udp x 1.2.3.4 y typ host"])
def test_candidates_without_sense_are_refused(text):
    async def add():
        peer = WebRtcPeer(SIZE_WH, lambda *_: None, lambda: None)
        try:
            await peer.add_candidate(text, None, None)
        finally:
            await peer.close()

    with pytest.raises(InputError, match="candidate"):
        asyncio.run(add())
