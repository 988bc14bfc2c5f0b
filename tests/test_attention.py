"""`attend` is PyTorch's, to the digit where the article gives digits; the score and the translator are their equations."""

import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from benchmarks.translation import TutorialLoop
from utils.attention.additive import AdditiveAttention
from utils.attention.core import Attention, attend
from utils.attention.translator import AttentionTranslator
from utils.batches import pad
from utils.rnn import keep_mask
from utils.seq2seq import parameters_by_part

B, Q, K, D = 2, 3, 4, 5
close = {"rtol": 1e-11, "atol": 1e-11}


def drawn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


# attend


def test_attend_by_hand():
    scores = torch.tensor([[0.0, 3.0, 0.0]], dtype=torch.float64).log1p()[None] - 100  # 1 to 4 to 1, if all are seen
    values = torch.tensor([[[1.0, 0.0], [0.0, 5.0], [1e9, 1e9]]], dtype=torch.float64)
    context, weights = attend(scores, values, torch.tensor([True, True, False]))
    torch.testing.assert_close(weights, torch.tensor([[[0.2, 0.8, 0.0]]], dtype=torch.float64), **close)
    torch.testing.assert_close(context, torch.tensor([[[0.2, 4.0]]], dtype=torch.float64), **close)


def test_the_three_rows_of_the_alignment_to_the_digit():
    """je, t' and aime over "I love you", whose 97 places of padding all score .5."""
    scores = torch.full((1, 3, 100), 0.5, dtype=torch.float64)
    scores[0, :, :3] = torch.tensor([[0.63, -3.2, -2.5], [-1.5, -3.9, 0.57], [-2.8, 0.64, -3.2]])
    context, weights = attend(scores, torch.eye(100, dtype=torch.float64)[None], keep_mask(torch.tensor([3]), 100)[:, None])
    assert [" ".join(f"{w:.4f}" for w in row[:3]) for row in weights[0].tolist()] == [
        "0.9386 0.0204 0.0410",
        "0.1109 0.0101 0.8790",
        "0.0304 0.9492 0.0204",
    ]
    assert not weights[..., 3:].any()
    assert torch.equal(context, weights)  # one value for each place
    assert f"{attend(scores, scores.mT)[1][0, 0, 0]:.3f}" == "0.012"  # and so without the mask


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    leading=st.lists(st.integers(1, 3), max_size=2),
    sizes=st.tuples(*[st.integers(1, 5)] * 3),
    masked=st.sampled_from(["no", "lengths", "any"]),
    seed=st.integers(0, 999),
)
def test_attend_is_torchs_gradient_included(leading, sizes, masked, seed):
    """With the identity for keys, PyTorch's attention scores each query by its own numbers."""
    Q, K, D = sizes
    scores, values = drawn(2, *leading, Q, K, seed=seed), drawn(2, *leading, K, D, seed=seed + 1)
    g = torch.Generator().manual_seed(seed)
    mask = {
        "no": None,
        "lengths": keep_mask(torch.randint(1, K + 1, (2,), generator=g), K).view(2, *[1] * (len(leading) + 1), K),
        "any": torch.rand(2, *leading, Q, K, generator=g) < 0.5,
    }[masked]
    if masked == "any":
        mask[..., 0] = True
    eye = torch.eye(K, dtype=torch.float64).expand(2, *leading, K, K)
    expected = F.scaled_dot_product_attention(scores, eye, values, attn_mask=mask, scale=1.0)
    context, weights = attend(scores, values, mask)
    torch.testing.assert_close(context, expected, **close)
    torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]))
    assert mask is None or not weights[~mask.expand_as(weights)].any()
    out = drawn(*context.shape, seed=seed + 2).detach()
    torch.testing.assert_close(
        torch.autograd.grad((context * out).sum(), (scores, values)),
        torch.autograd.grad((expected * out).sum(), (scores, values)),
        **close,
    )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_a_query_that_may_see_nothing(dtype):
    scores, values = drawn(B, Q, K, dtype=dtype), drawn(B, K, D, seed=1, dtype=dtype)
    mask = torch.rand(B, Q, K, generator=torch.Generator().manual_seed(0)) < 0.6
    mask[0, 1] = False
    context, weights = attend(scores, values, mask)
    assert not context[0, 1].any() and not weights[0, 1].any()
    assert context.dtype == dtype
    with torch.autograd.set_detect_anomaly(True):  # no NaN on the way either
        context, weights = attend(scores, values, mask)
        d_scores, d_values = torch.autograd.grad((context * context).sum() + weights.square().sum(), (scores, values))
    assert not d_scores[0, 1].any() and not d_scores[~mask].any()
    assert d_scores.isfinite().all() and d_values.isfinite().all()
    assert d_scores[1].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_large_scores_overflow_nowhere(dtype):
    scores = torch.tensor([[[6e4, 5e4, -6e4, 6e4]]], dtype=dtype)
    context, weights = attend(scores, torch.eye(4, dtype=dtype)[None], torch.tensor([True, True, True, False]))
    assert weights.tolist() == context.tolist() == [[[1, 0, 0, 0]]]
    context, weights = attend(-scores, torch.eye(4, dtype=dtype)[None], torch.tensor([True, True, False, False]))
    assert weights.tolist() == [[[0, 1, 0, 0]]]


