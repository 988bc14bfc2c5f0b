"""The built site as a reader's browser sees it. Each page is visited once; the tests look at what was seen."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

from benchmarks.site import Measures, measure, pages
from utils.book.project import toc_files

pytest_plugins = ["browser"]
pytestmark = pytest.mark.book

MOST_BYTES, MOST_SHIFT = 1_500_000, 0.05
LOOK = """() => {
  const article = document.querySelector("#main-content").cloneNode(true);
  article.querySelectorAll("pre, code, script, style, .katex, .interactive").forEach((e) => e.remove());
  return {
    text: article.textContent,
    formulas: document.querySelectorAll(".katex").length,
    failed: [...document.querySelectorAll(".katex-error")].map((e) => e.textContent),
    ids: [...document.querySelectorAll("[id]")].map((e) => e.id),
    links: [...document.querySelectorAll("a[href]")].map((e) => new URL(e.getAttribute("href"), document.baseURI).href),
    pictures: [...document.querySelectorAll("img, [role=img]")].map((e) => [e.src || e.id, e.alt ?? e.ariaLabel ?? ""]),
    unsized: [...document.querySelectorAll(".bd-article img:not([width])")].map((e) => e.src),
    captions: [...document.querySelectorAll(".bd-sidebar-primary .caption")].map((e) => e.textContent.trim()),
    title: document.title,
    language: document.documentElement.lang,
    download: document.querySelector(".btn-download-source-button")?.href,
  };
}"""


@dataclass
class Sight:
    """What was seen of one page."""

    measures: Measures
    strangers: list[str]
    errors: list[str]
    facts: dict


@pytest.fixture(scope="session")
def sights(site, served, visit):
    """The address of each page, relative to the site -> what was seen there."""
    found = {}
    for name in pages(site):
        with visit(f"{served}/{name}", viewport={"width": 1280, "height": 900}, reduced_motion="reduce") as seen:
            found[name] = Sight(measure(seen.page), seen.strangers, seen.errors, seen.page.evaluate(LOOK))
    return found


def each(sights, of):
    """Page -> of(what was seen there), where that is not empty."""
    return {name: value for name, sight in sights.items() if (value := of(sight))}


# --- what a page loads


def test_the_pages_are_those_of_the_table_of_contents(root, site):
    assert set(pages(site)) == {f"{page}.html" for page in toc_files(root)} | {"search.html", "genindex.html"}


def test_no_request_leaves_the_site(sights):
    assert each(sights, lambda s: s.strangers) == {}


def test_no_page_says_an_error_or_misses_a_file(sights):
    assert each(sights, lambda s: s.errors) == {}
    assert each(sights, lambda s: s.measures.missing) == {}


def test_no_page_is_too_heavy(sights):
    assert all(s.measures.bytes > 100_000 for s in sights.values()), "nothing was measured"
    assert each(sights, lambda s: s.measures.bytes > MOST_BYTES and s.measures.bytes) == {}


def test_no_page_jumps_while_it_loads(sights):
    assert each(sights, lambda s: s.measures.shift >= MOST_SHIFT and s.measures.shift) == {}
    assert each(sights, lambda s: s.facts["unsized"]) == {}


# --- what stands on it


def test_mathematics_is_typeset(root, sights):
    raw = re.compile(r"\$|\\[(\[\])]|\\(?:frac|begin|mathrm|mathbb|text|sum|log)\b")
    assert each(sights, lambda s: raw.findall(s.facts["text"])) == {}
    assert each(sights, lambda s: s.facts["failed"]) == {}
    for name in toc_files(root):
        sources = [path for path in (root / f"{name}.md", root / f"{name}.ipynb") if path.is_file()]
        if sources and re.search(r"\$[^$\n]+\$", sources[0].read_text(encoding="utf-8")) and not name.endswith("guide"):
            assert sights[f"{name}.html"].facts["formulas"] > 0, name


def test_every_picture_is_described_and_no_two_alike(sights):
    assert each(sights, lambda s: [src for src, alt in s.facts["pictures"] if not alt.strip()]) == {}
    alts = {}
    for sight in sights.values():
        for src, alt in sight.facts["pictures"]:
            alts.setdefault(alt, set()).add(urlsplit(src).path)
    assert {alt: pictures for alt, pictures in alts.items() if len(pictures) > 1} == {}
    assert sum(path.endswith(".png") for pictures in alts.values() for path in pictures) > 5


def test_no_id_stands_twice_on_a_page(sights):
    assert each(sights, lambda s: sorted({i for i in s.facts["ids"] if s.facts["ids"].count(i) > 1})) == {}


def test_every_link_inside_the_site_leads_somewhere(site, served, sights):
    dead = set()
    for name, sight in sights.items():
        for link in sight.facts["links"]:
            if link.startswith(served):
                there, fragment = urldefrag(link)
                path = unquote(urlsplit(there).path).lstrip("/") or "index.html"
                if path in sights:
                    if fragment and unquote(fragment) not in sights[path].facts["ids"]:
                        dead.add((name, link.removeprefix(served)))
                elif not (site / path).is_file():
                    dead.add((name, link.removeprefix(served)))
    assert dead == set()


def test_every_page_has_a_title_of_its_own_and_a_language(sights):
    titles = [sight.facts["title"] for sight in sights.values()]
    assert len(set(titles)) == len(titles)
    assert each(sights, lambda s: s.facts["language"] != "en" and s.facts["language"]) == {}


def test_the_sidebar_lists_the_parts(sights):
    parts = [f"Part {number}:" for number in ("I", "II", "III", "IV")]
    for name, sight in sights.items():
        assert [caption.split(" ")[0] + " " + caption.split(" ")[1] for caption in sight.facts["captions"][1:5]] == parts, name


def test_the_download_is_the_committed_notebook(root, site, served, sights):
    downloads = each(sights, lambda s: s.facts["download"])
    assert {f"{path.parent.name}/{path.stem}.html" for path in root.glob("chapters/*.ipynb")} <= set(downloads)
    for link in downloads.values():
        path = unquote(urlsplit(link).path).lstrip("/")
        if path.endswith(".ipynb"):
            assert (site / path).read_bytes() == (root / path.removeprefix("_sources/")).read_bytes()


# --- what a page does


def test_the_theme_switch_goes_round_and_is_remembered(served, visit):
    with visit(f"{served}/index.html", color_scheme="light") as seen:
        theme = "document.documentElement.dataset.theme"
        assert seen.page.evaluate(theme) == "light"
        button = seen.page.locator("button.theme-switch-button:visible").first
        themes = set()
        for _ in range(3):
            button.click()
            themes.add(seen.page.evaluate(theme))
        assert themes == {"light", "dark"}
        while seen.page.evaluate(theme) != "dark":
            button.click()
        seen.page.reload()
        assert seen.page.evaluate(theme) == "dark"
        assert seen.errors == []


def test_search_finds_a_word_and_leads_to_its_page(served, visit):
    with visit(f"{served}/search.html?q=autograd") as seen:
        seen.page.get_by_text(re.compile("Search finished")).wait_for()
        link = seen.page.locator("#search-results li a").first
        assert seen.strangers == []
        link.click()
        seen.page.wait_for_url("**/chapters/**")
        assert "autograd" in seen.page.locator(".bd-article").inner_text().lower()


def test_the_keyboard_reaches_the_text_first_and_shows_where_it_is(served, visit):
    with visit(f"{served}/chapters/00-getting-started.html") as seen:
        seen.page.keyboard.press("Tab")
        assert seen.page.evaluate("document.activeElement.closest('#pst-skip-link, .skip-link') !== null")
        seen.page.wait_for_function("document.activeElement.getBoundingClientRect().top >= 0")
        seen.page.keyboard.press("Enter")
        assert seen.page.evaluate("location.hash") == "#main-content"
        for _ in range(4):
            seen.page.keyboard.press("Tab")
            style = seen.page.evaluate("((s) => [s.outlineStyle, s.boxShadow])(getComputedStyle(document.activeElement))")
            assert style != ["none", "none"], seen.page.evaluate("document.activeElement.outerHTML")


def test_the_figure_of_chapter_00_answers_mouse_and_keyboard(served, visit):
    with visit(f"{served}/chapters/00-getting-started.html") as seen:
        figure = seen.page.locator("figure.interactive")
        shown = figure.locator(".answer .p b")
        slider = figure.locator(".answer input[type=range]").first
        before = shown.all_inner_texts()
        slider.focus()
        seen.page.keyboard.press("ArrowRight")
        seen.page.keyboard.press("ArrowRight")
        by_key = shown.all_inner_texts()
        assert float(by_key[0]) > float(before[0])
        assert float(by_key[1]) < float(before[1])
        box = slider.bounding_box()
        seen.page.mouse.click(box["x"] + 3, box["y"] + box["height"] / 2)
        assert float(shown.all_inner_texts()[0].lstrip("<")) < float(before[0])
        assert seen.errors == []


def test_the_figure_of_chapter_01_answers_mouse_and_keyboard(served, visit):
    with visit(f"{served}/chapters/01-recurrent-networks.html") as seen:
        figure = seen.page.locator("figure.interactive")
        state = "figure => [figure.state.unit, figure.state.place]"
        figure.locator("textarea").fill("A cat.")
        figure.get_by_role("option", name=re.compile("^c,")).hover()
        assert figure.evaluate(state)[1] == 2
        figure.get_by_role("option", name=re.compile("^c,")).click()
        seen.page.keyboard.press("ArrowRight")
        assert figure.evaluate(state)[1] == 3
        unit = figure.evaluate(state)[0]
        seen.page.keyboard.press("ArrowUp")
        assert figure.evaluate(state)[0] == unit + 1
        assert seen.errors == []


def test_a_cell_s_code_can_be_copied_and_a_folded_answer_opened(served, visit):
    with visit(f"{served}/chapters/00-getting-started.html") as seen:
        seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        cell = seen.page.locator("div.cell_input").first
        cell.hover()
        cell.locator("button.copybtn").click()
        assert "import" in seen.page.evaluate("navigator.clipboard.readText()")
    with visit(f"{served}/exercises/00-getting-started.html") as seen:
        answer = seen.page.locator(".bd-article details").first
        assert answer.get_attribute("open") is None
        answer.locator("summary").click()
        assert answer.get_attribute("open") is not None
