"""Images for the stack where no container registry is at hand: ``python -m tests.images.build``.

Covers: what each image is made of, its tag by the hash of that, the cache between machines' lives,
the lines to ``eval`` for ``tests/docker-compose.yml``.
Not here: the Debian root (``roots.py``), the lineage service's jar (``tests/contract/jar.py``).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fixtures.core import errors
from tests.contract import jar
from tests.images import roots

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
BUILD_TIMEOUT_S = 1800.0
PREFIX = "hotpass-rehearsals"
PACKAGES = ("ca-certificates", "postgresql-15", "python3")
JAVA = ("openjdk-17-jre-headless",)
RECORDER_NEEDS = ("starlette", "uvicorn")
RECORDER_SOURCES = (
    "fixtures/__init__.py",
    "fixtures/core/__init__.py",
    "fixtures/core/errors.py",
    "fixtures/core/taint.py",
    "fixtures/simulators/__init__.py",
    "fixtures/simulators/marquez",
    "fixtures/simulators/serving.py",
)
NO_WEB = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image to be: what it is made of, and how that gets into its build folder."""

    name: str
    variable: str
    """Of the Compose file."""
    packages: tuple[str, ...] = PACKAGES
    files: Mapping[str, Path]
    """Places in the build folder to what is copied there, file or folder."""
    requirements: tuple[str, ...] = ()
    """Python packages, unpacked into ``site`` of the build folder."""


def images(*, marquez: bool) -> list[Image]:
    """The images of the stack; the lineage service's own, or the stand-in for it.

    Raises:
        PrerequisitesMissing: The service's jar cannot be had.
    """
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    served = (
        Image(
            name="marquez",
            variable="MARQUEZ_IMAGE",
            packages=(*PACKAGES, *JAVA),
            files={**_folder("marquez"), "marquez.jar": jar.find()},
        )
        if marquez
        else Image(
            name="recorder",
            variable="MARQUEZ_IMAGE",
            files={**_folder("recorder"), **{each: PROJECT / each for each in RECORDER_SOURCES}},
            requirements=tuple(
                each
                for each in project["dependencies"]
                if re.match(r"[\w-]+", each)[0] in RECORDER_NEEDS  # type: ignore[index]
            ),
        )
    )
    return [
        Image(name="postgres", variable="POSTGRES_IMAGE", files=_folder("postgres")),
        Image(
            name="prefect",
            variable="PREFECT_IMAGE",
            files=_folder("prefect"),
            requirements=tuple(project["optional-dependencies"]["backfill"]),
        ),
        served,
    ]


def cache_folder() -> Path:
    """Give the folder that finished images are kept in."""
    kept = os.environ.get("XDG_CACHE_HOME")
    return (Path(kept) if kept else Path.home() / ".cache") / PREFIX / "images"


