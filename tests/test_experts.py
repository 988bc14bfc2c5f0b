"""A mixture of experts is a loop over tokens, gradient included; its load and the loss that evens it are their definitions."""

import copy
import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from utils.experts import MixtureOfExperts, balance_loss, choose, load, routing
from utils.language_models import GPT
from utils.transformer import Block

B, T, D, HIDDEN, E = 3, 7, 4, 6, 5
close = {"rtol": 1e-10, "atol": 1e-10}


def drawn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype).requires_grad_()


def mixture(chosen=2, experts=E, activation=F.relu, dtype=torch.float64):
    torch.manual_seed(0)
    module = MixtureOfExperts(D, HIDDEN, experts, chosen=chosen, activation=activation).to(dtype)
    with torch.no_grad():
        for p in module.parameters():  # biases, which start at 0, count too
            p.copy_(torch.randn_like(p))
    return module


def by_token(module, x, activation):
    """The definition: each token by itself, its experts by sorting a list."""

    def answer(expert, token):
        return expert.narrow.weight @ activation(expert.widen.weight @ token + expert.widen.bias) + expert.narrow.bias

    out = []
    for token in x.reshape(-1, D):
        logits = [token @ row for row in module.router.weight]
        best = sorted(range(len(logits)), key=lambda i: -logits[i].item())[: module.chosen]
        exponentials = [logits[i].exp() for i in best]
        out.append(sum(e / sum(exponentials) * answer(module.experts[i], token) for e, i in zip(exponentials, best)))
    return torch.stack(out).reshape(x.shape)


def assert_same(got, expected, inputs):
    """Equal tensors, and equal gradients of a random function of them; an input that plays no part has gradient 0."""
    torch.testing.assert_close(got, expected, **close)
    toward = drawn(*got.shape, seed=99).detach()
    options = {"allow_unused": True, "materialize_grads": True}
    ours, theirs = (torch.autograd.grad((y * toward).sum(), inputs, **options) for y in (got, expected))
    torch.testing.assert_close(ours, theirs, **close)


# The choice


def test_the_choice_by_hand():
    """Logits apart by log 3 weigh 3 to 1."""
    logits = torch.tensor([[0.0, 3.0, 1.0, 9.0], [27.0, 2.0, 9.0, 1.0]], dtype=torch.float64).log()
    experts, weights = choose(logits, 2)
    assert experts.tolist() == [[3, 1], [0, 2]]
    torch.testing.assert_close(weights, torch.tensor([[0.75, 0.25]] * 2, dtype=torch.float64), **close)


def test_of_equal_experts_the_first_are_chosen():
    experts, weights = choose(torch.zeros(50, 40), 3)
    assert experts.tolist() == [[0, 1, 2]] * 50
    torch.testing.assert_close(weights, torch.full((50, 3), 1 / 3))
    assert choose(torch.tensor([1.0, 2, 0, 2, 1]), 3)[0].tolist() == [1, 3, 0]


# The mixture


@pytest.mark.parametrize("shape", [(B, T), (T,), ()])
@pytest.mark.parametrize("chosen", [1, 2, E])
def test_a_mixture_is_a_loop_over_tokens_gradient_included(chosen, shape):
    module, x = mixture(chosen, activation=F.gelu), drawn(*shape, D)
    before = x.detach().clone()
    assert_same(module(x), by_token(module, x, F.gelu), (x, *module.parameters()))
    assert torch.equal(x, before)


def test_one_expert_is_a_plain_network():
    module, x = mixture(1, experts=1), drawn(B, T, D)
    assert_same(module(x), module.experts[0](x), (x, *module.parameters()))


def test_all_experts_with_equal_weights_are_their_mean():
    module, x = mixture(E), drawn(B, T, D)
    nn.init.zeros_(module.router.weight)
    expected = sum(expert(x) for expert in module.experts) / E
    assert_same(module(x), expected, (x, *module.experts.parameters()))


def test_a_view_and_a_token_by_itself():
    module, x = mixture(), drawn(T, B, D)
    out = module(x.transpose(0, 1))
    torch.testing.assert_close(out, module(x.transpose(0, 1).contiguous()), **close)
    torch.testing.assert_close(out[2, 4], module(x[4, 2]), **close)


@pytest.mark.parametrize("shunned", [1, E - 1])
def test_an_expert_that_nobody_chooses_has_gradient_0(shunned):
    module, x = mixture(), drawn(B, T, D).detach().abs()
    with torch.no_grad():
        module.router.weight[shunned] = -100
    with routing(module) as routed:
        loss = module(x).square().sum()
    shares = load(*routed[0])
    assert shares[shunned] == 0 and (shares > 0).sum() > module.chosen
    loss.backward()
    for name, p in module.named_parameters():
        assert p.grad.isfinite().all()
        if name.startswith("experts"):
            assert p.grad.any() == (shares[int(name.split(".")[1])] > 0), name
    assert not module.router.weight.grad[shunned].any() and module.router.weight.grad.any()


