"""Hard attention against full enumeration: the draws, REINFORCE's gradient, its baseline, and a translator that learns so."""

import copy
import itertools
import re

import pytest
import torch
import torch.nn.functional as F

from utils.attention import hard
from utils.attention.additive import AdditiveAttention
from utils.attention.core import attend
from utils.attention.hard import HardTranslator, MovingAverage, choose, surrogate
from utils.attention.scores import GeneralAttention
from utils.attention.translator import AttentionTranslator
from utils.batches import pad
from utils.rnn import keep_mask

B, Q, K, D = 2, 3, 4, 5
close = {"rtol": 1e-10, "atol": 1e-10}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64).requires_grad_()


# One choice


def test_the_likeliest_place_by_hand():
    weights = torch.tensor([[[0.2, 0.5, 0.3], [0.7, 0.1, 0.2], [0.0, 0.0, 0.0]]], dtype=torch.float64)
    values = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]], dtype=torch.float64)
    choice, log_probability = choose(weights)
    assert choice.tolist() == [[[0, 1, 0], [1, 0, 0], [0, 0, 0]]]
    assert (choice @ values).tolist() == [[[3, 4], [1, 2], [0, 0]]]
    torch.testing.assert_close(log_probability.exp(), torch.tensor([[0.5, 0.7, 1.0]], dtype=torch.float64), **close)


def test_places_are_drawn_as_often_as_they_weigh():
    N = 20_000
    weights = torch.tensor([[0.1, 0.0, 0.6, 0.3], [0.25, 0.25, 0.25, 0.25], [0.0, 1.0, 0.0, 0.0]], dtype=torch.float64)
    choice, _ = choose(weights.expand(N, 3, 4), generator())
    assert torch.equal(choice.sum(-1), torch.ones(N, 3, dtype=torch.float64))
    error = (weights * (1 - weights) / N).sqrt()
    assert ((choice.mean(0) - weights).abs() <= 4 * error).all()  # where a weight is 0 or 1, not once otherwise
    together = (choice[:, 0, 2] * choice[:, 1, 0]).mean()  # queries draw for themselves
    assert abs(together - 0.15) < 4 * (0.15 * 0.85 / N) ** 0.5


