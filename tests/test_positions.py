"""What each way of saying where a token stands promises: rotations by the step, distances alone, and a clear end."""

import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.extrapolation import KINDS, TRAINED, CausalModel, heldout_bits
from utils.attention.multihead import KeysValues, MultiHeadAttention, causal_mask, scaled_dot_product
from utils.attention.positions import (
    LearnedPositions,
    RotaryAttention,
    alibi_bias,
    alibi_slopes,
    frequencies,
    rotary,
    sinusoidal,
)

B, T, HEADS, D = 2, 5, 3, 8
close = {"rtol": 1e-9, "atol": 1e-9}
examples = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 9999)


def drawn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


# Added: sinusoids and learned vectors


def test_sinusoids_by_hand():
    """Width 4: the pairs turn by 1 and by 1/100 a place."""
    at = torch.tensor(
        [[0.0, 1, 0, 1], [0.8414710, 0.5403023, 0.0099998, 0.9999500], [0.9092974, -0.4161468, 0.0199987, 0.9998000]]
    )
    torch.testing.assert_close(sinusoidal(3, 4), at, rtol=0, atol=1e-7)
    assert frequencies(512)[[0, 255]].tolist() == pytest.approx([1, 10000 ** (-510 / 512)])
    torch.testing.assert_close(sinusoidal(100, 6).square().sum(-1), torch.full((100,), 3.0))


