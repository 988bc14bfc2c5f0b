"""A real English corpus that needs no download: the extract of Wikipedia that the installed gensim carries as test data.

The text is by the authors of the English Wikipedia, under CC BY-SA; it is read where it lies and never copied.
"""

import bz2
import re
from collections import Counter
from functools import cache
from pathlib import Path

import gensim
from gensim.corpora.wikicorpus import extract_pages, filter_wiki

DUMP = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"


@cache
def articles() -> list[tuple[str, str]]:
    """The extract's articles as (title, text): no redirects, empty pages, links, templates, tables or runs of blank lines.

    Headings, lists and emphasis keep their marks (==, *, ''), which gensim leaves in.
    """
    path = Path(gensim.__file__).parent / "test" / "test_data" / DUMP
    with bz2.open(path, "rt", encoding="utf-8") as dump:
        pages = [(title, filter_wiki(source)) for title, source, _ in extract_pages(dump, filter_namespaces=("0",))]
    plain = [(title, re.sub(r"\s*\n\s*\n\s*", "\n\n", text).strip()) for title, text in pages]
    return [(title, text) for title, text in plain if text and not text.upper().startswith("#REDIRECT")]


@cache
def wikipedia(rare: int = 100) -> str:
    """The articles' texts in one string, less the characters that occur fewer than `rare` times (letters of other scripts)."""
    text = "\n\n".join(text for _, text in articles())
    dropped = {ord(character): None for character, count in Counter(text).items() if count < rare}
    return text.translate(dropped)


def split(text: str, heldout: int) -> tuple[str, str]:
    """The text without its last `heldout` characters, and these: train on the first, report on the second."""
    if not 0 < heldout < len(text):
        raise ValueError(f"heldout is {heldout}; expected 1 to {len(text) - 1}, less than the text's {len(text)} characters")
    return text[:-heldout], text[-heldout:]


def sentences(shortest: int = 30, longest: int = 80) -> list[str]:
    """The plain sentences of the articles, from capital to full stop, of a length between the two, in order."""
    inner = f"{{{shortest - 3},{longest - 3}}}"
    return re.findall(rf"(?<=\. )[A-Z][^.\n=*|{{}}<>#;:]{inner}[a-z]\.(?=\s)", wikipedia())


@cache
def article_words() -> tuple[tuple[str, ...], ...]:
    """Each article as its words: runs of letters in lower case, without digits and punctuation. For word vectors."""
    return tuple(tuple(re.findall(r"[^\W\d_]+", text.lower())) for _, text in articles())
