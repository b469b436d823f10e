"""What must be true of an evidence root after its writer was struck, and after recovery.

Covers: one answer per root, with everything that is wrong: torn, shorter, falsely sealed.
Not here: how it was struck (``strace.py``).
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fixtures.command import recover
from fixtures.core.outcome import Exit
from fixtures.evidence import layout, verify
from fixtures.guardrails.registries import REGISTRIES

WORD = "marquez"
MADE_BY_SEALING = frozenset(
    {*layout.UNLISTED_IN_MANIFEST, "report.html", "redactions.json", "junit.xml"}
)
"""Made or stamped anew by whoever seals, hence not the same bytes."""

_VARIES = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)|\d{8}T\d{6}Z")


@dataclass(slots=True)
class Aftermath:
    """What lies below a root once recovery has been there."""

    kind: str = "nothing"
    """``sealed`` before recovery came, ``recovered`` by it, ``never began``, or ``nothing``."""
    would_be: str = ""
    flaws: list[str] = field(default_factory=list)


def contents(folder: Path) -> dict[str, bytes]:
    """Every artefact of a bundle by its name, times apart."""
    return {
        path.relative_to(folder).as_posix(): _VARIES.sub(b"WHEN", path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def look(root: Path, clean: Mapping[str, bytes], policy: verify.Policy) -> Aftermath:
    """Recover what is there, and say what is wrong with what is there then.

    Args:
        clean: What a run that nobody struck left (``contents``).
        policy: The key that run signs with, as trusted.
    """
    found = Aftermath()
    before = _entries(root)
    kept = _whole_lines(before[0]) if before else b""
    code, said = _recover(root)
    after = _entries(root)
    if len(before) > 1 or len(after) > 1:
        found.flaws.append(f"one run left {[path.name for path in (*before, *after)]}")
    if not after:
        found.flaws += ["recovery took everything away"] if before else []
        return found
    (folder, *_), was = after, before[0]
    if folder.name.endswith(".partial"):
        found.kind = "never began"
        if kept:
            count = len(kept.splitlines())
            found.flaws.append(f"a ledger of {count} lines was not recovered: {said}")
        if code != Exit.HARNESS_FAULT or "killed before it began" not in said:
            found.flaws.append(f"recovery does not say that it never began: {said}")
        return found
    found.kind = "sealed" if was == folder else "recovered"
    if code != Exit.HELD:
        found.flaws.append(f"recovery ends with {code}: {said}")
    if not (folder / layout.LEDGER).read_bytes().startswith(kept):
        found.flaws.append("lines of the ledger were lost")
    answer = verify.verify(folder, registries=REGISTRIES, policy=policy)
    _judge(answer, found, clean)
    return found


def _judge(answer: verify.Answer, found: Aftermath, clean: Mapping[str, bytes]) -> None:
    found.flaws += [f"torn: {why}" for why in answer.denials]
    found.would_be = str(answer.manifest.get("would_be"))
    if answer.manifest.get("outcome") != "SIMULATED":
        found.flaws.append(f"falsely sealed: a dry run as {answer.manifest.get('outcome')}")
    if found.kind == "recovered" and found.would_be != "INTERRUPTED":
        found.flaws.append(f"falsely sealed: killed, and recovered as {found.would_be}")
    if found.would_be != "INTERRUPTED" and answer.signed_by is None:
        found.flaws.append(f"falsely sealed: {found.would_be}, and its signature is gone")
    there = contents(answer.folder)
    for name, data in there.items():
        if name in MADE_BY_SEALING or name == layout.LEDGER or name.endswith(".part"):
            continue
        if name not in clean:
            found.flaws.append(f"{name} is nothing that was ever saved")
        elif data != clean[name]:
            found.flaws.append(f"torn: {name} has its name and not its bytes")
    short = sorted(clean.keys() - there.keys())
    if short and found.would_be != "INTERRUPTED":
        found.flaws.append(f"falsely sealed: {found.would_be} without {', '.join(short)}")


def _entries(root: Path) -> list[Path]:
    folder = root / WORD
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _whole_lines(folder: Path) -> bytes:
    book = folder / layout.LEDGER
    data = book.read_bytes() if book.is_file() else b""
    return data[: data.rfind(b"\n") + 1]


def _recover(root: Path) -> tuple[Exit, str]:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = recover.run(str(root))
    return code, said.getvalue()
