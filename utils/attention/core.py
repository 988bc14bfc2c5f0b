"""What every attention shares: values averaged under the softmax of scores, and one interface of query, key and value.

Left out: the scores themselves. Each kind of attention brings its own.

Axes: B in the batch, Q queries, K keys with a value each, D their widths.
"""

import torch
from torch import Tensor, nn


def attend(scores: Tensor, values: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Average `values` under softmax(`scores`): scores (B, Q, K), values (B, K, D) -> context (B, Q, D), weights (B, Q, K).

    mask is boolean and broadcasts to scores: True = may be seen. For lengths that is keep_mask(lengths, K)[:, None]. What may
    not be seen weighs exactly 0. A query that may see nothing gets weights and context 0, and no gradient flows through it.
    Further axes may stand between B and the last two, heads for example. Scores and values are finite, the hidden ones too.
    """
    _expect_arguments(scores, values, mask)
    if mask is None:
        weights = scores.softmax(-1)
    else:
        sees = mask.any(-1, keepdim=True)  # where nothing is seen nothing is hidden: a row of -inf would be NaN
        hidden = scores.new_zeros(mask.shape).masked_fill(sees & ~mask, -torch.inf)
        weights = (scores + hidden).softmax(-1)
        if not sees.all():
            weights = weights * sees
    return weights @ values, weights


class Attention(nn.Module):
    """A query looks at keys and reads their values: module(query, key, value, mask) -> context and weights.

    A subclass says how a query is scored against a key. `project` is the part of it that no query has a say in: who asks about
    the same keys again and again calls it once, and then `score` with what it gave.
    """

    def project(self, key: Tensor) -> Tensor:
        """key (B, K, D_key) -> what `score` compares queries with: (B, K, ...)."""
        return key

    def score(self, query: Tensor, projected: Tensor) -> Tensor:
        """query (B, Q, D_query), projected keys -> scores (B, Q, K)."""
        raise NotImplementedError

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """query (B, Q, D_query), key (B, K, D_key), value (B, K, D) -> context (B, Q, D), weights (B, Q, K). See `attend`."""
        return attend(self.score(query, self.project(key)), value, mask)


def _expect_arguments(scores: Tensor, values: Tensor, mask: Tensor | None) -> None:
    """Shapes and types only: this runs at every step of a decoder, where looking for a NaN would cost more than the softmax."""
    if scores.ndim < 2 or scores.ndim != values.ndim or scores.shape[:-2] != values.shape[:-2]:
        raise ValueError(f"values has shape {tuple(values.shape)}; expected the first axes of scores {tuple(scores.shape)}")
    if scores.shape[-1] != values.shape[-2]:
        raise ValueError(f"values has {values.shape[-2]} rows; expected one for each score, {scores.shape[-1]}")
    if mask is None:
        return
    if mask.dtype != torch.bool:
        raise TypeError(f"mask has dtype {mask.dtype}; expected torch.bool, True = may be seen")
    fits = mask.ndim <= scores.ndim and all(m in (1, s) for m, s in zip(mask.shape[::-1], scores.shape[::-1]))
    if not fits:
        raise ValueError(f"mask has shape {tuple(mask.shape)}; expected one that broadcasts to scores {tuple(scores.shape)}")
