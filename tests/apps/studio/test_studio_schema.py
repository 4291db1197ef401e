"""The interface keeps to its own description, whatever is sent: attacked by its schema.

Every route of every router is here, since the description is that of the whole application.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from studio_harness import BEARER, TOKEN

from masquerade.apps.studio.app import create_app
from masquerade.apps.studio.config import Limits, StudioConfig

_PLENTY = Limits(
    requests_per_s=1e6, request_burst=10**6, all_requests_per_s=1e6, all_request_burst=10**6
)
_ATTACK = settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=True,
)
PORTRAIT = Path(__file__).parents[2] / "media" / "mona_lisa.jpg"
# Some of what fits the description makes no sense, such as an id of nothing; and what is added to
# a request is ignored, so that old servers understand new clients.
_EXCLUDED = [positive_data_acceptance, negative_data_rejection]
_ENDLESS = {"/api/v1/jobs/events"}  # server-sent events: read by a test of their own


@pytest.fixture
def app(tmp_path):
    folder = tmp_path / "studio"
    config = StudioConfig(
        folder=folder, token=TOKEN, port=0, limits=_PLENTY, allow_hosts=("testserver",)
    )
    app = create_app(config)
    yield app
    app.state.services.close()


def operations_of(app) -> list[schemathesis.APIOperation]:
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers=dict(BEARER))
    found = [result.ok() for result in schema.get_all_operations()]
    return [operation for operation in found if operation.path not in _ENDLESS]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_described(app, mode):
    operations = operations_of(app)
    assert len(operations) >= 8
    for operation in operations:

        @given(case=operation.as_strategy(generation_mode=mode))
        @_ATTACK
        def attack(case):
            response = case.call(headers=dict(BEARER))
            assert response.status_code < 500, (case.operation.label, response.text)
            case.validate_response(response, excluded_checks=_EXCLUDED)
            if response.status_code >= 400:
                told = response.json()
                assert told["status"] == response.status_code
                assert told["detail"].count(" ") > 3, "no sentence"

        try:
            attack()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, operation.label


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_what_is_asked_of_a_real_upload_is_answered(app, mode):
    """As above, with the id of an upload that is there: most answers are no refusals then."""
    with app.state.services.uploads.begin("lisa.jpg") as arrival:
        arrival.write(PORTRAIT.read_bytes())
        upload_id = arrival.finish().id
    operations = [
        operation
        for operation in operations_of(app)
        if "{upload_id}" in operation.path and operation.method == "get"
    ]
    assert len(operations) >= 4
    statuses = set()
    for operation in operations:

        @given(case=operation.as_strategy(generation_mode=mode))
        @_ATTACK
        def attack(case):
            case.path_parameters = {"upload_id": upload_id}
            response = case.call(headers=dict(BEARER))
            statuses.add(response.status_code)
            assert response.status_code < 500, (case.operation.label, response.text)
            case.validate_response(response, excluded_checks=_EXCLUDED)

        attack()
    assert 200 in statuses


def test_every_operation_has_a_name_and_a_summary(app):
    operations = operations_of(app)
    names = [operation.definition.raw["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    for operation in operations:
        assert operation.definition.raw["summary"], operation.label
        assert operation.definition.raw["description"], operation.label
