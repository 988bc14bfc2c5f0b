"""The loop does what two steps by hand do, to the digit; seeds, scales, schedules, and how training that goes wrong stops."""

import math
import random
from itertools import repeat

import numpy as np
import pytest
import torch
from torch import nn

from utils import training
from utils.training import History, cost, device, preset, scale, seed, train, warmup_cosine

DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()


def bowl(values=(3.0, 4.0)):
    """A parameter w, its optimizer at rate 0.5, and the loss |w|^2 / 2, whose gradient is w itself."""
    w = nn.Parameter(torch.tensor(values, dtype=torch.float64))
    return w, torch.optim.SGD([w], lr=0.5), lambda factor: factor * w.square().sum() / 2


def regress(where="cpu"):
    """Train a small net from seed 0; its history and its weights."""
    seed(0)
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 1))
    x = torch.tensor(np.random.randn(20, 3), dtype=torch.float32) + random.random()
    y = x.prod(-1, keepdim=True)
    net, x, y = net.to(where), x.to(where), y.to(where)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    history = train(lambda x, y: nn.functional.mse_loss(net(x), y), repeat((x, y)), optimizer, steps=20, clip=1.0)
    return history, [p.detach().cpu() for p in net.parameters()]


def test_the_same_seed_gives_the_same_run_bit_for_bit():
    (first, weights), (second, again) = regress(), regress()
    assert first.loss == second.loss
    assert first.gradient_norm == second.gradient_norm
    assert all(torch.equal(a, b) for a, b in zip(weights, again))


def test_seed_covers_python_numpy_and_torch():
    def numbers(value):
        seed(value)
        return random.random(), float(np.random.rand()), torch.rand(()).item()

    assert numbers(7) == numbers(7)
    assert all(a != b for a, b in zip(numbers(7), numbers(8)))


@pytest.mark.parametrize("where", DEVICES)
def test_the_loop_runs_on_every_device(where):
    history, _ = regress(where)
    assert len(history.loss) == 20
    assert history.loss[-1] < history.loss[0]


def test_two_steps_by_hand():
    """|w| = 5 is clipped to 1 (PyTorch divides by norm + 1e-6), and the rate 0.5 is scaled by progress: a half, then one."""
    w, optimizer, loss_of = bowl()
    history = train(loss_of, [(1.0,), (0.1,), (1.0,)], optimizer, steps=2, clip=1.0, schedule=lambda progress: progress)
    first = 1 - 0.25 / (5 + 1e-6)
    second = 1 - 0.5 * 0.1  # the gradient 0.1 w is shorter than 1: left as it is
    assert w.tolist() == pytest.approx([3 * first * second, 4 * first * second], rel=1e-15)
    assert history.loss == pytest.approx([12.5, 1.25 * first**2], rel=1e-15)
    assert history.gradient_norm == pytest.approx([5.0, 0.5 * first], rel=1e-15)  # before clipping
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_without_clip_and_schedule_it_is_plain_gradient_descent():
    w, optimizer, loss_of = bowl()
    train(loss_of, repeat((1.0,)), optimizer, steps=3)
    assert w.tolist() == [3 / 8, 4 / 8]


def test_each_group_keeps_its_own_rate():
    a, b = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([{"params": [a], "lr": 0.5}, {"params": [b], "lr": 0.25}])
    train(lambda: (a + b).sum(), repeat(()), optimizer, steps=1, schedule=lambda progress: progress / 2)
    assert (a.item(), b.item()) == (0.75, 0.875)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.25]


def test_clipping_counts_the_parameters_of_every_group():
    a, b = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([{"params": [a]}, {"params": [b]}], lr=1.0)
    history = train(lambda: (3 * a + 4 * b).sum(), repeat(()), optimizer, steps=1, clip=1.0)
    assert history.gradient_norm == [5.0]
    assert (a.item(), b.item()) == pytest.approx((-0.6, -0.8), rel=1e-5)


def test_schedule_sees_progress_from_one_step_to_one():
    seen = []
    _, optimizer, loss_of = bowl()
    train(loss_of, repeat((1.0,)), optimizer, steps=4, schedule=lambda progress: seen.append(progress) or 1.0)
    assert seen == [0.25, 0.5, 0.75, 1.0]


def test_history_has_an_entry_a_step_and_the_evaluations():
    w, optimizer, loss_of = bowl()
    history = train(loss_of, repeat((1.0,)), optimizer, steps=7, evaluate=lambda: w[0].item(), every=3)
    assert len(history.loss) == len(history.gradient_norm) == 7
    assert history.evaluations == [(3, 3 / 8), (6, 3 / 64)]  # after the step
    assert history.cpu_seconds > 0
    assert train(loss_of, repeat((1.0,)), optimizer, steps=2).evaluations == []