good = torch.zeros(B, Q, K)


@pytest.mark.parametrize(
    ("values", "mask", "error", "message"),
    [
        (torch.zeros(B, K + 1, D), None, ValueError, "values has 5 rows; expected one for each score, 4"),
        (torch.zeros(1, K, D), None, ValueError, "values has shape (1, 4, 5); expected the first axes of scores (2, 3, 4)"),
        (torch.zeros(K, D), None, ValueError, "values has shape (4, 5); expected the first axes of scores (2, 3, 4)"),
        (torch.zeros(B, K, D), torch.ones(B, 1, K), TypeError, "mask has dtype torch.float32; expected torch.bool"),
        (torch.zeros(B, K, D), torch.ones(B, K).bool(), ValueError, "mask has shape (2, 4); expected one that broadcasts"),
        (torch.zeros(B, K, D), torch.ones(1, B, Q, K).bool(), ValueError, "mask has shape (1, 2, 3, 4); expected one that"),
    ],
)
def test_bad_input_is_named(values, mask, error, message):
    with pytest.raises(error, match=re.escape(message)):
        attend(good, values, mask)


# The additive score


def test_the_additive_score_is_its_equation():
    torch.manual_seed(0)
    attention = AdditiveAttention(6, 7, 8).double()
    query, key, value = drawn(B, Q, 6), drawn(B, K, 7, seed=1), drawn(B, K, D, seed=2)
    mask = keep_mask(torch.tensor([4, 2]), K)[:, None]
    W, U, v = attention.W.weight.T, attention.U.weight.T, attention.v.weight[0]  # rows are vectors
    e = torch.stack([torch.tanh(query[b, i] @ W + key[b, j] @ U) @ v for b in range(B) for i in range(Q) for j in range(K)])
    torch.testing.assert_close(attention.score(query, attention.project(key)), e.view(B, Q, K), **close)
    context, weights = attention(query, key, value, mask)
    expected, expected_weights = attend(e.view(B, Q, K), value, mask)
    torch.testing.assert_close(context, expected, **close)
    torch.testing.assert_close(weights, expected_weights, **close)
    inputs = (query, key, value, *attention.parameters())
    torch.testing.assert_close(
        torch.autograd.grad(context.square().sum(), inputs), torch.autograd.grad(expected.square().sum(), inputs), **close
    )
    assert parameters_by_part(attention) == {"W": 6 * 8, "U": 7 * 8, "v": 8}


def test_the_interface_of_query_key_and_value():
    """Keys and values go together, in any order; hidden ones may hold anything; queries do not know each other."""
    torch.manual_seed(0)
    attention = AdditiveAttention(6, 7, 8).double()
    query, key, value = drawn(B, Q, 6), drawn(B, K, 7, seed=1), drawn(B, K, D, seed=2)
    mask = keep_mask(torch.tensor([4, 2]), K)[:, None]
    context, weights = attention(query, key, value, mask)
    assert context.shape == (B, Q, D) and weights.shape == (B, Q, K)
    order = torch.tensor([2, 0, 3, 1])
    moved, moved_weights = attention(query, key[:, order], value[:, order], mask[..., order])
    torch.testing.assert_close(moved, context, **close)
    torch.testing.assert_close(moved_weights, weights[..., order], **close)
    assert not torch.allclose(attention(query, key[:, order], value, mask)[1], weights)  # the scores do use the keys
    alone, _ = attention(query[:, 1:2], key, value, mask)
    torch.testing.assert_close(alone, context[:, 1:2], **close)
    changed = key.detach().clone(), value.detach().clone()
    for part in changed:
        part[1, 2:] = 1e6
    torch.testing.assert_close(attention(query, *changed, mask)[0], context, **close)


