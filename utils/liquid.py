"""A liquid state machine: a random network of spiking neurons in place of the reservoir, with the same readout of its states.

One step is a millisecond. Left out: synapses that tire, delays on the way, and noise (Maass et al. 2002 have all three).

Axes: B sequences, T steps, D input channels, N neurons. Spikes are 0 or 1 in float64. Rows are vectors.
"""

from dataclasses import dataclass

import numpy as np

from utils.shapes import expect_array

MEMBRANE, EXCITATORY, INHIBITORY = 30.0, 3.0, 6.0  # time constants in ms: the potential, and the currents of both kinds
THRESHOLD, RESET, BACKGROUND = 15.0, 13.5, 13.5  # mV; the background current drives the potential to 13.5 mV at rest
REFRACTORY = 3  # ms after a spike in which a neuron is deaf
REACH = 2.0  # grid steps over which connections get rare
CHANCE = {(True, True): 0.3, (True, False): 0.2, (False, True): 0.4, (False, False): 0.1}  # key: are (from, to) excitatory?


@dataclass(frozen=True)
class Liquid:
    """Leaky integrate-and-fire neurons on a grid."""

    W_in: np.ndarray  # (D, N) in mV
    W: np.ndarray  # (N, N) in mV; row i is at least 0 where neuron i is excitatory, at most 0 where it is inhibitory
    excitatory: np.ndarray  # (N,) bool


def random_liquid(
    rng: np.random.Generator,
    inputs: int,
    grid: tuple[int, int, int] = (15, 3, 3),
    *,
    strength: float = 8.0,
    input_strength: float = 18.0,
    input_connectivity: float = 0.3,
) -> Liquid:
    """A column of neurons, a fifth of them inhibitory (Maass et al. 2002, section 4).

    Two neurons at the distance d are connected with probability C exp(-(d / 2)^2), C by the kinds of both. Sizes of weights
    come from an exponential distribution whose mean is `strength`; inhibitory ones count double, being fewer. In mV.
    """
    if inputs < 1 or min(grid) < 1:
        raise ValueError(f"inputs is {inputs} and grid {grid}; expected at least 1 of each")
    if not 0 < input_connectivity <= 1:
        raise ValueError(f"input_connectivity is {input_connectivity}; expected above 0 and at most 1")
    places = np.stack(np.meshgrid(*map(np.arange, grid), indexing="ij"), axis=-1).reshape(-1, 3)  # (N, 3)
    N = len(places)
    excitatory = rng.permutation(N) >= N // 5
    distance = np.linalg.norm(places[:, None] - places, axis=-1)  # (N, N)
    chance = np.array([[CHANCE[bool(a), bool(b)] for b in excitatory] for a in excitatory]) * np.exp(-((distance / REACH) ** 2))
    np.fill_diagonal(chance, 0)
    sign = np.where(excitatory, 1, -2)[:, None]
    W = sign * rng.exponential(strength, (N, N)) * (rng.random((N, N)) < chance)
    W_in = rng.exponential(input_strength, (inputs, N)) * (rng.random((inputs, N)) < input_connectivity)
    return Liquid(W_in, W, excitatory)


def run_liquid(liquid: Liquid, u: np.ndarray) -> np.ndarray:
    """The spikes that follow from the input spikes u (B, T, D): (B, T, N). From rest.

    tau dv/dt = -v + background + i_E + i_I; a spike adds its weight to the current of its kind, which fades. At the threshold
    a neuron spikes, falls to its reset and is deaf for 3 ms.
    """
    D, N = liquid.W_in.shape
    B, T, _ = expect_array("u", u, (None, None, D)).shape
    arriving = u @ liquid.W_in  # (B, T, N)
    keep_e, keep_i, step = np.exp(-1 / EXCITATORY), np.exp(-1 / INHIBITORY), 1 / MEMBRANE
    W_e, W_i = np.maximum(liquid.W, 0), np.minimum(liquid.W, 0)
    v, i_e, i_i = np.full((B, N), RESET), np.zeros((B, N)), np.zeros((B, N))
    deaf = np.zeros((B, N))  # ms still to go
    spikes, last = np.zeros((B, T, N)), np.zeros((B, N))
    for t in range(T):
        i_e = keep_e * i_e + arriving[:, t] + last @ W_e
        i_i = keep_i * i_i + last @ W_i
        v = np.where(deaf > 0, v, v + step * (BACKGROUND + i_e + i_i - v))
        fired = v >= THRESHOLD
        v = np.where(fired, RESET, v)
        deaf = np.where(fired, REFRACTORY, np.maximum(deaf - 1, 0))
        last = spikes[:, t] = fired.astype(np.float64)
    return spikes


def fading(spikes: np.ndarray, tau: float = 30.0) -> np.ndarray:
    """Spikes (B, T, N), each of which leaves a trace that fades as exp(-t / tau), tau in ms: (B, T, N), what a readout sees."""
    if not tau > 0:
        raise ValueError(f"tau is {tau}; expected above 0 ms")
    expect_array("spikes", spikes, (None, None, None))
    keep, traces = np.exp(-1 / tau), np.empty_like(spikes)
    trace = np.zeros_like(spikes[:, 0])
    for t in range(spikes.shape[1]):
        trace = traces[:, t] = keep * trace + spikes[:, t]
    return traces


def jittered(pattern: np.ndarray, batch: int, jitter: float, rng: np.random.Generator) -> np.ndarray:
    """Copies of a pattern of spikes (T, D), each spike moved by a Gaussian of `jitter` ms, none over an end: (batch, T, D)."""
    T, D = expect_array("pattern", pattern, (None, None)).shape
    if not jitter >= 0:
        raise ValueError(f"jitter is {jitter}; expected at least 0 ms")
    times, channels = np.nonzero(pattern)
    moved = times + np.rint(jitter * rng.standard_normal((batch, len(times)))).astype(int)
    copies = np.zeros((batch, T, D))
    copies[np.arange(batch)[:, None], moved.clip(0, T - 1), channels] = 1
    return copies


def two_patterns(
    batch: int, rng: np.random.Generator, *, time: int = 50, channels: int = 4, rate: float = 0.02, jitter: float = 4.0
) -> tuple[np.ndarray, np.ndarray]:
    """One of two random patterns, then again one: spikes (batch, 2 * time, channels), and which ones (batch, 2), 0 or 1.

    To say whether they were the same asks for a memory of the first, and for more than a sum of what each leaves behind.
    """
    for name, value in (("batch", batch), ("time", time), ("channels", channels)):
        if value < 1:
            raise ValueError(f"{name} is {value}; expected at least 1")
    patterns = (rng.random((2, time, channels)) < rate).astype(np.float64)
    which = rng.integers(0, 2, (batch, 2))
    copies = np.stack([jittered(pattern, 2 * batch, jitter, rng) for pattern in patterns])  # (2, 2 * batch, time, channels)
    chosen = copies[which.ravel(), np.arange(2 * batch)]
    return chosen.reshape(batch, 2 * time, channels), which
