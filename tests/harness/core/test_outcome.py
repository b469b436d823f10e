"""Self-tests of how verdicts add up to an outcome, and outcomes to an exit code."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from fixtures.core.outcome import Exit, Outcome, decide, exit_for, worst
from fixtures.core.registry import Guardrail
from fixtures.core.verdict import Promise, Rank, Ruling, Verdict

HELD, BROKE, UNSURE = Ruling.HELD, Ruling.BROKE, Ruling.NOT_ESTABLISHED
MUST, SHOULD = Rank.MUST, Rank.SHOULD
SEVERITY = (Outcome.INTERRUPTED, Outcome.FAILED, Outcome.BLOCKED, Outcome.PASSED)


def a_guardrail(number: int, rank: Rank) -> Guardrail:
    """A guardrail of that rank."""

    def judge() -> Verdict:
        return Promise(f"marquez.g{number}", None, "x").held("x")

    return Guardrail(
        id=f"marquez.g{number}",
        rank=rank,
        step="1",
        promise="x",
        artefact=None,
        optional=False,
        judge=judge,
        needs=(),
    )


def outcome_of(
    pairs: Sequence[tuple[Rank, Ruling | None]],
    *,
    waived: Sequence[int] = (),
    strict: bool = False,
    interruptions: Sequence[str] = (),
    absent: Sequence[str] = (),
) -> Outcome:
    """The outcome of guardrails of these ranks that ended so."""
    return decide(
        [a_guardrail(number, rank) for number, (rank, _) in enumerate(pairs)],
        {f"marquez.g{n}": ruling for n, (_, ruling) in enumerate(pairs) if ruling is not None},
        waived=[f"marquez.g{number}" for number in waived],
        strict=strict,
        interruptions=interruptions,
        absent=absent,
    ).outcome


SINGLE = [
    # rank, ruling, waived, strict, outcome
    (MUST, HELD, False, False, "PASSED"),
    (MUST, HELD, False, True, "PASSED"),
    (MUST, HELD, True, False, "PASSED"),
    (MUST, HELD, True, True, "PASSED"),
    (MUST, BROKE, False, False, "FAILED"),
    (MUST, BROKE, False, True, "FAILED"),
    (MUST, BROKE, True, False, "PASSED"),
    (MUST, BROKE, True, True, "PASSED"),
    (MUST, UNSURE, False, False, "BLOCKED"),
    (MUST, UNSURE, False, True, "BLOCKED"),
    (MUST, UNSURE, True, False, "PASSED"),
    (MUST, UNSURE, True, True, "PASSED"),
    (MUST, None, False, False, "INTERRUPTED"),
    (MUST, None, False, True, "INTERRUPTED"),
    (MUST, None, True, False, "INTERRUPTED"),
    (MUST, None, True, True, "INTERRUPTED"),
    (SHOULD, HELD, False, False, "PASSED"),
    (SHOULD, HELD, False, True, "PASSED"),
    (SHOULD, HELD, True, False, "PASSED"),
    (SHOULD, HELD, True, True, "PASSED"),
    (SHOULD, BROKE, False, False, "PASSED"),
    (SHOULD, BROKE, False, True, "FAILED"),
    (SHOULD, BROKE, True, False, "PASSED"),
    (SHOULD, BROKE, True, True, "PASSED"),
    (SHOULD, UNSURE, False, False, "PASSED"),
    (SHOULD, UNSURE, False, True, "BLOCKED"),
    (SHOULD, UNSURE, True, False, "PASSED"),
    (SHOULD, UNSURE, True, True, "PASSED"),
    (SHOULD, None, False, False, "INTERRUPTED"),
    (SHOULD, None, False, True, "INTERRUPTED"),
    (SHOULD, None, True, False, "INTERRUPTED"),
    (SHOULD, None, True, True, "INTERRUPTED"),
]


def test_the_table_is_whole() -> None:
    """Every combination of rank, ruling, waiver and strictness stands in the table once."""
    flags = (False, True)
    whole = set(itertools.product((MUST, SHOULD), (HELD, BROKE, UNSURE, None), flags, flags))
    assert {row[:4] for row in SINGLE} == whole
    assert len(SINGLE) == len(whole)


@pytest.mark.parametrize(
    ("rank", "ruling", "waived", "strict", "expected"),
    SINGLE,
    ids=lambda value: str(value).replace(" ", "-"),
)
def test_one_guardrail(
    rank: Rank, ruling: Ruling | None, waived: bool, strict: bool, expected: str
) -> None:
    """One guardrail beside one that holds decides as the table says."""
    pairs = [(rank, ruling), (MUST, HELD)]
    assert outcome_of(pairs, waived=[0] if waived else [], strict=strict) == expected


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("extra", [(), ("stopped",)], ids=["to-the-end", "stopped"])
@pytest.mark.parametrize("absent", [(), ("cli.log: gone",)], ids=["all-there", "one-absent"])
def test_the_worst_wins(strict: bool, extra: tuple[str, ...], absent: tuple[str, ...]) -> None:
    """Of two guardrails, interruption and absence, the worst single one is the outcome."""
    kinds = list(itertools.product((MUST, SHOULD), (HELD, BROKE, UNSURE, None)))
    for one, other in itertools.product(kinds, kinds):
        alone = [outcome_of([each], strict=strict) for each in (one, other)]
        alone += [Outcome.INTERRUPTED for _ in extra] + [Outcome.BLOCKED for _ in absent]
        both = outcome_of([one, other], strict=strict, interruptions=extra, absent=absent)
        assert both is min(alone, key=SEVERITY.index), (one, other)


def test_nothing_asked_is_nothing_passed() -> None:
    """A rehearsal that was to ask nothing has not passed."""
    decision = decide([], {"marquez.g0": HELD})
    assert decision.outcome is Outcome.INTERRUPTED
    assert decision.reasons


def test_a_verdict_of_a_stranger_counts_for_nothing() -> None:
    """A verdict nobody expected cannot stand in for one that is missing."""
    decision = decide([a_guardrail(0, MUST)], {"marquez.other": HELD})
    assert decision.reasons == ("marquez.g0 ended in no verdict",)


def test_reasons_come_worst_first() -> None:
    """The first reason is the one that decides; none is dropped."""
    decision = decide(
        [a_guardrail(number, MUST) for number in range(4)],
        {"marquez.g0": UNSURE, "marquez.g1": BROKE, "marquez.g2": HELD},
        interruptions=["Ctrl-C"],
        absent=["required artefact cli.log: gone"],
    )
    assert decision.reasons == (
        "Ctrl-C",
        "marquez.g3 ended in no verdict",
        "marquez.g1 broke",
        "marquez.g0 is not established",
        "required artefact cli.log: gone",
    )


def test_passed_has_no_reasons() -> None:
    """A rehearsal that passed needs no excuse."""
    assert decide([a_guardrail(0, MUST)], {"marquez.g0": HELD}).reasons == ()


@pytest.mark.parametrize(
    ("outcome", "code"), [("PASSED", 0), ("FAILED", 1), ("INTERRUPTED", 2), ("BLOCKED", 10)]
)
def test_exit_codes(outcome: str, code: int) -> None:
    """Each outcome has the exit code the run-book names."""
    assert exit_for(Outcome(outcome)) == code


def test_simulated_has_no_exit_code_of_its_own() -> None:
    """A dry run exits as what it would have been."""
    with pytest.raises(KeyError):
        exit_for(Outcome.SIMULATED)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], 0),
        ([0], 0),
        ([0, 10], 10),
        ([10, 1], 1),
        ([1, 4], 4),
        ([4, 3], 3),
        ([2, 3], 3),
        ([0, 1, 2, 3, 4, 10], 3),
        ([0, 1, 2, 4, 10], 2),
        ([0, 7], 3),
        ([5], 3),
        ([2, 99], 3),
    ],
)
def test_worst_by_severity(codes: list[int], expected: int) -> None:
    """Severity decides, not the number; a code nobody gives never becomes a 0."""
    assert worst(codes) == expected
    assert worst(reversed(codes)) == expected


def test_every_code_has_a_severity() -> None:
    """No exit code falls through."""
    assert all(worst([code]) is code for code in Exit)
