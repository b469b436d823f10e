"""What is compared with what, and what changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner

from fixtures.core import errors, words
from fixtures.core.records.systems import Mode
from fixtures.evidence import canonical, contract, layout
from fixtures.evidence.verify import Answer
from fixtures.publishing.diff import between, comparing, history, sides, telling
from fixtures.publishing.diff.comparing import Difference, difference
from fixtures.publishing.diff.history import History
from fixtures.publishing.diff.sides import Side
from tests.harness.publishing.board import made

Ask = Callable[[Path], Answer]


@pytest.fixture(scope="session")
def found(pair: tuple[Path, Path], ask: Ask) -> Difference:
    """The newer one against what it is compared with by itself."""
    return between(pair[1], None, ask)


def told(found: Difference, width: int = 100) -> str:
    return "\n".join(telling.lines(found, width=width))


def side(manifest: dict[str, Any], folder: Path = Path("/nowhere")) -> Side:
    return Side(folder=folder, manifest=manifest, denials=(), why="as asked")


def test_last_green_live_one_is_found(found: Difference, pair: tuple[Path, Path]) -> None:
    """Beside it, older, live, PASSED, and verified."""
    assert found.older is not None
    assert found.older.folder == pair[0]
    assert found.newer.verified
    assert found.older.verified
    assert "the last green live rehearsal before it" in told(found)


def test_guardrails_are_compared(found: Difference) -> None:
    """The one that broke, with what both observed; the others are counted."""
    (changed,) = found.guardrails
    assert changed.id == "marquez.stack-healthy"
    assert changed.what == ("verdict",)
    assert "marquez.stack-healthy  held → broke" in told(found)
    assert found.guardrails_same == len(found.newer.manifest["guardrails"]) - 1


def test_versions_identities_and_settings(found: Difference) -> None:
    """Versions with both values; of settings the names alone."""
    facts = {each.name: (each.before, each.after) for each in found.facts}
    assert facts["marquez: digest"] == ("marquez-1", "another")
    assert facts["harness: version"] == ("0", "1")
    assert facts["outcome"] == ("PASSED", "FAILED")
    assert found.settings == ("idle_s", "token_name")
    assert "unseen-value" not in told(found)
    assert "unseen-value" not in str(telling.data(found))


def test_deviations_and_files(found: Difference, pair: tuple[Path, Path], ask: Ask) -> None:
    """New and gone, either way around."""
    assert found.deviations_new == ("step 4: exported by hand",)
    assert found.deviations_gone == ()
    back = between(pair[0], pair[1], ask)
    assert back.deviations_gone == ("step 4: exported by hand",)


def test_same_payloads_are_the_same(found: Difference) -> None:
    """Two runs of the same thing have the same shapes."""
    assert found.payloads == ()
    assert found.payloads_same >= 5


def test_new_and_vanished_fields(pair: tuple[Path, Path], tmp_path: Path, ask: Ask) -> None:
    """A payload that grew one field and lost another, by path and type, without a value."""
    folder = tmp_path / "marquez" / pair[1].name
    shutil.copytree(pair[1], folder)
    runs = canonical.read((folder / "runs.json").read_bytes())
    runs["runs"][0]["facets"] = {"secret-value": 1}
    del runs["runs"][0]["state"]
    (folder / "runs.json").write_bytes(canonical.payload(runs))
    found = between(folder, pair[0], ask)
    (payload,) = found.payloads
    assert [(each.path, each.before, each.after) for each in payload.fields] == [
        ("runs[].facets", (), ("object",)),
        ("runs[].facets.secret-value", (), ("number",)),
        ("runs[].state", ("string",), ()),
    ]
    assert not found.newer.verified
    assert "! refused" in told(found)
    assert "NOT VERIFIED" in told(found)
    assert "+ runs[].facets  object" in told(found)
    assert "– runs[].state  string" in told(found)


def test_nothing_to_compare_with_is_said(
    pair: tuple[Path, Path], ask: Ask, tmp_path: Path
) -> None:
    """The first of its kind: durations alone, and a line that says why."""
    first = between(pair[0], None, ask)
    assert first.older is None
    assert "against     nothing: no green live rehearsal before it" in told(first, 120)
    assert first.guardrails == ()
    assert first.timings
    assert contract.trouble_with(telling.data(first), "bundle-diff") is None


def test_dry_runs_strangers_and_spoilt_ones_are_no_baseline(
    tmp_path: Path, key: CryptoSigner, ask: Ask
) -> None:
    """Only what is live, green, of the same environment, and verifies; the rest is passed over."""
    good = made.whole(tmp_path, mode=Mode.LIVE, signer=key)
    spoilt = made.whole(tmp_path, mode=Mode.LIVE, signer=key)
    made.whole(tmp_path, mode=Mode.LIVE, signer=key, first="broke")
    made.whole(tmp_path, mode=Mode.LIVE, signer=key, environment="elsewhere")
    made.whole(tmp_path, mode=Mode.LIVE, signer=key, narrowed="-k one")
    made.whole(tmp_path)
    newest = made.whole(tmp_path, mode=Mode.LIVE, signer=key, first="broke")
    (spoilt / "notes.md").write_bytes(b"written over")
    found = between(newest, None, ask)
    assert found.older is not None
    assert found.older.folder == good
    (why,) = found.passed_over
    assert why.startswith(f"{spoilt.name} says PASSED and is refused: sums: notes.md was changed")


def test_different_rehearsals_are_not_compared(
    pair: tuple[Path, Path], tmp_path: Path, ask: Ask
) -> None:
    """Apples and pears: usage, with a hint."""
    other = tmp_path / "other"
    shutil.copytree(pair[0], other)
    body = {**made.manifest_of(other), "word": "arc"}
    (other / layout.MANIFEST).write_bytes(canonical.pretty(body))
    with pytest.raises(errors.SettingsInvalid, match=r"is of marquez, .* of arc"):
        between(pair[1], other, ask)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"{" * 9000, b"\xff"])
def test_no_manifest_is_no_side(tmp_path: Path, ask: Ask, content: bytes) -> None:
    """Nothing can be compared without one: an error with its hint, never a traceback."""
    (tmp_path / layout.MANIFEST).write_bytes(content)
    with pytest.raises(errors.BundleUnreadable):
        between(tmp_path, None, ask)


def test_spread_of_history(pair: tuple[Path, Path]) -> None:
    """Median and median absolute deviation of the earlier ones, step by step."""
    manifest = made.manifest_of(pair[1])
    manifest["steps"] = [step(10.0)]
    past = [{**manifest, "steps": [step(seconds)]} for seconds in (1.0, 2.0, 9.0)]
    past.append({**manifest, "steps": [{**step(5.0), "state": "failed"}]})
    timings = {
        each.step: each for each in difference(side(manifest), None, History(tuple(past))).timings
    }
    found = timings["1"]
    assert (found.after_s, found.median_s, found.mad_s, found.count) == (10.0, 2.0, 1.0, 3)
    assert found.before_s is None


def step(seconds: float) -> dict[str, Any]:
    return {
        "step": "1",
        "title": "Start the stack",
        "state": "done",
        "began_at": "2026-11-22T05:00:00.000Z",
        "ended_at": f"2026-11-22T05:00:{seconds:06.3f}Z",
    }


def test_history_is_of_the_same_kind(
    tmp_path: Path, like_folder: Path, key: CryptoSigner, ask: Ask
) -> None:
    """Earlier, the same word, mode and environment, and come to an end."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    kinds: tuple[dict[str, Any], ...] = (
        {},
        {"took_s": 30.0},
        {"outcome": "FAILED"},
        {"outcome": "INTERRUPTED"},
        {"mode": "live"},
        {"environment": "elsewhere"},
        {"narrowed": "-k one"},
    )
    for number, how in enumerate(kinds):
        moment = at + timedelta(hours=number)
        made.quick(tmp_path, like_folder, moment, **{"mode": "dry run", **how})
    newest = made.quick(tmp_path, like_folder, at + timedelta(days=1), mode="dry run")
    made.quick(tmp_path, like_folder, at + timedelta(days=2), mode="dry run")
    # A copy under another name is no further rehearsal.
    first = newest.with_name(words.stamp(at))
    shutil.copytree(first, first.with_name(words.stamp(at + timedelta(hours=9))))
    found = history.spread(sides.side(newest, ask, why=""))
    assert [each["stamp"][9:11] for each in found.manifests] == ["02", "01", "00"]


