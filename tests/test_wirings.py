"""Each wiring is what its docstring says, learns from a loss, and steps as it was taught."""

import pytest
import torch
import torch.nn.functional as F

from utils.attention.scores import DotAttention, QKVAttention
from utils.attention.wirings import WIRINGS, EncoderOnlyTranslator, TutorialTranslator, wiring
from utils.batches import pad
from utils.decoding import greedy

close = {"rtol": 1e-10, "atol": 1e-10}
VS, VT, D, H, LONGEST = 9, 8, 3, 6, 7
START, END = 1, 2
SOURCES = [[3, 4, 5], [8, 6, 3, 3, 7], [5]]
TARGETS = [[3, 7, 4, END], [5, END], [6, 3, 3, 4, END]]
BATCH = (*pad(SOURCES, 0), *pad(TARGETS, 0))
each = pytest.mark.parametrize("name", WIRINGS)


def scattered(model, seed=0):
    """The model in float64, with weights large enough for each of them to matter."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.double().parameters():
            p.copy_(torch.randn(p.shape, generator=generator, dtype=p.dtype) * 0.7)
    return model.eval()


def build(name, seed=0):
    generator = torch.Generator().manual_seed(0)
    return scattered(wiring(name, VS, VT, D, H, start=START, end=END, longest=LONGEST, generator=generator), seed)


def tutorial(forcing=0.5, seed=0):
    options = {"longest": LONGEST, "generator": torch.Generator().manual_seed(seed), "forcing": forcing}
    return scattered(TutorialTranslator(VS, VT, D, H, start=START, end=END, **options))


@each
def test_a_batch_is_its_sentences_and_padding_changes_nothing(name):
    model = build(name)
    expected, aligned = model.log_probability(*BATCH), model.alignments(*BATCH)
    for b, (source, target) in enumerate(zip(SOURCES, TARGETS)):
        alone = (*pad([source], 0), *pad([target], 0))
        torch.testing.assert_close(model.log_probability(*alone), expected[b : b + 1], **close)
        weights = model.alignments(*alone)
        torch.testing.assert_close(weights[0], aligned[b, : len(target), : len(source)], **close)
        torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]))
    wider = [F.pad(part, (0, 2), value=7) if part.ndim == 2 else part for part in BATCH]
    torch.testing.assert_close(model.log_probability(*wider), expected, **close)
    torch.testing.assert_close(model.alignments(*wider), F.pad(aligned, (0, 2, 0, 2)), **close)


@each
def test_step_by_step_is_teacher_forcing(name):
    model = build(name)
    source, source_lengths, target, target_lengths = BATCH
    expected, aligned = model(source, source_lengths, target).log_softmax(-1), model.alignments(*BATCH)
    state, tokens = model.begin(source, source_lengths)
    for t, following in enumerate(target.unbind(1)):
        scores, state = model.step(state, tokens)
        real = t < target_lengths
        torch.testing.assert_close(scores[real], expected[real, t], **close)
        torch.testing.assert_close(state.weights[real], aligned[real, t], **close)
        tokens = following


@each
def test_every_weight_learns(name):
    model = build(name).train()
    model.loss(*BATCH).backward()
    for part, p in model.named_parameters():
        assert p.grad is not None and p.grad.isfinite().all() and p.grad.any(), part


def test_who_has_a_say_in_the_weights():
    """The encoder's words, the decoder's words, both, or neither: by changing one side and looking at the weights."""
    others = torch.tensor([[4, 4, 5, 0, 0], [8, 6, 5, 3, 7], [3, 0, 0, 0, 0]])
    words = torch.tensor([[4, 5, 3, END, 0], [3, END, 0, 0, 0], [7, 5, 6, 4, END]])
    says = {}
    for name in WIRINGS:
        model = build(name)
        before = model.alignments(*BATCH)
        source = model.alignments(others, *BATCH[1:])
        target = model.alignments(*BATCH[:2], words, BATCH[3])
        says[name] = (not torch.allclose(before, source), not torch.allclose(before, target))
    decoder_too, encoder_only = (True, True), (True, False)
    assert says == dict(zip(WIRINGS, [decoder_too, decoder_too, encoder_only, encoder_only, decoder_too]))


def test_the_tutorials_scores_know_no_source_word():
    """The source enters its weights by way of the state alone: with another source and the same state they are the same."""
    model = build("PyTorch tutorial")
    states = [
        model.begin(source, torch.tensor([4]))[0] for source in (torch.tensor([[3, 4, 5, 6]]), torch.tensor([[8, 7, 3, 3]]))
    ]
    word = torch.tensor([3])
    one, other = (model.step(state._replace(s=states[0].s), word)[1] for state in states)
    assert torch.equal(one.weights, other.weights) and not torch.equal(one.s, other.s)
    dot = build("encoder-decoder dot product")
    states = [
        dot.begin(source, torch.tensor([4]))[0] for source in (torch.tensor([[3, 4, 5, 6]]), torch.tensor([[8, 7, 3, 3]]))
    ]
    one, other = (dot.step(state._replace(s=states[0].s), word)[1] for state in states)
    assert not torch.allclose(one.weights, other.weights)


@pytest.mark.parametrize("name", ["encoder-only dot product", "encoder-only QKV"])
def test_the_encoder_only_wiring_is_its_equations(name):
    """Row i of W X at step i, then its last row again and again; the rest is Luong's decoder."""
    model = build(name)
    weights = model.alignments(*BATCH)
    source, target = SOURCES[0], TARGETS[0]  # three words, and four steps
    X = model.source_words.weight[source]
    if name.endswith("QKV"):
        q, k = X @ model.attention.W_q.weight.T, X @ model.attention.W_k.weight.T
        W = (q @ k.T / D**0.5).softmax(-1)
    else:
        W = (X @ X.T).softmax(-1)
    torch.testing.assert_close(weights[0, :4, :3], W[[0, 1, 2, 2]], **close)
    _, last = model.encoder(X[None])
    s, _ = model.decoder(model.target_words(torch.tensor([[START, *target[:-1]]])), last.reshape(1, 1, H))
    h_tilde = torch.tanh(torch.cat([(W @ X)[[0, 1, 2, 2]], s[0]], -1) @ model.combine.weight.T)
    total = (h_tilde @ model.readout.weight.T).log_softmax(-1)[range(4), target].sum()
    got = model.log_probability(*BATCH)[0]
    torch.testing.assert_close(got, total, **close)
    parameters = list(model.parameters())
    sums = [torch.autograd.grad(loss, parameters) for loss in (got, total)]
    torch.testing.assert_close(*sums, **close)


