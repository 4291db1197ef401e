"""Signed files of every kind: whole, altered, edited again, by strangers, and not to be signed."""

from __future__ import annotations

import os
import socket
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from signed_files import BESIDE, KINDS, make_file

from masquerade.core.disclosure import Disclosure
from masquerade.core.errors import SigningError
from masquerade.media.output_file import OutputFile
from masquerade.trust.credentials import Credentials
from masquerade.trust.deed import SWAPPED
from masquerade.trust.file_kinds import credentials_type, head_of
from masquerade.trust.inspection import inspect_file
from masquerade.trust.metadata import DIGITAL_SOURCE_TYPE
from masquerade.trust.signing_identity import SigningStore

FLIPS = 10
"""Of one byte each, in each of ten kinds: 100 in all."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_file_says_what_was_done_and_still_opens(tmp_path, store, sign, kind):
    target = make_file(tmp_path / "target.png", seed=1)
    said = {"label": {"style": "small"}, "report": {"made_at": "2026-11-25T12:00:00+00:00"}}
    path = sign(make_file(tmp_path / f"file{kind}"), target=target, statements=said)
    found = inspect_file(path, store=store)
    assert (found.state, found.problems) == ("trusted", ())
    assert found.carrier == ("sidecar" if kind in BESIDE else "file")
    assert found.latest is not None
    assert found.latest.actions == ("c2pa.opened", "c2pa.edited")
    assert found.latest.source_type == DIGITAL_SOURCE_TYPE
    assert found.latest.software.startswith("Masquerade ")
    assert found.latest.signer == "Masquerade installation"
    assert found.latest.statements["label"] == {"style": "small"}
    assert found.latest.when
    if kind in (".mp4", ".mov", ".mkv", ".webm"):
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) == 5
    else:
        with Image.open(path) as picture:
            picture.load()
            assert picture.size == (80, 60)


@pytest.mark.parametrize("kind", KINDS)
def test_one_changed_byte_is_found_every_time(tmp_path, store, sign, kind):
    path = sign(make_file(tmp_path / f"file{kind}"), target=make_file(tmp_path / "target.png"))
    data = path.read_bytes()
    spots = _payload(path, data)
    rng = np.random.default_rng(7)
    for spot in rng.choice(spots, FLIPS, replace=False):
        broken = bytearray(data)
        broken[spot] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        assert inspect_file(path, store=store).state == "altered", (kind, int(spot))
    path.write_bytes(data)
    assert inspect_file(path, store=store).state == "trusted"


def _payload(path: Path, data: bytes) -> np.ndarray:
    """Where the hashed bytes are: all but the manifest and, in MP4, the boxes that may move."""
    if path.suffix in BESIDE:
        return np.arange(len(data))
    if path.suffix in (".mp4", ".mov", ".avif"):
        return np.concatenate([np.arange(*box) for box in _boxes(data)])
    at = data.find(b"jumb")
    length = int.from_bytes(data[at - 4 : at], "big")
    hashed = np.ones(len(data), bool)
    hashed[max(0, at - 64) : at + length + length // 50 + 64] = (
        False  # some formats cut it into blocks
    )
    assert hashed.sum() > 500
    return np.flatnonzero(hashed)


def _boxes(data: bytes) -> list[tuple[int, int]]:
    """The bodies of the boxes of pictures, sound and their index."""
    found, at = [], 0
    while at < len(data):
        size, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if name in (b"moov", b"mdat", b"meta"):
            found.append((at + 8, at + size))
        at += size or len(data)
    return found


def test_bytes_put_behind_a_file_are_found(tmp_path, store, sign):
    for kind in (".jpg", ".png", ".webp", ".mkv"):
        path = sign(make_file(tmp_path / f"file{kind}"))
        with path.open("ab") as file:
            file.write(b"more")
        assert inspect_file(path, store=store).state == "altered", kind


@pytest.mark.parametrize(
    ("first", "second"), [(".jpg", ".png"), (".mp4", ".mp4"), (".mp4", ".mkv"), (".mkv", ".webm"),
                          (".webm", ".mov"), (".gif", ".webm")]
)  # fmt: skip
def test_an_edit_of_an_edit_keeps_the_chain(tmp_path, store, sign, first, second):
    original = make_file(tmp_path / "original.png")
    once = sign(
        make_file(tmp_path / f"once{first}"), target=original, statements={"label": {"style": "a"}}
    )
    twice = sign(make_file(tmp_path / f"twice{second}", seed=2), target=once)
    thrice = sign(make_file(tmp_path / f"thrice{second}", seed=3), target=twice)
    found = inspect_file(thrice, store=store)
    assert found.state == "trusted"
    assert len(found.earlier) == 2
    assert all(edit.actions == ("c2pa.opened", "c2pa.edited") for edit in found.earlier)


def test_what_no_file_was_the_source_of_is_created(tmp_path, store, sign):
    found = inspect_file(sign(make_file(tmp_path / "live.mp4")), store=store)
    assert found.latest is not None
    assert found.latest.actions == ("c2pa.created",)
    assert found.latest.source_type == DIGITAL_SOURCE_TYPE


def test_a_stranger_is_not_trusted_and_not_called_a_forger(tmp_path, store, sign):
    store.identity()
    stranger = SigningStore(tmp_path / "other")
    for kind in (".png", ".mkv"):
        path = sign(make_file(tmp_path / f"file{kind}"), by=stranger)
        assert inspect_file(path, store=store).state == "unknown"
        assert inspect_file(path, store=stranger).state == "trusted"


def test_a_file_of_nobody_has_none(tmp_path, store):
    for kind in KINDS:
        found = inspect_file(make_file(tmp_path / f"file{kind}"), store=store)
        assert (found.state, found.latest) == ("none", None)


def test_a_target_with_broken_credentials_is_edited_all_the_same(tmp_path, store, sign):
    target = sign(make_file(tmp_path / "target.png"))
    data = bytearray(target.read_bytes())
    at = data.find(b"jumb")
    data[at + 4 : at + 200] = os.urandom(196)
    target.write_bytes(data)
    assert inspect_file(target, store=store).state == "altered"
    for kind in (".jpg", ".mkv"):
        path = sign(make_file(tmp_path / f"file{kind}"), target=target)
        assert inspect_file(path, store=store).state == "trusted"


def test_a_file_that_names_credentials_elsewhere_is_not_fetched(tmp_path, store, sign):
    asked = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def listen() -> None:
            try:
                server.accept()
                asked.set()
            except OSError:
                return

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        xmp = (
            '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
            'rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" '
            f'dcterms:provenance="http://127.0.0.1:{port}/m.c2pa"/></rdf:RDF></x:xmpmeta>'
            '<?xpacket end="w"?>'
        )
        target = tmp_path / "target.jpg"
        Image.new("RGB", (32, 32)).save(target, xmp=xmp.encode())
        inspect_file(target, store=store)
        sign(make_file(tmp_path / "out.png"), target=target)
        assert not asked.wait(0.3)
        server.shutdown(socket.SHUT_RDWR)
    thread.join(2)


def test_statements_of_numbers_in_lists_come_back_as_text(tmp_path, store, sign):
    path = sign(make_file(tmp_path / "a.png"), statements={"watermark": {"bits": [1, 0, 1]}})
    found = inspect_file(path, store=store)
    assert found.latest is not None
    assert found.latest.statements["watermark"] == {"bits": ["1", "0", "1"]}


def test_the_type_is_told_by_the_content(tmp_path):
    picture = make_file(tmp_path / "a.png")
    assert credentials_type(head_of(picture.rename(tmp_path / "a.jpg"))) == "image/png"


# What becomes of an output that cannot be signed


def _output(path: Path, seal: Credentials, data: bytes) -> None:
    OutputFile(path, disclosure=Disclosure(b"", seal=seal)).write_whole(data)


def test_an_output_that_cannot_be_signed_is_not_written(tmp_path, store):
    data = make_file(tmp_path / "in.png").read_bytes()
    folder = tmp_path / "out"
    folder.mkdir()
    nonsense = Credentials(None, lambda: {"label": {"style": float("nan")}}, store=store)
    broken = data[:8] + b"\0" * 200
    for seal, content in ((nonsense, data), (Credentials(None, dict, store=store), broken)):
        with pytest.raises(SigningError) as caught:
            _output(folder / "a.png", seal, content)
        assert str(caught.value).count(". ") <= 1
        assert list(folder.iterdir()) == []


def test_a_sidecar_comes_and_goes_with_its_output(tmp_path, store):
    data = make_file(tmp_path / "in.mkv").read_bytes()
    folder = tmp_path / "out"
    folder.mkdir()
    _output(folder / "a.mkv", Credentials(None, dict, store=store), data)
    assert {item.name for item in folder.iterdir()} == {"a.mkv", "a.mkv.credentials.json"}
    before = (folder / "a.mkv.credentials.json").read_bytes()
    late = OutputFile(folder / "b.mkv", disclosure=Disclosure(b"", seal=_seal(store)))
    late.temporary.write_bytes(data)
    (folder / "b.mkv").write_bytes(b"somebody was quicker")
    with pytest.raises(FileExistsError):
        late.commit()
    assert not (folder / "b.mkv.credentials.json").exists()
    again = OutputFile(
        folder / "a.mkv", overwrite=True, disclosure=Disclosure(b"", seal=_seal(store))
    )
    again.temporary.write_bytes(data)
    again.commit()
    assert (folder / "a.mkv.credentials.json").read_bytes() != before
    assert inspect_file(folder / "a.mkv", store=store).state == "trusted"


def _seal(store: SigningStore) -> Credentials:
    return Credentials(None, dict, store=store)


def test_a_recording_that_cannot_be_signed_is_kept_and_said_where(tmp_path, store):
    seal = Credentials(None, lambda: {"label": {"style": float("nan")}}, store=store)
    output = OutputFile(tmp_path / "a.mp4", keep=True, disclosure=Disclosure(b"", seal=seal))
    output.temporary.write_bytes(make_file(tmp_path / "in.mp4").read_bytes())
    with pytest.raises(SigningError, match=output.temporary.name):
        output.commit()
    assert not (tmp_path / "a.mp4").exists()
    assert output.temporary.exists()


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_signed_outputs_have_the_modes_that_others_have(tmp_path, store):
    mask = os.umask(0o022)
    try:
        for kind in (".png", ".mkv"):
            data = make_file(tmp_path / f"in{kind}").read_bytes()
            _output(tmp_path / f"out{kind}", _seal(store), data)
            assert stat.S_IMODE((tmp_path / f"out{kind}").stat().st_mode) == 0o644
        assert stat.S_IMODE((tmp_path / "out.mkv.credentials.json").stat().st_mode) == 0o644
    finally:
        os.umask(mask)


def test_an_expired_certificate_shows(tmp_path, store, sign):
    past = datetime.now(UTC) - timedelta(days=11 * 365)
    store.identity(past)  # made then; its leaf has ended since
    text = store.own_path.read_bytes()
    for kind in (".mkv",):
        seal = Credentials.__new__(Credentials)
        seal._target, seal._statements, seal._store, seal._deed = None, dict, store, SWAPPED
        seal.identity = store._describe(text, own=True)
        path = make_file(tmp_path / f"file{kind}")
        words = seal(path, tmp_path / "unused")
        path.with_name(f"{path.name}.credentials.json").write_bytes(words or b"")
        assert inspect_file(path, store=store).state == "expired"
