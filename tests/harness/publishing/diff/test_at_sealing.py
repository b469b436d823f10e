"""The difference to the last green live rehearsal, kept in the bundle that is being sealed."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner

from fixtures.core import errors, interrupts, words
from fixtures.core.records.systems import Mode
from fixtures.core.redaction import Redactor
from fixtures.evidence import canonical, contract, layout, ledger, sealing
from fixtures.evidence.bundle import Bundle
from fixtures.evidence.summary import fold
from fixtures.evidence.verify import Answer, verify
from fixtures.guardrails.registries import REGISTRIES
from fixtures.procedures import changes, closing, report_view
from fixtures.procedures.changes import Compare
from fixtures.procedures.session import Open, Session
from fixtures.publishing import diff
from fixtures.publishing.diff import history, sides, telling
from fixtures.publishing.diff.comparing import difference
from fixtures.publishing.diff.history import History
from fixtures.publishing.diff.sides import AT_SEALING, Bounds, Side
from tests.harness.evidence import conftest as rehearsed
from tests.harness.publishing.board import made

Ask = Callable[[Path], Answer]
DRAWN = {**rehearsed.OPENING["harness"], "drawing_sha256": report_view.drawing_sha256()}


@pytest.fixture(scope="session")
def compare(ask: Ask) -> Compare:
    """Compares as a session hands it in."""
    return lambda folder, manifest: telling.data(diff.at_sealing(folder, manifest, ask))


@pytest.fixture(scope="session")
def both(
    tmp_path_factory: pytest.TempPathFactory, key: CryptoSigner, compare: Compare
) -> tuple[Path, Path]:
    """A green live rehearsal, and one sealed after it that was compared; for reading only."""
    root = tmp_path_factory.mktemp("both")
    older = made.whole(root, mode=Mode.LIVE, signer=key, harness=DRAWN, compare=compare)
    newer = made.whole(
        root,
        mode=Mode.LIVE,
        signer=key,
        first="broke",
        harness={**DRAWN, "version": "0.10"},
        compare=compare,
        before_sealing=lambda bundle: bundle.save("listener.log.txt", b"more\n"),
    )
    return older, newer


@pytest.fixture
def copied(both: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of the newer one, to break."""
    return Path(shutil.copytree(both[1], tmp_path / "marquez" / both[1].name))


