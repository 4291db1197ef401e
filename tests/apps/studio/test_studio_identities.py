"""The shelf of donors: photos good and bad, consent, and what becomes of it all."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
from PIL import Image, ImageFilter
from studio_client import client_at

from masquerade.apps.studio.shelf import Shelf
from masquerade.core.errors import (
    ConsentError,
    GuardianError,
    InputError,
    LockedFaceError,
    MissingInputError,
    NoFaceInDonorError,
    OutputError,
)
from masquerade.engine import Engine
from masquerade.engine.locked_faces import lock_face
from masquerade.stages.identity import Identity
from masquerade.trust.consent import basis_of, fingerprint
from masquerade.trust.deny_list import DenyList
from masquerade.trust.register import ConsentRegister

UNKNOWN = "f" * 20


@pytest.fixture
def studio(configure):
    with client_at(configure()) as client:
        yield client


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "shelf")


@pytest.fixture(scope="session")
def blurred(tmp_path_factory, mona):
    path = tmp_path_factory.mktemp("photos") / "blurred.jpg"
    small = Image.open(mona).convert("RGB")
    small.thumbnail((900, 900))
    small.filter(ImageFilter.GaussianBlur(4)).save(path)
    return path


def test_a_donor_of_several_photos_each_with_its_advice(studio, mona, blurred, nobody, tmp_path):
    ids = [studio.upload(path) for path in (mona, blurred, nobody)]
    body = {"name": "  Mona ", "uploads": ids, "consent": "public-domain"}
    made = studio.ask("POST", "/identities", 201, json=body)
    good, bad, none = made.pop("looked_at")
    assert [photo["upload"] for photo in (good, bad, none)] == ids
    assert good["quality"] > bad["quality"] > none["quality"] == 0
    assert [good["used"], bad["used"], none["used"]] == [True, True, False]
    assert any("blurred" in text for text in bad["advice"])
    assert none["advice"][0].startswith("coffee.png shows no face")
    assert (made["name"], made["photos"], made["consent"]) == ("Mona", 2, "public-domain")
    assert made["quality"] == good["quality"]
    assert studio.ask("GET", "/identities") == [made]
    thumbnail = studio.ask("GET", f"/identities/{made['id']}/thumbnail")
    assert thumbnail.headers["content-type"] == "image/jpeg"
    file = studio.ask("GET", f"/identities/{made['id']}/file")
    assert 'filename="Mona.mqid"' in file.headers["content-disposition"]
    (tmp_path / "mona.mqid").write_bytes(file.content)
    assert Identity.load(tmp_path / "mona.mqid").photos == 2


def test_consent_is_asked_for_and_remembered_as_the_command_line_does(studio, mona, run, tmp_path):
    body = {"name": "Mona", "uploads": [studio.upload(mona)]}
    refused = studio.ask("POST", "/identities", 403, json=body)
    assert refused["code"] == "consent"
    assert studio.ask("GET", "/identities") == []
    studio.ask("POST", "/identities", 422, json={**body, "consent": "because"})
    studio.ask("POST", "/identities", 201, json={**body, "consent": "public-domain"})
    known = ConsentRegister().find(fingerprint([mona.read_bytes()]))
    assert (known.name, known.basis) == ("Mona", "public-domain")
    assert studio.ask("POST", "/identities", 201, json=body)["consent"] == "public-domain"
    # The command line does not ask again.
    output = tmp_path / "out.png"
    assert run("swap", "-s", mona, "-t", mona, "-o", output).code == 0


def test_renaming_adding_photos_and_deleting(studio, mona, blurred, nobody):
    donor = studio.donor(mona)
    before = studio.ask("GET", f"/identities/{donor}/file").content
    assert studio.ask("PATCH", f"/identities/{donor}", json={"name": "Lisa"})["name"] == "Lisa"
    path, uploads = f"/identities/{donor}/photos", {"uploads": [studio.upload(nobody)]}
    refused = studio.ask("POST", path, 422, json=uploads)
    assert refused["code"] == "no_face_in_donor"
    assert studio.ask("GET", f"/identities/{donor}/file").content == before
    more = studio.ask("POST", path, json={"uploads": [studio.upload(blurred)]})
    assert (more["photos"], more["name"]) == (2, "Lisa")
    assert len(more["looked_at"]) == 1
    assert studio.ask("GET", f"/identities/{donor}/file").content != before
    studio.ask("DELETE", f"/identities/{donor}", 204)
    for method, path in (
        ("GET", f"/identities/{donor}/file"),
        ("DELETE", f"/identities/{donor}"),
        ("GET", f"/identities/{UNKNOWN}/thumbnail"),
    ):
        assert studio.ask(method, path, 404)["code"] == "missing_input"


def test_a_film_or_a_text_is_no_photo(studio, mona, tmp_path):
    body = {"name": "x", "uploads": [UNKNOWN], "consent": "self"}
    assert studio.ask("POST", "/identities", 404, json=body)["code"] == "missing_input"
    studio.ask("POST", "/identities", 422, json={**body, "uploads": []})
    studio.ask("POST", "/identities", 422, json={**body, "uploads": ["../../x"]})
    studio.ask("POST", "/identities", 422, json={**body, "name": " "})


def test_a_donor_is_kept_for_the_engine_with_its_ground(shelf, mona, astronaut):
    kept = shelf.make("Mona", [("mona.jpg", mona)], "public-domain")
    identity, said = Shelf(kept.folder.parent).donor(kept.id)
    assert basis_of(said) == "public-domain"
    assert said.identity == identity.fingerprint
    assert identity.name == "Mona"
    with Engine(kept.file) as engine:
        assert engine.swap_picture(np.asarray(Image.open(astronaut).convert("RGB")))[
            1
        ].faces_swapped


def test_a_donor_whose_consent_was_revoked_is_drawn_no_more(shelf, mona):
    kept = shelf.make("Mona", [("mona.jpg", mona)], "public-domain")
    assert ConsentRegister().forget(kept.statement)
    with pytest.raises(ConsentError, match="revoked"):
        shelf.donor(kept.id)
    shelf.make("Mona again", [("mona.jpg", mona)], "public-domain")
    assert basis_of(shelf.donor(kept.id)[1]) == "public-domain"


def test_a_donor_who_looks_young_needs_an_answer(shelf, mona, monkeypatch):
    monkeypatch.setattr("masquerade.trust.minors.ADULT_YEARS", 60.0)
    with pytest.raises(GuardianError, match="Mona looks under 18"):
        shelf.make("Mona", [("mona.jpg", mona)], "public-domain")
    assert shelf.all() == []
    kept = shelf.make("Mona", [("mona.jpg", mona)], "public-domain", "adult")
    assert shelf.donor(kept.id)[1].guardian == "adult"


def test_a_locked_face_is_not_enrolled(shelf, mona):
    locked = lock_face(mona, "Lisa")
    try:
        with pytest.raises(LockedFaceError, match="Lisa"):
            shelf.make("Mona", [("mona.jpg", mona)], "public-domain")
    finally:
        DenyList().remove(locked.id)
    assert shelf.all() == []


def test_everything_of_a_donor_is_for_this_user_alone_and_goes_when_it_is_deleted(shelf, mona):
    kept = shelf.make("Mona", [("mona.jpg", mona)], "public-domain")
    assert kept.folder.stat().st_mode & 0o077 == 0
    assert (kept.folder / "photo-0").read_bytes() == mona.read_bytes()
    shelf.remove(kept.id)
    assert not kept.folder.exists()


def test_what_cannot_be_enrolled_leaves_nothing(shelf, nobody, mona):
    with pytest.raises(NoFaceInDonorError, match=r"cup\.png shows no face"):
        shelf.make("x", [("cup.png", nobody)], "self")
    with pytest.raises(ConsentError, match="state one of self"):
        shelf.make("x", [("mona.jpg", mona)], None)
    with pytest.raises(InputError, match="at most 16"):
        shelf.make("x", [("mona.jpg", mona)] * 17, "self")
    assert shelf.all() == []
    assert not [path for path in shelf._folder.iterdir() if path.is_dir()]


def test_damaged_facts_hide_one_donor_not_all(shelf, mona):
    good = shelf.make("good", [("mona.jpg", mona)], "public-domain")
    bad = shelf.make("bad", [("mona.jpg", mona)], None)
    (bad.folder / "facts.json").write_text(json.dumps({"name": 1}))
    assert [kept.name for kept in shelf.all()] == ["good"]
    with pytest.raises(InputError, match="damaged"):
        shelf.find(bad.id)
    for name in ("..", "../shelf", good.id + "/../" + good.id, ""):
        with pytest.raises(MissingInputError):
            shelf.find(name)


def test_a_shelf_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        Shelf(tmp_path / "file" / "shelf")


def test_photos_that_are_added_at_once_are_all_kept(shelf, mona, blurred):
    kept = shelf.make("Mona", [("mona.jpg", mona)], "public-domain")
    threads = [
        threading.Thread(target=shelf.add_photos, args=(kept.id, [(f"{n}.jpg", blurred)]))
        for n in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [photo.name for photo in shelf.find(kept.id).photos]
    assert sorted(names) == ["0.jpg", "1.jpg", "mona.jpg"]
    assert Identity.load(kept.file).photos == 3
