"""Decomposable attention: two sentences aligned softly word by word, compared word by word, and summed up (Parikh et al. 2016).

No recurrence and no word order: both sentences are bags, and all their words are read at once. Left out: the attention within
a sentence that they may begin with, their null word, fixed word vectors, and dropout.

Axes: B pairs of sentences, I words of the first, J words of the second, D width of a word, H hidden width, C classes.
"""

import torch
from torch import Tensor, nn

from utils.attention.core import attend
from utils.rnn import keep_mask
from utils.shapes import expect, expect_lengths, expect_tokens


def two_layers(inputs: int, hidden: int) -> nn.Sequential:
    """A network with two layers of `hidden` rectified units, the form of F, G and H."""
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())


def align(scores: Tensor, a: Tensor, b: Tensor, keep_a: Tensor, keep_b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Each word reads the other sentence (Parikh et al. 2016, equation 2): beta (B, I, D), alpha (B, J, D), and both weights.

    scores e (B, I, J), a (B, I, D), b (B, J, D), keep_a (B, I) and keep_b (B, J) bool. beta_i averages b under softmax over j
    of e_ij, alpha_j averages a under softmax over i of the same e_ij. The weights are (B, I, J) and (B, J, I).
    """
    beta, over_b = attend(scores, b, keep_b[:, None])
    alpha, over_a = attend(scores.mT, a, keep_a[:, None])
    return beta, alpha, over_b, over_a


class PairClassifier(nn.Module):
    """Two sentences -> logits of C classes, from a vector for each word that is summed over its sentence.

    v_1 = sum_i compare(i), v_2 = sum_j compare(j), y = H([v_1, v_2]) (equations 4 and 5). A subclass says what is compared.
    """

    def __init__(self, vocabulary: int, width: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.aggregate = nn.Sequential(two_layers(2 * hidden, hidden), nn.Linear(hidden, classes))  # H

    def compare(self, a: Tensor, b: Tensor, keep_a: Tensor, keep_b: Tensor) -> tuple[Tensor, Tensor]:
        """a (B, I, D), b (B, J, D) and which of their words are real -> a vector for each word: (B, I, H), (B, J, H)."""
        raise NotImplementedError

    def embed(self, name: str, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """tokens (B, T), lengths (B,) -> words (B, T, D), real (B, T)."""
        expect_tokens(name, tokens, ("B", "T"), self.words.num_embeddings)
        expect_lengths(f"{name}_lengths", lengths, *tokens.shape)
        return self.words(tokens), keep_mask(lengths.to(tokens.device), tokens.shape[1])

    def forward(self, first: Tensor, first_lengths: Tensor, second: Tensor, second_lengths: Tensor) -> Tensor:
        """first (B, I), second (B, J), and their lengths (B,) -> logits (B, C)."""
        (a, keep_a), (b, keep_b) = self.embed("first", first, first_lengths), self.embed("second", second, second_lengths)
        if len(a) != len(b):
            raise ValueError(f"second holds {len(b)} sentences; expected one for each of the {len(a)} in first")
        v_a, v_b = self.compare(a, b, keep_a, keep_b)
        summed = [(v * keep[..., None]).sum(1) for v, keep in ((v_a, keep_a), (v_b, keep_b))]  # (B, H) each
        return self.aggregate(torch.cat(summed, -1))

    def loss(self, first: Tensor, first_lengths: Tensor, second: Tensor, second_lengths: Tensor, classes: Tensor) -> Tensor:
        """The cross-entropy in nats per pair with the true classes (B,): a scalar to minimise."""
        expect("classes", classes, (len(first),), torch.int64)
        return nn.functional.cross_entropy(self(first, first_lengths, second, second_lengths), classes)


class DecomposableAttention(PairClassifier):
    """Attend: e_ij = F(a_i) . F(b_j). Compare: G([a_i, beta_i]), G([b_j, alpha_j]). Aggregate: H (equations 1 to 5).

    F sees one word at a time, so that I + J words cost I + J passes, where a network of each pair would take I times J.
    """

    def __init__(self, vocabulary: int, width: int, hidden: int, classes: int) -> None:
        super().__init__(vocabulary, width, hidden, classes)
        self.attend = two_layers(width, hidden)  # F
        self.comparison = two_layers(2 * width, hidden)  # G

    def aligned(self, a: Tensor, b: Tensor, keep_a: Tensor, keep_b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """See `align`."""
        return align(self.attend(a) @ self.attend(b).mT, a, b, keep_a, keep_b)

    def compare(self, a: Tensor, b: Tensor, keep_a: Tensor, keep_b: Tensor) -> tuple[Tensor, Tensor]:
        beta, alpha, _, _ = self.aligned(a, b, keep_a, keep_b)
        return self.comparison(torch.cat([a, beta], -1)), self.comparison(torch.cat([b, alpha], -1))

    def alignments(self, first: Tensor, first_lengths: Tensor, second: Tensor, second_lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Where each word looks in the other sentence: weights (B, I, J) of the first, (B, J, I) of the second."""
        (a, keep_a), (b, keep_b) = self.embed("first", first, first_lengths), self.embed("second", second, second_lengths)
        _, _, over_b, over_a = self.aligned(a, b, keep_a, keep_b)
        return over_b * keep_a[..., None], over_a * keep_b[..., None]


class BagsOfWords(PairClassifier):
    """The same without attention: G sees each word alone, and all that H knows of a sentence is what its words add up to."""

    def __init__(self, vocabulary: int, width: int, hidden: int, classes: int) -> None:
        super().__init__(vocabulary, width, hidden, classes)
        self.comparison = two_layers(width, hidden)

    def compare(self, a: Tensor, b: Tensor, keep_a: Tensor, keep_b: Tensor) -> tuple[Tensor, Tensor]:
        return self.comparison(a), self.comparison(b)
