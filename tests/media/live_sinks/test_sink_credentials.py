"""What live sinks leave behind is signed: recordings, broken-off ones too, and streams as files."""

from __future__ import annotations

import os
from pathlib import Path

import av
import pytest
from receivers import INFO, frame

from masquerade.core.disclosure import SIDECAR_SUFFIX, Disclosure
from masquerade.core.errors import OutputError
from masquerade.media.live_sinks.hls import HlsSink
from masquerade.media.live_sinks.options import SinkOptions
from masquerade.media.live_sinks.recording import RECORDING_EXTENSIONS, RecordingSink
from masquerade.trust.credentials import Credentials
from masquerade.trust.inspection import inspect_file
from masquerade.trust.metadata import build_disclosure
from masquerade.trust.signing_identity import SigningStore


@pytest.fixture
def store(tmp_path: Path) -> SigningStore:
    return SigningStore(tmp_path / "signing")


@pytest.fixture
def options(store: SigningStore) -> SinkOptions:
    from masquerade.core.settings import Settings

    stated = build_disclosure(Settings())
    seal = Credentials(None, lambda: {"label": {"style": "small"}}, store=store)
    return SinkOptions(disclosure=Disclosure(stated.xmp, stated.tags, seal))


@pytest.mark.parametrize("suffix", RECORDING_EXTENSIONS)
@pytest.mark.parametrize("end", ["commit", "abort"])
def test_a_recording_is_signed_however_it_ends(tmp_path, store, options, suffix, end):
    sink = RecordingSink(tmp_path / f"film{suffix}", INFO, options)
    for number in range(40):
        sink.write(frame(number))
    getattr(sink, end)()
    found = inspect_file(sink.path, store=store)
    assert (found.state, found.problems) == ("trusted", ())
    assert found.latest is not None
    assert found.latest.actions == ("c2pa.created",)
    assert found.latest.statements["label"] == {"style": "small"}
    with av.open(str(sink.path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 40
    left = {item.name for item in tmp_path.iterdir() if item.is_file()}
    beside = {f"film{suffix}{SIDECAR_SUFFIX}"} if suffix in (".mkv", ".webm") else set()
    assert left == {f"film{suffix}", *beside}
    data = bytearray(sink.path.read_bytes())
    data[len(data) // 2] ^= 1
    sink.path.write_bytes(data)
    assert inspect_file(sink.path, store=store).state == "altered"


def test_a_long_recording_is_given_time_to_be_signed(tmp_path, options):
    sink = RecordingSink(tmp_path / "film.mp4", INFO, options)
    sink.write(frame(0))
    size = sink.partial_path.stat().st_size
    os.truncate(sink.partial_path, 10**9)
    assert sink.finishing_s >= 40
    os.truncate(sink.partial_path, size)  # so that no gigabyte is signed
    sink.abort()


def test_a_stream_of_segments_is_signed_beside_its_playlist(tmp_path, store, options):
    folder = tmp_path / "web"
    sink = HlsSink(folder / "live.m3u8", INFO, options)
    for number in range(150):
        sink.write(frame(number))
    sink.commit()
    found = inspect_file(sink.path, store=store)
    assert (found.state, found.carrier) == ("trusted", "sidecar")
    segment = sorted(folder.glob("*.ts"))[-1]
    data = segment.read_bytes()
    segment.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert inspect_file(sink.path, store=store).state == "altered"
    again = HlsSink(sink.path, INFO, SinkOptions(overwrite=True))
    assert not sink.path.with_name(f"live.m3u8{SIDECAR_SUFFIX}").exists()
    again.abort()


def test_a_recording_that_cannot_be_signed_has_no_name(tmp_path, store):
    seal = Credentials(None, lambda: {"label": {"style": float("inf")}}, store=store)
    options = SinkOptions(disclosure=Disclosure(b"", seal=seal))
    sink = RecordingSink(tmp_path / "film.mp4", INFO, options)
    sink.write(frame(0))
    with pytest.raises(OutputError, match="part"):
        sink.commit()
    assert not sink.path.exists()
    assert sink.partial_path.exists()
