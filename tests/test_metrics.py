"""BLEU from its definition equals sacrebleu's on any corpus and a hand's on a small one; links are scored as by hand."""

import logging
import math
import re

import pytest
import sacrebleu
from hypothesis import example, given, settings
from hypothesis import strategies as st

from utils.metrics import (
    alignment_score,
    bleu,
    bleu_by_definition,
    bleu_signature,
    brevity_penalty,
    clipped_matches,
    exact_match,
)

# BLEU

sentences = st.lists(st.sampled_from("abc"), max_size=7)


@st.composite
def corpora(draw):
    """Hypotheses and one to three references of each, any of them short or empty."""
    size, streams = draw(st.integers(1, 4)), draw(st.integers(2, 4))
    return [draw(st.lists(sentences, min_size=size, max_size=size)) for _ in range(streams)]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(corpora())
@example([[[]], [["a"]]])
@example([[["a"]], [[]]])
@example([[[]], [[]]])
@example([[["a", "b", "c"]], [["a", "b", "c"]]])
@example([[["a", "b", "c", "a"]], [["a", "b", "c"]], [["a", "b", "c", "b", "a"]]])  # equally near: the shorter one
def test_the_definition_equals_sacrebleu(corpus):
    hypotheses, *references = corpus
    lines = [[" ".join(tokens) for tokens in stream] for stream in corpus]
    theirs = sacrebleu.corpus_bleu(lines[0], lines[1:], tokenize="none", use_effective_order=True).score
    assert bleu_by_definition(hypotheses, *references) == pytest.approx(theirs, abs=1e-9)
    assert bleu(hypotheses, *references) == theirs
    assert bleu(lines[0], *references) == theirs  # a string is its words
    if max(map(len, hypotheses)) >= 4:  # nothing but the tokeniser differs from what everyone reports
        assert bleu(*corpus) == sacrebleu.corpus_bleu(lines[0], lines[1:], tokenize="none").score


def test_clipping_by_hand():
    """Papineni et al. 2002, example 2: seven times "the" earns two, as many as one reference has."""
    references = ["the cat is on the mat", "there is a cat on the mat"]
    assert clipped_matches("the the the the the the the", references, 1) == (2, 7)
    assert clipped_matches("the the the the the the the", references, 2) == (0, 6)
    assert clipped_matches("there is the cat", references, 1) == (4, 4)  # each word in one reference or another
    assert clipped_matches("there is the cat", references, 2) == (2, 3)
    assert clipped_matches(["the"], references, 2) == (0, 0)


def test_bleu_by_hand():
    """5/6 of the words match, 3/5 of the pairs, 1/4 of the triples, none of 3 fours: half of one, 1/6. Product 1/48."""
    found, gold = ["the cat sat on the mat"], ["the cat is on the mat"]
    assert bleu_by_definition(found, gold) == pytest.approx(100 * 48**-0.25, rel=1e-12)
    # one word short: 5/5, 4/4, 3/3, 2/2, and exp(1 - 6/5)
    assert bleu_by_definition(["the cat is on the"], gold) == pytest.approx(100 * math.exp(-0.2), rel=1e-12)
    # the second order without a match counts half of what the first does: 1/1 * (1/2)/4 * (1/4)/3 * (1/8)/2 over a b c d e
    assert bleu_by_definition(["b a d c e"], ["a b c d e"]) == pytest.approx(100 * (1 / 8 / 12 / 16) ** 0.25, rel=1e-12)


def test_bleu_counts_over_the_corpus_and_not_by_sentence():
    found, gold = ["a b c d e f g h", "x"], ["a b c d e f g h", "y z"]
    assert bleu_by_definition(found, gold) == pytest.approx(100 * math.exp(1 - 10 / 9) * (8 / 9) ** 0.25, rel=1e-12)


def test_short_sentences_get_their_due():
    for metric in (bleu, bleu_by_definition):
        assert metric(["je t' aime"], ["je t' aime"]) == pytest.approx(100, rel=1e-12)
        assert metric(["", ""], ["a", "b c"]) == 0
    assert brevity_penalty(0, 3) == 0
    assert brevity_penalty(4, 4) == brevity_penalty(5, 4) == brevity_penalty(0, 0) == 1


def test_tokens_stay_as_they_are_and_nobody_warns(caplog):
    """sacrebleu's own tokeniser would cut "a." in two, and a hundred tokenised full stops make it warn."""
    with caplog.at_level(logging.WARNING):
        assert bleu(["I see a. cat ."] * 120, ["I see a . cat ."] * 120) < 60
        assert bleu(["Le chat"], ["le chat"]) < 100
    assert not caplog.records


