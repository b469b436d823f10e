"""Client of the lineage service: whole exports, and errors that say what went wrong."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import requests

from fixtures.clients import marquez as marquez_client
from fixtures.clients.marquez import Marquez
from fixtures.core import errors
from fixtures.simulators.marquez.state import Recorder

NAMES = [
    pytest.param("plain", id="plain"),
    pytest.param("a/b", id="slash"),
    pytest.param("two words", id="space"),
    pytest.param("données/Ωmega", id="unicode"),
    pytest.param("100%+?&=;", id="reserved"),
    pytest.param("%2F", id="already-quoted"),
]


@pytest.fixture(autouse=True)
def hundred_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred runs a page: borders are met with fewer."""
    monkeypatch.setattr(marquez_client, "RUNS_A_PAGE", 100)


def run_id(number: int) -> str:
    return str(UUID(int=number + 1, version=4))


def as_json(body: object) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


@pytest.mark.parametrize(
    ("count", "pages"),
    [
        pytest.param(1, 1, id="one"),
        pytest.param(99, 1, id="one-short-of-a-page"),
        pytest.param(100, 2, id="a-full-page"),
        pytest.param(101, 2, id="one-more"),
        pytest.param(205, 3, id="three-pages"),
    ],
)
def test_runs_are_joined_over_pages(
    marquez: Marquez, record: Callable[..., None], count: int, pages: int
) -> None:
    """Every run arrives exactly once, however many pages it takes."""
    for number in range(count):
        record(run_id(number))
    export = marquez.runs(namespace="tests", job="refine")
    ids = [run["id"] for run in export.payload["runs"]]
    assert sorted(ids) == sorted(map(run_id, range(count)))
    assert export.payload["totalCount"] == count
    assert len(export.urls) == pages
    assert [url.partition("?")[2] for url in export.urls] == [
        f"limit=100&offset={100 * page}" for page in range(pages)
    ]


def test_datasets_come_ten_a_page(marquez: Marquez, record: Callable[..., None]) -> None:
    """Marquez fills `facets` for ten rows of a page: no page may be longer."""
    record(run_id(0), inputs=[f"file-{number:02d}" for number in range(25)])
    export = marquez.datasets(namespace="tests")
    names = [each["name"] for each in export.payload["datasets"]]
    assert sorted(names) == [f"file-{number:02d}" for number in range(25)]
    assert [url.rpartition("?")[2] for url in export.urls] == [
        "limit=10&offset=0",
        "limit=10&offset=10",
        "limit=10&offset=20",
    ]


@pytest.mark.parametrize("cap", [1, 2, 5])
def test_server_that_caps_its_pages_is_asked_on(
    marquez: Marquez, recorder: Recorder, record: Callable[..., None], cap: int
) -> None:
    """A short page is no end while the total says there is more."""
    for number in range(5):
        record(run_id(number))
    recorder.faults.page_cap = cap
    export = marquez.runs(namespace="tests", job="refine")
    assert len({run["id"] for run in export.payload["runs"]}) == 5


@pytest.mark.parametrize("cap", [None, 1])
def test_events_are_whole_though_their_total_counts_others(
    marquez: Marquez, recorder: Recorder, record: Callable[..., None], cap: int | None
) -> None:
    """The total of events is of every time and kind: the end is a page without any."""
    for number in range(3):
        record(run_id(number))
    recorder.faults.page_cap = cap
    begin = datetime(2026, 11, 22, tzinfo=UTC)
    export = marquez.events(after=begin, before=begin + timedelta(days=1))
    assert [event["run"]["runId"] for event in export.payload["events"]] == [
        run_id(number) for number in range(3)
    ]
    assert not marquez.events(after=begin - timedelta(days=1), before=begin).payload["events"]


@pytest.mark.parametrize("name", NAMES)
def test_names_stay_one_path_segment(
    marquez: Marquez, record: Callable[..., None], name: str
) -> None:
    """Whatever a namespace, job or dataset is called, it is asked for whole."""
    record(run_id(0), namespace="tests", job=name, inputs=[name])
    assert len(marquez.runs(namespace="tests", job=name).payload["runs"]) == 1
    assert marquez.datasets(namespace="tests").payload["datasets"][0]["name"] == name
    export = marquez.lineage(namespace="tests", job=name)
    assert f"job:tests:{name}" in [node["id"] for node in export.payload["graph"]]


