"""How alike people find two words: the tables that the installed gensim carries, read where they lie and never copied."""

import csv
from functools import cache
from pathlib import Path

import gensim

TABLES = {"wordsim353": "wordsim353.tsv", "simlex999": "simlex999.txt"}


@cache
def similarity_table(name: str) -> tuple[tuple[str, str, float], ...]:
    """The pairs of a table as (word, word, mean score from 0 to 10), in lower case.

    "wordsim353" asked how related two words are (Finkelstein et al. 2002; 353 pairs): cup and coffee score 6.58. "simlex999"
    asked how similar they are (Hill et al. 2015; 999 pairs): old and new, though related, score 1.58.
    """
    if name not in TABLES:
        raise ValueError(f"name is {name!r}; expected one of {', '.join(TABLES)}")
    path = Path(gensim.__file__).parent / "test" / "test_data" / TABLES[name]
    with open(path, encoding="utf-8", newline="") as lines:
        rows = csv.reader((line for line in lines if not line.startswith("#")), delimiter="\t")
        return tuple((one.lower(), other.lower(), float(score)) for one, other, score in rows)
