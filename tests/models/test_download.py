"""Files arrive whole and right, or not at all, however the server behaves."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from model_server import ModelServer

from masquerade.core.errors import DownloadError, OutputError
from masquerade.models import part_file
from masquerade.models.download import Fetched, Transferred, Wanted, fetch
from masquerade.models.mirrors import Mirror, Permissions

DATA = bytes(range(256)) * 4096  # 1 MiB
OTHER = DATA[:-1] + b"x"
SHA256 = hashlib.sha256(DATA).hexdigest()
OTHER_SHA256 = hashlib.sha256(OTHER).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ModelServer({"m.onnx": DATA}) as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "m.onnx"


def get(target: Path, *mirrors: Mirror, timeout_s: float = 5.0, **wanted) -> Fetched:
    options = {"sha256": SHA256, "verified": True} | wanted
    shown: list[Transferred] = []
    fetched = fetch(
        Wanted(target, **options),
        mirrors,
        Permissions(),
        show=shown.append,
        timeout_s=timeout_s,
        pause_s=0.01,
    )
    assert shown[-1].done_bytes == fetched.size_bytes
    return fetched


def at(server: ModelServer, path: str = "m.onnx") -> Mirror:
    return Mirror(address=f"{server.address}/{path}")


def left(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_a_file_arrives(server, target):
    fetched = get(target, at(server))
    assert fetched == Fetched(SHA256, len(DATA), f"{server.address}/m.onnx")
    assert target.read_bytes() == DATA
    assert left(target) == ["m.onnx"]


def test_a_cut_body_is_gone_on_with(server, target):
    server.cuts = [300_000, 200_000]
    get(target, at(server))
    assert target.read_bytes() == DATA
    ranges = [asked[1] for asked in server.asked]
    assert ranges == ["", "bytes=300000-", "bytes=500000-"]
    assert all(asked[2].startswith('"') for asked in server.asked[1:])


def test_without_ranges_a_cut_body_begins_anew(server, target):
    server.ranges = False
    server.cuts = [300_000]
    get(target, at(server))
    assert target.read_bytes() == DATA
    assert len(server.asked) == 2


def test_a_server_that_always_cuts_is_given_up(server, target):
    server.ranges = False
    server.cuts = [100_000] * 50
    with pytest.raises(DownloadError, match="broke off"):
        get(target, at(server))
    assert len(server.asked) < 10
    assert left(target) == ["m.onnx.part", "m.onnx.part.json"]


def test_what_is_left_of_an_earlier_process_is_gone_on_with(server, target):
    server.cuts = [700_000] + [0] * 20
    with pytest.raises(DownloadError):
        get(target, at(server), sha256=None, verified=False)
    server.cuts, server.asked = [], []
    fetched = get(target, at(server), sha256=None, verified=False)
    assert fetched.sha256 == SHA256
    assert [asked[1] for asked in server.asked] == ["bytes=700000-"]


def test_a_part_of_another_version_is_dropped(server, target):
    server.cuts = [700_000] + [0] * 20
    with pytest.raises(DownloadError):
        get(target, at(server), sha256=None, verified=False)
    server.cuts, server.files["m.onnx"] = [], OTHER
    assert get(target, at(server), sha256=None, verified=False).sha256 == OTHER_SHA256
    assert target.read_bytes() == OTHER


def test_without_a_tag_and_a_hash_nothing_is_gone_on_with(server, target):
    server.tags = False
    server.cuts = [700_000] + [0] * 20
    with pytest.raises(DownloadError):
        get(target, at(server), sha256=None, verified=False)
    server.cuts, server.asked = [], []
    get(target, at(server), sha256=None, verified=False)
    assert server.asked[0][1] == ""


def test_with_a_hash_another_mirror_goes_on(server, target):
    with ModelServer({"m.onnx": DATA}) as second:
        second.cuts = [400_000] + [0] * 20
        get(target, at(second), at(server))
    assert target.read_bytes() == DATA
    assert server.asked == [("m.onnx", "bytes=400000-", "")]


def test_a_wrong_beginning_is_fetched_again(server, target):
    with ModelServer({"m.onnx": b"?" * len(DATA)}) as second:
        second.cuts = [400_000] + [0] * 20
        get(target, at(second), at(server))
    assert target.read_bytes() == DATA
    assert [asked[1] for asked in server.asked] == ["bytes=400000-", ""]


def test_a_whole_part_needs_no_more_bytes(server, target):
    target.parent.mkdir()
    target.with_name("m.onnx.part").write_bytes(DATA)
    get(target, at(server))
    assert server.asked == [("m.onnx", f"bytes={len(DATA)}-", "")]
    assert left(target) == ["m.onnx"]


def test_a_part_that_is_too_long_begins_anew(server, target):
    target.parent.mkdir()
    target.with_name("m.onnx.part").write_bytes(DATA + b"more")
    get(target, at(server))
    assert target.read_bytes() == DATA


def test_a_mirror_without_the_file_is_passed_over(server, target):
    fetched = get(target, at(server, "no.onnx"), at(server))
    assert fetched.origin.endswith("/m.onnx")
    assert len(server.asked) == 2


def test_a_busy_server_is_passed_over_at_once_and_asked_again_once_it_sent_something(
    server, target
):
    server.errors = [503]
    with pytest.raises(DownloadError, match="503"):
        get(target, at(server))
    server.cuts, server.errors, server.asked = [500_000], [], []
    get(target, at(server))
    assert target.read_bytes() == DATA


def test_a_silent_server_is_given_up(server, target):
    server.silent = True
    with ModelServer({"m.onnx": DATA}) as second:
        get(target, at(server), at(second), timeout_s=0.2)
    assert target.read_bytes() == DATA


def test_a_dead_server_is_told(target):
    with ModelServer({}) as gone:
        address = gone.address
    with pytest.raises(DownloadError, match=r"cannot be reached.*MASQUERADE_MIRRORS"):
        get(target, Mirror(address=f"{address}/m.onnx"))
    assert left(target) == []


def test_no_mirror_at_all_is_told(target):
    with pytest.raises(DownloadError, match="No mirror is known"):
        get(target)


def test_a_wrong_hash_of_the_publisher_is_deleted_and_the_next_mirror_asked(server, target):
    with ModelServer({"m.onnx": OTHER}) as second:
        with pytest.raises(DownloadError, match=f"{OTHER_SHA256}, not {SHA256}; it was deleted"):
            get(target, at(second), trust=True)  # trust does not help where the publisher speaks
        assert left(target) == []
        get(target, at(second), at(server))
    assert target.read_bytes() == DATA


def test_a_wrong_hash_that_others_reported_is_kept_for_trust(server, target):
    server.files["m.onnx"] = OTHER
    with pytest.raises(DownloadError, match=r"others reported it.*--trust") as told:
        get(target, at(server), verified=False)
    assert OTHER_SHA256 in str(told.value)
    assert not target.exists()
    server.asked = []
    assert get(target, at(server), verified=False, trust=True).sha256 == OTHER_SHA256
    assert target.read_bytes() == OTHER
    assert server.asked[0][1] == f"bytes={len(OTHER)}-", "it was not fetched twice"


def test_too_large_a_file_is_refused(server, target):
    with pytest.raises(DownloadError, match="larger than 1 MB"):
        get(target, at(server), most_bytes=1_000_000)
    assert left(target) == []


def test_a_full_disk_is_told_before_anything_is_written(server, target, monkeypatch):
    monkeypatch.setattr(part_file.shutil, "disk_usage", lambda _: type("D", (), {"free": 10**6}))
    with pytest.raises(OutputError, match=r"1 MB free, and 68 MB are needed"):
        get(target, at(server))
    assert left(target) == []


def test_a_folder_is_a_mirror(target, tmp_path):
    (tmp_path / "m.onnx").write_bytes(DATA)
    fetched = get(target, Mirror(path=tmp_path / "no.onnx"), Mirror(path=tmp_path / "m.onnx"))
    assert fetched.origin == str(tmp_path / "m.onnx")
    assert target.read_bytes() == DATA


def test_the_wrong_file_in_a_folder_of_ones_own_is_no_end(server, target, tmp_path):
    (tmp_path / "m.onnx").write_bytes(OTHER)
    own = Mirror(path=tmp_path / "m.onnx", own=True)
    get(target, own, at(server), verified=False)
    assert target.read_bytes() == DATA


def test_one_file_is_taken_out_of_a_pack(server, target):
    pack = io.BytesIO()
    with zipfile.ZipFile(pack, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("buffalo/other.onnx", OTHER)
        archive.writestr("buffalo/m.onnx", DATA)
    server.files["pack.zip"] = pack.getvalue()
    mirror = Mirror(address=f"{server.address}/pack.zip", member="m.onnx")
    get(target, mirror)
    assert target.read_bytes() == DATA
    assert left(target) == ["m.onnx"]
    target.unlink()
    missing = Mirror(address=f"{server.address}/pack.zip", member="no.onnx")
    damaged = Mirror(address=f"{server.address}/m.onnx", member="m.onnx")
    with pytest.raises(DownloadError, match=r"holds no no\.onnx.*pack cannot be opened"):
        get(target, missing, damaged)
    assert left(target) == []


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_pack_that_is_damaged_within_is_a_sentence(server, target, method):
    pack = io.BytesIO()
    with zipfile.ZipFile(pack, "w", method) as archive:
        archive.writestr("m.onnx", DATA)
    damaged = bytearray(pack.getvalue())
    start = 30 + len("m.onnx")
    damaged[start : start + 8] = b"\xff" * 8
    server.files["pack.zip"] = bytes(damaged)
    with pytest.raises(DownloadError, match="pack"):
        get(target, Mirror(address=f"{server.address}/pack.zip", member="m.onnx"))
    assert left(target) == []


def test_a_redirect_is_followed_with_its_range(server, target):
    server.redirects["old.onnx"] = f"{server.address}/m.onnx"
    server.cuts = [600_000]
    get(target, at(server, "old.onnx"))
    assert target.read_bytes() == DATA
    assert server.asked[-1][1] == "bytes=600000-"


@pytest.mark.parametrize("address", ["http://example.invalid/m.onnx", "ftp://127.0.0.1/m.onnx"])
def test_a_redirect_that_is_not_allowed_is_not_followed(server, target, address):
    server.redirects["old.onnx"] = address
    with pytest.raises(DownloadError, match=r"not encrypted|no https"):
        get(target, at(server, "old.onnx"))


def test_a_folder_that_cannot_be_made_is_told(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        get(tmp_path / "file" / "m.onnx", at(server))
