"""Sentence pairs of one's own: what is read, in which order, and what is refused."""

import pytest

from utils.data.sentences import read_pairs


def test_a_pair_a_line_and_of_equal_sources_the_first(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("ich sehe\tI see\nwir gehen heim\tj' y vais\nich sehe\tI look\n", encoding="utf-8")
    first, second = read_pairs(path)
    assert (first.english, first.french) == (("ich", "sehe"), ("I", "see"))
    assert (second.english, second.french) == (("wir", "gehen", "heim"), ("j'", "y", "vais"))
    assert (first.links, first.sure, first.combinations, first.skeleton) == (frozenset(), frozenset(), frozenset(), "")


def test_blanks_do_not_count_and_letters_of_all_scripts_do(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_bytes("  été  \t 夏 です\r\n".encode())
    assert [(one.english, one.french) for one in read_pairs(str(path))] == [(("été",), ("夏", "です"))]


@pytest.mark.parametrize("line", ["no tab", "two\ttabs\there", "\tno source", "no target\t ", ""])
def test_a_line_that_is_no_pair_is_named(line, tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text(f"a\tb\n{line}\nc\td\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 2 of .*pairs.tsv is .*; expected a sentence, a tab"):
        read_pairs(path)


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="is empty"):
        read_pairs(path)
