"""Self-tests of the report page."""

from __future__ import annotations

import base64
import dataclasses
import re
from html.parser import HTMLParser
from typing import Any, Literal

import pytest

from fixtures.drawing import report
from fixtures.drawing.view import ArtefactRow, Changes, GuardrailRow, ReportView, SystemRow

HOSTILE = '<script>alert("x")</script>\n\x00\x1b[31m \u202e "quoted" \'single\' {{ 7 * 7 }} \ud800'
REAL = (SystemRow(name="Marquez", provenance="staging", detail="sha256:5e5e"),)


class Page(HTMLParser):
    """Tags with their attributes, and whether every tag that opens also closes."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the tag opened last."""
        assert self.open.pop() == tag

    def all(self, attribute: str) -> list[str]:
        """Values of one attribute, wherever it stands."""
        return [attrs[attribute] or "" for _, attrs in self.tags if attribute in attrs]


def live(view: ReportView, outcome: Literal["PASSED", "FAILED", "BLOCKED"]) -> ReportView:
    """The same rehearsal against staging."""
    unmarked = tuple(dataclasses.replace(row, note="") for row in view.artefacts)
    return dataclasses.replace(
        view, mode="live", outcome=outcome, would_be=None, systems=REAL, artefacts=unmarked
    )


def worded(html: str) -> str:
    """Everything after the style sheet, without tags."""
    return re.sub(r"<[^>]+>", " ", html.partition("</style>")[2])


def untagged(html: str) -> str:
    """What is read where marks within a line are not seen."""
    return re.sub(r"<[^>]+>", "", html)


def test_a_dry_run_says_so_first(view: ReportView) -> None:
    """Title, banner and outcome say that nothing here is evidence, before anything else."""
    html = report.render(view)
    assert "<title>DRY RUN · " in html
    seen = worded(html)
    order = [
        "nothing here is staging evidence",
        "Marquez, hotpass",
        "SIMULATED",
        "would have been",
    ]
    places = [seen.index(word) for word in order]
    assert places == sorted(places)
    assert "@top-center" in html


def test_a_live_run_is_calm(view: ReportView) -> None:
    """No hazard marks on the real thing."""
    html = report.render(live(view, "PASSED"))
    assert "<title>Lineage smoke · PASSED" in html
    assert "DRY RUN" not in html
    assert "would have been" not in html
    assert "@top-center" not in html


def test_one_simulated_system_makes_a_dry_run(view: ReportView) -> None:
    """A view that calls itself live but lists a twin is shown as what it is."""
    claimed = dataclasses.replace(live(view, "PASSED"), systems=view.systems)
    assert "<title>DRY RUN · " in report.render(claimed)


def test_a_local_run_is_no_staging_evidence(view: ReportView) -> None:
    """Real, but not where it counts."""
    local = dataclasses.replace(live(view, "PASSED"), mode="local")
    assert "not staging evidence" in worded(report.render(local))


def test_nothing_is_loaded_and_nothing_runs(view: ReportView) -> None:
    """One file: no script, no handler, no resource that is not within it."""
    html = report.render(view)
    page = Page(html)
    assert page.open == []
    assert not {tag for tag, _ in page.tags} & {
        "script",
        "link",
        "iframe",
        "object",
        "form",
        "base",
    }
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert all(source.startswith("data:image/png;base64,") for source in page.all("src"))
    assert all(target.startswith("./") for target in page.all("href"))
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html


def test_hostile_text_stays_text(view: ReportView) -> None:
    """What a system answered is shown, never executed, interpreted or hidden."""
    row = dataclasses.replace(
        view.guardrails[0], observed=HOSTILE, expected=HOSTILE, promise=HOSTILE, id=HOSTILE
    )
    html = report.render(
        dataclasses.replace(
            view,
            title=HOSTILE,
            headline=HOSTILE,
            owners=(HOSTILE,),
            guardrails=(row,),
            deviations=(HOSTILE,),
            reasons=(HOSTILE,),
            missing=((HOSTILE, HOSTILE),),
            deployed=((HOSTILE, HOSTILE),),
            systems=(SystemRow(name=HOSTILE, provenance="simulated", detail=HOSTILE),),
            artefacts=(ArtefactRow(path=HOSTILE, size_bytes=1, sha256=HOSTILE, required_by=""),),
        )
    )
    html.encode()
    page = Page(html)
    assert page.open == []
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "{{ 7 * 7 }}" in html
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202e]", html)


