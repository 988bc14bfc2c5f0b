"""Decoding by chance: draw each next token, after the distribution was sharpened, cut to its top k or to its nucleus.

It adds to `utils.decoding` three ways to reshape logits, and the draw. Axes: B inputs, L = length, V vocabulary.
"""

import math
from typing import Any

import torch
from torch import Tensor

from utils.decoding import Decoded, Step, at_least_float32, follow, stable_topk


def with_temperature(logits: Tensor, temperature: float) -> Tensor:
    """logits / temperature, moved so that the best is 0: below 1 sharper, above 1 flatter. Nothing overflows near 0."""
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature is {temperature}; expected a finite number above 0 (its limit at 0 is greedy)")
    return (logits - logits.amax(-1, keepdim=True)) / temperature


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Rule out all but the k most probable tokens (Fan et al. 2018), of equals the smaller ids."""
    if not isinstance(k, int) or not 1 <= k <= logits.shape[-1]:
        raise ValueError(f"top_k is {k}; expected a whole number from 1 to {logits.shape[-1]}, the tokens there are")
    values, index = stable_topk(logits, k)
    return torch.full_like(logits, -torch.inf).scatter(-1, index, values)


def keep_nucleus(logits: Tensor, p: float) -> Tensor:
    """Rule out all but the nucleus (Holtzman et al. 2020): the smallest set of most probable tokens that reaches p.

    The token with which the sum is p or more is in; of equals the smaller ids. p = 1 rules out nothing.
    """
    if not 0 < p <= 1:
        raise ValueError(f"top_p is {p}; expected a probability above 0, at most 1")
    if p == 1:
        return logits  # where rounding could reach 1 before the last token
    order = logits.sort(dim=-1, descending=True, stable=True).indices
    sums = at_least_float32(logits).softmax(-1).gather(-1, order).cumsum(-1)
    size = 1 + (sums < p).sum(-1, keepdim=True)
    return logits.masked_fill(order.argsort(-1) >= size, -torch.inf)


@torch.no_grad()
def sample(
    step: Step,
    state: Any,
    start: Tensor,
    length: int,
    generator: torch.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    eos: int | None = None,
) -> Decoded:
    """Draw each token, until eos or `length` tokens: start (B,) -> (B, L). `generator` lives where the scores live.

    Temperature first, then top-k, then the nucleus of what is left. The scores are the step's own, before any of the three.
    """

    def draw(scores: Tensor) -> Tensor:
        logits = with_temperature(scores, temperature)
        if logits.isnan().any():
            raise ValueError("step gave a row of -inf; expected at least one possible token")
        logits = logits if top_k is None else keep_top_k(logits, top_k)
        logits = logits if top_p is None else keep_nucleus(logits, top_p)
        return torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]

    return follow(step, state, start, length, eos, draw)
