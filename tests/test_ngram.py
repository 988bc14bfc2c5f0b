"""The count model equals its definition written with loops, sums to 1 everywhere, and its bigram is right to the digit."""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.ngram import NGram


def witten_bell(ids, n, vocabulary, context, token):
    """The definition: count what followed the last n - 1 tokens of `context` in ids, and lean on n - 1 by their variety."""
    if n == 0:
        return Fraction(1, vocabulary)
    shorter = witten_bell(ids, n - 1, vocabulary, context, token)
    wanted = context[len(context) - n + 1 :]
    followers = [ids[i] for i in range(n - 1, len(ids)) if ids[i - n + 1 : i] == wanted]
    if not followers:
        return shorter
    kinds = len(set(followers))
    return (followers.count(token) + kinds * shorter) / (len(followers) + kinds)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    data=st.data(),
    order=st.integers(1, 4),
    vocabulary=st.integers(1, 5),
)
def test_equals_the_definition(data, order, vocabulary):
    tokens = st.integers(0, vocabulary - 1)
    train = data.draw(st.lists(tokens, min_size=order, max_size=25))
    test = data.draw(st.lists(tokens, min_size=1, max_size=10))
    expected = [
        witten_bell(train, min(order, t + 1), vocabulary, test[max(t - order + 1, 0) : t], test[t]) for t in range(len(test))
    ]
    got = NGram(np.array(train), order, vocabulary).log2_probabilities(np.array(test))
    assert got.tolist() == pytest.approx([math.log2(p) for p in expected], abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_sums_to_one_after_seen_and_unseen_contexts(order):
    rng = np.random.default_rng(0)
    train = rng.integers(0, 6, 200)  # ids 6 and 7 never occur: a context that holds one is unseen
    model = NGram(train, order, 8)
    contexts = [*(train[i : i + order - 1] for i in range(20)), *rng.integers(0, 8, (20, order - 1)), np.full(order - 1, 7)]
    for context in contexts:
        last = [model.log2_probabilities(np.append(context, token).astype(int))[-1] for token in range(8)]
        assert np.exp2(last).sum() == pytest.approx(1, abs=1e-12)


def test_a_bigram_by_hand():
    """Trained on "aab" over a, b, c. p(a) = (2 + 2/3) / (3 + 2) = 8/15; p(a | a) = (1 + 2 * 8/15) / (2 + 2) = 31/60; ..."""
    model = NGram(np.array([0, 0, 1]), order=2, vocabulary=3)

    def p(*tokens):
        return np.exp2(model.log2_probabilities(np.array(tokens)))[-1]

    assert [p(0), p(1), p(2)] == pytest.approx([8 / 15, 1 / 3, 2 / 15], rel=1e-14)
    assert [p(0, 0), p(0, 1), p(0, 2)] == pytest.approx([31 / 60, 5 / 12, 1 / 15], rel=1e-14)
    assert [p(1, 0), p(2, 0)] == pytest.approx([8 / 15, 8 / 15], rel=1e-14)  # nothing followed b, or c: the unigram stands
    expected = -(math.log2(8 / 15) + math.log2(31 / 60) + math.log2(5 / 12)) / 3
    assert model.bits_per_token(np.array([0, 0, 1])) == pytest.approx(expected, rel=1e-14)


def test_what_was_never_seen_still_has_a_probability():
    model = NGram(np.zeros(50, dtype=int), order=4, vocabulary=10)
    scores = model.log2_probabilities(np.array([9, 9, 9, 0, 9, 0, 0, 0, 5]))
    assert np.isfinite(scores).all()
    assert (scores < 0).all()


def test_a_longer_context_helps_where_the_text_repeats():
    ids = np.array([0, 1, 0, 2] * 50)
    bits = [NGram(ids, order, 3).bits_per_token(ids) for order in (1, 2, 3)]
    assert bits[0] == pytest.approx(1.5, abs=0.01)  # the entropy of 1/2, 1/4, 1/4
    assert bits[1] == pytest.approx(0.5, abs=0.05)  # after a 0, one bit; after 1 or 2, none
    assert bits[2] < 0.1
    assert isinstance(bits[0], float)


def test_the_arguments_are_left_as_they_were():
    ids = np.array([2, 0, 1, 2], dtype=np.uint8)
    model = NGram(ids, 3, 3)
    model.bits_per_token(ids)
    assert ids.tolist() == [2, 0, 1, 2]


def test_the_largest_n_gram_that_fits():
    ids = np.array([2**9 - 1] * 8)
    assert NGram(ids, 7, 2**9).bits_per_token(ids) == pytest.approx(NGram(ids % 3, 7, 2**9).bits_per_token(ids % 3))
    with pytest.raises(ValueError, match="order is 8 with a vocabulary of 512; an n-gram must fit in 63 bits"):
        NGram(ids, 8, 2**9)
    with pytest.raises(ValueError, match="must fit in 63 bits"):
        NGram(ids, 8, np.int64(2**9))  # which must not overflow in silence


@pytest.mark.parametrize(
    ("ids", "order", "vocabulary", "message"),
    [
        ([], 1, 3, "ids has shape (0,) and dtype float64; expected one non-empty axis of integers"),
        ([[0, 1]], 1, 3, "ids has shape (1, 2)"),
        ([0.0, 1.0], 1, 3, "ids has shape (2,) and dtype float64"),
        ([True, False], 1, 3, "dtype bool"),
        ([0, 3], 1, 3, "ids runs from 0 to 3; expected 0 to 2"),
        ([-1, 2], 1, 3, "ids runs from -1 to 2; expected 0 to 2"),
        ([0, 1], 0, 3, "order is 0; expected at least 1"),
        ([0, 1], 3, 3, "ids holds 2 tokens; expected at least order = 3"),
    ],
)
def test_bad_input_is_named(ids, order, vocabulary, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        NGram(np.array(ids), order, vocabulary)


def test_bad_test_ids_are_named():
    model = NGram(np.array([0, 1, 2]), 2, 3)
    with pytest.raises(ValueError, match="ids runs from 0 to 3; expected 0 to 2"):
        model.bits_per_token(np.array([0, 3]))
    with pytest.raises(ValueError, match="expected one non-empty axis of integers"):
        model.log2_probabilities(np.array([], dtype=int))