@pytest.mark.parametrize(
    "path",
    ["../../etc/passwd", "/etc/passwd", "a/../../b", "..", ".", "", "./runs.json", "a//b"],
)
def test_no_link_leads_out_of_the_bundle(view: ReportView, path: str) -> None:
    """Only a plain path within the bundle is a link; others are shown as text."""
    row = dataclasses.replace(view.guardrails[0], artefact=path)
    html = report.render(
        dataclasses.replace(view, guardrails=(row,), artefacts=(), commands=(), pictures=())
    )
    assert Page(html).all("href") == []


def test_links_are_relative_and_encoded(view: ReportView) -> None:
    """A colon or a space in a name makes neither a scheme nor a broken link."""
    row = dataclasses.replace(view.guardrails[0], artefact="javascript:x y#z.json")
    html = report.render(dataclasses.replace(view, guardrails=(row,)))
    assert "./javascript%3Ax%20y%23z.json" in Page(html).all("href")


def test_the_page_is_in_order(view: ReportView) -> None:
    """Mode, outcome, reasons, systems, guardrails, the rest, how to check, and the teeth."""
    gone = dataclasses.replace(view, missing=(("graph.png", "no browser"),))
    ids = [name for name in Page(report.render(gone)).all("id") if "." not in name]
    assert [name for name in ids if not name.startswith("guardrail-")] == [
        "title",
        "reasons",
        "systems",
        "guardrails",
        "pictures",
        "steps",
        "commands",
        "deviations",
        "missing",
        "artefacts",
        "check",
        "teeth",
    ]


def test_every_guardrail_is_there(view: ReportView) -> None:
    """Each with verdict, rank, promise, expected, observed and evidence."""
    html = report.render(view)
    said = untagged(html)
    assert html.count("<article") == len(view.guardrails)
    for row in view.guardrails:
        assert all(
            part in said for part in (row.id, row.promise, row.expected, row.observed, row.step)
        )
        assert row.artefact is None or f'href="./{row.artefact}"' in html


def test_what_did_not_hold_comes_first(view: ReportView) -> None:
    """Broken musts, then musts without an answer, then what is amber, then what held."""
    rows = {row.id: row for row in view.guardrails}
    mixed = dataclasses.replace(
        view,
        guardrails=tuple(
            {
                **rows,
                "marquez.run-completed": changed(rows["marquez.run-completed"], "broke"),
                "marquez.graph-connected": changed(rows["marquez.graph-connected"], "no verdict"),
            }.values()
        ),
    )
    assert [(row.id, row.tone) for row in mixed.guardrails_by_worry] == [
        ("marquez.run-completed", "bad"),
        ("marquez.graph-connected", "open"),
        ("marquez.events-valid", "amber"),
        ("marquez.prefect-linkage", "amber"),
        ("marquez.stack-healthy", "good"),
        ("marquez.exports-complete", "good"),
    ]


def test_a_waiver_is_shown(view: ReportView) -> None:
    """A waived guardrail is amber, and its reason, owner and expiry stand there."""
    row = dataclasses.replace(
        changed(view.guardrails[0], "broke"), waiver="known · B. Owner · until 2026-12-01"
    )
    html = report.render(dataclasses.replace(view, guardrails=(row,)))
    assert row.tone == "amber"
    assert "must · waived" in html
    assert "known · B. Owner · until 2026-12-01" in html


def test_no_guardrail_is_no_proof(view: ReportView) -> None:
    """An empty registry is said in words, not left as white space."""
    assert "nothing was proved" in report.render(dataclasses.replace(view, guardrails=()))


def test_a_bundle_of_almost_nothing_renders(view: ReportView) -> None:
    """BLOCKED before anything began leaves a whole page all the same."""
    bare = dataclasses.replace(
        live(view, "BLOCKED"),
        systems=(),
        steps=(),
        guardrails=(),
        deviations=(),
        commands=(),
        artefacts=(),
        pictures=(),
        deployed=(),
        reasons=(),
        owners=(),
    )
    html = report.render(bare)
    assert Page(html).open == []
    assert "no system was reached" in html


def test_pictures_travel_within(view: ReportView) -> None:
    """The bytes on the page are the bytes of the picture, and it has words beside it."""
    (source,) = Page(report.render(view)).all("src")
    assert base64.b64decode(source.partition(",")[2]) == view.pictures[0].png
    assert Page(report.render(view)).all("alt") == ["The lineage graph"]


def test_tables_are_tables_and_cards(view: ReportView) -> None:
    """Each cell names its column: on a phone the head row is gone."""
    page = Page(report.render(view))
    cells = [attrs for tag, attrs in page.tags if tag == "td"]
    assert cells
    assert all(attrs.get("data-label") and attrs.get("role") == "cell" for attrs in cells)
    tables = sum(tag == "table" for tag, _ in page.tags)
    assert tables == sum(tag == "caption" for tag, _ in page.tags) == 3