def test_the_signature_says_the_settings():
    settings = f"|case:mixed|eff:yes|tok:none|smooth:exp|version:{sacrebleu.__version__}"
    assert bleu_signature() == "nrefs:1" + settings
    assert bleu_signature(3) == "nrefs:3" + settings


def test_exact_match_is_a_share():
    found = [["je", "t'", "aime"], "il dort", []]
    assert exact_match(found, ["je t' aime", ["elle", "dort"], ""]) == pytest.approx(2 / 3)
    assert found == [["je", "t'", "aime"], "il dort", []]


@pytest.mark.parametrize("metric", [bleu, bleu_by_definition, exact_match])
@pytest.mark.parametrize(
    ("hypotheses", "references", "message"),
    [
        ([], [], "hypotheses has 0 sentences; expected at least one"),
        (["a"], ["a", "b"], "references[0] has 2 sentences; expected 1, one for each hypothesis"),
        ([["a", "b c"]], ["a"], "hypotheses[0] has the token 'b c'; expected strings, not empty and without blanks"),
        (["a", "b"], ["a", ["", "b"]], "references[0][1] has the token ''"),
        ([[1, 2]], ["a"], "hypotheses[0] has the token 1"),
    ],
)
def test_bad_sentences_are_named(metric, hypotheses, references, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        metric(hypotheses, references)


def test_bad_arguments_are_named():
    for metric in (bleu, bleu_by_definition):
        with pytest.raises(ValueError, match="references are missing"):
            metric(["a"])
        with pytest.raises(ValueError, match=re.escape("references[1] has 1 sentences; expected 2")):
            metric(["a", "b"], ["a", "b"], ["a"])
        with pytest.raises(TypeError, match="hypotheses is one string; expected a list of sentences"):
            metric("a b", ["a b"])
    with pytest.raises(TypeError, match="references is one string"):
        clipped_matches("a b", "a b", 1)
    with pytest.raises(ValueError, match="n is 0; expected at least 1"):
        clipped_matches("a b", ["a b"], 0)


# Alignment error rate


def test_alignment_error_rate_by_hand():
    """Of three found links one is sure, one more possible; of two sure links one is found: 1 - (1 + 2) / (3 + 2)."""
    found, sure = [{(0, 0), (1, 1), (2, 1)}], [{(0, 0), (1, 2)}]
    possible = [{(0, 0), (1, 2), (1, 1), (5, 5)}]
    assert alignment_score(found, sure, possible) == pytest.approx((0.4, 2 / 3, 1 / 2))
    assert alignment_score(found, sure) == pytest.approx((1 - 2 / 5, 1 / 3, 1 / 2))
    assert alignment_score(possible, sure, possible) == pytest.approx((0, 1, 1))  # possible links are no mistake
    assert alignment_score(sure, sure, possible) == pytest.approx((0, 1, 1))  # and are not missed
    assert alignment_score([set()], sure) == (1, 1, 0)


links = st.frozensets(st.tuples(st.integers(0, 2), st.integers(0, 2)))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(links, links), min_size=1, max_size=4).filter(lambda pairs: any(gold for _, gold in pairs)))
def test_with_sure_links_only_it_is_one_less_f1_over_the_corpus(pairs):
    found, gold = zip(*pairs)
    error, precision, recall = alignment_score(found, gold)
    hits, guesses, wanted = (
        sum(map(len, sets)) for sets in ([one & other for one, other in pairs], found, gold)
    )  # over all sentences: the mean of sentences' rates is another number
    assert (precision, recall) == pytest.approx((hits / guesses if guesses else 1, hits / wanted))
    assert error == pytest.approx(1 - 2 * hits / (guesses + wanted))


def test_bad_links_are_named():
    with pytest.raises(ValueError, match="sure has 2 sets of links; expected 1, one for each of found"):
        alignment_score([set()], [set(), {(0, 0)}])
    with pytest.raises(ValueError, match="possible has 0 sets"):
        alignment_score([set()], [{(0, 0)}], [])
    with pytest.raises(ValueError, match=re.escape("possible[0] lacks (0, 0); expected every sure link to be possible")):
        alignment_score([set()], [{(0, 0), (1, 1)}], [{(1, 1)}])
    with pytest.raises(ValueError, match="sure holds no link"):
        alignment_score([{(0, 0)}], [set()])
    with pytest.raises(TypeError, match="found holds a list; expected a set of links"):
        alignment_score([[(0, 0)]], [{(0, 0)}])
