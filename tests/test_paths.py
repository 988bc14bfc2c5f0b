"""Who needs which chapter: the rule on made-up notebooks, the routes and the map, and the page of the real book."""

import re

import nbformat
import pytest

from utils.book import start_here as page
from utils.book.chart import ROW, Stop, chart
from utils.book.execute import Chapter
from utils.book.paths import furniture, imports, prerequisites, read_notebooks, reading_minutes, reduced, route
from utils.book.project import chapters

pytest_plugins = ["browser"]

MODULES = ("everyday", "plotting", "figures/curve", "model", "search", "late", "common")
CHAIN = {"00-a": set(), "01-b": {"00-a"}, "02-c": {"01-b"}, "03-d": {"00-a", "01-b"}, "04-e": {"00-a", "01-b", "02-c"}}


def notebook(*cells):
    """Cells that begin with # and a blank are prose, the others code."""
    v4 = nbformat.v4
    return v4.new_notebook(cells=[v4.new_markdown_cell(c) if c.startswith("# ") else v4.new_code_cell(c) for c in cells])


@pytest.fixture
def made(tmp_path):
    """A folder with modules, and five chapters that use them."""
    for name in ("__init__", "figures/__init__", *MODULES):
        path = tmp_path / "utils" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    common = "from utils import common"
    return tmp_path, {
        "00-a": notebook("# 00 A", "from utils import everyday, plotting"),
        "01-b": notebook("# 01 B, after chapter 00", common, "import utils.model\nfrom utils.figures import curve"),
        "02-c": notebook(
            "# 02 C goes on from chapter 01. Chapter 03 says more.", common, "import utils.search, utils.plotting"
        ),
        "03-d": notebook("# 03 D needs chapters 01 and 02: chapter 02 and chapter 02", common, "from utils import everyday"),
        "04-e": notebook("# 04 E", "%matplotlib inline\nfrom utils.model import x\nfrom utils.figures import curve"),
    }


def test_a_module_makes_a_chapter_need_the_one_that_brought_it_and_so_do_two_words(made):
    assert prerequisites(*made) == {"00-a": set(), "01-b": set(), "02-c": set(), "03-d": {"02-c"}, "04-e": {"01-b"}}


def test_what_is_furniture_follows_from_who_uses_it(made):
    root, notebooks = made
    uses = {name: imports(root, n) for name, n in notebooks.items()}
    assert furniture(uses) == {"utils.everyday", "utils.plotting", "utils.figures.curve", "utils.common"}
    assert furniture({}) == set()


def test_a_chapter_that_is_added_changes_who_needs_whom(made):
    root, notebooks = made
    notebooks["05-f"] = notebook("# 05 F", "from utils.search import x\nfrom utils import model")
    notebooks["06-g"] = notebook("# 06 G is not like chapter 99, chapter 99, chapter 07 and chapter 07", "import utils.late")
    needs = prerequisites(root, notebooks)
    assert needs["05-f"] == {"01-b", "02-c"}, "of several that import a module, the first brought it"
    assert needs["06-g"] == set()
    assert needs["02-c"] == {"01-b"}, "what three of seven import is common no more"


def test_a_route_holds_all_that_the_goal_rests_on_in_the_book_s_order():
    assert route(CHAIN, ["03-d"]) == ["00-a", "01-b", "03-d"]
    assert route(CHAIN, ["03-d", "02-c"]) == ["00-a", "01-b", "02-c", "03-d"]
    assert route(CHAIN, []) == []


def test_arrows_that_follow_from_others_are_left_out():
    assert reduced(CHAIN) == {"00-a": set(), "01-b": {"00-a"}, "02-c": {"01-b"}, "03-d": {"01-b"}, "04-e": {"02-c"}}


def test_reading_counts_words_formulas_and_lines_of_code():
    words, formulas = "# " + "word " * 240, "# " + "$a + b = c$ " * 60 + "$$\nx = y\n$$" * 60
    assert reading_minutes(notebook(words)) == 2
    assert reading_minutes(notebook(formulas)) == 1
    assert reading_minutes(notebook("\n".join(["x = 1"] * 60))) == 3


# --- the map