def test_namespace_with_reserved_characters(marquez: Marquez, record: Callable[..., None]) -> None:
    """A namespace may be a URI: its slashes do not make further segments."""
    record(run_id(0), namespace="s3://bucket/a", inputs=["x"])
    assert len(marquez.runs(namespace="s3://bucket/a", job="refine").payload["runs"]) == 1
    assert marquez.datasets(namespace="s3://bucket/a").payload["totalCount"] == 1


def test_page_url_has_a_lower_case_node_type(marquez: Marquez) -> None:
    """The page's route knows `job`, not `JOB`; names are quoted there too."""
    url = marquez.page_url(namespace="a/b", job="c d")
    assert url == f"{marquez.ui_url}/lineage/job/a%2Fb/c%20d"


def test_trailing_slashes_of_addresses_do_no_harm(marquez: Marquez) -> None:
    """An address with a slash at its end is the same address."""
    assert not any(
        each.endswith("/") for each in (marquez.api_url, marquez.admin_url, marquez.ui_url)
    )


def test_health_of_a_good_service(marquez: Marquez) -> None:
    """Checks and namespaces come in one answer."""
    health = marquez.health()
    assert health["healthcheck"]["postgresql"]["healthy"] is True
    assert [each["name"] for each in health["namespaces"]] == ["default"]


def test_health_of_an_ill_service_is_an_answer(marquez: Marquez, recorder: Recorder) -> None:
    """A 500 of the health check is what it says, not an error of ours."""
    recorder.faults.unhealthy = True
    assert marquez.health()["healthcheck"]["postgresql"]["healthy"] is False


def test_health_lists_namespaces_past_a_page(
    marquez: Marquez, record: Callable[..., None]
) -> None:
    """`default` is found though a hundred namespaces stand before it by name."""
    for number in range(101):
        record(run_id(number), namespace=f"contract-{number:03d}")
    names = [each["name"] for each in marquez.health()["namespaces"]]
    assert len(names) == 102
    assert "default" in names


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        pytest.param(500, "marquez.log", id="500"),
        pytest.param(503, "docker compose down -v", id="503"),
        pytest.param(401, "marquez.log", id="401"),
        pytest.param(404, "HOTPASS_LINEAGE_NAMESPACE", id="404"),
        pytest.param(201, "marquez.log", id="201"),
    ],
)
def test_other_status_is_refused(
    marquez: Marquez, recorder: Recorder, status: int, hint: str
) -> None:
    """Any status but 200 carries URL, status and body, and the run-book's hint."""
    recorder.faults.status = status
    with pytest.raises(
        errors.SystemRefused, match=rf"/runs.* answered {status}: .*simulated"
    ) as e:
        marquez.runs(namespace="tests", job="refine")
    assert e.value.code == "system-refused"
    assert hint in e.value.hint


def test_unknown_job_is_refused(marquez: Marquez) -> None:
    """A job nobody reported is a 404 of the service itself."""
    with pytest.raises(errors.SystemRefused, match="answered 404"):
        marquez.runs(namespace="default", job="nobody")


def test_long_refusal_is_cut(marquez: Marquez, of_parrot: Marquez, parrot: Any) -> None:
    """An error page of any length does not fill the ledger."""
    parrot.say = lambda _: (502, {}, b"x" * 9000)
    with pytest.raises(errors.SystemRefused) as caught:
        of_parrot.lineage(namespace="n", job="j")
    assert 500 < len(caught.value.message) < 700


