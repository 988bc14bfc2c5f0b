"""Where a token stands, said to an attention that knows no order: added to its vector, turned into it, or taken off its scores.

Four ways: sinusoids (Vaswani et al. 2017, section 3.5), learned vectors, rotations of queries and keys (Su et al. 2021), and
linear biases (ALiBi, Press et al. 2022). Left out: learned relative positions, and rotations rescaled for longer texts.

Axes: B in the batch, T tokens, Q queries, K keys, D a width, half as many pairs of coordinates.
"""

import math

import torch
from torch import Tensor, nn

from utils.attention.multihead import KeysValues, MultiHeadAttention


def frequencies(D: int) -> Tensor:
    """How far each pair of coordinates turns from one place to the next: 10000^(-2i/D), i = 0 to D/2 - 1. (D/2,) float64."""
    if D < 2 or D % 2:
        raise ValueError(f"D is {D}; expected an even width from 2, since coordinates go in pairs")
    return 10000.0 ** (-torch.arange(0, D, 2, dtype=torch.float64) / D)


def sinusoidal(T: int, D: int) -> Tensor:
    """Row t holds sin(t f_i) at 2i and cos(t f_i) at 2i + 1, f the `frequencies`: (T, D), to be added to T embeddings.

    Row t + k is row t with each pair turned by k f_i, wherever t is: a linear map that depends on k alone.
    """
    if T < 1:
        raise ValueError(f"T is {T}; expected at least 1 place")
    angles = torch.arange(T)[:, None] * frequencies(D)  # (T, D/2)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1).to(torch.get_default_dtype())


class LearnedPositions(nn.Module):
    """A trained vector for each place (Gehring et al. 2017, section 3.1). There is none beyond the `longest` place."""

    def __init__(self, longest: int, D: int) -> None:
        super().__init__()
        self.places = nn.Embedding(longest, D)

    def forward(self, T: int) -> Tensor:
        """The vectors of places 0 to T - 1: (T, D), to be added to T embeddings."""
        longest = self.places.num_embeddings
        if not 1 <= T <= longest:
            raise ValueError(f"T is {T}; expected 1 to {longest}, the places that have a vector")
        return self.places.weight[:T]


def rotary(x: Tensor, places: Tensor) -> Tensor:
    """x (..., T, D) with each pair (x_2i, x_2i+1) of the token at place m turned by m f_i, Su et al. (2021), equation 34.

    places (T,), or what broadcasts to (..., T). f are the `frequencies`. The product of a turned query and a turned key
    depends on how far apart they stand, not on where.
    """
    if x.ndim < 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (..., T, D)")
    f = frequencies(x.shape[-1])
    if not 1 <= places.ndim < x.ndim or any(p not in (1, s) for p, s in zip(places.shape[::-1], x.shape[-2::-1])):
        raise ValueError(f"places has shape {tuple(places.shape)}; expected one that broadcasts to {tuple(x.shape[:-1])}")
    angles = places[..., None] * f.to(x.device, torch.promote_types(x.dtype, torch.float32))  # half precision cannot count
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)  # (..., T, D/2)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)


class RotaryAttention(MultiHeadAttention):
    """Self-attention in heads whose queries and keys are turned by their places; the values are not."""

    def ask(self, query: Tensor, first: int = 0) -> Tensor:
        return self._turned(super().ask(query), first)

    def offer(self, key: Tensor, value: Tensor, first: int = 0) -> KeysValues:
        keys, values = super().offer(key, value)
        return KeysValues(self._turned(keys, first), values)

    def _turned(self, x: Tensor, first: int) -> Tensor:
        return rotary(x, torch.arange(first, first + x.shape[-2], device=x.device))


def alibi_slopes(heads: int) -> Tensor:
    """How fast each head's scores fall with distance, Press et al. (2022, section 3): 2^(-8h/heads), h = 1 to heads.

    For a number of heads between two powers of two, as in the code of the paper: the slopes of the lower power, and then
    every other slope of the higher one, from the first. (heads,) float64.
    """
    if heads < 1:
        raise ValueError(f"heads is {heads}; expected at least 1")
    lower = 2 ** int(math.log2(heads))

    def powers(n: int) -> Tensor:
        return 2.0 ** (-8 * torch.arange(1, n + 1, dtype=torch.float64) / n)

    return torch.cat([powers(lower), powers(2 * lower)[::2]])[:heads]


def alibi_bias(heads: int, Q: int, K: int) -> Tensor:
    """What is added to scores: -slope |i - j| for a query at place i and a key at j: (heads, Q, K).

    The queries stand at the last Q of the K places. The paper looks back only; without a causal mask, later keys are far too.
    """
    if not 1 <= Q <= K:
        raise ValueError(f"Q is {Q} and K is {K}; expected 1 <= Q <= K, the queries being the last Q of K places")
    places = torch.arange(K)
    distance = (places[-Q:, None] - places).abs()  # (Q, K)
    return (-alibi_slopes(heads)[:, None, None] * distance).to(torch.get_default_dtype())
