"""Which lines claim evidence: each shape the documents have, and those that claim nothing."""

from __future__ import annotations

import pytest

from fixtures.evidence.audit import claims, documents
from fixtures.evidence.audit.finding import Claim

RUN = "dist/staging/marquez/20251112T140000Z"
ARC = "dist/staging/arc/20251113T160000Z"
LATER = "dist/staging/arc/20251113T200000Z"
HEAD = "| Rehearsal | Date (UTC) | Notes |\n| --- | --- | --- |\n"


def found(text: str) -> list[Claim]:
    data = text.encode("utf-8", "surrogateescape")
    return claims.of(documents.parse("docs/operations/plan.md", data))[0]


CLAIMS = [
    pytest.param(f"Evidence: `{RUN}/`.", [(RUN, "cited")], id="code-span"),
    pytest.param(f"Evidence is in {RUN}/ since then.", [(RUN, "cited")], id="bare-path"),
    pytest.param(f"See ({RUN}/cli.log), please.", [(RUN, "cited")], id="in-parentheses"),
    pytest.param(f"Kept in {RUN}.", [(RUN, "cited")], id="full-stop-behind"),
    pytest.param(f"[graph](../../{RUN}/graph.png)", [(RUN, "cited")], id="relative-link"),
    pytest.param(f"[graph](./{RUN}/graph.png)", [(RUN, "cited")], id="dot-link"),
    pytest.param(f"**{RUN}/cli.log**", [(RUN, "cited")], id="bold"),
    pytest.param(f"<code>{RUN}/cli.log</code>", [(RUN, "cited")], id="html-code"),
    pytest.param(f"<div>\n{RUN}/\n</div>", [(RUN, "cited")], id="html-block"),
    pytest.param(f"- Latest rehearsal evidence: `{RUN}/`.", [(RUN, "cited")], id="bullet"),
    pytest.param(f"• simulated: `{RUN}/`", [(RUN, "dry run")], id="round-bullet"),
    pytest.param(f"1. Done, see `{RUN}/`.", [(RUN, "completed")], id="numbered"),
    pytest.param(f"- [x] **QA** — Smoke, `{RUN}/`.", [(RUN, "completed")], id="ticked"),
    pytest.param(f"- [ ] **QA** — Again; before: `{RUN}/`.", [(RUN, "cited")], id="open-task"),
    pytest.param(
        f"- [x] **QA** — Smoke.\n  - notes: captured under {RUN}/",
        [(RUN, "completed")],
        id="child",
    ),
    pytest.param(
        f"- [x] **QA** — Smoke.\n\n  - **Progress:** {RUN}/", [(RUN, "completed")], id="far-child"
    ),
    pytest.param(
        f"- [x] **QA** — Smoke.\n\nNew paragraph: {RUN}/", [(RUN, "cited")], id="no-child"
    ),
    pytest.param(
        f"{HEAD}| Marquez lineage smoke | 2025-11-12 | Completed. `{RUN}/` |",
        [(RUN, "completed")],
        id="row",
    ),
    pytest.param(
        f"|Rehearsal|Status|\n|-|-|\n|Marquez lineage smoke|✅ `{RUN}/`|",
        [(RUN, "completed")],
        id="narrow-row-with-tick",
    ),
    pytest.param(
        f"a | b\n--|--\nArtefacts | `{RUN}/`", [(RUN, "cited")], id="row-without-outer-bars"
    ),
    pytest.param(
        f"{HEAD}| Marquez | 2025-11-12 | Dry-run rehearsal captured at `{RUN}/` |",
        [(RUN, "dry run")],
        id="dry-run-row",
    ),
    pytest.param(
        f"{HEAD}| Marquez (simulated) | 2025-11-12 | Completed. `{RUN}/` |",
        [(RUN, "completed")],
        id="simulated-owner-yet-completed",
    ),
    pytest.param(
        f"{HEAD}| Marquez | 2025-11-12 | Completed (dry run): `{RUN}/` |",
        [(RUN, "dry run")],
        id="completed-dry-run",
    ),
    pytest.param(f"Not a dry run: `{RUN}/`.", [(RUN, "cited")], id="no-dry-run"),
    pytest.param(f"Not yet completed; see `{RUN}/`.", [(RUN, "cited")], id="not-completed"),
    pytest.param(f"Blocked on 2025-11-12. `{RUN}/`", [(RUN, "cited")], id="blocked"),
    pytest.param(f"Ready for sign-off: `{RUN}/`", [(RUN, "completed")], id="ready"),
    pytest.param(f"`{RUN}/a` and `{ARC}/`", [(RUN, "cited"), (ARC, "cited")], id="two-folders"),
    pytest.param(
        f"`{RUN}/{{cli.log,graph.png}}`", [(RUN, "cited")], id="braces-behind-a-real-folder"
    ),
    pytest.param(f"`{RUN}/*.log`", [(RUN, "cited")], id="glob-behind-a-real-folder"),
    pytest.param(
        "`dist/logs/e2e-20251107T105820Z/`",
        [("dist/logs/e2e-20251107T105820Z", "cited")],
        id="logs",
    ),
    pytest.param(
        "`.hotpass/arc/20251107T105820Z/`",
        [(".hotpass/arc/20251107T105820Z", "cited")],
        id="own-summary",
    ),
    pytest.param(
        "`dist/quality-gates/qg2-data-quality/20251107T105820Z/summary.json`",
        [("dist/quality-gates/qg2-data-quality/20251107T105820Z", "cited")],
        id="quality-gates",
    ),
    pytest.param(
        "`dist/staging/e2e/final/`", [("dist/staging/e2e/final", "cited")], id="no-time-stamp"
    ),
    pytest.param(
        "`dist\\staging\\arc\\20251113T160000Z\\sts.txt`", [(ARC, "cited")], id="back-slashes"
    ),
    pytest.param(
        f"https://git.example.org/o/r/blob/main/{RUN}/cli.log", [(RUN, "cited")], id="link-to-blob"
    ),
    pytest.param(f"s3://bucket/{RUN}/", [(RUN, "cited")], id="bucket"),
    pytest.param(f"【F:{RUN}/cli.log†L1-L2】", [(RUN, "cited")], id="citation"),
    pytest.param(f"```text\n{RUN}/cli.log\n```", [(RUN, "cited")], id="listing"),
    pytest.param(f"```\n├── {RUN}/\n```", [(RUN, "cited")], id="tree"),
    pytest.param(f"```yaml\nevidence: {RUN}/\n```", [(RUN, "cited")], id="yaml"),
    pytest.param(f"    {RUN}/", [(RUN, "cited")], id="indented-listing"),
    pytest.param(
        f"- 2025-11-01 simulated dry run: ``{ARC}/`` (``sts.txt``).",
        [(ARC, "dry run")],
        id="double-back-ticks",
    ),
    pytest.param(f"- **Completed** — `{RUN}/`", [(RUN, "completed")], id="bold-status"),
    pytest.param(f"> Done: {RUN}/", [(RUN, "completed")], id="quote"),
    pytest.param(f"a <!-- b --> {RUN}/ <!-- c", [(RUN, "cited")], id="between-comments"),
    pytest.param(f"# Evidence {RUN}/", [(RUN, "cited")], id="heading"),
    pytest.param(f"Done: {RUN}/\r\n", [(RUN, "completed")], id="crlf"),
    pytest.param(f"\ufeffDone: {RUN}/", [(RUN, "completed")], id="byte-order-mark"),
    pytest.param(f"bad \udcff\udcfe Done: {RUN}/", [(RUN, "completed")], id="not-utf-8"),
    pytest.param(f"nul \x00. Done: {RUN}/", [(RUN, "completed")], id="nul"),
    pytest.param(
        f"{HEAD}| ARC runner lifecycle | 2025-11-13 16:00 – 17:30 | Completed |",
        [("", "completed")],
        id="row-without-path",
    ),
    pytest.param(
        f"{HEAD}| Full E2E preflight | 13 November 2025 | Accepted |",
        [("", "completed")],
        id="row-with-words-for-a-date",
    ),
    pytest.param(
        f"{HEAD}| Marquez smoke | Nov 13, 2025 | Done: `dist/staging/marquez/<timestamp>/` |",
        [("", "completed")],
        id="row-with-placeholder",
    ),
    pytest.param(
        "- ARC lifecycle rehearsal completed on 2025-11-13.",
        [("", "completed")],
        id="bullet-without-path",
    ),
    pytest.param("`dist/staging/../../../etc/passwd`", [("*", "cited")], id="leaves-the-checkout"),
    pytest.param(f"[x](../../../{RUN}/)", [("*", "cited")], id="link-leaves-the-checkout"),
]

