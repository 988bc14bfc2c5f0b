"""Each layer is torch.nn's with the same weights, gradient included; then padding, causality, state, errors, learning."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from benchmarks.rnn import NumPyLoop
from utils.rnn import GRU, LSTM, RNN, LanguageModel, detach, keep_mask

TORCH = {RNN: nn.RNN, LSTM: nn.LSTM, GRU: nn.GRU}
DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
kinds = pytest.mark.parametrize("kind", TORCH)
drawn_sizes = given(
    B=st.integers(1, 4), T=st.integers(1, 6), D=st.integers(1, 5), H=st.integers(1, 5), seed=st.integers(0, 9999)
)


def draw(kind, B=3, T=5, D=4, H=6, seed=0, dtype=torch.float64):
    """torch.nn's layer, ours with its weights, and a random x, state and lengths, the longest being T."""
    torch.manual_seed(seed)
    theirs = TORCH[kind](D, H, batch_first=True, dtype=dtype)
    x = torch.randn(B, T, D, dtype=dtype, requires_grad=True)
    state = tuple(torch.randn(B, H, dtype=dtype, requires_grad=True) for _ in range(kind.state_size))
    lengths = torch.randint(1, T + 1, (B,))
    lengths[torch.randint(B, ())] = T
    return theirs, kind.from_torch(theirs), x, state, lengths


def run_torch(layer, x, state=None, lengths=None):
    """What torch.nn says: outputs (B, T, H), 0 past the lengths, and the final state as our tuple."""
    if state is not None:
        state = tuple(part[None] for part in state)
        state = state if isinstance(layer, nn.LSTM) else state[0]
    if lengths is None:
        outputs, final = layer(x, state)
    else:
        packed, final = layer(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False), state)
        outputs, _ = pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
    return outputs, tuple(part[0] for part in (final if isinstance(final, tuple) else (final,)))


def gradients(outputs, final, wanted):
    """The gradient, for each of `wanted`, of one random function of everything that a layer returns."""
    generator = torch.Generator().manual_seed(1)
    parts = (outputs, *final)
    total = sum((torch.randn(p.shape, generator=generator, dtype=torch.float64).to(p) * p).sum() for p in parts)
    return torch.autograd.grad(total, wanted)


def assert_same_function(theirs, ours, x, state, lengths, tolerance):
    """Outputs, final state and every gradient agree, from a given state and from the zeros that None stands for."""
    close = {"rtol": tolerance, "atol": tolerance}
    for start in (state, None):
        want_outputs, want_final = run_torch(theirs, x, start, lengths)
        outputs, final = ours(x, start, lengths)
        torch.testing.assert_close(outputs, want_outputs, **close)
        torch.testing.assert_close(final, want_final, **close)
        inputs = [x, *(start or ())]
        weights = [theirs.weight_ih_l0, theirs.weight_hh_l0, theirs.bias_ih_l0, theirs.bias_hh_l0]
        want = gradients(want_outputs, want_final, [*inputs, *weights])
        got = gradients(outputs, final, [*inputs, ours.W_xh, ours.W_hh, ours.b_x, ours.b_h])
        want = [*want[: len(inputs)], *(g.mT if g.ndim == 2 else g for g in want[len(inputs) :])]
        torch.testing.assert_close(list(got), want, **close)


@kinds
@pytest.mark.parametrize("padded", [False, True])
@drawn_sizes
@settings(max_examples=25, deadline=None, derandomize=True)
def test_equals_torch_gradient_included(kind, padded, B, T, D, H, seed):
    theirs, ours, x, state, lengths = draw(kind, B, T, D, H, seed)
    assert_same_function(theirs, ours, x, state, lengths if padded else None, 1e-11)


@kinds
@pytest.mark.parametrize("padded", [False, True])
def test_equals_torch_in_float32_on_a_long_sequence(kind, padded):
    theirs, ours, x, state, lengths = draw(kind, B=5, T=60, D=7, H=11, dtype=torch.float32)
    assert_same_function(theirs, ours, x, state, lengths if padded else None, 1e-4)


def test_the_plain_cell_by_hand():
    layer = RNN(1, 1).double()
    for parameter, value in zip((layer.W_xh, layer.W_hh, layer.b_x, layer.b_h), (0.5, 2.0, 0.25, -0.5)):
        nn.init.constant_(parameter, value)
    outputs, (h,) = layer(torch.tensor([[[1.0], [-1.0]]], dtype=torch.float64))
    first = math.tanh(0.25)  # 0.5 * 1 + 0.25 + 2 * 0 - 0.5
    assert outputs.flatten().tolist() == pytest.approx([first, math.tanh(2 * first - 0.75)], abs=1e-15)
    assert torch.equal(h, outputs[:, -1])


