"""The made-up shop against its own probabilities, and the scores of recommendation against rankings sorted one by one."""

import itertools
import math
import re
from dataclasses import replace

import pytest
import torch

from experiments import positional_attention as experiment
from utils.data.shop import DECAY, REACH, SHARES, best_possible, open_shop, purchases
from utils.recommendation import hit_rate, last_item_markov, ndcg, popularity, ranks, shuffled

V, C = 12, 3
NONE = V


def small(reminders=0.25, seed=0):
    return open_shop(seed, V, C, reminders)


def next_by_definition(shop, past, taste):
    """p(next | past, a list of ids) by adding up what each item of the past contributes: (V,)."""
    recent = past[-REACH:]
    back = bool(past) and shop.reminds[past[-1]]
    say = [DECAY ** (REACH - 1 - age if back else age) for age in reversed(range(len(recent)))]
    companions = sum(w / sum(say) * shop.follows[i] for w, i in zip(say, recent)) if recent else shop.popularity
    return SHARES[0] * companions + SHARES[1] * taste + SHARES[2] * shop.popularity


# The shop


def test_the_shop_is_what_it_says():
    shop = small()
    for row in (shop.popularity, *shop.tastes, *shop.follows):
        assert math.isclose(row.sum(), 1)
    assert shop.popularity[0] == 2 * shop.popularity[1] == 12 * shop.popularity[11]
    for c, taste in enumerate(shop.tastes):
        assert taste.nonzero().flatten().tolist() == list(range(c, V, C))
        assert math.isclose(taste[c] / taste[c + C], (c + C + 1) / (c + 1))
    assert shop.reminds.sum() == 3 and not shop.reminds[NONE]
    for item, row in enumerate(shop.follows[:V]):
        assert sorted(row[row > 0].tolist()) == [0.1, 0.2, 0.3, 0.4] and row[item] == 0
    assert torch.equal(shop.follows[NONE], shop.popularity)


PASTS = [[], [4], [1, 2, 3], [5, 5, 6, 7, 8, 9, 10, 11], [0, 1, 2, 3, 4, 5, 6]]


@pytest.mark.parametrize("past", PASTS)
def test_the_next_item_is_as_likely_as_its_past_makes_it(past):
    shop = small()
    padded = torch.tensor([[NONE] * (9 - len(past)) + past])
    expected = next_by_definition(shop, past, shop.tastes[1])
    torch.testing.assert_close(shop.following(padded, shop.tastes[1:2])[0], expected)
    torch.testing.assert_close(expected.sum(), expected.new_tensor(1.0))
    torch.testing.assert_close(shop.following(torch.tensor([past], dtype=torch.int64), shop.tastes[1:2])[0], expected)


def test_after_a_reminder_the_oldest_item_in_reach_has_most_to_say():
    """By hand: six places weigh 1, .7, .49, .343, .2401 and .16807, the first one next to a reminder the last one otherwise."""
    shop = small()
    reminder, other = (next(i for i in range(V) if shop.reminds[i] == told) for told in (True, False))
    for newest, weights in (
        (other, [0.057, 0.082, 0.117, 0.167, 0.238, 0.340]),
        (reminder, [0.34, 0.238, 0.167, 0.117, 0.082, 0.057]),
    ):
        recent, found = shop.reasons(torch.tensor([[3, 0, 1, 2, 3, 4, newest]]))
        assert recent.tolist() == [[0, 1, 2, 3, 4, newest]]
        assert [round(w, 3) for w in found[0].tolist()] == weights


def test_purchases_follow_the_probabilities():
    """The third items after each frequent pair, counted, against their definition."""
    shop = replace(small(), tastes=small().tastes[:1])  # one taste, so that it is known
    bought = purchases(shop, 200_000, seed=3, longest=5)  # five items each
    for first, second in itertools.product(range(3), range(3)):
        chosen = bought[(bought[:, 0] == first) & (bought[:, 1] == second)]
        n, p = len(chosen), next_by_definition(shop, [first, second], shop.tastes[0])
        assert n > 250
        counted = chosen[:, 2].bincount(minlength=V) / n
        assert ((counted - p).abs() < 4.5 * (p * (1 - p) / n).sqrt() + 1e-9).all()
    p = next_by_definition(shop, [], shop.tastes[0])
    assert (bought[:, 0].bincount(minlength=V) / 200_000 - p).abs().max() < 0.01


def test_users_keep_their_taste():
    """The category that a user bought most often in the first half of 40 items is mostly that of the second half."""
    shop = open_shop(0, 60, 3)
    bought = purchases(shop, 8_000, seed=1, longest=40)
    categories = bought[(bought < 60).all(1)].view(-1, 2, 20) % 3
    favourite = torch.stack([(categories == c).sum(-1) for c in range(3)]).argmax(0)  # (users, 2 halves)
    assert len(favourite) > 150
    assert (favourite[:, 0] == favourite[:, 1]).double().mean() > 0.6  # a third by chance


def test_the_shape_of_what_was_bought():
    bought = purchases(small(), 3_000, seed=1, longest=9)
    real = bought < V
    assert bought.shape == (3_000, 9) and bought.dtype == torch.int64
    assert bought.min() == 0 and bought.max() == NONE
    assert real[:, -5:].all() and torch.equal(real, real.cummax(1).values)  # padding on the left alone
    assert real.sum(1).bincount().tolist()[:5] == [0] * 5
    assert (real.sum(1).bincount()[5:] / 3_000 - 0.2).abs().max() < 0.03


def test_the_same_seed_gives_the_same_shop_and_the_same_purchases():
    assert torch.equal(small().follows, small().follows) and not torch.equal(small().follows, small(seed=1).follows)
    state = torch.get_rng_state()
    assert torch.equal(purchases(small(), 50, seed=1), purchases(small(), 50, seed=1))
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(purchases(small(), 50, seed=1), purchases(small(), 50, seed=2))