NO_CLAIMS = [
    pytest.param("`dist/staging/marquez/<timestamp>/runs.json`", id="angle-brackets"),
    pytest.param("`dist/staging/marquez/{timestamp}/cli.log`", id="braces"),
    pytest.param("dist/staging/marquez/$(date -u +%Y%m%dT%H%M%SZ)/", id="date-command"),
    pytest.param("dist/staging/marquez/${TS}/ and dist/staging/arc/$TS/", id="variables"),
    pytest.param("`dist/staging/marquez/*/graph.png`", id="glob"),
    pytest.param("`dist/staging/marquez/2025*/graph.png`", id="glob-in-a-stamp"),
    pytest.param("`dist/staging/**`", id="double-glob"),
    pytest.param("`dist/staging/marquez/YYYYMMDDTHHMMSSZ/`", id="letters"),
    pytest.param("`dist/staging/marquez/2025XXXXTXXXXXXZ/`", id="crosses"),
    pytest.param("`dist/staging/marquez/%Y%m%dT%H%M%SZ/`", id="strftime"),
    pytest.param("`dist/staging/marquez/timestamp/`", id="the-word-itself"),
    pytest.param("`dist/staging/marquez/TIMESTAMP/`", id="the-word-in-capitals"),
    pytest.param("`dist/staging/marquez/.../cli.log`", id="dots"),
    pytest.param("`dist/staging/marquez/…/cli.log`", id="ellipsis"),
    pytest.param("`dist/staging/marquez/[timestamp]/`", id="square-brackets"),
    pytest.param("&lt;p&gt; `dist/staging/marquez/&lt;timestamp&gt;/`", id="entities"),
    pytest.param("Write to the `dist/staging/marquez/` directory.", id="no-run-named"),
    pytest.param("`./dist/staging/refined.xlsx`", id="a-workbook"),
    pytest.param("`dist/refined-data-20251101T101010Z-0123abcd.zip`", id="an-archive"),
    pytest.param("`apps/web/dist/assets/index.js`", id="another-dist"),
    pytest.param(f"```bash\ncp cli.log {RUN}/\n```", id="command"),
    pytest.param(f"```\n$ curl -s x > {RUN}/runs.json\n```", id="prompt"),
    pytest.param(f"```\ncp cli.log \\\n  {RUN}/\n```", id="continued-command"),
    pytest.param(f"   ```sh\n   ls {RUN}/\n   ```", id="indented-fence"),
    pytest.param(f"    TS=1 cp a {RUN}/", id="indented-command"),
    pytest.param(f"<!-- {RUN}/ -->", id="comment"),
    pytest.param(f"Text <!-- {RUN}/ --> and <!-- {RUN}/ -->.", id="comment-in-a-line"),
    pytest.param(f"<!--\nDone: {RUN}/\n-->", id="long-comment"),
    pytest.param(f"~~Done: `{RUN}/`~~", id="struck-out"),
    pytest.param(f"{HEAD}| Marquez | 2025-11-12 | Pending. To `{RUN}/` |", id="pending"),
    pytest.param(f"Artefacts will be stored in `{RUN}/`.", id="future"),
    pytest.param(f"Evidence: `{RUN}/` (not evidence: never sealed)", id="taken-back"),
    pytest.param(f"| Rehearsal {RUN}/ | b |\n| --- | --- |\n| a | b |", id="table-head"),
    pytest.param(f"{HEAD}| Marquez lineage smoke | 2025-11-12 | Scheduled |", id="booked"),
    pytest.param(f"{HEAD}| Marquez lineage docs | 2025-11-12 | Completed |", id="another-task"),
    pytest.param(f"{HEAD}| ARC runner lifecycle | soon | Completed |", id="row-without-date"),
    pytest.param(f"---\nsummary: Done in {RUN}/\n---\n\nText.", id="front-matter"),
    pytest.param("", id="nothing"),
]