def test_garbage_is_unreadable(marquez: Marquez, recorder: Recorder) -> None:
    """200 with a page of HTML is no payload."""
    recorder.faults.garbage = True
    with pytest.raises(errors.PayloadUnreadable, match=r"no JSON: .<html>upstream") as caught:
        marquez.datasets(namespace="tests")
    assert caught.value.code == "payload-unreadable"
    assert "web page" in caught.value.hint


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b"[]", "a list, not an object", id="list"),
        pytest.param(b'"runs"', "a str, not an object", id="string"),
        pytest.param(b"null", "a NoneType, not an object", id="null"),
        pytest.param(b"{}", "without a list 'runs' (keys: [])", id="no-list"),
        pytest.param(b'{"runs": null}', "without a list 'runs' (keys: ['runs'])", id="null-list"),
        pytest.param(b'{"runs": {}}', "without a list 'runs'", id="object-for-list"),
        pytest.param(b"", "no JSON: ''", id="empty-body"),
        pytest.param(b'{"runs": [', "no JSON", id="cut-off"),
        pytest.param(b'{"runs": [NaN]}', "no JSON", id="not-a-number"),
        pytest.param(b'{"runs": ' + b"[" * 100_000, "no JSON", id="nested-without-end"),
        pytest.param(b"\xff\xfe\xff", "no JSON", id="no-text"),
    ],
)
def test_other_bodies_are_unreadable(
    of_parrot: Marquez, parrot: Any, body: bytes, told: str
) -> None:
    """A body that is no object with its list is told as what it is."""
    parrot.say = lambda _: (200, {"Content-Type": "application/json"}, body)
    with pytest.raises(errors.PayloadUnreadable) as caught:
        of_parrot.runs(namespace="n", job="j")
    assert told in caught.value.message
    assert caught.value.hint


def test_closed_port_is_unreachable() -> None:
    """Nobody listens: unreachable, with the reason alone."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    nobody = Marquez(api_url=url, admin_url=url, ui_url=url, timeout_s=0.2)
    with pytest.raises(errors.SystemUnreachable) as caught:
        nobody.health()
    assert caught.value.code == "system-unreachable"
    assert caught.value.message == (
        f"{url}/healthcheck gave no answer within 0.2 s: [Errno 111] Connection refused"
    )
    assert "port" in caught.value.hint


def test_hanging_service_is_unreachable(recorder: Recorder, marquez: Marquez) -> None:
    """No answer within the time-out is unreachable, and does not wait longer."""
    recorder.faults.hang = True
    hasty = Marquez(api_url=marquez.api_url, admin_url=marquez.admin_url, ui_url="", timeout_s=0.2)
    with pytest.raises(errors.SystemUnreachable, match=r"within 0.2 s: Read timed out"):
        hasty.runs(namespace="tests", job="refine")
    hasty.close()


def test_cut_connection_is_unreachable(of_parrot: Marquez, parrot: Any) -> None:
    """A body shorter than promised is no answer."""
    parrot.say = lambda _: (200, {"Content-Length": "999", "Connection": "close"}, b"{}")
    with pytest.raises(errors.SystemUnreachable):
        of_parrot.lineage(namespace="n", job="j")


@pytest.mark.parametrize("url", ["http://", "http://[::1", "nonsense", "ftp://127.0.0.1"])
def test_no_url_is_unreachable(url: str) -> None:
    """An address that is none is told like one that does not answer."""
    nowhere = Marquez(api_url=url, admin_url=url, ui_url=url, timeout_s=0.2)
    with pytest.raises(errors.SystemUnreachable):
        nowhere.lineage(namespace="n", job="j")


def test_redirect_is_refused(of_parrot: Marquez, parrot: Any) -> None:
    """Evidence is what the URL in cli.sh says, never what another one does."""
    parrot.say = lambda _: (302, {"Location": "http://127.0.0.1:1/login"}, b"")
    with pytest.raises(errors.SystemRefused, match=r"302 towards http://127.0.0.1:1/login"):
        of_parrot.runs(namespace="n", job="j")
    assert len(parrot.asked) == 1


def test_total_too_high_is_unreadable(of_parrot: Marquez, parrot: Any) -> None:
    """A server that promises more rows than it serves is not exported as if it were whole."""

    def say(target: str) -> Any:
        rows = [{"id": "a"}] if target.endswith("offset=0") else []
        return as_json({"runs": rows, "totalCount": 3})

    parrot.say = say
    with pytest.raises(errors.PayloadUnreadable, match="served nothing, 1 of 3 so far") as caught:
        of_parrot.runs(namespace="n", job="j")
    assert "totalCount" in caught.value.hint


@pytest.mark.parametrize("total", [0, 99, 100, None, "many"])
def test_total_too_low_cuts_nothing_off(of_parrot: Marquez, parrot: Any, total: object) -> None:
    """A full page is followed by the next, whatever the total says."""

    def say(target: str) -> Any:
        first = target.endswith("offset=0")
        rows = [{"id": number} for number in range(100)] if first else [{"id": 100}]
        return as_json({"runs": rows, "totalCount": total})

    parrot.say = say
    assert len(of_parrot.runs(namespace="n", job="j").payload["runs"]) == 101


def test_server_that_ignores_the_offset_ends(of_parrot: Marquez, parrot: Any) -> None:
    """The same full page for ever is told after the second, not exported until memory ends."""
    parrot.say = lambda _: as_json({"runs": [{"id": number} for number in range(100)]})
    with pytest.raises(errors.PayloadUnreadable, match="the page before once more"):
        of_parrot.runs(namespace="n", job="j")
    assert len(parrot.asked) == 2


def test_empty_list_is_a_whole_export(of_parrot: Marquez, parrot: Any) -> None:
    """No rows is an answer; what it means is for a guardrail."""
    parrot.say = lambda _: as_json({"datasets": [], "totalCount": 0})
    export = of_parrot.datasets(namespace="n")
    assert export.payload == {"datasets": [], "totalCount": 0}
    assert len(export.urls) == 1


def test_proxy_variables_are_not_followed(
    marquez: Marquez, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy named in the environment must not stand between us and the evidence."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert marquez.health()


def test_time_out_is_asked_of_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request waits without limit, and a real lineage query has time enough by default."""
    asked: list[Any] = []

    def get(_self: object, _url: str, **options: Any) -> Any:
        asked.append(options)
        raise requests.ConnectTimeout("connection timed out")

    monkeypatch.setattr(requests.Session, "get", get)
    patient = Marquez(api_url="http://x", admin_url="http://x", ui_url="http://x")
    with pytest.raises(errors.SystemUnreachable, match="within 30 s: connection timed out"):
        patient.lineage(namespace="n", job="j")
    assert asked == [{"timeout": 30.0, "allow_redirects": False}]


