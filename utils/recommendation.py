"""Sequential recommendation: which item comes next for a user? A self-attentive model, two baselines, and scores.

The model is SASRec (Kang and McAuley 2018) with the attention for a part to choose. Departures: the loss is the cross-entropy
over all items, as in Luo et al. (2024), not against one sampled negative; items are ranked against all others, not against a
hundred sampled ones; no dropout, and a feed-forward layer as wide as the model, as there.

Axes: B or N users, T places, D width, V items. Histories are padded on the left with the id V.
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from utils.attention.core import Attention
from utils.shapes import expect_tokens


class Block(nn.Module):
    """x + attention over LN(x), then the same with a feed-forward layer (Kang and McAuley 2018, section III-C)."""

    def __init__(self, attention: Attention, width: int) -> None:
        super().__init__()
        self.attention = attention
        self.value = nn.Linear(width, width, bias=False)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.feed_forward = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, D), mask (B, T, T) bool -> (B, T, D)."""
        seen = self.norms[0](x)
        context, _ = self.attention(seen, seen, self.value(seen), mask)
        x = x + context
        return x + self.feed_forward(self.norms[1](x))


class Recommender(nn.Module):
    """Items and places are embedded, a block for each attention follows, and the last state is compared with every item.

    The same table embeds the items that were bought and those that might be next.
    """

    def __init__(self, items: int, longest: int, width: int, attentions: Sequence[Attention]) -> None:
        super().__init__()
        self.items = nn.Embedding(items + 1, width, padding_idx=items)
        self.places = nn.Parameter(torch.randn(longest, width) * width**-0.5)
        self.blocks = nn.ModuleList(Block(attention, width) for attention in attentions)
        self.norm = nn.LayerNorm(width)
        with torch.no_grad():
            self.items.weight *= width**-0.5  # a state of length sqrt(D) gives scores of spread 1

    def forward(self, history: Tensor) -> Tensor:
        """history (B, T) -> states (B, T, D); the state at a place knows the items up to its own."""
        V, T = self.items.padding_idx, history.shape[1]
        expect_tokens("history", history, ("B", T), V + 1)
        if T > len(self.places):
            raise ValueError(f"history has {T} places; expected at most longest = {len(self.places)}")
        x = self.items(history) * self.items.embedding_dim**0.5 + self.places[-T:]
        causal = torch.ones(T, T, dtype=torch.bool, device=history.device).tril()
        mask = causal & (history != V)[:, None]  # (B, T, T)
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x)

    def scores(self, states: Tensor) -> Tensor:
        """states (..., D) -> one score for each item (..., V): their logits."""
        return states @ self.items.weight[:-1].T

    def loss(self, history: Tensor) -> Tensor:
        """The mean cross-entropy, in nats, of each item after the first, given those before it."""
        past, following = history[:, :-1], history[:, 1:]
        real = past != self.items.padding_idx
        return F.cross_entropy(self.scores(self(past)[real]), following[real])

    @torch.no_grad()
    def rank_all(self, history: Tensor, at_once: int = 512) -> Tensor:
        """history (N, T) -> the score of each item as the next one: (N, V)."""
        return torch.cat([self.scores(self(part)[:, -1]) for part in history.split(at_once)])


def shuffled(histories: Tensor, size: int, generator: torch.Generator) -> Iterator[tuple[Tensor]]:
    """Batches of `size` users for ever, epoch after epoch."""
    while True:
        for index in torch.randperm(len(histories), generator=generator).split(size):
            yield (histories[index],)


def popularity(histories: Tensor, items: int) -> Tensor:
    """How often each item was bought, as a share: (V,)."""
    counts = histories[histories != items].bincount(minlength=items).double()
    return counts / counts.sum()


def last_item_markov(histories: Tensor, items: int) -> Tensor:
    """How often each item followed each other one, for every user after the last item: (N, V). Popularity decides ties."""
    before, after = histories[:, :-1].flatten(), histories[:, 1:].flatten()
    real = before != items
    pairs = (before * items + after)[real].bincount(minlength=items**2).view(items, items)
    return pairs[histories[:, -1]] + popularity(histories, items)


def ranks(scores: Tensor, targets: Tensor) -> Tensor:
    """The rank of targets[n] among scores[n]: (N, V), (N,) -> (N,), 1 the best. Equal scores count as better ones.

    So who scores everything alike has hit nothing.
    """
    if scores.ndim != 2 or targets.shape != scores.shape[:1]:
        raise ValueError(f"targets has shape {tuple(targets.shape)}; expected one for each row of scores {tuple(scores.shape)}")
    return (scores >= scores.gather(1, targets[:, None])).sum(1)


def hit_rate(ranks: Tensor, k: int = 10) -> float:
    """How often the item that came next is among the first k."""
    return (ranks <= k).double().mean().item()


def ndcg(ranks: Tensor, k: int = 10) -> float:
    """Normalised discounted cumulative gain with one item to find: the mean of 1 / log2(1 + rank), 0 beyond rank k."""
    gains = 1 / (1 + ranks.double()).log2()
    return torch.where(ranks <= k, gains, 0).mean().item()
