"""Our reservoir beside reservoirpy's with the same weights: states a second, and a readout fitted to them.

1,000 units, one connection in a hundred, 2,000 steps of Mackey-Glass.
"""

from collections.abc import Iterator

import numpy as np
from reservoirpy.nodes import Reservoir, Ridge

from benchmarks.compare import Row, pace
from utils.data.chaos import mackey_glass
from utils.readout import fit
from utils.reservoir import random_reservoir, run

UNITS, STEPS, WASHOUT, BETA = 1000, 2000, 100, 1e-6


def rows() -> Iterator[Row]:
    series = mackey_glass(STEPS + 1, np.array([1.2]))[..., None]
    u, y = series[:, :-1], series[:, 1:]
    ours = random_reservoir(np.random.default_rng(0), UNITS, radius=0.9, leak=0.3, connectivity=0.01)
    W, W_in = ours.W.T.tocsr(), np.ascontiguousarray(ours.W_in[1:].T)  # theirs are columns; sparse rows are fastest there
    theirs = Reservoir(W=W, Win=W_in, bias=ours.W_in[0], lr=ours.leak)
    states = run(ours, u)
    apart = np.abs(states[0] - theirs.run(u[0])).max()
    if not apart < 1e-12:
        raise RuntimeError(f"the states differ by up to {apart:.1e}; expected less than 1e-12")
    paces = [pace(work, STEPS) for work in (lambda: run(ours, u), lambda: theirs.run(u[0]))]
    yield Row(f"states of {UNITS} units", "reservoirpy", *paces, "steps/s")

    seen = np.concatenate([u[0], states[0]], axis=1)  # their readout adds the 1 itself, and leaves it out of the penalty
    W_out = fit(u, states, y, washout=WASHOUT, beta=BETA)
    peer = Ridge(ridge=BETA).fit(seen, y[0], warmup=WASHOUT)
    errors = [np.square(guess - y[0])[WASHOUT:].mean() for guess in (W_out[0] + seen @ W_out[1:], peer.run(seen))]
    if not 0.5 < errors[0] / errors[1] < 2:
        raise RuntimeError(f"the mean squared errors are {errors[0]:.1e} and {errors[1]:.1e}; expected about the same")
    works = (
        lambda: fit(u, states, y, washout=WASHOUT, beta=BETA),
        lambda: Ridge(ridge=BETA).fit(seen, y[0], warmup=WASHOUT),
    )
    yield Row(f"ridge readout, {STEPS} states", "reservoirpy", *(pace(work, 1) for work in works), "fits/s")
