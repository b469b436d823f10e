"""The lineage service's own jar: at hand, from the cache, or fetched by its coordinates.

Covers: the releases tried, Maven as this machine has it set up, a cache that outlives a run.
Not here: running it (``real_marquez.py``).
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from fixtures.core import errors, process

ARTEFACT = "io.github.marquezproject:marquez-api"
FETCH_TIMEOUT_S = 600.0
RELEASES = ("0.51.1", "0.50.0")
"""Newest first: 0.51.1 is tagged, but its last step to Maven's repository was never confirmed."""
VARIABLE = "MARQUEZ_JAR"
"""Names a jar at hand, for instance the one taken out of the service's container image."""


def cache_folder() -> Path:
    """Give the folder fetched jars are kept in."""
    kept = os.environ.get("XDG_CACHE_HOME")
    return (Path(kept) if kept else Path.home() / ".cache") / "hotpass-rehearsals" / "marquez"


def find() -> Path:
    """Give the jar: the one named, else the newest release kept or to be had.

    Raises:
        PrerequisitesMissing: None is named, and Maven is missing or knows neither release.
    """
    named = os.environ.get(VARIABLE)
    if named:
        if Path(named).is_file():
            return Path(named)
        raise errors.PrerequisitesMissing(
            [f"the jar that {VARIABLE} names: {named} is no file"],
            hint=f"Correct {VARIABLE}, or unset it to fetch a release.",
        )
    folder = cache_folder()
    kept = (folder / f"marquez-api-{release}.jar" for release in RELEASES)
    found = next((path for path in kept if path.is_file()), None)
    return found or _fetched(folder)


def _fetched(folder: Path) -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        raise errors.PrerequisitesMissing(
            ["mvn on the PATH, to fetch the service's jar"],
            hint=f"Install Maven, or name a jar at hand with {VARIABLE}.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    refused = []
    for release in RELEASES:
        trouble = _fetch(maven, release, folder)
        if trouble is None:
            return folder / f"marquez-api-{release}.jar"
        refused.append(f"{ARTEFACT}:{release}: {trouble}")
    raise errors.PrerequisitesMissing(
        refused, hint=f"Name a jar at hand with {VARIABLE}, or a running server with MARQUEZ_URL."
    )


def _fetch(maven: str, release: str, folder: Path) -> str | None:
    """Fetch one release into the folder; give Maven's own words when it does not come."""
    output = bytearray()
    handed = {"JAVA_HOME", "M2_HOME", "MAVEN_ARGS", "MAVEN_OPTS"} & os.environ.keys()
    ended = process.run(
        [
            *(maven, "--quiet", "--batch-mode", "--no-transfer-progress", "-Dstyle.color=never"),
            # Maven keeps its "not found" for a day, though a release may come any minute.
            "--update-snapshots",
            "dependency:copy",
            f"-Dartifact={ARTEFACT}:{release}:jar",
            f"-DoutputDirectory={folder}",
            "-Dmdep.useBaseVersion=true",
        ],
        cwd=folder,
        extra_env={name: os.environ[name] for name in handed},
        write=output.extend,
        idle_s=FETCH_TIMEOUT_S,
        total_s=FETCH_TIMEOUT_S,
    )
    if ended.exit_code == 0 and (folder / f"marquez-api-{release}.jar").is_file():
        return None
    lines = output.decode(errors="replace").splitlines()
    told = next((line for line in lines if "[ERROR]" in line), "no word from Maven")
    # The line starts with the plug-in and every word of the goal; the reason is at its end.
    reason = told.rpartition("standalone-pom: ")[2]
    return re.sub(r"https?://\S+", "the repository", reason)[:160]


if __name__ == "__main__":
    # Says where the jar is, having fetched it if need be; exit code 1 where it cannot be had.
    try:
        sys.stdout.write(f"{find()}\n")
    except errors.HarnessError as missing:
        raise SystemExit(str(missing)) from None
