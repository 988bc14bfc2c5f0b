"""Attention that asks where and never what: the score of two places is learnt, whatever stands there (Luo et al. 2024).

Luo et al. (2024) found that the learned position embeddings of self-attentive recommenders mostly say how far apart two places
are, and learnt the scores of places outright. Reconstructed from their abstract, introduction and published code; the paper's
equations were not at hand. Left out: a matrix for each head (theirs has one head by default), and their division by sqrt(D),
which changes the scale of what is learnt and nothing else.

Places are counted from the end, as they pad on the left: the last row and column are the newest, whatever the length.

Axes: B in the batch, Q queries, K keys, T places at most, r rank.
"""

import torch
from torch import Tensor, nn

from utils.attention.core import Attention

SPREAD = 0.01  # of the first scores, as in the published code: all places start about equal


class PositionalAttention(Attention):
    """e_ij = S_ij for places i and j: a learned matrix S (T, T), PARec in Luo et al. (2024). T * T parameters."""

    def __init__(self, longest: int) -> None:
        super().__init__()
        self.S = nn.Parameter(nn.init.trunc_normal_(torch.empty(longest, longest), std=SPREAD))

    def score(self, query: Tensor, projected: Tensor) -> Tensor:
        """query (B, Q, ...), key (B, K, ...), of which only the sizes count -> scores (B, Q, K)."""
        Q, K = places(query, projected, len(self.S))
        return self.S[-Q:, -K:].expand(len(query), Q, K)


class FactorisedPositionalAttention(Attention):
    """e_ij = P_q[i] . P_k[j]: S = P_q P_k^T of rank r, FPARec in Luo et al. (2024). 2 * T * r parameters.

    It is dot attention whose queries and keys are vectors of places. Both factors are (T, r); they start such that the
    scores have the spread of `PositionalAttention`'s.
    """

    def __init__(self, longest: int, rank: int) -> None:
        super().__init__()
        spread = (SPREAD / rank**0.5) ** 0.5  # a score is a sum of r products
        self.P_q = nn.Parameter(nn.init.trunc_normal_(torch.empty(longest, rank), std=spread))
        self.P_k = nn.Parameter(nn.init.trunc_normal_(torch.empty(longest, rank), std=spread))

    def score(self, query: Tensor, projected: Tensor) -> Tensor:
        """query (B, Q, ...), key (B, K, ...), of which only the sizes count -> scores (B, Q, K)."""
        Q, K = places(query, projected, len(self.P_q))
        return (self.P_q[-Q:] @ self.P_k[-K:].mT).expand(len(query), Q, K)


def places(query: Tensor, key: Tensor, longest: int) -> tuple[int, int]:
    """How many places query (B, Q, ...) and key (B, K, ...) have, from 1 to `longest` each."""
    for name, x in (("query", query), ("key", key)):
        if not 1 <= x.shape[1] <= longest:
            raise ValueError(f"{name} has {x.shape[1]} places; expected 1 to longest = {longest}, for which there are scores")
    return query.shape[1], key.shape[1]
