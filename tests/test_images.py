"""Self-attention in a window is its equation, pixel by pixel; what it costs; what moves with the image."""

import re

import pytest
import torch
from torch import nn

from utils.attention.images import WindowAttention, attention_cost, convolution_cost, windows

B, C_IN, C_OUT, H, W, N = 2, 5, 8, 3, 4, 2
close = {"rtol": 1e-11, "atol": 1e-11}


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


def build(kernel=3, heads=N, seed=0):
    torch.manual_seed(seed)
    return WindowAttention(C_IN, C_OUT, kernel, heads).double()


def by_loop(layer, x):
    """The output and the weights, one pixel and one head at a time."""
    k, N, half = layer.kernel, layer.heads, layer.kernel // 2
    B, _, H, W = x.shape
    W_q, W_k, W_v = (part.weight[:, :, 0, 0] for part in (layer.query, layer.key, layer.value))
    d = len(W_q) // N
    y, weights = [], torch.zeros(B, N, H, W, k, k, dtype=x.dtype)
    for b in range(B):
        for i in range(H):
            for j in range(W):
                heads = []
                for n in range(N):
                    part = slice(n * d, (n + 1) * d)
                    q, scores, values, places = W_q[part] @ x[b, :, i, j], [], [], []
                    for row in range(i - half, i + half + 1):
                        for column in range(j - half, j + half + 1):
                            if 0 <= row < H and 0 <= column < W:
                                place = row - i + half, column - j + half
                                r = torch.cat([layer.rows[n, :, place[0]], layer.columns[n, :, place[1]]])
                                scores.append(q @ (W_k[part] @ x[b, :, row, column] + r))
                                values.append(W_v[part] @ x[b, :, row, column])
                                places.append(place)
                    s = torch.stack(scores).softmax(0)
                    heads.append(s @ torch.stack(values))
                    for weight, (row, column) in zip(s.tolist(), places):
                        weights[b, n, i, j, row, column] = weight
                y.append(torch.cat(heads))
    return torch.stack(y).view(B, H, W, -1).permute(0, 3, 1, 2), weights


@pytest.mark.parametrize(("kernel", "heads"), [(3, 2), (5, 1), (7, 4), (1, 2)])
def test_is_its_equation_gradient_included(kernel, heads):
    """At k = 7 no pixel sees the whole of its window."""
    layer, x = build(kernel, heads), drawn(B, C_IN, H, W)
    y, weights = layer(x)
    expected, expected_weights = by_loop(layer, x)
    assert y.shape == (B, C_OUT, H, W) and weights.shape == (B, heads, H, W, kernel, kernel)
    torch.testing.assert_close(y, expected, **close)
    torch.testing.assert_close(weights, expected_weights, **close)
    out, inputs = drawn(*y.shape, seed=1).detach(), (x, *layer.parameters())
    got, wanted = (torch.autograd.grad((one * out).sum(), inputs) for one in (y, expected))
    torch.testing.assert_close(got, wanted, **close)
    assert kernel == 1 or all(one.any() for one in got)


def test_windows_by_hand():
    x = torch.arange(1.0, 7).view(1, 1, 2, 3)
    assert windows(x, 3)[0, 0, :, 4].tolist() == [1, 2, 3, 4, 5, 6, 0, 0, 0]
    assert windows(x, 3)[0, 0, :, 0].tolist() == [0, 0, 0, 0, 1, 2, 0, 4, 5]


def test_with_equal_scores_it_is_the_mean_of_what_is_there():
    layer, x = build(), torch.ones(B, C_IN, H, W, dtype=torch.float64)
    nn.init.zeros_(layer.query.weight)
    y, weights = layer(x)
    torch.testing.assert_close(y, layer.value(x), **close)  # zeros from beyond the border would make it smaller there
    assert weights[0, 0, 0, 0].round(decimals=12).tolist() == [[0, 0, 0], [0, 0.25, 0.25], [0, 0.25, 0.25]]
    assert (weights[1, 1, 1, 1] - 1 / 9).abs().max() < 1e-12


