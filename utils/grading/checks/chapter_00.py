"""Checks of chapter 00, getting started. Axes: N rows, V classes."""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

from utils.grading.rooms import Room
from utils.grading.task import has_ceiling, mistake, not_finite, sizes, task


def softmax_by_torch(logits: np.ndarray) -> np.ndarray:
    return torch.from_numpy(logits).softmax(-1).numpy()


def bits_by_torch(logits: np.ndarray, targets: np.ndarray) -> float:
    return F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(targets)).item() / np.log(2)


def shares(scores: np.ndarray, axis: int | None = -1) -> np.ndarray:
    """Each score over the sum along the axis."""
    return scores / scores.sum(axis, keepdims=True)


def log2_of_targets(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """log2 of the probability of each row's target: (N,)."""
    return np.log2(softmax_by_torch(logits))[np.arange(len(targets)), targets]


@task(
    "00.1",
    oracle={"softmax": softmax_by_torch},
    not_use=("torch.softmax", "torch.nn.functional.softmax", "torch.nn.Softmax", "scipy.special.softmax", ".softmax"),
    mistakes={
        "softmax over the columns": mistake(
            "Add up your result along each axis. Which axis should give ones?",
            softmax=lambda x: softmax_by_torch(x.T).T,
        ),
        "one sum for the whole array": mistake(
            "Each row is a distribution of its own. Look at what your sum adds up.",
            softmax=lambda x: shares(np.exp(x - x.max()), axis=None),
        ),
        "not divided by the sum": mistake(
            "Add up a row of your result: is it a distribution?",
            softmax=lambda x: np.exp(x - x.max(-1, keepdims=True)),
        ),
        "only the exponential": mistake(
            "Add up a row of your result. Then try a row of large logits.",
            softmax=np.exp,
        ),
        "divided without the exponential": mistake(
            "A probability is never negative, whatever the logits are. Look at what you divide by the sum.",
            softmax=shares,
        ),
        "powers of 2": mistake(
            "Softmax raises another number than 2 to the power of the logits. Bits come in later, with the logarithm.",
            softmax=lambda x: softmax_by_torch(x * np.log(2)),
        ),
        "a sigmoid of each logit": mistake(
            "A probability depends on the other logits of its row. Change one logit and see which of yours change.",
            softmax=lambda x: 1 / (1 + np.exp(-x)),
        ),
        "the largest of each column subtracted": mistake(
            "What you subtract must be the same number for a whole row. Look at the axis of your maximum.",
            softmax=lambda x: softmax_by_torch(x - x.max(0)),
        ),
        "one maximum for the whole array": mistake(
            "Rows can be of very different size. Look at a row whose logits are all far below the largest in the array.",
            softmax=lambda x: shares(np.exp(x - x.max())),
        ),
        "overflow": mistake(
            "Look at what exp does to large logits. Adding one number to a whole row changes no probability.",
            sign=not_finite,
        ),
    },
)
def softmax(room: Room, rng: np.random.Generator) -> Iterator[tuple[str, object]]:
    N, V = sizes(rng, 2)
    logits = 2 * rng.normal(size=(N, V))
    yield "each row holds the softmax of its logits", room.call("softmax", logits)
    yield "large logits stay finite", room.call("softmax", logits + 1000)
    yield "logits far below zero stay finite", room.call("softmax", logits - 1000)
    yield "rows of very different size", room.call("softmax", logits + np.linspace(-1000, 1000, N)[:, None])
    yield "a single row, and a wider one", room.call("softmax", rng.normal(size=(1, V + 8)))


@task(
    "00.2",
    oracle={"cross_entropy": bits_by_torch},
    not_use=("torch.nn.functional.cross_entropy", "torch.nn.CrossEntropyLoss", "torch._C._nn.cross_entropy_loss"),
    mistakes={
        "nats instead of bits": mistake(
            "Look at the base of your logarithm: the answer is asked for in bits.",
            cross_entropy=lambda x, y: bits_by_torch(x, y) * np.log(2),
        ),
        "divided by log 2 once too often": mistake(
            "Look at how you change from nats to bits: once is enough. Two equal logits make one bit.",
            cross_entropy=lambda x, y: bits_by_torch(x, y) / np.log(2),
        ),
        "sum instead of mean": mistake(
            "Give it the same row twice: the answer should not change.",
            cross_entropy=lambda x, y: bits_by_torch(x, y) * len(y),
        ),
        "mean over all classes": mistake(
            "Each row counts once, by its target. Look at how many numbers your mean divides by.",
            cross_entropy=lambda x, y: bits_by_torch(x, y) / x.shape[1],
        ),
        "sign": mistake(
            "A cross-entropy is never negative. Look at the sign of the logarithm of a probability.",
            cross_entropy=lambda x, y: -bits_by_torch(x, y),
        ),
        "logarithm of the mean": mistake(
            "Look at the order: the mean of logarithms is not the logarithm of a mean.",
            cross_entropy=lambda x, y: -np.log2(np.mean(2 ** log2_of_targets(x, y))),
        ),
        "entropy of the prediction": mistake(
            "Change a target: your answer stays the same. Look at which probabilities enter.",
            cross_entropy=lambda x, y: -float(np.mean(np.sum(softmax_by_torch(x) * np.log2(softmax_by_torch(x)), -1))),
        ),
        "the most likely class in place of the target": mistake(
            "Change a target: your answer stays the same. Look at whose probability you take.",
            cross_entropy=lambda x, y: bits_by_torch(x, x.argmax(-1)),
        ),
        "logits taken for log-probabilities": mistake(
            "A logit is not yet a logarithm of a probability. Look at what makes a row add up to one.",
            cross_entropy=lambda x, y: float(-x[np.arange(len(y)), y].mean() / np.log(2)),
        ),
        "perplexity": mistake(
            "The answer is a number of bits. You have raised 2 to it.",
            cross_entropy=lambda x, y: 2 ** bits_by_torch(x, y),
        ),
        "a small number added inside the logarithm": mistake(
            "Your answer has a ceiling: no row can cost more than a few dozen bits. Look at what sets it.",
            sign=has_ceiling,
        ),
        "overflow": mistake(
            "Look at what happens to a probability that is too small for floating point, and to its logarithm.",
            sign=not_finite,
        ),
    },
)
def cross_entropy(room: Room, rng: np.random.Generator) -> Iterator[tuple[str, object]]:
    N, V = sizes(rng, 2)
    logits, targets = 2 * rng.normal(size=(N, V)), rng.integers(V, size=N)
    targets[0] = (logits[0].argmax() + 1) % V  # not the most likely class in every row
    yield "the mean over the rows, in bits", room.call("cross_entropy", logits, targets)
    yield "large logits stay finite", room.call("cross_entropy", logits + 1000, targets)
    confident = logits - 1000
    confident[np.arange(N), (targets + 1) % V] += 2000
    yield "confident and wrong: many bits, but finite", room.call("cross_entropy", confident, targets)
    yield "a single row, and a wider one", room.call("cross_entropy", rng.normal(size=(1, V + 8)), rng.integers(V + 8, size=1))
