"""Word vectors from counts: how often words stand near each other, PPMI with a truncated SVD, and GloVe on the same counts.

Left out: counts of text that does not fit in memory, other associations than pointwise mutual information.

Axes: V words in the vocabulary, P pairs of words that occur together (the non-zero cells of a V x V table), D width.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse
import torch
from scipy.sparse.linalg import svds
from torch import Tensor
from tqdm import tqdm

from utils.data.words import Corpus, window_offsets, windows
from utils.word_space import WordVectors

EXACT_UP_TO = 1000  # words: beyond, the largest singular values are iterated for


def cooccurrences(text: Corpus, size: int = 5) -> scipy.sparse.csr_array:
    """How often each word has each other within `size` places of it in a sentence: (V, V) float64, symmetric, sparse.

    A neighbour at distance d counts (size + 1 - d) / size: what word2vec's random radii do on average, the sum of each
    pair over many epochs (Levy et al. 2015, section 3.1).
    """
    offsets = window_offsets(size)
    centres, contexts = windows(text, torch.full_like(text.ids, size))
    weights = ((size + 1 - offsets.abs()).double() / size).expand_as(contexts)  # (M, 2 * size)
    V = len(text.vocabulary)
    real = contexts < V
    rows, columns = centres[:, None].expand_as(contexts)[real].numpy(), contexts[real].numpy()
    return scipy.sparse.coo_array((weights[real].numpy(), (rows, columns)), shape=(V, V)).tocsr()


def ppmi(counts: scipy.sparse.csr_array, shift: float = 1.0, power: float = 0.75) -> scipy.sparse.csr_array:
    """max(0, log p(w, c) / (p(w) p(c)) - log shift) for each word w and context c: (V, V), sparse, 0 where they never met.

    p(c) is smoothed to count ** power / their sum, which is the noise distribution of negative sampling (Levy et al. 2015,
    section 3.2). Skip-gram with `shift` negatives has its best score of w and c at this value before the maximum (Levy and
    Goldberg 2014, eq. 7).
    """
    if not shift > 0:
        raise ValueError(f"shift is {shift}; expected a number of negatives above 0")
    if counts.nnz == 0:
        raise ValueError("counts is all zeros; expected words that occur together")
    cells = counts.tocoo()
    of_word = counts.sum(1)
    of_context = counts.sum(0) ** power
    expected = of_word[cells.row] * of_context[cells.col] / of_context.sum()
    information = np.maximum(np.log(cells.data / expected) - np.log(shift), 0)
    table = scipy.sparse.coo_array((information, (cells.row, cells.col)), shape=counts.shape).tocsr()
    table.eliminate_zeros()
    return table


def svd_vectors(text: Corpus, *, dim: int = 100, size: int = 5, shift: float = 5.0) -> WordVectors:
    """The words in the best approximation of rank `dim` to their PPMI table, U S V^T: the rows of U sqrt(S), (V, dim).

    The square root shares S evenly between words and contexts, as training does (Levy and Goldberg 2014, eq. 13). There is
    nothing random in it: the same text gives the same vectors.
    """
    V = len(text.vocabulary)
    if not 1 <= dim < V:
        raise ValueError(f"dim is {dim}; expected 1 to {V - 1}, less than the vocabulary's {V} words")
    table = ppmi(cooccurrences(text, size), shift)
    if table.nnz == 0:
        raise ValueError(f"shift is {shift}; expected less, since no pair of words is left")
    if V <= EXACT_UP_TO:  # the same again even where singular values are equal
        U, S, _ = np.linalg.svd(table.toarray())
        U, S = U[:, :dim][:, ::-1], S[:dim][::-1]
    else:
        U, S, _ = svds(table, k=dim, v0=np.ones(V))
    # S rises
    largest = np.take_along_axis(
        U, np.abs(U).argmax(0)[None], 0
    )  # (1, dim): a column's sign is free, so its largest is positive
    return WordVectors(text.vocabulary, torch.from_numpy((U * np.sign(largest) * np.sqrt(S))[:, ::-1].copy()).float())


class Glove(NamedTuple):
    """GloVe's parameters: two vectors and two biases for each word, as the one that is met and as the one met beside it."""

    words: Tensor  # (V, D)
    contexts: Tensor  # (V, D)
    word_biases: Tensor  # (V,)
    context_biases: Tensor  # (V,)


