"""A Debian root from this machine's own package source: no container registry, no host named.

Covers: which source and release the machine uses, the versions to be had, packing a root.
Not here: what is built on it (``build.py``).
"""

from __future__ import annotations

import platform
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from fixtures.core import errors, process

PACK_TIMEOUT_S = 1800.0
LOOK_TIMEOUT_S = 60.0
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/locale/*")
"""Not the manual: the packages of Java link their pages into it, and fail where it is not."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where this machine has its Debian packages from."""

    lines: tuple[str, ...]
    """One for apt each: ``deb URI SUITE COMPONENT``."""
    codename: str


def source() -> Source:
    """Find the package source of this machine's release, with its updates.

    Raises:
        PrerequisitesMissing: No Debian, or no source of its release.
    """
    told = platform.freedesktop_os_release() if Path("/etc/os-release").is_file() else {}
    codename = told.get("VERSION_CODENAME", "")
    if told.get("ID") != "debian" or not codename or shutil.which("apt-get") is None:
        raise errors.PrerequisitesMissing(
            [f"Debian, to make images of its packages: this is {told.get('ID', 'unknown')}"],
            hint="Name images that a registry has, such as POSTGRES_IMAGE=postgres:15.",
        )
    form = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    targets = output("apt-get", "indextargets", "--format", form, "Created-By: Packages")
    lines = {
        f"deb {uri} {suite} {component}"
        for uri, suite, component in (line.split("|") for line in targets.splitlines())
        if component == "main" and suite.startswith(codename) and "backports" not in suite
    }
    if not lines:
        raise errors.PrerequisitesMissing(
            [f"a package source of {codename}: apt knows none"],
            hint="Configure one below /etc/apt, then run `apt-get update`.",
        )
    return Source(tuple(sorted(lines)), codename)


def candidates(packages: tuple[str, ...]) -> dict[str, str]:
    """Package to the version that would be installed now.

    Raises:
        PrerequisitesMissing: The source does not have one of them.
    """
    found = {}
    for package in packages:
        told = re.search(r"Candidate: (\S+)", output("apt-cache", "policy", package))
        found[package] = told[1] if told else "(none)"
    absent = sorted(name for name, version in found.items() if version == "(none)")
    if absent:
        raise errors.PrerequisitesMissing(
            [f"the package {name}: this machine's source has none" for name in absent],
            hint="Run `apt-get update`, then look again.",
        )
    return found


def pack(packages: tuple[str, ...], known: Source, archive: Path) -> None:
    """Pack a minimal root with these packages into an archive for ``docker import``.

    Raises:
        PrerequisitesMissing: mmdebstrap is not installed.
        SystemRefused: It failed; the message has its last lines.
    """
    program = shutil.which("mmdebstrap")
    if program is None:
        raise errors.PrerequisitesMissing(
            ["mmdebstrap, which makes a Debian root"], hint="Run `apt-get install mmdebstrap`."
        )
    # The image is no place for this machine's sources.
    forget = 'rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d'
    argv = [
        *(program, "--variant=minbase", f"--include={','.join(packages)}"),
        *("--dpkgopt=force-unsafe-io", f"--customize-hook={forget}"),
        *(f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT),
        *(known.codename, str(archive), *known.lines),
    ]
    run(argv, cwd=archive.parent, timeout_s=PACK_TIMEOUT_S)


def run(
    argv: list[str],
    *,
    cwd: Path,
    timeout_s: float,
    extra_env: dict[str, str] | None = None,
) -> str:
    """Run a command that must succeed; its output.

    Raises:
        SystemRefused: It did not; the message has its last lines.
    """
    said = bytearray()
    ended = process.run(
        argv,
        cwd=cwd,
        extra_env=extra_env or {},
        write=said.extend,
        idle_s=timeout_s,
        total_s=timeout_s,
    )
    text = said.decode("utf-8", "replace")
    if ended.exit_code != 0:
        tail = "".join(f"\n    | {line}" for line in text.splitlines()[-15:])
        raise errors.SystemRefused(
            f"{Path(argv[0]).name} {argv[1] if len(argv) > 1 else ''}: {ended.how}{tail}",
            hint="Read the lines above; run the command by hand.",
        )
    return text


def output(*argv: str) -> str:
    """Output of a command that only looks."""
    return run(list(argv), cwd=Path(tempfile.gettempdir()), timeout_s=LOOK_TIMEOUT_S)
