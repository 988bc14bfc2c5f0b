"""Each translator is its equations, sentence by sentence; then, for all: padding, causality, steps, beams, learning, errors."""

import re
from itertools import islice

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from utils.attention.additive import AdditiveAttention
from utils.attention.conv_translator import ConvolutionalAttentionTranslator
from utils.attention.translator import AttentionTranslator
from utils.batches import bucketed, pad
from utils.conv_seq2seq import ConvolutionalTranslator
from utils.decoding import beam_search, greedy
from utils.seq2seq import EveryStep, FirstState, parameters_by_part, read_packed, reverse
from utils.training import train

DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
VS, VT, D, H = 9, 8, 3, 4
PAD, START, END = 0, 1, 2
KINDS = {
    "first state": lambda vs, vt, d, h, **ids: FirstState(vs, vt, d, h, **ids),
    "plain network": lambda vs, vt, d, h, **ids: FirstState(vs, vt, d, h, kind=nn.RNN, **ids),
    "deep LSTM, reversed": lambda vs, vt, d, h, **ids: FirstState(vs, vt, d, h, kind=nn.LSTM, layers=2, reverse=True, **ids),
    "every step": EveryStep,
    "convolutions": lambda vs, vt, d, h, **ids: ConvolutionalTranslator(vs, vt, h, layers=2, kernel=3, longest=12, **ids),
    "attention": lambda vs, vt, d, h, **ids: AttentionTranslator(vs, vt, d, h, AdditiveAttention(h, 2 * h, 5), **ids),
    "attention, one direction": lambda vs, vt, d, h, **ids: AttentionTranslator(
        vs, vt, d, h, AdditiveAttention(h, h, 5), bidirectional=False, **ids
    ),
    "attention, last word in the query": lambda vs, vt, d, h, **ids: AttentionTranslator(
        vs, vt, d, h, AdditiveAttention(h + d, 2 * h, 5), word_in_query=True, **ids
    ),
    "convolutions with attention": lambda vs, vt, d, h, **ids: ConvolutionalAttentionTranslator(
        vs, vt, h, layers=2, kernel=3, longest=12, **ids
    ),
    "one fixed context": lambda vs, vt, d, h, **ids: AttentionTranslator(vs, vt, d, h, None, **ids),
}
every_kind = pytest.mark.parametrize("name", KINDS)
close = {"rtol": 1e-11, "atol": 1e-11}


def build(name, seed=0):
    """A model in float64 whose weights are large enough for every part to be seen."""
    torch.manual_seed(seed)
    model = KINDS[name](VS, VT, D, H, start=START, end=END).double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.7)
    return model


def draw(B=4, S=6, T=5, seed=0):
    """Random pairs, target ids from 3 and an `end`: source, source_lengths, target, target_lengths; the longest are S and T."""
    g = torch.Generator().manual_seed(seed)
    source_lengths, target_lengths = (torch.randint(1, n + 1, (B,), generator=g) for n in (S, T))
    source_lengths[1], target_lengths[2], target_lengths[3] = S, T, 1
    sources = [torch.randint(3, VS, (n,), generator=g).tolist() for n in source_lengths]
    targets = [[*torch.randint(3, VT, (n - 1,), generator=g).tolist(), END] for n in target_lengths]
    return *pad(sources, PAD), *pad(targets, PAD)


def gradients(value, model):
    return torch.autograd.grad(value, list(model.parameters()))


# The equations, for one sentence and one step at a time, on row vectors


