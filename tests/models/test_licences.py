"""Nobody uses a model whose terms were not accepted."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime

import pytest

from masquerade.core.errors import LicenceError, OutputError
from masquerade.models.catalogue import catalogue, find_spec
from masquerade.models.licences import Licences, terms_of

SPEC = find_spec("inswapper_128")


def test_a_licence_is_asked_for_once(tmp_path):
    licences = Licences(tmp_path)
    assert not licences.accepted(SPEC)
    with pytest.raises(LicenceError) as told:
        licences.require(SPEC)
    assert "non-commercial" in str(told.value)
    assert "masquerade models pull inswapper_128 --accept-licence" in str(told.value)
    assert told.value.exit_code == 7
    licences.accept(SPEC)
    Licences(tmp_path).require(SPEC)
    assert not licences.accepted(find_spec("w600k_r50"))


def test_date_and_hash_of_the_words_are_kept(tmp_path):
    Licences(tmp_path).accept(SPEC)
    Licences(tmp_path).accept(find_spec("codeformer"))
    document = json.loads((tmp_path / "licences.json").read_text("utf-8"))
    assert sorted(document["accepted"]) == ["codeformer", "inswapper_128"]
    entry = document["accepted"]["inswapper_128"]
    assert datetime.fromisoformat(entry["accepted_at"]).tzinfo is not None
    assert len(entry["terms_sha256"]) == 64
    assert entry["licence"] == SPEC.licence


def test_other_words_are_asked_for_again(tmp_path):
    licences = Licences(tmp_path)
    licences.accept(SPEC)
    assert not licences.accepted(dataclasses.replace(SPEC, licence="Something else"))
    assert not licences.accepted(dataclasses.replace(SPEC, commercial=True))
    assert licences.accepted(dataclasses.replace(SPEC, note="Something else"))


def test_non_commercial_is_said_plainly():
    for spec in catalogue().values():
        assert ("non-commercial" in terms_of(spec).lower()) or spec.commercial
        assert spec.licence_url in terms_of(spec)


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 2}', '{"accepted": 1}', "\udcff"])
def test_a_damaged_list_is_left_as_it_is(tmp_path, text):
    path = tmp_path / "licences.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    before = path.read_bytes()
    for ask in (Licences(tmp_path).accepted, Licences(tmp_path).accept):
        with pytest.raises(LicenceError, match=r"licences\.json cannot be read"):
            ask(SPEC)
    assert path.read_bytes() == before


def test_a_list_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="MASQUERADE_HOME"):
        Licences(tmp_path / "file").accept(SPEC)
