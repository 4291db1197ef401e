"""A job refuses what a command refuses, and heeds what was revoked while it waited."""

from __future__ import annotations

import dataclasses

import pytest

from masquerade.apps.jobs.job import JobSpec
from masquerade.apps.jobs.work import do_job
from masquerade.core.errors import ConsentError, ContentError, GuardianError, LockedFaceError
from masquerade.engine.locked_faces import lock_face
from masquerade.models.content import ContentNetwork
from masquerade.stages.identity import Identity
from masquerade.trust import minors
from masquerade.trust.consent import ensure_consent, fingerprint
from masquerade.trust.inspection import inspect_file
from masquerade.trust.register import ConsentRegister


@pytest.fixture
def spec(mona, astronaut, tmp_path):
    key = fingerprint([mona.read_bytes()])
    identity = Identity.from_photos(mona)
    ensure_consent(ConsentRegister(), key, "Mona", "given", identity=identity.fingerprint)
    return JobSpec(
        name="astronaut.png",
        target=astronaut,
        output=tmp_path / "result.png",
        donors={"Mona": (mona,)},
        consents={"Mona": "given"},
        statements={"Mona": key},
    )


def done(spec):
    report = do_job(spec, lambda _progress: None)
    assert spec.output.exists()
    return report


def refused(spec, kind):
    with pytest.raises(kind) as caught:
        do_job(spec, lambda _progress: None)
    assert not spec.output.exists()
    return str(caught.value)


def test_what_was_said_is_signed(spec, mona):
    assert done(JobSpec.from_json(spec.to_json())).faces_swapped == 1
    statements = inspect_file(spec.output).latest.statements
    (said,) = statements["consent"]["statements"]
    assert said["identity"] == Identity.from_photos(mona).fingerprint
    assert statements["content"]["checked"] is True
    assert len(statements["audit"]["entry"]) == 64


def test_a_job_whose_donor_was_revoked_is_not_done(spec):
    ConsentRegister().forget(spec.statements["Mona"])
    assert "Mona was revoked" in refused(spec, ConsentError)


def test_the_content_check_refuses(spec, monkeypatch):
    monkeypatch.setattr(ContentNetwork, "score", lambda _self, _crop: 0.9)
    refused(spec, ContentError)


def test_a_locked_face_is_refused(spec, mona):
    lock_face(mona, "Lisa")
    refused(spec, LockedFaceError)


def test_a_guardian_is_asked_for_donor_and_target(spec, monkeypatch):
    monkeypatch.setattr(minors, "ADULT_YEARS", 100.0)
    assert "The donor Mona" in refused(spec, GuardianError)
    ensure_consent(ConsentRegister(), spec.statements["Mona"], "Mona", guardian="agreed")
    assert "A face of the target" in refused(spec, GuardianError)
    done(dataclasses.replace(spec, guardian="adult"))
    statement = inspect_file(spec.output).latest.statements["consent"]
    assert statement["guardian_of_target"] == "adult"
    assert statement["statements"][0]["guardian"] == "agreed"
