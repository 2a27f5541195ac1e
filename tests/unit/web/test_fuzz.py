"""The API against its own description, with everything that a generator can think of: no 5xx but 503."""

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.unit.web.conftest import Server

ROUNDS = 25


def test_schemathesis(server: Server) -> None:
    schema = schemathesis.openapi.from_url(f"{server.client.base_url}/api/v1/openapi.json")
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/live"):
            continue  # an endless stream; test_api reads it

        @settings(max_examples=ROUNDS, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def fuzz(case: schemathesis.Case) -> None:
            nonlocal tried
            tried += 1
            answer = case.call()
            assert answer.status_code < 500 or answer.status_code == 503, answer.text
            case.validate_response(answer, checks=[status_code_conformance, response_schema_conformance])

        schemathesis_test(operation, fuzz)
    assert tried > 100
    assert server.client.get("/ready").status_code == 200


def schemathesis_test(operation: schemathesis.schemas.APIOperation, fuzz: object) -> None:
    from hypothesis import given

    given(case=operation.as_strategy())(fuzz)()