def drawn(svg):
    """The arrows of a map, read off its lines: chapter -> those from which an arrow comes."""
    names = re.findall(r'<a href="chapters/([^"]+)\.html">', svg)
    found = {name: set() for name in names}
    for line in re.findall(r'class="arc" d="([^"]+)"', svg):
        numbers = [float(n) for n in re.findall(r"[\d.-]+", line)]
        start, end = (int(y // ROW) for y in (numbers[1], numbers[-1]))
        found[names[end]].add(names[start])
    return found


def test_the_map_shows_each_chapter_and_each_arrow_and_no_other():
    stops = [Stop(name, f"{name} & more", "read 1 min", frozenset(after)) for name, after in CHAIN.items()]
    svg = chart(stops)
    assert drawn(svg) == CHAIN
    assert svg.count(" V") == 2, "to the next row an arrow goes straight"
    assert "00-a &amp; more" in svg
    assert "\n\n" not in svg, "Markdown would end the drawing at an empty line"
    assert all(float(x) >= 0 for x in re.findall(r'd="M([\d.-]+)', svg))


def test_an_arrow_from_below_or_nowhere_is_refused():
    with pytest.raises(ValueError, match="00-a comes after"):
        chart([Stop("00-a", "", "", frozenset({"01-b"})), Stop("01-b", "", "", frozenset())])


# --- the page


@pytest.fixture
def as_run(root):
    """The book's chapters as if they had run, in 60 seconds each."""
    notebooks = [(path, nbformat.read(path, as_version=4)) for path in chapters(root)]
    for _, found in notebooks:
        found.metadata["course"] = {"cpu_s": 60.0}
    return [Chapter(path, "", found) for path, found in notebooks]


def test_each_reader_of_the_real_book_has_a_route_that_ends_at_the_goal(root, as_run):
    needs = prerequisites(root, read_notebooks(chapters(root)))
    for reader in page.READERS:
        names = page.route_of(reader, needs)
        assert set(reader.goals) <= set(names)
        assert not set(reader.knows) & set(names)
        assert all(needs[name] <= {*names, *route(needs, reader.knows)} for name in names), reader.says
    friday = page.route_of(page.READERS[2], needs)
    assert {"01-recurrent-networks", "08-bahdanau-attention", "11-self-attention"} <= set(friday)
    assert "05-echo-state-networks" not in friday


def test_the_page_holds_the_routes_sums_and_a_row_a_chapter(root, as_run):
    text = page.start_here(root, as_run)
    for reader in page.READERS:
        assert f"## {reader.says}\n" in text
    assert f"{len(as_run)} min of processor time" in text
    for chapter in as_run:
        assert re.search(rf"\| \[[^]]+\]\(chapters/{chapter.path.stem}\) \| .* \| 60 s \|", text)


def test_a_route_to_a_chapter_that_is_not_there_does_not_appear(root, as_run):
    text = page.start_here(root, [c for c in as_run if not c.path.name.startswith(("05", "13", "14"))])
    assert "echo state networks" not in text.lower()
    assert "by Friday" not in text
    assert "I teach" in text


@pytest.mark.parametrize(("minutes", "said"), [(45, "45 min"), (59.6, "1 h"), (60, "1 h"), (335, "5 h 35 min")])
def test_durations_are_said_as_people_say_them(minutes, said):
    assert page.duration(minutes) == said


@pytest.mark.book
def test_the_built_page_has_a_map_that_equals_the_imports_and_links_that_work(root, site):
    html = (site / "start-here.html").read_text(encoding="utf-8")
    found = re.search(r'(?s)<svg class="chapter-map".*?</svg>', html)[0]
    assert drawn(found) == reduced(prerequisites(root, read_notebooks(chapters(root))))
    article = re.search(r"(?s)<article.*?</article>", html)[0]
    pages = [link for link in re.findall(r'href="([^"#:]+)', article)]
    assert len(pages) > 3 * len(chapters(root))
    assert [link for link in pages if not (site / link).is_file()] == []


@pytest.mark.book
def test_the_map_fits_a_phone_and_its_links_answer_the_keyboard(served, visit):
    with visit(f"{served}/start-here.html", viewport={"width": 360, "height": 800}) as seen:
        drawing = seen.page.locator("svg.chapter-map")
        right = drawing.evaluate("(svg) => svg.getBoundingClientRect().right")
        texts = drawing.locator("text").evaluate_all(
            "(all) => all.map((e) => e.getBoundingClientRect()).map((b) => [b.right, b.height])"
        )
        assert max(end for end, _ in texts) <= right <= 360
        assert min(height for _, height in texts) > 12
        drawing.locator("a").nth(1).focus()
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_url("**/chapters/01-*")
