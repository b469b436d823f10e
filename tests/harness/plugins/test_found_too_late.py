"""pytest that began elsewhere: the suite is refused rather than loaded by half."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.harness.plugins.conftest import Project

LEAK = "import logging, os\ndef test_it(): logging.error(os.environ['MY_API_TOKEN'])\n"
ABOVE = '[tool.pytest]\npythonpath = ["sub"]\n'
SECRET = "Sup3rSecretValue99"


@pytest.mark.parametrize("option", ["-q", "--continue-on-collection-errors"])
def test_a_folder_above_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    """From there pytest finds our plugins when hooks have been called that should have masked."""
    pytester = project.pytester
    (pytester.path / "tests" / "test_leak.py").write_text(LEAK, encoding="utf-8")
    below = pytester.path / "sub"
    inside = [*pytester.path.iterdir()]
    below.mkdir()
    for each in inside:
        each.rename(below / each.name)
    (pytester.path / "pyproject.toml").write_text(ABOVE, encoding="utf-8")
    monkeypatch.setenv("MY_API_TOKEN", SECRET)
    told = pytester.runpytest_subprocess("-o", "log_cli=true", option, ".")
    said = told.stdout.str() + told.stderr.str()
    assert told.ret in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED), said
    told.assert_outcomes(errors=1)
    assert "[suite-found-too-late]" in said
    assert f"Run it in {below}" in said
    assert SECRET not in said
