"""Six more ways to score a query against a key: by their product, by their angle, through learned maps, or by place alone.

Each is an `Attention`, so that each stands where `AdditiveAttention` does. That one is also what Luong et al. (2015) call
concat: v . tanh([q, k] W) is v . tanh(q W_1 + k W_2), W_1 the upper rows of W and W_2 the lower ones.

Axes: B in the batch, Q queries, K keys, D their widths, H the width that a learned map gives to both. Rows are vectors.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.attention.core import Attention


class DotAttention(Attention):
    """e_ij = q_i . k_j, dot in Luong et al. (2015, section 3.1). Queries and keys are equally wide; nothing is learned."""

    def score(self, query: Tensor, projected: Tensor) -> Tensor:
        return products(query, projected)


class ScaledDotAttention(Attention):
    """e_ij = q_i . k_j / sqrt(D), Vaswani et al. (2017, equation 1). Queries and keys are equally wide; nothing is learned."""

    def score(self, query: Tensor, projected: Tensor) -> Tensor:
        return products(query * query.shape[-1] ** -0.5, projected)  # scaled first: half precision overflows later


class GeneralAttention(Attention):
    """e_ij = q_i W k_j^T, general in Luong et al. (2015, section 3.1), W (D_query, D_key)."""

    def __init__(self, query_size: int, key_size: int) -> None:
        super().__init__()
        self.W = nn.Linear(key_size, query_size, bias=False)  # reads a key: its weight is W as it stands

    def project(self, key: Tensor) -> Tensor:
        """key (B, K, D_key) -> key W^T (B, K, D_query)."""
        return self.W(key)

    def score(self, query: Tensor, projected: Tensor) -> Tensor:
        return products(query, projected)


class QKVAttention(Attention):
    """e_ij = (q_i W_q) . (k_j W_k) / sqrt(H), Vaswani et al. (2017, section 3.2). W_q is (D_query, H), W_k (D_key, H).

    It is general attention with W = W_q W_k^T / sqrt(H), whose rank is H at most. The third map, of the values, is left to the
    caller: the map of an average is the average of the maps, so any linear layer that reads the context is one already.
    """

    def __init__(self, query_size: int, key_size: int, size: int) -> None:
        super().__init__()
        self.W_q = nn.Linear(query_size, size, bias=False)
        self.W_k = nn.Linear(key_size, size, bias=False)

    def project(self, key: Tensor) -> Tensor:
        """key (B, K, D_key) -> key W_k (B, K, H)."""
        return self.W_k(key)

    def score(self, query: Tensor, projected: Tensor) -> Tensor:
        return products(self.W_q(query) * projected.shape[-1] ** -0.5, projected)


class CosineAttention(Attention):
    """e_ij = beta_i cos(q_i, k_j), Graves et al. (2014, equations 5 and 6). Queries and keys are equally wide.

    A cosine is 1 at most, so without beta no softmax over many keys could be sharp. beta_i = softplus(q_i w + b) > 0 is read
    off the query, as their controller emits it beside the key it looks for. A vector of zeros has cosine 0 with all others.
    """

    def __init__(self, query_size: int) -> None:
        super().__init__()
        self.sharpness = nn.Linear(query_size, 1)

    def project(self, key: Tensor) -> Tensor:
        """key (B, K, D) -> its direction (B, K, D)."""
        return direction(key)

    def score(self, query: Tensor, projected: Tensor) -> Tensor:
        return F.softplus(self.sharpness(query)) * products(direction(query), projected)  # (B, Q, 1) * (B, Q, K)


class LocationAttention(Attention):
    """e_i = q_i W + b, one score for each place, Luong et al. (2015, equation 8, where b is 0). W is (D_query, longest).

    What stands at a place has no say in its score. With [state, word] for a query it is the fully connected scorer of PyTorch's
    translation tutorial, the fifth wiring in the encyclopedia's table of variants; that one left the padding unmasked.
    """

    def __init__(self, query_size: int, longest: int) -> None:
        super().__init__()
        self.W = nn.Linear(query_size, longest)

    def score(self, query: Tensor, projected: Tensor) -> Tensor:
        K, longest = projected.shape[-2], self.W.out_features
        if K > longest:
            raise ValueError(f"key has {K} places; expected at most longest = {longest}, for which there are weights")
        return self.W(query)[..., :K]


def products(query: Tensor, key: Tensor) -> Tensor:
    """query (B, Q, D), key (B, K, D) -> the product of each with each: (B, Q, K)."""
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(f"query has shape {tuple(query.shape)}; expected the width of the projected key, {key.shape[-1]}")
    return query @ key.mT


def direction(x: Tensor) -> Tensor:
    """x (..., D) -> x divided by its length; zeros stay zeros."""
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return x / length.masked_fill(length == 0, 1)
