"""A channel is bounded, ordered, and says who ended it."""

from __future__ import annotations

import threading
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masquerade.core.errors import SettingsError
from masquerade.pipeline.channel import (
    Channel,
    ChannelCancelled,
    ChannelClosed,
    EndOfChannel,
    WhenFull,
)

PATIENCE_S = 20


def run_thread(target, *args):
    thread = threading.Thread(target=target, args=args)
    thread.start()
    return thread


def join(*threads):
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@given(capacity=st.integers(1, 5), operations=st.lists(st.booleans(), max_size=60))
def test_newest_keeps_the_latest_items_in_order_and_never_more_than_fit(capacity, operations):
    channel, model, number = Channel(capacity, WhenFull.NEWEST), deque(maxlen=capacity), 0
    for is_put in operations:
        if is_put:
            channel.put(number)
            model.append(number)
            number += 1
        elif model:
            assert channel.get() == model.popleft()
        statistics = channel.statistics()
        assert statistics.waiting == len(model) <= capacity
        assert statistics.peak_waiting <= capacity
        assert statistics.put == statistics.taken + statistics.dropped + statistics.waiting
    channel.close()
    assert list(channel) == list(model)


@given(capacity=st.integers(1, 4), count=st.integers(0, 40))
def test_wait_hands_every_item_over_in_order_whatever_the_capacity(capacity, count):
    channel = Channel(capacity)

    def produce():
        for number in range(count):
            channel.put(number)
        channel.close()

    producer = run_thread(produce)
    taken = list(channel)
    join(producer)
    statistics = channel.statistics()
    assert taken == list(range(count))
    assert statistics.peak_waiting <= capacity
    assert (statistics.put, statistics.taken, statistics.dropped) == (count, count, 0)


@given(capacity=st.integers(1, 3), producers=st.integers(1, 3), consumers=st.integers(1, 3))
def test_several_producers_and_consumers_lose_and_repeat_nothing(capacity, producers, consumers):
    channel, taken = Channel(capacity), []
    makers = [
        run_thread(lambda name: [channel.put((name, i)) for i in range(12)], name)
        for name in range(producers)
    ]
    takers = [run_thread(lambda: taken.extend(list(channel))) for _ in range(consumers)]
    join(*makers)
    channel.close()
    join(*takers)
    assert sorted(taken) == [(name, i) for name in range(producers) for i in range(12)]
    assert channel.statistics().peak_waiting <= capacity


def test_a_full_waiting_channel_holds_its_producer_until_there_is_room():
    channel, passed = Channel(1), threading.Event()
    channel.put("first")
    producer = run_thread(lambda: (channel.put("second"), passed.set()))
    assert not passed.is_set()
    assert channel.get() == "first"
    assert passed.wait(PATIENCE_S)
    assert channel.get() == "second"
    join(producer)


def test_after_close_the_rest_can_be_taken_and_then_the_end_is_told():
    channel = Channel(2)
    channel.put(1)
    channel.close()
    assert channel.get() == 1
    with pytest.raises(EndOfChannel):
        channel.get()
    with pytest.raises(ChannelClosed):
        channel.put(2)


@pytest.mark.parametrize("ended_by", ["close", "cancel"])
def test_ending_wakes_a_waiting_consumer_and_a_waiting_producer(ended_by):
    empty, full, met = Channel(1), Channel(1), {}
    full.put(0)

    def note(name, action):
        try:
            action()
        except (EndOfChannel, ChannelClosed, ChannelCancelled) as error:
            met[name] = type(error)

    consumer = run_thread(note, "consumer", empty.get)
    producer = run_thread(note, "producer", lambda: full.put(1))
    getattr(empty, ended_by)()
    getattr(full, ended_by)()
    join(consumer, producer)
    expected = (
        {"consumer": EndOfChannel, "producer": ChannelClosed}
        if ended_by == "close"
        else {"consumer": ChannelCancelled, "producer": ChannelCancelled}
    )
    assert met == expected


def test_cancel_lets_go_of_what_waited_and_wins_over_close():
    channel = Channel(3)
    channel.put(1)
    channel.put(2)
    channel.close()
    channel.cancel()
    with pytest.raises(ChannelCancelled):
        channel.get()
    with pytest.raises(ChannelCancelled):
        list(channel)
    statistics = channel.statistics()
    assert (statistics.waiting, statistics.discarded, statistics.taken) == (0, 2, 0)


def test_a_channel_without_room_is_refused():
    with pytest.raises(SettingsError, match="at least 1"):
        Channel(0)
