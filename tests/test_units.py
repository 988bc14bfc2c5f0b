"""The measures of units on words that a pencil can count."""

import pytest

from utils.units import affix_places, boundaries_found, cut_places, fertility, unknown_share, words_of

WORDS = {"walking": 3, "dog": 1}


def halves(word):
    return [word[:4], word[4:]] if len(word) > 4 else [word]


def test_words_are_runs_of_letters():
    assert words_of("The dog's 2 éclairs_und 漢字!") == ["The", "dog", "s", "éclairs", "und", "漢字"]


def test_shares_and_tokens_are_of_running_words():
    assert unknown_share(WORDS, {"dog"}.__contains__) == 0.75
    assert fertility(WORDS, halves) == 7 / 4
    assert fertility(WORDS, list) == 24 / 4


def test_affixes_need_their_stem_and_three_letters_of_it():
    assert affix_places({"walk", "walking", "do", "doing", "sure", "unsure", "thing"}) == {"walking": 4, "unsure": 2}
    assert affix_places(["corn", "corner", "make", "making"]) == {"corner": 4}
    assert affix_places([]) == {}


def test_cuts_lie_between_tokens():
    assert cut_places(["un", "do", "ing"]) == {2, 4}
    assert cut_places([b"dog"]) == cut_places([]) == set()


def test_boundaries_against_chance():
    """One cut after 4 of 7 letters hits 4 and misses 2; by chance 1 of 6 places each. A word that is whole hits nothing."""
    assert boundaries_found({"walking": 4, "redoing": 2, "cats": 3}, halves) == (1 / 3, pytest.approx((1 / 6 + 1 / 6) / 3))
    assert boundaries_found({"walking": 4, "cats": 3}, list) == (1, 1)


@pytest.mark.parametrize("call", [lambda: fertility({}, list), lambda: unknown_share({}, bool)])
def test_no_words_are_refused(call):
    with pytest.raises(ValueError, match="words is empty; expected at least one"):
        call()
    with pytest.raises(ValueError, match="places is empty"):
        boundaries_found({}, list)
