"""Each score is its equation, gradient included, and stands in the translator where the additive one stood."""

import re
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from utils.attention.additive import AdditiveAttention
from utils.attention.core import attend
from utils.attention.scores import (
    CosineAttention,
    DotAttention,
    GeneralAttention,
    LocationAttention,
    QKVAttention,
    ScaledDotAttention,
)
from utils.attention.translator import AttentionTranslator
from utils.batches import pad
from utils.rnn import keep_mask
from utils.seq2seq import parameters_by_part

B, Q, K, D = 2, 3, 4, 5  # D is the width of the values
DQ, DK, H, LONGEST = 6, 7, 8, 9
close = {"rtol": 1e-11, "atol": 1e-11}

# A name: how it is built for queries and keys of a width, whether these must be equal, and the score of one query and one key.
ATTENTIONS = {
    "dot": (lambda q, k: DotAttention(), True, lambda a, q, k: q @ k),
    "scaled dot": (lambda q, k: ScaledDotAttention(), True, lambda a, q, k: q @ k / len(k) ** 0.5),
    "general": (GeneralAttention, False, lambda a, q, k: q @ a.W.weight @ k),
    "QKV": (
        partial(QKVAttention, size=H),
        False,
        lambda a, q, k: (q @ a.W_q.weight.T) @ (k @ a.W_k.weight.T) / H**0.5,
    ),
    "cosine": (
        lambda q, k: CosineAttention(q),
        True,
        lambda a, q, k: torch.log1p(torch.exp(q @ a.sharpness.weight[0] + a.sharpness.bias[0])) * F.cosine_similarity(q, k, 0),
    ),
}
every_attention = pytest.mark.parametrize("name", ATTENTIONS)


def drawn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


def build(name, query_size=DQ, key_size=DK, seed=0):
    """The attention and the key width that it can take."""
    torch.manual_seed(seed)
    if name == "location":
        return LocationAttention(query_size, LONGEST), key_size
    make, equal, _ = ATTENTIONS[name]
    key_size = query_size if equal else key_size
    return make(query_size, key_size), key_size


# The equations


@every_attention
def test_the_score_is_its_equation_gradient_included(name):
    attention, width = build(name)
    attention.double()
    query, key, value = drawn(B, Q, DQ), drawn(B, K, width, seed=1), drawn(B, K, D, seed=2)
    mask = keep_mask(torch.tensor([4, 2]), K)[:, None]
    score = ATTENTIONS[name][2]
    e = torch.stack([score(attention, query[b, i], key[b, j]) for b in range(B) for i in range(Q) for j in range(K)])
    e = e.view(B, Q, K)
    torch.testing.assert_close(attention.score(query, attention.project(key)), e, **close)
    context, weights = attention(query, key, value, mask)
    expected, expected_weights = attend(e, value, mask)
    torch.testing.assert_close(context, expected, **close)
    torch.testing.assert_close(weights, expected_weights, **close)
    inputs = (query, key, value, *attention.parameters())
    torch.testing.assert_close(
        torch.autograd.grad(context.square().sum(), inputs), torch.autograd.grad(expected.square().sum(), inputs), **close
    )


@pytest.mark.parametrize("scale", [None, 1.0])
def test_the_dot_products_are_pytorchs(scale):
    attention = DotAttention() if scale else ScaledDotAttention()
    query, key, value = drawn(B, Q, DQ), drawn(B, K, DQ, seed=1), drawn(B, K, D, seed=2)
    mask = torch.rand(B, Q, K, generator=torch.Generator().manual_seed(0)) < 0.6
    mask[..., 0] = True
    got = attention(query, key, value, mask)[0]
    expected = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale)
    torch.testing.assert_close(got, expected, **close)
    grads = [torch.autograd.grad(out.square().sum(), (query, key, value)) for out in (got, expected)]
    torch.testing.assert_close(*grads, **close)


