"""Whatever is sent to the API: no 5xx, answers as the OpenAPI document promises, nothing half done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from whiteslip.day import every_violation
from whiteslip.store.database import journal_head

from .conftest import application, with_key

if TYPE_CHECKING:
    from whiteslip.store import Database

QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]

# What is guessed wrong is counted.
COUNTING = {
    "POST /v1/identity-checks/{customer_id}/verify",
    "POST /v1/customers/{customer_id}/contact/confirm",
}


def test_whatever_is_sent_the_contract_holds(db: Database):
    app = application(db)
    headers = {"Authorization": f"Bearer {with_key(db)}"}
    schema: Any = schemathesis.openapi.from_asgi("/api/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 20
    for operation in operations:
        _hold(operation, headers, db)
    with db.transaction() as tx:
        assert every_violation(tx) == []


def _hold(operation: Any, headers: dict[str, str], db: Database) -> None:
    @settings(max_examples=15, deadline=None, database=None, suppress_health_check=QUIET)
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        before = _written(db)
        answer = case.call_and_validate(headers=headers, checks=CHECKS)
        if answer.status_code >= 400:
            assert answer.json()["code"]
            if operation.label not in COUNTING:
                assert _written(db) == before, "a refusal writes nothing"

    check()


def _written(db: Database) -> int:
    """Rows of the journal: each act writes one, in its own transaction."""
    with db.transaction() as tx:
        return journal_head(tx)[0]
