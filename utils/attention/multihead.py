"""Scaled dot products, the causal mask, and attention in several heads (Vaswani et al. 2017, sections 3.2.1 and 3.2.2).

Where queries, keys and values are the same vectors, it is self-attention. Left out: dropout on the weights, and any sense of
order, which `utils.attention.positions` brings.

Axes: B in the batch, Q queries, K keys with a value each, D the width of one head.
"""

import math
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from utils.attention.core import attend


def scaled_dot_product(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, bias: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """softmax(q k^T / sqrt(D) + bias) v, their equation 1, whose bias is 0: -> context (..., Q, D_value), weights (..., Q, K).

    query (..., Q, D), key (..., K, D), value (..., K, D_value), the first axes being the same. mask and bias broadcast to the
    weights; mask is boolean, True = may be seen. See `attend`.
    """
    _expect_arguments(query, key, bias)
    scores = (query / math.sqrt(query.shape[-1])) @ key.mT  # divided first: the sum of the products could overflow float16
    if bias is not None:
        scores = scores + bias.to(scores.dtype)
    return attend(scores, value, mask)


def causal_mask(T: int, S: int | None = None) -> Tensor:
    """Who may see whom, if nobody sees what is later: (T, S) bool. The T queries are the last of S places; without S, all.

    >>> causal_mask(2, 3)
    tensor([[ True,  True, False],
            [ True,  True,  True]])
    """
    S = T if S is None else S
    if not 1 <= T <= S:
        raise ValueError(f"T is {T} and S is {S}; expected 1 <= T <= S, the queries being the last T of S places")
    return torch.ones(T, S, dtype=torch.bool).tril(S - T)


class KeysValues(NamedTuple):
    """What heads may look at, and read there. Who is asked again and again keeps them."""

    keys: Tensor  # (B, heads, K, D)
    values: Tensor  # (B, heads, K, D)


class MultiHeadAttention(nn.Module):
    """Attention in `heads` subspaces at once: out = [head_1 ... head_h] W_o, head_i = attention(q W_q_i, k W_k_i, v W_v_i).

    Queries and outputs have width `size`, each head size / heads; keys and values have widths of their own if wanted. Each map
    has a bias, as in torch.nn, and head i owns columns i D to (i + 1) D of W_q, W_k and W_v. First weights are Glorot and
    Bengio's (2010), first biases 0.
    """

    def __init__(self, size: int, heads: int, *, key_size: int | None = None, value_size: int | None = None) -> None:
        super().__init__()
        if heads < 1 or size < 1 or size % heads:
            raise ValueError(f"size is {size} and heads is {heads}; expected a size that the heads share evenly")
        self.size, self.heads = size, heads
        self.W_q = nn.Linear(size, size)
        self.W_k = nn.Linear(size if key_size is None else key_size, size)
        self.W_v = nn.Linear(size if value_size is None else value_size, size)
        self.W_o = nn.Linear(size, size)
        for linear in (self.W_q, self.W_k, self.W_v, self.W_o):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    @classmethod
    def from_torch(cls, layer: nn.MultiheadAttention) -> Self:
        """The same attention as a layer of torch.nn, with copies of its weights."""
        if layer.in_proj_bias is None or layer.bias_k is not None or layer.add_zero_attn or layer.dropout:
            raise ValueError(f"layer is {layer}; expected one with biases, without dropout, add_bias_kv and add_zero_attn")
        ours = cls(layer.embed_dim, layer.num_heads, key_size=layer.kdim, value_size=layer.vdim)
        weights = layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight
        if layer.in_proj_weight is not None:  # equal widths: torch keeps the three in one matrix
            weights = layer.in_proj_weight.chunk(3)
        weights, biases = (*weights, layer.out_proj.weight), (*layer.in_proj_bias.chunk(3), layer.out_proj.bias)
        ours.to(layer.out_proj.weight)
        with torch.no_grad():
            for linear, weight, bias in zip((ours.W_q, ours.W_k, ours.W_v, ours.W_o), weights, biases):
                linear.weight.copy_(weight)
                linear.bias.copy_(bias)
        return ours

    def _heads(self, linear: nn.Linear, x: Tensor) -> Tensor:
        return linear(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, heads, places, D)

    def ask(self, query: Tensor, first: int = 0) -> Tensor:
        """The queries of the heads: query (B, Q, size) -> (B, heads, Q, D).

        `first` is the place of the first of them, which matters to attention with a sense of order only.
        """
        return self._heads(self.W_q, query)

    def offer(self, key: Tensor, value: Tensor, first: int = 0) -> KeysValues:
        """What the heads are shown: key (B, K, key_size), value (B, K, value_size), the first of them at the place `first`."""
        return KeysValues(self._heads(self.W_k, key), self._heads(self.W_v, value))

    def read(
        self, asked: Tensor, offered: KeysValues, mask: Tensor | None = None, bias: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The answers to queries that `ask` made, from what `offer` made: out (B, Q, size), weights (B, heads, Q, K).

        mask is boolean, True = may be seen: (Q or 1, K) or (B or 1, Q or 1, K) for all heads, else (B or 1, heads or 1, Q or 1,
        K). bias is added to the scores and broadcasts to (B, heads, Q, K). A query that may see nothing gets the bias of W_o.
        """
        if mask is not None and mask.ndim == 3:
            mask = mask[:, None]
        context, weights = scaled_dot_product(asked, *offered, mask, bias)
        return self.W_o(context.transpose(1, 2).flatten(2)), weights

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, bias: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """query (B, Q, size), key (B, K, key_size), value (B, K, value_size) -> out (B, Q, size), weights (B, heads, Q, K).

        The queries stand at the last Q of the K places. mask and bias as in `read`.
        """
        self._expect_arguments(query, key, value)
        return self.read(self.ask(query, key.shape[1] - query.shape[1]), self.offer(key, value), mask, bias)

    def _expect_arguments(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        """Shapes only: a decoder calls this at every step."""
        parts = ("query", query, self.W_q, "Q"), ("key", key, self.W_k, "K"), ("value", value, self.W_v, "K")
        for name, x, linear, axis in parts:
            if x.ndim != 3 or x.shape[0] != query.shape[0] or x.shape[-1] != linear.in_features:
                expected = f"({'B' if name == 'query' else query.shape[0]}, {axis}, {linear.in_features})"
                raise ValueError(f"{name} has shape {tuple(x.shape)}; expected {expected}")


def _expect_arguments(query: Tensor, key: Tensor, bias: Tensor | None) -> None:
    """What `attend` cannot know: shapes that fit a product of queries and keys, and a bias of its size at most."""
    if min(query.ndim, key.ndim) < 2 or query.shape[:-2] != key.shape[:-2] or query.shape[-1] != key.shape[-1]:
        expected = f"all axes of query {tuple(query.shape)} but the last but one"
        raise ValueError(f"key has shape {tuple(key.shape)}; expected {expected}")
    if bias is None:
        return
    scores = (*query.shape[:-1], key.shape[-2])
    if bias.ndim > len(scores) or any(b not in (1, s) for b, s in zip(bias.shape[::-1], scores[::-1])):
        raise ValueError(f"bias has shape {tuple(bias.shape)}; expected one that broadcasts to the scores {scores}")