def backwards(body: dict[str, Any]) -> None:
    """A step that ended before it began."""
    done = next(each for each in body["steps"] if each["state"] == "done")
    done["began_at"], done["ended_at"] = "2026-01-02T00:00:09Z", "2026-01-02T00:00:01Z"


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"took_s": 1e8}, id="years"),
        pytest.param({"took_s": -1.0}, id="less-than-nothing"),
        pytest.param(
            {
                "window": {
                    "started_at": "2025-01-01T00:00:00.000Z",
                    "ended_at": "2025-01-01T00:01:00.000Z",
                }
            },
            id="another-time",
        ),
        pytest.param(
            {"window": {"started_at": "0001-01-01T00:00:00Z", "ended_at": "9999-12-31T23:59:59Z"}},
            id="all-time",
        ),
        pytest.param({"edit": backwards}, id="a-step-backwards"),
    ],
)
def test_a_forged_manifest_is_not_in_the_median(
    tmp_path: Path, like_folder: Path, ask: Ask, how: dict[str, Any]
) -> None:
    """One that does not add up is left out, and in all three forms that is said."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    made.quick(tmp_path, like_folder, at, mode="dry run")
    made.quick(tmp_path, like_folder, at + timedelta(days=1), mode="dry run", **how)
    newest = made.quick(tmp_path, like_folder, at + timedelta(days=2), mode="dry run")
    found = between(newest, None, ask)
    assert (found.timings[0].count, found.timings[0].median_s) == (1, 60.0)
    assert found.earlier_left_out == 1
    assert telling.data(found)["earlier_left_out"] == 1
    assert "! left out  1 earlier: " in told(found)
    assert "Left out: 1 earlier rehearsal of" in telling.page(found).decode()


def test_a_manifest_that_is_not_what_was_sealed_is_not_in_the_median(
    tmp_path: Path, like_folder: Path, ask: Ask
) -> None:
    """Written over, it is not what its sums list; without sums, it was never sealed."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    one, other, newest = (
        made.quick(tmp_path, like_folder, at + timedelta(days=day), mode="dry run")
        for day in range(3)
    )
    body = made.manifest_of(one)
    body["window"]["ended_at"] = body["window"]["started_at"]
    (one / layout.MANIFEST).write_bytes(canonical.pretty(body))
    (other / layout.SUMS).unlink()
    found = between(newest, None, ask)
    assert (found.timings[0].count, found.earlier_left_out) == (0, 2)


