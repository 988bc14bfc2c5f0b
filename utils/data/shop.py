"""A made-up shop: what users buy one after the other, by known probabilities, so that the best ranking can be computed.

The next item is drawn from one of three, with the chances `SHARES`:
- companions: one of the last six items has the say, and one of the four items that go with it is bought. The newer an item,
  the likelier it has the say; but some items are reminders, and where the newest is one, the older the likelier;
- taste: a user has one favourite category for good, and buys in it by popularity;
- noise: anything, by popularity.
Without reminders the weight of an item hangs on its place alone, which suits an attention by position. With them it hangs on
what the newest item is, which suits an attention by content. Left out: prices, time, and users who change.

Axes: N users, T places, R = REACH places that count, V items, C categories.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

REACH, DECAY = 6, 0.7  # how far back an item may have the say, and how much less likely it is with each place
COMPANIONS = (0.4, 0.3, 0.2, 0.1)  # how likely each of an item's four is
SHARES = (0.6, 0.25, 0.15)  # of companions, taste and noise
SHORTEST = 5


@dataclass(frozen=True)
class Shop:
    """The probabilities behind the purchases. Item V is none: the padding before a user's first."""

    popularity: Tensor  # (V,)
    tastes: Tensor  # (C, V): what a user buys whose favourite is category c
    follows: Tensor  # (V + 1, V): what goes with each item; with none, anything by popularity
    reminds: Tensor  # (V + 1,) bool: after which item the oldest in reach are the likeliest to have the say

    @property
    def items(self) -> int:
        return len(self.popularity)

    def reasons(self, past: Tensor) -> tuple[Tensor, Tensor]:
        """past (N, T) -> its last R items, and how likely each has the say, both (N, R). Where there is none, all alike."""
        recent = F.pad(past, (REACH, 0), value=self.items)[:, -REACH:]
        age = torch.arange(REACH - 1, -1, -1)
        weights = DECAY ** torch.where(self.reminds[recent[:, -1:]], age.flip(0), age).double() * (recent < self.items)
        total = weights.sum(1, keepdim=True)
        return recent, torch.where(total > 0, weights / total, 1 / REACH)

    def following(self, past: Tensor, taste: Tensor) -> Tensor:
        """p(next item | past (N, T), taste (N, V)): (N, V)."""
        recent, weights = self.reasons(past)
        companions = (weights[:, None] @ self.follows[recent]).squeeze(1)  # (N, 1, R) @ (N, R, V)
        return sum(share * part for share, part in zip(SHARES, (companions, taste, self.popularity)))


def open_shop(seed: int, items: int = 200, categories: int = 10, reminders: float = 0.0) -> Shop:
    """A shop whose items, popular as 1 / rank, lie in the categories in turn; a share `reminders` of them reminds."""
    if items <= len(COMPANIONS) or not 1 <= categories <= items:
        raise ValueError(f"items is {items}, categories {categories}; expected 5 items at least, and 1 to {items} categories")
    if not 0 <= reminders <= 1:
        raise ValueError(f"reminders is {reminders}; expected a share from 0 to 1")
    generator = torch.Generator().manual_seed(seed)
    popularity = 1 / torch.arange(1, items + 1, dtype=torch.float64)
    popularity = popularity / popularity.sum()
    tastes = popularity * (torch.arange(items) % categories == torch.arange(categories)[:, None])
    others = torch.rand(items, items, generator=generator).fill_diagonal_(-1)  # nothing goes with itself
    companions = others.topk(len(COMPANIONS)).indices  # (V, 4)
    reminds = torch.zeros(items + 1, dtype=torch.bool)
    reminds[torch.randperm(items, generator=generator)[: round(items * reminders)]] = True
    follows = torch.zeros(items + 1, items, dtype=torch.float64)
    follows[:items].scatter_(1, companions, torch.tensor(COMPANIONS, dtype=torch.float64).expand(items, -1))
    follows[items] = popularity
    return Shop(popularity, tastes / tastes.sum(1, keepdim=True), follows, reminds)


def purchases(shop: Shop, users: int, seed: int, longest: int = 50) -> Tensor:
    """What each user bought, oldest first: (N, longest) ids, padded on the left with the id `shop.items`.

    A user has from 5 to `longest` items, any number equally likely. The last one stands in the last column for everybody:
    to hold it out is to cut the column off.
    """
    if users < 1 or longest < SHORTEST:
        raise ValueError(f"users is {users} and longest {longest}; expected at least 1 user and {SHORTEST} items")
    generator = torch.Generator().manual_seed(seed)
    first = longest - torch.randint(SHORTEST, longest + 1, (users,), generator=generator)
    favourite = torch.randint(len(shop.tastes), (users,), generator=generator)
    bought = torch.full((users, longest), shop.items)
    for t in range(longest):
        item = _next_items(shop, bought[:, :t], favourite, generator)
        bought[:, t] = torch.where(t >= first, item, shop.items)
    return bought


def _next_items(shop: Shop, past: Tensor, favourite: Tensor, generator: torch.Generator) -> Tensor:
    """One draw from `Shop.following` for each user: past (N, T), favourite (N,) -> (N,). First the part, then the item."""
    N = len(past)

    def draw(weights: Tensor, count: int) -> Tensor:
        return torch.multinomial(weights, count, replacement=True, generator=generator)

    recent, weights = shop.reasons(past)
    reason = recent.gather(1, draw(weights, 1)).squeeze(1)
    companion = draw(shop.follows[reason], 1).squeeze(1)
    liked = draw(shop.tastes, N)[favourite, torch.arange(N)]
    common = draw(shop.popularity, N)
    part = draw(torch.tensor(SHARES), N)
    return torch.stack([companion, liked, common]).gather(0, part[None]).squeeze(0)


def best_possible(shop: Shop, past: Tensor) -> Tensor:
    """p(next item | past (N, T)) when the shop is known and the users' tastes are not: (N, V). No ranking hits more often.

    Each item bought says something about the favourite category c: by Bayes' rule p(c | past) is proportional to the product
    of p(item | items before it, c), as all categories are equally likely at first.
    """
    log_posterior = shop.popularity.new_zeros(len(past), len(shop.tastes))
    for t, item in enumerate(past.unbind(1)):
        real = item < shop.items
        index = item.where(real, 0)
        recent, weights = shop.reasons(past[:, :t])
        companions = (weights * shop.follows[recent, index[:, None]]).sum(1, keepdim=True)  # (N, 1)
        parts = companions, shop.tastes.T[index], shop.popularity[index, None]
        chance = sum(share * part for share, part in zip(SHARES, parts))  # (N, C)
        log_posterior = log_posterior + chance.log() * real[:, None]
    return shop.following(past, log_posterior.softmax(1) @ shop.tastes)
