"""The bibliography, the timeline and the errata: every reference is whole and cited, every entry leads where it says."""

import re
from functools import cache
from pathlib import Path

import nbformat
import pytest
from docutils.nodes import make_id

from utils.book.project import find_root, toc_files

ROOT = find_root(Path(__file__).parent)
CITED = re.compile(r"\{cite\}`([^`]+)`")
LINK = re.compile(r'<a href="((\d\d)-[\w-]+)\.html#([\w-]+)">([^<]+)</a>')  # Sphinx would not find a section of a notebook
NEEDED = {
    "article": {"journal", "volume", "pages"},
    "book": {"publisher"},
    "incollection": {"booktitle", "publisher", "pages"},
    "inproceedings": {"booktitle"},
    "misc": {"howpublished"},
    "phdthesis": {"school"},
    "techreport": {"institution"},
}
KNOWN = {"author", "title", "year", "number", "note", "editor", "edition", "doi"}.union(*NEEDED.values())
SHAPES = {
    "year": r"(19|20)\d\d",
    "pages": r"\d+--\d+",
    "volume": r"\d+",
    "doi": r"10\.\d{4,}/\S+",
    "howpublished": r"arXiv:\d{4}\.\d{4,5}|(Software|Blog post), \\url\{https?://\S+\}",
}


def entries(text):
    """Each reference of a file that has one a line: (key, its fields, with the kind among them)."""
    for line in filter(None, text.splitlines()):
        kind, key, rest = re.fullmatch(r"@([a-z]+)\{([^,\s]+), (.+)\}", line).groups()
        value = r"(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*"
        fields = re.findall(rf"(\w+) = \{{({value})\}}(?:, |$)", rest)
        assert ", ".join(f"{name} = {{{text}}}" for name, text in fields) == rest, line
        assert len(dict(fields)) == len(fields), line
        yield key, {"kind": kind, **dict(fields)}


REFERENCES = list(entries((ROOT / "references.bib").read_text(encoding="utf-8")))


@cache
def words(page):
    """The prose of a page, its headings included."""
    path = next(p for p in (ROOT / f"{page}.md", ROOT / f"{page}.ipynb") if p.is_file())
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    return "\n\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown")


def keys(text):
    """The keys of all references that a text cites."""
    return [key.strip() for found in CITED.findall(text) for key in found.split(",")]


def pages():
    """The pages that are not made by the build."""
    return [name for name in toc_files(ROOT) if any((ROOT / f"{name}{kind}").is_file() for kind in (".md", ".ipynb"))]


def items(page):
    """The terms of a page's definition lists: (term, its definitions)."""
    found = re.findall(r"^(?![:#\s-])(.+)\n((?:: .+\n(?:  .+\n)*)+)", words(page) + "\n", flags=re.M)
    return [(term, re.findall(r"^: (.+(?:\n  .+)*)", text, flags=re.M)) for term, text in found]


def has_section_with_code(chapter, anchor):
    """Whether a heading of the chapter has that anchor, with a code cell before the next heading of its rank or above."""
    rank = 0
    for cell in nbformat.read(ROOT / "chapters" / f"{chapter}.ipynb", 4).cells:
        if cell.cell_type == "code" and rank:
            return True
        headings = re.findall(r"^(#+) (.+)$", cell.source, flags=re.M) if cell.cell_type == "markdown" else []
        for marks, title in headings:
            if make_id(title) == anchor:
                rank = len(marks)
            elif len(marks) <= rank:
                rank = 0
    return False


def test_a_section_without_a_cell_is_none():
    assert has_section_with_code("03-word-vectors", "four-claims-tested")
    assert not has_section_with_code("03-word-vectors", "what-is-missing")  # the cell behind it is the summary's
    assert not has_section_with_code("03-word-vectors", "four-claims")


# --- references


@pytest.mark.parametrize(("key", "fields"), REFERENCES, ids=[key for key, _ in REFERENCES])
def test_a_reference_is_whole_and_well_formed(key, fields):
    assert {"author", "title", "year"} | NEEDED[fields["kind"]] <= fields.keys() <= KNOWN | {"kind"}
    for name, shape in SHAPES.items():
        assert name not in fields or re.fullmatch(shape, fields[name]), f"{name} = {fields[name]}"
    assert re.fullmatch(rf"[a-z]+{fields['year']}[a-z]*", key), "a key is a name and the year"
    first = re.sub(r"\\.|[{}]", "", fields["author"]).split(" and ")[0].split(",")[0].split()[-1].lower()
    assert key.startswith(re.sub("[^a-z]", "", first.replace("š", "s").replace("č", "c")))
    if "--" in fields.get("pages", ""):
        start, end = map(int, fields["pages"].split("--"))
        assert start < end


def test_no_reference_stands_twice():
    for what in ("title", "doi", "howpublished"):
        found = [re.sub(r"[^a-z0-9]", "", fields[what].lower()) for _, fields in REFERENCES if what in fields]
        assert [one for one in set(found) if found.count(one) > 1] == []
    assert len(dict(REFERENCES)) == len(REFERENCES)


def test_every_citation_has_a_reference_and_every_reference_is_cited():
    cited = {key for page in pages() for key in keys(words(page))}
    assert len(cited) > 100
    assert cited == dict(REFERENCES).keys()


# --- the timeline


TIMELINE = items("chapters/timeline")


def test_the_years_ascend():
    years = [int(re.fullmatch(r"(\d{4}), [A-Z].+|(\d{4}), von .+", term)[0][:4]) for term, _ in TIMELINE]
    assert len(years) > 60
    assert years == sorted(years)
    assert years[0] == 1948 and years[-1] >= 2024


@pytest.mark.parametrize(("term", "definitions"), TIMELINE, ids=[term for term, _ in TIMELINE])
def test_an_entry_is_dated_by_what_it_cites_and_leads_to_where_that_is_told(term, definitions):
    (text,) = definitions
    cited = keys(text)
    assert cited
    years = term[:4] + CITED.sub("", text)  # a key holds its year, and the reader does not see it
    for key in cited:
        assert dict(REFERENCES)[key]["year"] in years, f"{key} is of another year, and the text does not say so"
    for chapter, number, anchor, said in LINK.findall(text):
        assert set(cited) & set(keys(words(f"chapters/{chapter}"))), f"chapter {number} cites nothing of this"
        assert has_section_with_code(chapter, anchor)
        assert said == f"chapter {number}"


# --- the errata


ERRATA = [(term, parts) for term, parts in items("chapters/errata") if len(parts) == 3]
SAYINGS = [(term, parts) for term, parts in items("chapters/errata") if len(parts) == 1]


@pytest.mark.parametrize(("term", "parts"), [*ERRATA, *SAYINGS], ids=lambda value: value if isinstance(value, str) else "")
def test_an_error_is_settled_by_a_cell(term, parts):
    places = LINK.findall(parts[-1])
    assert places
    for chapter, number, anchor, said in places:
        assert has_section_with_code(chapter, anchor), f"{chapter} has no section {anchor} with a cell"
        (title,) = (t for t in re.findall(r"^## (.+)$", words(f"chapters/{chapter}"), flags=re.M) if make_id(t) == anchor)
        assert said.lower() == f"chapter {number}, section {title.split('.')[0]}"
    if len(parts) == 3:
        assert [part.split()[0] for part in parts] == ["*Says:*", "*Is:*", "*Settled"]


def test_the_errata_are_as_many_as_were_found():
    assert (len(ERRATA), len(SAYINGS)) == (18, 5)
