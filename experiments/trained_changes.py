"""Which weights does training change? A tanh network that starts like an echo state network, and learns all its weights."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils import training
from utils.data.chaos import narma

CHAPTER = "05-echo-state-networks"
CLAIM = "When all weights of a recurrent network are trained, its output weights change most, relative to where they began."
SOURCE = "Schiller and Steil 2005, for the Atiya-Parlos rule; here backpropagation through time"
PUBLISHED = "the output weights change much more than the others, which change in proportion to each other"
SCALE = "theirs: another learning rule, networks of their own; ours: 100 units on NARMA-10"
TOLERANCE = (
    "100 units on NARMA-10, by gradient descent with momentum and by Adam, each at the best of three rates, on every seed: "
    "|change of W_out| / |W_out| is at least twice that of W and of W_in"
)
SEEDS = (0, 1, 2, 3, 4)
RATES = {"momentum": (3e-3, 1e-2, 3e-2), "Adam": (1e-3, 3e-3, 1e-2)}
MATRICES = ("W_in", "W", "W_out")


def pieces(seed: int, length: int) -> tuple[Tensor, Tensor]:
    """NARMA-10 in pieces of 120 steps, each overlapping the next by half: inputs and targets (pieces, 120, 1)."""
    u, y = narma(1, length, np.random.default_rng([seed, 1]))
    series = (u[0] - 0.25, (y[0] - y.mean()) / y.std())
    return tuple(torch.from_numpy(part).float().unfold(0, 120, 60)[..., None] for part in series)


def train_all(
    seed: int, optimizer: str, rate: float, units: int, steps: int, length: int
) -> tuple[float, list[tuple[float, float]]]:
    """The error after training, and how far W_in, W and W_out moved: as a share of the first weights' norm, and a weight (rms).

    W starts Gaussian with a spectral radius of about 0.9, W_in uniform in +-1 and W_out in +-1/sqrt(units): an echo state
    network but for the readout, which here is learned with the rest.
    """
    training.seed(seed)
    layer, readout = nn.RNN(1, units, batch_first=True), nn.Linear(units, 1)
    weights = (layer.weight_ih_l0, layer.weight_hh_l0, readout.weight)
    with torch.no_grad():
        layer.weight_ih_l0.uniform_(-1, 1)
        layer.weight_hh_l0.normal_(0, 0.9 / units**0.5)
    first = [weight.detach().clone() for weight in weights]
    inputs, targets = pieces(seed, length)

    def loss(inputs: Tensor, targets: Tensor) -> Tensor:
        return F.mse_loss(readout(layer(inputs)[0])[:, 20:], targets[:, 20:])

    parameters = [*layer.parameters(), *readout.parameters()]
    kinds = {
        "momentum": lambda: torch.optim.SGD(parameters, rate, momentum=0.9),
        "Adam": lambda: torch.optim.Adam(parameters, rate),
    }
    batches = ((inputs, targets) for _ in range(steps))
    history = training.train(loss, batches, kinds[optimizer](), steps=steps, clip=1.0, schedule=training.warmup_cosine)
    norms = [((now - then).norm().item(), then) for now, then in zip(weights, first)]
    return history.loss[-1] ** 0.5, [(moved / then.norm().item(), moved / then.numel() ** 0.5) for moved, then in norms]


def settings(scale: str) -> list[dict]:
    if scale == "tiny":
        return [{"optimizer": "Adam", "rate": 1e-3}]
    return [{"optimizer": optimizer, "rate": rate} for optimizer, rates in RATES.items() for rate in rates]


def run(seed: int, scale: str, optimizer: str, rate: float) -> dict[str, float]:
    units, steps, length = (10, 3, 300) if scale == "tiny" else (100, 400, 2100)
    error, changes = train_all(seed, optimizer, rate, units, steps, length)
    name = f"{optimizer}, rate {rate:g}"
    shares = {f"{name}: {matrix}": share for matrix, (share, _) in zip(MATRICES, changes)}
    return (
        {f"{name}: error": error} | shares | {f"{name}: {matrix}, a weight": rms for matrix, (_, rms) in zip(MATRICES, changes)}
    )


def best_rate(numbers: dict, optimizer: str) -> float:
    """The rate with the lowest mean error over the seeds."""
    return min(RATES[optimizer], key=lambda rate: numbers[f"{optimizer}, rate {rate:g}: error"].mean())


def holds(numbers: dict) -> bool:
    verdicts = []
    for optimizer in RATES:
        name = f"{optimizer}, rate {best_rate(numbers, optimizer):g}"
        W_in, W, W_out = (numbers[f"{name}: {matrix}"] for matrix in MATRICES)
        verdicts.append((W_out >= 2 * np.maximum(W_in, W)).all())
    return all(verdicts)
