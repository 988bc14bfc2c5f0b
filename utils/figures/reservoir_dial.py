"""A small leaky reservoir under the reader's hands: what it does, what it forgets, its eigenvalues, and what it remembers.

Python draws the weights, their eigenvalues and the inputs; the page runs the network of `utils.reservoir` anew at each move,
and reads its memory out by ridge regression. Left out: a bias, so that without input nothing but the past drives a unit.
"""

from typing import Any

import numpy as np

from utils.data.chaos import mackey_glass
from utils.figures.embed import Figure, embed
from utils.reservoir import random_reservoir

FEWEST, MOST = 5, 60  # units: five are drawn, and the page runs them all again at each move
STEPS = 200  # of the runs that are drawn
MEMORY = {"steps": 1100, "washout": 100, "delays": 40, "beta": 1e-6}  # of the run that its memory is judged by


def reservoir_dial(seed: int = 0, units: int = 40) -> Figure:
    """The figure for a dense random reservoir of `units`, drawn from `seed` like its start and its random inputs."""
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed is {seed!r}; expected a whole number from 0")
    if not isinstance(units, int) or not FEWEST <= units <= MOST:
        raise ValueError(f"units is {units!r}; expected a whole number from {FEWEST} to {MOST}")
    return embed(
        "reservoir_dial",
        draw_reservoir(np.random.default_rng(seed), units),
        title="A reservoir and its dials",
        description=(
            f"A reservoir of {units} random units, run from a random state and from the opposite one. Does it forget where it "
            "started? Turn the spectral radius above 1, first with nothing as input, then with random numbers and a larger "
            "input scale; make the leaking rate small and see a pulse come in slowly; find the radius at which it remembers "
            "most."
        ),
    )


def draw_reservoir(rng: np.random.Generator, units: int) -> dict[str, Any]:
    """What the page starts from, rounded to float32: W (N, N) of spectral radius 1 and its eigenvalues (N, 2), W_in (N,)
    for one input, a start (N,), the inputs (STEPS,) by name, and the noise (steps,) that the memory is judged by.
    """
    weights, first, inputs = rng.spawn(3)
    reservoir = random_reservoir(weights, units, radius=1.0, bias_scale=0.0)
    W = reservoir.W.astype(np.float32)
    eigenvalues = np.linalg.eigvals(W.astype(np.float64))
    noise = inputs.uniform(-1, 1, MEMORY["steps"])
    n = np.arange(1, STEPS + 1)
    series = {
        "a pulse": (n > 100) & (n <= 110),
        "a sine": np.sin(2 * np.pi * n / 25),
        "random numbers": noise[:STEPS],
        "Mackey-Glass": mackey_glass(STEPS, np.array([1.2]), discard=300)[0] - 1,
        "nothing": np.zeros(STEPS),
    }
    arrays = {
        "W_in": reservoir.W_in[1],
        "eigenvalues": np.stack([eigenvalues.real, eigenvalues.imag], axis=1),
        "start": first.uniform(-1, 1, units),
        "noise": noise,
    }
    rounded = {name: values.astype(np.float32) for name, values in arrays.items()}
    return {"W": W, **rounded, "inputs": {name: u.astype(np.float32) for name, u in series.items()}, "memory": MEMORY}