def test_keep_mask_by_hand():
    expected = [[True, False, False], [True, True, True], [True, True, False]]
    assert keep_mask(torch.tensor([1, 3, 2]), 3).tolist() == expected


@kinds
@pytest.mark.parametrize("padded", [False, True])
def test_each_row_alone_equals_its_row_in_the_batch(kind, padded):
    _, layer, x, state, lengths = draw(kind, B=4, T=7)
    lengths = lengths if padded else torch.full((4,), 7)
    outputs, final = layer(x, state, lengths if padded else None)
    for b, length in enumerate(lengths.tolist()):
        alone, alone_final = layer(x[b : b + 1, :length], tuple(part[b : b + 1] for part in state))
        torch.testing.assert_close(outputs[b : b + 1, :length], alone, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(tuple(part[b : b + 1] for part in final), alone_final, rtol=1e-12, atol=1e-12)


@kinds
@pytest.mark.parametrize("garbage", [0.0, 1e3, torch.finfo(torch.float64).max])
def test_padding_changes_nothing(kind, garbage):
    """Two more steps of padding, and garbage in all of it: the same outputs, state and gradients, and zeros in the padding."""
    _, layer, x, state, lengths = draw(kind)
    wanted = [*state, *layer.parameters()]
    outputs, final = layer(x, state, lengths)
    expected = gradients(outputs, final, [x, *wanted])
    longer = torch.cat([x.detach(), torch.zeros(3, 2, 4, dtype=x.dtype)], 1)
    keep = keep_mask(lengths, 7)
    longer[~keep] = garbage * torch.randn(longer[~keep].shape, dtype=x.dtype).sign()
    longer.requires_grad_()
    padded_outputs, padded_final = layer(longer, state, lengths)
    # not to the last bit: a matrix product of another size may be summed in another order
    torch.testing.assert_close(padded_outputs[:, :5], outputs, rtol=1e-13, atol=1e-13)
    assert torch.equal(padded_outputs[~keep], torch.zeros_like(padded_outputs[~keep]))
    torch.testing.assert_close(padded_final, final, rtol=1e-13, atol=1e-13)
    got = gradients(padded_outputs[:, :5], padded_final, [longer, *wanted])
    assert torch.equal(got[0][:, 5:], torch.zeros(3, 2, 4, dtype=x.dtype))
    torch.testing.assert_close([got[0][:, :5], *got[1:]], list(expected), rtol=1e-12, atol=1e-12)


@kinds
def test_padding_that_overflows_changes_nothing(kind):
    """The largest number of either sign, times a weight above 1, would give inf - inf: a NaN, which no factor 0 removes."""
    results = []
    for garbage in (0.0, torch.finfo(torch.bfloat16).max):
        _, layer, x, state, _ = draw(kind, D=512, dtype=torch.bfloat16)
        lengths = torch.tensor([5, 1, 2])
        with torch.no_grad():
            layer.W_xh.mul_(10)
            x[~keep_mask(lengths, 5)] = garbage
            x[..., ::2] *= -1
        outputs, final = layer(x, state, lengths)
        results.append([outputs, *final, *gradients(outputs, final, [x, *state, *layer.parameters()])])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


@kinds
def test_full_lengths_are_the_same_as_none(kind):
    _, layer, x, state, _ = draw(kind)
    outputs, final = layer(x, state, torch.full((3,), 5))
    plain, plain_final = layer(x, state)
    assert torch.equal(outputs, plain)
    assert all(torch.equal(a, b) for a, b in zip(final, plain_final))


@kinds
def test_the_future_changes_nothing(kind):
    _, layer, x, state, _ = draw(kind)
    outputs, _ = layer(x, state)
    for t in range(1, 5):
        changed = x.detach().clone()
        changed[:, t:] += 1
        perturbed, _ = layer(changed, state)
        assert torch.equal(perturbed[:, :t], outputs[:, :t])
        assert (perturbed[:, t:] != outputs[:, t:]).any(-1).all()  # and from t on, everything does


@kinds
@pytest.mark.parametrize("cut", [1, 3, 4])
def test_two_halves_with_the_state_carried_equal_one_run(kind, cut):
    _, layer, x, state, _ = draw(kind)
    outputs, final = layer(x, state)
    first, between = layer(x[:, :cut], state)
    second, last = layer(x[:, cut:], between)
    torch.testing.assert_close(torch.cat([first, second], 1), outputs, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(last, final, rtol=1e-12, atol=1e-12)


@kinds
def test_the_arguments_are_left_as_they_were(kind):
    _, layer, x, state, lengths = draw(kind)
    before = [part.detach().clone() for part in (x, *state, lengths)]
    layer(x, state, lengths)
    assert all(torch.equal(a, b) for a, b in zip(before, (x, *state, lengths)))


@kinds
@pytest.mark.parametrize("where", DEVICES)
def test_moves_to_every_device(kind, where):
    torch.manual_seed(0)
    layer, x, lengths = kind(4, 6), torch.randn(3, 5, 4), torch.tensor([5, 1, 3])
    expected, expected_final = layer(x, lengths=lengths)
    outputs, final = layer.to(where)(x.to(where), lengths=lengths)  # lengths may stay where they are
    assert outputs.device.type == where
    torch.testing.assert_close(outputs.cpu(), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(tuple(part.cpu() for part in final), expected_final, rtol=1e-4, atol=1e-5)


@kinds
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.bfloat16, 3e-2), (torch.float16, 4e-3)])
def test_other_precisions(kind, dtype, tolerance):
    torch.manual_seed(0)
    layer, x, lengths = kind(4, 6), torch.randn(3, 5, 4), torch.tensor([5, 1, 3])
    expected, _ = layer(x, lengths=lengths)
    outputs, final = layer.to(dtype)(x.to(dtype), lengths=lengths)
    assert {part.dtype for part in (outputs, *final)} == {dtype}
    torch.testing.assert_close(outputs.float(), expected, rtol=tolerance, atol=tolerance)
    (outputs.sum() + final[0].sum()).backward()
    assert all(p.grad.dtype == dtype and p.grad.isfinite().all() for p in layer.parameters())


