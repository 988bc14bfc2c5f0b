"""IBM Model 1 equals a sum over every alignment there is, and three phrases worked by hand; links are what weights say."""

import itertools
import math
import re
from collections import defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.alignment import IBM1, best_links, diagonal_prior, flipped, links_above

FRENCH = [
    (["the", "house"], ["la", "maison"]),
    (["the", "book"], ["le", "livre"]),
    (["a", "book"], ["un", "livre"]),
]
GERMAN = [(["the", "house"], ["das", "Haus"]), (["the", "book"], ["das", "Buch"]), (["a", "book"], ["ein", "Buch"])]

# The definition


def every_alignment(source, target, t, tension, null):
    """Each alignment a (a place of the source for every target word, 0 the null word) with p(target, a | source)."""
    S, T = len(source), len(target)
    words = [None, *source]

    def prior(i, j):
        if j == 0:
            return 1 / (S + 1)
        weights = [math.exp(-tension * abs(i / T - k / S)) for k in range(1, S + 1)]
        return weights[j - 1] / sum(weights) * (S / (S + 1) if null else 1)

    for a in itertools.product(range(0 if null else 1, S + 1), repeat=T):
        yield a, math.prod(prior(i, j) * t[words[j], target[i - 1]] for i, j in enumerate(a, start=1))


def em_by_enumeration(pairs, iterations, tension, null):
    """-> t, bits before each iteration, by adding up whole alignments."""
    vocabulary = {word for _, target in pairs for word in target}
    t, bits = defaultdict(lambda: 1 / len(vocabulary)), []
    for _ in range(iterations):
        counts, totals, log2_likelihood = defaultdict(float), defaultdict(float), 0.0
        for source, target in pairs:
            alignments = list(every_alignment(source, target, t, tension, null))
            likelihood = sum(p for _, p in alignments)
            log2_likelihood += math.log2(likelihood)
            for a, p in alignments:
                for j, f in zip(a, target):
                    e = [None, *source][j]
                    counts[e, f] += p / likelihood
                    totals[e] += p / likelihood
        t = {(e, f): count / totals[e] for (e, f), count in counts.items()}
        bits.append(-log2_likelihood / sum(len(target) for _, target in pairs))
    return t, bits


corpora = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
        st.lists(st.sampled_from("xyz"), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=4,
)
priors = st.sampled_from([0.0, 1.5, 4.0])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(pairs=corpora, tension=priors, null=st.booleans(), iterations=st.integers(1, 4))
def test_equals_the_sum_over_every_alignment(pairs, tension, null, iterations):
    t, bits = em_by_enumeration(pairs, iterations, tension, null)
    model = IBM1(pairs, iterations=iterations, tension=tension, null=null)
    assert model.bits == pytest.approx(bits, abs=1e-12)
    for e in {e for e, _ in t}:
        assert model.translations(e) == pytest.approx({f: p for (one, f), p in t.items() if one == e}, abs=1e-12)
    for (source, target), posterior in zip(pairs, model.posteriors(pairs)):
        expected = np.zeros((len(target), len(source) + 1))
        for a, p in every_alignment(source, target, t, tension, null):
            expected[range(len(target)), a] += p
        expected /= expected.sum(1, keepdims=True)
        assert posterior == pytest.approx(expected[:, 1:], abs=1e-9)  # what was never met keeps 1e-12


@settings(max_examples=50, deadline=None, derandomize=True)
@given(pairs=corpora, tension=priors, null=st.booleans())
def test_the_likelihood_never_falls(pairs, tension, null):
    bits = IBM1(pairs, iterations=30, tension=tension, null=null).bits
    assert len(bits) == 30
    assert (np.diff(bits) <= 1e-12).all()


def test_two_iterations_by_hand():
    """From even probabilities, every word is half of each: t(livre | book) = (1/2 + 1/2) / 2. Then livre in the second pair is
    the's with 1/4 and book's with 1/2, so a third and two thirds ...
    """
    one, two = (IBM1(FRENCH, iterations=n) for n in (1, 2))
    assert one.translations("the") == pytest.approx({"la": 1 / 4, "maison": 1 / 4, "le": 1 / 4, "livre": 1 / 4})
    assert one.translations("book") == pytest.approx({"livre": 1 / 2, "le": 1 / 4, "un": 1 / 4})
    assert two.translations("the") == pytest.approx({"le": 1 / 3, "la": 2 / 9, "maison": 2 / 9, "livre": 2 / 9})
    assert two.translations("book") == pytest.approx({"livre": 7 / 12, "le": 1 / 4, "un": 1 / 6})
    assert two.translations("a") == pytest.approx({"un": 4 / 7, "livre": 3 / 7})
    assert list(two.translations("book")) == ["livre", "le", "un"]  # the likeliest first
    expected = [math.log2(5), -(4 * math.log2(3 / 8) + math.log2(1 / 4) + math.log2(1 / 2)) / 6]
    assert two.bits == pytest.approx(expected, rel=1e-14)
    assert one.posteriors(FRENCH)[1] == pytest.approx(np.array([[1 / 2, 1 / 2], [1 / 3, 2 / 3]]), abs=1e-9)


