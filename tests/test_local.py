"""Local attention is Luong's equations 9 and 10 by loops; the centre learns; a translator tells it the time."""

import math
import re

import pytest
import torch
import torch.nn.functional as F

from utils.attention.core import attend
from utils.attention.local import (
    LocalMonotonicAttention,
    LocalPredictiveAttention,
    LocalTranslator,
    gaussian,
    window,
)
from utils.attention.luong import LuongTranslator
from utils.attention.scores import DotAttention, GeneralAttention, LocationAttention
from utils.batches import pad
from utils.rnn import keep_mask
from utils.seq2seq import parameters_by_part

B, Q, K, D = 2, 3, 9, 5
DQ, DK, H, REACH = 6, 7, 8, 2
LENGTHS = torch.tensor([9, 4])
TIMES = torch.tensor([[0, 1, 5], [2, 3, 6]])  # the last one's window begins where its sentence ends: 6 - 2 = 4
close = {"rtol": 1e-11, "atol": 1e-11}
KINDS = ["local-m", "local-p"]
every_kind = pytest.mark.parametrize("kind", KINDS)


def drawn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


def build(kind, query_size=DQ, key_size=DK, seed=0, reach=REACH):
    torch.manual_seed(seed)
    scorer = GeneralAttention(query_size, key_size)
    if kind == "local-m":
        return LocalMonotonicAttention(scorer, reach).double()
    attention = LocalPredictiveAttention(scorer, reach, query_size, H).double()
    with torch.no_grad():
        attention.v.weight.mul_(4)  # centres that differ
    return attention


def inputs():
    return drawn(B, Q, DQ), drawn(B, K, DK, seed=1), drawn(B, K, D, seed=2)


def by_loops(attention, query, key, value, lengths, times):
    """Contexts and weights, one query and one place at a time."""
    rows = []
    for b in range(B):
        for i in range(Q):
            S, q = int(lengths[b]), query[b, i]
            p, sigma = float(times[b, i]), math.inf
            if isinstance(attention, LocalPredictiveAttention):
                p = S * torch.sigmoid(torch.tanh(q @ attention.W.weight.T) @ attention.v.weight[0])
                sigma = attention.reach / 2
            inside = [s for s in range(S) if p - attention.reach <= s <= p + attention.reach]
            row = [torch.zeros((), dtype=torch.float64)] * key.shape[1]
            powers = {s: torch.exp(q @ attention.scorer.W.weight @ key[b, s]) for s in inside}
            for s in inside:
                row[s] = powers[s] / sum(powers.values()) * torch.exp(torch.as_tensor(-((s - p) ** 2) / (2 * sigma**2)))
            rows.append(torch.stack(row))
    weights = torch.stack(rows).view(B, Q, -1)
    return weights @ value, weights


# The two functions


def test_the_window_by_hand():
    inside = window(torch.tensor([[0.0, 2.0, 2.5]]), 5, 2)
    assert inside.int().tolist() == [[[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 1, 1, 1, 1]]]
    assert torch.equal(window(torch.tensor([[0, 2]]), 5, 2), inside[:, :2])  # whole numbers are places too


def test_the_gaussian_by_hand():
    got = gaussian(torch.tensor([[1.0, 2.5]], dtype=torch.float64), 4, 1.5)
    expected = [[math.exp(-((s - p) ** 2) / 4.5) for s in range(4)] for p in (1.0, 2.5)]
    torch.testing.assert_close(got, torch.tensor([expected], dtype=torch.float64), **close)
    assert got[0, 0, 1] == 1
    assert f"{gaussian(torch.tensor([0.0]), 3, 1.0)[0, 2]:.3f}" == "0.135"  # at the edge, 2 sigma off


# The attention


@every_kind
@pytest.mark.parametrize("masked", [True, False])
def test_it_is_its_equations_gradient_included(kind, masked):
    attention, (query, key, value) = build(kind), inputs()
    mask, lengths = (keep_mask(LENGTHS, K)[:, None], LENGTHS) if masked else (None, torch.tensor([K, K]))
    got = attention(query, key, value, mask, TIMES)
    expected = by_loops(attention, query, key, value, lengths, TIMES)
    torch.testing.assert_close(got, expected, **close)
    asked = (query, key, value, *attention.parameters())
    grads = [torch.autograd.grad((c * c).sum() + (w**3).sum(), asked) for c, w in (got, expected)]
    torch.testing.assert_close(*grads, **close)


def test_local_m_is_attention_under_a_band():
    attention, (query, key, value) = build("local-m"), inputs()
    times = torch.arange(Q).expand(B, Q)
    band = torch.ones(Q, K, dtype=torch.bool).tril(REACH).triu(-REACH)
    expected = attention.scorer(query, key, value, band & keep_mask(LENGTHS, K)[:, None])
    torch.testing.assert_close(attention(query, key, value, keep_mask(LENGTHS, K)[:, None], times), expected, **close)
    weights = expected[1]
    torch.testing.assert_close(weights.sum(-1), torch.ones(B, Q, dtype=torch.float64), **close)