@kinds
def test_state_dict_round_trip(kind, tmp_path):
    _, layer, x, _, _ = draw(kind)
    torch.save(layer.state_dict(), tmp_path / "layer.pt")
    again = kind(4, 6).double()
    again.load_state_dict(torch.load(tmp_path / "layer.pt"))
    assert list(again.state_dict()) == ["W_xh", "W_hh", "b_x", "b_h"]
    assert torch.equal(again(x)[0], layer(x)[0])


@kinds
def test_weights_start_uniform_and_follow_the_seed(kind):
    first, again, other = (torch.manual_seed(s) and kind(20, 25) for s in (3, 3, 4))
    for a, b, c in zip(first.parameters(), again.parameters(), other.parameters()):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)
        assert 0.15 < a.abs().max() <= 0.2  # 1 / sqrt(25)
    torch.manual_seed(0)
    bounds = [p.abs().max().item() for p in TORCH[kind](20, 25).parameters()]
    assert max(bounds) <= 0.2  # so does torch.nn


def test_from_torch_copies():
    theirs = nn.GRU(4, 6)
    ours = GRU.from_torch(theirs)
    before = ours.W_xh.detach().clone()
    nn.init.zeros_(theirs.weight_ih_l0)
    assert torch.equal(ours.W_xh, before)
    assert ours.W_xh.requires_grad


@pytest.mark.parametrize("options", [{"num_layers": 2}, {"bidirectional": True}, {"bias": False}])
@kinds
def test_from_torch_refuses_what_it_cannot_be(kind, options):
    with pytest.raises(ValueError, match="expected one layer, one direction, tanh, with biases and no projection"):
        kind.from_torch(TORCH[kind](4, 6, **options))


def test_from_torch_refuses_relu_and_projections():
    with pytest.raises(ValueError, match="one direction, tanh, with biases"):
        RNN.from_torch(nn.RNN(4, 6, nonlinearity="relu"))
    with pytest.raises(ValueError, match="no projection"):
        LSTM.from_torch(nn.LSTM(4, 6, proj_size=3))


@pytest.mark.parametrize("layer", [nn.GRU(4, 6), nn.RNN(4, 6), nn.Linear(4, 6), LSTM(4, 6)])
def test_from_torch_refuses_another_class(layer):
    with pytest.raises(TypeError, match=rf"layer is of type {type(layer).__name__}; expected a torch\.nn\.LSTM"):
        LSTM.from_torch(layer)


good = torch.zeros(3, 5, 4)
not_a_number = good.clone()
not_a_number[1, 2, 3] = torch.nan


