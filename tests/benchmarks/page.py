"""The page of one run of the benchmarks: its table and its curves, self-contained.

Covers: HTML without scripts, curves as SVG.
Not here: what was measured (``measuring.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from tests.benchmarks.measuring import Curve

_WIDTH, _HEIGHT, _LEFT, _FOOT, _HEAD = 640, 320, 70, 46, 18
_INKS = ("#16324f", "#b3261e", "#2e7d32", "#6b7f93")
_DASHES = ("", "7 4", "2 3", "10 3 2 3")
"""Lines differ in more than colour."""
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1c2733;background:#fbfcfd;margin:2rem auto;
max-width:72rem;padding:0 1rem}table{border-collapse:collapse;display:block;overflow-x:auto}
td,th{padding:.3rem .8rem;border-bottom:1px solid #d5dde5;text-align:left;vertical-align:top}
svg{max-width:100%;height:auto}figure{margin:2rem 0}figcaption{font-weight:600}
"""


def html(
    machine: Mapping[str, object],
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    curves: Sequence[Curve],
) -> str:
    """The whole page."""
    told = ", ".join(f"{name} {value}" for name, value in machine.items())
    table = "".join(_row("td", row) for row in rows)
    figures = "".join(map(_figure, curves))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Benchmarks</title><style>{_STYLE}</style><h1>Benchmarks</h1>"
        f"<p>Ratios within one run on one machine: {escape(told)}.</p>"
        f"<table>{_row('th', head)}{table}</table>{figures}</html>\n"
    )


def _row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _figure(curve: Curve) -> str:
    points = [point for each in curve.series.values() for point in each]
    most_x, most_y = (max((point[axis] for point in points), default=1) or 1 for axis in (0, 1))

    def place(x: float, y: float) -> tuple[float, float]:
        across = _LEFT + (_WIDTH - _LEFT - 20) * x / most_x
        return across, _HEAD + (_HEIGHT - _HEAD - _FOOT) * (1 - y / most_y)

    drawn = [_axes(curve, most_x, most_y)]
    for number, (name, line) in enumerate(curve.series.items()):
        ink, dash = _INKS[number % len(_INKS)], _DASHES[number % len(_DASHES)]
        places = [place(*point) for point in sorted(line)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        drawn.append(
            f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="2" '
            f'stroke-dasharray="{dash}"/>'
        )
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{ink}"/>' for x, y in places]
        drawn.append(
            f'<text x="{_LEFT + 12}" y="{_HEAD + 16 * (number + 1)}" fill="{ink}" '
            f'font-size="13">{("—", "– –", "· ·", "—·")[number % 4]} {escape(name)}</text>'
        )
    fit = f"<p>{escape(curve.fit)}</p>" if curve.fit else ""
    return (
        f"<figure><figcaption>{escape(curve.title)}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" '
        f'aria-label="{escape(curve.title)}" xmlns="http://www.w3.org/2000/svg">'
        f"{''.join(drawn)}</svg>{fit}</figure>"
    )


def _axes(curve: Curve, most_x: float, most_y: float) -> str:
    foot, right = _HEIGHT - _FOOT, _WIDTH - 20
    return (
        f'<path d="M{_LEFT} {_HEAD}V{foot}H{right}" fill="none" stroke="#5b6b7b"/>'
        f'<g font-size="12" fill="#5b6b7b"><text x="{_LEFT}" y="{foot + 16}">0</text>'
        f'<text x="{right}" y="{foot + 16}" text-anchor="end">{most_x:,.6g}</text>'
        f'<text x="{_LEFT - 6}" y="{_HEAD + 10}" text-anchor="end">{most_y:,.3g}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT - 8}">{escape(curve.across)}; up: {escape(curve.up)}'
        "</text></g>"
    )