def cell(kind, layer, depth, x, state):
    """One step of a torch.nn layer by its equations: x (D,), state (h,) or (h, c) -> the next state."""
    W_x, W_h, b_x, b_h = (getattr(layer, f"{p}_l{depth}") for p in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    from_x, from_h = x @ W_x.T + b_x, state[0] @ W_h.T + b_h
    if kind is nn.RNN:
        return (torch.tanh(from_x + from_h),)
    if kind is nn.GRU:
        r, z = (from_x + from_h)[: 2 * H].sigmoid().chunk(2)
        n = torch.tanh(from_x[2 * H :] + r * from_h[2 * H :])
        return ((1 - z) * n + z * state[0],)
    i, f, g, o = (from_x + from_h).chunk(4)
    c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def stack_step(kind, layer, x, states):
    """One step of a stack of layers: -> what the top gives, and all their states."""
    after = []
    for depth, state in enumerate(states):
        after.append(cell(kind, layer, depth, x, state))
        x = after[-1][0]
    return x, after


def zeros(kind, layers):
    return [(torch.zeros(H, dtype=torch.float64),) * (1 + (kind is nn.LSTM))] * layers


def first_state_by_equations(model, source, target, kind, layers, backwards):
    words = [model.source_words.weight[i] for i in source]
    states = zeros(kind, layers)
    for x in reversed(words) if backwards else words:
        _, states = stack_step(kind, model.encoder, x, states)
    total = 0
    for before, y in zip([START, *target], target):
        top, states = stack_step(kind, model.decoder, model.target_words.weight[before], states)
        total = total + (top @ model.readout.weight.T + model.readout.bias).log_softmax(0)[y]
    return total


def every_step_by_equations(model, source, target):
    (state,) = zeros(nn.GRU, 1)
    for i in source:
        state = cell(nn.GRU, model.encoder, 0, model.source_words.weight[i], state)
    h, total = state[0], 0
    z = torch.tanh(h @ model.first_state.weight.T + model.first_state.bias)
    for before, y in zip([START, *target], target):
        word = model.target_words.weight[before]
        (z,) = cell(nn.GRU, model.decoder, 0, torch.cat([word, h]), (z,))
        logits = torch.cat([z, word, h]) @ model.readout.weight.T + model.readout.bias
        total = total + logits.log_softmax(0)[y]
    return total


def convolve(layer, rows, left):
    """A gated convolution of width 3 over rows (each (H,)), the first of its three inputs `left` places back."""
    W, b, nothing = layer.convolution.weight, layer.convolution.bias, torch.zeros(H, dtype=torch.float64)
    out = []
    for t in range(len(rows)):
        places = [t - left, t - left + 1, t - left + 2]
        inputs = [rows[p] if 0 <= p < len(rows) else nothing for p in places]
        a, gate = (sum(x @ W[:, :, i].T for i, x in enumerate(inputs)) + b).chunk(2)
        out.append(a * gate.sigmoid())
    return out


def convolutions_by_equations(model, source, target):
    x = [model.source_words.weight[i] + model.source_places.weight[t] for t, i in enumerate(source)]
    for layer in model.encoder:
        x = [row + new for row, new in zip(x, convolve(layer, x, left=1))]
    summary = sum(x) / len(x)
    y = [model.target_words.weight[i] + model.target_places.weight[t] for t, i in enumerate([START, *target[:-1]])]
    for layer in model.decoder:
        y = [row + new + summary for row, new in zip(y, convolve(layer, y, left=2))]
    logits = [row @ model.readout.weight.T + model.readout.bias for row in y]
    return sum(row.log_softmax(0)[i] for row, i in zip(logits, target))


EQUATIONS = {
    "first state": lambda *pair: first_state_by_equations(*pair, nn.GRU, 1, False),
    "plain network": lambda *pair: first_state_by_equations(*pair, nn.RNN, 1, False),
    "deep LSTM, reversed": lambda *pair: first_state_by_equations(*pair, nn.LSTM, 2, True),
    "every step": every_step_by_equations,
    "convolutions": convolutions_by_equations,
}


@pytest.mark.parametrize("name", EQUATIONS)
@pytest.mark.parametrize("seed", [0, 1])
def test_is_its_equations_gradient_included(name, seed):
    model, batch = build(name, seed), draw(seed=seed)
    source, source_lengths, target, target_lengths = batch
    rows = zip(source.tolist(), source_lengths.tolist(), target.tolist(), target_lengths.tolist())
    expected = torch.stack([EQUATIONS[name](model, s[:n], t[:m]) for s, n, t, m in rows])
    got = model.log_probability(*batch)
    torch.testing.assert_close(got, expected, **close)
    loss = model.loss(*batch)
    torch.testing.assert_close(loss, -expected.sum() / target_lengths.sum(), **close)
    torch.testing.assert_close(gradients(loss, model), gradients(-expected.sum() / target_lengths.sum(), model), **close)


def test_reverse_by_hand():
    tokens = torch.tensor([[1, 2, 3, 0], [4, 5, 0, 0], [6, 7, 8, 9]])
    expected = [[3, 2, 1, 0], [5, 4, 0, 0], [9, 8, 7, 6]]
    assert reverse(tokens, torch.tensor([3, 2, 4])).tolist() == expected
    assert tokens[0].tolist() == [1, 2, 3, 0]


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_read_packed_is_the_layer_over_each_sentence_alone(kind):
    torch.manual_seed(0)
    layer = kind(D, H, 2, batch_first=True, bidirectional=True).double()
    x, lengths = torch.randn(3, 5, D, dtype=torch.float64), torch.tensor([2, 5, 1])
    outputs, state = read_packed(layer, x, lengths)
    assert outputs.shape == (3, 5, 2 * H)
    for b, n in enumerate(lengths.tolist()):
        alone, last = layer(x[b : b + 1, :n])
        torch.testing.assert_close(outputs[b, :n], alone[0], **close)
        assert not outputs[b, n:].any()
        for part, last_part in zip(*((s if isinstance(s, tuple) else (s,)) for s in (state, last))):
            torch.testing.assert_close(part[b], last_part[:, 0], **close)


# What holds for every translator


@every_kind
def test_a_batch_is_its_single_sentences(name):
    model, batch = build(name), draw()
    together = model.log_probability(*batch)
    assert together.shape == (4,)
    source, source_lengths, target, target_lengths = batch
    for b, (n, m) in enumerate(zip(source_lengths, target_lengths)):
        alone = model.log_probability(source[b : b + 1, :n], n[None], target[b : b + 1, :m], m[None])
        torch.testing.assert_close(together[b : b + 1], alone, **close)


@every_kind
def test_padding_changes_nothing(name):
    """Seven more places, and other ids in all of them: the same loss and gradient, none of it for what only pads."""
    model, (source, source_lengths, target, target_lengths) = build(name), draw()
    loss = model.loss(source, source_lengths, target, target_lengths)
    expected = gradients(loss, model)
    longer = F.pad(source, (0, 7), value=PAD), F.pad(target, (0, 7), value=PAD)
    for padding in (PAD, 5):
        padded = []
        for tokens, lengths in zip(longer, (source_lengths, target_lengths)):
            padded += [tokens.where(torch.arange(tokens.shape[1]) < lengths[:, None], padding), lengths]
        again = model.loss(*padded)
        torch.testing.assert_close(again, loss, **close)
        got = gradients(again, model)
        torch.testing.assert_close(got, expected, **close)
        named = dict(zip([name for name, _ in model.named_parameters()], got))
        assert not named["source_words.weight"][PAD].any() and not named["target_words.weight"][PAD].any()
        assert named["source_words.weight"][3:].any(1).all()


@every_kind
def test_no_logit_depends_on_its_own_token_or_a_later_one(name):
    model, (source, lengths, target, _) = build(name), draw()
    logits = model(source, lengths, target)
    assert logits.shape == (4, 5, VT)
    for t in range(5):
        changed = target.clone()
        changed[:, t] = (changed[:, t] + 1) % VT
        again = model(source, lengths, changed)
        torch.testing.assert_close(again[:, : t + 1], logits[:, : t + 1], rtol=0, atol=0)
        assert (again[:, t + 1 : t + 2] != logits[:, t + 1 : t + 2]).any(-1).all()


@every_kind
def test_every_source_token_has_a_say(name):
    model, (source, lengths, target, _) = build(name), draw()
    logits = model(source, lengths, target)
    for s in range(6):
        changed = source.clone()
        changed[:, s] = 3 + (changed[:, s] - 2) % (VS - 3)
        moved = (model(source=changed, source_lengths=lengths, target=target) != logits).flatten(1).any(1)
        assert torch.equal(moved, s < lengths)


@every_kind
def test_step_by_step_is_teacher_forcing(name):
    model, batch = build(name), draw()
    source, source_lengths, target, target_lengths = batch
    state, tokens = model.begin(source, source_lengths)
    assert tokens.tolist() == [START] * 4
    total = torch.zeros(4, dtype=torch.float64)
    for t, following in enumerate(target.unbind(1)):
        scores, state = model.step(state, tokens)
        torch.testing.assert_close(scores.exp().sum(-1), torch.ones(4, dtype=torch.float64))
        total += scores.gather(1, following[:, None])[:, 0] * (t < target_lengths)
        tokens = following
    torch.testing.assert_close(total, model.log_probability(*batch), **close)


@every_kind
def test_what_beams_find_has_the_score_that_teacher_forcing_gives_it(name):
    model, (source, lengths, *_) = build(name), draw()
    with torch.no_grad():
        model.readout.bias[END] += 4
    found = beam_search(model.step, *model.begin(source, lengths), 7, beams=3, eos=END)
    ended = found.sequences.gather(2, found.lengths[..., None] - 1)[..., 0] == END  # the others ran out of places
    assert ended.sum() >= 6
    for rank in range(3):
        rows = ended[:, rank]
        if rows.any():
            pairs = source[rows], lengths[rows], found.sequences[rows, rank], found.lengths[rows, rank]
            torch.testing.assert_close(model.log_probability(*pairs), found.scores[rows, rank], **close)
    one = greedy(model.step, *model.begin(source[2:3, : lengths[2]], lengths[2:3]), 7, END)
    every = greedy(model.step, *model.begin(source, lengths), 7, END)
    assert torch.equal(one.sequences[0], every.sequences[2])


@every_kind
def test_the_same_seed_gives_the_same_bits(name):
    def once(seed):
        torch.manual_seed(seed)
        model = KINDS[name](VS, VT, D, H, start=START, end=END)
        loss = model.loss(*draw())
        return [loss, *gradients(loss, model)]

    first, again, other = once(3), once(3), once(4)
    assert all(torch.equal(a, b) for a, b in zip(first, again))
    assert first[0] != other[0]
    assert first[0].dtype == torch.float32


@every_kind
@pytest.mark.parametrize("where", DEVICES)
def test_moves_to_every_device(name, where):
    model, (source, source_lengths, target, target_lengths) = build(name).float(), draw()
    expected = model.log_probability(source, source_lengths, target, target_lengths)
    model, source, target = model.to(where), source.to(where), target.to(where)  # lengths may stay where they are
    got = model.log_probability(source, source_lengths, target, target_lengths)
    torch.testing.assert_close(got.cpu(), expected, rtol=1e-4, atol=1e-4)
    assert beam_search(model.step, *model.begin(source, source_lengths), 4, 2, END).sequences.device.type == where


@every_kind
def test_the_arguments_are_left_as_they_were(name):
    model, batch = build(name), draw()
    before = [part.clone() for part in batch]
    model.loss(*batch)
    beam_search(model.step, *model.begin(*batch[:2]), 4, 2, END)
    assert all(torch.equal(a, b) for a, b in zip(before, batch))


@pytest.mark.parametrize("name", ["every step", "convolutions", "attention"])
def test_learns_to_turn_five_symbols_around(name):
    """All 155 words of 1 to 3 symbols, backwards, as a greedy search writes them."""
    words = [[3 + n // 5**i % 5 for i in range(size)] for size in (1, 2, 3) for n in range(5**size)]
    sides = pad(words, PAD), pad([[*word[::-1], END] for word in words], PAD)
    torch.manual_seed(0)
    model = KINDS[name](8, 8, 16, 32, start=START, end=END)
    batches = bucketed(*sides, size=32, generator=torch.Generator().manual_seed(0))
    history = train(model.loss, batches, torch.optim.Adam(model.parameters(), 0.01), steps=200, clip=1.0)
    assert history.loss[0] > 1.9  # log 8 = 2.08
    found = greedy(model.step, *model.begin(*sides[0]), 6, END)
    right = [found.sequences[i, : len(word) + 1].tolist() == [*word[::-1], END] for i, word in enumerate(words)]
    assert sum(right) >= 150
    assert len(list(islice(batches, 1))) == 1


def test_the_sizes_of_the_parts():
    """300-d words, 500-d states, dictionaries of 9k and 10k: the output layer against the recurrent one."""
    ratios = {}
    for kind in (nn.RNN, nn.GRU, nn.LSTM):
        parts = parameters_by_part(FirstState(9_000, 10_000, 300, 500, start=1, end=2, kind=kind))
        assert list(parts) == ["source_words", "target_words", "encoder", "decoder", "readout"]
        assert parts["source_words"] == 2_700_000 and parts["target_words"] == 3_000_000
        assert parts["readout"] == 5_010_000  # 500 x 10,000 weights, 10,000 biases
        assert parts["encoder"] == parts["decoder"]
        ratios[kind.__name__] = round(parts["readout"] / parts["decoder"], 1)
    assert ratios == {"RNN": 12.5, "GRU": 4.2, "LSTM": 3.1}


# Errors

source, source_lengths, target, target_lengths = draw()


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        ((source[0], source_lengths, target, target_lengths), ValueError, "source has shape (6,); expected (B, S)"),
        ((source + 1, source_lengths, target, target_lengths), ValueError, "source holds ids from 1 to 9; expected 0 to 8"),
        ((source.float(), source_lengths, target, target_lengths), TypeError, "source has dtype torch.float32"),
        ((source, source_lengths[:3], target, target_lengths), ValueError, "source_lengths has shape (3,); expected (4,)"),
        ((source, source_lengths * 0, target, target_lengths), ValueError, "source_lengths runs from 0 to 0; expected 1 to 6"),
        ((source, source_lengths, target[:3], target_lengths), ValueError, "target has shape (3, 5); expected (4, T)"),
        ((source, source_lengths, target + 2, target_lengths), ValueError, "target holds ids from 2 to 9; expected 0 to 7"),
        ((source, source_lengths, target, target_lengths + 1), ValueError, "target_lengths runs from 2 to 6; expected 1 to 5"),
        (
            (source, source_lengths, target, (target_lengths - 1).clamp(min=1)),
            ValueError,
            "target has a sentence whose last token is not end = 2; expected it in all of them",
        ),
    ],
)
def test_bad_input_is_named(batch, error, message):
    with pytest.raises(error, match=re.escape(message)):
        build("every step").loss(*batch)


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="start is 8; expected a target token from 0 to 7"):
        EveryStep(VS, VT, D, H, start=8, end=2)
    with pytest.raises(ValueError, match="end is -1; expected a target token from 0 to 7"):
        EveryStep(VS, VT, D, H, start=1, end=-1)
    with pytest.raises(ValueError, match="kernel is 4; expected an odd width from 3"):
        ConvolutionalTranslator(VS, VT, H, start=1, end=2, layers=1, kernel=4, longest=5)
    with pytest.raises(ValueError, match="source has a sentence of 6 tokens; expected at most longest = 5"):
        ConvolutionalTranslator(VS, VT, H, start=1, end=2, layers=1, kernel=3, longest=5).loss(*draw())
    with pytest.raises(ValueError, match="target has a sentence of 7 tokens; expected at most longest = 6"):
        ConvolutionalTranslator(VS, VT, H, start=1, end=2, layers=1, kernel=3, longest=6).loss(*draw(T=7))
