"""Drawings that explain how networks are wired: boxes for vectors, arrows for what is computed from what."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from utils.plotting import COLOURS

INPUT, HIDDEN, OUTPUT = COLOURS[5], COLOURS[0], COLOURS[1]


def box(axes: Axes, x: float, y: float, label: str, colour: str) -> None:
    """A rounded box around (x, y) with its label inside."""
    axes.add_patch(FancyBboxPatch((x - 0.3, y - 0.22), 0.6, 0.44, boxstyle="round,pad=0.02", facecolor=colour, alpha=0.25))
    axes.add_patch(FancyBboxPatch((x - 0.3, y - 0.22), 0.6, 0.44, boxstyle="round,pad=0.02", fill=False, edgecolor=colour))
    axes.text(x, y, label, ha="center", va="center", fontsize=9)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], label: str = "") -> None:
    """An arrow with its label beside it."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "#444444", "shrinkA": 0, "shrinkB": 0})
    if label:
        sideways = start[1] == end[1]
        middle = ((start[0] + end[0]) / 2 + (0 if sideways else 0.08), (start[1] + end[1]) / 2 + (0.1 if sideways else 0))
        axes.text(*middle, label, fontsize=9, ha="center" if sideways else "left", va="bottom" if sideways else "center")


def canvas(axes: Axes, width: float, height: float) -> Axes:
    """Turn axes into an empty sheet of the given size."""
    axes.set(xlim=(-0.6, width), ylim=(-0.5, height), aspect="equal")
    axes.axis("off")
    return axes


def unrolled(inputs: Sequence[str], outputs: Sequence[str]) -> Figure:
    """A recurrent network unrolled over its input, with the three matrices on the arrows of the first steps."""
    figure, axes = plt.subplots(figsize=(6.4, 2.7))
    canvas(axes, 1.4 * len(inputs) + 1.0, 2.9)
    box(axes, 0, 1.2, "$h_0$", "gray")
    for t, (below, above) in enumerate(zip(inputs, outputs, strict=True), start=1):
        x = 1.4 * t
        box(axes, x, 0, below, INPUT)
        box(axes, x, 1.2, f"$h_{t}$", HIDDEN)
        box(axes, x, 2.4, above, OUTPUT)
        arrow(axes, (x, 0.24), (x, 0.96), "$W_{xh}$" if t == 1 else "")
        arrow(axes, (x, 1.44), (x, 2.16), "$W_{hy}$" if t == 1 else "")
        arrow(axes, (x - 1.08, 1.2), (x - 0.32, 1.2), "$W_{hh}$" if t <= 2 else "")
    return figure


WIRINGS = {  # name: (steps, steps that read, steps that write, an example)
    "one to one": (1, [0], [0], "a picture's class"),
    "one to many": (3, [0], [0, 1, 2], "a picture's caption"),
    "many to one": (3, [0, 1, 2], [2], "a review's rating"),
    "many to many, delayed": (5, [0, 1, 2], [2, 3, 4], "translation"),
    "many to many, aligned": (3, [0, 1, 2], [0, 1, 2], "tagging, language models"),
}


def wirings() -> Figure:
    """The five ways to connect inputs and outputs to a recurrent network."""
    figure, axes = plt.subplots(figsize=(8.6, 2.3))
    left = 0.0
    for name, (steps, reads, writes, example) in WIRINGS.items():
        for t in range(steps):
            x = left + t
            box(axes, x, 1, "", HIDDEN)
            if t:
                arrow(axes, (x - 0.68, 1), (x - 0.32, 1))
            if t in reads:
                box(axes, x, 0, "", INPUT)
                arrow(axes, (x, 0.24), (x, 0.76))
            if t in writes:
                box(axes, x, 2, "", OUTPUT)
                arrow(axes, (x, 1.24), (x, 1.76))
        middle = left + (steps - 1) / 2
        axes.text(middle, 2.5, name.replace(", ", ",\n"), ha="center", va="bottom", fontsize=9)
        axes.text(middle, -0.45, example, ha="center", va="top", fontsize=8, color="#444444")
        left += steps + 1.0
    canvas(axes, left - 1.2, 3.2)
    axes.set(ylim=(-0.9, 3.3))
    return figure
