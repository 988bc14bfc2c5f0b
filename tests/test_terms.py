"""The glossary's links: found on a small page as a reader would find them, and on the built site none dead and none missing."""

import re
from html import unescape

import pytest
from docutils import nodes
from docutils.core import publish_doctree
from myst_parser.docutils_ import Parser

from utils.book.project import chapters
from utils.book.terms import Entry, entries, link_terms

TERMS = ("attention", "local attention", "attention score", "key", "query", "LSTM", "n-gram", "REINFORCE", "word vector")
KNOWN = {term: Entry(f"term-{term.replace(' ', '-')}", f"What {term} is.") for term in TERMS}


def linked(text, known=KNOWN):
    """The words that became links on a page of this Markdown: (as they stand, where they lead)."""
    page = publish_doctree(text, parser=Parser(), settings_overrides={"myst_enable_extensions": ["dollarmath"]})
    before = page.astext()
    link_terms(page, known, "glossary.html")
    assert page.astext() == before
    found = [link for link in page.findall(nodes.reference) if "glossary-term" in link["classes"]]
    return [(link.astext(), link["refuri"]) for link in found]


def words(text):
    return [stands for stands, _ in linked(text)]


def test_the_first_use_leads_to_the_entry_and_says_what_it_says():
    page = publish_doctree("A key here, a key there.", parser=Parser())
    link_terms(page, KNOWN, "glossary.html")
    (link,) = page.findall(nodes.reference)
    assert (link.astext(), link["refuri"], link["reftitle"]) == ("key", "glossary.html#term-key", "What key is.")
    assert page.astext() == "A key here, a key there."


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Attention reads keys; queries ask.", ["Attention", "keys", "queries"]),
        ("Two LSTMs, no lstm. N-grams reinforce it.", ["LSTMs", "N-grams"]),
        ("A keyboard, a monkey, key-value, a sub-query, key_2.", []),
        ("Local attention is attention, and local\nattention again.", ["Local attention", "attention"]),
        ("Attention scores are not attention.", ["Attention scores", "attention"]),
        ("A word\nvector.", ["word\nvector"]),
        ("*A key* and **the query**.", ["key", "query"]),
        ("- a key\n- the query", ["key", "query"]),
        ("> a key", ["key"]),
    ],
)
def test_a_word_is_found_whole_in_the_plural_and_the_longest_first(text, found):
    assert words(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "# The key",
        "`key`",
        "```\nkey\n```",
        "$key$",
        "$$\nkey\n$$",
        "[a key](https://example.org)",
        "| key |\n|---|\n| key |",
        "![key](x.png)",
    ],
)
def test_headings_code_formulas_links_and_tables_are_left_alone(text):
    assert words(text) == []
    assert words(f"{text}\n\nThe key.") == ["key"]


def test_what_a_cell_printed_is_left_alone():
    page = publish_doctree("The key.", parser=Parser())
    page[:] = [nodes.container("", *page.children, classes=["cell_output"])]
    link_terms(page, KNOWN, "glossary.html")
    assert list(page.findall(nodes.reference)) == []


def test_terms_over_one_definition_are_one_entry():
    glossary = nodes.document(None, None)
    names = [nodes.term("", name, ids=[f"term-{name}"]) for name in ("encoder", "decoder")]
    glossary += nodes.definition_list(
        "", nodes.definition_list_item("", *names, nodes.definition("", nodes.paragraph("", "A\nb.")))
    )
    known = entries(glossary)
    assert known == {"encoder": Entry("term-encoder", "A b."), "decoder": Entry("term-encoder", "A b.")}
    assert linked("A decoder and an encoder.", known) == [("decoder", "glossary.html#term-encoder")]


def test_the_glossary_stands_in_the_order_of_the_alphabet(root):
    text = (root / "chapters/glossary.md").read_text(encoding="utf-8")
    body = re.search(r"(?s)```\{glossary\}\n(.*?)```", text)[1]
    terms = [entry.splitlines()[0].lower() for entry in body.split("\n\n")]
    assert terms == sorted(terms)
    assert len(set(terms)) == len(terms) > 100


# --- the built site


@pytest.mark.book
def test_every_entry_is_reached_from_a_chapter_and_every_link_lands_on_one(root, site):
    glossary = (site / "chapters/glossary.html").read_text(encoding="utf-8")
    lists = re.findall(r'(?s)<dl class="[^"]*glossary[^"]*">(.*?)</dl>', glossary)
    heads = re.findall(r"(?s)((?:<dt [^>]*>(?:(?!</dt>).)*</dt>\s*)+)<dd>", "".join(lists))
    first = {re.search(r'id="([^"]+)"', head)[1] for head in heads}
    reached = set()
    for path in chapters(root):
        html = (site / f"chapters/{path.stem}.html").read_text(encoding="utf-8")
        links = re.findall(r'<a class="glossary-term[^"]*" href="glossary\.html#([^"]+)" title="([^"]+)">([^<]+)</a>', html)
        anchors = [anchor for anchor, _, _ in links]
        assert len(anchors) > 5, path.name
        assert len(set(anchors)) == len(anchors), path.name
        assert len(links) == html.count('class="glossary-term'), path.name
        assert all(unescape(title).endswith(".") for _, title, _ in links)
        reached |= set(anchors)
    assert reached == first
