"""The LSTMN is its equations, and an ordinary LSTM where its attention has no choice."""

import re

import pytest
import torch
from torch import nn

from utils.attention.additive import AdditiveAttention
from utils.attention.intra import LSTMN, IntraLanguageModel, Newest, fit
from utils.batches import pad
from utils.rnn import LSTM, keep_mask

B, T, D, H, A = 3, 6, 4, 5, 7
LENGTHS = torch.tensor([6, 2, 4])
close = {"rtol": 1e-11, "atol": 1e-11}


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


def build(seed=0, attention=None):
    torch.manual_seed(seed)
    layer = LSTMN.additive(D, H, A) if attention is None else LSTMN(D, H, attention)
    layer = layer.double()
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.randn_like(p) * 0.8)
    return layer


def by_equations(layer, x):
    """Outputs (T, H) and the rows of weights for one sequence x (T, D), a number and a state at a time."""
    W_q, W_h, v = layer.attention.W.weight.T, layer.attention.U.weight.T, layer.attention.v.weight[0]
    W_x, W_read = W_q[:D], W_q[D:]
    zeros = torch.zeros(H, dtype=torch.float64)
    hidden, cells, rows, read = [], [], [], zeros
    for x_t in x:
        if hidden:
            s = torch.stack([torch.tanh(h @ W_h + x_t @ W_x + read @ W_read) @ v for h in hidden]).softmax(0)
            read, cell = (sum(weight * one for weight, one in zip(s, tape)) for tape in (hidden, cells))
            rows.append(s)
        else:
            read, cell = zeros, zeros
            rows.append(zeros[:0])
        i, f, g, o = (x_t @ layer.cell.W_xh + layer.cell.b_x + read @ layer.cell.W_hh + layer.cell.b_h).chunk(4)
        cells.append(f.sigmoid() * cell + i.sigmoid() * g.tanh())
        hidden.append(o.sigmoid() * cells[-1].tanh())
    return torch.stack(hidden), rows


@pytest.mark.parametrize("seed", [0, 1])
def test_is_its_equations_gradient_included(seed):
    layer, x = build(seed), drawn(B, T, D, seed=seed)
    outputs, weights, state = layer(x, lengths=LENGTHS)
    assert outputs.shape == (B, T, H) and weights.shape == (B, T, T) and state.tapes.shape == (B, T, 2 * H)
    expected, total = torch.zeros(B, T, H, dtype=torch.float64), 0
    for b, n in enumerate(LENGTHS):
        hidden, rows = by_equations(layer, x[b, :n])
        expected[b, :n] = hidden
        for t, row in enumerate(rows):
            torch.testing.assert_close(weights[b, t, :t], row, **close)
            total = total + row.square().sum()
    torch.testing.assert_close(outputs, expected, **close)
    inputs = (x, *layer.parameters())
    torch.testing.assert_close(
        torch.autograd.grad(outputs.square().sum() + weights.square().sum(), inputs),
        torch.autograd.grad(expected.square().sum() + total, inputs),
        **close,
    )


def test_two_steps_by_hand():
    """One unit, its weights 0 and its gates set by biases: c = c~ / 2 + 1, from 0 on."""
    layer = LSTMN(1, 1, Newest()).double()
    with torch.no_grad():
        for p in layer.parameters():
            p.zero_()
        layer.cell.b_x.copy_(torch.tensor([50.0, 0.0, 50.0, 50.0]))  # i = 1, f = 1/2, g = 1, o = 1
    outputs, weights, state = layer(torch.ones(2, 3, 1, dtype=torch.float64))
    cells = torch.tensor([1, 1.5, 1.75], dtype=torch.float64)
    torch.testing.assert_close(outputs[1, :, 0], cells.tanh(), **close)
    torch.testing.assert_close(state.tapes[0, :, 1], cells, **close)
    assert weights[0].round(decimals=12).tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


def test_weights_stand_strictly_below_the_diagonal_and_sum_to_one():
    _, weights, _ = build()(drawn(B, T, D), lengths=LENGTHS)
    real = keep_mask(LENGTHS, T)
    assert torch.equal(weights > 0, torch.ones(T, T).tril(-1).bool() & real[:, :, None] & real[:, None])
    expected = real.double()
    expected[:, 0] = 0  # the first step has nothing to read
    torch.testing.assert_close(weights.sum(-1), expected, **close)


def test_with_no_choice_it_is_torchs_lstm_gradient_included():
    layer, x = build(attention=Newest()), drawn(B, T, D)
    reference = nn.LSTM(D, H, batch_first=True).double()
    layer.cell = LSTM.from_torch(reference)
    outputs, weights, _ = layer(x)
    expected, _ = reference(x)
    torch.testing.assert_close(outputs, expected, **close)
    torch.testing.assert_close(weights, torch.eye(T, dtype=torch.float64).roll(-1, 1).tril(-1).expand(B, T, T), **close)
    torch.testing.assert_close(
        torch.autograd.grad(outputs.square().sum(), x), torch.autograd.grad(expected.square().sum(), x), **close
    )
    short, _, _ = layer(x, lengths=LENGTHS)
    torch.testing.assert_close(short, expected * keep_mask(LENGTHS, T)[..., None], **close)


def test_an_attention_of_your_own_reads_what_it_likes():
    """Always the first state: every later step starts from h_0 and c_0."""

    class Oldest(Newest):
        def score(self, query, projected):
            return -super().score(query, projected)

    layer, x = build(attention=Oldest()), drawn(B, T, D)
    outputs, _, _ = layer(x)
    _, first = layer.cell(x[:, :1])
    for t in range(1, T):
        torch.testing.assert_close(outputs[:, t], layer.cell(x[:, t : t + 1], first)[0][:, 0], **close)


