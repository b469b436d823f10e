"""System calls of a publication: read from a trace, and struck one at a time.

Covers: running ``publication.py`` under strace, killed at a call or refused one; reading the
trace.
Not here: what must be true afterwards (``aftermath.py``), or of the order (``sync_order.py``).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
ENDED_S = 60.0
PROGRAM = "tests.harness.sweep.publication"
CHANGES = (
    *("openat", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "link", "linkat"),
    *("symlink", "symlinkat", "rename", "renameat", "renameat2", "truncate", "ftruncate"),
    *("write", "writev", "pwrite64", "pwritev", "sendfile", "copy_file_range", "fallocate"),
    *("fsync", "fdatasync", "sync_file_range", "syncfs"),
)
"""Every call that makes, fills, names or syncs a file; where an architecture lacks one, another
of them takes its place."""
LOOKS = frozenset(
    {
        *("close", "read", "pread64", "lseek", "fstat", "newfstatat", "statx", "stat", "lstat"),
        *("getdents64", "flock", "fcntl", "ioctl", "dup", "mmap", "fadvise64", "access"),
        *("faccessat", "faccessat2", "readlink", "readlinkat", "getcwd", "execve", "chdir"),
    }
)
"""Calls upon files that change nothing on a disk."""
ABSENT = "strace is not installed; `apt-get install strace`, or say why not with --without-strace"

_LINE = re.compile(r"(?P<pid>\d+) +(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>.*)")
_END = re.compile(r"\d+ +(\+\+\+|---) .*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"(?!\.\.\.)')
_DESCRIPTOR = re.compile(r"\d+<(/[^>]*)>")
_STAMP = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True, slots=True)
class Call:
    """One system call, as strace printed it."""

    name: str
    nth: int
    """Which of its name it is in the whole process, from one: what ``when=`` counts."""
    paths: tuple[str, ...]
    """The files it is about: the paths it names, else the one its descriptor stands for."""
    arguments: str
    result: str

    @property
    def done(self) -> bool:
        """Whether it succeeded."""
        return re.match(r"\d", self.result) is not None

    @property
    def is_change(self) -> bool:
        """Whether it could change a disk, or was about to have the disk hold a change."""
        if self.name == "openat":
            # A folder is opened to be synced, or, not blocking, to be listed.
            to_sync = "O_DIRECTORY" in self.arguments and "O_NONBLOCK" not in self.arguments
            return "O_CREAT" in self.arguments or to_sync
        return self.name in CHANGES

    def below(self, root: Path) -> bool:
        """Whether one of its files is the root or lies below it."""
        return any(Path(path).is_relative_to(root) for path in self.paths)

    def told(self, root: Path) -> str:
        """The same words for the same call in another run, under another root and second."""
        names = [path.replace(str(root), "").lstrip("/") for path in self.paths]
        return _STAMP.sub("STAMP", " ".join([self.name, *names]))


@dataclass(frozen=True, slots=True)
class Ran:
    """One run under strace, to its end or its kill."""

    code: int
    """Negative for a signal."""
    calls: tuple[Call, ...]
    said: str

    def struck(self, point: Call) -> Call | None:
        """The call of this run that stands where the point was in the clean one."""
        there = [each for each in self.calls if (each.name, each.nth) == (point.name, point.nth)]
        return there[0] if there else None


class TraceUnreadableError(Exception):
    """A line nobody planned for: skipping it might hide the very call that matters."""


def parse(lines: Iterable[str]) -> tuple[Call, ...]:
    """Read a trace of one process, written with ``-f -y -s 0``.

    Raises:
        TraceUnreadableError: A line of another form, or calls of two processes.
    """
    counts: Counter[str] = Counter()
    calls: list[Call] = []
    processes = set()
    for line in lines:
        text = line.rstrip("\n")
        if _END.fullmatch(text):
            continue
        found = _LINE.fullmatch(text)
        if found is None:
            raise TraceUnreadableError(text)
        processes.add(found["pid"])
        counts[found["name"]] += 1
        calls.append(_call(found, counts[found["name"]]))
    if len(processes) > 1:
        # Each process has a count of its own, and the order between them is anybody's.
        raise TraceUnreadableError(f"calls of {len(processes)} processes or threads")
    return tuple(calls)


def points(calls: Iterable[Call], root: Path) -> list[Call]:
    """The calls worth striking: changes below the root, in their order."""
    return [each for each in calls if each.is_change and each.below(root)]


class Stage:
    """Publications and recoveries to strike, each in a process of its own."""

    def __init__(self, home: Path, key: Path) -> None:
        """Start what forks them; ``key`` signs what it publishes on the way."""
        self.home = home
        self._server = subprocess.Popen(
            [sys.executable, "-m", PROGRAM, str(home / "first"), str(key)],
            cwd=ROOT,
            # A set has no order of its own.
            env={**os.environ, "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(home / "trouble").open("wb"),
            text=True,
        )
        os.mkfifo(home / "go")

    def close(self) -> None:
        """Let it end."""
        self._server.communicate(timeout=ENDED_S)

    def run(
        self, what: Sequence[str], *, inject: Sequence[str] = (), calls: Sequence[str] = CHANGES
    ) -> Ran:
        """Run one under strace, with faults injected.

        Args:
            what: What ``publication.py`` shall do.
            inject: strace's words for each fault, such as ``fsync:signal=KILL:when=3``.

        Raises:
            TraceUnreadableError: strace itself could not do its work.
        """
        said, go, trace = self.home / "said", self.home / "go", self.home / "trace"
        trace.unlink(missing_ok=True)
        self._order({"what": list(what), "said": str(said), "go": str(go)})
        pid = self._answer()
        with subprocess.Popen(
            [
                # Not with --seccomp-bpf, quicker as it is: strace 6.1 then injects no signal.
                *("strace", "-p", str(pid), "-f", "-y", "-s", "0", "-o", str(trace)),
                *("-e", f"trace={','.join(f'?{name}' for name in calls)}", "-e", "signal=none"),
                *(word for fault in inject for word in ("-e", f"inject={fault}")),
            ],
            stderr=subprocess.PIPE,
            text=True,
        ) as tracer:
            assert tracer.stderr is not None  # narrows: it was asked for
            heard = tracer.stderr.readline()
            if "attached" not in heard:
                os.kill(pid, signal.SIGKILL)
                self._answer()
                raise TraceUnreadableError(
                    f"{heard.strip()}; a container needs --cap-add SYS_PTRACE"
                )
            go.write_bytes(b"1")
            code = self._answer()
            tracer.communicate(timeout=ENDED_S)
        lines = trace.read_text(encoding="utf-8").splitlines()
        return Ran(code, parse(lines), said.read_text(encoding="utf-8"))

    def _answer(self) -> int:
        assert self._server.stdout is not None  # narrows: it was asked for
        told = self._server.stdout.readline()
        if not told:
            trouble = (self.home / "trouble").read_text(encoding="utf-8")
            raise TraceUnreadableError(f"publication.py has ended: {trouble}")
        return int(told)

    def _order(self, order: Mapping[str, object]) -> None:
        assert self._server.stdin is not None  # narrows: it was asked for
        with contextlib.suppress(BrokenPipeError):
            # Then it has ended, and its answer will say why.
            self._server.stdin.write(json.dumps(order) + "\n")
            self._server.stdin.flush()


def _call(found: re.Match[str], nth: int) -> Call:
    arguments = found["arguments"]
    quoted = tuple(_QUOTED.findall(arguments))
    opened = tuple(_DESCRIPTOR.findall(arguments))[:1]
    return Call(found["name"], nth, quoted or opened, arguments, found["result"])