def test_an_attention_of_your_own_takes_a_score_and_nothing_else():
    class Dot(Attention):
        def score(self, query, projected):
            return query @ projected.mT

    query, key, value = drawn(B, Q, 6), drawn(B, K, 6, seed=1), drawn(B, K, D, seed=2)
    expected = F.scaled_dot_product_attention(query, key, value, scale=1.0)
    torch.testing.assert_close(Dot()(query, key, value)[0], expected, **close)


# The translator

VS, VT, E, H, A = 9, 8, 3, 4, 5
START, END = 1, 2
KINDS = {"both directions": True, "one direction": False, "last word in the query": True, "without attention": None}
every_kind = pytest.mark.parametrize("name", KINDS)


def build(name, seed=0):
    torch.manual_seed(seed)
    both, word = KINDS[name] is not False, name == "last word in the query"
    attention = None if KINDS[name] is None else AdditiveAttention(H + E * word, H * (1 + both), A)
    options = {"bidirectional": both, "word_in_query": word}
    model = AttentionTranslator(VS, VT, E, H, attention, start=START, end=END, **options).double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.7)
    return model


SOURCES = [[3, 4, 5], [8, 6, 3, 3, 7], [5]]
TARGETS = [[3, 7, 4, END], [5, END], [6, 3, 3, 4, END]]
BATCH = (*pad(SOURCES, 0), *pad(TARGETS, 0))


def gru(x, h, W_x, W_h, b_x, b_h):
    """One step of torch.nn's GRU on row vectors."""
    (r_x, z_x, n_x), (r_h, z_h, n_h) = (x @ W_x + b_x).chunk(3), (h @ W_h + b_h).chunk(3)
    r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
    return (1 - z) * torch.tanh(n_x + r * n_h) + z * h