def test_the_reader_can_check(view: ReportView) -> None:
    """Ledger digest, counts, digests of all artefacts and the command that verifies them."""
    html = report.render(view)
    assert view.ledger_sha256 in html
    assert view.counts in html
    assert view.verify_command in html
    assert view.judge_command is not None
    assert view.judge_command in html
    assert "rehearsal judge" not in report.render(dataclasses.replace(view, judge_command=None))
    assert all(row.sha256 in html for row in view.artefacts)
    assert "unsigned" in html


def test_the_same_view_is_the_same_page(view: ReportView) -> None:
    """A report can be rendered again and compared."""
    assert report.render(view) == report.render(view)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "&lt; 0.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.7, "1 min 0 s"),
        (3_725.0, "1 h 2 min"),
    ],
)
def test_durations_read_well(view: ReportView, seconds: float, shown: str) -> None:
    """Short ones to a tenth, long ones in words."""
    step = dataclasses.replace(view.steps[0], duration_s=seconds)
    html = report.render(dataclasses.replace(view, steps=(step,), commands=()))
    assert f'<span class="quiet">{shown}</span>' in html


def changed(
    row: GuardrailRow, verdict: Literal["held", "broke", "not established", "no verdict"]
) -> GuardrailRow:
    """The same guardrail with another verdict."""
    return dataclasses.replace(row, verdict=verdict)


def test_backticks_are_code_and_ids_stay_whole(view: ReportView) -> None:
    """What a guardrail says in backticks reads as code; no line ends within an id or a moment."""
    row = dataclasses.replace(
        view.guardrails[0],
        expected="`hotpass refine` of <b> exits 0 at 2026-11-22T05:05:07Z",
        observed=f"run {view.run_id}, one ` alone",
    )
    html = report.render(dataclasses.replace(view, guardrails=(row,)))
    assert "<code>hotpass refine</code> of &lt;b&gt; exits 0 at " in html.replace(
        '<span class="whole">hotpass</span> <span class="whole">refine</span>', "hotpass refine"
    )
    assert '<span class="whole">2026-11-22T05:05:07Z</span>' in html
    assert f'run <span class="whole">{view.run_id}</span>, one ` alone' in html


def test_command_reads_the_same_when_copied(view: ReportView) -> None:
    """Marks between its words change no character of it."""
    row = dataclasses.replace(view.commands[0], command="a '--x=1  2' <b> | sh")
    html = report.render(dataclasses.replace(view, commands=(row,)))
    shown = html.partition('<td role="cell" data-label="Command"')[2].partition("</code>")[0]
    assert (
        re.sub("<[^>]+>", "", shown.partition("<code>")[2])
        == "a &#39;--x=1  2&#39; &lt;b&gt; | sh"
    )


def test_report_ends_with_its_teeth(view: ReportView) -> None:
    """How many seeded faults, the digest of their table, and how to try them: last on the page."""
    html = report.render(view)
    said = untagged(html.partition('id="teeth"')[2].partition("<footer>")[0])
    assert view.teeth is not None
    assert "114 seeded faults" in said
    assert "18 harmless oddities" in said
    assert view.teeth.sha256 in said
    assert "jq -cS . fixtures/guardrails/seeded_marquez.json | sha256sum" in said
    told = "in self-tests, 12 seeded faults break it, 3 more leave it open"
    assert html.count(told) == len(view.guardrails)


def test_word_without_seeded_faults_says_so(view: ReportView) -> None:
    """Nothing seeded is told as what it is: no proof that a guardrail can fail."""
    rows = tuple(dataclasses.replace(row, seeded=None) for row in view.guardrails)
    html = report.render(dataclasses.replace(view, teeth=None, guardrails=rows))
    assert "None yet: no fault was ever seeded" in html
    assert "in self-tests" not in html


def test_guardrail_that_no_fault_breaks_says_so(view: ReportView) -> None:
    """Zero is told, not left out."""
    row = dataclasses.replace(view.guardrails[0], seeded=(0, 0))
    html = report.render(dataclasses.replace(view, guardrails=(row,)))
    assert "in self-tests, 0 seeded faults break it</dd>" in html


def test_key_is_named_and_not_vouched_for(view: ReportView) -> None:
    """The page was written before the signature: it can only name the key."""
    html = report.render(dataclasses.replace(view, signed_by="ab" * 32))
    assert "abababababababab…" in html
    assert "if the verify command says so" in html
    assert "unsigned" not in html


def test_should_of_a_strict_rehearsal_decides(view: ReportView) -> None:
    """Under ``--strict`` a *should* that broke is as bad as a *must*, and the page says why."""
    rows = tuple(dataclasses.replace(row, decides=True) for row in view.guardrails)
    strict = dataclasses.replace(view, strict=True, guardrails=rows)
    tones = {row.id: row.tone for row in strict.guardrails}
    assert tones["marquez.events-valid"] == "bad"
    assert "this rehearsal was strict" in report.render(strict)
    assert "only informs" in report.render(view)


