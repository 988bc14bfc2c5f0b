"""The map of the chapters as a drawing: a row a chapter, in the book's order, and an arc from each to those that need it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

ROW, WIDTH, GAP = 46, 340, 9  # height of a row, width of the drawing, from a dot's centre to an arc's end

DRAWING = """<svg class="chapter-map" viewBox="0 0 {width} {height}" role="group" aria-labelledby="map-title map-words">
<title id="map-title">Which chapter needs which</title>
<desc id="map-words">A dot for each chapter, in the book's order, and an arrow from each to those that need it first. \
The table below says the same.</desc>
{arcs}
{rows}
</svg>"""

STOP = """<a href="{address}"><rect x="{left}" y="{top}" width="{width}" height="{height}" rx="6"/>\
<circle cx="{x}" cy="{y}" r="5"/><text x="{text}" y="{above}">{title}</text>\
<text class="note" x="{text}" y="{below}">{note}</text></a>"""


@dataclass(frozen=True)
class Stop:
    """A row of the map: a chapter's name, what its row says, and those above it from which arrows come."""

    name: str
    title: str
    note: str
    after: frozenset[str]


def bulge(rows: int) -> int:
    """How far to the left the handles of an arc over so many rows lie; three quarters of it are seen."""
    return min(14 + 14 * rows, 110)


def arc(x: float, start: int, end: int) -> str:
    """An arrow from one row's dot down to another's: straight to the next row, else around those between."""
    above, below = ((row + 0.5) * ROW for row in (start, end))
    if end - start == 1:
        tip = below - GAP
        line, head = f"M{x} {above + GAP} V{tip - 6}", f"M{x} {tip} l-4.5 -8 h9 z"
    else:
        far, near = x - bulge(end - start), x - GAP
        line, head = f"M{near} {above} C{far} {above} {far} {below} {near - 6} {below}", f"M{near} {below} l-8 -4.5 v9 z"
    return f'<path class="arc" d="{line}"/><path class="head" d="{head}"/>'


def chart(stops: Sequence[Stop]) -> str:
    """The map as SVG for a page at the top of the site; each chapter is a link. ValueError for an arrow from nowhere above."""
    places = {stop.name: row for row, stop in enumerate(stops)}
    if bad := [s.name for s in stops for a in s.after if places.get(a, len(stops)) >= places[s.name]]:
        raise ValueError(f"{', '.join(sorted(bad))} comes after a chapter that does not stand above it")
    spans = [(places[a], places[s.name]) for s in stops for a in sorted(s.after)]
    x = 0.75 * max((bulge(end - start) for start, end in spans if end - start > 1), default=0) + 12
    rows = [
        STOP.format(
            address=f"chapters/{stop.name}.html",
            left=x + 10,
            top=row * ROW + 2,
            width=WIDTH - x - 11,
            height=ROW - 4,
            x=x,
            y=(row + 0.5) * ROW,
            text=x + 16,
            above=row * ROW + 20,
            below=row * ROW + 37,
            title=escape(stop.title),
            note=escape(stop.note),
        )
        for row, stop in enumerate(stops)
    ]
    arcs = "\n".join(arc(x, start, end) for start, end in spans)
    return DRAWING.format(width=WIDTH, height=len(stops) * ROW, arcs=arcs, rows="\n".join(rows))