def build(wanted: Sequence[Image], *, say: Callable[[str], object]) -> dict[str, str]:
    """Make what is not there yet; variable to image.

    Raises:
        PrerequisitesMissing: A package, mmdebstrap or uv.
        SystemRefused: A step failed.
    """
    known = roots.source()
    root_tags = {each.packages: _root_tag(each.packages, known) for each in wanted}
    tags = {each.name: _tag(each, root_tags[each.packages]) for each in wanted}
    kept = cache_folder() / f"{_digest(sorted(tags.values()))}.tar"
    if not all(map(_exists, tags.values())) and kept.is_file():
        say(f"loading {kept}")
        _docker("load", "--quiet", "--input", str(kept))
    if not all(map(_exists, tags.values())):
        for each in wanted:
            if not _exists(tags[each.name]):
                _make_root(each.packages, known, root_tags[each.packages], say)
                say(f"building {tags[each.name]}")
                _make(each, root_tags[each.packages], tags[each.name])
        kept.parent.mkdir(parents=True, exist_ok=True)
        aside = kept.with_suffix(f".{os.getpid()}")
        _docker("save", "--output", str(aside), *tags.values())
        aside.replace(kept)
        for old in kept.parent.glob("*.tar"):
            if old != kept and old.stat().st_mtime < kept.stat().st_mtime - 86_400:
                old.unlink()
    return {each.variable: tags[each.name] for each in wanted} | {"MARQUEZ_WEB_IMAGE": NO_WEB}


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, and print one ``export`` line per image."""
    parser = argparse.ArgumentParser(prog="python -m tests.images.build")
    parser.add_argument(
        "lineage",
        choices=("marquez", "recorder"),
        help="who answers as the lineage service: itself, from its jar, or our stand-in, with "
        "which every run is a dry run",
    )
    asked = parser.parse_args(arguments)
    try:
        made = build(images(marquez=asked.lineage == "marquez"), say=_say)
    except errors.HarnessError as trouble:
        _say(str(trouble))
        return 1
    sys.stdout.write("".join(f"export {name}={image}\n" for name, image in made.items()))
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _folder(name: str) -> dict[str, Path]:
    return {path.name: path for path in sorted((HERE / name).iterdir())}


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _root_tag(packages: tuple[str, ...], known: roots.Source) -> str:
    versions = [f"{name}={version}" for name, version in roots.candidates(packages).items()]
    return f"{PREFIX}/root:{_digest([known.codename, *roots.LEFT_OUT, *versions])}"


def _tag(image: Image, root: str) -> str:
    parts = [root, *image.requirements]
    for place, path in sorted(image.files.items()):
        for file in _files(path):
            parts += [
                place,
                str(file.relative_to(path)),
                hashlib.sha256(file.read_bytes()).hexdigest(),
            ]
    return f"{PREFIX}/{image.name}:{_digest(parts)}"


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(each for each in path.rglob("*") if each.is_file() and each.suffix != ".pyc")


def _make_root(
    packages: tuple[str, ...], known: roots.Source, tag: str, say: Callable[[str], object]
) -> None:
    if _exists(tag):
        return
    say(f"packing {tag}: {known.codename} with {', '.join(packages)}")
    with tempfile.TemporaryDirectory(prefix="images-") as folder:
        archive = Path(folder) / "root.tar"
        roots.pack(packages, known, archive)
        _docker("import", str(archive), tag)


def _make(image: Image, root: str, tag: str) -> None:
    with tempfile.TemporaryDirectory(prefix="images-") as name:
        folder = Path(name)
        for place, path in image.files.items():
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(path, target)
        if image.requirements:
            _unpack(image.requirements, folder / "site")
        # Readable by whoever the image runs as, whatever the umask here.
        for path in folder.rglob("*"):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        _docker("build", "--quiet", "--build-arg", f"ROOT={root}", "--tag", tag, str(folder))


def _unpack(requirements: Sequence[str], site: Path) -> None:
    """Fetch wheels with this machine's own uv configuration, for the Python of the image."""
    uv = shutil.which("uv")
    if uv is None:
        raise errors.PrerequisitesMissing(
            ["uv, which fetches Python packages"], hint="Run `pip install uv`."
        )
    python = re.match(r"\d+\.\d+", roots.candidates(("python3",))["python3"])
    assert python is not None  # Debian's versions begin so
    argv = [
        *(uv, "pip", "install", "--quiet", "--no-progress", "--target", str(site)),
        *("--python-version", python[0], "--only-binary", ":all:", *requirements),
    ]
    roots.run(argv, cwd=PROJECT, timeout_s=BUILD_TIMEOUT_S)


def _exists(tag: str) -> bool:
    try:
        _docker("image", "inspect", "--format", "{{.Id}}", tag)
    except errors.SystemRefused as refused:
        if "No such" in refused.message:
            return False
        raise
    return True


def _docker(*arguments: str) -> str:
    # The classic builder is in every engine; the other one is a plug-in that may be missing.
    handed = {"DOCKER_BUILDKIT": "0"}
    argv = ["docker", *arguments]
    return roots.run(argv, cwd=PROJECT, timeout_s=BUILD_TIMEOUT_S, extra_env=handed)


if __name__ == "__main__":
    raise SystemExit(main())