def a_difference(many: int, text: str) -> dict[str, Any]:
    """A difference in which everything differs so many times, and says so in this text."""
    side: dict[str, Any] = {
        "stamp": "20261101T000000Z",
        "mode": "live",
        "outcome": "PASSED",
        "would_be": None,
        "verified": True,
        "denials": [],
    }
    said = {"rank": "must", "waived": False, "expected": text, "observed": text}
    span = {"before_s": 1.0, "after_s": 2.0, "median_s": 1.5, "mad_s": 0.5, "count": 3}
    number = range(many)
    # The same list for every payload: written out, it is a gigabyte.
    fields = [{"path": f"field{one}{text}", "before": [], "after": ["number"]} for one in number]
    return {
        "older": side,
        "passed_over": [text],
        "guardrails": {
            "same": 3,
            "changed": [
                {
                    "id": f"marquez.promise-{each}",
                    "what": ["verdict", "expected"],
                    "before": {**said, "verdict": "held"},
                    "after": {**said, "verdict": "broke"} if each else None,
                }
                for each in number
            ],
        },
        "payloads": {
            "same": 4,
            "changed": [
                {
                    "path": f"payload-{each}.json",
                    "trouble": text if each == 1 else "",
                    "fields": fields,
                }
                for each in number
            ],
        },
        "timings": [
            {"step": "", "title": "whole rehearsal", **span},
            {"step": "1", "title": "Start the stack", **span},
        ],
        "facts": [{"name": f"fact-{each}", "before": text, "after": None} for each in number],
        "settings": [f"setting-{each}" for each in number],
        "deviations": {"new": [text] * many, "gone": [text] * many},
        "files": {"new": [f"file-{each}" for each in number], "gone": []},
    }


def compared(view: ReportView, told: dict[str, Any] | None, why_none: str = "") -> str:
    """The page of a rehearsal that was compared."""
    shown = Changes(told=told, why_none=why_none, diff_command="uv run rehearsal diff x")
    return report.render(dataclasses.replace(view, changes=shown))


def since(html: str) -> str:
    """What the page says of changes."""
    return html.partition('id="changes"')[2].partition("</section>")[0]


def test_what_changed_stands_after_the_guardrails(view: ReportView) -> None:
    """A section of its own, every kind of change in it, and whole pages of tags."""
    html = compared(view, a_difference(2, "said `so`"))
    assert Page(html).open == []
    places = [html.index(f'id="{name}"') for name in ("guardrails", "changes", "commands")]
    assert places == sorted(places)
    section = since(html)
    assert "20261101T000000Z" in section
    for name in ("promise-1", "payload-0.json", "fact-1", "setting-1", "file-1"):
        assert name in section
    assert "was not compared: said <code>" in section
    assert "the median of 3 earlier ones is 1.5 s" in section
    assert " more</summary>" not in section
    assert "in diff.json" not in section
    assert 'id="changes"' not in report.render(view)


def test_a_large_difference_is_folded_and_bounded(view: ReportView) -> None:
    """The first few stand there, more behind a line to open, and the rest in the file."""
    html = compared(view, a_difference(500, "x" * 5_000))
    assert Page(html).open == []
    section = since(html)
    assert len(section) < 1_500_000
    first, folded, _ = section.partition("<summary>494 more</summary>")
    assert "promise-5" in first
    assert "promise-6" not in first
    assert folded
    assert "promise-39" in section
    assert "promise-40" not in section
    assert "460 more in diff.json." in section
    assert "x" * 401 not in section


def test_what_was_not_compared_is_one_sentence(view: ReportView) -> None:
    """Why, and how to; or that there was nothing to compare with."""
    section = since(compared(view, None, "A dry run is compared with nothing."))
    assert "A dry run is compared with nothing." in section
    assert untagged(section).count("uv run rehearsal diff x") == 1
    alone = {**a_difference(0, ""), "older": None, "passed_over": []}
    alone["timings"] = [{**each, "count": 0} for each in alone["timings"]]
    section = since(compared(view, alone, "There is nothing to compare with."))
    assert "There is nothing to compare with." in section
    assert "<table" not in section
    assert "<h3" not in section


def test_a_hostile_difference_stays_text(view: ReportView) -> None:
    """What an older bundle says is as strange as what a system says."""
    html = compared(view, a_difference(2, HOSTILE))
    page = Page(html)
    assert page.open == []
    assert "script" not in {tag for tag, _ in page.tags}
    assert "\u202e" not in html
    assert "\x1b" not in html
