"""The tests of a rehearsal, read from their module: each stands for the guardrail of its name."""

from __future__ import annotations

import ast
from pathlib import Path

from fixtures.core import words


def paired_tests(word: str, root: Path) -> dict[str, ast.FunctionDef]:
    """Test functions by guardrail id, in the order they stand there."""
    path = root / "tests" / "rehearsals" / f"test_{word}.py"
    return {
        words.guardrail_id(word, each.name): each
        for each in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    }
