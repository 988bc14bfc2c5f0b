"""Local attention: each query looks at the places around a centre and at no others (Luong et al. 2015, section 3.2).

The centre is the query's own time (local-m) or is read off the query (local-p). Any `Attention` scores within the window. Left
out: the saving. All the scores are computed and those outside are hidden, which is simpler and gives the same weights.

Axes: B in the batch, Q queries, K keys with a value each, D the width of a value. Places count from 0, times too.
"""

import torch
from torch import Tensor, nn

from utils.attention.core import Attention, attend
from utils.attention.luong import LuongTranslator, State


def window(centre: Tensor, places: int, reach: int) -> Tensor:
    """True for each of `places` that lies within `reach` of centre (B, Q), the edge included: (B, Q, places)."""
    return _distance(centre, places).abs() <= reach


def gaussian(centre: Tensor, places: int, sigma: float) -> Tensor:
    """exp(-(s - p)^2 / (2 sigma^2)) for each place s and centre p: centre (B, Q) -> (B, Q, places), 1 at most."""
    return torch.exp(-_distance(centre, places).square() / (2 * sigma**2))


def _distance(centre: Tensor, places: int) -> Tensor:
    return torch.arange(places, device=centre.device) - centre[..., None]  # (B, Q, places)


class LocalAttention(nn.Module):
    """What local-m and local-p share: `scorer` within [p - reach, p + reach], reach being D in the paper, p the centre.

    It takes one argument more than an `Attention`: the time of each query. A query whose window shows it nothing, past the end
    of the sentence for example, has weights and context 0.
    """

    def __init__(self, scorer: Attention, reach: int) -> None:
        super().__init__()
        if reach < 1:
            raise ValueError(f"reach is {reach}; expected at least 1 place to each side")
        self.scorer, self.reach = scorer, reach

    def project(self, key: Tensor) -> Tensor:
        """key (B, K, D_key) -> what the scorer compares queries with."""
        return self.scorer.project(key)

    def centre(self, query: Tensor, times: Tensor, lengths: Tensor) -> Tensor:
        """Where each query (B, Q, D_query) at times (B, Q) looks in a sentence of lengths (B, Q): (B, Q)."""
        raise NotImplementedError

    def focus(self, weights: Tensor, centre: Tensor) -> Tensor:
        """What becomes of weights (B, Q, K), a softmax over the window. Here they stay as they are."""
        return weights

    def read(
        self, query: Tensor, projected: Tensor, value: Tensor, mask: Tensor | None, times: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The same as `forward`, of keys that `project` has seen."""
        scores = self.scorer.score(query, projected)  # (B, Q, K)
        if times.shape != scores.shape[:-1]:
            raise ValueError(f"times has shape {tuple(times.shape)}; expected one for each query, {tuple(scores.shape[:-1])}")
        seen = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask.expand_as(scores)
        centre = self.centre(query, times, seen.sum(-1))
        _, weights = attend(scores, value, seen & window(centre, scores.shape[-1], self.reach))
        weights = self.focus(weights, centre)
        return weights @ value, weights

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, times: Tensor) -> tuple[Tensor, Tensor]:
        """query (B, Q, D_query), key (B, K, D_key), value (B, K, D), times (B, Q) -> context (B, Q, D), weights (B, Q, K).

        mask as in `attend`. The length of the sentence is the number of places that it shows to a query.
        """
        return self.read(query, self.project(key), value, mask, times)


class LocalMonotonicAttention(LocalAttention):
    """local-m: p_t = t, as if both languages told the same in the same order, a word for a word."""

    def centre(self, query: Tensor, times: Tensor, lengths: Tensor) -> Tensor:
        return times


class LocalPredictiveAttention(LocalAttention):
    """local-p: p_t = S sigmoid(v . tanh(s_t W)), their equation 9, S the length of the sentence, W (D_query, H), v (H,).

    The weights are then multiplied by a Gaussian around p_t with sigma = reach / 2, their equation 10: they add up to less than
    1, and nobody divides them by their sum. The Gaussian is what carries a gradient to W and v. The window alone carries
    none: a place that enters or leaves it does so at once.
    """

    def __init__(self, scorer: Attention, reach: int, query_size: int, hidden_size: int) -> None:
        super().__init__(scorer, reach)
        self.W = nn.Linear(query_size, hidden_size, bias=False)
        self.v = nn.Linear(hidden_size, 1, bias=False)

    def centre(self, query: Tensor, times: Tensor, lengths: Tensor) -> Tensor:
        aim = self.v(torch.tanh(self.W(query))).squeeze(-1)  # (B, Q)
        return lengths * torch.sigmoid(aim.to(torch.promote_types(aim.dtype, torch.float32)))  # halves cannot count to 300

    def focus(self, weights: Tensor, centre: Tensor) -> Tensor:
        return weights * gaussian(centre, weights.shape[-1], self.reach / 2).to(weights.dtype)


class LocalTranslator(LuongTranslator):
    """`LuongTranslator` with a `LocalAttention`: it tells its attention the time."""

    def _look(self, s: Tensor, state: State) -> tuple[Tensor, Tensor]:
        times = state.step[:, None] + torch.arange(s.shape[1], device=s.device)  # (N, T)
        return self.attention.read(s, state.keys, state.annotations, state.seen[:, None], times)
