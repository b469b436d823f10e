"""Several processes side by side: which file begins first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fixtures.core.words import WORDS
from fixtures.plugins.options import LONGEST_FIRST

if TYPE_CHECKING:
    from tests.harness.plugins.conftest import Project

BODY = "import pytest\n@pytest.mark.parametrize('number', range({count}))\n{mark}"
BODY += "def test_it(number): pass\n"


def test_the_longest_rehearsal_begins_first(project: Project) -> None:
    """Backfill, then the lineage smoke, however few their tests; then files by their tests."""
    folder = project.pytester.path / "tests"
    for word in WORDS:
        body = BODY.format(count=2, mark=f"@pytest.mark.{word}\n")
        folder.joinpath(f"test_of_{word}.py").write_text(body, encoding="utf-8")
    for name, count in (("small", 3), ("unit", 9)):
        body = BODY.format(count=count, mark="")
        folder.joinpath(f"test_{name}.py").write_text(body, encoding="utf-8")
    result = project.run("-n", "1", "-v", "tests")
    begun = re.findall(r"PASSED tests/test_(?:of_)?(\w+)\.py", result.stdout.str())
    assert sorted(LONGEST_FIRST) == sorted(WORDS)
    assert list(dict.fromkeys(begun)) == [*LONGEST_FIRST, "unit", "small"], result.stdout.str()