def test_an_unsigned_baseline_is_never_called_verified(tmp_path: Path, ask: Ask) -> None:
    """Anybody can seal one: it is compared with what is unsigned too, and called what it is."""
    older = made.whole(tmp_path, mode=Mode.LIVE)
    newer = made.whole(tmp_path, mode=Mode.LIVE, first="broke")
    found = between(newer, None, ask)
    assert found.older is not None
    assert found.older.folder == older
    assert telling.data(found)["older"]["signed"] is False
    assert f"{older.name}, live, PASSED, verified, but UNSIGNED" in told(found)
    page = telling.page(found).decode()
    assert (
        '<span class="badge amber"><span class="sign" aria-hidden="true">?</span>unsigned' in page
    )
    assert "badge good" not in page.partition('id="guardrails"')[0]


def test_a_signed_one_is_compared_with_signed_ones_only(
    tmp_path: Path, key: CryptoSigner, ask: Ask
) -> None:
    """However many unsigned ones say PASSED: one line tells of them, and the signed is found."""
    good = made.whole(tmp_path, mode=Mode.LIVE, signer=key)
    unsigned = [made.whole(tmp_path, mode=Mode.LIVE) for _ in range(4)]
    newest = made.whole(tmp_path, mode=Mode.LIVE, signer=key, first="broke")
    newer = sides.side(newest, ask, why="")
    for bounds in (sides.UNBOUNDED, sides.AT_SEALING):
        found = sides.last_green(newer, ask, bounds)
        assert found.side is not None
        assert (found.side.folder, found.side.signed) == (good, True)
        (why,) = found.passed_over
        assert why.startswith(f"{unsigned[-1].name} and 3 more say PASSED and are unsigned")