def told(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = canonical.read((folder / layout.DIFF).read_bytes())
    return found


def page(folder: Path) -> str:
    return (folder / "report.html").read_text("utf-8")


def redrawn(folder: Path) -> list[str]:
    """What verify denies, the signature apart, when the report is drawn again."""
    found = verify(folder, registries=REGISTRIES, redraw=report_view.redrawn).denials
    return [each for each in found if not each.startswith("signature: ")]


def test_it_says_what_the_command_says(both: tuple[Path, Path], ask: Ask) -> None:
    """But for the newer side, which nobody could verify yet, `rehearsal diff` finds the same."""
    kept, asked = told(both[1]), telling.data(diff.between(both[1], None, ask))
    assert contract.trouble_with(kept, "bundle-diff") is None
    assert (kept["newer"].pop("verified"), kept["newer"].pop("why")) == (None, "being sealed")
    assert (asked["newer"].pop("verified"), asked["newer"].pop("why")) == (True, "as asked")
    assert (kept["newer"].pop("signed"), asked["newer"].pop("signed")) == (None, True)
    assert kept["older"]["signed"] is True
    assert kept == asked
    assert kept["older"]["stamp"] == both[0].name
    assert kept["files"] == {"new": ["listener.log.txt"], "gone": []}
    assert kept["timings"][0]["count"] == 1


def test_the_report_shows_it_and_is_drawn_again(both: tuple[Path, Path]) -> None:
    """Byte for byte from the bundle's own files, and nothing is denied."""
    older, newer = both
    assert older.name in page(newer)
    assert "listener.log.txt" in page(newer)
    assert "There is nothing to compare with" in page(older)
    for folder in both:
        answer = verify(folder, registries=REGISTRIES, redraw=report_view.redrawn)
        assert answer.compared is True
        assert redrawn(folder) == []


def test_it_changes_no_outcome(both: tuple[Path, Path], tmp_path: Path) -> None:
    """Outcome, reasons and ledger lines are those of a rehearsal that nobody compared."""
    alone = made.whole(tmp_path, mode=Mode.LIVE, first="broke")
    manifests = [made.manifest_of(each) for each in (both[1], alone)]
    for name in ("outcome", "reasons", "guardrails", "absent"):
        assert manifests[0][name] == manifests[1][name]
    kinds = [
        [line["kind"] for line in ledger.read(each / ledger.NAME)] for each in (alone, both[0])
    ]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(
            errors.BundleUnreadable("20260101T000000Z cannot be read", hint="Look."),
            "[bundle-unreadable] 20260101T000000Z cannot be read",
            id="ours",
        ),
        pytest.param(KeyError("of\nnobody"), "[harness-fault] KeyError", id="anything"),
        pytest.param(OSError(5, "Input/output error"), "Input/output error", id="disk"),
        pytest.param(RecursionError("too deep"), "too deep", id="deep"),
        pytest.param({"format": "another"}, "does not fit schema bundle-diff", id="nonsense"),
    ],
)
def test_trouble_with_comparing_is_told_and_no_more(
    tmp_path: Path, wrong: Exception | Mapping[str, Any], said: str
) -> None:
    """It is sealed all the same, says in one line why there is no comparison, and verifies."""

    def fail(folder: Path, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        if isinstance(wrong, Exception):
            raise wrong
        return wrong

    folder = made.whole(tmp_path, mode=Mode.LIVE, harness=DRAWN, compare=fail)
    trouble = told(folder)["trouble"]
    assert said in trouble
    assert "\n" not in trouble
    assert made.manifest_of(folder)["outcome"] == "PASSED"
    assert "It could not be compared" in page(folder)
    assert redrawn(folder) == []


def test_no_baseline_is_one_sentence(tmp_path: Path, compare: Compare) -> None:
    """The first of its kind: nothing to compare with, nothing else."""
    folder = made.whole(tmp_path, mode=Mode.LIVE, harness=DRAWN, compare=compare)
    section = page(folder).partition('id="changes"')[2].partition("</section>")[0]
    assert "There is nothing to compare with: no green live rehearsal" in section
    assert "<table" not in section
    assert redrawn(folder) == []


def test_local_one_is_compared_with_the_live_one(
    tmp_path: Path, key: CryptoSigner, compare: Compare
) -> None:
    """Baseline and spread are of different modes; a dry run is neither."""
    live = made.whole(tmp_path, mode=Mode.LIVE, signer=key)
    real: dict[str, Any] = {
        "taints": [],
        "systems": made.systems(demanded="staging"),
        "compare": compare,
    }
    made.whole(tmp_path, mode=Mode.LOCAL, **real)
    made.whole(tmp_path)
    found = told(made.whole(tmp_path, mode=Mode.LOCAL, **real))
    assert found["older"]["stamp"] == live.name
    assert found["timings"][0]["count"] == 1


@pytest.mark.parametrize(
    ("how", "said"),
    [
        pytest.param({}, "A dry run is compared with nothing", id="dry"),
        pytest.param(
            {"mode": Mode.LIVE, "before_sealing": lambda each: each.note_interruption("Ctrl-C")},
            "It was stopped before its end",
            id="interrupted",
        ),
    ],
)
def test_who_is_not_compared(tmp_path: Path, ask: Ask, how: dict[str, Any], said: str) -> None:
    """Nobody asks, and the report says so and how to ask."""

    def never(folder: Path, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        raise AssertionError("asked")

    folder = made.whole(tmp_path, harness=DRAWN, compare=never, **how)
    assert not (folder / layout.DIFF).exists()
    assert said in page(folder)
    words_shown = page(folder).replace('<span class="whole">', "").replace("</span>", "")
    assert f"uv run rehearsal diff {folder}" in words_shown
    assert redrawn(folder) == []


def test_text_of_the_older_one_is_masked(tmp_path: Path, compare: Compare) -> None:
    """A secret known by now and not then is masked in file and page, and counted."""
    made.whole(tmp_path, mode=Mode.LIVE)
    known = Redactor()
    known.register("marquez-1", name="TOKEN")
    bundle = rehearsed.reserved(
        tmp_path,
        mode=Mode.LIVE,
        redactor=known,
        opening={
            **rehearsed.OPENING,
            "staging": True,
            "taints": [],
            "systems": made.systems(identity={"digest": "another"}, pins={}),
        },
    )
    rehearsed.fill(bundle)
    rehearsed.judge(bundle)
    folder = closing.close(bundle, junit=rehearsed.JUNIT, compare=compare).folder
    assert "[REDACTED:" in str(told(folder)["facts"])
    assert "marquez-1" not in page(folder) + (folder / layout.DIFF).read_text()
    counted = canonical.read((folder / "redactions.json").read_bytes())["files"]
    assert layout.DIFF in counted


def edit(folder: Path, data: bytes) -> None:
    """Change the comparison, and manifest and sums so that they agree with it."""
    (folder / layout.DIFF).write_bytes(data)
    names = [name for name in sealing.files_in(folder) if name not in layout.UNLISTED_IN_MANIFEST]
    summary = fold(ledger.read(folder / ledger.NAME))
    body = sealing.manifest(summary, sealing.digests_of(folder, names))
    made.write(folder, body)


def test_an_edited_comparison_is_denied(copied: Path) -> None:
    """By the sums; and where they were made to agree, by the report that is drawn again."""
    body = told(copied)
    body["guardrails"]["changed"] = []
    data = canonical.pretty(body)
    (copied / layout.DIFF).write_bytes(data)
    assert any("diff.json was changed" in each for each in redrawn(copied))
    edit(copied, data)
    assert redrawn(copied) == [
        "references: report.html is not the page that ledger and files come to"
    ]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut-off"),
        pytest.param(b"\xff", id="no-text"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"{}\n", id="nothing"),
        pytest.param(b'{"format": "hotpass-rehearsals/diff/v1", "newer": 1}\n', id="bent"),
    ],
)
def test_a_malformed_comparison_is_denied_in_a_sentence(copied: Path, data: bytes) -> None:
    """No crash: what is no comparison is no artefact, and never what the report showed."""
    edit(copied, data)
    found = redrawn(copied)
    assert any(each.startswith("required artefacts: diff.json ") for each in found)
    assert "references: report.html is not the page that ledger and files come to" in found


