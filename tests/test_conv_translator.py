"""The convolutional translator with attention is its equations; then padding, causality, steps, alignments, learning."""

import re

import pytest
import torch
from padding import padded

from utils import training, translation
from utils.attention.conv_translator import ConvolutionalAttentionTranslator
from utils.batches import pad
from utils.conv_seq2seq import GatedConvolution
from utils.data.french.pairs import word_for_word, word_table
from utils.decoding import beam_search, greedy
from utils.rnn import keep_mask
from utils.seq2seq import parameters_by_part

VS, VT, H = 9, 8, 4
PAD, START, END = 0, 1, 2
SOURCES = [[3, 4, 5], [8, 6, 3, 3, 7], [5]]
TARGETS = [[3, 7, 4, END], [5, END], [6, 3, 3, 4, END]]
BATCH = (*pad(SOURCES, PAD), *pad(TARGETS, PAD))
close = {"rtol": 1e-11, "atol": 1e-11}


def build(seed=0, layers=2, kernel=3, longest=12):
    torch.manual_seed(seed)
    sizes = {"layers": layers, "kernel": kernel, "longest": longest}
    model = ConvolutionalAttentionTranslator(VS, VT, H, start=START, end=END, **sizes).double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.7)
    return model


def gradients(value, model):
    return torch.autograd.grad(value, list(model.parameters()))


def convolve(layer, rows, left):
    """A gated convolution over rows (each (H,)), the first of its inputs `left` places back, nothing at the ends."""
    W, b, nothing = layer.convolution.weight, layer.convolution.bias, torch.zeros(H, dtype=torch.float64)
    out = []
    for t in range(len(rows)):
        places = range(t - left, t - left + W.shape[2])
        inputs = [rows[p] if 0 <= p < len(rows) else nothing for p in places]
        a, gate = (sum(x @ W[:, :, i].T for i, x in enumerate(inputs)) + b).chunk(2)
        out.append(a * gate.sigmoid())
    return out


