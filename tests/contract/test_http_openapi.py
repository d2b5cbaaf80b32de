"""The OpenAPI document is valid, complete and true: made-up requests get no 5xx and no answer that it lacks."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import validate
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.http_door import bearer, door_at_hand

EXAMPLES = 25  # an operation; `schemathesis run` against a running gateway does as many as one likes

_door = door_at_hand(rate_per_second=100_000, rate_burst=1_000_000, failures_burst=1_000_000)


def document() -> dict[str, Any]:
    found: dict[str, Any] = _door.client.get("/v1/openapi.json").json()
    return found


def without_security() -> dict[str, Any]:
    """For the generator, which would make up tokens of its own: with and without one is the test's business."""
    found = document()
    for operations in found["paths"].values():
        for operation in operations.values():
            del operation["security"]
    return found


schema = schemathesis.openapi.from_dict(without_security())


@pytest.mark.filterwarnings("ignore:Skipped test cases with unsupported payload media types")
@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_to_whatever_is_sent_is_in_the_document(case: schemathesis.Case) -> None:
    """No 5xx, no status, content type, header or body that is not described; without a token always 401."""
    sent = case.as_transport_kwargs(base_url="http://127.0.0.1:8080")
    sent.pop("cookies", None)
    if isinstance(sent.get("data"), (bytes, str)):
        sent["content"] = sent.pop("data")
    method, url = sent.pop("method"), sent.pop("url")
    headers = {**sent.pop("headers", {}), **bearer()}
    answer = _door.client(method, url, headers=headers, **sent)
    # The contract of an event says more than a schema can: what one made up keeps to it by luck alone.
    case.validate_response(answer, excluded_checks=[positive_data_acceptance])
    assert _door.client(method, url, headers={}, **sent).status_code in (401, 405)


def test_the_document_is_valid_and_every_operation_says_what_may_go_wrong() -> None:
    """OpenAPI 3.1; each operation asks for a token, is described, and lists the errors that any request may meet."""
    found = document()
    validate(found)
    assert found["openapi"].startswith("3.1")
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            assert operation["security"] == [{"accessToken": []}], path
            assert operation["description"], path
            lacking = {"401", "429", "503"} - set(operation["responses"])
            assert not lacking, f"{method} {path} lacks {lacking}"
            if "requestBody" in operation:
                assert {"400", "408", "413", "415", "422"} <= set(operation["responses"]), path