def test_qkv_is_one_head_of_pytorchs_with_the_value_map_behind():
    """nn.MultiheadAttention maps the values before the average; we map the average, and it is the same."""
    torch.manual_seed(0)
    theirs = nn.MultiheadAttention(DQ, 1, bias=False, kdim=DK, vdim=D, batch_first=True).double()
    ours = QKVAttention(DQ, DK, DQ).double()
    with torch.no_grad():
        ours.W_q.weight.copy_(theirs.q_proj_weight)
        ours.W_k.weight.copy_(theirs.k_proj_weight)
    query, key, value = drawn(B, Q, DQ), drawn(B, K, DK, seed=1), drawn(B, K, D, seed=2)
    seen = keep_mask(torch.tensor([4, 2]), K)
    expected, expected_weights = theirs(query, key, value, key_padding_mask=~seen)
    context, weights = ours(query, key, value, seen[:, None])
    torch.testing.assert_close(weights, expected_weights, **close)
    torch.testing.assert_close(theirs.out_proj(context @ theirs.v_proj_weight.T), expected, **close)


def test_qkv_is_general_with_a_matrix_of_low_rank():
    torch.manual_seed(0)
    qkv, general = QKVAttention(DQ, DK, 2).double(), GeneralAttention(DQ, DK).double()
    W = qkv.W_q.weight.T @ qkv.W_k.weight / 2**0.5
    with torch.no_grad():
        general.W.weight.copy_(W)
    query, key = drawn(B, Q, DQ), drawn(B, K, DK, seed=1)
    torch.testing.assert_close(qkv.score(query, qkv.project(key)), general.score(query, general.project(key)), **close)
    assert torch.linalg.matrix_rank(W) == 2


def test_luongs_concat_is_additive_attention():
    torch.manual_seed(0)
    additive = AdditiveAttention(DQ, DK, H).double()
    W, v = torch.cat([additive.W.weight.T, additive.U.weight.T]), additive.v.weight[0]  # (DQ + DK, H), (H,)
    query, key = drawn(B, Q, DQ), drawn(B, K, DK, seed=1)
    pairs = torch.cat([query[:, :, None].expand(B, Q, K, DQ), key[:, None].expand(B, Q, K, DK)], -1)
    torch.testing.assert_close(additive.score(query, additive.project(key)), torch.tanh(pairs @ W) @ v, **close)


def test_by_hand():
    """A query and two keys, one along it and one at a right angle to it."""
    query = torch.tensor([[[3.0, 4.0]]], dtype=torch.float64)
    key = torch.tensor([[[0.6, 0.8], [-8.0, 6.0], [6.0, 8.0]]], dtype=torch.float64)
    location, general, cosine = LocationAttention(2, 4).double(), GeneralAttention(2, 2).double(), CosineAttention(2).double()
    with torch.no_grad():
        location.W.weight.copy_(torch.tensor([[1, 0], [0, 1], [1, 1], [100, 100]]))
        location.W.bias.copy_(torch.tensor([0, 0.5, 0, 0]))
        general.W.weight.copy_(torch.tensor([[0, 1], [0, 0]]))  # the first of the query with the second of the key
        cosine.sharpness.weight.zero_()
        cosine.sharpness.bias.fill_(2.0).expm1_().log_()  # softplus of it is 2
    for attention, expected in [
        (DotAttention(), [5, 0, 50]),
        (ScaledDotAttention(), [5 / 2**0.5, 0, 50 / 2**0.5]),
        (general, [2.4, 18, 24]),
        (cosine, [2, 0, 2]),
        (location, [3, 4.5, 7]),
    ]:
        got = attention.score(query, attention.project(key))
        torch.testing.assert_close(got, torch.tensor([[expected]], dtype=torch.float64), **close)


# What sets one apart from another


def test_no_softmax_of_cosines_is_sharp_without_the_factor():
    """Among 50 keys the best cosine gets e^(2 beta) times the weight of the worst at most: beta must grow for more."""
    attention, query, key = CosineAttention(DQ).double(), drawn(B, Q, DQ), drawn(B, 50, DQ, seed=1)
    largest = {}
    for bias in (0.0, 60.0):
        with torch.no_grad():
            attention.sharpness.weight.zero_()
            attention.sharpness.bias.fill_(bias)
        weights = attention(query, key, key)[1]
        largest[bias] = weights.amax()
        beta = F.softplus(torch.tensor(bias, dtype=torch.float64))
        assert (weights.amax(-1) / weights.amin(-1) <= torch.exp(2 * beta)).all()
    assert largest[0.0] < 0.1 and largest[60.0] > 0.9


