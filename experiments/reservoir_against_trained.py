"""How many units does a random network need to be as good as a trained one, and is more always better?

NARMA-10: one input, one output, both ten steps deep. Both kinds of network see the same series, are tuned on grids of the same
size, and are judged by the error on a second series, in units of its standard deviation.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from utils import training
from utils.data.chaos import narma
from utils.readout import features, fit
from utils.reservoir import random_reservoir
from utils.reservoir import run as states_of

CHAPTER = "05-echo-state-networks"
CLAIM = "To match 20 trained units a random network needs at least 200; four times the units make it better."
SOURCE = "Atiya and Parlos 2000 (the task); Jaeger 2002 (an echo state network on it); Lukosevicius and Jaeger 2009"
PUBLISHED = "none in this form"
TOLERANCE = (
    "medians over 3 seeds, the best of 9 settings each: the smallest random network that is at least as good as 20 trained "
    "units has at least 200; the error of the random ones falls wherever their number is at least fourfold"
)
SEEDS = (0, 1, 2)
RANDOM, TRAINED = (10, 20, 50, 100, 200, 400, 800), (5, 10, 20, 40)
RADII, SCALES = (0.8, 0.9, 0.97), (0.03, 0.1, 0.3)  # of the random ones
RATES, GAINS = (3e-3, 1e-2, 3e-2), (0.5, 0.9, 1.2)  # of the trained ones: step sizes and first spectral radii
WASHOUT = 100


def series(seed: int, length: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """A series to train on and one to test on: inputs and outputs (1, length, 1), both centred, outputs of variance 1."""
    u, y = narma(2, length, np.random.default_rng([seed, 1]))
    u, y = (u - 0.25)[..., None], ((y - y[0].mean()) / y[0].std())[..., None]
    return [(u[:1], y[:1]), (u[1:], y[1:])]


def nrmse(guess: np.ndarray, y: np.ndarray) -> float:
    """Root mean square error after the washout, over the standard deviation."""
    return float(np.sqrt(((guess - y)[:, WASHOUT:] ** 2).mean() / y[:, WASHOUT:].var()))


def random_error(seed: int, units: int, radius: float, scale: float, length: int) -> float:
    (u, y), (u_test, y_test) = series(seed, length)
    rng = np.random.default_rng([seed, 2])
    connectivity = min(10 / units, 1.0)
    reservoir = random_reservoir(
        rng, units, radius=radius, input_scale=scale / 0.25, bias_scale=scale, connectivity=connectivity
    )
    W_out = fit(u, states_of(reservoir, u), y, washout=WASHOUT, beta=1e-8)
    return nrmse(features(u_test, states_of(reservoir, u_test)) @ W_out, y_test)


def trained_error(seed: int, units: int, rate: float, gain: float, length: int, steps: int) -> float:
    """A tanh network whose weights all learn by backpropagation through time, on overlapping pieces of the series."""
    (u, y), (u_test, y_test) = series(seed, length)
    training.seed(seed)
    layer, readout = nn.RNN(1, units, batch_first=True), nn.Linear(units, 1)
    with torch.no_grad():
        layer.weight_hh_l0.normal_(0, gain / units**0.5)
        layer.weight_ih_l0.mul_(units**0.5)
    u, y, u_test = (torch.from_numpy(part).float() for part in (u, y, u_test))
    pieces = [part[0].unfold(0, 120, 60).mT for part in (u, y)]  # (pieces, 120, 1), each overlapping the next by half

    def loss(inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(readout(layer(inputs)[0])[:, 20:], targets[:, 20:])

    optimizer = torch.optim.Adam([*layer.parameters(), *readout.parameters()], lr=rate)
    schedule = training.warmup_cosine
    training.train(loss, (pieces for _ in range(steps)), optimizer, steps=steps, clip=1.0, schedule=schedule)
    with torch.no_grad():
        return nrmse(readout(layer(u_test)[0]).double().numpy(), y_test)


def settings(scale: str) -> list[dict]:
    if scale == "tiny":
        return [{"units": 10, "radius": 0.9, "input_scale": 0.1}, {"units": 5, "rate": 1e-2, "gain": 0.9}]
    learned = [{"units": n, "rate": rate, "gain": gain} for n in TRAINED[::-1] for rate in RATES for gain in GAINS]
    drawn = [{"units": n, "radius": r, "input_scale": s} for n in RANDOM[::-1] for r in RADII for s in SCALES]
    return [*learned, *drawn]


def run(seed: int, scale: str, units: int, **setting: float) -> dict[str, float]:
    tiny = scale == "tiny"
    length = 400 if tiny else 2100
    if "rate" in setting:
        rate, gain = setting["rate"], setting["gain"]
        error = trained_error(seed, units, rate, gain, length, 3 if tiny else 600)
        return {f"trained, {units} units, rate {rate:g}, gain {gain}": error}
    radius, input_scale = setting["radius"], setting["input_scale"]
    error = random_error(seed, units, radius, input_scale, length)
    return {f"random, {units} units, radius {radius}, inputs {input_scale}": error}


def best(numbers: dict, kind: str, units: int) -> np.ndarray:
    """The errors on each seed of the setting whose median is smallest: (seeds,)."""
    return min((v for name, v in numbers.items() if name.startswith(f"{kind}, {units} units,")), key=np.median)


def holds(numbers: dict) -> bool:
    errors = [float(np.median(best(numbers, "random", n))) for n in RANDOM]
    reference = float(np.median(best(numbers, "trained", 20)))
    as_good = [n for n, error in zip(RANDOM, errors) if error <= reference]
    needs_many = not as_good or as_good[0] >= 200
    return needs_many and all(more < fewer for fewer, more in zip(errors, errors[2:]))  # two places on in the list is fourfold