def test_pages_are_asked_for_one_ahead(
    marquez: Marquez, recorder: Recorder, record: Callable[..., None]
) -> None:
    """While a page is worked on the next is on its way, and none beyond the total."""
    for number in range(350):
        record(run_id(number))
    pages = marquez.run_pages(namespace="tests", job="refine")
    rows = [run["id"] for page in pages for run in page.answer["runs"]]
    assert len(set(rows)) == len(rows) == 350
    asked = [each.target.rpartition("offset=")[2] for each in recorder.requests]
    assert [each for each in asked if each.isdigit()] == ["0", "100", "200", "300"]


def test_pages_left_half_way_ask_for_nothing_more(
    marquez: Marquez, recorder: Recorder, record: Callable[..., None]
) -> None:
    """Who stops taking pages stops asking; the client goes on to be of use."""
    for number in range(350):
        record(run_id(number))
    pages = marquez.run_pages(namespace="tests", job="refine")
    next(pages)
    next(pages)
    pages.close()  # type: ignore[attr-defined]  # a generator
    assert len(marquez.runs(namespace="tests", job="refine").payload["runs"]) == 350


def test_failed_page_ends_the_pages(marquez: Marquez, recorder: Recorder, record: Any) -> None:
    """A page that cannot be had is told, not left out; asked anew, all of them come."""
    for number in range(350):
        record(run_id(number))
    pages = marquez.run_pages(namespace="tests", job="refine")
    next(pages)
    recorder.faults.status = 503
    with pytest.raises(errors.SystemRefused, match="503"):
        list(pages)
    recorder.faults.status = None
    assert len(marquez.runs(namespace="tests", job="refine").payload["runs"]) == 350