def test_local_p_is_not_divided_by_its_sum():
    attention, (query, key, value) = build("local-p"), inputs()
    weights = attention(query, key, value, keep_mask(LENGTHS, K)[:, None], TIMES)[1]
    total = weights.sum(-1)
    assert (total > math.exp(-2)).all() and (total < 1).all()


def test_a_reach_over_the_whole_sentence_is_global_attention():
    query, key, value = inputs()
    mask = keep_mask(LENGTHS, K)[:, None]
    for kind, tolerance in (("local-m", 1e-11), ("local-p", 1e-4)):  # a Gaussian of width 10^4 is flat to about 10^-6
        attention = build(kind, reach=20_000)
        torch.testing.assert_close(
            attention(query, key, value, mask, TIMES), attention.scorer(query, key, value, mask), rtol=tolerance, atol=tolerance
        )


@every_kind
def test_a_window_past_the_end_shows_nothing(kind):
    """A time beyond the sentence's end and the reach: context 0 and no NaN. local-p never looks there."""
    attention, (query, key, value) = build(kind), inputs()
    context, weights = attention(query, key, value, keep_mask(LENGTHS, K)[:, None], TIMES)
    assert weights.any(-1).tolist() == [[True] * 3, [True, True, kind == "local-p"]]
    gradient = torch.autograd.grad(context.sum(), query)[0]
    assert gradient.isfinite().all() and gradient[1, 2].any() == (kind == "local-p")


def test_what_lies_outside_the_window_may_hold_anything():
    attention, (query, key, value) = build("local-m"), inputs()
    times = torch.zeros(B, Q, dtype=torch.int64)
    expected = attend(attention.scorer.score(query, attention.project(key))[..., : REACH + 1], value[:, : REACH + 1])
    changed = value.detach().clone()
    changed[:, REACH + 1 :] = 1e9
    context, weights = attention(query, key, changed, None, times)
    torch.testing.assert_close(context, expected[0], **close)
    torch.testing.assert_close(weights[..., : REACH + 1], expected[1], **close)


def test_what_each_learns():
    assert parameters_by_part(build("local-m")) == {"scorer": DQ * DK}
    assert parameters_by_part(build("local-p")) == {"scorer": DQ * DK, "W": DQ * H, "v": H}


# The centre


def test_the_centre_counts_each_sentences_own_length():
    attention, (query, key, value) = build("local-p"), inputs()
    with torch.no_grad():
        attention.v.weight.zero_()  # sigmoid(0): the middle of every sentence
        attention.scorer.W.weight.zero_()
    _, weights = attention(query, key, value, keep_mask(LENGTHS, K)[:, None], TIMES)
    assert (weights[0] > 0).tolist() == [[s in (3, 4, 5, 6) for s in range(K)]] * Q  # within 2 of 4.5
    assert (weights[1] > 0).tolist() == [[s in (0, 1, 2, 3) for s in range(K)]] * Q  # within 2 of 2, 4 is padding
    assert torch.equal(weights[0, 0, 3:7], weights[0, 0, 3:7].flip(0))
    anywhere = torch.zeros(K, dtype=torch.bool).index_fill(0, torch.tensor([0, 1, 2, 8]), True)
    assert torch.equal(attention(query, key, value, anywhere, TIMES)[1][0, 0] > 0, torch.arange(K) < 3)


def test_the_gradient_reaches_the_centre():
    """Against finite differences, through the sigmoid, the window and the Gaussian, for each weight of W and v."""
    attention, (query, key, value) = build("local-p"), inputs()
    mask = keep_mask(LENGTHS, K)[:, None]

    def context(W, v):
        return torch.func.functional_call(attention, {"W.weight": W, "v.weight": v}, (query, key, value, mask, TIMES))[0]

    weights = attention.W.weight, attention.v.weight
    assert torch.autograd.gradcheck(context, weights, rtol=1e-6, atol=1e-9)
    for gradient in torch.autograd.grad(context(*weights).square().sum(), weights):
        assert gradient.abs().min() > 1e-6


def test_a_centre_learns_where_the_answer_is():
    """The values tell the place; the target is place 2.25 of 9. From the middle, 4.5, only the Gaussian can lead there."""
    attention, (query, key, _) = build("local-p"), inputs()
    attention.scorer.requires_grad_(False).W.weight.zero_()
    optimizer = torch.optim.Adam([attention.W.weight, attention.v.weight], lr=0.02)
    lengths = torch.full((B, Q), K)

    def far():
        return (attention.centre(query, TIMES, lengths) - 2.25).abs().max()

    before = far().item()
    for _ in range(200):
        optimizer.zero_grad()
        _, weights = attention(query, key, key, None, TIMES)
        (weights @ (torch.arange(K, dtype=torch.float64) - 2.25).square()).div(weights.sum(-1)).sum().backward()
        optimizer.step()
    assert far() < 0.3 < before


# Numbers at the edge