def test_three_phrases_are_told_apart_where_their_words_recur():
    """das comes with the and Buch with book, so all four words find their own. But la comes only with maison, and no count can
    tell which of the two is the house; a prior that knows their places can.
    """
    model = IBM1(GERMAN, iterations=200)
    for e, f in [("the", "das"), ("house", "Haus"), ("book", "Buch"), ("a", "ein")]:
        assert model.translations(e)[f] > 0.98
    model = IBM1(FRENCH, iterations=200)
    assert model.translations("house") == pytest.approx({"la": 1 / 2, "maison": 1 / 2})
    assert model.translations("the") == pytest.approx({"le": 2 / 3, "la": 1 / 6, "maison": 1 / 6, "livre": 0}, abs=1e-3)
    assert [best_links(one) for one in model.posteriors(FRENCH)] == [{(1, 0), (1, 1)}, {(0, 0), (1, 1)}, {(0, 0), (1, 1)}]
    model = IBM1(FRENCH, iterations=200, tension=1)
    assert model.translations("house")["maison"] > 0.8
    assert [best_links(one) for one in model.posteriors(FRENCH)] == [{(0, 0), (1, 1)}] * 3


def test_no_tension_sees_bags_of_words_and_tension_sees_order():
    turned = [(source[::-1], target) for source, target in FRENCH]
    for null in (False, True):
        assert IBM1(FRENCH, null=null).bits == pytest.approx(IBM1(turned, null=null).bits)
    assert IBM1(FRENCH, tension=4).bits[-1] < IBM1(turned, tension=4).bits[-1] - 0.1


def test_pairs_that_were_not_in_training():
    """A pair of words that was met outweighs one that was not; a new word is left to the prior."""
    model = IBM1(FRENCH, tension=2)
    source, target = ["a", "new", "book", "please"], ["livre", "neuf", "un"]
    posterior = model.posteriors([(source, target)])[0]
    assert posterior[[0, 2]].argmax(1).tolist() == [2, 0]
    assert posterior[1] == pytest.approx(diagonal_prior(4, 3, 2)[1])
    assert posterior.sum(1) == pytest.approx(np.ones(3))
    beside = IBM1([(["a"], ["x", "y"]), (["b"], ["x"])]).posteriors([(["b", "a"], ["y"])])  # y was met, but not with b
    assert beside[0] == pytest.approx(np.array([[0, 1]]), abs=1e-9)
    new = model.posteriors([(["nobody"], ["x", "y"]), (["x", "y"], ["personne"])])
    assert [one.tolist() for one in new] == [[[1], [1]], pytest.approx(diagonal_prior(2, 1, 2))]


def test_the_null_word_takes_what_comes_with_everything():
    """ "euh" stands in every target sentence, and no source word does."""
    pairs = [([e], ["euh", e.upper()]) for e in "abcdefgh"]
    model = IBM1(pairs, iterations=30, null=True)
    assert model.translations(None)["euh"] > 0.98
    assert [best_links(one) for one in model.posteriors(pairs)] == [{(0, 1)}] * 8
    assert [best_links(one) for one in IBM1(pairs).posteriors(pairs)] == [{(0, 0), (0, 1)}] * 8


def test_the_arguments_are_left_as_they_were():
    pairs = [(["a", "b"], ["x"])]
    IBM1(pairs, null=True).posteriors(pairs)
    assert pairs == [(["a", "b"], ["x"])]


# The diagonal


@pytest.mark.parametrize(("sources", "targets", "tension"), [(3, 3, 4.0), (5, 2, 1.0), (1, 4, 4.0), (4, 1, 0.0), (40, 3, 500)])
def test_the_prior_equals_its_formula(sources, targets, tension):
    prior = diagonal_prior(sources, targets, tension)
    assert prior.shape == (targets, sources)
    for i, row in enumerate(prior, start=1):
        weights = [math.exp(-tension * abs(i / targets - j / sources)) for j in range(1, sources + 1)]
        assert row == pytest.approx(np.array(weights) / sum(weights), rel=1e-9)


