"""Metrics are scraped over real HTTP and read by Prometheus's own parser."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as families

from masquerade._version import __version__
from masquerade.apps.live.metrics import MetricsServer
from masquerade.core.errors import OutputError, SettingsError
from masquerade.pipeline.statistics import LatencyMs, LiveStatistics, SinkState
from masquerade.testing.threads import no_leaked_threads


class Stream:
    """A session whose statistics a test changes."""

    def __init__(self, **changes):
        self.now = LiveStatistics(
            **{
                "seconds": 12.5,
                "frames": 370,
                "fps": 29.5,
                "source_fps": 30.0,
                "latency_ms": LatencyMs(31.0, 42.0, 60.0),
                "lagged": 3,
                "skipped": 1,
                "dropped": 2,
                "faces": 2,
                "faces_swapped": 700,
                "faces_concealed": 4,
                "stages_ms": {"detect": 4.0, "swap": 12.0},
                "busiest": "swap",
                "busy": 0.4,
                "rss_bytes": 300_000_000,
                "peak_rss_bytes": 310_000_000,
                **changes,
            }
        )
        self.asked = 0

    def statistics(self):
        self.asked += 1
        return self.now


def scrape(url, accept="text/plain"):
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode(), answer.headers["Content-Type"]


def samples(text, parse=families):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def kinds(text):
    return {family.name: family.type for family in families(text)}


def test_a_scrape_shows_the_stream_as_it_is_then():
    stream = Stream(eased={"resolution": 1}, alarms=("Slow. Do less.",), cpu=0.75)
    with no_leaked_threads(), MetricsServer("0", stream) as server:
        assert stream.asked == 0
        text, kind = scrape(server.url)
        assert stream.asked == 1
        stream.now = Stream(frames=400, paused=True).now
        later = samples(scrape(server.url)[0])
    seen = samples(text)
    assert kind.startswith("text/plain")
    assert seen["masquerade_frames_total",] == 370
    assert seen["masquerade_frames_lagged_total",] == 3
    assert seen["masquerade_frames_skipped_total",] == 1
    assert seen["masquerade_frames_dropped_total",] == 2
    assert seen["masquerade_faces_swapped_total",] == 700
    assert seen["masquerade_faces_concealed_total",] == 4
    assert seen["masquerade_fps",] == 29.5
    assert seen["masquerade_memory_bytes",] == 300_000_000
    assert seen["masquerade_cpu_ratio",] == 0.75
    assert seen["masquerade_alarms",] == 1
    assert seen["masquerade_stage_seconds", ("stage", "swap")] == 0.012
    assert seen["masquerade_eased_level", ("knob", "resolution")] == 1
    assert seen["masquerade_latency_seconds", ("quantile", "0.95")] == 0.042
    assert seen["masquerade_latency_seconds_count",] == 370
    assert seen["masquerade_info", ("preset", "balanced"), ("version", __version__)] == 1
    assert not any(name[0] == "masquerade_gpu_ratio" for name in seen)
    assert (later["masquerade_frames_total",], later["masquerade_paused",]) == (400, 1)
    types = kinds(text)
    assert types["masquerade_frames"] == "counter"
    assert types["masquerade_fps"] == "gauge"
    assert types["masquerade_latency_seconds"] == "summary"


def test_sinks_have_labels_without_secrets_and_never_the_same_twice():
    names = ("rtmp://me:pw@host/app/key1", "rtmp://me:pw@host/app/key2", "out.mp4")
    sinks = (
        SinkState(names[0], 10, 1),
        SinkState(names[1], 20, 2, status="connecting"),
        SinkState(names[2], 30, 3, error="The disk is full."),
    )
    with MetricsServer("0", Stream(sinks=sinks, source="waiting", gpu=0.25)) as server:
        text = scrape(server.url)[0]
    seen = samples(text)
    shown = "rtmp://...@host/app/..."
    assert seen["masquerade_sink_frames_total", ("sink", shown)] == 10
    assert seen["masquerade_sink_dropped_total", ("sink", f"{shown} #2")] == 2
    ups = [seen["masquerade_sink_up", ("sink", name)] for name in (shown, f"{shown} #2", "out.mp4")]
    assert ups == [1, 0, 0]
    assert seen["masquerade_source_waiting",] == 1
    assert seen["masquerade_gpu_ratio",] == 0.25
    assert "pw" not in text
    assert "key1" not in text


def test_open_metrics_are_given_where_they_are_asked_for():
    with MetricsServer("0", Stream()) as server:
        text, kind = scrape(server.url, "application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert samples(text, open_metrics)["masquerade_frames_total",] == 370


def test_only_this_machine_can_ask_unless_told_otherwise():
    with MetricsServer("0", Stream()) as server:
        assert server.url.startswith("http://127.0.0.1:")
    with MetricsServer("0.0.0.0:0", Stream()) as server:
        port = server.url.split(":")[2].split("/")[0]
        assert "masquerade_fps" in scrape(f"http://127.0.0.1:{port}/metrics")[0]


def test_other_pages_are_not_here():
    with MetricsServer("0", Stream()) as server:
        with pytest.raises(urllib.error.HTTPError) as caught:
            scrape(server.url.replace("/metrics", "/etc/passwd"))
        assert caught.value.code == 404
        caught.value.close()


def test_a_port_in_use_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            no_leaked_threads(),
            pytest.raises(OutputError, match=rf"127\.0\.0\.1:{port}.*--metrics PORT"),
        ):
            MetricsServer(f"127.0.0.1:{port}", Stream())


@pytest.mark.parametrize("address", ["", "host", "host:", ":99999", "-1", "1.5", "h:²"])
def test_what_is_no_address_is_told(address):
    with pytest.raises(SettingsError, match=r"give a port, or HOST:PORT"):
        MetricsServer(address, Stream())


def test_a_host_that_is_not_here_is_told():
    with pytest.raises(OutputError, match="cannot be served"):
        MetricsServer("192.0.2.1:0", Stream())


def test_clients_that_say_nothing_hold_up_neither_others_nor_the_end():
    with no_leaked_threads(), MetricsServer("0", Stream()) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
        assert "masquerade_fps" in scrape(server.url)[0]
        names = {thread.name for thread in threading.enumerate()}
        assert {"masquerade-metrics", "masquerade-metrics-client"} <= names
    for client in silent:
        client.close()
    server.close()


def test_the_port_is_free_again_at_once():
    with MetricsServer("0", Stream()) as server:
        port = server.url.split(":")[2].split("/")[0]
        scrape(server.url)
    for _ in range(5):
        with MetricsServer(port, Stream()) as server:
            scrape(server.url)
