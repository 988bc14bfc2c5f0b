"""Sentence pairs of your own in place of the grammar's: a pair a line, a tab between a sentence and its translation.

Nobody linked their words, so nothing can be said of alignments, and a test sentence may hold a word that training never shows.
Words are what stands between blanks: whoever wants them in lower case, or their punctuation apart, writes them so.
"""

from pathlib import Path

from utils.data.french.phrases import Pair


def read_pairs(path: str | Path) -> list[Pair]:
    """The pairs of a file in UTF-8, in its order; of several with the same source the first, so that no test is a repetition.

    The side before the tab is `english` and the one behind it `french`, whatever languages they are. ValueError names the first
    line that does not have two sides, or says that there is none.
    """
    found: dict[tuple[str, ...], Pair] = {}
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        sides = [tuple(side.split()) for side in line.split("\t")]
        if len(sides) != 2 or not all(sides):
            raise ValueError(f"line {number} of {path} is {line!r}; expected a sentence, a tab and its translation")
        found.setdefault(sides[0], Pair(*sides, links=frozenset(), skeleton="", combinations=frozenset()))
    if not found:
        raise ValueError(f"{path} is empty; expected a pair of sentences a line")
    return list(found.values())