@pytest.fixture(scope="module")
def like_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed bundle, for others to share its files; for reading only."""
    return made.whole(tmp_path_factory.mktemp("like"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("OPENLINEAGE_URL is http://127.0.0.1:33425", "OPENLINEAGE_URL is http://127.0.0.1:4711"),
        ("run 3f1c2a7e-91d4-4c55-b1f0-7f6a2d9e8c10", "run 101a877e-ccad-4fb0-9de5-9e0bb5547116"),
        ("since 2026-11-22T05:44:28Z", "since 2025-01-01T00:00:00.123Z"),
        ("writes /tmp/rehearsal-cw2pehgj/dist", "writes /tmp/rehearsal-abc/dist"),
        ("sha256 78ba70bc50b1…", "sha256 1234567890ab…"),
        ("took 3.4 s", "took 12 s"),
    ],
)
def test_what_always_differs_is_no_change(one: str, other: str) -> None:
    """Ports, ids, moments, digests, scratch folders, durations."""
    assert comparing.lasting(one) == comparing.lasting(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1 namespace", "2 namespaces"),
        ("10 of 10 held", "9 of 10 held"),
        ("effaced", "defaced"),
        ("http://127.0.0.1:5000", "http://staging:5000"),
    ],
)
def test_what_changed_stays_a_change(one: str, other: str) -> None:
    """Counts, words, hosts."""
    assert comparing.lasting(one) != comparing.lasting(other)


def test_guardrails_that_came_and_went() -> None:
    """One that is new, one that is gone, one of another rank, waived, and in other words."""
    guardrail = {
        "id": "a",
        "rank": "should",
        "ruling": "held",
        "expected": "x",
        "observed": "1 seen",
        "waiver": None,
        "artefact": None,
    }
    base: dict[str, Any] = {
        "word": "marquez",
        "environment": "e",
        "stamp": "20260101T000000Z",
        "mode": "live",
        "outcome": "PASSED",
        "would_be": None,
        "runbook": "r",
        "strict": False,
        "registry_version": 1,
        "source": {"commit": None, "dirty": None},
        "signed_by": None,
        "harness": {},
        "systems": [],
        "settings": {},
        "deviations": [],
        "artefacts": [],
        "steps": [],
        "window": {"started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:01:00Z"},
    }
    before = {
        **base,
        "guardrails": [guardrail, {**guardrail, "id": "b"}, {**guardrail, "id": "d"}],
    }
    after = {
        **base,
        "guardrails": [
            {**guardrail, "rank": "must", "waiver": {"reason": "r"}},
            {**guardrail, "id": "c", "ruling": None},
            {**guardrail, "id": "d", "observed": "2 seen"},
        ],
    }
    found = difference(side(after), side(before), History())
    assert [(each.id, each.what) for each in found.guardrails] == [
        ("a", ("rank", "waived")),
        ("c", ("new",)),
        ("d", ("observed",)),
        ("b", ("gone",)),
    ]
    said = told(found)
    assert "≠ a  should → must, waived now" in said
    assert "+ c  new" in said
    assert "– b  gone" in said
    assert "≠ d  held, in other words" in said
    assert "no verdict" in said


@pytest.mark.parametrize("width", [80, 120])
def test_lines_fit_the_screen(pair: tuple[Path, Path], ask: Ask, width: int) -> None:
    """Eighty or a hundred and twenty columns, whatever stands in a bundle; nothing deceives."""
    newer, older = (made.manifest_of(each) for each in pair)
    newer["guardrails"][0]["observed"] = "long \x1b[2J\u202e words " * 60 + "x" * 300
    newer["deviations"] = [{"step": "1", "text": "y" * 400}]
    newer["steps"][0]["title"] = "a step with a title that is much longer than any column " * 3
    found = difference(side(newer), side(older), History((older,)))
    first, *lines = telling.lines(found, width=width)
    assert max(map(len, lines)) <= width
    assert not set("\x1b\u202e\r") & set(first + "".join(lines))


def test_json_fits_its_schema(found: Difference) -> None:
    """The answer for machines is what its schema says."""
    assert contract.trouble_with(telling.data(found), "bundle-diff") is None
    assert telling.data(found)["guardrails"]["changed"][0]["what"] == ["verdict"]


def test_the_page_is_whole_and_harmless(found: Difference, pair: tuple[Path, Path]) -> None:
    """Self-contained, escaped, and it says what the terminal says."""
    page = telling.page(found).decode()
    assert "since the last green live rehearsal" in page
    assert "marquez.stack-healthy" in page
    assert "<script" not in page
    assert "href=" not in page.replace('href="#', "")
    hostile = made.manifest_of(pair[1])
    hostile["guardrails"][0]["observed"] = "<script>alert(1)</script>"
    again = telling.page(difference(side(hostile), found.older, History()))
    assert b"<script" not in again
    assert b"&lt;script&gt;" in again
