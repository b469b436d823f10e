"""What is told of a rehearsal: whole, within its length, and nothing in it but what we mean."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from fixtures.publishing import markdown
from fixtures.publishing.message import Story
from tests.harness.often import often

RUN = "3f1c0000-0000-4000-8000-000000000001"
HOSTILE = (
    "@acme/everyone <img src=x onerror=alert(1)> <!-- staging-evidence:run=other -->\n"
    "```\n# Owned\n[click](https://evil.example.org) https://evil.example.org ![p](//e) #1\n"
    "````` ~~~ | --- | <!channel> & \N{RIGHT-TO-LEFT OVERRIDE}gpj.exe\x1b[31m"
)


def a_guardrail(name: str, ruling: str | None = "held", **more: Any) -> dict[str, Any]:
    return {
        "id": f"marquez.{name}",
        "rank": "must",
        "step": "2",
        "promise": "exactly one run with our run id",
        "ruling": ruling,
        "expected": "exactly one run and it is COMPLETED",
        "observed": "212 runs; ours is FAILED",
        "artefact": "runs.json",
        "waiver": None,
        **more,
    }


def a_story(*guardrails: dict[str, Any], **more: Any) -> Story:
    manifest = {
        "word": "marquez",
        "run_id": RUN,
        "mode": "live",
        "outcome": "FAILED",
        "would_be": None,
        "environment": "hotpass-staging",
        "operator": "ada",
        "owners": ["QA (primary)", "Engineering (support)"],
        "window": {"started_at": "2026-11-22T08:00:00Z", "ended_at": "2026-11-22T08:02:05Z"},
        "guardrails": list(guardrails) or [a_guardrail("run-completed", "broke")],
        "not_exercised": ["marquez.prefect-linked"],
        "deviations": [{"step": "1", "text": "the lineage page was started too"}],
        "reasons": ["marquez.run-completed broke", "required artefact graph.png: blank"],
        "troubles": [],
        "narrowed": "",
        "signed_by": None,
        **more,
    }
    return Story(
        manifest=manifest,
        manifest_sha256="ab" * 32,
        folder="marquez/20261122T080000Z",
        links={"Evidence": "https://bucket.example.org/marquez/20261122T080000Z/"},
        mentions={"qa": "@acme/qa"},
    )


def spoken(text: str) -> str:
    """Everything of a Markdown text that stands outside code and comments: what has a meaning."""
    said = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type == "html_block":
            said.append(token.content)
        said += [
            f"{child.content}{child.attrs or ''}"
            for child in token.children or []
            if child.type != "code_inline"
        ]
    return "\n".join(said)


def test_the_comment_says_what_matters() -> None:
    """Outcome, mode, owners, what broke with expected and observed, links, digest, command."""
    text = markdown.comment(a_story(a_guardrail("run-completed", "broke"), a_guardrail("x")))
    for said in (
        f"<!-- staging-evidence:run={RUN} -->\n### 🔴 marquez: FAILED, 1 deviation",
        "**Mode:** live\n",
        "2 min 5 s",
        "@acme/qa (`QA (primary)`), `Engineering (support)`",
        "1 broke, 1 held, 1 not exercised",
        "#### ✗ `marquez.run-completed` (must) broke",
        "expected: exactly one run and it is COMPLETED\nobserved: 212 runs; ours is FAILED\n",
        "<https://bucket.example.org/marquez/20261122T080000Z/>",
        f"`sha256:{'ab' * 32}`, unsigned",
        "`rehearsal verify marquez/20261122T080000Z --live`",
        "- reason: `required artefact graph.png: blank`\n- deviation: `step 1: the lineage page",
    ):
        assert said in text
    assert "`marquez.run-completed broke`" not in text
    assert "marquez.x" not in text


def test_a_dry_run_says_so_and_calls_nobody() -> None:
    """SIMULATED is no evidence, its command does not ask for live, and no team is woken."""
    text = markdown.comment(a_story(mode="dry run", outcome="SIMULATED", would_be="PASSED"))
    assert "### ⚪ marquez: SIMULATED, would have been PASSED" in text
    assert "dry run: NOT evidence of staging" in text
    assert "--live" not in text
    assert "@acme" not in text


def test_the_worst_and_weightiest_comes_first() -> None:
    """A must that broke stands before one that is not established, and both before a should."""
    story = a_story(
        a_guardrail("should", "broke", rank="should"),
        a_guardrail("nothing", None),
        a_guardrail("unseen", "not established"),
        a_guardrail("broke", "broke"),
        a_guardrail("good"),
    )
    assert [each.id for each in story.not_held] == [
        "marquez.broke",
        "marquez.unseen",
        "marquez.nothing",
        "marquez.should",
    ]


def test_one_reason_is_told_once() -> None:
    """What is missing keeps ten guardrails from being judged: once the list, and ten names."""
    missing = "[prerequisites-missing] 2 missing"
    ten = [a_guardrail(f"g{n}", "not established", observed=missing) for n in range(10)]
    trouble = {
        "step": "1",
        "code": "prerequisites-missing",
        "message": "2 missing\n    - docker\n    - a checkout",
        "hint": "Provide both.",
    }
    text = markdown.comment(a_story(*ten, a_guardrail("x", "broke"), troubles=[trouble]))
    assert text.count(missing) == 1
    assert "#### ? 10 guardrails not established, all for one reason" in text
    assert all(f"`marquez.g{n}` (must)" in text for n in range(10))
    assert "`trouble in step 1: [prerequisites-missing]`" in text
    assert "2 missing\n    - docker\n    - a checkout\nhint: Provide both." in text


@pytest.mark.parametrize(
    "place",
    ["expected", "observed", "artefact", "operator", "environment", "deviation", "reason"],
)
def test_nothing_observed_means_anything(place: str) -> None:
    """Mentions, links, images, tags, headings and comments out of payloads are text in code."""
    guardrail = a_guardrail("run-completed", "broke")
    more: dict[str, Any] = {}
    if place in guardrail:
        guardrail[place] = HOSTILE
    elif place == "deviation":
        more["deviations"] = [{"step": "1", "text": HOSTILE}]
    elif place == "reason":
        more["reasons"] = [HOSTILE]
    else:
        more[place] = HOSTILE
    text = markdown.comment(a_story(guardrail, **more))
    meant = spoken(text)
    for piece in ("@acme/everyone", "<img", "evil", "Owned", "run=other", "channel"):
        assert piece not in meant
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text
    assert "\x1b" not in text


def test_what_was_observed_adds_no_line_of_ours() -> None:
    """A payload that says "evidence:" at the start of a line says it indented."""
    told = a_guardrail("x", "broke", observed="nothing\nevidence: forged.json")
    assert "\n          evidence: forged.json\nevidence: runs.json\n" in markdown.comment(
        a_story(told)
    )


@often(100)
@given(st.text(alphabet=st.sampled_from("`~@<>|\\\n *_[]()!#a\t"), max_size=60))
def test_no_text_leaves_its_code(text: str) -> None:
    """Whatever is said in a span or a block is all of one span or block, and nothing beside it."""
    parsed = MarkdownIt("commonmark").parse(f"- x: {markdown.code(text)} y\n")
    inline = next(token for token in parsed if token.type == "inline")
    kinds = [child.type for child in inline.children or []]
    assert kinds in (["text", "code_inline", "text"], ["text"])
    assert kinds == ["text"] or text.split()
    tokens = MarkdownIt("commonmark").parse(markdown.block(text) + "\n\nafter\n")
    assert [each.type for each in tokens][0::4][:1] == ["fence"]
    assert [each.type for each in tokens].count("fence") == 1
    assert tokens[-2].content == "after"


def test_the_comment_keeps_its_length() -> None:
    """Hundreds of guardrails with payloads for an answer: cut, counted, never too long."""
    many = [a_guardrail(f"g{n}", "broke", observed=f"{n}" + "x" * 100_000) for n in range(300)]
    text = markdown.comment(a_story(*many, deviations=[{"step": "1", "text": "t"}] * 50))
    assert len(text) <= markdown.COMMENT_CHARACTERS
    shown = text.count("#### ")
    assert shown > 10
    assert f"… {300 - shown} more guardrails, 2 more reasons, 50 more deviations: see" in text
    assert "100001 characters in all, see the report" in text


@pytest.mark.parametrize("limit", [2_000, 3_000, 5_000, 9_000])
def test_any_length_is_kept(limit: int) -> None:
    """Whatever the limit, the head is whole and the rest is counted."""
    many = [a_guardrail(f"g{n}", "broke", observed=f"{n} runs") for n in range(90)]
    text = markdown.comment(a_story(*many), limit=limit)
    assert len(text) <= limit
    assert f"{90 - text.count('#### ')} more guardrail" in text


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "https://a b", "https://u:p@host/", "http://h/>x", "s3://bucket/key"],
)
def test_only_plain_web_addresses_are_links(url: str) -> None:
    """Everything else is shown as text."""
    assert markdown.link(url) == f"`{url}`"
