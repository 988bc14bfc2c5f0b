"""Echo state networks: a recurrent network whose weights are random and stay so, read out by one linear regression.

In NumPy and float64, since nothing here is differentiated. Left out: other nonlinearities, and weights that adapt themselves.

Axes: B sequences, T steps, D inputs, N units, K outputs, F = 1 + D + N features. Rows are vectors here; the sources write
columns, so their W_in (N, 1 + D) and W are ours transposed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csc_array, issparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigs

from utils.readout import features, ridge_by_qr
from utils.shapes import expect_array

Matrix = np.ndarray | csc_array
EXACT_UP_TO = 400  # units: beyond, a sparse matrix's largest eigenvalues are iterated for


@dataclass(frozen=True)
class Reservoir:
    """x~(n) = tanh([1, u(n)] W_in + x(n-1) W), x(n) = (1 - leak) x(n-1) + leak x~(n) (Lukosevicius 2012, eqs. 2 and 3)."""

    W_in: np.ndarray  # (1 + D, N); its first row is the bias
    W: Matrix  # (N, N); W[i, j] leads from unit i to unit j
    leak: float = 1.0  # in (0, 1]: 1 forgets the last state but for what W carries

    def __post_init__(self) -> None:
        if not 0 < self.leak <= 1:
            raise ValueError(f"leak is {self.leak}; expected above 0 and at most 1")
        expect_array("W_in", self.W_in, (None, None))
        expect_array("W", self.W.data[None] if issparse(self.W) else self.W, (None, None))
        if self.W.shape != (self.units, self.units):
            raise ValueError(f"W has shape {self.W.shape}; expected {(self.units, self.units)}, since W_in is for {self.units}")

    @property
    def units(self) -> int:
        return self.W_in.shape[1]

    @property
    def inputs(self) -> int:
        return self.W_in.shape[0] - 1

    @cached_property
    def W_T(self) -> Matrix:
        return self.W.T

    def step(self, drive: np.ndarray, x: np.ndarray) -> np.ndarray:
        """x(n) from x(n-1) (B, N), where drive (B, N) is [1, u(n)] W_in."""
        from_units = (self.W_T @ x.T).T  # x W, in the order in which a sparse matrix takes less than half of the time
        return (1 - self.leak) * x + self.leak * np.tanh(drive + from_units)


def uniform(rng: np.random.Generator, shape: int | tuple[int, ...]) -> np.ndarray:
    """Weights from -1 to 1."""
    return rng.uniform(-1, 1, shape)


def gaussian(rng: np.random.Generator, shape: int | tuple[int, ...]) -> np.ndarray:
    """Weights of mean 0 and variance 1."""
    return rng.standard_normal(shape)


def random_matrix(
    units: int, connectivity: float, rng: np.random.Generator, draw: Callable[..., np.ndarray] = uniform
) -> Matrix:
    """Weights (units, units) of which the share `connectivity`, to the nearest number, is not 0; sparse unless that is all."""
    if not 0 < connectivity <= 1:
        raise ValueError(f"connectivity is {connectivity}; expected above 0 and at most 1")
    if connectivity == 1:
        return draw(rng, (units, units))
    count = max(round(connectivity * units**2), 1)
    rows, columns = np.divmod(rng.choice(units**2, count, replace=False), units)
    return csc_array((draw(rng, count), (rows, columns)), shape=(units, units))


def spectral_radius(W: Matrix) -> float:
    """The largest |eigenvalue| of W (N, N).

    Of a large sparse matrix by Arnoldi's iteration: six eigenvalues are asked for, since one alone may be the wrong one, and
    what comes back is right to about 1e-13 on random matrices.
    """
    if issparse(W) and W.shape[0] > EXACT_UP_TO:
        found = eigs(W, k=6, ncv=60, v0=np.ones(W.shape[0]), return_eigenvectors=False)
    else:
        found = np.linalg.eigvals(W.toarray() if issparse(W) else W)
    return float(np.abs(found).max())


def random_reservoir(
    rng: np.random.Generator,
    units: int,
    inputs: int = 1,
    *,
    radius: float,
    leak: float = 1.0,
    input_scale: float = 1.0,
    bias_scale: float = 1.0,
    connectivity: float = 1.0,
    draw: Callable[..., np.ndarray] = uniform,
) -> Reservoir:
    """W_in dense, from `draw` times its scale; W with the share `connectivity` of weights, scaled to a spectral radius.

    Bias, inputs and W each have a stream of their own from rng: a change to one leaves the others as they are. With radius 0
    nothing recurs, and what is left is an extreme learning machine (Huang et al. 2006).
    """
    for name, value, least in (("units", units, 1), ("inputs", inputs, 0), ("radius", radius, 0)):
        if not value >= least:
            raise ValueError(f"{name} is {value}; expected at least {least}")
    bias_rng, input_rng, recurrent_rng = rng.spawn(3)
    W_in = np.concatenate([bias_scale * draw(bias_rng, (1, units)), input_scale * draw(input_rng, (inputs, units))])
    W = random_matrix(units, connectivity, recurrent_rng, draw)
    if radius == 0:
        return Reservoir(W_in, 0.0 * W, leak)
    loops, _ = connected_components(W, connection="strong")
    if loops == units and not W.diagonal().any():
        raise ValueError(f"connectivity is {connectivity}; expected more, since W of {units} units has no cycle")
    return Reservoir(W_in, W * (radius / spectral_radius(W)), leak)


def run(reservoir: Reservoir, u: np.ndarray, state: np.ndarray | None = None, *, noise: np.ndarray | None = None) -> np.ndarray:
    """The states after each step of u (B, T, D): (B, T, N). From `state` (B, N), zeros if None.

    Output feedback is an input like any other: in training the target of the step before (teacher forcing), later what
    `free_run` put out. `noise` (B, T, N) is added inside the tanh, which makes such a loop robust (Jaeger 2001).
    """
    B, T, _ = expect_array("u", u, (None, None, reservoir.inputs)).shape
    N = reservoir.units
    x = np.zeros((B, N)) if state is None else expect_array("state", state, (B, N))
    drive = reservoir.W_in[0] + u @ reservoir.W_in[1:]  # (B, T, N)
    if noise is not None:
        drive += expect_array("noise", noise, (B, T, N))
    states = np.empty((B, T, N))
    for n in range(T):
        x = states[:, n] = reservoir.step(drive[:, n], x)
    return states


def forgetting(reservoir: Reservoir, u: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How far apart two states (N,) are after each step of the same inputs u (T, D): (T,). Echo states: it goes to 0."""
    states = run(reservoir, np.stack([u, u]), np.stack([first, second]))
    return np.linalg.norm(states[0] - states[1], axis=-1)