@examples
@given(k=st.integers(0, 300))
def test_a_later_place_is_a_rotation_that_depends_on_the_distance_alone(k):
    """One matrix for all places, orthogonal, that takes PE(t) to PE(t + k)."""
    table, turn = sinusoidal(400, D).double(), torch.zeros(D, D, dtype=torch.float64)
    for i, angle in enumerate((k * frequencies(D)).tolist()):
        c, s = torch.tensor(angle).cos(), torch.tensor(angle).sin()
        turn[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = torch.tensor([[c, -s], [s, c]])  # row vectors: (sin, cos) @ this
    torch.testing.assert_close(turn @ turn.T, torch.eye(D, dtype=torch.float64), rtol=0, atol=1e-6)
    torch.testing.assert_close(table[: 400 - k] @ turn, table[k:], rtol=0, atol=1e-5)


def test_learned_places_end():
    torch.manual_seed(0)
    places = LearnedPositions(T, D)
    assert torch.equal(places(3), places(T)[:3]) and places(T).shape == (T, D)
    (gradient,) = torch.autograd.grad(places(3).sum(), places.places.weight)
    assert gradient.any(-1).tolist() == [True] * 3 + [False] * 2
    for length in (T + 1, 0):
        with pytest.raises(ValueError, match=f"T is {length}; expected 1 to 5, the places that have a vector"):
            places(length)


# Turned: rotary


def test_rotary_by_hand():
    """A quarter turn of (1, 0) is (0, 1); the second pair has gone a hundredth of it."""
    quarter = torch.tensor([torch.pi / 2], dtype=torch.float64)
    x = torch.tensor([[1.0, 0, 0, 2]], dtype=torch.float64)
    expected = torch.tensor([[0.0, 1, -2 * 0.0157073173, 2 * 0.9998766325]], dtype=torch.float64)
    torch.testing.assert_close(rotary(x, quarter), expected, rtol=0, atol=1e-9)


@examples
@given(leading=st.lists(st.integers(1, 3), max_size=2), seed=seeds)
def test_rotary_is_a_product_of_complex_numbers(leading, seed):
    x = drawn(*leading, T, D, seed=seed)
    places = torch.randint(0, 1000, (T,), generator=torch.Generator().manual_seed(seed))
    angles = places[:, None] * frequencies(D)
    turned = torch.view_as_complex(x.unflatten(-1, (-1, 2))) * torch.polar(torch.ones_like(angles), angles)
    expected, got = torch.view_as_real(turned).flatten(-2), rotary(x, places)
    torch.testing.assert_close(got, expected, **close)
    torch.testing.assert_close(got.norm(dim=-1), x.norm(dim=-1), **close)
    toward = drawn(*x.shape, seed=seed + 1).detach()
    gradients = (torch.autograd.grad((out * toward).sum(), x)[0] for out in (got, expected))
    torch.testing.assert_close(*gradients, **close)


@examples
@given(shift=st.integers(-500, 500), seed=seeds)
def test_rotary_scores_know_the_distance_and_nothing_else(shift, seed):
    query, key, places = drawn(T, D, seed=seed), drawn(T, D, seed=seed + 1), torch.arange(T)
    scores = rotary(query, places) @ rotary(key, places).T
    moved = rotary(query, places + shift) @ rotary(key, places + shift).T
    torch.testing.assert_close(moved, scores, **close)
    assert not torch.allclose(rotary(query, places + 1) @ rotary(key, places).T, scores, atol=1e-3)  # and they do know it
    same = query[:1].expand(T, D)
    scores = rotary(same, places) @ rotary(same, places).T
    torch.testing.assert_close(scores[1:, 1:], scores[:-1, :-1], **close)  # equal along each diagonal


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_rotary_far_out_in_half_precision(dtype):
    """Place 2047 times a frequency is more than half precision can count; the angles are not made of it."""
    x, places = drawn(T, D), torch.tensor([2047, 2046, 1001, 777, 3])
    got = rotary(x.to(dtype), places)
    assert got.dtype == dtype
    torch.testing.assert_close(got.double(), rotary(x, places), rtol=0, atol=8 * torch.finfo(dtype).eps + 5e-4)


def test_rotary_places_of_each_sequence():
    x, places = drawn(B, HEADS, T, D), torch.arange(B * T).view(B, 1, T)
    both = torch.stack([rotary(x[b], places[b, 0]) for b in range(B)])
    torch.testing.assert_close(rotary(x, places), both, **close)


def test_rotary_attention_turns_queries_and_keys_and_not_values():
    torch.manual_seed(0)
    plain, turned = MultiHeadAttention(HEADS * D, HEADS).double(), RotaryAttention(HEADS * D, HEADS).double()
    turned.load_state_dict(plain.state_dict())
    x, mask = drawn(B, T, HEADS * D), causal_mask(T)
    q, (k, v) = plain.ask(x), plain.offer(x, x)
    context, expected = scaled_dot_product(rotary(q, torch.arange(T)), rotary(k, torch.arange(T)), v, mask)
    out, weights = turned(x, x, x, mask)
    torch.testing.assert_close(weights, expected, **close)
    torch.testing.assert_close(out, plain.W_o(context.transpose(1, 2).flatten(2)), **close)
    last, _ = turned(x[:, -2:], x, x, mask[-2:])  # the last queries alone stand where they stood
    torch.testing.assert_close(last, out[:, -2:], **close)


@examples
@given(cut=st.integers(1, T - 1), start=st.integers(0, 300), seed=seeds)
def test_rotary_attention_reads_on_from_the_place_where_it_stopped(cut, start, seed):
    """Queries and keys in two pieces, each at its own place: what they see, and all of it moved on by `start` the same."""
    torch.manual_seed(seed)
    attention, x, mask = RotaryAttention(HEADS * D, HEADS).double(), drawn(B, T, HEADS * D, seed=seed), causal_mask(T)
    expected, _ = attention(x, x, x, mask)
    pieces = (x[:, :cut], start), (x[:, cut:], start + cut)
    kept = KeysValues(*(torch.cat(both, 2) for both in zip(*(attention.offer(y, y, first) for y, first in pieces))))
    out = torch.cat(
        [attention.read(attention.ask(y, first), kept, mask[first - start :][: y.shape[1]])[0] for y, first in pieces], 1
    )
    torch.testing.assert_close(out, expected, **close)
    got, wanted = (torch.autograd.grad(y.square().sum(), (x, *attention.parameters())) for y in (out, expected))
    torch.testing.assert_close(got, wanted, **close)
    late = attention.read(attention.ask(x, start + 1), attention.offer(x, x, start), mask)[0]  # a place off is another thing
    assert not torch.allclose(late, expected, atol=1e-6)


# Taken off: ALiBi


def test_slopes_by_hand():
    assert alibi_slopes(8).tolist() == [2.0**-h for h in range(1, 9)]
    assert alibi_slopes(4).tolist() == [1 / 4, 1 / 16, 1 / 64, 1 / 256]
    assert alibi_slopes(1).tolist() == [1 / 256]
    assert alibi_slopes(6).tolist() == [1 / 4, 1 / 16, 1 / 64, 1 / 256, 1 / 2, 1 / 8]  # four heads', and two of eight heads'
    assert alibi_slopes(12).tolist() == pytest.approx(
        [*(2.0**-h for h in range(1, 9)), *(2.0 ** -(h - 0.5) for h in range(1, 5))]
    )


def test_biases_by_hand():
    bias = alibi_bias(2, 2, 3)
    assert bias.tolist() == [
        [[-1 / 16, 0, -1 / 16], [-2 / 16, -1 / 16, 0]],
        [[-1 / 256, 0, -1 / 256], [-2 / 256, -1 / 256, 0]],
    ]
    assert torch.equal(alibi_bias(HEADS, 2, T), alibi_bias(HEADS, T, T)[:, -2:])


@examples
@given(heads=st.integers(1, 20), seed=seeds)
def test_biases_make_weights_fall_by_a_factor_a_place(heads, seed):
    """Where all products are equal, each place further back weighs e^-slope of the next; and adding j to all is the same."""
    nothing = torch.zeros(heads, T, D)
    _, weights = scaled_dot_product(nothing, nothing, nothing, causal_mask(T), alibi_bias(heads, T, T))
    ratio = weights[:, -1, :-1] / weights[:, -1, 1:]
    torch.testing.assert_close(ratio.double(), (-alibi_slopes(heads)).exp()[:, None].expand_as(ratio), rtol=1e-5, atol=0)
    query, key = drawn(heads, T, D, seed=seed), drawn(heads, T, D, seed=seed + 1)
    by_place = alibi_slopes(heads)[:, None, None] * torch.arange(T)  # the form of the paper's code
    ours, theirs = (scaled_dot_product(query, key, key, causal_mask(T), b)[1] for b in (alibi_bias(heads, T, T), by_place))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sinusoidal(3, 5), "D is 5; expected an even width from 2"),
        (lambda: sinusoidal(0, 4), "T is 0; expected at least 1 place"),
        (lambda: rotary(torch.zeros(B, T, 7), torch.arange(T)), "D is 7; expected an even width from 2"),
        (lambda: rotary(torch.zeros(D), torch.arange(D)), "x has shape (8,); expected (..., T, D)"),
        (
            lambda: rotary(torch.zeros(B, T, D), torch.arange(4)),
            "places has shape (4,); expected one that broadcasts to (2, 5)",
        ),
        (lambda: rotary(torch.zeros(T, D), torch.tensor(3)), "places has shape (); expected one that broadcasts to (5,)"),
        (lambda: alibi_slopes(0), "heads is 0; expected at least 1"),
        (lambda: alibi_bias(2, 4, 3), "Q is 4 and K is 3; expected 1 <= Q <= K"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


# The language model that is trained short and tested long


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_looks_back_only_and_tells_places_apart(kind):
    torch.manual_seed(0)
    model = CausalModel(11, 8, kind).double()
    tokens = torch.randint(11, (B, T), generator=torch.Generator().manual_seed(1))
    logits = model(tokens)
    changed = tokens.clone()
    changed[:, 3:] = (tokens[:, 3:] + 1) % 11
    torch.testing.assert_close(model(changed)[:, :3], logits[:, :3], **close)
    torch.testing.assert_close(model(tokens[:, :3]), logits[:, :3], **close)
    plain = CausalModel(11, 8, "none").double()
    plain.load_state_dict(model.state_dict(), strict=False)  # "learned" has a table more
    assert torch.allclose(plain(tokens), logits) == (kind == "none")
    if kind == "learned":
        with pytest.raises(ValueError, match=f"T is {TRAINED + 1}; expected 1 to {TRAINED}"):
            model(torch.zeros(1, TRAINED + 1, dtype=torch.int64))
    else:
        assert model(torch.zeros(1, TRAINED + 1, dtype=torch.int64)).isfinite().all()


def test_bits_are_those_of_windows_that_do_not_overlap():
    torch.manual_seed(0)
    model, ids = CausalModel(11, 8, "ALiBi"), torch.randint(11, (4 * T + 1,))
    expected = []
    for start in range(0, 4 * T, T):
        logits = model(ids[None, start : start + T])[0].log_softmax(-1)
        expected += [-logits[i, ids[start + i + 1]].item() / math.log(2) for i in range(T)]
    assert heldout_bits(model, ids, T) == pytest.approx(sum(expected) / len(expected), rel=1e-5)
