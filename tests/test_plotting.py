"""The house style: colours that stand out from paper, that colour-blind readers tell apart, and numbers that can be read."""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from utils.plotting import COLOURS, matrix, use_style

SIGHT = {  # linear red, green and blue as they look without one kind of cone (Machado, Oliveira and Fernandes 2009, table 1)
    "all cones": np.eye(3),
    "no long ones": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no middle ones": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def linear(colour):
    values = np.array(to_rgb(colour))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """The contrast of two colours (WCAG 2), from 1 to 21."""
    dark, light = sorted(linear(colour) @ (0.2126, 0.7152, 0.0722) + 0.05 for colour in (a, b))
    return light / dark


def lab(rgb):
    """Linear red, green and blue -> lightness and the two colour axes of CIE 1976."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = to_xyz @ np.clip(rgb, 0, 1) / (0.9505, 1, 1.089)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("colour", COLOURS)
def test_a_line_stands_out_from_the_paper(colour):
    assert contrast(colour, "white") >= 3


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_are_told_apart(sight):
    seen = [lab(SIGHT[sight] @ linear(colour)) for colour in COLOURS]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 15


def test_what_is_written_can_be_read():
    with plt.rc_context():
        use_style()
        for part in ("text.color", "axes.labelcolor", "xtick.color", "ytick.color"):
            assert contrast(plt.rcParams[part], "white") >= 4.5, part


def test_numbers_in_a_matrix_can_be_read(request):
    figure, axes = plt.subplots()
    request.addfinalizer(lambda: plt.close(figure))
    values = np.linspace(-1, 1, 41)
    matrix(axes, values[None], ["row"], [""] * len(values), limit=1)
    image = axes.images[0]
    for value, text in zip(values, axes.texts, strict=True):
        assert contrast(text.get_color(), image.to_rgba(value)[:3]) >= 4.5, value
