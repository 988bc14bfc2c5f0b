"""blocks.js in a bare page computes what utils.transformer does, and blocks.py hands it no model that it cannot run."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from utils.attention.multihead import KeysValues, causal_mask
from utils.experts import MixtureOfExperts
from utils.figures import blocks, packing
from utils.language_models import gelu
from utils.transformer import Block, Stack, Transformer

pytestmark = pytest.mark.slow

pytest_plugins = ["browser"]

SCRIPT = f"<script>{(Path(blocks.__file__).parent / 'blocks.js').read_text()}</script>"
T, S, D, HEADS, HIDDEN, LAYERS = 5, 4, 12, 3, 20, 2
RUN = """([weights, x, kind, causal, source, past]) => {
    const offered = source && Array.from({ length: kind.layers }, (_, i) => offer(weights, `s.blocks.${i}.cross`, source));
    const { x: y, blocks } = stack(weights, "s", x, kind, { causal, past: past ?? undefined, source: offered ?? undefined });
    const plain = (nest) => (nest?.map ? [...nest].map(plain) : nest);
    return { y: plain(y), kept: blocks.map(({ kept: { keys, values } }) => ({ keys: plain(keys), values: plain(values) })),
        own: plain(blocks.map(({ own }) => own)), looked: plain(blocks.map(({ looked }) => looked)) };
}"""


class Named(nn.Module):
    """A stack under the name s, all of its weights seeded, biases and normalisations too."""

    def __init__(self, cross=False, activation=F.relu, seed=0, **options):
        super().__init__()
        torch.manual_seed(seed)
        kind = {"cross": cross, "activation": activation} | options
        self.s = Stack([Block(D, HEADS, HIDDEN, **kind) for _ in range(LAYERS)], nn.LayerNorm(D))
        with torch.no_grad():
            for parameter in self.parameters():
                parameter += 0.5 * torch.randn_like(parameter)
        self.double()


def ran(page, model, x, causal, source=None, past=None):
    weights = {name: weight.tolist() for name, weight in model.state_dict().items()}
    given = [weights, x[0].tolist(), blocks.kind(model.s), causal, None if source is None else source[0].tolist(), past]
    return page.evaluate(RUN, given)


def close(got, wanted):
    np.testing.assert_allclose(np.asarray(got), wanted.detach().numpy(), rtol=0, atol=1e-9)


def by_head(vectors):
    """A list of places (K, D), the heads side by side -> (heads, K, D / heads)."""
    return torch.tensor(vectors, dtype=torch.float64).unflatten(-1, (HEADS, -1)).transpose(0, 1)


@pytest.mark.parametrize("activation", [F.relu, gelu])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("cross", [False, True])
def test_a_stack_is_pythons(opened, cross, causal, activation):
    page, model = opened(SCRIPT), Named(cross, activation)
    x, source = torch.randn(1, T, D, dtype=torch.float64), torch.randn(1, S, D, dtype=torch.float64)
    offered = model.s.offer(source) if cross else None
    wanted, kept, weights = model.s(x, causal_mask(T) if causal else None, source=offered)
    got = ran(page, model, x, causal, source if cross else None)
    close(got["y"], wanted[0])
    for i in range(LAYERS):
        close(got["own"][i], weights[i].own[0])
        close(by_head(got["kept"][i]["keys"]), kept[i].keys[0])
        close(by_head(got["kept"][i]["values"]), kept[i].values[0])
        if cross:
            close(got["looked"][i], weights[i].source[0])


def test_what_was_kept_need_not_be_computed_again(opened):
    page, model = opened(SCRIPT), Named(activation=gelu)
    x, first = torch.randn(1, T, D, dtype=torch.float64), 3
    whole = ran(page, model, x, True)
    past = ran(page, model, x[:, :first], True)["kept"]
    rest = ran(page, model, x[:, first:], True, past=past)
    np.testing.assert_allclose(rest["y"], np.array(whole["y"])[first:], rtol=0, atol=1e-12)
    np.testing.assert_allclose(rest["own"], np.array(whole["own"])[:, :, first:], rtol=0, atol=1e-12)
    pairs = tuple(KeysValues(*(by_head(one[part])[None] for part in ("keys", "values"))) for one in past)
    wanted, kept, _ = model.s(x[:, first:], causal_mask(T - first, T), pairs)
    close(rest["y"], wanted[0])
    close(by_head(rest["kept"][1]["values"]), kept[1].values[0])


def test_large_scores_do_not_overflow(opened):
    page, model = opened(SCRIPT), Named()
    with torch.no_grad():
        model.s.blocks[0].attention.W_q.weight.mul_(2000)
    x = torch.randn(1, T, D, dtype=torch.float64)
    wanted, _, weights = model.s(x)
    got = ran(page, model, x, False)
    close(got["y"], wanted[0])
    close(got["own"][0], weights[0].own[0])


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 7, 8, 9])
def test_a_dot_product_of_any_length(opened, length):
    x, y = np.random.default_rng(length).normal(size=(2, length))
    page = opened(SCRIPT)
    assert page.evaluate("([x, y]) => dot(x, y)", [x.tolist(), y.tolist()]) == pytest.approx(x @ y)
    part = page.evaluate("([x, y]) => dot(x, y, 1, x.length - 1)", [x.tolist(), y.tolist()])
    assert part == pytest.approx(x[1:-1] @ y[1:-1] if length > 2 else 0)


@pytest.mark.parametrize(
    ("activation", "name"),
    [(F.relu, "relu"), (nn.ReLU(), "relu"), (gelu, "gelu_tanh"), (nn.GELU("tanh"), "gelu_tanh")],
)
def test_an_activation_is_known_by_its_values(activation, name):
    assert blocks.kind(Named(activation=activation).s) == {"layers": LAYERS, "heads": HEADS, "activation": name}


def other(change):
    """A stack that the page cannot run, by one change."""
    model = Named()
    change(model.s)
    return model.s


@pytest.mark.parametrize(
    ("stack", "message"),
    [
        (Named(norm_first=False).s, "expected norm_first=True and a norm at its end"),
        (other(lambda stack: setattr(stack, "norm", None)), "expected norm_first=True and a norm at its end"),
        (Named(rotary=True).s, "expected attention without rotations"),
        (Named(between=MixtureOfExperts(D, HIDDEN, experts=3, chosen=2)).s, "expected a FeedForward in each block"),
        (other(lambda stack: setattr(stack.blocks[1].attention, "heads", 2)), "expected as many heads in each block"),
        (other(lambda stack: setattr(stack.blocks[1].norms[0], "eps", 1e-12)), "expected eps 1e-5 in each LayerNorm"),
        (Named(activation=F.gelu).s, "an activation that the page does not know; expected one of relu, gelu_tanh"),
    ],
)
def test_refuses_another_stack(stack, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        blocks.kind(stack)


def test_shared_weights_are_there_once_and_stay_shared():
    torch.manual_seed(0)
    model = Transformer(7, 9, D, start=0, end=1, heads=HEADS, layers=1, hidden=HIDDEN)
    sent, near = blocks.weights(model), blocks.rounded(model)
    assert "readout.weight" not in sent and "target_words.weight" in sent
    assert near.readout.weight is near.target_words.weight
    before = dict(model.named_parameters())
    for name, parameter in near.named_parameters():
        wanted = packing.rounded(before[name]) if parameter.ndim == 2 else before[name]
        assert torch.equal(parameter, wanted), name
    assert not torch.equal(near.readout.weight, model.readout.weight)  # the model itself stays


def test_refuses_a_heavy_model_and_one_that_is_not_finite():
    layer = nn.Linear(3, 2)
    blocks.expect_light(layer, 8)
    with pytest.raises(ValueError, match="model has 8 parameters; expected at most 7"):
        blocks.expect_light(layer, 7)
    with torch.no_grad():
        layer.bias[1] = torch.nan
    with pytest.raises(ValueError, match="model holds a NaN or an infinity"):
        blocks.expect_light(layer, 8)
