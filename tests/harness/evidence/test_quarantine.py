"""Self-tests of quarantine: what still holds a secret is set aside, whoever let it through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.core import errors
from fixtures.core.redaction import Redactor
from fixtures.evidence import recovery
from fixtures.evidence.bundle import Bundle
from fixtures.procedures import closing

SECRET = "correct horse battery staple"


@pytest.fixture
def staged(reserve: Callable[..., Bundle], rehearsed: Callable[[Bundle, str], None]) -> Bundle:
    """A bundle whose redactor knows a secret, all but sealed."""
    known = Redactor()
    known.register(SECRET, name="passphrase")
    bundle = reserve(redactor=known)
    rehearsed(bundle, "held")
    return bundle


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"before {SECRET} after", id="registered"),
        pytest.param("token ghp_0123456789abcdefghijABCDEFGHIJ012345", id="known-format"),
    ],
)
def test_a_leak_is_set_aside(staged: Bundle, junit: bytes, text: str) -> None:
    """Never published, git-ignored, and the error names the place and not the secret."""
    # Behind the sink's back, as a defect of ours would.
    (staged.folder / "cli.log").write_text(text)
    with pytest.raises(errors.EvidenceQuarantined) as refused:
        closing.close(staged, junit=junit)
    (aside,) = staged.folder.parent.iterdir()
    assert aside.name == staged.folder.name.replace(".partial", ".quarantined")
    assert (aside / ".gitignore").read_text() == "*\n"
    assert "cli.log, line 1" in refused.value.message
    assert text not in str(refused.value)
    assert SECRET not in str(refused.value)
    assert recovery.partials(aside.parents[1]) == []


def test_a_secret_in_a_name_is_a_leak_too(staged: Bundle, junit: bytes, tmp_path: Path) -> None:
    """A file's name is listed in manifest and sums, and read by everybody."""
    (staged.folder / "correct horse battery staple.txt").write_text("x")
    with pytest.raises(errors.EvidenceQuarantined):
        closing.close(staged, junit=junit)


def test_what_is_masked_passes(staged: Bundle, junit: bytes) -> None:
    """The mask in the secret's place is no leak, nor is anything else an honest bundle holds."""
    staged.save("more.log", f"run id {staged.run_id}\nbefore {SECRET} after\n".encode())
    sealed: Any = closing.close(staged, junit=junit)
    assert "[REDACTED:v-1]" in (sealed.folder / "more.log").read_text()