def test_a_single_chosen_expert_teaches_the_router_through_the_balance_alone():
    module, x = mixture(1), drawn(B, T, D)
    with routing(module) as routed:
        out = module(x)
    (of_output,) = torch.autograd.grad(out.square().sum(), module.router.weight, retain_graph=True)
    (of_balance,) = torch.autograd.grad(balance_loss(*routed[0]), module.router.weight)
    assert not of_output.any() and of_balance.any(1).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_lower_precision(dtype):
    module, x = mixture(dtype=dtype), drawn(B, T, D, dtype=dtype)
    out, exact = module(x), copy.deepcopy(module).double()
    assert out.dtype == dtype
    torch.testing.assert_close(out.double(), exact(x.double()), rtol=0, atol=20 * torch.finfo(dtype).eps)
    assert all(g.isfinite().all() for g in torch.autograd.grad(out.float().square().sum(), (x, *module.parameters())))


def test_an_empty_batch():
    module, x = mixture(), drawn(0, T, D)
    with routing(module) as routed:
        out = module(x)
    assert out.shape == x.shape
    assert load(*routed[0]).tolist() == [0] * E and balance_loss(*routed[0]) == 0
    (out.sum() + balance_loss(*routed[0])).backward()
    assert not any(p.grad.any() for p in module.parameters())


@pytest.mark.parametrize("experts", [4, 8])
@pytest.mark.parametrize("chosen", [1, 3])
def test_what_a_token_costs_hangs_on_the_chosen_and_not_on_the_experts(chosen, experts):
    module = mixture(chosen, experts)
    with FlopCounterMode(display=False) as counter:
        module(drawn(B, T, D))
    assert counter.get_total_flops() == 2 * B * T * (chosen * (2 * D * HIDDEN + D) + D * experts)


def test_it_stands_in_a_block():
    torch.manual_seed(0)
    block, x = Block(D, 2, HIDDEN, between=mixture(1, experts=1)).double(), drawn(B, T, D)
    out, _, _ = block(x)
    block.between = block.between.experts[0]
    torch.testing.assert_close(out, block(x)[0], **close)


# The load and the loss that evens it


def test_load_and_balance_loss_by_hand():
    p = torch.tensor([[0.5, 0.3, 0.2], [0.5, 0.2, 0.3], [0.2, 0.5, 0.3], [0.6, 0.3, 0.1]], dtype=torch.float64)
    expected = {  # P = (0.45, 0.325, 0.225)
        1: ([3 / 4, 1 / 4, 0], 3 * (0.75 * 0.45 + 0.25 * 0.325)),
        2: ([3 / 8, 3 / 8, 2 / 8], 3 * (0.375 * 0.775 + 0.25 * 0.225)),
        3: ([1 / 3, 1 / 3, 1 / 3], 1),
    }
    for chosen, (shares, loss) in expected.items():
        assert load(p.log(), chosen).tolist() == pytest.approx(shares)
        assert balance_loss(p.log(), chosen).item() == pytest.approx(loss)


@pytest.mark.parametrize("chosen", [1, 2, 4])
def test_the_balance_loss_is_its_definition_gradient_included(chosen):
    """d / d logit_nj = (E / N) p_nj (f_j - sum_i f_i p_ni), f being counted and so constant."""
    logits = drawn(B, T, E)
    rows, p = logits.detach().reshape(-1, E), logits.detach().softmax(-1).reshape(-1, E)
    f = torch.zeros(E, dtype=torch.float64)
    for row in rows:
        for i in row.argsort(descending=True)[:chosen]:
            f[i] += 1 / (chosen * B * T)
    torch.testing.assert_close(load(logits, chosen), f, **close)
    loss = balance_loss(logits, chosen)
    torch.testing.assert_close(loss, E * (f * p.mean(0)).sum(), **close)
    (gradient,) = torch.autograd.grad(loss, logits)
    torch.testing.assert_close(gradient.reshape(-1, E), E / (B * T) * p * (f - (p @ f)[:, None]), **close)


