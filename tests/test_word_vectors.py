"""Gradients are autograd's, windows and tables equal loops over words, what is known is found again, and rho is real."""

import math
import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from utils.cooccurrence import Glove, cooccurrences, glove_gradient, glove_loss, glove_vectors, glove_weight, ppmi, svd_vectors
from utils.data.similarity import similarity_table
from utils.data.text import Vocabulary
from utils.data.wikipedia import article_words
from utils.data.words import corpus, keep_probabilities, noise_distribution, pairs, subsample, windows
from utils.word_space import WordVectors, agreement, analogy, cosine, nearest, plane, ranks, spearman
from utils.word_vectors import (
    average,
    average_gradient,
    look_up,
    prediction,
    sampled_gradient,
    sampled_loss,
    softmax_gradient,
    softmax_loss,
    train,
)

DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
CAT = [["the", "cat", "sat"], ["the", "cat"], ["a", "dog", "sat"], ["alone"]]
drawn_sentences = st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), min_size=1, max_size=5).filter(
    lambda sentences: any(len(words) > 1 for words in sentences)
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# The corpus


def test_a_corpus_by_hand():
    text = corpus([["b", "rare", "a", "b"], [], ["a", "c", "b", "c"]], minimum=2)
    assert text.vocabulary.tokens == ["b", "a", "c"]  # by count, then by the alphabet
    assert text.counts.tolist() == [3, 2, 2]
    assert text.ids.tolist() == [0, 1, 0, 1, 2, 0, 2]
    assert text.sentence.tolist() == [0, 0, 0, 2, 2, 2, 2]


def test_keep_probabilities_by_hand():
    """With t = 0.01: 4 words in 100 give sqrt(0.25), 16 give sqrt(1/16), and 1 in 100 or fewer stay whole."""
    counts = torch.tensor([64, 16, 15, 4, 1])
    expected = [0.125, 0.25, math.sqrt(1 / 15), 0.5, 1.0]
    assert keep_probabilities(counts, 0.01).tolist() == pytest.approx(expected, rel=1e-14)


def test_subsampling_keeps_each_word_as_often_as_it_should():
    text = corpus([["x"] * 12_000, ["y"] * 4_000 + ["z"] * 4_000])
    kept = subsample(text, 0.05, generator())
    shares = torch.bincount(kept.ids, minlength=3) / text.counts
    torch.testing.assert_close(shares.double(), keep_probabilities(text.counts, 0.05), atol=0.02, rtol=0)
    assert torch.equal(kept.counts, text.counts)
    assert torch.equal(kept.sentence, (kept.ids != 0).long())


def test_noise_words_come_by_their_count_to_three_quarters():
    p = noise_distribution(torch.tensor([81, 16, 1]))
    assert p.tolist() == pytest.approx([27 / 36, 8 / 36, 1 / 36], rel=1e-14)
    assert noise_distribution(torch.tensor([3, 1]), power=1).tolist() == [0.75, 0.25]


def around(sentences, radii):
    """The definition, with loops: (word, its neighbours), the radii in the order of the words."""
    found, radii = [], iter(radii)
    for words in sentences:
        for t, word in enumerate(words):
            radius = next(radii)
            neighbours = words[max(t - radius, 0) : t] + words[t + 1 : t + 1 + radius]
            found += [(word, neighbours)] if neighbours else []
    return found


@settings(max_examples=60, deadline=None, derandomize=True)
@given(sentences=drawn_sentences, seed=st.integers(0, 999))
def test_windows_and_pairs_equal_the_loop(sentences, seed):
    text = corpus(sentences, minimum=1)
    radii = torch.randint(1, 4, (len(text.ids),), generator=generator(seed))
    V = len(text.vocabulary)
    expected = around(sentences, radii.tolist())
    centres, contexts = windows(text, radii)
    got = [(text.vocabulary.tokens[c], text.vocabulary.decode(row[row < V])) for c, row in zip(centres, contexts)]
    assert got == expected
    assert contexts.shape == (len(expected), 2 * int(radii.max()))
    flat = [(word, neighbour) for word, neighbours in expected for neighbour in neighbours]
    assert [tuple(text.vocabulary.decode(pair)) for pair in pairs(centres, contexts, V)] == flat


# The gradients


def test_a_one_hot_row_times_a_matrix_is_a_row():
    matrix = torch.arange(12.0).view(3, 4)
    assert (torch.tensor([0.0, 1.0, 0.0]) @ matrix).tolist() == [4, 5, 6, 7] == look_up(matrix, torch.tensor(1)).tolist()
    ids = torch.tensor([[2, 0], [0, 1]])
    assert torch.equal(look_up(matrix, ids), torch.nn.functional.one_hot(ids, 3).float() @ matrix)


def spread(matrix, rows):
    """The gradient of a whole matrix from that of some of its rows."""
    whole = torch.zeros_like(matrix)
    for ids, row in rows:
        for i, r in zip(ids.tolist(), row):
            whole[i] += r
    return whole


@pytest.mark.parametrize("model", ["skip-gram", "cbow"])
@pytest.mark.parametrize("kind", ["full softmax", "negative sampling"])
@pytest.mark.parametrize("seed", range(5))
def test_gradients_are_those_of_autograd(model, kind, seed):
    """On real windows, with empty places, repeated words and noise words that are also targets."""
    text = corpus([list("abacabad"), list("ca"), list("bdbcde")], minimum=1)
    V, D = len(text.vocabulary), 3
    torch.manual_seed(seed)
    radii = torch.randint(1, 4, (len(text.ids),))
    inputs, targets = prediction(model, *windows(text, radii))
    noise = torch.randint(V, (7,))
    W_in, W_out = (torch.randn(V + 1, D, dtype=torch.float64) for _ in range(2))
    W_in[V] = W_out[V] = 0
    leaves = W_in.clone().requires_grad_(), W_out.clone().requires_grad_()
    hidden = average(leaves[0], inputs)
    if kind == "full softmax":
        expected = torch.autograd.grad(softmax_loss(hidden, leaves[1], targets), leaves)
        d_hidden, rows = softmax_gradient(average(W_in, inputs), W_out, targets)
    else:
        expected = torch.autograd.grad(sampled_loss(hidden, leaves[1], targets, noise, 5), leaves)
        d_hidden, rows = sampled_gradient(average(W_in, inputs), W_out, targets, noise, 5)
    got = spread(W_in, [average_gradient(W_in, inputs, d_hidden)]), spread(W_out, rows)
    torch.testing.assert_close([d[:V] for d in got], [d[:V] for d in expected], rtol=1e-12, atol=1e-12)
    assert not got[0][V].any() and not got[1][V].any()  # an empty place stays zero
    assert all(d[:V].any() for d in got)


def test_the_losses_by_hand():
    """One window, x in the middle of y and z, D = 1: every number can be followed with a pencil."""
    W_in, W_out = (torch.tensor(rows, dtype=torch.float64)[:, None] for rows in ([2.0, 1.0, 3.0, 0.0], [0.5, -1.0, 0.25, 0.0]))
    centres, contexts = torch.tensor([0]), torch.tensor([[1, 3, 2]])  # x = 0; y = 1, an empty place, z = 2
    scores = [2 * 0.5, 2 * -1.0, 2 * 0.25]
    total = math.log(sum(map(math.exp, scores)))
    inputs, targets = prediction("skip-gram", centres, contexts)
    got = softmax_loss(average(W_in, inputs), W_out, targets)
    assert float(got) == pytest.approx((total - scores[1]) + (total - scores[2]), rel=1e-14)

    def minus_log_sigmoid(x):
        return math.log1p(math.exp(-x))

    noise = torch.tensor([0, 0, 1, 2])  # 6 negatives, shared by 4 words: each weighs 6 / 4, once for each of two targets
    wrong = [minus_log_sigmoid(-scores[n]) for n in noise]
    got = sampled_loss(average(W_in, inputs), W_out, targets, noise, 6)
    expected = minus_log_sigmoid(scores[1]) + minus_log_sigmoid(scores[2]) + 2 * 6 / 4 * sum(wrong)
    assert float(got) == pytest.approx(expected, rel=1e-14)

    inputs, targets = prediction("cbow", centres, contexts)
    assert average(W_in, inputs).tolist() == [[2.0]]  # (1 + 3) / 2
    got = sampled_loss(average(W_in, inputs), W_out, targets, torch.tensor([1]), 1)
    assert float(got) == pytest.approx(minus_log_sigmoid(2 * 0.5) + minus_log_sigmoid(2 * 1.0), rel=1e-14)


# Training


def twins(seed=0, count=400):
    """Sentences in which 0a and 0b stand among the same words, 1a and 1b among others, and so on for four groups."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        group = rng.integers(4)
        yield [f"{group}{rng.choice(list('cdef'))}", f"{group}{rng.choice(list('ab'))}", f"{group}{rng.choice(list('cdef'))}"]


SMALL = {"dim": 8, "size": 1, "threshold": 1.0, "batch": 4, "epochs": 12}


@pytest.mark.parametrize("model", ["skip-gram", "cbow"])
@pytest.mark.parametrize("loss", ["full softmax", "negative sampling"])
def test_words_in_the_same_company_become_neighbours(model, loss):
    vectors, _ = train(corpus(twins()), model, seed=0, loss=loss, **SMALL)
    assert [nearest(vectors, f"{group}a", 1)[0][0] for group in range(4)] == [f"{group}b" for group in range(4)]


def test_a_seed_gives_the_same_vectors_again_and_leaves_the_corpus():
    text = corpus(twins(count=50))
    before = text.ids.clone(), text.counts.clone()
    first, again, other = (train(text, "skip-gram", seed=seed, **SMALL) for seed in (1, 1, 2))
    for part in range(2):
        assert torch.equal(first[part].vectors, again[part].vectors)
        assert not torch.equal(first[part].vectors, other[part].vectors)
    assert torch.equal(text.ids, before[0]) and torch.equal(text.counts, before[1])
    assert first[0].vectors.shape == (len(text.vocabulary), 8)


@pytest.mark.parametrize("device", DEVICES)
def test_training_runs_on_each_device(device):
    vectors, outputs = train(corpus(twins()), "skip-gram", seed=0, device=device, **SMALL)
    assert vectors.vectors.device.type == outputs.vectors.device.type == "cpu"
    assert nearest(vectors, "0a", 1)[0][0] == "0b"


def test_scores_approach_the_shifted_pointwise_mutual_information():
    """Levy and Goldberg (2014, eq. 7): with enough dimensions the best score of w and c is log p(w, c) / p(w) p(c) - log k."""
    rng = np.random.default_rng(0)
    mixed = rng.dirichlet(np.full(6, 2.0), size=6)
    text = corpus([["wxyzuv"[w], "ABCDEF"[rng.choice(6, p=mixed[w])]] for w in rng.integers(6, size=3000)], minimum=1)
    left, right = train(text, "skip-gram", seed=0, dim=12, size=1, threshold=1.0, batch=16, epochs=15, negatives=2, rate=0.1)
    counts = cooccurrences(text, 1).toarray()
    noise = noise_distribution(text.counts).numpy()
    met = counts >= 20
    with np.errstate(divide="ignore"):
        wanted = np.log(counts / (counts.sum(1, keepdims=True) * noise)) - math.log(2)
    got = (left.vectors @ right.vectors.mT).numpy()
    assert np.abs(got - wanted)[met].mean() < 0.15


def test_real_text_orders_pairs_of_words_as_people_do():
    """A few seconds of training, and rho is over 0.4; without noise words, or with a wrong sign, it stays below 0.2."""
    vectors, _ = train(corpus(article_words()), "skip-gram", seed=0, epochs=3, dim=50, rate=0.1, shared=128)
    rho, covered, all_pairs = agreement(vectors, similarity_table("wordsim353"))
    assert (covered, all_pairs) == (242, 353)
    assert rho > 0.4


# Counts


@settings(max_examples=25, deadline=None, derandomize=True)
@given(sentences=drawn_sentences, size=st.integers(1, 4), shift=st.sampled_from([0.5, 1.0, 2.0]))
def test_counts_and_ppmi_equal_their_definitions(sentences, size, shift):
    text = corpus(sentences, minimum=1)
    words = text.vocabulary.tokens
    expected = Counter()
    for sentence in sentences:
        for i, one in enumerate(sentence):
            for j, other in enumerate(sentence):
                if 0 < abs(i - j) <= size:
                    expected[one, other] += (size + 1 - abs(i - j)) / size
    counts = cooccurrences(text, size)
    np.testing.assert_allclose(counts.toarray(), [[expected[a, b] for b in words] for a in words], atol=1e-12)
    total = sum(expected.values())
    met = {word: sum(expected[word, other] for other in words) for word in words}
    smooth = {word: met[word] ** 0.75 / sum(m**0.75 for m in met.values()) for word in words}

    def information(a, b):
        p = expected[a, b] / total
        return max(0, math.log(p / (met[a] / total * smooth[b])) - math.log(shift)) if p else 0

    np.testing.assert_allclose(ppmi(counts, shift).toarray(), [[information(a, b) for b in words] for a in words], atol=1e-12)


def test_the_truncated_svd_is_the_best_approximation():
    text = corpus(twins(), minimum=1)
    vectors = svd_vectors(text, dim=5, size=2, shift=1).vectors
    U, S, _ = np.linalg.svd(ppmi(cooccurrences(text, 2), 1).toarray())
    expected = U[:, :5] * np.sqrt(S[:5])
    np.testing.assert_allclose((vectors.mT @ vectors).abs().numpy(), np.diag(S[:5]), atol=1e-5)
    np.testing.assert_allclose(vectors @ vectors.mT, expected @ expected.T, atol=1e-5)
    assert torch.equal(vectors, svd_vectors(text, dim=5, size=2, shift=1).vectors)
    largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
    assert (largest > 0).all()


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_of_glove_is_that_of_autograd(seed):
    torch.manual_seed(seed)
    weights = Glove(*(torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in [(4, 3), (4, 3), (4,), (4,)]))
    rows, columns = torch.randint(4, (2, 9))
    counts = torch.rand(9, dtype=torch.float64) * 20
    expected = torch.autograd.grad(glove_loss(weights, rows, columns, counts), weights)
    constant = Glove(*(w.detach() for w in weights))
    got = glove_gradient(constant, rows, columns, counts)
    got = [spread(w, [(ids, d)]) for w, ids, d in zip(constant, (rows, columns, rows, columns), got)]
    torch.testing.assert_close(got, list(expected), rtol=1e-12, atol=1e-12)


def test_the_loss_of_glove_by_hand():
    weights = Glove(*(torch.tensor(w, dtype=torch.float64) for w in ([[2.0], [0]], [[0.0], [3]], [1.0, 0], [0.0, -2])))
    cell = torch.tensor([0]), torch.tensor([1]), torch.tensor([5.0], dtype=torch.float64)
    expected = 0.5**0.75 * (2 * 3 + 1 - 2 - math.log(5)) ** 2
    assert float(glove_loss(weights, *cell)) == pytest.approx(expected, rel=1e-14)
    assert glove_weight(torch.tensor([0.0, 10.0, 90.0])).tolist() == [0, 1, 1]


def test_glove_learns_and_repeats_itself():
    text = corpus(twins())
    (vectors, losses), (again, _) = (glove_vectors(text, seed=3, dim=8, size=1, epochs=40, batch=16) for _ in range(2))
    assert losses[-1] < losses[0] / 4
    assert all(after < before for before, after in pairwise(losses[:5]))
    assert torch.equal(vectors.vectors, again.vectors)


# The use of the vectors


def compass():
    """Five words whose neighbours and analogies can be seen: king - man + woman = queen."""
    rows = [[3.0, 4.0, 0.0], [3.0, -4.0, 0.0], [0.0, 4.0, 3.0], [0.0, -4.0, 3.0], [-1.0, 0.0, 0.0]]
    return WordVectors(Vocabulary(["king", "queen", "man", "woman", "rock"]), torch.tensor(rows))


def test_neighbours_by_hand():
    vectors = compass()
    assert cosine(vectors, "king", "queen") == pytest.approx((9 - 16) / 25)
    names, cosines = zip(*nearest(vectors, "king"))
    assert names == ("man", "queen", "rock", "woman")
    assert cosines == pytest.approx([16 / 25, -7 / 25, -3 / 5, -16 / 25])
    assert nearest(vectors, 5 * vectors["king"], 1)[0] == ("king", pytest.approx(1))
    assert [word for word, _ in nearest(vectors, "king", 2, exclude=["man"])] == ["queen", "rock"]
    assert vectors[["rock", "king"]].tolist() == [[-1, 0, 0], [3, 4, 0]]


def test_an_analogy_leaves_out_its_three_words():
    assert analogy(compass(), "man", "king", "woman", 1)[0] == ("queen", pytest.approx(1))
    assert len(analogy(compass(), "man", "king", "woman")) == 2
    same = analogy(compass(), "man", "man", "king")  # king - man + man: king itself is left out
    assert [word for word, _ in same] == ["queen", "rock", "woman"]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=12))
def test_spearman_is_that_of_scipy(points):
    x, y = (torch.tensor(values, dtype=torch.float64) for values in zip(*points))
    if len(x.unique()) > 1 and len(y.unique()) > 1:
        assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)


def test_ties_share_their_ranks():
    assert ranks(torch.tensor([0.5, 0.1, 0.5, 0.9])).tolist() == [2.5, 1, 2.5, 4]


def test_agreement_counts_what_it_covers():
    table = [("king", "man", 9.0), ("king", "queen", 5.0), ("king", "woman", 1.0), ("king", "emperor", 10.0)]
    assert agreement(compass(), table) == (pytest.approx(1), 3, 4)


def test_the_tables_are_whole():
    wordsim, simlex = similarity_table("wordsim353"), similarity_table("simlex999")
    assert (len(wordsim), wordsim[1]) == (353, ("tiger", "cat", 7.35))
    assert (len(simlex), simlex[0]) == (999, ("old", "new", 1.58))
    assert all(one == one.lower() and other == other.lower() and 0 <= score <= 10 for one, other, score in wordsim + simlex)


def test_the_map_keeps_the_widest_directions_and_never_flips():
    torch.manual_seed(0)
    vectors = torch.randn(20, 6) * torch.tensor([9.0, 1, 5, 1, 1, 1]) + 3
    words = [chr(ord("a") + i) for i in range(20)]
    points = plane(WordVectors(Vocabulary(words), vectors), words)
    centred = vectors - vectors.mean(0)
    spread_along = torch.linalg.eigvalsh(centred.mT @ centred).flip(0)[:2]
    torch.testing.assert_close(points.mT @ points, spread_along.diag(), rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(points.mean(0), torch.zeros(2), atol=1e-5, rtol=0)
    assert (points.gather(0, points.abs().argmax(0, keepdim=True)) > 0).all()
    turned = plane(WordVectors(Vocabulary(words), vectors @ torch.linalg.qr(torch.randn(6, 6)).Q), words)
    torch.testing.assert_close(turned, points, rtol=1e-4, atol=1e-4)


# Errors


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: corpus([]), "sentences hold no word 5 times or more; they have 0 distinct words"),
        (lambda: corpus(CAT), "sentences hold no word 5 times or more; they have 6 distinct words"),
        (lambda: corpus(CAT, 0), "minimum is 0; expected at least 1"),
        (lambda: keep_probabilities(torch.tensor([1, 2]), 0), "threshold is 0; expected a share of all words above 0"),
        (lambda: subsample(corpus(CAT, 1), 1e-12, generator()), "threshold is 1e-12, which dropped all 9 words"),
        (lambda: windows(corpus(CAT, 1), torch.zeros(9, dtype=torch.int64)), "radii holds 0; expected at least 1"),
        (lambda: windows(corpus(CAT, 1), torch.ones(8, dtype=torch.int64)), "radii has shape (8,); expected (9,)"),
        (lambda: windows(corpus([["a"], ["b"]], 1), torch.ones(2, dtype=torch.int64)), "no sentence of two words"),
        (lambda: cooccurrences(corpus(CAT, 1), 0), "size is 0; expected a window of at least 1 word on each side"),
        (lambda: ppmi(cooccurrences(corpus(CAT, 1), 1), 0), "shift is 0; expected a number of negatives above 0"),
        (lambda: svd_vectors(corpus(CAT, 1), dim=6), "dim is 6; expected 1 to 5"),
        (lambda: glove_vectors(corpus(CAT, 1), seed=0, epochs=0), "epochs is 0; expected at least 1"),
        (lambda: train(corpus(CAT, 1), "bag", seed=0), "model is 'bag'; expected one of skip-gram, cbow"),
        (lambda: prediction("bag", torch.tensor([0]), torch.tensor([[1]])), "model is 'bag'; expected"),
        (lambda: train(corpus(CAT, 1), "cbow", seed=0, loss="softmax"), "loss is 'softmax'; expected one of negative sampling"),
        (lambda: train(corpus(CAT, 1), "cbow", seed=0, size=0), "size is 0; expected at least 1"),
        (lambda: train(corpus(CAT, 1), "cbow", seed=0, rate=-0.1), "rate is -0.1; expected a step above 0"),
        (lambda: compass()["emperor"], "tokens has 'emperor' at place 0, which is not in this vocabulary of 5"),
        (lambda: nearest(compass(), "emperor"), "tokens has 'emperor' at place 0"),
        (lambda: nearest(compass(), torch.ones(2)), "query has shape (2,); expected (3,)"),
        (lambda: nearest(compass(), "king", 0), "count is 0; expected at least 1"),
        (lambda: WordVectors(Vocabulary("ab"), torch.ones(3, 2)), "vectors has shape (3, 2); expected (2, D)"),
        (lambda: spearman(torch.ones(3), torch.arange(3.0)), "x is constant; expected at least two different values"),
        (lambda: spearman(torch.arange(3.0), torch.arange(2.0)), "y has shape (2,); expected (3,)"),
        (lambda: agreement(compass(), [("king", "emperor", 1.0)]), "table has 0 pairs of known words; expected at least 2"),
        (lambda: plane(compass(), ["king", "man"]), "words has 2 words; expected at least 3"),
        (lambda: similarity_table("men"), "name is 'men'; expected one of wordsim353, simlex999"),
    ],
)
def test_bad_input_is_named(wrong, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        wrong()


def test_vectors_that_grow_without_bound_are_an_error():
    with pytest.raises(RuntimeError, match="the vectors grew without bound at rate 1000"):
        train(corpus(twins()), "skip-gram", seed=0, rate=1000.0, **SMALL)


def test_equal_singular_values_give_the_same_vectors_again():
    """Thirty sentences of three private words: many singular values are equal."""
    text = corpus([[f"{letter}{i}" for letter in "abc"] for i in range(30)], minimum=1)
    once, again = (svd_vectors(text, dim=10, shift=1).vectors for _ in range(2))
    assert torch.equal(once, again)
    with pytest.raises(ValueError, match="no pair of words is left"):
        svd_vectors(text, dim=3, shift=1e6)
