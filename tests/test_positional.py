"""Positional attention against its definition, and the recommender against a loop over places."""

import re

import pytest
import torch
import torch.nn.functional as F

from utils.attention.core import attend
from utils.attention.positional import FactorisedPositionalAttention, PositionalAttention
from utils.attention.scores import QKVAttention
from utils.recommendation import Recommender
from utils.seq2seq import parameters_by_part

B, Q, K, D, T, RANK = 2, 3, 4, 5, 6, 7
close = {"rtol": 1e-9, "atol": 1e-9}
KINDS = {"positional": lambda: PositionalAttention(T), "factorised": lambda: FactorisedPositionalAttention(T, RANK)}
both = pytest.mark.parametrize("name", KINDS)


def drawn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def build(name, dtype=torch.float64):
    attention = KINDS[name]().to(dtype)
    with torch.no_grad():
        for i, p in enumerate(attention.parameters()):
            p.copy_(drawn(*p.shape, seed=i))
    return attention


def table(attention):
    """S (T, T), written out."""
    if isinstance(attention, PositionalAttention):
        return attention.S
    return torch.stack([torch.stack([(p * q).sum() for q in attention.P_k]) for p in attention.P_q])


@both
def test_it_is_torchs_attention_over_a_learned_table_gradient_included(name):
    """The newest query is row -1 and the newest key column -1; a bias over zero queries is a table of scores."""
    attention = build(name)
    query, key, value = drawn(B, Q, 8), drawn(B, K, 9, seed=1), drawn(B, K, D, seed=2).requires_grad_()
    mask = drawn(B, Q, K, seed=3) < 0.5
    mask[..., -1] = True
    bias = table(attention)[T - Q :, T - K :].expand(B, Q, K).masked_fill(~mask, -torch.inf)
    zeros = torch.zeros(B, Q, D, dtype=torch.float64), torch.zeros(B, K, D, dtype=torch.float64)
    expected = F.scaled_dot_product_attention(*zeros, value, attn_mask=bias)
    context, weights = attention(query, key, value, mask)
    torch.testing.assert_close(context, expected, **close)
    torch.testing.assert_close(weights, bias.softmax(-1), **close)
    inputs = value, *attention.parameters()
    torch.testing.assert_close(
        torch.autograd.grad(context.square().sum(), inputs), torch.autograd.grad(expected.square().sum(), inputs), **close
    )


def test_three_places_by_hand():
    attention = PositionalAttention(3)
    with torch.no_grad():
        attention.S.copy_(torch.tensor([[0, 9, 9], [0, 3, 9], [1, 2, 4]]).log())
    value = torch.tensor([[[7.0], [14.0], [28.0]]])
    context, weights = attention(value, value, value, torch.ones(3, 3, dtype=torch.bool).tril().clone())
    torch.testing.assert_close(weights[0, 2], torch.tensor([1, 2, 4]) / 7)
    torch.testing.assert_close(context[0, 2], torch.tensor([1.0 + 4 + 16]))
    newest, _ = attention(value[:, 2:], value, value)  # one query alone is the newest
    torch.testing.assert_close(newest, context[:, 2:])


@both
def test_what_stands_there_has_no_say(name):
    attention = build(name)
    value = drawn(B, K, D)
    _, weights = attention(drawn(B, Q, 8), drawn(B, K, 9), value)
    _, others = attention(drawn(B, Q, 8, seed=5), drawn(B, K, 9, seed=6), value)
    assert torch.equal(weights, others)
    assert torch.equal(weights[0], weights[1])
    _, moved = attention(drawn(B, Q, 8), drawn(B, K, 9), value.flip(1))
    assert torch.equal(weights, moved)  # the weights stay with the places, not with the values


@both
def test_the_newest_places_keep_their_scores_when_older_ones_come_before(name):
    attention = build(name)
    short = attention.score(drawn(B, Q, 8), drawn(B, Q, 8))
    long = attention.score(drawn(B, T, 8), drawn(B, T, 8))
    torch.testing.assert_close(short, long[:, -Q:, -Q:], **close)


@pytest.mark.parametrize(("longest", "rank"), [(6, 2), (50, 8)])
def test_the_parameters_are_counted(longest, rank):
    def count(attention):
        return sum(p.numel() for p in attention.parameters())

    assert count(PositionalAttention(longest)) == longest**2
    assert count(FactorisedPositionalAttention(longest, rank)) == 2 * longest * rank


def test_a_table_of_low_rank_is_what_the_factors_can_say():
    full = FactorisedPositionalAttention(T, 2)
    query = torch.zeros(1, T, 3)
    assert torch.linalg.matrix_rank(full.score(query, query)[0].detach() / 0.01) == 2


@pytest.mark.parametrize("rank", [3, 40])
def test_both_start_with_the_same_spread_of_scores(rank):
    torch.manual_seed(0)
    longest = 200
    query = torch.zeros(1, longest, 3)
    for attention in (PositionalAttention(longest), FactorisedPositionalAttention(longest, rank)):
        assert 0.007 < attention.score(query, query).std().item() < 0.0125


