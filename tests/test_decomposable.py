"""Decomposable attention is its equations, pair by pair; both masks; what it cannot see; the task that it is tried on."""

import re

import pytest
import torch
import torch.nn.functional as F

from utils import training
from utils.attention.decomposable import BagsOfWords, DecomposableAttention, align
from utils.batches import pad, take
from utils.data.entailment import CLASSES, EXCLUDING, KINDS, NOUNS, entailment
from utils.data.text import Vocabulary

V, D, H, C = 11, 5, 7, 3
FIRST = [[1, 2, 3, 4], [5, 6], [7, 8, 9]]
SECOND = [[4, 3, 10], [6, 5, 1, 2, 9, 9], [7]]
BATCH = (*pad(FIRST, 0), *pad(SECOND, 0))
MODELS = [DecomposableAttention, BagsOfWords]
every_model = pytest.mark.parametrize("kind", MODELS)
close = {"rtol": 1e-11, "atol": 1e-11}


def build(kind, seed=0):
    torch.manual_seed(seed)
    model = kind(V, D, H, C).double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.5)
    return model


def layers(network, x):
    """Two linear layers with biases, each behind a rectifier, on a row vector."""
    for linear in (network[0], network[2]):
        x = (x @ linear.weight.T + linear.bias).relu()
    return x


def average(weights, rows):
    return sum(w * row for w, row in zip(weights, rows))


def by_equations(model, first, second):
    """Logits (C,), and the weights of both sides, a pair of words at a time."""
    a, b = [model.words.weight[i] for i in first], [model.words.weight[j] for j in second]
    over_b = over_a = None
    if isinstance(model, BagsOfWords):
        compared = [[layers(model.comparison, word) for word in side] for side in (a, b)]
    else:
        e = torch.stack([torch.stack([layers(model.attend, x) @ layers(model.attend, y) for y in b]) for x in a])
        over_b = torch.stack([row.softmax(0) for row in e])  # (I, J)
        over_a = torch.stack([e[:, j].softmax(0) for j in range(len(b))])  # (J, I)
        compared = [
            [layers(model.comparison, torch.cat([x, average(w, b)])) for x, w in zip(a, over_b)],
            [layers(model.comparison, torch.cat([y, average(w, a)])) for y, w in zip(b, over_a)],
        ]
    summed = layers(model.aggregate[0], torch.cat([sum(side) for side in compared]))
    return summed @ model.aggregate[1].weight.T + model.aggregate[1].bias, over_b, over_a


@every_model
@pytest.mark.parametrize("seed", [0, 1])
def test_is_its_equations_gradient_included(kind, seed):
    model, classes = build(kind, seed), torch.tensor([2, 0, 1])
    results = [by_equations(model, *both) for both in zip(FIRST, SECOND)]
    expected = torch.stack([logits for logits, _, _ in results])
    torch.testing.assert_close(model(*BATCH), expected, **close)
    loss = -sum(row.log_softmax(0)[c] for row, c in zip(expected, classes)) / 3
    got = model.loss(*BATCH, classes)
    torch.testing.assert_close(got, loss, **close)
    parameters = list(model.parameters())
    torch.testing.assert_close(torch.autograd.grad(got, parameters), torch.autograd.grad(loss, parameters), **close)
    if kind is DecomposableAttention:
        of_first, of_second = model.alignments(*BATCH)
        assert of_first.shape == (3, 4, 6) and of_second.shape == (3, 6, 4)
        for b, (_, over_b, over_a) in enumerate(results):
            for weights, wanted in ((of_first[b], over_b), (of_second[b], over_a)):
                padded = torch.zeros_like(weights)
                padded[: wanted.shape[0], : wanted.shape[1]] = wanted
                torch.testing.assert_close(weights, padded, **close)


def test_align_by_hand():
    """Two words and three, the last of them padding: scores log 3 and 0."""
    scores = torch.tensor([[3.0, 1, 9], [1, 1, 9]], dtype=torch.float64).log()[None]
    a, b = torch.tensor([[[4.0], [8]]]).double(), torch.tensor([[[4.0], [0], [99]]]).double()
    beta, alpha, over_b, over_a = align(scores, a, b, torch.ones(1, 2).bool(), torch.tensor([[True, True, False]]))
    torch.testing.assert_close(beta[0, :, 0], torch.tensor([3.0, 2]).double(), **close)
    torch.testing.assert_close(alpha[0, :2, 0], torch.tensor([5.0, 6]).double(), **close)
    torch.testing.assert_close(over_b[0], torch.tensor([[0.75, 0.25, 0], [0.5, 0.5, 0]]).double(), **close)
    torch.testing.assert_close(over_a[0, :2], torch.tensor([[0.75, 0.25], [0.5, 0.5]]).double(), **close)


@every_model
def test_padding_and_the_rest_of_the_batch_change_nothing(kind):
    model, classes = build(kind), torch.tensor([2, 0, 1])
    logits, loss = model(*BATCH), model.loss(*BATCH, classes)
    expected = torch.autograd.grad(loss, list(model.parameters()))
    for b, (first, second) in enumerate(zip(FIRST, SECOND)):
        torch.testing.assert_close(model(*pad([first], 0), *pad([second], 0))[0], logits[b], **close)
    for padding in (0, 8):
        padded = []
        for tokens, lengths in (BATCH[:2], BATCH[2:]):
            longer = F.pad(tokens, (0, 3), value=padding)
            padded += [longer.where(torch.arange(longer.shape[1]) < lengths[:, None], padding), lengths]
        again = model.loss(*padded, classes)
        torch.testing.assert_close(again, loss, **close)
        torch.testing.assert_close(torch.autograd.grad(again, list(model.parameters())), expected, **close)