def test_the_diagonal_baseline():
    assert best_links(diagonal_prior(4, 4, 4)) == {(0, 0), (1, 1), (2, 2), (3, 3)}
    assert best_links(diagonal_prior(2, 4, 4)) == {(0, 0), (0, 1), (0, 2), (1, 3)}  # 1/4 and 3/4 are halfway: the earlier
    assert best_links(diagonal_prior(4, 2, 4)) == {(1, 0), (3, 1)}


# Links


def test_best_links_by_hand():
    weights = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]])
    assert best_links(weights) == {(1, 0), (0, 1)}  # of equals the earlier
    assert best_links(torch.tensor(weights)) == best_links(weights)
    assert best_links(np.array([[0.1, 0.3], [0.3, 0.4]])) == {(1, 1)}  # the rest, 0.6, is the null word's, 0.3 is not
    assert best_links(np.array([[0.0, 0.0]])) == set()
    assert all(type(place) is int for link in best_links(weights) for place in link)


def test_links_above_a_threshold_by_hand():
    weights = np.array([[0.5, 0.5, 0.0], [0.25, 0.6, 0.15], [1 / 3, 1 / 3, 1 / 3]])
    assert links_above(weights, 0.5) == {(0, 0), (1, 0), (1, 1)}
    assert links_above(weights, 1.0) == set()


def test_flipped_links_meet_the_other_direction():
    assert flipped({(0, 1), (2, 3)}) == {(1, 0), (3, 2)}
    backward = IBM1([(target, source) for source, target in GERMAN], iterations=20)
    forward = IBM1(GERMAN, iterations=20)
    for pair, one, other in zip(GERMAN, forward.posteriors(GERMAN), backward.posteriors([pair[::-1] for pair in GERMAN])):
        assert best_links(one) & flipped(best_links(other)) == {(0, 0), (1, 1)}, pair


# Errors


@pytest.mark.parametrize(
    ("pairs", "settings", "error", "message"),
    [
        ([], {}, ValueError, "pairs is empty; expected at least one pair"),
        ([(["a"], ["x"]), (["a"], [])], {}, ValueError, "pairs[1] has an empty target"),
        ([([], ["x"])], {"null": True}, ValueError, "pairs[0] has an empty source"),
        ([("a b", ["x"])], {}, TypeError, "pairs[0] has the string 'a b' as source; expected a sequence of words"),
        (FRENCH, {"iterations": 0}, ValueError, "iterations is 0; expected at least 1"),
        (FRENCH, {"tension": -1.0}, ValueError, "tension is -1.0; expected 0 (no preference) to 500"),
        (FRENCH, {"tension": math.nan}, ValueError, "tension is nan"),
    ],
)
def test_bad_pairs_and_settings_are_named(pairs, settings, error, message):
    with pytest.raises(error, match=re.escape(message)):
        IBM1(pairs, **settings)


def test_bad_questions_are_named():
    model = IBM1(FRENCH)
    with pytest.raises(ValueError, match="source is 'maison', which is not among the 4 source words"):
        model.translations("maison")
    with pytest.raises(ValueError, match="source is None"):
        model.translations(None)
    with pytest.raises(ValueError, match=re.escape("pairs[0] has an empty source")):
        model.posteriors([([], ["x"])])
    with pytest.raises(ValueError, match="sources and targets are 0 and 2"):
        diagonal_prior(0, 2, 1.0)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0.5, 0.5], "weights has shape (2,); expected (target words, source words)"),
        (np.zeros((0, 3)), "weights has shape (0, 3)"),
        ([[0.5, -0.1]], "weights is no distribution"),
        ([[0.5, math.nan]], "weights is no distribution"),
        ([[3.1, 0.2]], "weights is no distribution; expected rows of numbers from 0 that add up to at most 1"),
    ],
)
def test_bad_weights_are_named(weights, message):
    for links in (best_links, lambda one: links_above(one, 0.5)):
        with pytest.raises(ValueError, match=re.escape(message)):
            links(np.array(weights))


@pytest.mark.parametrize("threshold", [0, -0.5, 1.5, math.nan])
def test_bad_thresholds_are_named(threshold):
    with pytest.raises(ValueError, match="threshold is"):
        links_above(np.ones((1, 1)), threshold)