def glove_weight(counts: Tensor, most: float = 10.0, power: float = 0.75) -> Tensor:
    """How much a cell matters: (x / most) ** power, and 1 from `most` on (Pennington et al. 2014, eq. 9): (P,) -> (P,).

    They set `most` to 100 for corpora of billions of words; a corpus of half a million counts less.
    """
    return (counts / most).clamp(max=1) ** power


def glove_loss(weights: Glove, rows: Tensor, columns: Tensor, counts: Tensor) -> Tensor:
    """The sum of f(x) (w . c + b_w + b_c - log x)^2 over cells (P,) of the table, f being `glove_weight` (eq. 8)."""
    return (glove_weight(counts) * _glove_error(weights, rows, columns, counts) ** 2).sum()


def glove_gradient(weights: Glove, rows: Tensor, columns: Tensor, counts: Tensor) -> Glove:
    """The gradient of `glove_loss`, cell by cell: words and contexts (P, D) for the ids in rows and columns, biases (P,)."""
    d_error = 2 * glove_weight(counts) * _glove_error(weights, rows, columns, counts)  # (P,)
    d_words, d_contexts = d_error[:, None] * weights.contexts[columns], d_error[:, None] * weights.words[rows]
    return Glove(d_words, d_contexts, d_error, d_error)


def _glove_error(weights: Glove, rows: Tensor, columns: Tensor, counts: Tensor) -> Tensor:
    scores = (weights.words[rows] * weights.contexts[columns]).sum(1)
    return scores + weights.word_biases[rows] + weights.context_biases[columns] - counts.log()


def glove_vectors(
    text: Corpus,
    *,
    seed: int,
    dim: int = 50,
    size: int = 10,
    epochs: int = 6,
    rate: float = 0.2,
    batch: int = 8192,
    device: torch.device | str = "cpu",
) -> tuple[WordVectors, list[float]]:
    """Vectors by GloVe (Pennington et al. 2014), the sum of each word's two, and each epoch's mean loss of a cell.

    AdaGrad divides each coordinate's step by the root of its squared gradients so far (Duchi et al. 2011), which start at 1.
    """
    for name, value in {"dim": dim, "epochs": epochs, "batch": batch}.items():
        if value < 1:
            raise ValueError(f"{name} is {value}; expected at least 1")
    V, generator = len(text.vocabulary), torch.Generator().manual_seed(seed)
    weights = Glove(
        *(((torch.rand(shape, generator=generator) - 0.5) / dim).to(device) for shape in [(V, dim)] * 2 + [(V,)] * 2)
    )
    squares = Glove(*(torch.ones_like(w) for w in weights))
    table = cooccurrences(text, size).tocoo()
    cells = [torch.from_numpy(part).to(device) for part in (table.row, table.col, table.data.astype(np.float32))]
    losses = []
    for _ in tqdm(range(epochs), leave=False):
        total = 0.0
        for places in torch.randperm(table.nnz, generator=generator).to(device).split(batch):
            rows, columns, counts = (part[places] for part in cells)
            total += glove_loss(weights, rows, columns, counts).item()
            gradient = glove_gradient(weights, rows, columns, counts)
            for w, square, ids, d in zip(weights, squares, (rows, columns, rows, columns), gradient):
                square.index_add_(0, ids, d**2)
                w.index_add_(0, ids, -rate * d / square[ids].sqrt())
        losses.append(total / table.nnz)
    return WordVectors(text.vocabulary, (weights.words + weights.contexts).cpu()), losses
