"""A label for each word of a sentence, from the word and from what it reads in all the others: one layer of self-attention.

The smallest network in which self-attention has something to do. Left out: a second layer, and normalisation, which deep
stacks of such layers need.

Axes: B sentences, T words, D their width, L labels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.attention.multihead import MultiHeadAttention
from utils.attention.positions import sinusoidal
from utils.rnn import keep_mask


class Tagger(nn.Module):
    """x = embedding + position; h = x + attention(x, x, x); the logits of word i are a network with one hidden layer on h_i.

    placed=False leaves the position out, so that a sentence is a set of words; attends=False leaves the attention out, so
    that each word is labelled by itself.
    """

    def __init__(self, words: int, labels: int, size: int, heads: int, *, attends: bool = True, placed: bool = True) -> None:
        super().__init__()
        self.words = nn.Embedding(words, size)
        self.attention = MultiHeadAttention(size, heads) if attends else None
        self.placed = placed
        self.readout = nn.Sequential(nn.Linear(size, 2 * size), nn.ReLU(), nn.Linear(2 * size, labels))

    def embed(self, words: Tensor) -> Tensor:
        """words (B, T) -> x (B, T, D)."""
        x = self.words(words)
        return x + sinusoidal(*x.shape[1:]).to(x) if self.placed else x

    def read(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """What each word of x (B, T, D) reads in all of them (B, T, D), and where it looks (B, heads, T, T)."""
        return self.attention(x, x, x, keep_mask(lengths.to(x.device), x.shape[1])[:, None])

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """words (B, T), lengths (B,) -> logits (B, T, L); those of padding mean nothing."""
        x = self.embed(words)
        if self.attention is not None:
            x = x + self.read(x, lengths)[0]
        return self.readout(x)

    def loss(self, words: Tensor, lengths: Tensor, labels: Tensor) -> Tensor:
        """The mean cross-entropy in nats over real words, of labels (B, T)."""
        real = keep_mask(lengths.to(words.device), words.shape[1])
        return F.cross_entropy(self(words, lengths)[real], labels[real])

    @torch.no_grad()
    def right(self, words: Tensor, lengths: Tensor, labels: Tensor) -> Tensor:
        """Which words get the label that they should: (B, T) bool, false in the padding."""
        real = keep_mask(lengths.to(words.device), words.shape[1])
        return (self(words, lengths).argmax(-1) == labels) & real