SPELLINGS = [
    pytest.param(f"see `$HOTPASS/{ARC}` completed", [(ARC, "completed")], id="variable"),
    pytest.param(f"see `$ROOT/{ARC}/` done", [(ARC, "completed")], id="another-variable"),
    pytest.param(f"see `$root/{ARC}/`", [(ARC, "cited")], id="variable-in-small-letters"),
    pytest.param(f"see `${{HOTPASS_ROOT}}/{ARC}/`", [(ARC, "cited")], id="variable-in-braces"),
    pytest.param(f"see `HOTPASS_ROOT/{ARC}/`", [(ARC, "cited")], id="capitals-for-the-checkout"),
    pytest.param(
        "ARC done: dist/staging/arc/{20251113T160000Z,20251113T200000Z}/",
        [(ARC, "completed"), (LATER, "completed")],
        id="braces",
    ),
    pytest.param(
        "dist/staging/arc/20251113T{16,20}0000Z/sts.txt",
        [(ARC, "cited"), (LATER, "cited")],
        id="braces-in-a-stamp",
    ),
    pytest.param(
        "dist/staging/arc/{20251113T{16, 20}0000Z}/",
        [(ARC, "cited"), (LATER, "cited")],
        id="braces-in-braces",
    ),
    pytest.param("`dist/staging/{arc/20251113T160000Z,x}/`", [(ARC, "cited")], id="early-braces"),
    pytest.param(
        "`dist/staging/arc/{20251113T160000Z,timestamp}/`", [(ARC, "cited")], id="half-braces"
    ),
    pytest.param("`dist/staging/arc/{20251113T160000Z}/`", [(ARC, "cited")], id="one-in-braces"),
    pytest.param(f"{ARC}<!-- x -->", [(ARC, "cited")], id="comment-stuck-to-it"),
    pytest.param(f'{ARC}<a id="x"></a>', [(ARC, "cited")], id="tag-stuck-to-it"),
    pytest.param(f"{ARC}&nbsp;done", [(ARC, "completed")], id="blank-entity-stuck-to-it"),
    pytest.param(f"*Done, see {ARC}*", [(ARC, "completed")], id="end-of-italics"),
    pytest.param(f"{ARC}…", [(ARC, "cited")], id="ellipsis-stuck-to-it"),
    pytest.param(
        "ARC rehearsal completed, evidence: `staging/arc/20251113T160000Z/sts.txt`",
        [(ARC, "completed")],
        id="without-dist",
    ),
    pytest.param("`../../staging/arc/20251113T160000Z/`", [(ARC, "cited")], id="link-sans-dist"),
    pytest.param(
        "`staging/arc/{20251113T160000Z,20251113T200000Z}/`",
        [(ARC, "cited"), (LATER, "cited")],
        id="braces-without-dist",
    ),
    pytest.param(
        "s3://bucket/staging/arc/20251113T160000Z/ uploaded",
        [(ARC, "cited")],
        id="bucket-sans-dist",
    ),
    pytest.param("dist&#47;staging/arc/20251113T160000Z/", [(ARC, "cited")], id="entity"),
    pytest.param("dist&sol;staging&#x2F;arc&#47;20251113T160000Z/", [(ARC, "cited")], id="names"),
    pytest.param("&#100;ist/staging/arc/20251113T160000Z/", [(ARC, "cited")], id="letter-entity"),
    pytest.param("[x](dist%2Fstaging%2farc/20251113T160000Z)", [(ARC, "cited")], id="per-cent"),
    pytest.param("DIST/STAGING/ARC/20251113T160000Z/", [(ARC, "cited")], id="capitals"),
    pytest.param("Dist/Staging/arc/20251113T160000Z/", [(ARC, "cited")], id="title-case"),
    pytest.param(
        f"---\nevidence: {ARC}\nstatus: Completed\n---\n\nText.",
        [(ARC, "completed")],
        id="front-matter-completed",
    ),
    pytest.param(
        f'---\nstatus: accepted\nevidence:\n  - "{ARC}/" # kept\n  - {LATER}\n---\n',
        [(ARC, "completed"), (LATER, "completed")],
        id="front-matter-list",
    ),
    pytest.param(f"---\nruns: [{ARC}]\n---\n", [(ARC, "cited")], id="front-matter-no-status"),
]
"""Ways to write a path that a reader understands and a search for the plain one overlooks."""

