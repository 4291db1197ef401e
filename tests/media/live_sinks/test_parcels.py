"""Pictures that are encoded one by one and handed on, or not even encoded."""

from __future__ import annotations

import threading
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from receivers import INFO

from masquerade.core.errors import SettingsError
from masquerade.core.frame import Frame
from masquerade.core.protocols import Sink
from masquerade.media.live_sinks.parcels import Parcel, ParcelCoding, ParcelSink

SIZE_WH = (96, 64)
RATE = Fraction(30)


class Postman:
    """Takes parcels where it has room."""

    def __init__(self) -> None:
        self.room, self.parcels, self.waiting = True, [], None

    def has_room(self) -> bool:
        return self.room

    def send(self, parcel: Parcel) -> None:
        self.parcels.append(parcel)
        self.waiting = parcel

    def take_back(self, seq: int) -> bool:
        old = self.waiting is not None and self.waiting.frame.seq <= seq
        self.waiting = None if old else self.waiting
        return old


def frame(seq: int, level: int | None = None) -> Frame:
    pixels = np.full((SIZE_WH[1], SIZE_WH[0], 3), 10 * seq if level is None else level, np.uint8)
    return Frame(pixels, seq, 33_333 * seq, Fraction(1, 1_000_000))


@pytest.fixture
def postman() -> Postman:
    return Postman()


def make(postman: Postman, **coding) -> ParcelSink:
    return ParcelSink(postman, ParcelCoding(**coding), RATE)


def jpeg_level(data: bytes) -> int:
    return int(cv2.imdecode(np.frombuffer(data, np.uint8), 1).mean())


def levels(parcels) -> list[int]:
    """Greys of H.264 parcels, decoded one by one as they came."""
    context = av.CodecContext.create("h264", "r")
    return [
        round(int(decoded.to_ndarray(format="bgr24").mean()), -1)
        for parcel in parcels
        for decoded in context.decode(av.Packet(parcel.data))
    ]


def test_it_is_a_sink(postman):
    assert isinstance(make(postman), Sink)
    assert INFO.live


def test_jpegs_come_one_by_one(postman):
    sink = make(postman)
    for seq in range(1, 5):
        sink.write(frame(seq))
    assert [abs(jpeg_level(p.data) - 10 * p.frame.seq) <= 1 for p in postman.parcels] == [True] * 4
    assert all(parcel.key and parcel.size_wh == SIZE_WH for parcel in postman.parcels)
    assert sink.newest is not None
    assert sink.newest.seq == 4


def test_h264_leaves_without_delay_and_begins_with_a_key_frame(postman):
    sink = make(postman, codec="h264")
    for seq in range(1, 9):
        sink.write(frame(seq))
        assert len(postman.parcels) == seq, "it holds a picture back"
    assert [parcel.key for parcel in postman.parcels] == [True] + 7 * [False]
    assert levels(postman.parcels) == [10 * seq for seq in range(1, 9)]
    sink.want_key()
    sink.write(frame(9))
    assert postman.parcels[-1].key
    assert levels(postman.parcels[-1:]) == [90]


def test_where_there_is_no_room_nothing_is_encoded_and_the_chain_holds(postman):
    sink = make(postman, codec="h264")
    for seq in range(1, 13):
        postman.room = seq % 3 != 0
        sink.write(frame(seq))
    assert sink.dropped == 4
    kept = [seq for seq in range(1, 13) if seq % 3]
    assert levels(postman.parcels) == [10 * seq for seq in kept]


def test_the_picture_before_the_swap_comes_beside(postman):
    sink = make(postman, original=True, width=48)
    sink.write_beside(frame(2, 200), np.full((64, 96, 3), 30, np.uint8))
    parcel = postman.parcels[0]
    assert parcel.size_wh == (48, 32)
    assert abs(jpeg_level(parcel.original) - 30) <= 1
    assert abs(jpeg_level(parcel.data) - 200) <= 1


def test_another_coding_begins_with_a_key_frame(postman):
    sink = make(postman, codec="h264")
    sink.write(frame(1))
    sink.change(ParcelCoding(codec="jpeg", quality=50))
    sink.write(frame(2))
    sink.change(ParcelCoding(codec="h264", width=64))
    sink.write(frame(3))
    assert [(p.codec, p.key) for p in postman.parcels] == [
        ("h264", True),
        ("jpeg", True),
        ("h264", True),
    ]
    assert levels(postman.parcels[2:]) == [30]
    sink.change(ParcelCoding(codec="none"))
    sink.write(frame(4))
    assert postman.parcels[-1].data == b""


class TestTakenBack:
    def test_what_was_handed_on_is_taken_back_and_decoding_begins_anew(self, postman):
        sink = make(postman, codec="h264")
        sink.write(frame(1))
        sink.take_back(1)
        assert postman.waiting is None
        assert sink.newest is None
        sink.write(frame(1))  # it was on its way into the sink
        assert len(postman.parcels) == 1
        sink.write(frame(2))
        assert postman.parcels[-1].key

    def test_a_picture_that_is_being_encoded_meanwhile_is_not_handed_on(self, postman, monkeypatch):
        sink = make(postman)
        pack, inside, go_on = sink._pack, threading.Event(), threading.Event()

        def slowly(*args, **options):
            inside.set()
            assert go_on.wait(10)
            return pack(*args, **options)

        monkeypatch.setattr(sink, "_pack", slowly)
        writer = threading.Thread(target=sink.write, args=(frame(5),))
        writer.start()
        assert inside.wait(10)
        sink.take_back(5)
        go_on.set()
        writer.join()
        assert postman.parcels == []


@pytest.mark.parametrize("coding", [{"quality": 0}, {"quality": 101}, {"width": 3}])
def test_values_out_of_range_are_refused(coding):
    with pytest.raises(SettingsError):
        ParcelCoding(**coding)