def test_the_offsets_alone_choose_a_neighbour():
    """q is the same everywhere, its own row and the column to the right score most: the image moves to the left."""
    layer, x = WindowAttention(2, 4, 3, heads=1).double(), drawn(1, 2, 4, 5).detach()
    x[:, 1] = 1
    with torch.no_grad():
        for p in layer.parameters():
            p.zero_()
        layer.query.weight[[0, 2], 1] = 1
        layer.rows[0, 0, 1] = 100
        layer.columns[0, 0, 2] = 100
        layer.value.weight[0, 0] = 1
    y, _ = layer(x)
    torch.testing.assert_close(y[0, 0, :, :-1], x[0, 0, :, 1:], **close)


def test_it_moves_with_the_image_away_from_the_border():
    layer, x = build(kernel=3), drawn(B, C_IN, 7, 9).detach()
    moved, _ = layer(x.roll((1, 2), (2, 3)))
    y, _ = layer(x)
    torch.testing.assert_close(moved[:, :, 2:-1, 3:-1], y[:, :, 1:-2, 1:-3], **close)
    assert not torch.allclose(moved[:, :, 0], y.roll((1, 2), (2, 3))[:, :, 0])  # at the border it does not


def test_a_pixel_sees_its_window_only():
    layer, x = build(kernel=3), drawn(1, C_IN, 6, 7)
    y, _ = layer(x)
    (gradient,) = torch.autograd.grad(y[0, :, 2, 3].sum(), x)
    expected = torch.zeros(6, 7).bool()
    expected[1:4, 2:5] = True
    assert torch.equal(gradient[0].abs().sum(0) > 0, expected)


def test_an_image_does_not_depend_on_its_batch():
    layer, x = build(), drawn(B, C_IN, H, W)
    y, _ = layer(x)
    torch.testing.assert_close(layer(x[1:])[0], y[1:], **close)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    layer, x = build(), drawn(B, C_IN, H, W).detach()
    expected, _ = layer(x)
    y, weights = layer.to(dtype)(x.to(dtype))
    assert y.dtype == weights.dtype == dtype
    torch.testing.assert_close(y.double(), expected, rtol=0.1, atol=0.1)
    y.square().sum().backward()
    assert all(p.grad.isfinite().all() for p in layer.parameters())


@pytest.mark.parametrize(("kernel", "heads"), [(3, 1), (5, 2), (9, 4)])
def test_the_parameters_are_the_formula_s(kernel, heads):
    def count(layer):
        return sum(p.numel() for p in layer.parameters())

    assert count(WindowAttention(6, 16, kernel, heads)) == attention_cost(6, 16, kernel)["parameters"]
    assert count(nn.Conv2d(6, 16, kernel, bias=False)) == convolution_cost(6, 16, kernel)["parameters"]


def test_nineteen_costs_what_a_convolution_of_three_does():
    """At 128 channels, as the paper says (section 3.2)."""
    budget = convolution_cost(128, 128, 3)["multiply-adds"]
    assert attention_cost(128, 128, 19)["multiply-adds"] <= budget < attention_cost(128, 128, 21)["multiply-adds"]


def test_bad_input_is_named():
    layer = build()
    for x, error, message in [
        (torch.zeros(B, C_IN + 1, H, W).double(), ValueError, "x has shape (2, 6, 3, 4); expected (B, 5, H, W)"),
        (torch.zeros(C_IN, H, W).double(), ValueError, "x has shape (5, 3, 4); expected (B, 5, H, W)"),
        (torch.zeros(B, C_IN, H, W), TypeError, "x has dtype torch.float32; expected torch.float64"),
    ]:
        with pytest.raises(error, match=re.escape(message)):
            layer(x)
    with pytest.raises(ValueError, match="kernel is 4; expected an odd width"):
        WindowAttention(C_IN, C_OUT, 4, N)
    with pytest.raises(ValueError, match=re.escape("channels_out is 8; expected a multiple of 2 * heads = 6")):
        WindowAttention(C_IN, C_OUT, 3, 3)
