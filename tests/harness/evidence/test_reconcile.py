"""JUnit against the ledger: every place where they part company is found, and doctored XML too."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.evidence import reconcile
from fixtures.evidence.summary import Summary

NODE = "tests/rehearsals/test_marquez.py::{}"
JUNIT = b"""<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="rehearsal.marquez">
<testcase classname="tests.rehearsals.test_marquez" name="test_held"/>
<testcase classname="tests.rehearsals.test_marquez" name="test_broke"><failure/></testcase>
<testcase classname="tests.rehearsals.test_marquez" name="test_broke"><error/></testcase>
<testcase classname="tests.rehearsals.test_marquez" name="test_unseen"><error/></testcase>
<testcase classname="tests.rehearsals.test_marquez" name="test_amber"
><skipped type="pytest.xfail"/></testcase>
<testcase classname="tests.rehearsals.test_marquez" name="test_skipped"
><skipped type="pytest.skip"/></testcase>
<testcase classname="tests.rehearsals.test_marquez" name="test_subtests"
><failure/><failure/></testcase>
</testsuite></testsuites>"""
PHASES = [
    ("test_held", "call", "passed"),
    ("test_broke", "call", "failed"),
    ("test_broke", "teardown", "failed"),
    ("test_unseen", "setup", "failed"),
    ("test_amber", "call", "xfailed"),
    ("test_skipped", "setup", "skipped"),
    ("test_subtests", "call", "failed"),
    ("test_subtests", "call", "passed"),
]


def summary(*, mode: str = "dry run", interruptions: tuple[str, ...] = ()) -> Summary:
    """A ledger that knows of six tests."""
    dry = mode == "dry run"
    return Summary(
        opened={"run_id": "11111111-1111-4111-8111-111111111111", "mode": mode},
        guardrails=(),
        tests=[
            {"node": NODE.format(name), "when": when, "outcome": outcome}
            for name, when, outcome in PHASES
        ],
        interruptions=list(interruptions),
        closing={
            "outcome": "SIMULATED" if dry else "FAILED",
            "would_be": "FAILED" if dry else None,
        },
    )


@pytest.mark.parametrize("mode", ["dry run", "live"])
def test_what_pytest_and_the_ledger_agree_on(mode: str) -> None:
    """Stamped, a report of the same tests agrees; stamping again changes nothing."""
    told = summary(mode=mode)
    stamped = reconcile.stamped(JUNIT, told)
    assert reconcile.trouble_with(stamped, told) is None
    assert reconcile.stamped(stamped, told) == stamped
    assert (b"[dry run]" in stamped) == (mode == "dry run")
    suite = reconcile.read(stamped).find("testsuite")
    assert suite is not None
    totals = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert totals == {"tests": "7", "failures": "2", "errors": "2", "skipped": "2"}


def test_counts_are_the_ledgers() -> None:
    """What is compared test by test is what the ledger counts."""
    assert summary().test_counts() == {
        "failed": 2,
        "error": 1,
        "xfailed": 1,
        "skipped": 1,
        "passed": 1,
    }


def replaced(old: str, new: str, *, once: bool = True) -> Callable[[bytes], bytes]:
    """An edit of the stamped report."""

    def edit(junit: bytes) -> bytes:
        assert old.encode() in junit
        return junit.replace(old.encode(), new.encode(), 1 if once else -1)

    return edit


@pytest.mark.parametrize(
    ("doctored", "why"),
    [
        pytest.param(replaced('"11111111-', '"21111111-'), "says run_id", id="run-id"),
        pytest.param(replaced('value="dry run"', 'value="live"'), "says mode", id="mode"),
        pytest.param(replaced('"SIMULATED"', '"PASSED"'), "says outcome", id="outcome"),
        pytest.param(replaced('value="FAILED"', 'value="PASSED"'), "says would_be", id="would-be"),
        pytest.param(
            replaced("</properties>", '<property name="outcome" value="PASSED"/></properties>'),
            "says outcome",
            id="two-outcomes",
        ),
        pytest.param(replaced(' [dry run]"', '"'), "is not marked", id="one-mark-gone"),
        pytest.param(replaced(' failures="2"', ' failures="0"'), "says failures", id="total"),
        pytest.param(replaced(' tests="7"', ' tests="70"'), "says tests", id="more-tests"),
        pytest.param(replaced("<failure />", "", once=False), "says failures", id="failures-gone"),
        pytest.param(
            replaced('name="test_held', 'name="test_hold'), "test_held never ran", id="renamed"
        ),
        pytest.param(replaced("<testsuites>", "<suites>"), "is no XML", id="torn"),
        pytest.param(
            lambda junit: junit.replace(b"<testsuite ", b"<testsuite/><testsuite "),
            "holds 2 test suites",
            id="two-suites",
        ),
        pytest.param(lambda _: b"", "is no XML", id="empty"),
        pytest.param(lambda _: b"\xff\xfe\x00", "is no XML", id="no-text"),
        pytest.param(lambda _: b"<testsuites/>", "holds 0 test suites", id="no-suite"),
        pytest.param(
            lambda junit: junit.decode().encode("utf-16"), "is no XML", id="another-encoding"
        ),
    ],
)
def test_doctored_reports_are_found(doctored: Callable[[bytes], bytes], why: str) -> None:
    """An edited report is told apart, with the place."""
    told = summary()
    trouble = reconcile.trouble_with(doctored(reconcile.stamped(JUNIT, told)), told)
    assert why in (trouble or "no trouble")


@pytest.mark.parametrize(
    ("verdict", "found"),
    [
        pytest.param("<failure/>", "failed", id="failed"),
        pytest.param("<error/>", "error", id="error"),
        pytest.param("", None, id="as-it-was"),
    ],
)
def test_swapped_verdicts_are_found(verdict: str, found: str | None) -> None:
    """Totals that still add up do not hide whose they are."""
    told = summary()
    spoilt = JUNIT.replace(
        b'name="test_held"/>', f'name="test_held">{verdict}</testcase>'.encode()
    )
    trouble = reconcile.trouble_with(reconcile.stamped(spoilt, told), told)
    if found is None:
        assert trouble is None
    else:
        assert trouble == (
            f"says tests.rehearsals.test_marquez.test_held {found}, and the ledger passed"
        )


def test_strangers_are_for_interrupted_rehearsals_alone() -> None:
    """A signal may fall between a test and its line; any other rehearsal knows all its tests."""
    more = JUNIT.replace(b"</testsuite>", b'<testcase classname="c" name="n"/></testsuite>')
    whole, stopped = summary(), summary(interruptions=("stopped by SIGINT",))
    found = reconcile.trouble_with(reconcile.stamped(more, whole), whole)
    assert found == "counts c.n, and the ledger does not"
    assert reconcile.trouble_with(reconcile.stamped(more, stopped), stopped) is None


@pytest.mark.parametrize(
    "junit",
    [
        pytest.param(
            b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
            b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><testsuites>&c;</testsuites>',
            id="billion-laughs",
        ),
        pytest.param(
            b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuites>&a;</testsuites>',
            id="file",
        ),
        pytest.param(b"<!DOCTYPE testsuites><testsuites/>", id="bare"),
        pytest.param(
            '<!DOCTYPE a [<!ENTITY a "b">]><testsuites>&a;</testsuites>'.encode("utf-16"),
            id="another-encoding",
        ),
    ],
)
def test_entities_are_refused_before_they_expand(junit: bytes) -> None:
    """No document type, so no entity: nothing expands, and no file is read."""
    assert "document type" in (reconcile.trouble_with(junit, summary()) or "")
    assert reconcile.stamped(junit, summary()) == junit


def test_huge_report_is_refused() -> None:
    """What no ten tests could fill is not read at all."""
    huge = b"<testsuites>" + b" " * reconcile.LARGEST_BYTES + b"</testsuites>"
    assert "bytes" in (reconcile.trouble_with(huge, summary()) or "")


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("tests/a.py::test_b", ("tests.a", "test_b")),
        ("tests/a.py::C::test_b", ("tests.a.C", "test_b")),
        ("tests/a.py::test_b[x::y/z.py]", ("tests.a", "test_b[x::y/z.py]")),
        ("tests/a.py::test_b[[0]]", ("tests.a", "test_b[[0]]")),
    ],
)
def test_addresses_are_pytests(node: str, expected: tuple[str, str]) -> None:
    """A node id is written as pytest's own JUnit plugin writes it."""
    from _pytest.junitxml import mangle_test_address

    names = mangle_test_address(node)
    assert reconcile.address(node) == expected == (".".join(names[:-1]), names[-1])
