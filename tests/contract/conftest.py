"""Which servers the contract is held against: our twin always, the real one when it is up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from fixtures.simulators.marquez import door
from fixtures.simulators.marquez.state import Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server under contract."""

    admin_url: str | None
    """None when no admin port is known."""

    api_url: str


@pytest.fixture(
    params=[
        "recorder",
        pytest.param(
            "real",
            marks=pytest.mark.skipif(
                not os.environ.get("MARQUEZ_URL"),
                reason="no real Marquez: set MARQUEZ_URL (and MARQUEZ_ADMIN_URL) to include it",
            ),
        ),
    ],
    scope="module",
)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """One server: the recorder, and a real Marquez when MARQUEZ_URL names one."""
    if request.param == "real":
        yield Target(
            admin_url=os.environ.get("MARQUEZ_ADMIN_URL"),
            api_url=os.environ["MARQUEZ_URL"].rstrip("/"),
        )
        return
    with door.serve(Recorder()) as doors:
        yield Target(admin_url=doors.admin_url, api_url=doors.api_url)


@pytest.fixture
def namespace() -> str:
    """A namespace nobody else uses, so that a shared server is safe to test on."""
    return f"contract-{uuid4().hex}"