def by_equations(model, source, target):
    """log p(target | source) and the weights (T, S), as Gehring et al. write it, a position and a layer at a time."""
    half, k, m = 0.5**0.5, model.kernel, len(source)
    e = [model.source_words.weight[i] + model.source_places.weight[t] for t, i in enumerate(source)]
    z = e
    for layer in model.encoder:
        z = [(x + new) * half for x, new in zip(z, convolve(layer, z, left=k // 2))]
    g = [model.target_words.weight[i] + model.target_places.weight[t] for t, i in enumerate([START, *target[:-1]])]
    y, weights = g, torch.zeros(len(target), m, dtype=torch.float64)
    for layer in model.decoder:
        h = [(x + new) * half for x, new in zip(y, convolve(layer.gated, y, left=k - 1))]
        y = []
        for i, h_i in enumerate(h):
            d = h_i @ layer.query.weight.T + layer.query.bias + g[i]
            a = torch.stack([d @ z_j for z_j in z]).softmax(0)
            c = sum(a_j * (z_j + e_j) * half for a_j, z_j, e_j in zip(a, z, e))
            y.append((h_i + c * m * (1 / m) ** 0.5) * half)
            weights[i] = weights[i] + a.detach() / len(model.decoder)
    logits = [row @ model.readout.weight.T + model.readout.bias for row in y]
    return sum(row.log_softmax(0)[i] for row, i in zip(logits, target)), weights


@pytest.mark.parametrize(("layers", "kernel"), [(2, 3), (3, 5), (1, 3)])
def test_is_its_equations_gradient_included(layers, kernel):
    model = build(layers, layers, kernel)
    results = [by_equations(model, source, target) for source, target in zip(SOURCES, TARGETS)]
    expected = torch.stack([total for total, _ in results])
    got = model.log_probability(*BATCH)
    torch.testing.assert_close(got, expected, **close)
    torch.testing.assert_close(gradients(got.sum(), model), gradients(expected.sum(), model), **close)
    weights = model.alignments(*BATCH)
    assert weights.shape == (3, 5, 5)
    for b, (_, rows) in enumerate(results):
        torch.testing.assert_close(weights[b, : len(TARGETS[b]), : len(SOURCES[b])], rows, **close)


def test_alignments_are_weights_over_real_words_for_real_words():
    weights = build().alignments(*BATCH)
    real = keep_mask(BATCH[3], 5)
    torch.testing.assert_close(weights.sum(-1), real.double(), **close)
    assert torch.equal(weights > 0, real[:, :, None] & keep_mask(BATCH[1], 5)[:, None])


def test_step_by_step_is_teacher_forcing():
    """The scores, and where each step looked."""
    model = build()
    expected = model.alignments(*BATCH)
    state, tokens = model.begin(*BATCH[:2])
    total = torch.zeros(3, dtype=torch.float64)
    for t, following in enumerate(BATCH[2].unbind(1)):
        scores, state = model.step(state, tokens)
        real = t < BATCH[3]
        total += scores.gather(1, following[:, None])[:, 0] * real
        torch.testing.assert_close(state.weights[real], expected[real, t], **close)
        tokens = following
    torch.testing.assert_close(total, model.log_probability(*BATCH), **close)


def test_padding_and_the_rest_of_the_batch_change_nothing():
    model = build()
    together = model.log_probability(*BATCH)
    for b, (source, target) in enumerate(zip(SOURCES, TARGETS)):
        torch.testing.assert_close(model.log_probability(*pad([source], PAD), *pad([target], PAD))[0], together[b], **close)
    loss = model.loss(*BATCH)
    expected = gradients(loss, model)
    for padding in (PAD, 5):
        again = model.loss(*padded(BATCH, padding))
        torch.testing.assert_close(again, loss, **close)
        torch.testing.assert_close(gradients(again, model), expected, **close)


def test_no_logit_depends_on_its_own_token_or_a_later_one():
    model, (source, lengths, target, _) = build(), BATCH
    logits = model(source, lengths, target)
    for t in range(5):
        changed = target.clone()
        changed[:, t] = (changed[:, t] + 1) % VT
        again = model(source, lengths, changed)
        torch.testing.assert_close(again[:, : t + 1], logits[:, : t + 1], rtol=0, atol=0)
        assert (again[:, t + 1 : t + 2] != logits[:, t + 1 : t + 2]).any(-1).all()


def test_what_beams_find_has_the_score_that_teacher_forcing_gives_it():
    model = build()
    with torch.no_grad():
        model.readout.bias[END] += 4
    found = beam_search(model.step, *model.begin(*BATCH[:2]), 7, beams=3, eos=END)
    ended = found.sequences.gather(2, found.lengths[..., None] - 1)[..., 0] == END
    assert ended[:, 0].all()
    pairs = (*BATCH[:2], found.sequences[:, 0], found.lengths[:, 0])
    torch.testing.assert_close(model.log_probability(*pairs), found.scores[:, 0], **close)


def test_what_it_adds_to_the_model_without_attention():
    """A query of H x H and H for each layer of the decoder."""
    parts = parameters_by_part(build())
    gated = sum(p.numel() for p in GatedConvolution(H, 3).parameters())
    assert parts["encoder"] == 2 * gated and parts["decoder"] == 2 * (gated + H * H + H)


def test_the_first_embeddings_are_small():
    model = ConvolutionalAttentionTranslator(500, 500, 32, start=1, end=2, layers=1, kernel=3, longest=40)
    for table in (model.source_words, model.target_words, model.source_places, model.target_places):
        assert abs(table.weight.std() - 0.1) < 0.01


def test_half_precision():
    model = build()
    expected = model.log_probability(*BATCH)
    got = model.to(torch.bfloat16).log_probability(*BATCH)
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got.double(), expected, rtol=0.1, atol=0.5)


def test_learns_to_turn_five_symbols_around():
    """All 30 words of 1 or 2 symbols, backwards, as a greedy search writes them."""
    words = [[3 + n // 5**i % 5 for i in range(size)] for size in (1, 2) for n in range(5**size)]
    sides = (*pad(words, PAD), *pad([[*word[::-1], END] for word in words], PAD))
    torch.manual_seed(0)
    model = ConvolutionalAttentionTranslator(8, 8, 32, start=START, end=END, layers=2, kernel=3, longest=8)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    history = training.train(model.loss, [sides] * 60, optimizer, steps=60, clip=1.0)
    assert history.loss[0] > 1.9  # log 8 = 2.08
    found = greedy(model.step, *model.begin(*sides[:2]), 5, END)
    right = [found.sequences[i, : len(word) + 1].tolist() == [*word[::-1], END] for i, word in enumerate(words)]
    assert sum(right) >= 29


@pytest.mark.slow
def test_translates_short_sentences_of_the_books_task_better_than_word_for_word():
    corpus = translation.english_french(4_000, longest=6)
    training.seed(0)
    V = len(corpus.source), len(corpus.target)
    model = ConvolutionalAttentionTranslator(*V, 64, start=START, end=END, layers=2, kernel=3, longest=96)
    translation.train(model, corpus, 300, 0)
    test = corpus.split.test
    table = word_table(corpus.split.train)
    baseline = [word_for_word(table, pair.english) for pair in test]
    exact, by_words = (
        translation.right(found, test).mean() for found in (translation.translate(model, corpus, test), baseline)
    )
    assert exact > by_words + 0.1


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="kernel is 4; expected an odd width from 3"):
        build(kernel=4)
    with pytest.raises(ValueError, match="source has a sentence of 5 tokens; expected at most longest = 4"):
        build(longest=4).loss(*BATCH)
    with pytest.raises(ValueError, match="target has a sentence of 6 tokens; expected at most longest = 5"):
        build(longest=5)(*BATCH[:2], torch.full((3, 6), 3))
    with pytest.raises(ValueError, match=re.escape("source holds ids from 1 to 9; expected 0 to 8")):
        build().loss(BATCH[0] + 1, *BATCH[1:])