def test_the_best_possible_ranking_weighs_the_tastes_by_bayes_rule():
    shop = small()
    past = purchases(shop, 6, seed=4, longest=8)
    got = best_possible(shop, past)
    for row, p in zip(past, got):
        items = row[row < V].tolist()
        likelihoods = torch.tensor(
            [math.prod(next_by_definition(shop, items[:t], taste)[i] for t, i in enumerate(items)) for taste in shop.tastes]
        )
        posterior = likelihoods / likelihoods.sum()
        expected = sum(w * next_by_definition(shop, items, taste) for w, taste in zip(posterior, shop.tastes))
        torch.testing.assert_close(p, expected.double(), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("reminders", [0.0, 0.4])
def test_no_baseline_beats_the_best_possible(reminders):
    shop = open_shop(0, 60, 5, reminders)
    bought = purchases(shop, 3_000, seed=1, longest=20)
    past, following = bought[:, :-1], bought[:, -1]
    popular = popularity(past, 60).expand(len(past), -1)
    rates = [hit_rate(ranks(s, following)) for s in (popular, last_item_markov(past, 60), best_possible(shop, past))]
    assert rates[0] + 0.05 < rates[1] < rates[2] - 0.05


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: open_shop(0, 4, 2), "items is 4, categories 2; expected 5 items at least"),
        (lambda: open_shop(0, 6, 7), "items is 6, categories 7; expected 5 items at least, and 1 to 6 categories"),
        (lambda: open_shop(0, reminders=1.5), "reminders is 1.5; expected a share from 0 to 1"),
        (lambda: purchases(small(), 0, 0), "users is 0 and longest 50; expected at least 1 user and 5 items"),
        (lambda: purchases(small(), 2, 0, longest=4), "users is 2 and longest 4; expected"),
        (lambda: ranks(torch.zeros(3, 4), torch.zeros(2, dtype=torch.int64)), "targets has shape (2,); expected one for"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


# The baselines

HISTORY = torch.tensor([[4, 4, 4, 1, 2], [4, 1, 2, 1, 3], [1, 2, 0, 1, 2]])  # 4 items, 4 is padding


def test_popularity_counts_real_items():
    torch.testing.assert_close(popularity(HISTORY, 4), torch.tensor([1, 5, 4, 1], dtype=torch.float64) / 11)


def test_markov_counts_what_followed_and_popularity_decides_ties():
    after = {2: [1, 1, 0, 0], 3: [0, 0, 0, 0]}  # after 2 came 1 and 0, once each; after 3 nothing
    popular = popularity(HISTORY, 4)
    scores = last_item_markov(HISTORY, 4)
    for row, last in zip(scores, (2, 3, 2)):
        torch.testing.assert_close(row, torch.tensor(after[last]) + popular)
    assert scores[0].argsort(descending=True).tolist() == [1, 0, 2, 3]


@pytest.mark.parametrize("name", [*experiment.ATTENTIONS, experiment.BASELINES])
def test_what_is_held_out_is_seen_by_nobody(monkeypatch, name):
    seen = []
    monkeypatch.setattr(experiment, "ranks", lambda score, held_out: seen.append(score) or ranks(score, held_out))
    for shift in (0, 1):

        def bought(shop, users, seed, shift=shift):
            found = purchases(shop, users, seed)
            return torch.cat([found[:, :-1], (found[:, -1:] + shift) % shop.items], 1)

        monkeypatch.setattr(experiment, "purchases", bought)
        experiment.run(0, "tiny", "with reminders", name)
    half = len(seen) // 2
    assert half
    assert all(torch.equal(*pair) for pair in zip(seen[:half], seen[half:]))


# The scores


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 3, 10])
def test_ranks_are_those_of_a_sorted_list_with_ties(seed, k):
    """Whole numbers from 0 to 3 tie often. Among equals the item that came next stands last."""
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randint(4, (20, 13), generator=generator).double()
    targets = torch.randint(13, (20,), generator=generator)
    hits, gains = [], []
    for row, target in zip(scores.tolist(), targets.tolist()):
        order = sorted(range(13), key=lambda item: (-row[item], item == target))
        relevance = [float(item == target) for item in order[:k]]
        hits.append(sum(relevance))
        gains.append(sum(r / math.log2(place + 1) for place, r in enumerate(relevance, 1)))
    found = ranks(scores, targets)
    assert math.isclose(hit_rate(found, k), sum(hits) / 20)
    assert math.isclose(ndcg(found, k), sum(gains) / 20)


def test_scores_by_hand():
    scores = torch.tensor([[0.1, 0.9, 0.5], [0.1, 0.9, 0.5], [0.5, 0.5, 0.5]])
    found = ranks(scores, torch.tensor([1, 0, 2]))
    assert found.tolist() == [1, 3, 3]
    assert math.isclose(hit_rate(found, 2), 1 / 3) and hit_rate(found, 3) == 1
    assert math.isclose(ndcg(found, 3), (1 + 0.5 + 0.5) / 3)  # 1 / log2(4) is a half


def test_batches_show_every_user_once_an_epoch():
    rows = torch.arange(10)[:, None]
    batches = shuffled(rows, 4, torch.Generator().manual_seed(0))
    epochs = [[next(batches)[0] for _ in range(3)] for _ in range(2)]
    assert [len(batch) for batch in epochs[0]] == [4, 4, 2]
    first, second = (torch.cat(epoch) for epoch in epochs)
    assert torch.equal(first.sort(0).values, rows) and torch.equal(second.sort(0).values, rows)
    assert not torch.equal(first, second)
