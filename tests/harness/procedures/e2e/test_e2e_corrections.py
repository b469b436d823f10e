"""Where the plan's command and the real one part company, and what is no such place."""

from __future__ import annotations

import pytest

from fixtures.procedures.e2e import corrections
from fixtures.procedures.e2e.corrections import Correction

REFINE = (
    *("uv", "run", "hotpass", "refine", "--input-dir", "./data"),
    *("--output-path", "./dist/staging/refined.xlsx", "--profile", "staging", "--archive"),
)
UNKNOWN = ["hotpass", "Error: Profile 'staging' could not be found"]


def corrected(
    argv: tuple[str, ...], said: list[str], *, exit_code: int | None = 2
) -> Correction | None:
    return corrections.correction(argv, said, exit_code=exit_code, working_profile="generic")


def test_unknown_profile_gives_way_to_the_working_one() -> None:
    """Nothing else of the plan's command changes, and the words name both."""
    found = corrected(REFINE, UNKNOWN)
    assert found is not None
    assert found.argv == tuple("generic" if word == "staging" else word for word in REFINE)
    told = corrections.said_of("refine", found, how="exit code 0")
    assert "no profile 'staging' (exit code 2)" in told
    assert "ran instead (exit code 0): `uv run hotpass refine" in told
    assert "--profile generic" in told


def test_profile_written_with_an_equals_sign() -> None:
    """Either way of writing an option is corrected."""
    found = corrected(("uv", "run", "hotpass", "enrich", "--profile=staging"), UNKNOWN)
    assert found is not None
    assert found.argv[-1] == "--profile=generic"


def test_words_broken_at_80_columns_are_understood() -> None:
    """An error broken amid its words is the same error."""
    line = "hotpass: error: unrecognized arguments: --output dist/staging/qa.json".rjust(130)
    said = [line[:80], line[80:]]
    found = corrected(("uv", "run", "hotpass", "qa", "all", "--outputs"), said)
    assert found is None
    argv = ("uv", "run", "hotpass", "qa", "all", "--json", "x")
    broken = "hotpass: error: unrecognized arguments: --json x".rjust(100)
    found = corrected(argv, [broken[:80], broken[80:]])
    assert found is not None
    assert found.argv == argv[:-2]


def test_refused_options_are_left_out() -> None:
    """With their values, as argparse names them."""
    argv = ("uv", "run", "hotpass", "qa", "all", "--prefect-profile", "staging")
    found = corrected(argv, ["hotpass: error: unrecognized arguments: --prefect-profile staging"])
    assert found == Correction(argv[:5], "--prefect-profile staging is refused (exit code 2)")


@pytest.mark.parametrize(
    ("argv", "said", "exit_code"),
    [
        pytest.param(REFINE, UNKNOWN, 1, id="another-exit-code"),
        pytest.param(REFINE, UNKNOWN, None, id="killed"),
        pytest.param(REFINE, ["Error: Profile 'test' could not be found"], 2, id="not-ours"),
        pytest.param(
            tuple("generic" if word == "staging" else word for word in REFINE),
            ["Error: Profile 'generic' could not be found"],
            2,
            id="the-working-one-is-unknown-too",
        ),
        pytest.param(
            REFINE,
            ["error: unrecognized arguments: --output-path ./dist/staging/refined.xlsx"],
            2,
            id="would-write-elsewhere",
        ),
        pytest.param(
            ("uv", "run", "hotpass", "enrich", "--allow-network=false"),
            ["error: unrecognized arguments: --allow-network=false"],
            2,
            id="would-ask-outside",
        ),
        pytest.param(REFINE, ["error: unrecognized arguments: --verbose"], 2, id="not-our-words"),
        pytest.param(REFINE, ["error: argument target: invalid choice: 'all'"], 2, id="choice"),
        pytest.param(REFINE, [], 2, id="without-a-word"),
    ],
)
def test_no_other_form(argv: tuple[str, ...], said: list[str], exit_code: int | None) -> None:
    """A failure that no correction explains is a failure, and no deviation."""
    assert corrected(argv, said, exit_code=exit_code) is None
