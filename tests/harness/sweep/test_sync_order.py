"""Evidence survives a power cut: the order of syncs and renames, read from real traces.

Covers: the rules over a publication and a recovery, and the rules themselves on doctored traces.
Not here: kills, which lose nothing that was written (``test_killed_writes.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.harness.sweep import strace, sync_order

if TYPE_CHECKING:
    from tests.harness.sweep.conftest import Clean

HOME = Path("/e")
PARTIAL = "/e/w/.S.partial"
SOUND = Path(__file__).with_name("sound.trace").read_text(encoding="utf-8").splitlines()
"""A publication of one artefact, as strace prints it; nothing is wrong with it."""


def faults(lines: list[str]) -> list[str]:
    return sync_order.faults(strace.parse(lines), HOME)


def index(text: str, nth: int = 0) -> int:
    return [number for number, line in enumerate(SOUND) if text in line][nth]


def swapped(first: int, second: int) -> list[str]:
    lines = list(SOUND)
    lines[first], lines[second] = lines[second], lines[first]
    return lines


def test_a_publication_survives_a_power_cut(clean: Clean) -> None:
    """Every file and folder is on the disk before the name that promises it, and stays."""
    assert sync_order.faults(clean.calls, clean.root) == []


def test_a_recovery_survives_a_power_cut(clean: Clean, tmp_path: Path) -> None:
    """What a kill left half-written is synced by whoever gives it a name."""
    root = tmp_path / "root"
    logs = [each for each in clean.points if each.name == "write" and ".log" in each.paths[0]]
    assert clean.publish(root, inject=[f"write:signal=KILL:when={logs[-1].nth}"]).code == -9
    recovered = clean.recover(root)
    assert recovered.code == 0, recovered.said
    wrong = sync_order.faults(recovered.calls, root)
    assert wrong == []


def test_no_sync_of_a_file_is_spare(clean: Clean) -> None:
    """Take any one sync of a file out of a real trace, and the rules object."""
    syncs = [each for each in clean.calls if each.name == "fsync" and each.below(clean.root)]
    # Folders have no suffix, the bundle apart; some of their syncs cover more than one change.
    files = [each for each in syncs if Path(each.paths[0]).suffix not in ("", ".partial")]
    assert len(files) > len(clean.contents)
    for sync in files:
        without = [each for each in clean.calls if each is not sync]
        assert sync_order.faults(without, clean.root) != [], sync


def test_a_sound_trace_is_sound() -> None:
    """The trace that the next tests doctor has nothing wrong with it."""
    assert faults(SOUND) == []


SYNCS = [number for number, line in enumerate(SOUND) if " fsync(" in line]


@pytest.mark.parametrize("number", SYNCS, ids=str)
def test_a_missing_sync_is_caught(number: int) -> None:
    """Not one sync of a sound publication can go."""
    assert faults(SOUND[:number] + SOUND[number + 1 :]) != []


@pytest.mark.parametrize("number", SYNCS, ids=str)
def test_a_sync_that_failed_is_no_sync(number: int) -> None:
    """The disk said no: what it does not hold is not held."""
    refused = SOUND[number].replace("= 0", "= -1 EIO (Input/output error) (INJECTED)")
    assert faults([*SOUND[:number], refused, *SOUND[number + 1 :]]) != []


@pytest.mark.parametrize("name", ["runs.json", "manifest.json", "SHA256SUMS"])
def test_a_name_before_its_sync_is_caught(name: str) -> None:
    """Renamed first, synced second: a power cut leaves a name with no bytes."""
    sync = index(f"fsync(4<{PARTIAL}/.{name}.part>")
    wrong = faults(swapped(sync, sync + 1))
    assert f"{name} had its name before it was synced" in wrong


@pytest.mark.parametrize("name", ["runs.json", "manifest.json", "SHA256SUMS"])
def test_bytes_after_the_name_are_caught(name: str) -> None:
    """Synced empty, renamed, and written when Python closes the file: this has happened."""
    write = index(f"write(4<{PARTIAL}/.{name}.part>")
    late = f'1 write(4<{PARTIAL}/{name}>, ""..., 9) = 9'
    lines = SOUND[:write] + SOUND[write + 1 : write + 3] + [late] + SOUND[write + 3 :]
    assert f"{name} was written to after it had its name" in faults(lines)


def test_a_line_before_its_artefact_is_caught() -> None:
    """The ledger tells of a file whose name the disk need not hold."""
    folder = index(f"fsync(4<{PARTIAL}>)", 1)
    wrong = faults(swapped(folder, folder + 1))
    assert "a ledger line, and .S.partial not synced after runs.json" in wrong


def test_publishing_before_the_folder_is_caught() -> None:
    """The final name goes to a folder whose entries the disk need not hold."""
    publish = index("/e/w/S")
    wrong = faults(swapped(publish - 1, publish))
    assert any("published before .S.partial was synced" in each for each in wrong)


def test_a_rename_that_replaces_is_caught() -> None:
    """Even an empty folder of that name is somebody's."""
    publish = index("/e/w/S")
    lines = [*SOUND[:publish], f'1 rename("{PARTIAL}", "/e/w/S") = 0', *SOUND[publish + 1 :]]
    assert "published by a rename that may replace" in faults(lines)


@pytest.mark.parametrize(
    "line",
    [
        '1 write(3</e/w/S/ledger.jsonl>, ""..., 9) = 9',
        '1 openat(AT_FDCWD</>, "/e/w/S/more", O_WRONLY|O_CREAT, 0666) = 4</e/w/S/more>',
        '1 unlink("/e/w/S/runs.json") = 0',
        '1 link("/e/w/S/runs.json", "/e/w/S/more") = 0',
    ],
    ids=["written", "made", "taken-away", "linked"],
)
def test_a_change_after_publishing_is_caught(line: str) -> None:
    """A sealed bundle is never touched again by who sealed it."""
    assert faults([*SOUND[:-1], line, SOUND[-1]]) != []


@pytest.mark.parametrize("name", ["manifest.json", "SHA256SUMS"])
def test_publishing_without_it_is_caught(name: str) -> None:
    """A bundle without manifest or sums is no bundle."""
    lines = [line for line in SOUND if name not in line]
    assert f"published, and {name} was never synced" in faults(lines)


def test_nothing_published_is_caught() -> None:
    """A trace that ends early proves nothing."""
    assert "nothing was published" in faults(SOUND[: index("/e/w/S")])
    assert faults([]) == ["nothing was published"]


@pytest.mark.parametrize(
    "line",
    [
        '1 write(3</e/w/x>, ""..., 9 <unfinished ...>',
        "1 <... write resumed>) = 9",
        "something else",
        '2 unlink("/e/w/S/runs.json") = 0',
    ],
    ids=["unfinished", "resumed", "strange", "another-process"],
)
def test_a_trace_that_is_not_understood_is_refused(line: str) -> None:
    """A line that is skipped may be the one that matters."""
    with pytest.raises(strace.TraceUnreadableError):
        strace.parse([*SOUND, line])


def test_calls_are_counted_by_name() -> None:
    """The count that strace's ``when=`` goes by."""
    calls = strace.parse(SOUND)
    assert [each.nth for each in calls if each.name == "mkdir"] == [1, 2, 3]
    (publish,) = [each for each in calls if "/e/w/S" in each.paths]
    assert (publish.name, publish.nth, publish.paths) == ("renameat2", 4, (PARTIAL, "/e/w/S"))
