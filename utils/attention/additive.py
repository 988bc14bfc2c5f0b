"""Additive attention: a small network with one hidden layer scores each query against each key (Bahdanau et al. 2015)."""

import torch
from torch import Tensor, nn

from utils.attention.core import Attention


class AdditiveAttention(Attention):
    """e_ij = v . tanh(q_i W + k_j U), Bahdanau et al. (2015, section 3.1 and A.1.2). No biases, as there.

    W is (D_query, H), U (D_key, H) and v (H,), H the width of the hidden layer.
    """

    def __init__(self, query_size: int, key_size: int, hidden_size: int) -> None:
        super().__init__()
        self.W = nn.Linear(query_size, hidden_size, bias=False)
        self.U = nn.Linear(key_size, hidden_size, bias=False)
        self.v = nn.Linear(hidden_size, 1, bias=False)

    def project(self, key: Tensor) -> Tensor:
        """key (B, K, D_key) -> key U (B, K, H)."""
        return self.U(key)

    def score(self, query: Tensor, projected: Tensor) -> Tensor:
        hidden = torch.tanh(self.W(query)[:, :, None] + projected[:, None])  # (B, Q, 1, H) + (B, 1, K, H)
        return self.v(hidden).squeeze(-1)  # (B, Q, K)
