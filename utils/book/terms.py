"""Link each term of the glossary from its first use on every chapter's page, when the site is built.

The notebooks hold plain words, so they read well in JupyterLab and on Colab. A term is found as a whole word, also in the
plural or with a capital at its start; of several that fit, the longest. Running text alone is searched: paragraphs and lists.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

GLOSSARY = "chapters/glossary"
CHAPTER = re.compile(r"chapters/\d\d-")
APART = (nodes.reference, nodes.literal, nodes.math, nodes.table)  # in a paragraph, and no running text


@dataclass(frozen=True)
class Entry:
    """Where a term's entry stands on the glossary's page, and what it says."""

    anchor: str
    definition: str


def entries(glossary: nodes.document) -> dict[str, Entry]:
    """Term -> its entry, from the glossary's own page; terms over one definition share an entry, which begins at the first."""
    found = {}
    for item in glossary.findall(nodes.definition_list_item):
        terms = list(item.findall(nodes.term))
        entry = Entry(terms[0]["ids"][0], " ".join(item.next_node(nodes.definition).astext().split()))
        found |= {term.astext(): entry for term in terms}
    return found


def pattern(term: str) -> str:
    """A regular expression for a term as it may stand in a text."""
    first, rest = term[0], term[1:]
    words = re.escape(rest).replace(r"\ ", r"\s+")
    start = f"[{first.upper()}{first.lower()}]" if first.isalpha() else re.escape(first)
    if term.endswith("y") and term[-2:-1] not in "aeiou":
        return f"{start}{words[:-1]}(?:y|ies)"
    return f"{start}{words}(?:e?s)?"


def matcher(terms: Sequence[str]) -> re.Pattern:
    """A regular expression that finds any of the terms, those that stand first before the others; group i + 1 is terms[i]."""
    return re.compile(r"(?<![\w-])(?:" + "|".join(f"({pattern(term)})" for term in terms) + r")(?![\w-])")


def is_running(text: nodes.Text) -> bool:
    """Whether a text stands in a paragraph, and in nothing that is no running text or a cell's output."""
    above = [text.parent]
    while above[-1].parent is not None:
        above.append(above[-1].parent)
    output = any("cell_output" in node["classes"] for node in above)
    return any(isinstance(n, nodes.paragraph) for n in above) and not any(isinstance(n, APART) for n in above) and not output


def join_lines(page: nodes.document) -> None:
    """Make one text of those that follow each other: the parser cuts them at the ends of lines, and a term may go over one."""
    for element in page.findall(nodes.TextElement):
        pieces = groupby(element.children, lambda child: isinstance(child, nodes.Text))
        element[:] = [child for text, group in pieces for child in ([nodes.Text("".join(group))] if text else group)]


def link_terms(page: nodes.document, known: Mapping[str, Entry], address: str) -> None:
    """Turn the first use of each entry's terms into a link to it; `address` is that of the glossary's page."""
    terms = sorted(known, key=lambda term: (-len(term), term))
    find, linked = matcher(terms), set()
    join_lines(page)
    for text in [text for text in page.findall(nodes.Text) if is_running(text)]:
        pieces, end = [], 0
        for match in find.finditer(text):
            entry = known[terms[match.lastindex - 1]]
            if entry not in linked:
                linked.add(entry)
                link = nodes.reference(
                    "", match[0], internal=True, refuri=f"{address}#{entry.anchor}", classes=["glossary-term"]
                )
                link["reftitle"] = entry.definition
                pieces += [nodes.Text(text[end : match.start()]), link]
                end = match.end()
        if pieces:
            text.parent.replace(text, [*pieces, nodes.Text(text[end:])])


@cache
def glossary_of(environment: BuildEnvironment) -> dict[str, Entry]:
    """The entries of the book's glossary, none in a book without one."""
    return entries(environment.get_doctree(GLOSSARY)) if GLOSSARY in environment.found_docs else {}


def link_page(app: Sphinx, page: nodes.document, name: str) -> None:
    """Sphinx's event "doctree-resolved": link the terms of a chapter's page."""
    if CHAPTER.match(name) and (known := glossary_of(app.env)):
        link_terms(page, known, app.builder.get_relative_uri(name, GLOSSARY))
