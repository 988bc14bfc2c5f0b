"""Time series that are hard to foretell: the Mackey-Glass equation, integrated with care, and the NARMA system.

Many series at once, one a row. Left out: other chaotic systems, and noise on what is measured.
"""

import numpy as np

GAIN, DECAY, POWER = 0.2, 0.1, 10  # of the Mackey-Glass equation


def production(x: np.ndarray) -> np.ndarray:
    """What a delayed value adds to the slope: 0.2 x / (1 + x^10)."""
    return GAIN * x / (1 + x**POWER)


def mackey_glass(length: int, start: np.ndarray, *, delay: int = 17, steps: int = 10, discard: int = 1000) -> np.ndarray:
    """x(t) at t = discard, discard + 1, .. of dx/dt = 0.2 x(t - delay) / (1 + x(t - delay)^10) - 0.1 x(t): (B, length).

    From each of start (B,), which is also its past: x(t) = start for t <= 0 (Mackey and Glass 1977; chaotic from a delay of
    about 17 on). Runge-Kutta of order 4 with `steps` steps a unit of time. It asks for the delayed value between two steps
    too, which the cubic through both values and both slopes gives to the same order.
    """
    start = np.asarray(start, dtype=np.float64)
    if start.ndim != 1 or start.size == 0 or not (start > 0).all() or not np.isfinite(start).all():
        raise ValueError(f"start is {start}; expected one axis of finite numbers above 0, one for each series")
    for name, value, least in (("length", length, 1), ("delay", delay, 1), ("steps", steps, 1), ("discard", discard, 0)):
        if value < least:
            raise ValueError(f"{name} is {value}; expected at least {least}")
    h, lag, total = 1 / steps, delay * steps, (discard + length - 1) * steps
    x = start
    series = np.empty((total + 1, len(start)))  # x at each step
    at = np.tile(production(start), (lag + total + 1, 1))  # production at each step, `lag` steps of past before the first
    between = at.copy()  # production half a step later
    before = None  # value and slope a step ago
    for k in range(total + 1):  # row lag + k of `at` is step k, so row k is what arrives with the delay
        slope = at[k] - DECAY * x
        series[k], at[lag + k] = x, production(x)
        if before is not None:
            between[lag + k - 1] = production((before[0] + x) / 2 + h / 8 * (before[1] - slope))
        before = x, slope
        slope_2 = between[k] - DECAY * (x + h / 2 * slope)
        slope_3 = between[k] - DECAY * (x + h / 2 * slope_2)
        slope_4 = at[k + 1] - DECAY * (x + h * slope_3)
        x = x + h / 6 * (slope + 2 * slope_2 + 2 * slope_3 + slope_4)
    return series[discard * steps :: steps].T.copy()


def narma(batch: int, length: int, rng: np.random.Generator, order: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """The nonlinear autoregressive moving average (Atiya and Parlos 2000): inputs u and outputs y (batch, length) each.

    u is uniform in 0 .. 0.5 and y(n) = 0.3 y(n-1) + 0.05 y(n-1) (y(n-1) + .. + y(n-order)) + 1.5 u(n-order) u(n-1) + 0.1, all
    0 before the first step. OverflowError in the rare case that a series runs away.
    """
    for name, value in (("batch", batch), ("length", length), ("order", order)):
        if value < 1:
            raise ValueError(f"{name} is {value}; expected at least 1")
    u = rng.uniform(0, 0.5, (batch, order + length))
    y = np.zeros((batch, order + length))
    u[:, :order] = 0
    for n in range(order, order + length):
        recent = y[:, n - order : n]
        y[:, n] = 0.3 * y[:, n - 1] + 0.05 * y[:, n - 1] * recent.sum(1) + 1.5 * u[:, n - order] * u[:, n - 1] + 0.1
        if y[:, n].max() > 10:
            raise OverflowError(f"series {y[:, n].argmax()} ran away at step {n - order}; draw again")
    return u[:, order:], y[:, order:]