def test_the_length_of_a_key_changes_a_product_and_no_cosine():
    query, key = drawn(B, Q, DQ), drawn(B, K, DQ, seed=1)
    torch.manual_seed(0)
    cosine = CosineAttention(DQ).double()
    torch.testing.assert_close(cosine.score(query, cosine.project(7 * key)), cosine.score(query, cosine.project(key)), **close)
    torch.testing.assert_close(DotAttention().score(query, 7 * key), 7 * DotAttention().score(query, key), **close)


def test_a_place_is_scored_whatever_stands_there():
    attention, width = build("location")
    attention.double()
    query, key, value = drawn(B, Q, DQ), drawn(B, K, width, seed=1), drawn(B, K, D, seed=2)
    mask = keep_mask(torch.tensor([4, 2]), K)[:, None]
    scores = nn.functional.linear(query, attention.W.weight[:K], attention.W.bias[:K])
    expected, expected_weights = attend(scores, value, mask)
    context, weights = attention(query, key, value, mask)
    torch.testing.assert_close(context, expected, **close)
    torch.testing.assert_close(weights, expected_weights, **close)
    assert torch.equal(attention(query, key * 0, value, mask)[1], weights)
    inputs = (query, value, *attention.parameters())
    torch.testing.assert_close(
        torch.autograd.grad(context.square().sum(), inputs), torch.autograd.grad(expected.square().sum(), inputs), **close
    )


def test_what_each_learns():
    assert {name: parameters_by_part(build(name)[0]) for name in [*ATTENTIONS, "location"]} == {
        "dot": {},
        "scaled dot": {},
        "general": {"W": DQ * DK},
        "QKV": {"W_q": DQ * H, "W_k": DK * H},
        "cosine": {"sharpness": DQ + 1},
        "location": {"W": DQ * LONGEST + LONGEST},
    }


# Numbers at the edge