def test_smoothed_is_the_running_mean():
    history = History(loss=[1.0, 2.0, 6.0, 7.0])
    assert history.smoothed(2).tolist() == pytest.approx([1.5, 4.0, 6.5])
    assert history.smoothed(50).tolist() == pytest.approx([4.0])


def test_batches_that_end_early_are_named():
    _, optimizer, loss_of = bowl()
    with pytest.raises(ValueError, match="batches ended after 2 of 5 steps"):
        train(loss_of, [(1.0,)] * 2, optimizer, steps=5, schedule=lambda progress: 0.1)
    assert optimizer.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize("steps", [0, -3])
def test_no_steps_is_an_error(steps):
    _, optimizer, loss_of = bowl()
    with pytest.raises(ValueError, match=f"steps is {steps}; expected at least 1"):
        train(loss_of, repeat((1.0,)), optimizer, steps=steps)


@pytest.mark.parametrize("clip", [0.0, -1.0, math.nan])
def test_clip_must_be_a_norm(clip):
    _, optimizer, loss_of = bowl()
    with pytest.raises(ValueError, match=f"clip is {clip}; expected a norm above 0"):
        train(loss_of, repeat((1.0,)), optimizer, steps=1, clip=clip)


def test_evaluate_needs_every():
    _, optimizer, loss_of = bowl()
    with pytest.raises(ValueError, match="every is 0; expected at least 1 where evaluate is given"):
        train(loss_of, repeat((1.0,)), optimizer, steps=1, evaluate=lambda: 0.0)


@pytest.mark.parametrize("factor", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_before_its_step(factor):
    w, optimizer, loss_of = bowl()
    with pytest.raises(RuntimeError, match=rf"the loss is {factor} .* at step 2; try a smaller learning rate"):
        train(loss_of, [(1.0,), (factor,), (1.0,)], optimizer, steps=3, schedule=lambda progress: 0.5)
    assert w.tolist() == [2.25, 3.0]  # after step 1, and no more
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_a_loss_that_is_not_finite_stops_even_where_its_gradient_is():
    w, optimizer, _ = bowl()
    with pytest.raises(RuntimeError, match=r"the loss is inf and its gradient's norm 1\.41.* at step 1"):
        train(lambda: w.sum() + math.inf, repeat(()), optimizer, steps=1)
    assert w.tolist() == [3.0, 4.0]


def test_a_gradient_that_is_not_finite_stops_before_its_step():
    w, optimizer, _ = bowl((0.0, 4.0))  # the root's slope at 0 is infinite, the loss is not
    with pytest.raises(RuntimeError, match=r"the loss is 2.0 and its gradient's norm inf at step 1"):
        train(lambda: w.sqrt().sum(), repeat(()), optimizer, steps=2)
    assert w.tolist() == [0.0, 4.0]


def test_warmup_cosine_at_its_ends():
    assert [warmup_cosine(p, warmup=0.2) for p in (0.0, 0.1, 0.2, 0.6, 1.0)] == pytest.approx([0, 0.5, 1, 0.5, 0], abs=1e-15)
    assert warmup_cosine(0.05) == 1.0
    assert warmup_cosine(0.0, warmup=0) == 1.0
    values = [warmup_cosine(p / 100) for p in range(5, 101)]
    assert values == sorted(values, reverse=True)
    with pytest.raises(ValueError, match="warmup is 1; expected a share of the run"):
        warmup_cosine(1.0, warmup=1)


@pytest.mark.parametrize("asked", ["tiny", "cpu", "gpu"])
def test_scale_is_what_the_environment_asks_for(monkeypatch, asked):
    monkeypatch.setenv("COURSE_SCALE", asked)
    assert scale() == asked
    assert preset(tiny="tiny", cpu="cpu", gpu="gpu") == asked


@pytest.mark.parametrize(("where", "expected"), [("cpu", "cpu"), ("cuda", "gpu"), ("mps", "gpu")])
def test_scale_follows_the_device_when_nobody_asks(monkeypatch, where, expected):
    monkeypatch.setattr(training, "device", lambda: torch.device(where))
    for unset in (lambda: monkeypatch.delenv("COURSE_SCALE", raising=False), lambda: monkeypatch.setenv("COURSE_SCALE", "")):
        unset()
        assert scale() == expected


def test_a_wrong_scale_is_named(monkeypatch):
    monkeypatch.setenv("COURSE_SCALE", "huge")
    with pytest.raises(ValueError, match="COURSE_SCALE is 'huge'; expected one of tiny, cpu, gpu"):
        preset(tiny=1, cpu=2, gpu=3)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_device_prefers_cuda_then_mps(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert device().type == expected


def test_cost_says_what_a_run_took_and_on_what(monkeypatch):
    monkeypatch.setenv("COURSE_SCALE", "tiny")
    line = cost()
    assert "cpu-seconds on" in line
    assert "scale tiny" in line
    assert f"torch {torch.__version__}" in line
