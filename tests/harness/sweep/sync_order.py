"""Whether a publication would survive a power cut: rules over the order of its system calls.

A kill leaves the page cache, a power cut does not: only what was synced, and in the right order,
is there afterwards. Nothing here rests on what one file system happens to do.

Covers: one pass over a trace, and what it finds against the rules.
Not here: reading the trace (``strace.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fixtures.evidence import layout
from tests.harness.sweep.strace import Call

_FILLS = ("write", "writev", "pwrite64", "pwritev", "ftruncate", "truncate", "fallocate")
_STRANGE = ("link", "linkat", "symlink", "symlinkat", "sendfile", "copy_file_range")
_MUST = (layout.LEDGER, layout.MANIFEST, layout.SUMS)


@dataclass(slots=True)
class Disk:
    """What of an evidence root a power cut would take, call by call."""

    root: Path
    loose: set[str] = field(default_factory=set)
    """Files made or filled and not synced since."""
    synced: set[str] = field(default_factory=set)
    """Files synced, and not filled since."""
    named: set[str] = field(default_factory=set)
    """Files that have been given their name: whole from then on."""
    begun: set[str] = field(default_factory=set)
    """Ledgers that hold a line."""
    came: dict[str, set[str]] = field(default_factory=dict)
    """Folder to the names it got and need not hold yet."""
    went: dict[str, set[str]] = field(default_factory=dict)
    """Folder to the names it lost and may hold still."""
    told: set[str] = field(default_factory=set)
    """Names found wanting once already."""
    published: str = ""
    """The final directory, once it has its name."""
    wrong: list[str] = field(default_factory=list)


def faults(calls: Iterable[Call], root: Path) -> list[str]:
    """Everything in the trace of one publication below a root that a power cut could tear."""
    disk = Disk(root)
    for call in calls:
        taker = _TAKERS.get(call.name)
        if taker is not None and call.done and _concerns(disk, call):
            taker(disk, call)
    if not disk.published:
        disk.wrong.append("nothing was published")
    for folder in sorted(disk.came.keys() | disk.went.keys()):
        names = disk.came.get(folder, set()) | disk.went.get(folder, set())
        disk.wrong.append(f"{folder} was never synced after {_list(names)}")
    if disk.loose:
        disk.wrong.append(f"never synced: {_list(disk.loose)}")
    return disk.wrong


def _concerns(disk: Disk, call: Call) -> bool:
    # The folder above the root too: the root's own name lies there.
    return call.below(disk.root) or any(path in disk.came for path in call.paths)


def _opened(disk: Disk, call: Call) -> None:
    (path,) = call.paths
    if "O_CREAT" in call.arguments:
        _sealed_already(disk, path)
        disk.came.setdefault(_folder(path), set()).add(_name(path))
    if "O_CREAT" in call.arguments or "O_TRUNC" in call.arguments:
        disk.loose.add(path)
        disk.synced.discard(path)


def _filled(disk: Disk, call: Call) -> None:
    path = call.paths[0]
    _sealed_already(disk, path)
    if path in disk.named:
        disk.wrong.append(f"{_name(path)} was written to after it had its name")
    if _name(path) == layout.LEDGER:
        _line(disk, path)
    disk.loose.add(path)
    disk.synced.discard(path)


def _line(disk: Disk, book: str) -> None:
    """A line tells of what came before it: that must be on the disk by then."""
    if book in disk.loose and book in disk.begun:
        disk.wrong.append("a ledger line was written before the one above it was synced")
    # Its own name may come after its first line, and no line speaks of the other.
    passing = {".gitignore"} if book in disk.begun else {".gitignore", layout.LEDGER}
    disk.begun.add(book)
    for folder, names in disk.came.items():
        told = {f"{folder}/{name}" for name in names - passing if not _aside(name)}
        if told - disk.told:
            disk.wrong.append(f"a ledger line, and {_name(folder)} not synced after {_list(told)}")
        disk.told |= told


def _strange(disk: Disk, call: Call) -> None:
    disk.wrong.append(f"{call.name} has no place in a bundle: {_list(call.paths)}")


def _made(disk: Disk, call: Call) -> None:
    disk.came.setdefault(_folder(call.paths[0]), set()).add(_name(call.paths[0]))


def _renamed(disk: Disk, call: Call) -> None:
    source, target = call.paths
    if _name(source).endswith(".partial"):
        _published(disk, call, source, target)
    elif source not in disk.synced:
        disk.wrong.append(f"{_name(target)} had its name before it was synced")
    for names in (disk.loose, disk.synced):
        if source in names:
            names.discard(source)
            names.add(target)
    disk.named.add(target)
    _gone(disk, source)
    disk.came.setdefault(_folder(target), set()).add(_name(target))


def _published(disk: Disk, call: Call, source: str, target: str) -> None:
    if call.name != "renameat2" or "RENAME_NOREPLACE" not in call.arguments:
        disk.wrong.append("published by a rename that may replace")
    inside = {path for path in disk.loose if _within(path, source)}
    if inside:
        disk.wrong.append(f"published before {_list(inside)} was synced")
    for changed in (disk.came, disk.went):
        for folder in [each for each in changed if _within(each, source)]:
            names = changed.pop(folder)
            disk.wrong.append(f"published before {_name(folder)} was synced, after {_list(names)}")
    disk.wrong += [
        f"published, and {name} was never synced"
        for name in _MUST
        if f"{source}/{name}" not in disk.synced
    ]
    disk.loose -= inside
    disk.published = target


def _synced(disk: Disk, call: Call) -> None:
    (path,) = call.paths
    disk.came.pop(path, None)
    disk.went.pop(path, None)
    disk.loose.discard(path)
    disk.synced.add(path)


def _unlinked(disk: Disk, call: Call) -> None:
    (path,) = call.paths
    _sealed_already(disk, path)
    disk.loose.discard(path)
    disk.synced.discard(path)
    disk.named.discard(path)
    _gone(disk, path)


def _gone(disk: Disk, path: str) -> None:
    folder, name = _folder(path), _name(path)
    came = disk.came.get(folder, set())
    if name in came:
        came.discard(name)
        if not came:
            del disk.came[folder]
    if not _aside(name):
        disk.went.setdefault(folder, set()).add(name)


def _sealed_already(disk: Disk, path: str) -> None:
    if disk.published and _within(path, disk.published):
        disk.wrong.append(f"{_name(path)} was changed after publishing")


def _aside(name: str) -> bool:
    return name.startswith(".") and name.endswith(".part")


def _folder(path: str) -> str:
    return str(PurePosixPath(path).parent)


def _list(paths: Iterable[str]) -> str:
    return ", ".join(sorted(_name(path) for path in paths))


def _name(path: str) -> str:
    return PurePosixPath(path).name


def _within(path: str, folder: str) -> bool:
    return PurePosixPath(path).is_relative_to(folder)


_TAKERS: dict[str, Callable[[Disk, Call], None]] = {
    "openat": _opened,
    "fsync": _synced,
    "fdatasync": _synced,
    **dict.fromkeys(_FILLS, _filled),
    **dict.fromkeys(_STRANGE, _strange),
    **dict.fromkeys(("mkdir", "mkdirat"), _made),
    **dict.fromkeys(("rename", "renameat", "renameat2"), _renamed),
    **dict.fromkeys(("rmdir", "unlink", "unlinkat"), _unlinked),
}