@pytest.mark.parametrize("name", [*ATTENTIONS, "location"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_lower_precision_and_keys_of_zeros(name, dtype):
    """Padding is zeros: a key without a direction, with a mask and without one, gives no NaN in either direction."""
    attention, width = build(name)
    query, key, value = (
        drawn(B, Q, DQ, dtype=dtype),
        drawn(B, K, width, seed=1, dtype=dtype),
        drawn(B, K, D, seed=2, dtype=dtype),
    )
    with torch.no_grad():
        query[0, 0] = key[1, 2:] = 0
    expected, _ = attention.double()(query.double(), key.double(), value.double())
    attention.to(dtype)
    for mask in (None, keep_mask(torch.tensor([4, 2]), K)[:, None]):
        context, weights = attention(query, key, value, mask)
        assert context.dtype == weights.dtype == dtype
        inputs = (query, key, value, *attention.parameters())
        for gradient in torch.autograd.grad(context.square().sum(), inputs, allow_unused=True):
            assert gradient is None or (gradient.isfinite().all() and gradient.abs().max() < 1e3)
        if mask is None:
            tolerance = 16 * torch.finfo(dtype).eps
            torch.testing.assert_close(context.double(), expected, rtol=tolerance, atol=tolerance)


def test_products_of_wide_vectors_fit_into_half_precision_once_scaled():
    query = torch.full((1, 2, 1024), 10.0, dtype=torch.float16)
    assert DotAttention().score(query, query).isinf().all()  # 102,400 is more than the type holds
    assert (ScaledDotAttention().score(query, query) - 3200).abs().max() <= 2


def test_arguments_stay_as_they_were():
    for name in [*ATTENTIONS, "location"]:
        attention, width = build(name)
        attention.double()
        given = drawn(B, Q, DQ), drawn(B, K, width, seed=1), drawn(B, K, D, seed=2)
        before = [part.clone() for part in given]
        attention(*given)
        assert all(torch.equal(*pair) for pair in zip(given, before))


@pytest.mark.parametrize("name", ["dot", "scaled dot", "cosine"])
def test_widths_that_differ_are_named(name):
    attention, _ = build(name, query_size=DQ)
    with pytest.raises(ValueError, match=re.escape("query has shape (2, 3, 6); expected the width of the projected key, 7")):
        attention(torch.ones(B, Q, DQ), torch.ones(B, K, DK), torch.ones(B, K, D))


def test_a_sentence_that_is_too_long_for_its_places_is_named():
    attention = LocationAttention(DQ, K - 1)
    with pytest.raises(ValueError, match=re.escape("key has 4 places; expected at most longest = 3")):
        attention(torch.ones(B, Q, DQ), torch.ones(B, K, DK), torch.ones(B, K, D))


# In the translator

VS, VT, E, STATE = 9, 8, 3, 4
START, END = 1, 2
SOURCES = [[3, 4, 5], [8, 6, 3, 3, 7], [5]]
TARGETS = [[3, 7, 4, END], [5, END], [6, 3, 3, 4, END]]
BATCH = (*pad(SOURCES, 0), *pad(TARGETS, 0))
every_model = pytest.mark.parametrize("name", [*ATTENTIONS, "location"])


def translator(name, seed=0):
    """Annotations are as wide as states where the score wants it: then the encoder reads in one direction."""
    equal = name in ATTENTIONS and ATTENTIONS[name][1]
    attention, _ = build(name, STATE, STATE * (2 - equal), seed)
    return AttentionTranslator(VS, VT, E, STATE, attention, start=START, end=END, bidirectional=not equal).double()


@every_model
def test_the_translator_learns_with_it(name):
    model = translator(name)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        losses.append(loss := model.loss(*BATCH))
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.3 * losses[0]
    moved = model.attention.state_dict()
    assert all(not torch.equal(moved[key], first) for key, first in translator(name).attention.state_dict().items())


@every_model
def test_a_batch_is_its_sentences_and_padding_is_nothing(name):
    model = translator(name)
    expected = model.log_probability(*BATCH)
    alone = [model.log_probability(*pad([s], 0), *pad([t], 0)) for s, t in zip(SOURCES, TARGETS)]
    torch.testing.assert_close(torch.cat(alone), expected, **close)
    source, source_lengths, target, target_lengths = BATCH
    padded = F.pad(source, (0, 3), value=4), source_lengths, F.pad(target, (0, 2), value=3), target_lengths
    torch.testing.assert_close(model.log_probability(*padded), expected, **close)
    weights = model.alignments(*padded)
    assert not weights[..., 5:].any() and not weights[2, :, 1:].any()
    torch.testing.assert_close(weights[:, :5, :5], model.alignments(*BATCH), **close)
    got, wanted = (torch.autograd.grad(total.sum(), model.parameters()) for total in (model.log_probability(*padded), expected))
    torch.testing.assert_close(got, wanted, **close)


@every_model
def test_step_by_step_is_teacher_forcing(name):
    model = translator(name)
    expected = model(*BATCH[:3]).log_softmax(-1)
    state, tokens = model.begin(*BATCH[:2])
    for t, following in enumerate(BATCH[2].unbind(1)):
        log_probabilities, state = model.step(state, tokens)
        torch.testing.assert_close(log_probabilities, expected[:, t], **close)
        tokens = following


def test_the_fully_connected_scorer_of_the_tutorial():
    """Its scores are a linear layer of [state, word], one for each place, and know no annotation."""
    torch.manual_seed(0)
    attention = LocationAttention(STATE + E, LONGEST)
    model = AttentionTranslator(VS, VT, E, STATE, attention, start=START, end=END, word_in_query=True).double()
    state, start = model.begin(*BATCH[:2])
    query = torch.cat([state.s, model.target_words(start)], -1)
    expected = (query @ attention.W.weight.T + attention.W.bias)[:, :5].masked_fill(~state.seen, -torch.inf).softmax(-1)
    torch.testing.assert_close(model.step(state, start)[1].weights, expected, **close)
