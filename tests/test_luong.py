"""Luong's translator is its equations, written out a word at a time; without input feeding its fast path is the same model."""

import pytest
import torch
from torch import nn

from utils.attention.additive import AdditiveAttention
from utils.attention.luong import LuongTranslator
from utils.attention.scores import CosineAttention, DotAttention, GeneralAttention, QKVAttention, ScaledDotAttention
from utils.batches import pad
from utils.decoding import beam_search, greedy
from utils.rnn import keep_mask
from utils.seq2seq import parameters_by_part, shift

close = {"rtol": 1e-10, "atol": 1e-10}
VS, VT, D, H = 9, 8, 3, 6
START, END = 1, 2
SOURCES = [[3, 4, 5], [8, 6, 3, 3, 7], [5]]
TARGETS = [[3, 7, 4, END], [5, END], [6, 3, 3, 4, END]]
BATCH = (*pad(SOURCES, 0), *pad(TARGETS, 0))
SCORES = {
    "dot": DotAttention,
    "scaled dot": ScaledDotAttention,
    "general": lambda: GeneralAttention(H, H),
    "additive": lambda: AdditiveAttention(H, H, 5),
    "cosine": lambda: CosineAttention(H),
    "QKV": lambda: QKVAttention(H, H, 4),
}
feeding = pytest.mark.parametrize("feeding", [False, True], ids=["plain", "input feeding"])


def build(feeding, score="general", seed=0):
    torch.manual_seed(seed)
    model = LuongTranslator(VS, VT, D, H, SCORES[score](), start=START, end=END, input_feeding=feeding).double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.7)
    return model


