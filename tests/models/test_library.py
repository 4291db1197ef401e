"""Models come into the library, are found there, checked and removed."""

from __future__ import annotations

import json
import shutil
import threading

import pytest

from masquerade.core.errors import LicenceError, ModelError, OutputExistsError
from masquerade.models.kept_document import locked
from masquerade.models.library import Library
from masquerade.models.licences import Licences
from masquerade.runtime.file_hash import hash_file
from masquerade.testing.networks.functional import write_functional


@pytest.fixture
def library(tmp_path) -> Library:
    library = Library(tmp_path / "models", Licences(tmp_path / "home"))
    for name in ("inswapper_128", "codeformer", "gfpgan_1.4"):
        library.licences.accept(library.spec(name))
    return library


@pytest.fixture
def brought(tmp_path):
    return write_functional("inswapper_128", tmp_path / "brought")


def test_what_is_not_here_is_told_with_the_command(library):
    assert library.installed() == ()
    assert library.find("inswapper_128") is None
    with pytest.raises(ModelError, match="masquerade models pull inswapper_128"):
        library.path("inswapper_128")
    with pytest.raises(ModelError, match="There is no model 'x'"):
        library.path("x")


def test_a_file_is_taken_in(library, brought):
    here = library.import_file(brought)
    path = library.path("inswapper_128")
    assert path.read_bytes() == brought.read_bytes()
    assert path.parent == library.folder / "inswapper_128"
    assert library.sha256(path) == hash_file(brought)
    assert library.installed() == (here,)
    assert (here.main.trust, here.main.precision) == ("user", "fp32")
    assert library.variants("inswapper_128") == {"fp32": path}
    kept = {p.name for p in path.parent.iterdir()}
    assert kept == {"inswapper_128.fp32.onnx", "installed.json", "installed.json.lock"}


def test_without_the_licence_nothing_is_taken_in_or_given_out(library, brought, tmp_path):
    strange = Library(library.folder, Licences(tmp_path / "other home"))
    with pytest.raises(LicenceError):
        strange.import_file(brought)
    assert not library.folder.exists()
    library.import_file(brought)
    for use in (strange.path, strange.variants, strange.get):
        with pytest.raises(LicenceError):
            use("inswapper_128")


def test_a_link_leaves_the_file_where_it_is(library, brought):
    library.import_file(brought, link=True)
    assert library.path("inswapper_128").is_symlink()
    library.remove("inswapper_128")
    assert brought.exists()


def test_nothing_is_replaced_unasked(library, brought, tmp_path):
    library.import_file(brought)
    library.import_file(brought)  # the same once more is nothing new
    other = tmp_path / "inswapper_128.onnx"
    shutil.copy(brought, other)
    with other.open("ab") as file:
        file.write(b"\x12\x01x")  # the producer's name: another file, the same network
    with pytest.raises(OutputExistsError, match="--overwrite"):
        library.import_file(other)
    assert library.path("inswapper_128").read_bytes() == brought.read_bytes()
    library.import_file(other, overwrite=True)
    assert library.path("inswapper_128").read_bytes() == other.read_bytes()


def test_a_file_that_could_be_several_needs_a_name(library, tmp_path):
    path = write_functional("gfpgan_1.4", tmp_path).rename(tmp_path / "x.onnx")
    with pytest.raises(ModelError, match=r"could be gfpgan_1.2.*--as NAME"):
        library.import_file(path)
    assert library.import_file(path, "gfpgan_1.4").name == "gfpgan_1.4"
    with pytest.raises(ModelError, match="is not codeformer"):
        library.import_file(path, "codeformer")


def test_variants_are_found_by_precision(library, brought, tmp_path):
    library.import_file(brought)
    made = tmp_path / "made.onnx"
    shutil.copy(brought, made)
    path = library.add_variant("inswapper_128", "int8", made)
    assert not made.exists()
    assert library.variants("inswapper_128") == {
        "fp32": library.path("inswapper_128"),
        "int8": path,
    }
    assert library.path("inswapper_128") != path
    assert len(library.verify("inswapper_128")) == 2
    with pytest.raises(ModelError, match="not installed"):
        library.add_variant("codeformer", "int8", path)


def test_a_changed_byte_is_found(library, brought):
    library.import_file(brought)
    assert [verdict.right for verdict in library.verify("inswapper_128")] == [True]
    path = library.path("inswapper_128")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert [verdict.right for verdict in library.verify("inswapper_128")] == [False]


def test_a_removed_model_is_gone(library, brought):
    library.import_file(brought)
    assert library.remove("inswapper_128") >= brought.stat().st_size
    assert not (library.folder / "inswapper_128").exists()
    assert library.find("inswapper_128") is None
    with pytest.raises(ModelError, match="not installed"):
        library.remove("inswapper_128")


def test_a_file_that_was_deleted_by_hand_is_not_installed(library, brought):
    library.import_file(brought)
    library.path("inswapper_128").unlink()
    assert library.installed() == ()
    library.import_file(brought)
    assert library.path("inswapper_128").is_file()


@pytest.mark.parametrize("damage", ["{", '{"version": 9}', '{"files": [{"name": "x"}]}', "escape"])
def test_a_damaged_record_is_told_and_can_be_removed(library, brought, damage):
    library.import_file(brought)
    record = library.folder / "inswapper_128" / "installed.json"
    if damage == "escape":  # a record must not lead out of its folder
        document = json.loads(record.read_text())
        document["files"][0]["name"] = "../../etc/passwd"
        damage = json.dumps(document)
    record.write_text(damage)
    for use in (library.path, library.verify):
        with pytest.raises(ModelError, match="masquerade models remove inswapper_128"):
            use("inswapper_128")
    library.remove("inswapper_128")
    library.import_file(brought)


def test_a_shared_folder_may_be_moved_as_it_is(library, brought, tmp_path):
    library.import_file(brought)
    shutil.copytree(library.folder, tmp_path / "elsewhere")
    moved = Library(tmp_path / "elsewhere", library.licences)
    assert moved.path("inswapper_128").read_bytes() == brought.read_bytes()


def test_a_lock_lets_one_in_at_a_time(tmp_path):
    inside, most, waited = [0], [0], []

    def work() -> None:
        for _ in range(5):
            with locked(tmp_path / "x.lock", lambda: waited.append(True)):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                threading.Event().wait(0.01)
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert waited
