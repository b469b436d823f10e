"""The tracking issue against its twin: one comment per run, whatever goes wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.clients.github_issues import GithubIssues
from fixtures.core import errors
from fixtures.publishing import markdown
from fixtures.publishing.issue import Issue
from fixtures.simulators.cluster.serving import Serving
from fixtures.simulators.github.comments import Talk, TalkApp
from tests.harness.publishing.test_message import RUN, a_guardrail, a_story

TITLE = "#staging-readiness"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes."


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Pass them."""
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """Time that passes when somebody sleeps."""
    return Clock()


@pytest.fixture
def talk() -> Talk:
    """Twin of the issues of one repository, with the tracking issue open."""
    made = Talk()
    made.open_issue(7, TITLE)
    return made


@pytest.fixture
def issue(talk: Talk, clock: Clock) -> Iterator[Issue]:
    """Notifier of the twin, served for one test."""
    serving = Serving(TalkApp(talk), name="issues of a test")
    client = GithubIssues(
        api_url=serving.start(),
        repository=talk.repository,
        token=talk.token,
        timeout_s=2.0,
        clock=clock,
    )
    yield Issue(github=client, number=0, title=TITLE, mentions={"qa": "@acme/qa"})
    client.close()
    serving.stop()


def asked(talk: Talk, method: str) -> int:
    return sum(1 for each, _, _ in talk.requests if each == method)


def bodies(talk: Talk) -> list[str]:
    return [each.body for each in talk.comments.values()]


def test_a_run_has_one_comment(issue: Issue, talk: Talk) -> None:
    """Three times told, once there; the second and third change nothing."""
    said = [issue.write(a_story()) for _ in range(3)]
    assert said == ["https://github.com/acme/hotpass/issues/7#issuecomment-1001"] * 3
    assert bodies(talk) == [markdown.comment(a_story())]
    assert (asked(talk, "POST"), asked(talk, "PATCH")) == (1, 0)
    assert [path for _, path, _ in talk.requests].count("/user") == 1


def test_what_changed_is_updated(issue: Issue, talk: Talk) -> None:
    """Another link: the same comment says so."""
    issue.write(a_story())
    changed = a_story(a_guardrail("run-completed", "broke", observed="no run at all"))
    issue.write(changed)
    assert bodies(talk) == [markdown.comment(changed)]


def test_ours_is_found_on_any_page(issue: Issue, talk: Talk) -> None:
    """Among hundreds of others', on the third page."""
    for number in range(230):
        talk.write(7, f"comment {number}", login="somebody")
    there = talk.write(7, f"{markdown.marker(RUN)}\nolder words")
    for number in range(20):
        talk.write(7, f"comment {number}", login="somebody")
    issue.write(a_story())
    assert there.body == markdown.comment(a_story())
    assert len(talk.comments) == 251


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f"{markdown.marker(RUN)}\nmine", id="by-somebody-else"),
        pytest.param(f"> {markdown.marker(RUN)}", id="quoted"),
    ],
)
def test_others_comments_are_left_alone(issue: Issue, talk: Talk, body: str) -> None:
    """The marker in somebody else's comment is not ours to edit."""
    theirs = talk.write(7, body, login="mallory")
    issue.write(a_story())
    assert (theirs.body, len(talk.comments)) == (body, 2)


def test_a_workflows_token_finds_its_own(talk: Talk, issue: Issue) -> None:
    """It may not ask who it is: what it wrote was written by a bot."""
    talk.installation = True
    assert issue.write(a_story()) == issue.write(a_story())
    assert [each.type for each in talk.comments.values()] == ["Bot"]


@pytest.mark.parametrize("when", ["hang_up_after", "hang_up_before"])
def test_a_post_without_an_answer_is_never_sent_again(issue: Issue, talk: Talk, when: str) -> None:
    """Done all the same: found. Not done: said, and the next publishing writes it."""
    getattr(talk.faults, when).append("POST")
    if when == "hang_up_after":
        issue.write(a_story())
    else:
        with pytest.raises(errors.SystemUnreachable):
            issue.write(a_story())
        assert asked(talk, "POST") == 1
        issue.write(a_story())
    assert len(bodies(talk)) == 1