@both
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_in_half_precision_and_for_a_query_that_may_see_nothing(name, dtype):
    attention = build(name, dtype)
    value = drawn(1, K, D, dtype=dtype)
    mask = torch.tensor([[True, True, False, False], [False] * 4, [True] * 4])
    context, weights = attention(drawn(1, Q, 8, dtype=dtype), value, value, mask)
    assert context.dtype == dtype and not context[0, 1].any() and not weights[0, :2, 2:].any()
    gradients = torch.autograd.grad(context.square().sum(), list(attention.parameters()))
    assert all(g.isfinite().all() and g.any() for g in gradients)


@both
@pytest.mark.parametrize(("queries", "keys", "message"), [(3, 7, "key has 7"), (7, 3, "query has 7"), (0, 3, "query has 0")])
def test_more_places_than_were_learnt_are_refused(name, queries, keys, message):
    with pytest.raises(ValueError, match=re.escape(f"{message} places; expected 1 to longest = 6")):
        build(name).score(drawn(B, queries, 8), drawn(B, keys, 8))


# The recommender

ITEMS, WIDTH = 8, 4
ATTENTIONS = {"content": lambda: QKVAttention(WIDTH, WIDTH, 3), **KINDS}
every = pytest.mark.parametrize("name", ATTENTIONS)
HISTORY = torch.tensor([[8, 8, 8, 1, 2, 7], [8, 3, 3, 0, 5, 6]])  # 8 is padding


def recommender(name):
    torch.manual_seed(0)
    model = Recommender(ITEMS, T, WIDTH, [ATTENTIONS[name](), ATTENTIONS[name]()]).double()
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(drawn(*p.shape, seed=i))
    return model


def normalised(norm, x):
    x = x - x.mean(-1, keepdim=True)
    return x / (x.square().mean(-1, keepdim=True) + norm.eps).sqrt() * norm.weight + norm.bias


def by_places(model, items):
    """The states of one history without padding, place by place: (n, D)."""
    n = len(items)
    x = torch.stack([model.items.weight[i] * WIDTH**0.5 + model.places[T - n + t] for t, i in enumerate(items)])
    for block in model.blocks:
        seen = normalised(block.norms[0], x)
        scores = block.attention.score(seen[None], block.attention.project(seen[None]))[0]
        rows = []
        for t in range(n):
            context, _ = attend(scores[None, t : t + 1, : t + 1], (seen @ block.value.weight.T)[None, : t + 1])
            h = x[t] + context[0, 0]
            first, _, second = block.feed_forward
            hidden = (normalised(block.norms[1], h) @ first.weight.T + first.bias).clamp(min=0)
            rows.append(h + hidden @ second.weight.T + second.bias)
        x = torch.stack(rows)
    return normalised(model.norm, x)


@every
def test_states_and_loss_are_those_of_the_loop_gradient_included(name):
    model = recommender(name)
    losses = []
    for row in HISTORY:
        items = row[row != ITEMS].tolist()
        states = by_places(model, items)
        torch.testing.assert_close(model(row[None])[0, -len(items) :], states, **close)
        # the loss reads all but the last item, so places count from the one before it
        logits = by_places(model, items[:-1]) @ model.items.weight[:ITEMS].T
        losses += [-logits[t].log_softmax(0)[following] for t, following in enumerate(items[1:])]
        torch.testing.assert_close(model.rank_all(row[None])[0], (states @ model.items.weight[:ITEMS].T)[-1], **close)
    expected, got = torch.stack(losses).mean(), model.loss(HISTORY)
    torch.testing.assert_close(got, expected, **close)
    parameters = [p for p in model.parameters()]
    torch.testing.assert_close(
        torch.autograd.grad(got, parameters), torch.autograd.grad(expected, parameters), rtol=1e-8, atol=1e-8
    )


@every
def test_a_state_does_not_know_what_follows_and_padding_changes_nothing(name):
    model = recommender(name)
    before = model(HISTORY)
    changed = HISTORY.clone()
    changed[:, 4] = 0
    after = model(changed)
    assert torch.equal(before[:, :4][HISTORY[:, :4] != ITEMS], after[:, :4][HISTORY[:, :4] != ITEMS])
    assert not torch.isclose(before[:, 4:], after[:, 4:]).all(-1).any()
    torch.testing.assert_close(model(HISTORY[:1, 3:]), before[:1, 3:], **close)  # a narrower batch, of one


def test_the_three_differ_in_the_attention_alone():
    parts = {name: parameters_by_part(recommender(name).blocks[0]) for name in ATTENTIONS}
    sizes = {name: part.pop("attention") for name, part in parts.items()}
    assert sizes == {"content": 2 * WIDTH * 3, "positional": T**2, "factorised": 2 * T * RANK}
    assert parts["content"] == parts["positional"] == parts["factorised"]


def test_bad_histories_are_named():
    model = recommender("positional")
    with pytest.raises(ValueError, match="history has 7 places; expected at most longest = 6"):
        model(torch.zeros(2, 7, dtype=torch.int64))
    with pytest.raises(ValueError, match="history holds ids from 0 to 9; expected 0 to 8"):
        model(torch.tensor([[0, 9]]))
