"""Word vectors learnt by prediction: skip-gram and CBOW, with the full softmax or with negative sampling (word2vec).

The gradients are written by hand, for the rows that a batch looks up; the training is plain stochastic gradient descent. Left
out: the hierarchical softmax, phrases. What to do with the vectors is in `utils.word_space`.

Axes: B windows in the batch, I words that predict, T words that are predicted, K noise words, V vocabulary, D width. Both
matrices have V + 1 rows, the last of which stands for an empty place in a window: it is zero and stays zero.
"""

from collections.abc import Iterator
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid
from tqdm import tqdm

from utils.data.words import Corpus, noise_distribution, subsample, windows
from utils.word_space import WordVectors

Model = Literal["skip-gram", "cbow"]
Loss = Literal["negative sampling", "full softmax"]
Rows = tuple[Tensor, Tensor]  # the gradient of some rows of a matrix: their ids (M,), repeats allowed, and what to add (M, D)
RATES = {"skip-gram": 0.07, "cbow": 0.4}  # a CBOW window is one example, a skip-gram window is about six


def prediction(model: Model, centres: Tensor, contexts: Tensor) -> tuple[Tensor, Tensor]:
    """Who predicts whom, the one difference between the models: centres (B,), contexts (B, C) -> inputs (B, I), targets (B, T).

    Skip-gram predicts each word around the centre from the centre; CBOW, the continuous bag of words, predicts the centre
    from all of them (Mikolov et al. 2013a, figure 1).
    """
    if model == "skip-gram":
        return centres[:, None], contexts
    if model == "cbow":
        return contexts, centres[:, None]
    raise ValueError(f"model is {model!r}; expected 'skip-gram' or 'cbow'")


def look_up(matrix: Tensor, ids: Tensor) -> Tensor:
    """The rows of a matrix (V, D) at ids (...) -> (..., D): what one-hot rows times the matrix give, without the products."""
    return matrix.index_select(0, ids.flatten()).view(*ids.shape, -1)


def average(matrix: Tensor, inputs: Tensor) -> Tensor:
    """The hidden layer: the mean of the rows of `matrix` (V + 1, D) at inputs (B, I), empty places left out: (B, D)."""
    return look_up(matrix, inputs).sum(1) / _filled(inputs, matrix).sum(1, keepdim=True)


def average_gradient(matrix: Tensor, inputs: Tensor, d_hidden: Tensor) -> Rows:
    """What the gradient d_hidden (B, D) of `average` is for the rows that it looked up: each gets its share."""
    filled = _filled(inputs, matrix)
    shares = filled / filled.sum(1, keepdim=True)  # (B, I)
    return inputs.flatten(), (shares[:, :, None] * d_hidden[:, None]).flatten(0, 1)


def softmax_loss(hidden: Tensor, outputs: Tensor, targets: Tensor) -> Tensor:
    """-sum of log p(target | hidden) over the batch in nats, p being the softmax of hidden @ outputs.T over all V words.

    hidden (B, D), outputs (V + 1, D), targets (B, T) (Mikolov et al. 2013b, eqs. 1 and 2).
    """
    log_p = (hidden @ outputs[:-1].mT).log_softmax(-1)  # (B, V)
    filled = _filled(targets, outputs)
    return -(log_p.gather(1, targets.clamp(max=len(outputs) - 2)) * filled).sum()


def softmax_gradient(hidden: Tensor, outputs: Tensor, targets: Tensor) -> tuple[Tensor, list[Rows]]:
    """The gradient of `softmax_loss` for hidden (B, D), and for all V rows of outputs: what is predicted less what is there."""
    filled = _filled(targets, outputs)
    there = hidden.new_zeros(len(hidden), len(outputs)).scatter_add(1, targets, filled)[:, :-1]  # (B, V)
    p = (hidden @ outputs[:-1].mT).softmax(-1)  # (B, V)
    d_scores = filled.sum(1, keepdim=True) * p - there
    every = torch.arange(len(outputs) - 1, device=outputs.device)
    return d_scores @ outputs[:-1], [(every, d_scores.mT @ hidden)]


def sampled_loss(hidden: Tensor, outputs: Tensor, targets: Tensor, noise: Tensor, negatives: float) -> Tensor:
    """-sum over the targets of log s(h . u_target) + negatives * (mean over the noise words of log s(-h . u_noise)), in nats.

    s is the sigmoid; hidden (B, D), outputs (V + 1, D), targets (B, T), noise (K,). Mikolov et al. (2013b, eq. 4) draw
    `negatives` noise words anew for each target. Here one draw of K serves the whole batch, each weighing negatives / K: the
    same on average, and a product of two matrices.
    """
    filled = _filled(targets, outputs)
    right = logsigmoid((look_up(outputs, targets) @ hidden[:, :, None])[:, :, 0])  # (B, T)
    wrong = logsigmoid(-hidden @ look_up(outputs, noise).mT)  # (B, K)
    return -(right * filled).sum() - negatives * (filled.sum(1) * wrong.mean(1)).sum()


