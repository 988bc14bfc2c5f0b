"""The house style for plots, and `show`, which puts a figure on the page together with the words that describe it."""

import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

# After Okabe and Ito (2008), darker where a thin line on white paper would have a contrast below 3.
COLOURS = ("#0065A3", "#C08B00", "#00805C", "#CC79A7", "#B84A00", "#3F9CDB", "#000000")
POINTS_PER_INCH = 100  # a figure of 6.4 inches is 640 points wide on the page, drawn with two pixels a point


def use_style() -> None:
    """Make the house style matplotlib's default: colours that colour-blind readers can tell apart, few lines, no box."""
    mpl.rcParams.update(
        {
            "axes.prop_cycle": mpl.cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#dddddd",
            "grid.linewidth": 0.6,
            "axes.axisbelow": True,
            "axes.titlesize": 10,
            "axes.titlelocation": "left",
            "font.size": 9.5,
            "legend.frameon": False,
            "lines.linewidth": 1.8,
            "image.cmap": "cividis",
            "figure.figsize": (6.4, 3.2),
            "figure.constrained_layout.use": True,
        }
    )


def show(figure: Figure, alt: str) -> None:
    """Display a figure and close it. `alt` says what it shows to a reader who does not see it: every figure has its own."""
    if len(alt.split()) < 5:
        raise ValueError(f"alt is {alt!r}; expected a sentence that says what the figure shows")
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=2 * POINTS_PER_INCH, facecolor="white")
    plt.close(figure)
    packed = io.BytesIO()
    Image.open(drawn).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(packed, format="png", optimize=True)
    display({"image/png": packed.getvalue(), "text/plain": alt}, raw=True, metadata={"image/png": {"alt": alt}})


def matrix(axes: Axes, values: np.ndarray, rows: list[str], columns: list[str], *, limit: float) -> None:
    """Draw a matrix as a grid of shaded cells with its numbers in them, rows and columns labelled; colours span +-limit."""
    values = np.asarray(values)
    image = axes.imshow(values, cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.grid(False)
    axes.tick_params(length=0, top=True, bottom=False, labeltop=True, labelbottom=False)
    for (i, j), value in np.ndenumerate(values):
        dark = np.power(image.to_rgba(value)[:3], 2.2) @ (0.2126, 0.7152, 0.0722) < 0.18  # relative luminance
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", color="white" if dark else "black")