@every_kind
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_lower_precision(kind, dtype):
    attention, (query, key, value) = build(kind), inputs()
    mask = keep_mask(LENGTHS, K)[:, None]
    query, key, value = (part.detach().to(dtype).requires_grad_() for part in (query, key, value))
    attention = attention.to(dtype)
    context, weights = attention(query, key, value, mask, TIMES)
    assert context.dtype == weights.dtype == dtype
    assert all(g.isfinite().all() for g in torch.autograd.grad(context.square().sum(), (query, key, value)))
    expected = attention.double()(query.double(), key.double(), value.double(), mask, TIMES)[0]
    tolerance = 16 * torch.finfo(dtype).eps
    torch.testing.assert_close(context.double(), expected, rtol=tolerance, atol=tolerance)


def test_half_precision_finds_its_place_in_a_long_sentence():
    """bfloat16 knows no whole number between 512 and 516: the centre is computed with more digits."""
    attention = build("local-p").to(torch.bfloat16)
    query = drawn(1, Q, DQ).detach().bfloat16() * 0  # the middle
    centre = attention.centre(query, torch.zeros(1, Q), torch.full((1, Q), 1026))
    assert centre.tolist() == [[513.0] * Q]


@every_kind
def test_arguments_stay_as_they_were(kind):
    given = (*inputs(), keep_mask(LENGTHS, K)[:, None], TIMES)
    before = [part.clone() for part in given]
    build(kind)(*given)
    assert all(torch.equal(*pair) for pair in zip(given, before))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="reach is 0; expected at least 1 place to each side"):
        LocalMonotonicAttention(DotAttention(), 0)
    with pytest.raises(ValueError, match=re.escape("times has shape (3,); expected one for each query, (2, 3)")):
        build("local-m")(*inputs(), None, torch.arange(Q))


# In the translator

VS, VT, E, STATE = 9, 8, 3, 4
START, END = 1, 2
SOURCES = [[3, 4, 5], [8, 6, 3, 3, 7, 4], [5]]
TARGETS = [[3, 7, 4, END], [5, END], [6, 3, 3, 4, END]]
BATCH = (*pad(SOURCES, 0), *pad(TARGETS, 0))
every_model = pytest.mark.parametrize(("kind", "feeding"), [(kind, feeding) for kind in KINDS for feeding in (False, True)])


def translator(kind, feeding, seed=0):
    attention = build(kind, STATE, STATE, seed, reach=1)
    return LocalTranslator(VS, VT, E, STATE, attention, start=START, end=END, input_feeding=feeding).double()


@every_model
def test_the_translator_learns_with_it(kind, feeding):
    model = translator(kind, feeding)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(120):
        optimizer.zero_grad()
        losses.append(loss := model.loss(*BATCH))
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.3 * losses[0]
    first = translator(kind, feeding).attention.state_dict()
    assert all(not torch.equal(moved, first[name]) for name, moved in model.attention.state_dict().items())


@every_model
def test_a_batch_is_its_sentences_and_padding_is_nothing(kind, feeding):
    model = translator(kind, feeding)
    expected = model.log_probability(*BATCH)
    alone = [model.log_probability(*pad([s], 0), *pad([t], 0)) for s, t in zip(SOURCES, TARGETS)]
    torch.testing.assert_close(torch.cat(alone), expected, **close)
    source, source_lengths, target, target_lengths = BATCH
    padded = F.pad(source, (0, 3), value=4), source_lengths, F.pad(target, (0, 2), value=3), target_lengths
    got = model.log_probability(*padded)
    torch.testing.assert_close(got, expected, **close)
    grads = [torch.autograd.grad(total.sum(), model.parameters()) for total in (got, expected)]
    torch.testing.assert_close(*grads, **close)


@every_model
def test_step_by_step_is_teacher_forcing(kind, feeding):
    model = translator(kind, feeding)
    expected, rows = model(*BATCH[:3]).log_softmax(-1), model.alignments(*BATCH)
    state, tokens = model.begin(*BATCH[:2])
    for t, following in enumerate(BATCH[2].unbind(1)):
        log_probabilities, state = model.step(state, tokens)
        torch.testing.assert_close(log_probabilities, expected[:, t], **close)
        real = t < BATCH[3]
        torch.testing.assert_close(state.weights[real], rows[real, t], **close)
        tokens = following


def test_local_m_looks_along_the_diagonal():
    weights = translator("local-m", False).alignments(*BATCH)
    t, s = torch.arange(5)[:, None], torch.arange(6)
    real = keep_mask(BATCH[3], 5)[:, :, None] & keep_mask(BATCH[1], 6)[:, None]
    assert torch.equal(weights > 0, real & ((t - s).abs() <= 1))


def test_any_scorer_serves():
    for scorer in (DotAttention(), LocationAttention(STATE, 6)):
        scorer = scorer.double()
        torch.manual_seed(0)
        near = LocalTranslator(VS, VT, E, STATE, LocalMonotonicAttention(scorer, 9), start=START, end=END).double()
        everywhere = LuongTranslator(VS, VT, E, STATE, scorer, start=START, end=END).double()
        everywhere.load_state_dict({name.replace("scorer.", ""): part for name, part in near.state_dict().items()})
        torch.testing.assert_close(near.log_probability(*BATCH), everywhere.log_probability(*BATCH), **close)