@every_model
def test_word_order_is_not_seen(kind):
    """So no amount of training tells "the dog sees the cat" from "the cat sees the dog"."""
    model, (first, first_lengths, second, second_lengths) = build(kind), BATCH
    moved = second.clone()
    moved[1] = second[1, [3, 0, 5, 1, 4, 2]]
    torch.testing.assert_close(model(first, first_lengths, moved, second_lengths), model(*BATCH), **close)


def test_without_attention_no_word_knows_the_other_sentence():
    """What a word adds to its sentence's sum: in one model the same beside any other sentence, in the other not."""
    for kind, same in ((BagsOfWords, True), (DecomposableAttention, False)):
        model = build(kind)
        a, b = (model.words(torch.tensor([ids])) for ids in ([1, 2, 3, 4], [5, 6, 7]))
        keep_a, keep_b = torch.ones(1, 4).bool(), torch.ones(1, 3).bool()
        of_a, of_b = model.compare(a, b, keep_a, keep_b)
        assert of_a.shape == (1, 4, H) and of_b.shape == (1, 3, H)
        other, _ = model.compare(a, b + 1, keep_a, keep_b)
        assert torch.allclose(other, of_a) == same


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    model = build(DecomposableAttention)
    expected = model(*BATCH)
    got = model.to(dtype)(*BATCH)
    assert got.dtype == dtype
    torch.testing.assert_close(got.double(), expected, rtol=0.1, atol=0.1)


first, first_lengths, second, second_lengths = BATCH


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((first[0], first_lengths, second, second_lengths), "first has shape (4,); expected (B, T)"),
        ((first, first_lengths, second + 1, second_lengths), "second holds ids from 1 to 11; expected 0 to 10"),
        ((first, first_lengths + 1, second, second_lengths), "first_lengths runs from 3 to 5; expected 1 to 4"),
        ((first, first_lengths, second, second_lengths * 0), "second_lengths runs from 0 to 0; expected 1 to 6"),
        ((first[:2], first_lengths[:2], second, second_lengths), "second holds 3 sentences; expected one for each of the 2"),
    ],
)
def test_bad_input_is_named(batch, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build(DecomposableAttention)(*batch)


# The task


def judged(first, second):
    """The label by the rules of the task, from the words alone: the second sentence's parts, each against its own."""

    def parts(words):
        """For each noun phrase its adjectives and its noun; and the adverb."""
        nouns = {noun.english[0] for noun in NOUNS} | set(KINDS)
        found, adjectives = [], None
        for word in words:
            if word == "the":
                adjectives = set()
            elif word in nouns:
                found.append((adjectives, word))
                adjectives = None
            elif adjectives is not None:
                adjectives.add(word)
        return found, next((word for word in words if word in ("not", "often", "always")), "")

    (before, adverb), (after, other_adverb) = parts(first), parts(second)
    kind_of = {noun.english[0]: noun.kind for noun in NOUNS}
    excluded = other_adverb == "not"
    untold = False
    for (has, noun), (said, other) in zip(before, after, strict=True):
        excluded |= any(x != y and {x, y} <= group for x in has for y in said for group in EXCLUDING)
        untold |= bool(said - has) or other not in (noun, kind_of[noun])
    assert other_adverb in ("", "not", adverb)
    return "contradicts" if excluded else "neutral" if untold else "entails"


def test_every_label_follows_from_the_rules():
    pairs = entailment(3_000, 0)
    assert len({(one.first, one.second) for one in pairs}) == 3_000
    assert [sum(one.label == c for one in pairs) for c in range(3)] == [1_000] * 3
    assert entailment(20, 0) == pairs[:20] != entailment(20, 1)
    for one in pairs:
        assert judged(one.first, one.second) == CLASSES[one.label], one


def accuracy(kind, hidden, steps=1_500):
    """On 500 pairs that were not among the 4,000 to learn from."""
    pairs = entailment(4_500, 0)
    vocabulary = Vocabulary(["<pad>", *sorted({word for one in pairs for word in one.first + one.second})])
    sides = [pad([vocabulary.encode(side) for side in sentences], 0) for sentences in list(zip(*pairs))[:2]]
    labels = torch.tensor([one.label for one in pairs])
    training.seed(0)
    model = kind(len(vocabulary), 24, hidden, len(CLASSES))
    drawn = [torch.randint(4_000, (64,)) for _ in range(steps)]
    batches = ((*take(sides, index), labels[index]) for index in drawn)
    training.train(model.loss, batches, torch.optim.Adam(model.parameters(), lr=4e-3), steps=steps, clip=1.0)
    test = torch.arange(4_000, 4_500)
    return (model(*take(sides, test)).argmax(-1) == labels[test]).float().mean().item(), sum(
        p.numel() for p in model.parameters()
    )


@pytest.mark.slow
def test_attention_tells_what_follows_better_than_bags_of_the_same_size():
    (exact, size), (bags, bags_size) = accuracy(DecomposableAttention, 40), accuracy(BagsOfWords, 48)
    assert abs(size / bags_size - 1) < 0.05
    assert exact > bags + 0.05
