"""Does a recommender's attention need to know what was bought, or only how long ago? In a shop of each sort.

All models have one block and are trained alike, at a learning rate that was tried with content self-attention.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from utils import training
from utils.attention.core import Attention
from utils.attention.positional import FactorisedPositionalAttention, PositionalAttention
from utils.attention.scores import QKVAttention
from utils.data.shop import best_possible, open_shop, purchases
from utils.recommendation import Recommender, hit_rate, last_item_markov, ndcg, popularity, ranks, shuffled

CHAPTER = "09-attention-variants"
CLAIM = (
    "Where it depends on the place alone which item has the say, learned scores of places recommend as well as self-attention "
    "over contents, and so do their factors; where it depends on the newest item, they recommend worse."
)
SOURCE = "Luo, He, Zhang and Xu 2024, Learning Positional Attention for Sequential Recommendation; Kang and McAuley 2018"
PUBLISHED = "PARec (positional) and FPARec (factorised) outperform earlier self-attentive recommenders (abstract)"
SCALE = "theirs: logs of real shops and reviews; ours: a made shop, minutes of one core"
TOLERANCE = (
    "hit rate at 10 among all 200 items. Without reminders: on every seed positional is at most 0.01 below content, on average "
    "factorised at most 0.01 below positional, with fewer parameters each time, and all three are above the Markov baseline. "
    "With reminders: on every seed content is at least 0.02 above positional and above factorised"
)
SEEDS = (0, 1, 2)
SHOPS = {"without reminders": 0.0, "with reminders": 0.5}
LONGEST, WIDTH, RANK = 50, 64, 8
STEPS, RATE, BATCH = 1_200, 5e-3, 64
PLACES = LONGEST - 1  # the last item is held out
ATTENTIONS: dict[str, Callable[[], Attention]] = {
    "content": lambda: QKVAttention(WIDTH, WIDTH, WIDTH),
    "positional": lambda: PositionalAttention(PLACES),
    "factorised": lambda: FactorisedPositionalAttention(PLACES, RANK),
}
BASELINES = "baselines"


def trained(attention: Attention, past: Tensor, items: int, steps: int, seed: int) -> Recommender:
    """A recommender of one block, trained on what users bought before their last item, past (N, T)."""
    device = training.device()
    model = Recommender(items, PLACES, WIDTH, [attention]).to(device)
    batches = shuffled(past.to(device), BATCH, torch.Generator().manual_seed(seed))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    training.train(model.loss, batches, optimizer, steps=steps, clip=1.0, schedule=training.warmup_cosine)
    return model


def settings(scale: str) -> list[dict]:
    return [{"kind": kind, "name": name} for kind in SHOPS for name in (*ATTENTIONS, BASELINES)]


def run(seed: int, scale: str, kind: str, name: str) -> dict[str, float]:
    users, steps = (100, 4) if scale == "tiny" else (8_000, STEPS)
    shop = open_shop(seed, reminders=SHOPS[kind])
    bought = purchases(shop, users, seed + 1)
    past, held_out = bought[:, :-1], bought[:, -1]
    numbers = {}
    if name == BASELINES:
        scores = {
            "popularity": popularity(past, shop.items).expand(users, -1),
            "Markov": last_item_markov(past, shop.items),
            "best possible": best_possible(shop, past),
        }
    else:
        training.seed(seed)
        attention = ATTENTIONS[name]()
        numbers[f"parameters of the attention, {name}, {kind}"] = float(sum(p.numel() for p in attention.parameters()))
        model = trained(attention, past, shop.items, steps, seed)
        scores = {name: model.rank_all(past.to(training.device())).cpu()}
    for who, score in scores.items():
        found = ranks(score, held_out)
        numbers |= {f"hit rate, {who}, {kind}": hit_rate(found), f"NDCG, {who}, {kind}": ndcg(found)}
    return numbers


def holds(numbers: dict) -> bool:
    def rates(kind: str):
        return [numbers[f"hit rate, {name}, {kind}"] for name in ATTENTIONS]

    sizes = [numbers[f"parameters of the attention, {name}, without reminders"][0] for name in ATTENTIONS]
    content, positional, factorised = rates("without reminders")
    as_good = (positional - content).min() >= -0.01 and (factorised - positional).mean() >= -0.01
    learnt = (
        min((hits - numbers["hit rate, Markov, without reminders"]).min() for hits in (content, positional, factorised)) > 0
    )
    seen, by_place, by_factors = rates("with reminders")
    needed = min((seen - by_place).min(), (seen - by_factors).min()) >= 0.02
    return bool(as_good and learnt and needed and sizes[0] > sizes[1] > sizes[2])
