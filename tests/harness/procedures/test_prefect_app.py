"""The embedded server's one addition: a time when to ask again, where it says that it is busy."""

from __future__ import annotations

import asyncio

import pytest

from fixtures.procedures import prefect_app
from fixtures.procedures.prefect_app import Message

GIVEN = [(b"content-type", b"application/json")]


def answered(*messages: Message, kind: str = "http") -> list[Message]:
    """What a caller hears when an application sends these messages."""
    heard: list[Message] = []

    async def theirs(scope: Message, receive: object, send: prefect_app.Send) -> None:
        assert scope["type"] == kind
        for message in messages:
            await send(message)

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        heard.append(message)

    asyncio.run(prefect_app.soon(theirs)({"type": kind, "path": "/"}, receive, send))
    return heard


@pytest.mark.parametrize(
    ("status", "added"), [(503, [(b"retry-after", b"0.5")]), (200, []), (500, []), (404, [])]
)
def test_only_a_busy_answer_names_a_time(status: int, added: list[tuple[bytes, bytes]]) -> None:
    """Beside the headers it has; its body is left alone."""
    body = {"type": "http.response.body", "body": b"{}"}
    heard = answered({"type": "http.response.start", "status": status, "headers": GIVEN}, body)
    assert heard == [
        {"type": "http.response.start", "status": status, "headers": GIVEN + added},
        body,
    ]


def test_whatever_is_no_answer_passes() -> None:
    """Starting up, and events over a socket."""
    ready = {"type": "lifespan.startup.complete"}
    assert answered(ready, kind="lifespan") == [ready]


def test_a_second_refusal_in_a_row_names_none() -> None:
    """Five quick tries would be over in seconds: then its clients wait as they always did."""
    began = {"type": "http.response.start", "status": 503}
    named = [
        len(each["headers"])
        for each in answered(began, dict(began), {**began, "status": 200}, dict(began))
        if "headers" in each
    ]
    assert named == [1, 1]
