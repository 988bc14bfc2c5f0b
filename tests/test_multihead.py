"""Heads are PyTorch's, gradient included, where PyTorch is defined; and what the theory says of self-attention is so."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from experiments.cost_and_path import layer_of, longest_chain, multiply_adds, rounds
from utils.attention.core import attend
from utils.attention.multihead import KeysValues, MultiHeadAttention, causal_mask, scaled_dot_product
from utils.rnn import keep_mask

B, Q, K, HEADS, SIZE, D = 2, 3, 5, 4, 12, 6
close = {"rtol": 1e-10, "atol": 1e-10}
examples = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 9999)


def drawn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


def permutation(n, seed):
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))


def assert_same(got, expected, inputs):
    """Equal tensors, and equal gradients of a random function of them."""
    torch.testing.assert_close(got, expected, **close)
    toward = drawn(*got.shape, seed=99).detach()
    ours, theirs = (torch.autograd.grad((x * toward).sum(), inputs, retain_graph=True) for x in (got, expected))
    torch.testing.assert_close(ours, theirs, **close)


# The scaled dot product


def test_the_scaled_dot_product_by_hand():
    """Width 4: scores are halved, and halves of 2 log 3 and 0 are 3 to 1."""
    log3 = torch.tensor(3.0, dtype=torch.float64).log()
    query = torch.tensor([[2.0, 0, 0, 0]], dtype=torch.float64)
    key = torch.tensor([[1.0, 5, 0, 0], [0, 0, 7, 1]], dtype=torch.float64) * log3
    context, weights = scaled_dot_product(query, key, torch.tensor([[4.0, 0], [0, 8]], dtype=torch.float64))
    torch.testing.assert_close(weights, torch.tensor([[0.75, 0.25]], dtype=torch.float64), **close)
    torch.testing.assert_close(context, torch.tensor([[3.0, 2.0]], dtype=torch.float64), **close)
    _, weights = scaled_dot_product(query, key, key, bias=torch.stack([torch.zeros_like(log3), 2 * log3]))
    torch.testing.assert_close(weights, torch.tensor([[0.25, 0.75]], dtype=torch.float64), **close)


@examples
@given(leading=st.lists(st.integers(1, 3), max_size=2), masked=st.booleans(), biased=st.booleans(), seed=seeds)
def test_the_scaled_dot_product_is_torchs(leading, masked, biased, seed):
    shapes = (Q, D), (K, D), (K, 7)
    query, key, value = (drawn(*leading, *shape, seed=seed + i) for i, shape in enumerate(shapes))
    mask = drawn(*leading, Q, K, seed=seed + 3) > 0
    mask[..., 1] = True
    bias = drawn(Q, K, seed=seed + 4).detach() if biased else torch.zeros(Q, K, dtype=torch.float64)
    theirs = bias.masked_fill(~mask, -torch.inf) if masked else bias.expand_as(mask)
    expected = F.scaled_dot_product_attention(query, key, value, attn_mask=theirs)
    got, weights = scaled_dot_product(query, key, value, mask if masked else None, bias if biased else None)
    assert_same(got, expected, (query, key, value))
    assert weights.shape == (*leading, Q, K)


def test_a_product_that_would_overflow_half_precision():
    query = torch.full((1, 64), 40.0, dtype=torch.float16)
    _, weights = scaled_dot_product(query, torch.cat([query, -query]), torch.eye(2, dtype=torch.float16))
    assert weights.tolist() == [[1, 0]]


def test_the_causal_mask():
    assert causal_mask(3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert causal_mask(2, 4).tolist() == [[True, True, True, False], [True] * 4]
    query, key, value = drawn(B, K, D), drawn(B, K, D, seed=1), drawn(B, K, 7, seed=2)
    expected = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    assert_same(scaled_dot_product(query, key, value, causal_mask(K))[0], expected, (query, key, value))
    last = scaled_dot_product(query[:, -2:], key, value, causal_mask(2, K))[0]
    torch.testing.assert_close(last, expected[:, -2:], **close)
    for T, S in ((4, 3), (0, 3)):
        with pytest.raises(ValueError, match=f"T is {T} and S is {S}; expected 1 <= T <= S"):
            causal_mask(T, S)


# Heads

WIDTHS = {"self": {}, "cross": {"kdim": 7, "vdim": 10}}
MASKS = ("none", "padding", "causal", "padding and causal", "a row each", "a head each")


def torchs(widths, dtype=torch.float64):
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(SIZE, HEADS, batch_first=True, **widths).to(dtype)
    with torch.no_grad():
        for p in layer.parameters():  # biases, which start at 0, count too
            p.copy_(torch.randn_like(p) * 0.5)
    return layer


def arguments(widths, seed=0, dtype=torch.float64):
    shapes = (B, Q, SIZE), (B, K, widths.get("kdim", SIZE)), (B, K, widths.get("vdim", SIZE))
    return tuple(drawn(*shape, seed=seed + i, dtype=dtype) for i, shape in enumerate(shapes))


def mask_of(kind, seed=0):
    g = torch.Generator().manual_seed(seed)
    shape = {"a row each": (B, Q, K), "a head each": (B, HEADS, Q, K)}.get(kind)
    if shape:
        mask = torch.rand(*shape, generator=g) < 0.5
        mask[..., 1] = True
        return mask
    padding, causal = keep_mask(torch.tensor([K, 3]), K)[:, None], causal_mask(Q, K)
    return {"none": None, "padding": padding, "causal": causal, "padding and causal": padding & causal}[kind]


@pytest.mark.parametrize("masked", MASKS)
@pytest.mark.parametrize("kind", WIDTHS)
def test_heads_are_torchs_gradient_included(kind, masked):
    layer, inputs, mask = torchs(WIDTHS[kind]), arguments(WIDTHS[kind]), mask_of(masked)
    ours = MultiHeadAttention.from_torch(layer)
    theirs = None
    if mask is not None:  # torch: True = hidden, and heads of one sequence in a row
        full = mask[:, None] if mask.ndim == 3 else mask
        theirs = ~full.expand(B, HEADS, Q, K).flatten(0, 1)
    expected, expected_weights = layer(*inputs, attn_mask=theirs, average_attn_weights=False)
    out, weights = ours(*inputs, mask)
    assert out.shape == (B, Q, SIZE) and weights.shape == (B, HEADS, Q, K)
    torch.testing.assert_close(weights, expected_weights, **close)
    assert_same(out, expected, inputs)
    out.square().sum().backward()
    expected.square().sum().backward()
    separate = [p for p in (layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight) if p is not None]
    packed = torch.cat([p.grad.flatten() for p in separate or [layer.in_proj_weight]])
    got = torch.cat([linear.weight.grad.flatten() for linear in (ours.W_q, ours.W_k, ours.W_v)])
    torch.testing.assert_close(got, packed, **close)
    biases = torch.cat([ours.W_q.bias.grad, ours.W_k.bias.grad, ours.W_v.bias.grad])
    torch.testing.assert_close(biases, layer.in_proj_bias.grad, **close)
    torch.testing.assert_close(ours.W_o.weight.grad, layer.out_proj.weight.grad, **close)
    torch.testing.assert_close(ours.W_o.bias.grad, layer.out_proj.bias.grad, **close)


@pytest.mark.parametrize("cut", range(1, K))
def test_what_was_offered_may_be_kept_and_asked_again_and_again(cut):
    """Keys and values of two pieces, one after the other, are those of the whole, and so are the answers to each question."""
    ours, (query, key, value) = MultiHeadAttention.from_torch(torchs(WIDTHS["cross"])), arguments(WIDTHS["cross"])
    mask, bias, inputs = mask_of("a head each"), drawn(HEADS, Q, K, seed=7).detach(), (query, key, value, *ours.parameters())
    expected, expected_weights = ours(query, key, value, mask, bias)
    pieces = [ours.offer(key[:, piece], value[:, piece]) for piece in (slice(cut), slice(cut, K))]
    kept = KeysValues(*(torch.cat(both, 2) for both in zip(*pieces)))
    assert kept.keys.shape == kept.values.shape == (B, HEADS, K, SIZE // HEADS)
    asked = ours.ask(query)
    answers = [ours.read(asked[:, :, i : i + 1], kept, mask[:, :, i : i + 1], bias[:, i : i + 1]) for i in range(Q)]
    out, weights = (torch.cat(parts, axis) for parts, axis in zip(zip(*answers), (1, 2)))
    torch.testing.assert_close(weights, expected_weights, **close)
    assert_same(out, expected, inputs)


def test_heads_are_their_equation():
    """Head i owns its columns of the three maps; its context stands at its place before W_o."""
    ours, (query, key, value) = MultiHeadAttention.from_torch(torchs(WIDTHS["cross"])), arguments(WIDTHS["cross"])
    bias = drawn(HEADS, Q, K, seed=7)
    d, contexts = SIZE // HEADS, []
    for i in range(HEADS):
        own = slice(i * d, (i + 1) * d)
        maps = (ours.W_q, query), (ours.W_k, key), (ours.W_v, value)
        q, k, v = (x @ linear.weight.T[:, own] + linear.bias[own] for linear, x in maps)
        contexts.append(attend(q @ k.mT / d**0.5 + bias[i], v)[0])
    expected = torch.cat(contexts, -1) @ ours.W_o.weight.T + ours.W_o.bias
    assert_same(ours(query, key, value, bias=bias)[0], expected, (query, key, value, bias, *ours.parameters()))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_a_query_that_may_see_nothing_gets_the_bias_of_the_output(dtype):
    layer, inputs, mask = torchs({}, dtype), arguments({}, dtype=dtype), mask_of("a row each")
    mask[0, 1] = False
    ours = MultiHeadAttention.from_torch(layer)
    out, weights = ours(*inputs, mask, torch.zeros(HEADS, Q, K))
    assert out.dtype == weights.dtype == dtype
    assert torch.equal(out[0, 1], ours.W_o.bias) and not weights[0, :, 1].any()
    gradients = torch.autograd.grad(out.float().square().sum(), (*inputs, *ours.parameters()))
    assert all(g.isfinite().all() for g in gradients)
    assert not gradients[0][0, 1].any() and gradients[0][0, 0].any()
    hidden = ~mask[:, None].expand(B, HEADS, Q, K).flatten(0, 1)
    assert layer(*inputs, attn_mask=hidden)[0][0, 1].isnan().all()  # torch's does not say


def test_what_the_mask_hides_may_be_anything_and_a_batch_is_its_sequences():
    ours, inputs = MultiHeadAttention.from_torch(torchs(WIDTHS["cross"])), arguments(WIDTHS["cross"])
    out, weights = ours(*inputs, mask_of("padding"))
    alone = ours(inputs[0][1:], *(x[1:, :3] for x in inputs[1:]))
    torch.testing.assert_close(alone[0], out[1:], **close)
    torch.testing.assert_close(alone[1], weights[1:, ..., :3], **close)
    filled = [x.detach().clone() for x in inputs]
    for x in filled[1:]:
        x[1, 3:] = 1e3
    torch.testing.assert_close(ours(*filled, mask_of("padding"))[0], out, **close)


def test_first_weights():
    torch.manual_seed(0)
    ours = MultiHeadAttention(60, 4, key_size=30)
    assert ours.W_k.weight.detach().abs().max() == pytest.approx((6 / 90) ** 0.5, rel=0.01)
    assert not any(linear.bias.any() for linear in (ours.W_q, ours.W_k, ours.W_v, ours.W_o))


good = {"query": torch.zeros(B, Q, SIZE), "key": torch.zeros(B, K, 7), "value": torch.zeros(B, K, 10)}


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"query": torch.zeros(B, Q, 7)}, ValueError, "query has shape (2, 3, 7); expected (B, Q, 12)"),
        ({"query": torch.zeros(Q, SIZE)}, ValueError, "query has shape (3, 12); expected (B, Q, 12)"),
        ({"key": torch.zeros(B, K, SIZE)}, ValueError, "key has shape (2, 5, 12); expected (2, K, 7)"),
        ({"value": torch.zeros(1, K, 10)}, ValueError, "value has shape (1, 5, 10); expected (2, K, 10)"),
        ({"value": torch.zeros(B, 4, 10)}, ValueError, "values has 4 rows; expected one for each score, 5"),
        ({"mask": torch.zeros(B, Q, K)}, TypeError, "mask has dtype torch.float32; expected torch.bool"),
        ({"mask": torch.ones(B, K, Q).bool()}, ValueError, "mask has shape (2, 1, 5, 3); expected one that broadcasts"),
        (
            {"bias": torch.zeros(3, Q, K)},
            ValueError,
            "bias has shape (3, 3, 5); expected one that broadcasts to the scores",
        ),
    ],
)
def test_bad_input_is_named(changed, error, message):
    attention = MultiHeadAttention(SIZE, HEADS, key_size=7, value_size=10)
    with pytest.raises(error, match=re.escape(message)):
        attention(**(good | changed))


def test_bad_sizes_are_named():
    with pytest.raises(ValueError, match="size is 10 and heads is 4; expected a size that the heads share evenly"):
        MultiHeadAttention(10, 4)
    with pytest.raises(ValueError, match=re.escape("key has shape (5, 7); expected all axes of query (3, 6) but")):
        scaled_dot_product(torch.zeros(3, 6), torch.zeros(5, 7), torch.zeros(5, 7))
    for option in ({"bias": False}, {"add_bias_kv": True}, {"add_zero_attn": True}, {"dropout": 0.1}):
        with pytest.raises(ValueError, match="expected one with biases, without dropout, add_bias_kv and add_zero_attn"):
            MultiHeadAttention.from_torch(nn.MultiheadAttention(12, 4, **option))


# What is true of every attention, and of its heads


def one_head(seed):
    """Maps of its own, as self-attention has them, and no heads."""
    W_q, W_k, W_v = (drawn(SIZE, D, seed=seed + i) / 4 for i in (10, 11, 12))
    return lambda query, key, value, mask=None: scaled_dot_product(query @ W_q, key @ W_k, value @ W_v, mask)


def many_heads(seed):
    torch.manual_seed(seed)
    return MultiHeadAttention(SIZE, HEADS).double()


either = pytest.mark.parametrize("build", [one_head, many_heads])


@either
@examples
@given(seed=seeds)
def test_queries_may_be_permuted_and_pairs_of_key_and_value_too(build, seed):
    """Equivariant to the first, invariant to the second; self-attention is therefore equivariant."""
    attention, (query, key, value) = build(seed), arguments({}, seed)
    rows, columns = permutation(Q, seed), permutation(K, seed + 1)
    out, weights = attention(query, key, value)
    moved, moved_weights = attention(query[:, rows], key[:, columns], value[:, columns])
    torch.testing.assert_close(moved, out[:, rows], **close)
    torch.testing.assert_close(moved_weights, weights[..., rows, :][..., columns], **close)
    x = key
    torch.testing.assert_close(attention(*[x[:, columns]] * 3)[0], attention(x, x, x)[0][:, columns], **close)
    if (columns != torch.arange(K)).any():
        assert not torch.allclose(attention(query, key[:, columns], value)[0], out)  # the pairs belong together


@examples
@given(seed=seeds)
def test_softmax_and_permutations(seed):
    """softmax(A D B) = A softmax(D) B for permutation matrices A, B."""
    scores = drawn(Q, K, seed=seed)
    A = torch.eye(Q, dtype=torch.float64)[permutation(Q, seed)]
    B = torch.eye(K, dtype=torch.float64)[permutation(K, seed + 1)]
    torch.testing.assert_close((A @ scores @ B).softmax(-1), A @ scores.softmax(-1) @ B, **close)


@examples
@given(seed=seeds)
def test_contexts_lie_in_the_convex_hull_of_the_values(seed):
    query, key, value = (drawn(n, 2, seed=seed + i).detach() * 3 for i, n in enumerate((Q, K, K)))
    mask = drawn(Q, K, seed=seed + 3) > 0
    mask[:, 0] = True
    context, _ = scaled_dot_product(query, key, value, mask)
    u = drawn(2, 50, seed=seed + 4).detach()
    for i, row in enumerate(context):
        seen = value[mask[i]]
        assert (row @ u <= (seen @ u).amax(0) + 1e-12).all()
        # weights that make it exist: sum_j p_j v_j = row, sum_j p_j = 1, p >= 0
        equations = torch.cat([seen.T, torch.ones(1, len(seen), dtype=torch.float64)])
        point = torch.cat([row, torch.ones(1, dtype=torch.float64)])
        assert linprog(np.zeros(len(seen)), A_eq=equations.numpy(), b_eq=point.numpy()).status == 0


@either
def test_the_causal_mask_destroys_equivariance(build):
    attention, x = build(0), arguments({})[1]
    order = torch.tensor([4, 2, 0, 1, 3])
    seen, moved = (attention(y, y, y, causal_mask(K))[0] for y in (x, x[:, order]))
    assert not torch.allclose(moved, seen[:, order], atol=1e-3)
    fixed = attention(*[x[:, order]] * 3, causal_mask(K)[order][:, order])[0]  # unless it is permuted as well
    torch.testing.assert_close(fixed, seen[:, order], **close)


@either
@examples
@given(t=st.integers(1, K - 1), seed=seeds)
def test_under_the_causal_mask_the_future_changes_nothing(build, t, seed):
    attention, x = build(seed), arguments({}, seed)[1]
    changed = torch.cat([x[:, :t], drawn(B, K - t, SIZE, seed=seed + 5)], 1)
    out, other = (attention(y, y, y, causal_mask(K))[0] for y in (x, changed))
    torch.testing.assert_close(other[:, :t], out[:, :t], **close)
    assert ((other - out)[:, t:].abs().amax(-1) > 1e-6).all()
    torch.testing.assert_close(attention(*[x[:, :t]] * 3, causal_mask(t))[0], out[:, :t], **close)  # a prefix alone


def swapped(x, W_q, W_k):
    """The weights of self-attention, and those after W_q and W_k have changed places; the scores S."""
    S = x @ W_q @ W_k.T @ x.T / D**0.5
    return scaled_dot_product(x @ W_q, x @ W_k, x)[1], scaled_dot_product(x @ W_k, x @ W_q, x)[1], S


@examples
@given(seed=seeds)
def test_queries_and_keys_play_different_parts(seed):
    """W_q and W_k swapped: S becomes S^T, and a softmax over its rows is one over the columns of S."""
    before, after, S = swapped(*(drawn(*shape, seed=seed + i) for i, shape in enumerate([(K, SIZE), (SIZE, D), (SIZE, D)])))
    assert not torch.allclose(before, after, atol=1e-3)
    torch.testing.assert_close(before, S.softmax(1), **close)
    torch.testing.assert_close(after, S.softmax(0).T, **close)


@examples
@given(seed=seeds)
def test_the_swap_changes_nothing_where_the_scores_are_symmetric_and_nowhere_else(seed):
    """Weights stay just if S^T - S is one number c_i in row i; being antisymmetric, c_i = -c_j for all j, i among them: c = 0.

    S is symmetric for all x just if W_q W_k^T is.
    """
    x, W, M = drawn(K, SIZE, seed=seed), drawn(SIZE, D, seed=seed + 1), drawn(D, D, seed=seed + 2)
    before, after, _ = swapped(x, W, W @ (M + M.T))  # W (M + M^T) W^T is symmetric, though W_q is not W_k
    torch.testing.assert_close(before, after, **close)
    before, after, S = swapped(x, W, W @ (M - M.T))
    torch.testing.assert_close(S.T, -S, **close)
    assert not torch.allclose(before, after, atol=1e-3)


# What it costs


@pytest.mark.parametrize("kind", ["self-attention", "GRU", "convolution"])
def test_multiply_adds_are_those_that_torch_counts(kind):
    n, d = 7, 6
    _, apply = layer_of(kind, d, unrolled=True)
    with FlopCounterMode(display=False) as counter:
        apply(torch.randn(B, n, d))
    assert counter.get_total_flops() == 2 * B * multiply_adds(kind, n, d, 3)


def test_the_longest_chain_by_hand():
    x = torch.ones(2, requires_grad=True)
    y = x.exp().sin().tan()
    assert longest_chain(y + x.exp()) == 5  # x itself, three functions and the sum


def test_rounds_are_the_way_of_a_message():
    assert [rounds("GRU", n) for n in (2, 5, 9)] == [2, 5, 9]
    assert [rounds("convolution", n) for n in (2, 3, 4, 9)] == [1, 1, 2, 4]
    assert [rounds("dilated convolution", n) for n in (3, 4, 9, 10, 27)] == [1, 2, 2, 3, 3]
    assert [rounds("self-attention", n) for n in (2, 50)] == [1, 1]