def gru(layer, x, h, suffix=""):
    """One step of a torch.nn GRU's direction on row vectors."""
    W_x, W_h, b_x, b_h = (getattr(layer, f"{name}_l0{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    (r_x, z_x, n_x), (r_h, z_h, n_h) = (x @ W_x.T + b_x).chunk(3), (h @ W_h.T + b_h).chunk(3)
    r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
    return (1 - z) * torch.tanh(n_x + r * n_h) + z * h


def by_equations(model, source, target):
    """log p(target | source) and the weights (T, S), one word at a time, as Luong et al. write it."""
    words, directions = [model.source_words.weight[i] for i in source], []
    for suffix in ("", "_reverse"):
        h, states = torch.zeros(H // 2, dtype=torch.float64), []
        for x in reversed(words) if suffix else words:
            h = gru(model.encoder, x, h, suffix)
            states.append(h)
        directions.append(states)
    annotations = torch.stack([torch.cat(both) for both in zip(directions[0], reversed(directions[1]))])
    s = torch.cat([directions[0][-1], directions[1][-1]])
    h_tilde, total, rows = torch.zeros(H, dtype=torch.float64), 0, []
    for before, y in zip([START, *target], target):
        word = model.target_words.weight[before]
        s = gru(model.decoder, torch.cat([word, h_tilde]) if model.input_feeding else word, s)
        alpha = torch.stack([s @ model.attention.W.weight @ h for h in annotations]).softmax(0)
        context = sum(a * h for a, h in zip(alpha, annotations))
        h_tilde = torch.tanh(model.combine.weight @ torch.cat([context, s]))
        total = total + (model.readout.weight @ h_tilde).log_softmax(0)[y]
        rows.append(alpha)
    return total, torch.stack(rows)


@feeding
@pytest.mark.parametrize("seed", [0, 1])
def test_the_translator_is_its_equations_gradient_included(feeding, seed):
    model = build(feeding, seed=seed)
    results = [by_equations(model, source, target) for source, target in zip(SOURCES, TARGETS)]
    expected = torch.stack([total for total, _ in results])
    got = model.log_probability(*BATCH)
    torch.testing.assert_close(got, expected, **close)
    parameters = list(model.parameters())
    torch.testing.assert_close(
        torch.autograd.grad(got.sum(), parameters), torch.autograd.grad(expected.sum(), parameters), **close
    )
    weights = model.alignments(*BATCH)
    for b, (_, rows) in enumerate(results):
        T, S = rows.shape
        torch.testing.assert_close(weights[b, :T, :S], rows, **close)
        assert not weights[b, T:].any() and not weights[b, :, S:].any()


@feeding
@pytest.mark.parametrize("score", SCORES)
def test_step_by_step_is_teacher_forcing_gradient_included(feeding, score):
    """The fast path answers all queries in one product; a search asks one at a time."""
    model = build(feeding, score)
    source, source_lengths, target, target_lengths = BATCH
    expected, aligned = model(source, source_lengths, target), model.alignments(*BATCH)
    state, tokens = model.begin(source, source_lengths)
    found = []
    for t, following in enumerate(target.unbind(1)):
        assert state.step.tolist() == [t] * 3
        scores, state = model.step(state, tokens)
        real = t < target_lengths
        torch.testing.assert_close(state.weights[real], aligned[real, t], **close)
        found.append(scores)
        tokens = following
    _, at_once = model.decode(shift(target, torch.full((3,), START)), model.begin(source, source_lengths)[0])
    for one, other in zip(state, at_once):
        torch.testing.assert_close(one, other, **close)
    got = torch.stack(found, 1)
    torch.testing.assert_close(got, expected.log_softmax(-1), **close)
    weights = torch.randn(got.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    parameters = list(model.parameters())
    torch.testing.assert_close(
        torch.autograd.grad((got * weights).sum(), parameters),
        torch.autograd.grad((expected.log_softmax(-1) * weights).sum(), parameters),
        **close,
    )


@feeding
def test_a_batch_is_its_sentences_and_padding_changes_nothing(feeding):
    model = build(feeding)
    expected = model.log_probability(*BATCH)
    for b, (source, target) in enumerate(zip(SOURCES, TARGETS)):
        alone = model.log_probability(*pad([source], 0), *pad([target], 0))
        torch.testing.assert_close(alone, expected[b : b + 1], **close)
    wider = [torch.nn.functional.pad(part, (0, 2), value=7) if part.ndim == 2 else part for part in BATCH]
    torch.testing.assert_close(model.log_probability(*wider), expected, **close)
    weights = model.alignments(*wider)
    torch.testing.assert_close(weights[:, :-2, :-2], model.alignments(*BATCH), **close)
    assert not weights[:, -2:].any() and not weights[:, :, -2:].any()


def test_only_with_input_feeding_does_the_answer_reach_the_next_step():
    """A nudge to h~ moves the state after the next word with it, and is forgotten without."""
    for feeding in (False, True):
        model = build(feeding)
        state, start = model.begin(*BATCH[:2])
        _, state = model.step(state, start)
        nudged = state._replace(attentional=state.attentional + 0.1)
        after, after_nudge = (model.step(one, torch.tensor([3, 5, 6]))[1].s for one in (state, nudged))
        assert (after != after_nudge).any(1).tolist() == [feeding] * 3


def test_a_decoder_without_input_feeding_ignores_where_it_looked():
    """Its states are those of a GRU that reads the target words; with input feeding they depend on the source all along."""
    model = build(False)
    state, _ = model.begin(*BATCH[:2])
    tokens = torch.tensor([[1, 3, 7], [1, 5, 5], [1, 6, 3]])
    states, last = model.decoder(model.target_words(tokens), state.s[None])
    torch.testing.assert_close(model.decode(tokens, state)[1].s, states[:, -1], **close)
    torch.testing.assert_close(last[0], states[:, -1], **close)
    blind = model.decode(tokens, state._replace(annotations=torch.zeros_like(state.annotations)))[1].s
    assert torch.equal(blind, model.decode(tokens, state)[1].s)


@feeding
def test_searches_run_over_it(feeding):
    model = build(feeding)
    best = greedy(model.step, *model.begin(*BATCH[:2]), 6, END)
    one_beam = beam_search(model.step, *model.begin(*BATCH[:2]), 6, 1, END)
    assert torch.equal(best.sequences, one_beam.sequences[:, 0])
    wide = beam_search(model.step, *model.begin(*BATCH[:2]), 6, 20, END)
    for b, row in enumerate(wide.sequences[:, 0]):
        target = row[: wide.lengths[b, 0]].tolist()
        if target[-1] == END:
            torch.testing.assert_close(
                wide.scores[b, 0].double(), by_equations(model, SOURCES[b], target)[0], rtol=1e-5, atol=1e-5
            )


@feeding
def test_half_precision_stays_close(feeding):
    model = build(feeding)
    expected = model.log_probability(*BATCH)
    got = model.to(torch.bfloat16).log_probability(*BATCH)
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got.double(), expected, rtol=0.05, atol=0.2)


def test_the_parts_and_their_weights():
    plain, fed = (parameters_by_part(build(feeding)) for feeding in (False, True))
    assert plain["attention"] == H * H and plain["combine"] == 2 * H * H and plain["readout"] == H * VT
    assert fed["decoder"] - plain["decoder"] == H * 3 * H
    assert {name: n for name, n in fed.items() if name != "decoder"} == {n: c for n, c in plain.items() if n != "decoder"}
    assert isinstance(build(False).decoder, nn.GRU)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="hidden_size is 5; expected an even number"):
        LuongTranslator(VS, VT, D, 5, DotAttention(), start=START, end=END)
    model = build(False)
    with pytest.raises(ValueError, match="source_lengths runs from 1 to 6; expected 1 to 5"):
        model(BATCH[0], torch.tensor([3, 6, 1]), BATCH[2])
    with pytest.raises(ValueError, match="target holds ids from 0 to 8; expected 0 to 7"):
        model(*BATCH[:2], BATCH[2].masked_fill(BATCH[2] == 7, 8))
    wrong = LuongTranslator(VS, VT, D, H, GeneralAttention(4, H), start=START, end=END)
    with pytest.raises(ValueError, match="query has shape"):
        wrong(*BATCH[:3])


def test_lengths_alone_say_what_is_padding():
    weights = build(True).alignments(*BATCH)
    assert weights.shape == (3, 5, 5)
    assert torch.equal(weights > 0, keep_mask(BATCH[3], 5)[:, :, None] & keep_mask(BATCH[1], 5)[:, None])