def free_run(
    reservoir: Reservoir, W_out: np.ndarray, state: np.ndarray, y: np.ndarray, steps: int, u: np.ndarray | None = None
) -> np.ndarray:
    """Run on the network's own output: (B, steps, K). `state` (B, N) and y (B, K) are those of the step before the first.

    The inputs of a step are [u(n), y(n-1)]: the last K are the output before. u (B, steps, D - K) is what else comes in.
    """
    B, K = expect_array("y", y, (None, None)).shape
    expect_array("state", state, (B, reservoir.units))
    expect_array("W_out", W_out, (1 + reservoir.inputs + reservoir.units, K))
    if steps < 1:
        raise ValueError(f"steps is {steps}; expected at least 1")
    u = np.empty((B, steps, reservoir.inputs - K)) if u is None and reservoir.inputs == K else u
    expect_array("u", u, (B, steps, reservoir.inputs - K))
    x, outputs = state, np.empty((B, steps, K))
    for n in range(steps):
        v = np.concatenate([u[:, n], y], axis=1)  # (B, D)
        x = reservoir.step(reservoir.W_in[0] + v @ reservoir.W_in[1:], x)
        y = outputs[:, n] = features(v, x) @ W_out
    return outputs


def memory_capacity(u: np.ndarray, states: np.ndarray, delays: int, *, washout: int, beta: float = 1e-10) -> np.ndarray:
    """How well a readout recovers u(n - k), for k = 1 .. delays: the squared correlation (delays,) (Jaeger 2001b, eq. 4).

    u (T,) is noise without memory and states (T, N) what it left behind. A readout for each delay is fitted to the first half
    after the washout and judged on the second. The sum over all delays is the memory capacity: at most N.
    """
    T = len(expect_array("u", u, (None,)))
    expect_array("states", states, (T, None))
    if not 1 <= delays <= washout:
        raise ValueError(f"delays is {delays}; expected 1 to the washout, {washout}")
    if not washout + 4 <= T:
        raise ValueError(f"washout is {washout}; expected at most {T - 4}, four less than the {T} steps there are")
    X = features(np.empty((T, 0)), states)[washout:]
    Y = np.stack([u[washout - k : T - k] for k in range(1, delays + 1)], axis=1)  # (T - washout, delays)
    half = len(X) // 2
    guess = X[half:] @ ridge_by_qr(X[:half], Y[:half], beta)
    return np.array([np.corrcoef(a, b)[0, 1] ** 2 for a, b in zip(guess.T, Y[half:].T)])