def test_a_comparison_of_another_rehearsal_is_not_shown(both: tuple[Path, Path]) -> None:
    """What a bundle shows is its own."""
    summary = fold(ledger.read(both[0] / ledger.NAME))
    shown = changes.shown(both[1], summary, directory="x")
    assert shown.told is None
    assert "is of another rehearsal" in shown.why_none


Plant = Callable[[Path], object]


def a_file(path: Path) -> None:
    path.write_bytes(b"{}\n")


def a_link(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def a_folder(path: Path) -> None:
    path.mkdir()
    (path / "within").write_bytes(b"x\n")


def planted(both: tuple[Path, Path], bundle: Bundle) -> None:
    """A comparison nobody made, which fits in every way: it names the bundle's own run."""
    body = told(both[1])
    body["newer"]["run_id"] = str(bundle.run_id)
    (bundle.folder / layout.DIFF).write_bytes(canonical.pretty(body))


@pytest.mark.parametrize("kind", ["dry", "interrupted", "nobody compares"])
def test_a_planted_comparison_is_not_sealed(
    both: tuple[Path, Path], tmp_path: Path, kind: str
) -> None:
    """Whoever is compared with nothing carries none, and shows none."""

    def plant(bundle: Bundle) -> None:
        planted(both, bundle)
        if kind == "interrupted":
            bundle.note_interruption("Ctrl-C")

    mode = Mode.DRY_RUN if kind == "dry" else Mode.LIVE
    folder = made.whole(tmp_path, mode=mode, harness=DRAWN, before_sealing=plant)
    assert not (folder / layout.DIFF).exists()
    assert "listener.log.txt" not in page(folder)
    assert redrawn(folder) == []


@pytest.mark.parametrize("kind", ["dry", "interrupted"])
def test_a_comparison_nobody_made_is_denied(
    both: tuple[Path, Path], tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put there by whoever seals by himself, it is not shown, and verify denies it."""

    def plant(bundle: Bundle) -> None:
        planted(both, bundle)
        if kind == "interrupted":
            bundle.note_interruption("Ctrl-C")

    monkeypatch.setattr(closing, "_clear_the_way", lambda *_, **__: None)
    mode = Mode.DRY_RUN if kind == "dry" else Mode.LIVE
    folder = made.whole(tmp_path, mode=mode, harness=DRAWN, before_sealing=plant)
    assert "listener.log.txt" not in page(folder)
    (denied,) = redrawn(folder)
    assert denied.startswith("required artefacts: diff.json is there, and sealing made none: ")


VIEWS = ("diff.json", "report.html", "redactions.json", "junit.xml", "manifest.json", "SHA256SUMS")


@pytest.mark.parametrize("plant", [a_file, a_link, a_folder])
def test_what_is_in_the_way_is_taken_away(
    tmp_path: Path, compare: Compare, key: CryptoSigner, plant: Plant
) -> None:
    """A file, a link or a folder of a view's name keeps no live rehearsal from being sealed."""

    def in_the_way(bundle: Bundle) -> None:
        for name in VIEWS:
            plant(bundle.folder / name)
            plant(bundle.folder / f".{name}.part")

    live: dict[str, Any] = {"mode": Mode.LIVE, "signer": key, "harness": DRAWN, "compare": compare}
    folder = made.whole(tmp_path, before_sealing=in_the_way, **live)
    assert told(folder)["newer"]["stamp"] == folder.name
    assert redrawn(folder) == []
    assert Path("/etc/hostname").exists()


@pytest.mark.parametrize("plant", [a_file, a_link, a_folder])
def test_what_is_in_the_way_of_recovery_is_taken_away(tmp_path: Path, plant: Plant) -> None:
    """It is sealed as interrupted, whatever lies there."""
    bundle = rehearsed.reserved(tmp_path, mode=Mode.LIVE, opening=opening())
    rehearsed.fill(bundle)
    bundle.ledger.close()
    for name in VIEWS:
        # A file of this name is kept: pytest may have written it before the kill.
        if name != "junit.xml" or plant is not a_file:
            plant(bundle.folder / name)
        plant(bundle.folder / f".{name}.part")
    folder = closing.recover(bundle.folder).folder
    assert not (folder / layout.DIFF).exists()
    assert redrawn(folder) == []


def opening() -> dict[str, Any]:
    live = {"staging": True, "taints": [], "systems": made.systems(), "harness": DRAWN}
    return {**rehearsed.OPENING, **live}


def test_a_baseline_too_large_to_verify_is_passed_over(
    both: tuple[Path, Path], tmp_path: Path, ask: Ask
) -> None:
    """By the sizes on the disk, and before a byte of it is read; `rehearsal diff` reads it."""
    older = Path(shutil.copytree(both[0], tmp_path / "marquez" / both[0].name))
    newer = being_sealed(older)
    with (older / "extra.bin").open("wb") as file:
        file.truncate(3 * 2**30)

    def never(folder: Path) -> Answer:
        raise AssertionError("asked")

    found = sides.last_green(newer, never, AT_SEALING)
    assert found.side is None
    (why,) = found.passed_over
    assert why.startswith(f"{older.name} says PASSED and is too large to be compared at sealing")
    assert "`rehearsal diff`" in why
    (older / "extra.bin").unlink()
    assert sides.last_green(newer, ask, AT_SEALING).side is not None
    # However small, files are work.
    assert sides.last_green(newer, never, Bounds(baseline_bytes=100_000)).side is None


def test_what_was_sealed_without_one_verifies_as_before(tmp_path: Path, compare: Compare) -> None:
    """A bundle may hold none: it is not required."""
    folder = made.whole(tmp_path, mode=Mode.LIVE, harness=DRAWN)
    assert not (folder / layout.DIFF).exists()
    assert redrawn(folder) == []


def test_ctrl_c_while_comparing_leaves_it_to_be_recovered(tmp_path: Path) -> None:
    """It stays partial, and is sealed afterwards as interrupted, without a comparison."""

    def stopped(folder: Path, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made.whole(tmp_path, mode=Mode.LIVE, harness=DRAWN, compare=stopped)
    (left,) = (tmp_path / "marquez").iterdir()
    assert left.name.endswith(".partial")
    folder = closing.recover(left).folder
    assert folder.name.endswith(".interrupted")
    assert redrawn(folder) == []


def test_a_kill_after_comparing_leaves_no_stale_comparison(
    tmp_path: Path, compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It told of an outcome that is no longer so: recovery seals without it."""

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sealing, "publish", killed)
        with pytest.raises(KeyboardInterrupt):
            made.whole(tmp_path, mode=Mode.LIVE, harness=DRAWN, compare=compare)
    (left,) = (tmp_path / "marquez").iterdir()
    assert (left / layout.DIFF).is_file()
    folder = closing.recover(left).folder
    assert not (folder / layout.DIFF).exists()
    assert redrawn(folder) == []


@pytest.mark.usefixtures("signals_as_before")
def test_a_signal_while_comparing_waits_for_the_seal(tmp_path: Path, compare: Compare) -> None:
    """A session seals first, comparison and all, and stops then."""

    def signalled(folder: Path, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        signal.raise_signal(signal.SIGINT)
        return compare(folder, manifest)

    live = {"staging": True, "taints": [], "systems": made.systems()}
    bundle = rehearsed.reserved(tmp_path, mode=Mode.LIVE, opening={**rehearsed.OPENING, **live})
    rehearsed.fill(bundle)
    rehearsed.judge(bundle)
    session = Session()
    session.open = Open(bundle=bundle, module="m", junit=lambda: rehearsed.JUNIT)
    with interrupts.handled(), pytest.raises(KeyboardInterrupt):
        session.seal(compare=signalled)
    (sealed,) = session.sealed
    assert sealed.outcome == "PASSED"
    assert "newer" in told(sealed.folder)


def being_sealed(beside: Path) -> Side:
    """A bundle after this one, of its word and environment, that is being sealed."""
    body = made.manifest_of(beside)
    return sides.being_sealed(
        beside.with_name(".x.partial"), {**body, "stamp": "20991231T000000Z"}
    )


def test_nobody_looks_for_ever(tmp_path: Path, like: Path, ask: Ask) -> None:
    """A long row of other bundles, or of spoilt ones, ends the search, and that is said."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for day in range(4):
        made.quick(tmp_path, like, at + timedelta(days=day))
    for day in range(4, 8):
        made.quick(tmp_path, like, at + timedelta(days=day), mode="dry run")
    newer = being_sealed(tmp_path / "marquez" / words.stamp(at))
    short = sides.last_green(newer, ask, Bounds(bundles=4))
    assert short.side is None
    assert short.passed_over == ("all but the 4 latest bundles, at which nobody looked",)
    # Every green one is refused: nothing was ever signed or sealed here.
    few = sides.last_green(newer, ask, Bounds(bundles=8, refused=2))
    assert few.side is None
    assert [each[:16] for each in few.passed_over] == [
        words.stamp(at + timedelta(days=day)) for day in (3, 2, 1)
    ]
    assert few.passed_over[-1].endswith("nobody looked any further")
    assert len(sides.last_green(newer, ask).passed_over) == 4
    assert len(history.spread(newer, Bounds(bundles=5)).manifests) == 1
    assert len(history.spread(newer).manifests) == 4
    assert AT_SEALING.bundles is not None
    assert AT_SEALING.refused is not None


@pytest.fixture(scope="module")
def like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed bundle, for others to share its files; for reading only."""
    return made.whole(tmp_path_factory.mktemp("like"))


def test_payloads_beyond_the_bound_are_named(both: tuple[Path, Path], ask: Ask) -> None:
    """The small ones are compared, the large ones are named with the way to compare them."""
    newer, older = (sides.side(each, ask, why="") for each in reversed(both))
    everything = difference(newer, older, History())
    sizes = sorted(
        2 * (older.folder / each).stat().st_size
        for each in ("runs.json", "datasets.json", "graph.json", "picture.json", "health.json")
    )
    found = difference(newer, older, History(), payload_bytes=sizes[0] + sizes[1])
    assert 0 < found.payloads_same < everything.payloads_same
    assert {each.trouble for each in found.payloads} == {
        f"more than {sizes[0] + sizes[1]} bytes in all: `rehearsal diff` reads them"
    }
    assert found.payloads_same + len(found.payloads) == everything.payloads_same


def test_a_side_that_is_being_sealed_has_a_name_and_no_verdict(both: tuple[Path, Path]) -> None:
    """In all three forms it is neither verified nor refused."""
    body = made.manifest_of(both[1])
    stopped = {**body, "outcome": "INTERRUPTED"}
    partial = both[1].with_name(f".{body['stamp']}.partial")
    assert sides.being_sealed(partial, body).directory == both[1]
    assert sides.being_sealed(partial, stopped).directory.name == f"{body['stamp']}.interrupted"
    found = difference(sides.being_sealed(partial, body), None, History())
    assert telling.data(found)["newer"]["verified"] is None
    assert "FAILED, being sealed" in "\n".join(telling.lines(found, width=100))
    shown = telling.page(found).decode()
    assert "being sealed" in shown
    assert "refused by verify" not in shown
