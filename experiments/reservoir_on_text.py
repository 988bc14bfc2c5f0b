"""Can a random network compete on a task of many dimensions? The next character of English, out of 91.

Both networks read the same 300,000 characters and have as many trained weights: the random one in its readout alone, the
trained one in all its layers. Both are fitted by Adam for as many steps, over grids of settings of the same size.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from experiments.crossing import heldout_bits, train_language_model
from utils import training
from utils.data.text import characters, stream
from utils.data.wikipedia import split, wikipedia
from utils.ngram import NGram
from utils.reservoir import Reservoir, random_reservoir
from utils.reservoir import run as states_of

CHAPTER = "05-echo-state-networks"
CLAIM = "On characters a random network is well behind a trained one with as many trained weights, and behind a 5-gram."
SOURCE = "this book"
PUBLISHED = "none"
TOLERANCE = (
    "held out, on every seed, the best of 4 settings each: the random network of 1,000 units is at least 0.2 bits above the "
    "trained one, and as much above the 5-gram"
)
SEEDS = (0, 1, 2)
SIZE, HELDOUT, STEPS = 300_000, 300_000, 600
UNITS, TRAINED = 1000, 224  # with 91 characters: 91,091 and 91,259 trained weights
RANDOM = [{"radius": radius, "rate": rate} for radius in (0.5, 0.9) for rate in (1e-2, 3e-2)]
LEARNED = [{"rate": rate} for rate in (2e-3, 4e-3, 8e-3, 1.6e-2)]


class RandomLanguageModel(nn.Module):
    """p(next character | those so far): a reservoir that reads one-hot characters, and a softmax readout of its states."""

    def __init__(self, vocabulary: int, reservoir: Reservoir) -> None:
        super().__init__()
        self.vocabulary, self.reservoir = vocabulary, reservoir
        self.readout = nn.Linear(reservoir.units, vocabulary)

    def forward(self, tokens: Tensor, state: np.ndarray | None = None) -> tuple[Tensor, np.ndarray]:
        """tokens (B, T) -> logits (B, T, V), and the states (B, N) after the last."""
        states = states_of(self.reservoir, F.one_hot(tokens, self.vocabulary).double().numpy(), state)
        return self.readout(torch.from_numpy(states).float()), states[:, -1]


def random_language_model(
    seed: int, units: int, radius: float, rate: float, ids: Tensor, vocabulary: int, steps: int
) -> RandomLanguageModel:
    """A model whose readout is fitted to ids (N,) as `train_language_model` fits all weights: the same pieces and steps."""
    connectivity = min(10 / units, 1.0)
    draw = np.random.default_rng(seed)
    reservoir = random_reservoir(draw, units, vocabulary, radius=radius, bias_scale=0.1, connectivity=connectivity)
    training.seed(seed)
    model = RandomLanguageModel(vocabulary, reservoir)
    state = None

    def pieces():
        nonlocal state
        while True:
            state = None
            yield from stream(ids, batch=16, time=64)

    def loss(inputs: Tensor, targets: Tensor) -> Tensor:
        nonlocal state
        logits, state = model(inputs, state)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten()) / math.log(2)

    optimizer = torch.optim.Adam(model.readout.parameters(), lr=rate)
    training.train(loss, pieces(), optimizer, steps=steps, clip=1.0, schedule=training.warmup_cosine)
    return model


def settings(scale: str) -> list[dict]:
    if scale == "tiny":
        return [RANDOM[0], LEARNED[0]]
    return [*RANDOM, *LEARNED, {}]


def run(seed: int, scale: str, radius: float | None = None, rate: float | None = None) -> dict[str, float]:
    tiny = scale == "tiny"
    corpus = wikipedia()
    vocabulary = characters(corpus)
    text, heldout = split(corpus, HELDOUT)
    ids, heldout_ids = vocabulary.encode(text[: 20_000 if tiny else SIZE]), vocabulary.encode(heldout[: 4000 if tiny else None])
    steps = 3 if tiny else STEPS
    if rate is None:
        return {f"{n}-gram": NGram(ids.numpy(), n, len(vocabulary)).bits_per_token(heldout_ids.numpy()) for n in (1, 2, 3, 5)}
    if radius is None:
        layer = nn.RNN(64, 8 if tiny else TRAINED, batch_first=True)
        model, _ = train_language_model(layer, ids, len(vocabulary), steps, rate, seed)
        return {f"trained, rate {rate:g}": heldout_bits(model, heldout_ids)}
    model = random_language_model(seed, 20 if tiny else UNITS, radius, rate, ids, len(vocabulary), steps)
    return {f"random, radius {radius}, rate {rate:g}": heldout_bits(model, heldout_ids)}


def best(numbers: dict, kind: str) -> np.ndarray:
    """The bits of the setting whose mean is lowest: (seeds,)."""
    return min((values for name, values in numbers.items() if name.startswith(kind)), key=np.mean)


def holds(numbers: dict) -> bool:
    drawn, learned = best(numbers, "random"), best(numbers, "trained")
    return bool((drawn >= learned + 0.2).all() and (drawn >= numbers["5-gram"] + 0.2).all())
