"""The book as a PDF: first a site of three pages, whose every part can be named, then the built site."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lxml import html

from utils.book.notebooks import chapter_title
from utils.book.pdf import PdfError, one_page, write_pdf
from utils.book.project import toc_files

FILES = {
    "_toc.yml": "format: jb-book\nroot: index\nchapters:\n  - file: chapters/01-a\n  - file: exercises/01-a\n",
    "_config.yml": "title: Letters & signs\nauthor: The authors\n",
    "_build/html/_static/book.css": "h2 { color: rgb(1, 2, 3); }",
}
SITE = """<!doctype html><html><head><meta charset="utf-8"><link rel="stylesheet" href="_static/book.css?v=1"></head><body>
<nav class="bd-links bd-docs-nav"><div><p class="caption" role="heading">Part I</p>
<a href="chapters/01-a.html">01 A’s page</a></div></nav><article class="bd-article">{}</article>
<footer>Above</footer></body></html>"""
PAGES = {
    "index": '<section id="top"><h1>Preface</h1></section>',
    "chapters/01-a": """<section id="top"><h1>01 A’s page</h1><a href="#top">up</a> <a href="../exercises/01-a.html#top">on</a>
<a href="../exercises/01-a.html">exercises</a> <a href="../_sources/chapters/01-a.ipynb">notebook</a>
<a href="https://example.org/#top">elsewhere</a> <img src="../_images/a.png"> <img src="data:image/png;base64,AA==">
<svg><marker id="arrow"></marker></svg><figure class="interactive dots" id="figure-dots-1"><h2>Nothing yet</h2>
<script>document.querySelector("#figure-dots-1 h2").textContent = 1 < 2 && "(Drawn)";</script></figure></section>""",
    "exercises/01-a": '<section id="top"><h1>Exercises 01: A</h1><details><summary>Answer</summary>42</details></section>',
}


@pytest.fixture
def book(tmp_path):
    """A book whose site is built."""
    texts = FILES | {f"_build/html/{page}.html": SITE.format(article) for page, article in PAGES.items()}
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def printed(book: Path) -> Path:
    """What write_pdf gives, in a thread: this one may hold the browser of other tests, and Playwright wants one a thread."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(write_pdf, book).result()


def outline(pdf: Path) -> list[tuple[str, list[str]]]:
    """What a PDF's outline says: the title of each page and those of its sections. It is read as Chromium writes it."""
    entry = rb"\n(\d+) 0 obj\n<</Title (\((?:[^()\\]|\\.)*\)|<[0-9A-F]*>)\n/Dest [^\n]*\n/Parent (\d+) 0 R"
    found = {number: (said(title), parent) for number, title, parent in re.findall(entry, pdf.read_bytes())}
    sections = {number: [t for t, parent in found.values() if parent == number] for number in found}
    return [(title, sections[number]) for number, (title, parent) in found.items() if parent not in found]


def said(text: bytes) -> str:
    """A text of a PDF, in brackets or, where it is not ASCII, in hexadecimal."""
    plain = re.sub(rb"\\(.)", rb"\1", text[1:-1]).decode("ascii")
    return bytes.fromhex(plain).decode("utf-16") if text.startswith(b"<") else plain


def test_the_pages_stand_one_after_another_and_links_lead_where_they_led(book):
    page = html.document_fromstring(one_page(book, book / "_build/html"))
    articles = page.findall(".//article")
    assert [article.findtext(".//h1") for article in articles] == ["Preface", "01 A’s page", "Exercises 01: A"]
    ids = [element.get("id") for element in page.iter("*") if "id" in element.attrib]
    assert len(set(ids)) == len(ids)
    assert {"arrow", "figure-dots-1"} <= set(ids), "a script or a drawing looks for them"
    up, on, exercises, notebook, elsewhere = (a.get("href") for a in articles[1].iter("a"))
    assert page.get_element_by_id(up[1:]).find("h1").text == "01 A’s page"
    assert page.get_element_by_id(on[1:]).find("h1").text == "Exercises 01: A"
    assert page.get_element_by_id(exercises[1:]) is articles[2]
    assert (notebook, elsewhere) == (None, "https://example.org/#top")
    (listed,) = page.findall(".//nav//a")
    assert page.get_element_by_id(listed.get("href")[1:]) is articles[1]


def test_files_come_from_the_site_and_nothing_is_folded(book):
    page = html.document_fromstring(one_page(book, book / "_build/html"))
    assert page.xpath("//link/@href") == ["html/_static/book.css?v=1"]
    assert page.xpath("//img/@src") == ["html/_images/a.png", "data:image/png;base64,AA=="]
    assert [details.get("open") for details in page.iter("details")] == [""]
    assert page.findtext(".//title") == "Letters & signs"
    assert "Above" not in page.text_content()


def test_the_browser_draws_the_figures_and_writes_an_outline(book):
    pdf = printed(book)
    assert pdf == book / "_build/book.pdf"
    assert outline(pdf) == [("Contents", []), ("Preface", []), ("01 A’s page", ["(Drawn)"]), ("Exercises 01: A", [])]


def test_what_is_missing_is_said(book, monkeypatch):
    monkeypatch.setattr("utils.book.pdf.Path.exists", lambda path: False)
    monkeypatch.setattr("utils.book.pdf.shutil.which", lambda name: None)
    with pytest.raises(PdfError, match="no browser: run `playwright install chromium`, or install one of chromium, "):
        printed(book)
    monkeypatch.undo()
    (book / "_build/html").rename(book / "elsewhere")
    with pytest.raises(PdfError, match="run `course build` first"):
        printed(book)


@pytest.mark.slow
@pytest.mark.book
def test_the_whole_book_is_in_it(root, site, executed, tmp_path):
    for name in ("_toc.yml", "_config.yml"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    (tmp_path / "_build").mkdir()
    (tmp_path / "_build/html").symlink_to(site)
    entries = outline(printed(tmp_path))
    pages = [title for title, _ in entries]
    assert len(pages) == 1 + len(toc_files(root))
    chapters = [chapter_title(chapter.executed) for chapter in executed]
    assert [title for title in pages if title in chapters] == chapters
    assert dict(entries)[chapters[-1]][-1] == "Summary"