@pytest.mark.parametrize("attention", [None, Newest()])
def test_piece_by_piece_is_the_whole(attention):
    layer, x = build(attention=attention), drawn(B, T, D)
    expected, expected_weights, last = layer(x)
    state, start = None, 0
    for size in (1, 3, 2):
        outputs, weights, state = layer(x[:, start : start + size], state)
        torch.testing.assert_close(outputs, expected[:, start : start + size], **close)
        torch.testing.assert_close(weights, expected_weights[:, start : start + size, : start + size], **close)
        start += size
    for part, expected_part in zip(state, last):
        torch.testing.assert_close(part, expected_part, **close)


@pytest.mark.parametrize("attention", [None, Newest()])
def test_padding_changes_nothing_then_or_later(attention):
    """Each sequence as if it were alone; what is read after the padding does not see it."""
    layer, x, more = build(attention=attention), drawn(B, T, D), drawn(B, 2, D, seed=1)
    padded = x.detach().clone()
    for b, n in enumerate(LENGTHS):
        padded[b, n:] = 1e30
    outputs, weights, state = layer(padded, lengths=LENGTHS)
    later, later_weights, _ = layer(more, state)
    for b, n in enumerate(LENGTHS):
        alone, alone_weights, alone_state = layer(x[b : b + 1, :n])
        torch.testing.assert_close(outputs[b : b + 1, :n], alone, **close)
        torch.testing.assert_close(weights[b : b + 1, :n, :n], alone_weights, **close)
        assert not outputs[b, n:].any() and not weights[b, n:].any() and not weights[b, :, n:].any()
        then, then_weights, _ = layer(more[b : b + 1], alone_state)
        torch.testing.assert_close(later[b : b + 1], then, **close)
        assert not later_weights[b, :, n:T].any()
        torch.testing.assert_close(later_weights[b, :, T:], then_weights[0, :, n:], **close)


def test_the_scores_have_the_parameters_of_the_paper():
    layer = LSTMN.additive(D, H, A)
    assert isinstance(layer.attention, AdditiveAttention)
    sizes = {name: p.numel() for name, p in layer.attention.named_parameters()}
    assert sizes == {"W.weight": (D + H) * A, "U.weight": H * A, "v.weight": A}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    layer, x = build(), drawn(B, T, D).detach()
    expected, expected_weights, _ = layer(x, lengths=LENGTHS)
    outputs, weights, _ = layer.to(dtype)(x.to(dtype), lengths=LENGTHS)
    assert outputs.dtype == weights.dtype == dtype
    torch.testing.assert_close(outputs.double(), expected, rtol=0.1, atol=0.1)
    torch.testing.assert_close(weights.double(), expected_weights, rtol=0.1, atol=0.1)
    outputs.square().sum().backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters())


# The language model

SENTENCES = pad([[1, 3, 4, 5, 2], [1, 4, 2], [1, 5, 5, 3, 4, 3, 2]], 0)


def test_the_loss_is_a_mean_over_the_real_tokens_that_have_one_before_them():
    torch.manual_seed(0)
    model = IntraLanguageModel(6, LSTMN.additive(D, H, A)).double()
    tokens, lengths = SENTENCES
    total = 0
    for row, n in zip(tokens, lengths):
        outputs, _ = by_equations(model.layer, model.embedding(row[: n - 1]))
        log_p = model.readout(outputs).log_softmax(-1)
        total = total - log_p.gather(1, row[1:n, None]).sum()
    torch.testing.assert_close(model.loss(tokens, lengths), total / (lengths - 1).sum(), **close)
    wider = torch.nn.functional.pad(tokens, (0, 3), value=5)
    torch.testing.assert_close(model.loss(wider, lengths), model.loss(tokens, lengths), **close)


def test_learns_to_repeat_what_it_read_long_ago():
    """a . . = a: the last token is the one after the start."""
    rows = [[1, word, 2, 2, 3, word] for word in range(4, 10)]
    torch.manual_seed(0)
    model = IntraLanguageModel(10, LSTMN.additive(8, 32, 8))
    history = fit(model, pad(rows * 11, 0), steps=300, seed=0, rate=0.02)
    assert history.loss[0] > 1.5
    logits, weights = model(*pad(rows, 0))
    assert logits[:, -2].argmax(-1).tolist() == list(range(4, 10))
    assert weights.shape == (6, 6, 6)


good = drawn(B, T, D).detach()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": good[0]}, ValueError, "x has shape (6, 4); expected (B, T, 4)"),
        ({"x": good[..., :3]}, ValueError, "x has shape (3, 6, 3); expected (B, T, 4)"),
        ({"x": good.float()}, TypeError, "x has dtype torch.float32; expected torch.float64"),
        ({"x": good, "lengths": LENGTHS + 1}, ValueError, "lengths runs from 3 to 7; expected 1 to 6"),
        ({"x": good, "state": build().initial_state(2)}, ValueError, "state.read has shape (2, 5); expected (3, 5)"),
    ],
)
def test_bad_input_is_named(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        build()(**arguments)


def test_a_sentence_of_one_token_has_no_loss():
    model = IntraLanguageModel(6, LSTMN.additive(D, H, A))
    with pytest.raises(ValueError, match="lengths - 1 runs from 0 to 3; expected 1 to 3"):
        model.loss(*pad([[1, 3, 4, 2], [1]], 0))
