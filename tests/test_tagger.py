"""A label for each word: what it may depend on, and what it may not."""

import pytest
import torch
import torch.nn.functional as F

from utils.attention.positions import sinusoidal
from utils.attention.tagger import Tagger
from utils.data.french.pairs import first_words, textbook

WORDS = torch.tensor([[3, 1, 4, 1, 5], [2, 6, 5, 0, 0]])
LENGTHS = torch.tensor([5, 3])
LABELS = torch.tensor([[1, 2, 3, 4, 5], [6, 0, 1, 0, 0]])


def tagger(**options):
    torch.manual_seed(0)
    return Tagger(8, 7, 12, 3, **options).double()


def test_a_sentence_alone_as_in_a_batch_whatever_the_padding():
    model, other = tagger(), WORDS.clone()
    other[1, 3:] = 7
    together = model(WORDS, LENGTHS)
    torch.testing.assert_close(model(WORDS[1:, :3], LENGTHS[1:])[0], together[1, :3])
    torch.testing.assert_close(model(other, LENGTHS)[1, :3], together[1, :3])
    torch.testing.assert_close(model.loss(other, LENGTHS, LABELS), model.loss(WORDS, LENGTHS, LABELS))


@pytest.mark.parametrize(
    ("options", "heeds_others", "heeds_order"),
    [({}, True, True), ({"placed": False}, True, False), ({"attends": False, "placed": False}, False, False)],
)
def test_what_a_label_depends_on(options, heeds_others, heeds_order):
    model, sentence, length = tagger(**options), WORDS[:1], LENGTHS[:1]
    changed = sentence.clone()
    changed[0, 4] = 6
    first = model(sentence, length)
    assert heeds_others != torch.allclose(model(changed, length)[0, 0], first[0, 0])
    order = torch.tensor([2, 0, 4, 1, 3])
    assert heeds_order != torch.allclose(model(sentence[:, order], length), first[:, order])


def test_loss_is_the_mean_over_real_words():
    model = tagger()
    logits = model(WORDS, LENGTHS)
    nats = [F.cross_entropy(logits[i, t], LABELS[i, t]) for i in range(2) for t in range(LENGTHS[i])]
    torch.testing.assert_close(model.loss(WORDS, LENGTHS, LABELS), torch.stack(nats).mean())
    (gradient,) = torch.autograd.grad(model.loss(WORDS, LENGTHS, LABELS), model.words.weight)
    assert (gradient[0] == 0).all() and (gradient[1:7].abs().sum(1) > 0).all()


def test_right_labels_are_counted_in_real_words_only():
    model = tagger()
    found = model(WORDS, LENGTHS).argmax(-1)
    wrong = found.clone()
    wrong[0, 2] += 1
    assert model.right(WORDS, LENGTHS, wrong).tolist() == [[True, True, False, True, True], [True] * 3 + [False] * 2]


def test_is_its_equation_also_in_half_precision():
    model = tagger()
    x = model.words(WORDS[:1]) + sinusoidal(5, 12).double()
    expected = model.readout(x + model.attention(x, x, x)[0])
    torch.testing.assert_close(model(WORDS[:1], LENGTHS[:1]), expected)
    found = model.to(torch.bfloat16)(WORDS[:1], LENGTHS[:1])
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.double(), expected, rtol=0.1, atol=0.1)


def test_weights_are_those_of_the_attention():
    model = tagger()
    _, weights = model.read(model.embed(WORDS), LENGTHS)
    assert weights.shape == (2, 3, 5, 5)
    assert (weights[1, :, :, 3:] == 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, 5, dtype=torch.float64))


def test_first_words():
    assert [first_words(pair) for pair in textbook()[:2]] == [("je", "aime", "t'"), ("cherchez", "-le", "cherchez")]