def test_the_balance_loss_is_1_when_even_and_experts_by_chosen_at_worst():
    for chosen in (1, 2):
        even = torch.stack([torch.eye(E).roll(1, 1) * 2 + torch.eye(E) * 4] * B)  # token n: expert n, then the next one
        assert load(even, chosen).tolist() == pytest.approx([1 / E] * E)
        assert balance_loss(even, chosen).item() == pytest.approx(1)
        all_the_same = (torch.arange(E) < chosen) * torch.full((B, T, 1), 100.0)
        assert balance_loss(all_the_same, chosen).item() == pytest.approx(E / chosen)


def test_the_balance_loss_evens_the_load():
    module, x = mixture(), drawn(20, T, D).detach() + 1  # tokens alike favour the same experts
    optimizer = torch.optim.Adam(module.router.parameters(), lr=0.1)
    first = load(module.router(x), 2)
    for _ in range(60):
        optimizer.zero_grad()
        balance_loss(module.router(x), 2).backward()
        optimizer.step()
    last = load(module.router(x), 2)
    assert first.max() - first.min() > 0.2 and last.max() - last.min() < 0.05, (first, last)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_can_count(dtype):
    logits = torch.zeros(300_000, 4, dtype=dtype)
    assert load(logits, 3).tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    loss = balance_loss(logits, 3)
    assert loss.dtype == torch.float32 and loss.item() == pytest.approx(1, rel=1e-3)


# Listening to the routers of a model


def test_routing_hears_each_call_and_only_those_in_its_block():
    first, second, x = mixture(1), mixture(3, experts=8), drawn(B, T, D)
    model = nn.Sequential(first, nn.Tanh(), nn.Sequential(second, first))
    model(x)
    with routing(model) as routed:
        model(x)
    model(x)
    h = first(x).tanh()
    inputs = (first, x), (second, h), (first, second(h))
    assert [chosen for _, chosen in routed] == [1, 3, 1]
    for (logits, _), (module, y) in zip(routed, inputs, strict=True):
        torch.testing.assert_close(logits, module.router(y), **close)
    sum(balance_loss(*call) for call in routed).backward()
    assert all(module.router.weight.grad.any() for module in (first, second))


def test_a_language_model_adds_the_balance_of_its_blocks_to_its_loss():
    torch.manual_seed(0)
    model = GPT(11, D, heads=2, layers=3, longest=T, between=lambda: MixtureOfExperts(D, HIDDEN, E))
    tokens = torch.arange(B * (T + 1)).reshape(B, T + 1) % 11
    with routing(model) as routed:
        loss = model.loss(tokens[:, :-1], tokens[:, 1:])
    assert [(logits.shape, chosen) for logits, chosen in routed] == [((B, T, E), 2)] * 3
    (loss + 0.01 * sum(balance_loss(*call) for call in routed)).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    real = torch.arange(T) < torch.tensor([[T], [4], [2]])
    assert load(routed[0][0][real], 2).sum().item() == pytest.approx(1)


def test_routing_stops_listening_after_an_error_and_changes_nothing():
    module, x = mixture(), drawn(B, T, D)
    with pytest.raises(ValueError, match="x has shape"), routing(module) as routed:
        module(x[..., 1:])
    assert not module.router._forward_hooks
    with routing(module) as routed:
        out = module(x)
    assert len(routed) == 1 and torch.equal(out, module(x))
    with routing(nn.Linear(D, D)) as routed:
        pass
    assert sum(balance_loss(*call) for call in routed) == 0


def test_a_mixture_can_be_copied_and_reloaded_after_use():
    module, x = mixture(), drawn(B, T, D)
    out = module(x)
    other = MixtureOfExperts(D, HIDDEN, E).double()
    other.load_state_dict(module.state_dict())
    assert torch.equal(copy.deepcopy(module)(x), out) and torch.equal(other(x), out)


@pytest.mark.parametrize("chosen", [0, 6])
def test_bad_numbers_of_experts_are_named(chosen):
    with pytest.raises(ValueError, match=f"chosen is {chosen} and experts is 5; expected 1 <= chosen <= experts"):
        MixtureOfExperts(D, HIDDEN, E, chosen=chosen)
    for function in (choose, load, balance_loss):
        with pytest.raises(ValueError, match=re.escape(f"chosen is {chosen} and logits has shape (7, 5); expected (..., E)")):
            function(torch.zeros(T, E), chosen)
    with pytest.raises(ValueError, match=re.escape("chosen is 1 and logits has shape (); expected (..., E)")):
        choose(torch.tensor(1.0), 1)


@pytest.mark.parametrize("shape", [(B, T), (D, T), ()])
def test_bad_input_is_named(shape):
    with pytest.raises(ValueError, match=re.escape(f"x has shape {shape}; expected (..., 4)")):
        mixture()(torch.zeros(shape, dtype=torch.float64))
