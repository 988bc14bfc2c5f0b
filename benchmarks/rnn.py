"""Our recurrent layers beside torch.nn's and beside a minimal NumPy loop: characters a second.

Forward only, and in training (forward, backward, one optimiser step). Every model reads one-hot characters of an alphabet
of 91 through a hidden layer of 100.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from benchmarks.compare import Row, pace
from utils.rnn import LSTM, RNN, Recurrent

V, H = 91, 100  # the alphabet, the hidden width
B, T = 32, 64  # batch and time of the batched models
T_LOOP = 25  # time of the loop, whose batch is one sequence


class NumPyLoop:
    """A character RNN in plain NumPy: one sequence at a time, backpropagation through time by hand, Adagrad."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        shapes = {"W_xh": (V, H), "W_hh": (H, H), "W_hy": (H, V), "b_h": (H,), "b_y": (V,)}
        self.weights = {name: 0.01 * rng.standard_normal(shape) for name, shape in shapes.items()}
        self.squares = {name: np.zeros(shape) for name, shape in shapes.items()}
        self.h = np.zeros(H)

    def forward(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """inputs (T,) ids -> hidden (T + 1, H), the state before each step and after the last, and p (T, V)."""
        w = self.weights
        hidden, p = np.empty((len(inputs) + 1, H)), np.empty((len(inputs), V))
        hidden[0] = self.h
        for t, x in enumerate(inputs):
            hidden[t + 1] = np.tanh(w["W_xh"][x] + hidden[t] @ w["W_hh"] + w["b_h"])
            scores = hidden[t + 1] @ w["W_hy"] + w["b_y"]
            p[t] = np.exp(scores - scores.max())
            p[t] /= p[t].sum()
        return hidden, p

    def gradients(self, inputs: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
        """The gradient of the summed cross-entropy (nats); it also moves the carried state on."""
        w = self.weights
        hidden, p = self.forward(inputs)
        d = {name: np.zeros_like(weight) for name, weight in w.items()}
        d_next = np.zeros(H)  # what the step after hands back to h_t
        for t in reversed(range(len(inputs))):
            d_scores = p[t].copy()
            d_scores[targets[t]] -= 1
            d["W_hy"] += np.outer(hidden[t + 1], d_scores)
            d["b_y"] += d_scores
            d_raw = (1 - hidden[t + 1] ** 2) * (w["W_hy"] @ d_scores + d_next)
            d["b_h"] += d_raw
            d["W_xh"][inputs[t]] += d_raw
            d["W_hh"] += np.outer(hidden[t], d_raw)
            d_next = w["W_hh"] @ d_raw
        self.h = hidden[-1]
        return d

    def train(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        for name, gradient in self.gradients(inputs, targets).items():
            gradient = gradient.clip(-5, 5)
            self.squares[name] += gradient**2
            self.weights[name] -= 0.1 * gradient / np.sqrt(self.squares[name] + 1e-8)


def numpy_paces() -> tuple[float, float]:
    """Forward and training characters per second of the NumPy loop."""
    loop, ids = NumPyLoop(), np.random.default_rng(1).integers(0, V, T_LOOP + 1)
    forward = pace(lambda: loop.forward(ids[:-1]), T_LOOP)
    return forward, pace(lambda: loop.train(ids[:-1], ids[1:]), T_LOOP)


def torch_paces(layer: Recurrent | nn.RNNBase) -> tuple[float, float]:
    """Forward and training characters per second of a batched layer with one-hot inputs and a linear readout."""
    readout = nn.Linear(H, V)
    parameters = [*layer.parameters(), *readout.parameters()]
    optimizer = torch.optim.Adam(parameters, 2e-3)
    ids = torch.randint(V, (B, T + 1), generator=torch.Generator().manual_seed(1))

    def logits() -> torch.Tensor:
        return readout(layer(nn.functional.one_hot(ids[:, :-1], V).float())[0])

    @torch.no_grad()
    def forward() -> None:
        logits()

    def train() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits().flatten(0, 1), ids[:, 1:].flatten()).backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()

    return pace(forward, B * T), pace(train, B * T)


def rows() -> Iterator[Row]:
    torch.manual_seed(0)
    loop = numpy_paces()
    for kind, ours, theirs in (("RNN", RNN(V, H), nn.RNN), ("LSTM", LSTM(V, H), nn.LSTM)):
        paces = torch_paces(ours)
        peers = {f"torch.nn.{kind}": torch_paces(theirs(V, H, batch_first=True)), "a plain RNN's loop, batch 1": loop}
        for peer, other in peers.items():
            for what, pair in zip(("forward", "training"), zip(paces, other)):
                yield Row(f"{kind} of {H}, batch {B}: {what}", peer, *pair, "characters/s")