def sampled_gradient(
    hidden: Tensor, outputs: Tensor, targets: Tensor, noise: Tensor, negatives: float
) -> tuple[Tensor, list[Rows]]:
    """The gradient of `sampled_loss` for hidden (B, D), and for the rows of outputs at the targets and at the noise words."""
    filled = _filled(targets, outputs)
    u, v = look_up(outputs, targets), look_up(outputs, noise)  # (B, T, D), (K, D)
    right = ((u @ hidden[:, :, None])[:, :, 0].sigmoid() - 1) * filled  # (B, T): towards the targets
    wrong = (hidden @ v.mT).sigmoid() * (filled.sum(1, keepdim=True) * (negatives / len(noise)))  # (B, K): away from noise
    d_hidden = (right[:, None] @ u)[:, 0] + wrong @ v
    return d_hidden, [(targets.flatten(), (right[:, :, None] * hidden[:, None]).flatten(0, 1)), (noise, wrong.mT @ hidden)]


def descend(matrix: Tensor, gradients: list[Rows], rate: float) -> None:
    """One step of gradient descent, in place, on the rows of `matrix` that have a gradient. A row's repeats add up."""
    for ids, rows in gradients:
        matrix.index_add_(0, ids, -rate * rows)


def _filled(ids: Tensor, matrix: Tensor) -> Tensor:
    """1 where ids (...) name a word, 0 where they name the matrix' last row, an empty place."""
    return (ids != len(matrix) - 1).to(matrix.dtype)


def batches(
    text: Corpus, generator: torch.Generator, *, size: int, epochs: int, threshold: float, shared: int, batch: int
) -> Iterator[tuple[float, Tensor, Tensor, Tensor]]:
    """How much is left (from 1 down to 0), centres (B,), contexts (B, 2 * size) and noise words (K,), batch after batch.

    Each epoch drops frequent words anew, draws a radius from 1 to `size` for each word, and shuffles the windows.
    """
    frequencies = noise_distribution(text.counts)
    for epoch in tqdm(range(epochs), leave=False):
        kept = subsample(text, threshold, generator)
        radii = torch.randint(1, size + 1, (len(kept.ids),), generator=generator)
        centres, contexts = windows(kept, radii)
        steps = torch.randperm(len(centres), generator=generator).split(batch)
        noise = frequencies.multinomial(len(steps) * shared, replacement=True, generator=generator).view(-1, shared)
        for step, places in enumerate(steps):
            left = 1 - (epoch + step / len(steps)) / epochs
            yield left, centres[places], contexts[places], noise[step]


def train(
    text: Corpus,
    model: Model,
    *,
    seed: int,
    loss: Loss = "negative sampling",
    dim: int = 100,
    size: int = 5,
    epochs: int = 7,
    rate: float | None = None,
    threshold: float = 5e-4,
    negatives: int = 5,
    shared: int = 128,
    batch: int = 256,
    device: torch.device | str = "cpu",
) -> tuple[WordVectors, WordVectors]:
    """Vectors of `dim` numbers for each word as an input, which are the ones to use, and for each word as an output.

    A step goes against the sum of the gradients of `batch` windows; its rate falls in a straight line from `rate`, by default
    the model's in RATES, to 0. `negatives` and `shared` are those of `sampled_loss`. A small vocabulary needs a small batch,
    in which each word still occurs a few times only, and a `threshold` of 1, which drops no word. On a CPU a seed gives the
    same vectors again. RuntimeError if they grow without bound.
    """
    if loss not in get_args(Loss):
        raise ValueError(f"loss is {loss!r}; expected one of {', '.join(get_args(Loss))}")
    if model not in RATES:
        raise ValueError(f"model is {model!r}; expected one of {', '.join(RATES)}")
    at_least_one = {"dim": dim, "size": size, "epochs": epochs, "negatives": negatives, "shared": shared, "batch": batch}
    for name, value in at_least_one.items():
        if value < 1:
            raise ValueError(f"{name} is {value}; expected at least 1")
    rate = RATES[model] if rate is None else rate
    if not rate > 0:
        raise ValueError(f"rate is {rate}; expected a step above 0")
    generator = torch.Generator().manual_seed(seed)
    V = len(text.vocabulary)
    W_in = ((torch.rand(V + 1, dim, generator=generator) - 0.5) / dim).to(device)
    W_in[V] = 0
    W_out = torch.zeros_like(W_in)
    drawn = batches(text, generator, size=size, epochs=epochs, threshold=threshold, shared=shared, batch=batch)
    for left, *places in drawn:
        centres, contexts, noise = (ids.to(device) for ids in places)
        inputs, targets = prediction(model, centres, contexts)
        hidden = average(W_in, inputs)
        if loss == "full softmax":
            d_hidden, rows = softmax_gradient(hidden, W_out, targets)
        else:
            d_hidden, rows = sampled_gradient(hidden, W_out, targets, noise, negatives)
        descend(W_in, [average_gradient(W_in, inputs, d_hidden)], left * rate)
        descend(W_out, rows, left * rate)
    if not (W_in.isfinite().all() and W_out.isfinite().all()):
        raise RuntimeError(f"the vectors grew without bound at rate {rate} and batch {batch}; try a smaller one of either")
    return WordVectors(text.vocabulary, W_in[:V].cpu()), WordVectors(text.vocabulary, W_out[:V].cpu())