NO_CLAIM_SPELLINGS = [
    pytest.param("`$HOTPASS/dist/staging/arc/$TS/`", id="two-variables"),
    pytest.param("`dist/staging/arc/{lifecycle.json,sts.txt}`", id="braces-without-a-run"),
    pytest.param("`dist/staging/{marquez,arc}/{timestamp}/`", id="braces-of-words"),
    pytest.param("`dist/staging/arc/2025{MM,DD}/`", id="braces-of-letters"),
    pytest.param("`staging/arc/<timestamp>/` and `staging/arc/`", id="without-dist-placeholder"),
    pytest.param("Deploy to `hotpass-staging/arc/20251113T160000Z`", id="another-staging"),
    pytest.param("s3://bucket/staging/marquez/<ts>/ uploaded", id="bucket-placeholder"),
    pytest.param("DIST/STAGING/WORD/TIMESTAMP/ and Dist/index.js", id="capitals-placeholder"),
    pytest.param("`dist&#47;staging/arc/&lt;timestamp&gt;/`", id="entity-placeholder"),
    pytest.param("`dist/refined-data-20251101T101010Z*.zip`", id="glob-of-archives"),
    pytest.param(f"---\nevidence: {ARC}\nstatus: Planned\n---\n", id="front-matter-planned"),
    pytest.param("---\nevidence: dist/staging/arc/<ts>/\n---\n", id="front-matter-placeholder"),
    pytest.param(f"---\n# evidence: {ARC}\n---\n", id="front-matter-comment"),
]