@pytest.mark.parametrize(
    ("x", "state", "lengths", "error", "message"),
    [
        (good[0], None, None, ValueError, "x has shape (5, 4); expected (B, T, 4)"),
        (good[..., :3], None, None, ValueError, "x has shape (3, 5, 3); expected (B, T, 4)"),
        (good[:, :0], None, None, ValueError, "x is empty"),
        (good[:0], None, None, ValueError, "x is empty"),
        (good.double(), None, None, TypeError, "x has dtype torch.float64; expected torch.float32"),
        (good.long(), None, None, TypeError, "x has dtype torch.int64; expected torch.float32"),
        (good.tolist(), None, None, TypeError, "x is of type list"),
        (not_a_number, None, None, ValueError, "x holds a NaN"),
        (not_a_number, None, torch.tensor([5, 1, 5]), ValueError, "x holds a NaN"),  # in the padding too
        (good, None, torch.tensor([5, 5]), ValueError, "lengths has shape (2,); expected (3,)"),
        (good, None, torch.tensor([5, 5, 5, 5]), ValueError, "lengths has shape (4,); expected (3,)"),
        (good, None, torch.tensor([5, 0, 5]), ValueError, "lengths runs from 0 to 5; expected 1 to 5"),
        (good, None, torch.tensor([5, 6, 5]), ValueError, "lengths runs from 5 to 6; expected 1 to 5"),
        (good, None, torch.tensor([5.0, 5.0, 5.0]), TypeError, "lengths has dtype torch.float32"),
        (good, None, [5, 5, 5], TypeError, "lengths is of type list"),
        (good, torch.zeros(3, 6), None, TypeError, "state is Tensor; expected a tuple of 2 tensors, as LSTM returns"),
        (good, [torch.zeros(3, 6)] * 2, None, TypeError, "state is list; expected a tuple of 2 tensors"),
        (good, (torch.zeros(3, 6),), None, TypeError, "state is a tuple of 1; expected a tuple of 2 tensors"),
        (good, (torch.zeros(3, 6), torch.zeros(3, 5)), None, ValueError, "state[1] has shape (3, 5); expected (3, 6)"),
        (good, (torch.zeros(1, 3, 6),) * 2, None, ValueError, "state[0] has shape (1, 3, 6); expected (3, 6)"),
        (good, (torch.zeros(1, 6),) * 2, None, ValueError, "state[0] has shape (1, 6); expected (3, 6)"),
        (good, (torch.zeros(3, 6).double(),) * 2, None, TypeError, "state[0] has dtype torch.float64"),
        (good, (torch.full((3, 6), torch.nan),) * 2, None, ValueError, "state[0] holds a NaN"),
        (good, (None, None), None, TypeError, "state[0] is of type NoneType"),
    ],
)
def test_bad_input_is_named(x, state, lengths, error, message):
    with pytest.raises(error, match=re.escape(message)):
        LSTM(4, 6)(x, state, lengths)


@kinds
def test_bad_sizes_are_named(kind):
    with pytest.raises(ValueError, match="input_size is 0; expected at least 1"):
        kind(0, 6)
    with pytest.raises(ValueError, match="hidden_size is -1; expected at least 1"):
        kind(4, -1)


@kinds
def test_detach_cuts_the_graph_and_nothing_else(kind):
    theirs, layer, x, state, _ = draw(kind)
    _, final = layer(x, state)
    cut = detach(final)
    assert isinstance(cut, tuple)
    assert all(torch.equal(a, b) and not a.requires_grad and b.requires_grad for a, b in zip(cut, final, strict=True))
    outputs, _ = layer(x, cut)
    outputs.sum().backward()
    assert all(part.grad is None for part in state)  # the first piece is out of reach
    _, final = theirs(x)  # a single tensor, but for the LSTM
    cut = detach(final)
    assert type(cut) is type(final)
    parts = zip(cut, final) if isinstance(final, tuple) else [(cut, final)]
    assert all(torch.equal(a, b) and not a.requires_grad and b.requires_grad for a, b in parts)


# The language model, with each of our layers and each of torch.nn's

LAYERS = {
    **{f"ours {kind.__name__}": kind for kind in TORCH},
    **{f"torch {kind.__name__}": lambda d, h, theirs=theirs: theirs(d, h, batch_first=True) for kind, theirs in TORCH.items()},
}


