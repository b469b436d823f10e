"""What a request may ask for: numbers, words, stamps and ids, and how each is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from fixtures.simulators.marquez import door
from fixtures.simulators.marquez.state import Recorder

NOT_FOUND = {"code": 404, "message": "HTTP 404 Not Found"}
RUN = "/jobs/runs/3f1c0f0e-0000-4000-8000-000000000001"
TIMEOUT_S = 5


@pytest.fixture
def base(recorder: Recorder) -> Iterator[str]:
    """Address of the recorder's API."""
    with door.serve(recorder) as doors:
        yield f"{doors.api_url}/api/v1"


@pytest.mark.parametrize(
    ("target", "status", "body"),
    [
        pytest.param("/jobs?limit=x", 404, NOT_FOUND, id="word-for-number"),
        pytest.param("/jobs?limit=+5", 404, NOT_FOUND, id="plus-is-space"),
        pytest.param("/jobs?limit=2147483648", 404, NOT_FOUND, id="33-bits"),
        pytest.param("/jobs?limit=\u0663", 404, NOT_FOUND, id="digit-of-another-script"),
        pytest.param("/jobs/runs/x", 404, NOT_FOUND, id="no-uuid"),
        pytest.param("/namespaces/a%20b/jobs", 404, NOT_FOUND, id="illegal-namespace"),
        pytest.param("/lineage?nodeId=x", 404, NOT_FOUND, id="no-node"),
        pytest.param(
            "/jobs?limit=-1&offset=-2",
            400,
            {
                "errors": [
                    "query param limit must be greater than or equal to 0",
                    "query param offset must be greater than or equal to 0",
                ]
            },
            id="both-negative",
        ),
        pytest.param(
            "/jobs?lastRunStates=GONE",
            400,
            {
                "code": 400,
                "message": "query param lastRunStates must be one of "
                "[NEW, RUNNING, COMPLETED, ABORTED, FAILED]",
            },
            id="unknown-state",
        ),
        pytest.param(
            f"{RUN}/facets",
            400,
            {"errors": ["query param type must not be null"]},
            id="no-type",
        ),
        pytest.param(
            "/search?q=%20", 400, {"errors": ["query param q must not be blank"]}, id="blank"
        ),
        pytest.param(
            "/events/lineage?before=soon",
            400,
            {"code": 400, "message": "Parameter is invalid: Text 'soon' could not be parsed"},
            id="no-stamp",
        ),
        pytest.param(
            "/lineage?nodeId=job:x",
            500,
            {"code": 500, "message": "There was an error processing your request."},
            id="node-cut-short",
        ),
    ],
)
def test_refused(base: str, target: str, status: int, body: dict[str, object]) -> None:
    """What does not fit is answered as the service's framework does."""
    answer = requests.get(f"{base}{target}", timeout=TIMEOUT_S)
    assert (answer.status_code, answer.json()) == (status, body)


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/jobs?limit=", id="empty-number"),
        pytest.param("/jobs?limit=2147483647", id="largest-number"),
        pytest.param(
            "/jobs?lastRunStates=completed&lastRunStates=FAILED", id="states-in-any-case"
        ),
        pytest.param("/jobs/", id="slash-at-the-end"),
        pytest.param("/events/lineage?before=2026-11-22T01:00:00%2B01:00", id="offset"),
        pytest.param("/events/lineage?sortDirection=ASC", id="direction-in-any-case"),
        pytest.param("/search?q=a&filter=dataset", id="filter-in-any-case"),
    ],
)
def test_taken(base: str, target: str) -> None:
    """What fits is answered."""
    assert requests.get(f"{base}{target}", timeout=TIMEOUT_S).status_code == 200