@pytest.mark.parametrize(("text", "expected"), CLAIMS + SPELLINGS)
def test_shape_is_a_claim(text: str, expected: list[tuple[str, str]]) -> None:
    """A path of a run, or a row that says completed on a day, claims evidence."""
    seen = found(text)
    assert [("*" if it.escapes else it.folder, it.says.value) for it in seen] == expected


@pytest.mark.parametrize("text", NO_CLAIMS + NO_CLAIM_SPELLINGS)
def test_shape_is_no_claim(text: str) -> None:
    """Placeholders, commands, comments, plans and what was taken back claim nothing."""
    assert found(text) == []


def test_row_is_read_whole() -> None:
    """Line, rehearsal, day, time and the files beside the folder come from the row's own words."""
    text = (
        f"{HEAD}| ARC runner lifecycle | 2025-11-13 16:00 – 17:30 | Done. `{ARC}/` (`sts.txt`) |"
    )
    (claim,) = found(text)
    assert (claim.line, claim.word, claim.row_word) == (3, "arc", "arc")
    assert claim.files == ("sts.txt",)
    assert f"{claim.day:%Y-%m-%d %H:%M}" == "2025-11-13 16:00"
    assert claim.stamp == claim.day


def test_files_of_one_folder_are_one_claim() -> None:
    """Two files of a run on one line are one claim of that run."""
    (claim,) = found(f"Completed: `{RUN}/cli.log`, `{RUN}/graph.png`, `{RUN}/cli.log`.")
    assert claim.files == ("cli.log", "graph.png")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param(f"---\nlast_updated: 2025-11-02\n---\n\n{RUN}/", "2025-11-02", id="front"),
        pytest.param(
            f"---\r\nlast_updated: '2025-11-02'\r\n---\r\n{RUN}/", "2025-11-02", id="front-crlf"
        ),
        pytest.param(f"# Log\n\n_Updated 2025-10-31_\n\n{RUN}/", "2025-10-31", id="italics"),
        pytest.param(
            f"## 2025-11-07 (branch: work)\n\n- {RUN}/", "2025-11-07", id="dated-heading"
        ),
        pytest.param(
            f"---\nlast_updated: 2026-01-01\n---\n## 2025-11-07\n{RUN}/\n## 2025-11-01\n",
            "2025-11-07",
            id="nearest-heading-wins",
        ),
        pytest.param(f"## Log\n\n{RUN}/", "None", id="no-date"),
        pytest.param(f"---\nlast_updated: 2025-13-99\n---\n{RUN}/", "None", id="no-real-date"),
    ],
)
def test_document_says_when_it_was_written(text: str, written: str) -> None:
    """Front matter, an italic line, or the dated heading above: the nearest counts."""
    assert str(found(text)[0].written) == written


