"""Networks, OpenCV and FFmpeg let go of Python's lock while they work: so threads overlap.

Python is told never to take the lock away from a thread. Then another thread can only run while
the working one has let go of it by itself, within the very call.
"""

from __future__ import annotations

import sys
import threading
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from masquerade.models.store import open_network

ATTEMPTS = 20
"""A call may be over before the system has woken the other thread; once is proof enough."""


@pytest.fixture
def no_forced_switch():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(before)


def overlaps(call) -> bool:
    """Whether this thread runs while another one is within ``call``."""
    begins, over = threading.Event(), []

    def work():
        begins.set()
        call()
        over.append(True)

    worker = threading.Thread(target=work)
    worker.start()
    begins.wait()
    within = not over
    worker.join()
    return within


def ever_overlaps(call) -> bool:
    return any(overlaps(call) for _ in range(ATTEMPTS))


def python_alone():
    total = 0
    for number in range(300_000):
        total += number


def test_the_method_tells_a_call_that_keeps_the_lock(no_forced_switch):
    assert not ever_overlaps(python_alone)


@pytest.mark.parametrize("name", ["landmarks", "detector", "attributes"])
def test_a_network_lets_go(name, no_forced_switch):
    network = open_network(name, 1)
    feeds = {}
    for item in network._session.get_inputs():
        batch, *sides = item.shape
        shape = [side if isinstance(side, int) else 128 for side in sides]
        kind = np.uint8 if "uint8" in item.type else np.float32
        feeds[item.name] = np.zeros((batch if isinstance(batch, int) else 4, *shape), kind)
    network.run(feeds)
    assert ever_overlaps(lambda: network.run(feeds))


def test_opencv_lets_go(no_forced_switch):
    picture = np.zeros((1080, 1920, 3), np.uint8)
    places = np.zeros((1080, 1920, 2), np.float32)
    small = np.zeros((128, 128), np.uint8)
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    for call in (
        lambda: cv2.remap(picture, places, None, cv2.INTER_LINEAR),
        lambda: cv2.resize(picture, (1280, 720), interpolation=cv2.INTER_AREA),
        lambda: cv2.GaussianBlur(picture, (31, 31), 0),
        lambda: flow.calc(small, small, None),
    ):
        assert ever_overlaps(call)


def test_the_encoder_lets_go(no_forced_switch):
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 1280, 720, "yuv420p"
    encoder.time_base, encoder.thread_count = Fraction(1, 25), 1
    encoder.options = {"preset": "veryfast", "tune": "zerolatency"}
    frame = av.VideoFrame(1280, 720, "yuv420p")

    def encode():
        frame.pts = (frame.pts or 0) + 1
        encoder.encode(frame)

    assert ever_overlaps(encode)
