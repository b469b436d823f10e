"""What one bundle more costs the board, with 10, 1,000 and 10,000 there already.

Made-up manifests over two years and four words; every other file is one file under many names.
What is added is the newest of its word, on a page of history as full as they get at that size. The
floor is to have the system list each name, as every build does: it grows with the number of
bundles, and stands beside the whole. So does the first build of a day, which looks through some of
old history and tells all ages anew. Then the same with a journal that has two lines of each
bundle, those added too: the floor of that is to read it and to hash it.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fixtures.core.words import WORDS
from fixtures.evidence import canonical, layout
from fixtures.publishing import board, journal
from fixtures.publishing.board import places
from tests.benchmarks.measuring import CURVES, Curve, Row, tell
from tests.harness.publishing.board import made

BEGIN = datetime(2024, 11, 1, tzinfo=UTC)
SPAN = timedelta(days=730)
NOW = BEGIN + SPAN + timedelta(days=1)
NEWEST = BEGIN + SPAN - timedelta(hours=1)
SIZES = (10, 1_000, 10_000)
ADDED = 9


@dataclass(frozen=True)
class Cost:
    """Of one bundle more, in milliseconds; the median of several."""

    wall_ms: float
    cpu_ms: float
    floor_ms: float
    """What the system alone takes to list all names."""
    daily_ms: float
    """CPU of the first build of a day, with nothing new."""
    pages: int
    written_kb: float
    told_ms: float
    """CPU with a journal."""
    journal_ms: float
    """What reading and hashing that takes."""

    @property
    def apart_ms(self) -> float:
        """CPU of everything but listing names."""
        return self.cpu_ms - self.floor_ms

    @property
    def told_apart_ms(self) -> float:
        """CPU with a journal, of everything but listing names and hashing it."""
        return self.told_ms - self.floor_ms - self.journal_ms


def filled(root: Path, like: Path, count: int) -> None:
    for number in range(count):
        made.quick(
            root,
            like,
            BEGIN + SPAN * number / count,
            word=WORDS[number % len(WORDS)],
            mode="dry run" if number % 3 else "local",
            outcome="FAILED" if number % 7 == 0 else "PASSED",
        )


def timed(action: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


def listed(root: Path) -> None:
    for shelf in places.shelves([root], root / "board"):
        if Path(shelf.folder).is_dir():
            os.listdir(shelf.folder)  # noqa: PTH208 - the floor is just this


def note(root: Path, bundles: Iterable[Path], last: bytes = b"") -> bytes:
    """Write two lines of each bundle to the journal, as publishing does; the last one."""
    lines = []
    number = canonical.read(last)["n"] if last else 0
    for folder in bundles:
        manifest_sha256 = hashlib.sha256((folder / layout.MANIFEST).read_bytes()).hexdigest()
        for kind in ("published", "told"):
            number += 1
            entry = {
                "kind": kind,
                "word": folder.parent.name,
                "stamp": folder.name,
                "run_id": str(
                    uuid.uuid5(uuid.NAMESPACE_URL, f"{folder.parent.name}/{folder.name}")
                ),
                "manifest_sha256": manifest_sha256,
                "where": f"s3://evidence/{folder.parent.name}/{folder.name}/",
                "n": number,
                "at": "2026-11-01T12:00:00.000000Z",
                "previous": hashlib.sha256(last).hexdigest() if last else None,
            }
            last = canonical.line(entry)
            lines.append(last)
    with (root / journal.NAME).open("ab") as file:
        file.writelines(lines)
    return last


def one_more(root: Path, like: Path) -> Cost:
    def build() -> None:
        built.append(board.build([root], root / "board", now=NOW))

    def digest() -> None:
        hashlib.sha256((root / journal.NAME).read_bytes()).digest()

    built: list[board.Built] = []
    found: list[tuple[float, float, float]] = []
    for number in range(ADDED):
        made.quick(root, like, NEWEST + timedelta(minutes=number), mode="local")
        wall, cpu = timed(build)
        found.append((wall, cpu, timed(lambda: listed(root))[1]))
        assert built[-1].read == 1
    pages = [path for path in built[-1].written if path.suffix == ".html"]
    written_kb = sum(path.stat().st_size for path in pages) / 1e3
    days = [
        timed(lambda: board.build([root], root / "board", now=NOW + timedelta(days=day)))[1]  # noqa: B023 - called at once
        for day in range(1, 4)
    ]
    last = note(root, sorted(folder for word in WORDS for folder in (root / word).iterdir()))
    build()
    told: list[tuple[float, float]] = []
    for number in range(ADDED):
        folder = made.quick(root, like, NEWEST + timedelta(minutes=ADDED + number), mode="local")
        last = note(root, [folder], last)
        told.append((timed(build)[1], timed(digest)[1]))
        assert (built[-1].read, built[-1].passed) == (1, 0)
    wall, cpu, floor = (statistics.median(each) for each in zip(*found, strict=True))
    told_ms, journal_ms = (statistics.median(each) for each in zip(*told, strict=True))
    return Cost(
        wall_ms=wall,
        cpu_ms=cpu,
        floor_ms=floor,
        daily_ms=statistics.median(days),
        pages=len(pages),
        written_kb=written_kb,
        told_ms=told_ms,
        journal_ms=journal_ms,
    )


def test_one_more_bundle(tmp_path: Path) -> None:
    """The cost of adding one stays constant: a ratio near 1, the looking apart."""
    like = made.whole(tmp_path / "like")
    costs: dict[int, Cost] = {}
    for count in SIZES:
        root = tmp_path / f"{count}" / "staging"
        filled(root, like, count)
        first_ms, _ = timed(lambda: board.build([root], root / "board", now=NOW))  # noqa: B023 - called at once
        costs[count] = cost = one_more(root, like)
        print(
            f"\n{count:>6} bundles: all of them {first_ms / 1e3:.1f} s; one more "
            f"{cost.wall_ms:.0f} ms ({cost.cpu_ms:.0f} ms CPU), {cost.floor_ms:.1f} ms of it "
            f"listing names; {cost.pages} pages, {cost.written_kb:.0f} kB; first build of a day, "
            f"nothing new: {cost.daily_ms:.0f} ms CPU; with a journal of {2 * count} lines "
            f"{cost.told_ms:.0f} ms CPU, {cost.journal_ms:.1f} ms of it hashing that",
            end="",
        )
    ten, thousand, most = (costs[count] for count in SIZES)
    against = [most.apart_ms / each.apart_ms for each in (ten, thousand)]
    print(
        f"\n10,000 against 10: ratio {most.cpu_ms / ten.cpu_ms:.1f} of CPU, {against[0]:.1f} "
        f"without listing names; against 1,000, whose pages are nearly as full: "
        f"{most.cpu_ms / thousand.cpu_ms:.2f} and {against[1]:.2f}; "
        f"{most.floor_ms / SIZES[-1] * 1e3:.2f} µs a name; with journals, without listing names "
        f"and hashing them, against 1,000: {most.told_apart_ms / thousand.told_apart_ms:.2f}"
    )
    for name, small in (("10", ten), ("1,000", thousand)):
        tell(
            Row(
                job=f"board: one more of 10,000, and of {name}",
                ours=most.cpu_ms,
                theirs=small.cpu_ms,
                unit="ms CPU",
                against="the smaller board",
                wanted="constant",
                bound=f"{most.floor_ms:.1f} ms of it listing 10,000 names",
            )
        )
    tell(
        Row(
            job="board: one more of 10,000 and a line of a journal of 20,000",
            ours=most.told_ms,
            theirs=thousand.told_ms,
            unit="ms CPU",
            against="1,000, and 2,000 lines",
            wanted="constant",
            bound=f"{most.floor_ms:.1f} ms listing names, {most.journal_ms:.1f} ms hashing lines",
        )
    )
    CURVES.append(
        Curve(
            title="Board: one bundle more",
            across="bundles there already",
            up="ms CPU",
            series={
                "all of it": [(count, each.cpu_ms) for count, each in costs.items()],
                "with a journal": [(count, each.told_ms) for count, each in costs.items()],
                "listing names": [(count, each.floor_ms) for count, each in costs.items()],
            },
        )
    )
    assert {each.pages for each in costs.values()} == {4}