def by_equations(model, source, target):
    """log p(target | source) and the weights (T, S), one word at a time, as Bahdanau et al. write it."""
    encoder, decoder, zeros = model.encoder, model.decoder, torch.zeros(H, dtype=torch.float64)
    words = [model.source_words.weight[i] for i in source]
    directions = []
    for suffix in ["", "_reverse"][: 1 + encoder.bidirectional]:
        parameters = (getattr(encoder, f"{name}_l0{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        W_x, W_h, b_x, b_h = (p.T if p.ndim == 2 else p for p in parameters)
        h, states = zeros, []
        for x in reversed(words) if suffix else words:
            h = gru(x, h, W_x, W_h, b_x, b_h)
            states.append(h)
        directions.append(states[::-1] if suffix else states)
    annotations = [torch.cat(both) for both in zip(*directions)]
    last = [directions[0][-1], *(d[0] for d in directions[1:])]
    s = torch.tanh(last[-1] @ model.first_state.weight.T + model.first_state.bias)
    total, rows = 0, []
    for before, y in zip([START, *target], target):
        word = model.target_words.weight[before]
        if model.attention is None:
            context = torch.cat(last)
        else:
            W, U, v = model.attention.W.weight.T, model.attention.U.weight.T, model.attention.v.weight[0]
            query = torch.cat([s, word]) if model.word_in_query else s
            alpha = torch.stack([torch.tanh(query @ W + h @ U) @ v for h in annotations]).softmax(0)
            context = sum(a * h for a, h in zip(alpha, annotations))
            rows.append(alpha)
        s = gru(torch.cat([word, context]), s, decoder.W_xh, decoder.W_hh, decoder.b_x, decoder.b_h)
        t = torch.cat([s, word, context]) @ model.deep_output.weight.T + model.deep_output.bias
        t = torch.maximum(t[0::2], t[1::2])
        total = total + (t @ model.readout.weight.T + model.readout.bias).log_softmax(0)[y]
    return total, rows


@every_kind
@pytest.mark.parametrize("seed", [0, 1])
def test_the_translator_is_its_equations_gradient_included(name, seed):
    model = build(name, seed)
    results = [by_equations(model, source, target) for source, target in zip(SOURCES, TARGETS)]
    expected = torch.stack([total for total, _ in results])
    got = model.log_probability(*BATCH)
    torch.testing.assert_close(got, expected, **close)
    parameters = list(model.parameters())
    torch.testing.assert_close(
        torch.autograd.grad(got.sum(), parameters), torch.autograd.grad(expected.sum(), parameters), **close
    )
    if model.attention is not None:
        weights = model.alignments(*BATCH)
        for b, (_, rows) in enumerate(results):
            torch.testing.assert_close(weights[b, : len(TARGETS[b]), : len(SOURCES[b])], torch.stack(rows), **close)


def test_alignments_are_weights_over_real_words_for_real_words():
    weights = build("both directions").alignments(*BATCH)
    assert weights.shape == (3, 5, 5)
    source_lengths, target_lengths = BATCH[1], BATCH[3]
    real = keep_mask(target_lengths, 5)
    torch.testing.assert_close(weights.sum(-1), real.double(), **close)
    assert torch.equal(weights > 0, real[:, :, None] & keep_mask(source_lengths, 5)[:, None])


@every_kind
def test_the_state_of_a_step_tells_where_it_looked(name):
    model = build(name)
    expected = model.alignments(*BATCH)
    state, tokens = model.begin(*BATCH[:2])
    for t, following in enumerate(BATCH[2].unbind(1)):
        _, state = model.step(state, tokens)
        real = t < BATCH[3]
        torch.testing.assert_close(state.weights[real], expected[real, t], **close)
        tokens = following


def test_the_keys_are_projected_once_for_a_sentence():
    calls = []

    class Counting(AdditiveAttention):
        def project(self, key):
            calls.append(tuple(key.shape))
            return super().project(key)

    model = AttentionTranslator(VS, VT, E, H, Counting(H, 2 * H, A), start=START, end=END)
    model.loss(*BATCH)
    state, tokens = model.begin(*BATCH[:2])
    for _ in range(3):
        _, state = model.step(state, tokens)
    assert calls == [(3, 5, 2 * H)] * 2


def test_with_and_without_attention_differ_in_the_attention_alone():
    with_it, without = (parameters_by_part(build(name)) for name in ("both directions", "without attention"))
    assert with_it.pop("attention") == H * A + 2 * H * A + A
    assert with_it == without
    assert list(without) == ["source_words", "target_words", "encoder", "first_state", "decoder", "deep_output", "readout"]


def test_what_an_annotation_knows():
    """In one direction the words up to its own; in both directions all of them."""
    source, lengths = torch.tensor([[3, 4, 5, 6]]), torch.tensor([4])
    for name, changed in (("one direction", [False, False, True, True]), ("both directions", [True] * 4)):
        model = build(name)
        before = model.encode(source, lengths).annotations
        after = model.encode(torch.tensor([[3, 4, 8, 6]]), lengths).annotations
        assert (before != after).any(-1)[0].tolist() == changed


def test_the_benchmarks_loop_is_the_same_model():
    """What ours is timed against computes the same loss and the same gradient, a sentence and a word at a time."""
    torch.manual_seed(0)
    model = AttentionTranslator(VS, VT, E, H, AdditiveAttention(H, 2 * H, A), start=START, end=END).double()
    loop = TutorialLoop(model)
    for source, target in zip(SOURCES, TARGETS):
        got = loop.loss(torch.tensor(source), torch.tensor(target))
        batch = (*pad([source], 0), *pad([target], 0))
        expected = model.loss(*batch)
        torch.testing.assert_close(got, expected, **close)
        parts = "source_words", "target_words", "encoder", "attention", "deep_output", "readout", "first_state"
        weights = [p for part in parts for p in getattr(model, part).parameters()]
        torch.testing.assert_close(torch.autograd.grad(got, weights), torch.autograd.grad(expected, weights), **close)
    assert isinstance(loop.cell, nn.GRU)
