"""The channel against its twin: one message per run, its report below it, nothing called by it."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.clients.slack import Slack
from fixtures.core import errors
from fixtures.publishing import journal, mrkdwn
from fixtures.publishing.channel import Channel
from fixtures.publishing.told import Told
from fixtures.simulators.cluster.serving import Serving
from fixtures.simulators.slack.door import SlackApp
from fixtures.simulators.slack.workspace import Workspace
from tests.harness.publishing.test_issue import Clock
from tests.harness.publishing.test_message import HOSTILE, RUN, a_guardrail, a_story

NAME = "#staging-readiness"
REPORT = b"<!DOCTYPE html><html><body>the report</body></html>"


@pytest.fixture
def workspace() -> Workspace:
    """Twin of a workspace with the channel, the bot invited."""
    return Workspace()


@pytest.fixture
def clock() -> Clock:
    """Time that passes when somebody sleeps."""
    return Clock()


@pytest.fixture
def channel(workspace: Workspace, clock: Clock) -> Iterator[Channel]:
    """Notifier of the twin, served for one test."""
    serving = Serving(SlackApp(workspace), name="Slack of a test")
    api_url = f"{serving.start()}/api"
    yield Channel(
        slack=Slack(token=workspace.token, api_url=api_url, clock=clock, timeout_s=2),
        channel=NAME,
        mentions={"qa": "S0QA00001", "engineering": "U0ENG0001"},
    )
    serving.stop()


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """A bundle with its report, below an evidence root."""
    folder = tmp_path / "marquez" / "20261122T080000Z"
    folder.mkdir(parents=True)
    (folder / "report.html").write_bytes(REPORT)
    return Told(
        folder=folder,
        manifest=a_story().manifest,
        manifest_sha256="ab" * 32,
        signed_by="",
        bucket_url="https://bucket.example.org/marquez/20261122T080000Z/",
    )


def shown(workspace: Workspace) -> str:
    (post,) = workspace.posts
    return "\n".join(each["text"]["text"] for each in post.blocks)


def test_the_message_says_what_matters(channel: Channel, workspace: Workspace, told: Told) -> None:
    """Outcome, mode, owners called by their ids, what broke, link, digest, command, report."""
    channel.tell(told)
    text = shown(workspace)
    for said in (
        "🔴 marquez: FAILED, 1 deviation",
        "*Mode:* live",
        "<!subteam^S0QA00001> (`QA (primary)`), <@U0ENG0001> (`Engineering (support)`)",
        "✗ *`marquez.run-completed`* (must) broke",
        "expected: exactly one run and it is COMPLETED\nobserved: 212 runs; ours is FAILED",
        "<https://bucket.example.org/marquez/20261122T080000Z/>",
        "`rehearsal verify marquez/20261122T080000Z --live`",
        f"`sha256:{'ab' * 32}, unsigned`",
    ):
        assert said in text
    (post,), (file,) = workspace.posts, workspace.files.values()
    assert (file.channel, file.thread_ts) == (post.channel, post.ts)
    assert (file.name, file.content) == ("marquez-20261122T080000Z.html", REPORT)


@pytest.mark.parametrize("memory", ["journal", "history"])
def test_a_run_has_one_message(
    channel: Channel, workspace: Workspace, told: Told, memory: str
) -> None:
    """Three times told, on this machine or others: one message, one file."""
    before = ""
    for _ in range(3):
        got = channel.tell(replace(told, before=before))
        before = got if memory == "journal" else ""
    assert len(workspace.posts) == len(workspace.files) == 1
    assert got == f"C0READY001/{workspace.posts[0].ts}/{next(iter(workspace.files))}"


def test_the_journal_is_enough(channel: Channel, workspace: Workspace, told: Told) -> None:
    """A bot that may only write looks into no channel, and still tells once."""
    workspace.scopes -= {"channels:read", "channels:history"}
    got = channel.tell(told)
    changed = {**told.manifest, "deviations": []}
    assert channel.tell(replace(told, manifest=changed, before=got)) == got
    assert len(workspace.posts) == 1
    assert "🔴 marquez: FAILED\n" in shown(workspace)


def test_a_private_channel_is_told_too(channel: Channel, workspace: Workspace, told: Told) -> None:
    """No list shows it: by its name the journal keeps it to one, by its id the history does."""
    workspace.private.add("C0READY001")
    got = channel.tell(told)
    channel.tell(replace(told, before=got))
    replace(channel, channel="C0READY001").tell(told)
    assert len(workspace.posts) == len(workspace.files) == 1


def test_ours_is_found_among_many(channel: Channel, workspace: Workspace, told: Told) -> None:
    """On a later page of the history, with other runs' messages around it."""
    channel.tell(told)
    other = {"event_type": "staging_evidence", "event_payload": {"run_id": "another"}}
    for _ in range(450):
        workspace.post("C0READY001", "x", [], other)
    channel.tell(told)
    assert len(workspace.posts) == 451


def test_an_answer_that_never_came_is_not_sent_again(
    channel: Channel, workspace: Workspace, told: Told
) -> None:
    """The message is there: said as unknown, and the next publishing finds and completes it."""
    workspace.faults.hang_up_after.append("chat.postMessage")
    with pytest.raises(errors.SystemUnreachable):
        channel.tell(told)
    assert workspace.calls.count("chat.postMessage") == 1
    channel.tell(told)
    assert len(workspace.posts) == len(workspace.files) == 1