def test_a_choice_is_the_generators():
    weights = drawn(B, Q, K).softmax(-1)
    first, again, other = (choose(weights, generator(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    state = torch.get_rng_state()
    choose(weights, generator())
    assert torch.equal(torch.get_rng_state(), state)  # nobody else's draws are used up


@pytest.mark.parametrize("seed", [None, 0])
def test_the_log_probability_and_its_gradient(seed):
    scores, mask = drawn(B, Q, K), keep_mask(torch.tensor([4, 2]), K)[:, None]
    _, weights = attend(scores, scores.mT, mask)
    choice, log_probability = choose(weights, None if seed is None else generator(seed))
    assert not choice.requires_grad and not choice[1, :, 2:].any()
    expected = scores.masked_fill(~mask, -torch.inf).log_softmax(-1).gather(-1, choice.argmax(-1, keepdim=True)).squeeze(-1)
    torch.testing.assert_close(log_probability, expected, **close)
    grads = [torch.autograd.grad((part**2).sum(), scores, retain_graph=True) for part in (log_probability, expected)]
    torch.testing.assert_close(*grads, **close)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("seed", [None, 0])
def test_a_query_that_may_see_nothing_in_any_precision(dtype, seed):
    scores = drawn(B, Q, K).detach().to(dtype).requires_grad_()
    mask = torch.ones(B, Q, K, dtype=torch.bool)
    mask[0, 1] = False
    _, weights = attend(scores, scores.mT, mask)
    choice, log_probability = choose(weights, None if seed is None else generator(seed))
    assert choice.dtype == log_probability.dtype == dtype
    assert choice.sum(-1).tolist() == [[1, 0, 1], [1, 1, 1]] and log_probability[0, 1] == 0
    gradient = torch.autograd.grad(log_probability.sum(), scores)[0]
    assert gradient.isfinite().all() and not gradient[0, 1].any() and gradient[0, 0].any()


# The estimator: two reads of three places each, the second scored in the light of the first, and a reward for both


def reward_of(theta, first, second):
    """Below 0, as log probabilities are; the parameters (..., 4, 3) have a direct part in it."""
    return torch.sin(theta[..., 3, :].sum(-1) + 2 * first - second) + theta[..., 0, 0] * second - 3


def episode(theta, first, second):
    """log p(first, second) and the reward."""
    log_p = theta[0].log_softmax(-1)[first] + (theta[1] + theta[2] * first).log_softmax(-1)[second]
    return log_p, reward_of(theta, first, second)


CHOICES = list(itertools.product(range(3), repeat=2))


def enumerated(theta):
    """The expected reward: a sum over all nine."""
    episodes = (episode(theta, *choice) for choice in CHOICES)
    return sum(log_p.exp() * reward for log_p, reward in episodes)


@pytest.mark.parametrize("baseline", [0.0, 0.4, -30.0])
def test_in_expectation_the_estimator_is_the_gradient_whatever_the_baseline(baseline):
    theta = drawn(4, 3)
    expected = torch.autograd.grad(enumerated(theta), theta)[0]
    got = 0
    for choice in CHOICES:
        log_p, reward = episode(theta, *choice)
        got = got + log_p.exp().detach() * torch.autograd.grad(surrogate(reward, log_p, baseline), theta)[0]
    torch.testing.assert_close(got, expected, **close)
    alone = sum(
        log_p.exp().detach() * torch.autograd.grad(reward, theta)[0]
        for log_p, reward in (episode(theta, *choice) for choice in CHOICES)
    )
    assert not torch.allclose(alone, expected, rtol=0.1)  # without the choices' part it is another


def estimates(theta, baseline, seed, N=20_000):
    """N estimates of the gradient, each from one draw of the two choices: (N, 4, 3)."""
    theta, g = theta.detach().expand(N, 4, 3).clone().requires_grad_(), generator(seed)
    places = torch.arange(3, dtype=torch.float64)
    choice, log_first = choose(theta[:, 0].softmax(-1), g)
    first = choice @ places  # (N,)
    choice, log_second = choose((theta[:, 1] + theta[:, 2] * first[:, None]).softmax(-1), g)
    second = choice @ places
    reward = reward_of(theta, first, second)
    return torch.autograd.grad(surrogate(reward, log_first + log_second, baseline).sum(), theta)[0]


def test_the_mean_of_many_estimates_is_the_gradient():
    theta = drawn(4, 3)
    expected = torch.autograd.grad(enumerated(theta), theta)[0]
    for baseline in (0.0, enumerated(theta).detach()):
        found = estimates(theta, baseline, seed=1)
        error = found.std(0) / len(found) ** 0.5
        assert ((found.mean(0) - expected).abs() < 4.5 * error).all()
        assert error.max() < 0.02


def test_the_mean_reward_for_a_baseline_lowers_the_variance():
    theta = drawn(4, 3)
    mean = enumerated(theta).detach()
    without, with_it, absurd = (estimates(theta, baseline, seed=2).var(0).sum() for baseline in (0.0, mean, mean + 10))
    assert with_it < 0.9 * without and absurd > 10 * without


def test_the_surrogate_has_the_value_of_the_reward():
    reward, log_p = drawn(B, Q), drawn(B, 1, seed=1)
    out = surrogate(reward, log_p, 0.25)
    assert torch.equal(out, reward)
    d_reward, d_log_p = torch.autograd.grad(out.sum(), (reward, log_p))
    assert torch.equal(d_reward, torch.ones(B, Q, dtype=torch.float64))  # the reward's own part, not the square
    torch.testing.assert_close(d_log_p, (reward - 0.25).sum(1, keepdim=True), **close)


def test_no_gradient_reaches_a_baseline():
    reward, log_p, baseline = drawn(B, Q), drawn(B, Q, seed=1), drawn(1, seed=2)
    assert torch.autograd.grad(surrogate(reward, log_p, baseline).sum(), baseline, allow_unused=True) == (None,)


def test_the_moving_average_by_hand():
    average = MovingAverage(0.75).double()
    for rewards, expected in (([4.0, 8.0], 1.5), ([-2.0, -2.0], 0.625)):
        average.update(torch.tensor(rewards, requires_grad=True))
        assert average.value.item() == expected and not average.value.requires_grad
    assert average.state_dict()["value"] == 0.625
    assert MovingAverage().decay == 0.9
    with pytest.raises(ValueError, match=re.escape("decay is 1.0; expected from 0 to below 1")):
        MovingAverage(1.0)


# The translator

VS, VT, E, H, A = 9, 8, 3, 4, 6
START, END = 1, 2
SOURCES = [[3, 4, 5], [8, 6, 3, 3, 7], [5]]
TARGETS = [[3, 7, 4, END], [5, END], [6, 3, 3, 4, END]]
BATCH = (*pad(SOURCES, 0), *pad(TARGETS, 0))


def translator(seed=0, **options):
    torch.manual_seed(seed)
    sizes = (VS, VT, E, H, AdditiveAttention(H, 2 * H, A))
    model = HardTranslator(*sizes, start=START, end=END, generator=generator(seed), **options).double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.7)
    return model


def test_the_loss_has_the_gradient_of_the_expected_log_probability(monkeypatch):
    """All 27 ways to read a source of three words for a target of three; what the padding reads counts for nothing."""
    model = translator()
    batch = torch.tensor([[3, 4, 5]]), torch.tensor([3]), torch.tensor([[3, 7, END, 6]]), torch.tensor([3])
    model.baseline.value += 0.3
    parameters = list(model.parameters())
    plan, reads = [], []

    def planned(weights, _):
        choice = torch.zeros_like(weights)
        choice[..., plan[len(reads)]] = 1
        reads.append((choice * weights).sum(-1).log())
        return choice, reads[-1]

    monkeypatch.setattr(hard, "choose", planned)
    expected_reward, estimate, values = 0, [torch.zeros_like(p) for p in parameters], []
    for choices in itertools.product(range(3), repeat=3):
        plan[:] = *choices, 1
        reads.clear()
        reward = model.log_probability(*batch)[0]
        p = torch.cat(reads[:3]).sum().exp()
        expected_reward = expected_reward + p * reward
        values.append(p.item())
        reads.clear()
        average = model.baseline.value.clone()
        loss = model.loss(*batch)
        model.baseline.value = average
        torch.testing.assert_close(loss, -reward / 3, **close)
        for total, part in zip(estimate, torch.autograd.grad(loss, parameters)):
            total += p.detach() * part
    assert abs(sum(values) - 1) < 1e-12
    torch.testing.assert_close(estimate, list(torch.autograd.grad(-expected_reward / 3, parameters)), **close)
    assert all(part.any() for part in estimate)


def test_the_baseline_follows_the_rewards():
    model = translator()
    losses = [model.loss(*BATCH) for _ in range(2)]
    rewards = [-loss * BATCH[3].sum() / 3 for loss in losses]  # the mean over three sentences
    torch.testing.assert_close(model.baseline.value, 0.9 * 0.1 * rewards[0] + 0.1 * rewards[1])


def test_it_reads_one_word_at_each_step():
    model = translator()
    for mode in (True, False):
        weights = model.train(mode).alignments(*BATCH)
        assert torch.equal(weights.sum(-1), keep_mask(BATCH[3], 5).double())
        assert ((weights == 0) | (weights == 1)).all()
        assert not weights[~keep_mask(BATCH[1], 5)[:, None].expand_as(weights)].any()
    assert not torch.equal(model.train().alignments(*BATCH), model.alignments(*BATCH))  # another draw


def test_without_training_it_reads_the_likeliest_word():
    model = translator().eval()
    soft = AttentionTranslator(VS, VT, E, H, AdditiveAttention(H, 2 * H, A), start=START, end=END).double()
    soft.load_state_dict({name: part for name, part in model.state_dict().items() if name != "baseline.value"})
    first = soft.alignments(*BATCH)[:, 0].argmax(-1)  # until the first read both know the same
    assert torch.equal(model.alignments(*BATCH)[:, 0].argmax(-1), first)
    before = model.generator.get_state()
    expected = model.log_probability(*BATCH)
    torch.testing.assert_close(model.loss(*BATCH), -expected.sum() / BATCH[3].sum(), **close)
    assert model.baseline.value == 0 and torch.equal(model.generator.get_state(), before)
    alone = [model.log_probability(*pad([s], 0), *pad([t], 0)) for s, t in zip(SOURCES, TARGETS)]
    torch.testing.assert_close(torch.cat(alone), expected, **close)
    source, source_lengths, target, target_lengths = BATCH
    padded = F.pad(source, (0, 3), value=4), source_lengths, F.pad(target, (0, 2), value=3), target_lengths
    torch.testing.assert_close(model.log_probability(*padded), expected, **close)


def test_step_by_step_is_teacher_forcing():
    model = translator().eval()
    expected = model(*BATCH[:3]).log_softmax(-1)
    state, tokens = model.begin(*BATCH[:2])
    for t, following in enumerate(BATCH[2].unbind(1)):
        log_probabilities, state = model.step(state, tokens)
        torch.testing.assert_close(log_probabilities, expected[:, t], **close)
        tokens = following


def test_a_step_knows_the_annotation_that_it_read_and_no_other():
    """Neither the gates nor the readout hear of the rest: only the keys, where the choice is made."""
    model = translator().eval()
    state, start = model.begin(*BATCH[:2])
    expected, after = model.step(state, start)
    unread = (after.weights == 0)[..., None]
    others = state._replace(values=state.values + 9 * unread, annotations=state.annotations + 9 * unread)
    got, same = model.step(others, start)
    torch.testing.assert_close(got, expected, **close)
    torch.testing.assert_close(same.s, after.s, **close)
    read = state._replace(values=state.values + 9 * ~unread)
    assert not torch.allclose(model.step(read, start)[1].s, after.s)


def test_a_source_of_one_word_leaves_nothing_to_choose():
    """Then hard attention is soft attention, its gradient included: all its choices are certain."""
    model = translator()
    soft = AttentionTranslator(VS, VT, E, H, AdditiveAttention(H, 2 * H, A), start=START, end=END).double()
    soft.load_state_dict({name: part for name, part in model.state_dict().items() if name != "baseline.value"})
    batch = (*pad([[5], [7]], 0), *pad(TARGETS[:2], 0))
    losses = model.loss(*batch), soft.loss(*batch)
    torch.testing.assert_close(*losses, **close)
    names = ["source_words", "encoder", "decoder", "readout"]
    asked = [[p for name in names for p in getattr(m, name).parameters()] for m in (model, soft)]
    torch.testing.assert_close(*(torch.autograd.grad(*pair) for pair in zip(losses, asked)), **close)


def test_a_model_can_be_copied_at_any_time():
    model = translator()
    model.loss(*BATCH)
    with pytest.raises(ValueError, match="last token is not end"):
        model.loss(*BATCH[:2], BATCH[2] * 0, BATCH[3])
    twin = copy.deepcopy(model)
    assert torch.equal(twin.loss(*BATCH), model.loss(*BATCH))


def test_the_translator_learns_by_reinforce():
    torch.manual_seed(0)
    attention = AdditiveAttention(16, 32, A)
    model = HardTranslator(VS, VT, 8, 16, attention, start=START, end=END, generator=generator())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses, first = [], copy.deepcopy(attention.state_dict())
    for _ in range(60):
        optimizer.zero_grad()
        losses.append(loss := model.loss(*BATCH))
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.3 * losses[0]
    assert model.eval().loss(*BATCH) < 0.3 * losses[0]
    assert all(not torch.equal(moved, first[name]) for name, moved in attention.state_dict().items())


def test_a_scorer_learns_where_to_look_from_the_rewards_alone():
    """Each query names one of four keys, which stand in another order each time. Paid is the read that finds it."""
    torch.manual_seed(0)
    attention, baseline, g = GeneralAttention(K, K), MovingAverage(), generator()
    optimizer = torch.optim.Adam(attention.parameters(), lr=0.05)
    rewards = []
    for _ in range(200):
        names = torch.rand(32, K, generator=g).argsort(-1)
        asked = torch.randint(K, (32, Q), generator=g)
        keys, queries = F.one_hot(names, K).float(), F.one_hot(asked, K).float()
        _, weights = attention(queries, keys, keys)
        choice, log_probability = choose(weights, g)
        reward = (choice @ keys * queries).sum(-1)  # 1 where the name read is the name asked for
        optimizer.zero_grad()
        (-surrogate(reward, log_probability, baseline.value).mean()).backward()
        optimizer.step()
        baseline.update(reward)
        rewards.append(reward.mean())
    assert sum(rewards[:10]) / 10 < 0.4 and sum(rewards[-10:]) / 10 > 0.9
    choice, _ = choose(attention(queries, keys, keys)[1])
    assert torch.equal(choice @ keys, queries)