def test_a_server_error_on_writing_is_looked_at(issue: Issue, talk: Talk) -> None:
    """502 after which nothing is there: said, with GitHub's words, and sent once."""
    talk.faults.answers.append(("POST", 502, {}, "Server Error"))
    with pytest.raises(errors.SystemRefused, match="502"):
        issue.write(a_story())
    assert asked(talk, "POST") == 1


def test_two_publishers_leave_one(issue: Issue, talk: Talk) -> None:
    """Somebody wrote the same run between our look and our word: the older one stays."""
    talk.faults.before_write.append(lambda: talk.write(7, f"{markdown.marker(RUN)}\nthe other"))
    issue.write(a_story())
    assert bodies(talk) == [markdown.comment(a_story())]


@pytest.mark.parametrize(
    ("status", "headers", "said", "error"),
    [
        pytest.param(401, {}, "Bad credentials", errors.TokenRefused, id="401"),
        pytest.param(403, {}, "Resource not accessible", errors.RightsMissing, id="403"),
        pytest.param(403, {}, SECONDARY, errors.RateLimited, id="403-secondary-bare"),
        pytest.param(404, {}, "Not Found", errors.PlaceMissing, id="404"),
        pytest.param(410, {}, "Issues are disabled", errors.PlaceMissing, id="410"),
        pytest.param(422, {}, "body is too long", errors.ContentRefused, id="422"),
        pytest.param(
            429, {"retry-after": "3600"}, "wait", errors.RateLimited, id="429-for-an-hour"
        ),
    ],
)
def test_refusals_have_their_own_code(
    issue: Issue,
    talk: Talk,
    status: int,
    headers: dict[str, str],
    said: str,
    error: type[errors.HarnessError],
) -> None:
    """Each with GitHub's own words and a hint; nothing is written, and nothing is tried again."""
    talk.faults.answers.append(("POST", status, headers, said))
    with pytest.raises(error, match=said) as refused:
        issue.write(a_story())
    assert type(refused.value) is error
    assert refused.value.hint
    assert (bodies(talk), asked(talk, "POST")) == ([], 1)


@pytest.mark.parametrize("status", [403, 429])
def test_patience_where_github_asks_for_some(
    issue: Issue, talk: Talk, clock: Clock, status: int
) -> None:
    """Turned away at the door with Retry-After: waited for, then written once."""
    talk.faults.answers.append(("POST", status, {"retry-after": "20"}, SECONDARY))
    issue.write(a_story())
    assert (clock.now, len(bodies(talk))) == (20.0, 1)


def test_patience_ends(issue: Issue, talk: Talk, clock: Clock) -> None:
    """GitHub asks for twenty seconds again and again: a minute is enough."""
    talk.faults.answers += [("POST", 429, {"retry-after": "20"}, SECONDARY)] * 9
    with pytest.raises(errors.RateLimited):
        issue.write(a_story())
    assert (clock.now, bodies(talk)) == (60.0, [])


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([], id="none"),
        pytest.param([(7, TITLE), (9, TITLE)], id="two"),
        pytest.param([(7, f"{TITLE} 2025")], id="alike"),
    ],
)
def test_nobody_guesses_the_issue(issue: Issue, talk: Talk, others: list[tuple[int, str]]) -> None:
    """None or two of that title: an error that names them, and no comment anywhere."""
    talk.issues.clear()
    for number, title in others:
        talk.open_issue(number, title)
    with pytest.raises(errors.IssueAmbiguous, match=r"2 open issues.*#7, #9|^.*0 open issues"):
        issue.write(a_story())
    assert not talk.comments


def test_a_pull_request_is_no_issue(issue: Issue, talk: Talk) -> None:
    """GitHub lists both; the title of a pull request counts for nothing."""
    talk.open_issue(9, TITLE, pull_request=True)
    issue.write(a_story())
    assert [each.issue for each in talk.comments.values()] == [7]