def test_a_cut_connection_is_not_tried_again() -> None:
    """The SDK by itself would send the message twice: once is what we asked for."""
    seen = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def cut() -> None:
            # Ends with the server: accept() refuses then.
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    seen.append(connection.recv(65_536))
                    connection.close()

        threading.Thread(target=cut, daemon=True).start()
        slack = Slack(token="x", api_url=f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(errors.SystemUnreachable, match="chat_postMessage"):
            slack.post(NAME, text="t", blocks=[], run_id=RUN)
        server.shutdown(socket.SHUT_RDWR)
    assert len(seen) == 1


def test_a_report_that_was_refused_comes_later(
    channel: Channel, workspace: Workspace, told: Told, tmp_path: Path
) -> None:
    """The error says where the message is; the journal keeps it; the next time only adds."""
    workspace.scopes -= {"files:write", "channels:read", "channels:history"}
    with pytest.raises(errors.RightsMissing, match=r"C0READY001/\d+") as refused:
        channel.tell(told)
    facts = {"run_id": RUN, "manifest_sha256": "ab" * 32}
    facts |= {"name": "channel", "why": refused.value.message}
    journal.append(tmp_path, {"kind": "told-failed", **facts})
    workspace.scopes.add("files:write")
    channel.tell(told)
    assert len(workspace.posts) == len(workspace.files) == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("not_in_channel", errors.RightsMissing),
        ("missing_scope", errors.RightsMissing),
        ("invalid_auth", errors.TokenRefused),
        ("token_revoked", errors.TokenRefused),
        ("channel_not_found", errors.PlaceMissing),
        ("is_archived", errors.PlaceMissing),
        ("msg_too_long", errors.ContentRefused),
        ("something_new", errors.SystemRefused),
    ],
)
def test_refusals_have_their_own_code(
    channel: Channel,
    workspace: Workspace,
    told: Told,
    error: str,
    kind: type[errors.HarnessError],
) -> None:
    """Each by Slack's own name and with a hint; nothing is there, nothing is sent again."""
    workspace.faults.errors["chat.postMessage"] = [error]
    with pytest.raises(kind, match=error) as refused:
        channel.tell(told)
    assert type(refused.value) is kind
    assert refused.value.hint
    assert (workspace.posts, workspace.calls.count("chat.postMessage")) == ([], 1)


def test_a_bot_nobody_invited_is_told_how(
    channel: Channel, workspace: Workspace, told: Told
) -> None:
    """The hint is the line to type."""
    workspace.joined.clear()
    with pytest.raises(errors.RightsMissing) as refused:
        channel.tell(told)
    assert "/invite" in refused.value.hint


def test_patience_has_an_end(
    channel: Channel, workspace: Workspace, told: Told, clock: Clock
) -> None:
    """A short wait is waited; more than a minute in all is not."""
    workspace.faults.retry_after_s = 25
    workspace.faults.errors["chat.postMessage"] = ["ratelimited"]
    channel.tell(told)
    assert (len(workspace.posts), clock.now) == (1, 25.0)
    workspace.faults.errors["chat.update"] = ["ratelimited"] * 9
    with pytest.raises(errors.RateLimited):
        channel.tell(told)
    assert clock.now == 50.0


def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is named, and so is the way to do without."""
    monkeypatch.setitem(sys.modules, "slack_sdk", None)
    with pytest.raises(errors.ExtraMissing, match="slack") as missing:
        Slack(token="x")
    assert "hotpass-rehearsals[slack]" in missing.value.hint


@pytest.mark.parametrize("place", ["expected", "observed", "operator", "environment", "reason"])
def test_nothing_observed_means_anything(place: str) -> None:
    """Mentions, links, entities and the end of a code block out of payloads stay text."""
    guardrail, more = a_guardrail("run-completed", "broke"), dict[str, Any]()
    if place in guardrail:
        guardrail[place] = HOSTILE
    else:
        more = {"reasons": [HOSTILE]} if place == "reason" else {place: HOSTILE}
    story = replace(a_story(guardrail, **more), mentions={})
    for block in mrkdwn.blocks(story)[1:]:
        said = block["text"]["text"]
        assert said.count("```") in (0, 2)
        outside = "".join(said.split("```")[0::2])
        assert outside.count("`") % 2 == 0
        outside = "".join(outside.split("`")[0::2])
        for piece in ("@acme", "evil", "<!channel", "<img", "Owned"):
            assert piece not in outside
        assert "<!channel" not in said
        assert "<img" not in said
    assert "<!channel" not in mrkdwn.text(story)


@pytest.mark.parametrize("piece", ["x", "&<>", "`", "\n"], ids=["x", "escapes", "ticks", "lines"])
@pytest.mark.parametrize("count", [1, 8, 300])
def test_lengths_are_kept(piece: str, count: int) -> None:
    """However much broke, however long it is: below Slack's limits, the rest counted."""
    many = [a_guardrail(f"g{n}", "broke", observed=f"{n}{piece * 20_000}") for n in range(count)]
    story = a_story(*many, reasons=["r" * 9_000] * count, operator="&" * 500)
    blocks = mrkdwn.blocks(story)
    lengths = [len(each["text"]["text"]) for each in blocks]
    assert lengths[0] <= 150
    assert max(lengths[1:]) <= 3_000
    assert len(blocks) <= 50
    assert len(json.dumps(blocks).encode()) < 40_000
    assert len(mrkdwn.text(story)) <= 4_000
    if count > 8:
        assert any("more guardrails" in each["text"]["text"] for each in blocks)
    assert "rehearsal verify" in blocks[-1]["text"]["text"]