def test_claims_in_code_and_html_are_not_edited() -> None:
    """A proposal writes prose, so it leaves code and HTML to a person."""
    text = f"---\nrun: {RUN}\n---\n```text\n{RUN}/\n```\n\n<div>\n{RUN}/\n</div>\n\n{RUN}/\n"
    assert [each.editable for each in found(text)] == [False, False, False, True]


def test_files_in_braces_are_files() -> None:
    """Behind a folder, braces name its files; those still to be filled in are none."""
    (claim,) = found(f"See `{RUN}/{{cli.log,graph.png,*.json}}`")
    assert claim.files == ("cli.log", "graph.png")


@pytest.mark.parametrize("text", [each.values[0] for each in SPELLINGS])
def test_other_spelling_is_hidden_from_prose(text: str) -> None:
    """However a path is written, its own words are not read as the line's."""
    assert "2025111" not in "".join(map(claims.prose_of, text.splitlines()))


def test_planned_lines_are_counted() -> None:
    """Words that make a line no claim are visible as a number."""
    text = (
        f"Pending: `{RUN}/`\n\n`{RUN}/` (not evidence: x)\n\nPending: `dist/staging/arc/<ts>/`\n"
    )
    assert claims.of(documents.parse("a.md", text.encode())) == ([], 2)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("dist/" * 200_000, id="anchors"),
        pytest.param("dist/{" * 40_000, id="open-braces"),
        pytest.param(f"{RUN}" + "{a,b}" * 20_000, id="doubling-braces"),
        pytest.param("dist/staging/arc/{" + "{a}" * 1_900 + "}/" + RUN, id="braces-in-a-brace"),
        pytest.param("dist/{{" * 20_000 + RUN, id="open-double-braces"),
        pytest.param("&#47;dist" * 40_000 + f" {RUN}", id="entities"),
        pytest.param("a/" * 400_000 + RUN, id="long-prefix"),
        pytest.param(f"`{RUN}/x` " * 8_000, id="one-folder-often"),
        pytest.param("marquez " * 100_000 + f"completed 2025-01-01 {RUN}/", id="words"),
        pytest.param("|" * 300_000 + RUN, id="bars"),
        pytest.param("x" + "<!--" * 100_000 + RUN + "/", id="open-comments"),
        pytest.param("~~" * 100_000 + RUN + "/", id="tildes"),
        pytest.param("[" * 100_000 + RUN + "/", id="brackets"),
        pytest.param("- " * 50_000 + RUN + "/", id="nested-bullets"),
        pytest.param("> " * 50_000 + RUN + "/", id="nested-quotes"),
        pytest.param("`" * 100_000 + RUN + "/", id="back-ticks"),
    ],
)
@pytest.mark.timeout(30)
def test_huge_lines_are_read(line: str) -> None:
    """A line of megabytes costs time in proportion, and its path is read all the same."""
    folders = {each.folder for each in found(line + "\n\n" + ARC + "/\n")}
    assert ARC in folders
