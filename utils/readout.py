"""A linear readout: ridge regression from the states of a network to what it should say, solved at once.

Shared by echo state networks, extreme learning machines and liquid state machines, whose hidden weights stay random. Left out:
learning while the data come.

Axes: B sequences, T steps, D inputs, N units, K outputs, F = 1 + D + N features, S samples. Rows are vectors here; the sources
write columns, so their W_out (K, F) = Y X^T (X X^T + beta I)^-1 is ours transposed.
"""

from collections.abc import Callable

import numpy as np
from scipy.linalg import solve_triangular

from utils.shapes import expect_array

Solver = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def features(u: np.ndarray, states: np.ndarray) -> np.ndarray:
    """[1, u(n), x(n)] of each step, what the readout sees: u (..., D) and states (..., N) -> (..., F)."""
    return np.concatenate([np.ones((*u.shape[:-1], 1)), u, states], axis=-1)


def ridge(X: np.ndarray, Y: np.ndarray, beta: float) -> np.ndarray:
    """W_out (F, K) that minimises |X W_out - Y|^2 + beta |W_out|^2: X (S, F), Y (S, K), beta above 0.

    By the normal equations, W_out = (X^T X + beta I)^-1 X^T Y. Their condition is that of X squared: with more than about
    eight digits to win, use `ridge_by_qr`.
    """
    _expect_samples(X, Y, beta)
    return np.linalg.solve(X.T @ X + beta * np.eye(X.shape[1]), X.T @ Y)


def ridge_by_qr(X: np.ndarray, Y: np.ndarray, beta: float) -> np.ndarray:
    """The same as `ridge` without squaring X: least squares with sqrt(beta) I below X and zeros below Y, by a QR decomposition.

    It takes about four times as long, and beta may be as small as 1e-16.
    """
    _expect_samples(X, Y, beta)
    F, K = X.shape[1], Y.shape[1]
    Q, R = np.linalg.qr(np.concatenate([X, np.sqrt(beta) * np.eye(F)]))
    return solve_triangular(R, Q.T @ np.concatenate([Y, np.zeros((F, K))]))


def fit(
    u: np.ndarray,
    states: np.ndarray,
    y: np.ndarray,
    *,
    washout: int,
    beta: float,
    solve: Solver = ridge,
) -> np.ndarray:
    """W_out (F, K) from u (B, T, D), states (B, T, N) and targets y (B, T, K), without the first `washout` steps of each.

    The washout is the time that a network takes to forget the state it started from, which says nothing about the inputs.
    """
    expect_array("states", states, (None, None, None))
    B, T, _ = states.shape
    expect_array("u", u, (B, T, None))
    expect_array("y", y, (B, T, None))
    if not 0 <= washout < T:
        raise ValueError(f"washout is {washout}; expected 0 to {T - 1}, less than the {T} steps there are")
    X = features(u, states)[:, washout:]
    return solve(X.reshape(-1, X.shape[-1]), y[:, washout:].reshape(-1, y.shape[-1]), beta)


def _expect_samples(X: np.ndarray, Y: np.ndarray, beta: float) -> None:
    expect_array("X", X, (None, None))
    expect_array("Y", Y, (X.shape[0], None))
    if not beta > 0:
        raise ValueError(f"beta is {beta}; expected above 0")