def free_running(model, source, target):
    """The loss of one sentence when the decoder reads its own likeliest words, a step at a time, gradient and all."""
    state, token = model.begin(*pad([source], 0))
    total = 0
    for y in target:
        scores, state = model.step(state, token)
        total, token = total - scores[0, y], scores.argmax(-1)
    return total / len(target)


@pytest.mark.parametrize(("forcing", "own"), [(1.0, False), (0.0, True)])
def test_free_running_is_reading_ones_own_words_gradient_included(forcing, own):
    model = tutorial(forcing).train()
    parameters = list(model.parameters())
    for source, target in zip(SOURCES, TARGETS):
        pair = (*pad([source], 0), *pad([target], 0))
        got = model.loss(*pair)
        forced = model.eval().loss(*pair)
        free = free_running(model.train(), source, target)
        assert not torch.allclose(free, forced)
        expected = free if own else forced
        torch.testing.assert_close(got, expected, **close)
        torch.testing.assert_close(torch.autograd.grad(got, parameters), torch.autograd.grad(expected, parameters), **close)


def test_half_of_the_sentences_are_forced_each_whole():
    model = build("PyTorch tutorial").train()
    source, lengths = torch.tensor([[3, 4, 5]]).expand(400, 3), torch.full((400,), 3)
    target = torch.tensor([[6, 5, 4, END]]).expand(400, 4)
    read = model._partly_own(source, lengths, target)
    free = greedy(model.step, *model.begin(source[:1], lengths[:1]), 4).sequences[0]
    forced = (read == target).all(1)
    assert not torch.equal(free, target[0])
    assert torch.equal(read[~forced], free.expand((~forced).sum(), 4))
    assert 160 < forced.sum() < 240  # 200 expected, standard deviation 10
    assert torch.equal(target, torch.tensor([[6, 5, 4, END]]).expand(400, 4))  # the argument is as it was


def test_the_draws_come_from_the_generator_and_stop_in_evaluation():
    models = [tutorial(seed=seed) for seed in (0, 0, 1)]
    assert len({model.loss(*BATCH).item() for model in models}) == 1
    losses = [[model.train().loss(*BATCH).item() for _ in range(6)] for model in models]
    assert losses[0] == losses[1] != losses[2]
    assert len(set(losses[0])) > 1


def test_what_may_be_wired():
    with pytest.raises(ValueError, match="no wiring 'dot'; known are encoder-decoder dot product"):
        build("dot")
    with pytest.raises(ValueError, match=r"forcing is 1\.5; expected a probability"):
        tutorial(forcing=1.5)
    with pytest.raises(ValueError, match="key has 8 places; expected at most longest = 7"):
        build("PyTorch tutorial").log_probability(*pad([[3] * 8], 0), *pad([TARGETS[0]], 0))
    assert isinstance(build("encoder-only QKV"), EncoderOnlyTranslator)
    assert isinstance(build("encoder-decoder QKV").attention, QKVAttention)
    assert isinstance(build("encoder-decoder dot product").attention, DotAttention)