@pytest.mark.parametrize("name", LAYERS)
def test_language_model_learns_what_only_a_memory_can(name):
    """In 0 1 0 2 0 1 0 2 ... what follows a 0 depends on the token before it."""
    torch.manual_seed(0)
    model = LanguageModel(3, LAYERS[name](8, 16))
    cycle = torch.tensor([0, 1, 0, 2]).repeat(4)[None]  # (1, 16)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    losses = []
    for _ in range(120):
        logits, _ = model(cycle[:, :-1])
        loss = cross_entropy(logits[0], cycle[0, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 0.9  # about log 3
    assert losses[-1] < 0.15  # the first token after the start, 1 or 2, is all that the start cannot tell
    p = model(cycle)[0][0].softmax(-1)
    assert p[4:-1].gather(-1, cycle[0, 5:, None]).min() > 0.95
    assert p.shape == (16, 3)


@pytest.mark.parametrize("name", LAYERS)
def test_language_model_carries_its_state(name):
    torch.manual_seed(0)
    model = LanguageModel(5, LAYERS[name](3, 4)).double()
    tokens = torch.randint(5, (2, 9))
    logits, _ = model(tokens)
    assert logits.shape == (2, 9, 5)
    first, state = model(tokens[:, :4])
    second, _ = model(tokens[:, 4:], detach(state))
    torch.testing.assert_close(torch.cat([first, second], 1), logits, rtol=1e-12, atol=1e-12)


@kinds
def test_language_model_is_the_same_with_our_layer_and_torchs(kind):
    theirs, ours, *_ = draw(kind, dtype=torch.float32)
    a, b = LanguageModel(7, theirs), LanguageModel(7, ours)
    b.embedding, b.readout = a.embedding, a.readout
    tokens = torch.randint(7, (2, 9))
    torch.testing.assert_close(a(tokens)[0], b(tokens)[0], rtol=1e-5, atol=1e-6)


def test_language_model_takes_a_stack_of_layers():
    logits, state = LanguageModel(5, nn.LSTM(3, 4, num_layers=2, batch_first=True))(torch.zeros(2, 9, dtype=torch.int64))
    assert logits.shape == (2, 9, 5)
    assert state[0].shape == (2, 2, 4)


@pytest.mark.parametrize(
    "layer",
    [
        nn.LSTM(3, 4),
        nn.GRU(3, 4, batch_first=True, bidirectional=True),
        nn.LSTM(3, 4, batch_first=True, proj_size=2),
    ],
)
def test_language_model_refuses_a_layer_it_cannot_read(layer):
    with pytest.raises(ValueError, match="expected batch_first=True, one direction and no projection"):
        LanguageModel(5, layer)


def test_language_model_names_bad_input():
    with pytest.raises(ValueError, match="vocabulary is 1; expected at least 2"):
        LanguageModel(1, RNN(3, 4))
    with pytest.raises(TypeError, match="layer is of type Linear; expected a recurrent layer"):
        LanguageModel(5, nn.Linear(3, 4))
    model = LanguageModel(5, RNN(3, 4))
    with pytest.raises(ValueError, match=re.escape("tokens has shape (3,); expected (B, T)")):
        model(torch.tensor([0, 1, 2]))
    with pytest.raises(ValueError, match="tokens holds ids from 0 to 5; expected 0 to 4"):
        model(torch.tensor([[0, 5]]))
    with pytest.raises(TypeError, match=re.escape("tokens has dtype torch.float32; expected torch.int64")):
        model(torch.tensor([[0.0, 1.0]]))


def test_the_benchmarks_numpy_loop_is_the_same_model():
    """What our layers are timed against computes the plain cell's loss gradient, summed over time, and carries its state."""
    loop, rng = NumPyLoop(), np.random.default_rng(2)
    loop.weights = {name: 10 * weight for name, weight in loop.weights.items()}
    loop.h = rng.standard_normal(100)
    layer, readout = RNN(91, 100).double(), nn.Linear(100, 91).double()
    with torch.no_grad():
        for name in ("W_xh", "W_hh"):
            getattr(layer, name).copy_(torch.tensor(loop.weights[name]))
        layer.b_x.copy_(torch.tensor(loop.weights["b_h"]))
        layer.b_h.zero_()
        readout.weight.copy_(torch.tensor(loop.weights["W_hy"].T))
        readout.bias.copy_(torch.tensor(loop.weights["b_y"]))
    ids = torch.tensor(rng.integers(0, 91, 26))
    outputs, final = layer(nn.functional.one_hot(ids[:-1], 91).double()[None], (torch.tensor(loop.h)[None],))
    cross_entropy(readout(outputs[0]), ids[1:], reduction="sum").backward()
    got = loop.gradients(ids[:-1].numpy(), ids[1:].numpy())
    expected = {
        "W_xh": layer.W_xh.grad,
        "W_hh": layer.W_hh.grad,
        "W_hy": readout.weight.grad.mT,
        "b_h": layer.b_x.grad,
        "b_y": readout.bias.grad,
    }
    for name, gradient in expected.items():
        torch.testing.assert_close(torch.tensor(got[name]), gradient, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(torch.tensor(loop.h)[None], final[0], rtol=1e-12, atol=1e-12)
