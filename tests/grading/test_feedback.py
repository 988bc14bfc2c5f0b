"""The page of feedback: what it says, that nothing of a student's is more than text on it, and how it looks in a browser."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from textwrap import dedent

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from colours import LUMINANCE
from nbformat.v4 import new_markdown_cell, new_notebook

from utils.grading import student, words
from utils.grading.course import Course
from utils.grading.results import feedback
from utils.grading.results.feedback import page
from utils.grading.results.marks import Graded, Mark
from utils.grading.task import Part, Result

pytest_plugins = ["browser"]

COURSE = Course(
    Path("."),
    {
        "02-decoding": new_notebook(cells=[new_markdown_cell("No heading.")]),
        "01-networks": new_notebook(cells=[new_markdown_cell("Text\n\n# Exercises 01: Networks\n\nEight tasks.")]),
    },
)
RIGHT = Result("01.1", (Part("all steps", True), Part("one step", True)), ("h0 of run_rnn",))
WRONG = Result(
    "01.2",
    (
        Part("the first", True),
        Part("the second", False, "a typical one", "Look at it."),
        Part("the third", False, message="not reached"),
    ),
)
OPEN = Result("01.3", (Part("the only one", False, message="NotImplementedError"),), (), "return the windows")


def mark(task, result, of=1.0, exercise="01-networks", **rest):
    rest = {"seconds": 98.7654, "digests": {"answer": "d1935e57"}} | rest
    return Mark(task, f"Title of {task}", exercise, of, result, **rest)


MARKS = (
    mark("01.1", RIGHT),
    mark("01.2", WRONG, of=2.5),
    mark("01.3", OPEN),
    mark("01.4", None, problem="Your function did not return in time."),
    mark("01.5", None, problem="This task is not in your notebook.", digests={}),
    mark("02.1", RIGHT, exercise="02-decoding"),
)
GRADED = Graded(
    "alice",
    MARKS,
    {"01.9": "My *answer*\n\n    indented"},
    {"": ("The file notes.txt is left out.",), "01-networks": ("The cell of task 01.3 stood twice.",), "03-x": ("Odd.",)},
    "namespaces",
    {"python": "3.11.9", "torch": "2.13.0"},
    "c0ffee",
    "2026-01-01T00:00:00+00:00",
)


class Reader(HTMLParser):
    """The elements of a page, with their attributes, and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {(tag, *pair) for pair in attrs}

    def handle_data(self, data):
        self.text.append(data)


def text_of(graded, course=COURSE):
    """What a reader sees, a line an element."""
    html = page(graded, course).split("<body>")[1]
    return " ".join(Reader(re.sub(r"</?(bdi|em|strong|span|code)\b[^>]*>", "", html)).text)


# --- what it says


def test_the_page_says_what_each_task_earned():
    text = text_of(GRADED)
    assert "Feedback for alice" in text
    assert "2 of 7.5 points" in text
    assert re.findall(r"Title of (\S+)", text) == ["02.1", "01.1", "01.2", "01.3", "01.4", "01.5"]
    assert "✓ passed · 1 of 1 point " in text.replace("\n", " ")
    assert "✗ not yet (1 of 3 parts passed) · 0 of 2.5 points" in text
    assert "○ not finished yet · 0 of 1 point" in text
    assert "✗ not yet · 0 of 1 point \n Your function did not return in time." in text
    stopped = text_of(replace(GRADED, marks=(mark("01.1", RIGHT, problem="It was stopped."),)))
    assert re.search(r"✗ not yet · 0 of 1 point\s+It was stopped.\s+✓ passed: all steps", stopped)
    assert "○ not handed in · 0 of 1 point \n This task is not in your notebook." in text
    assert "Still to do: return the windows" in text
    assert "NotImplementedError" not in text
    assert re.search(r"Title of 01.5.*About this notebook\s+The cell of task 01.3 stood twice.\s+Written", text, re.S)
    assert re.search(r"About your files\s+The file notes.txt is left out.\s+Odd.", text)
    assert "Kept for a person to mark." in text
    assert "<pre><bdi>My *answer*\n\n    indented</bdi></pre>" in page(GRADED, COURSE)
    assert "c0ffee" in text


def test_exercises_have_their_titles_and_sums_in_the_course_s_order():
    html = page(replace(GRADED, marks=(*MARKS, mark("09.1", RIGHT, exercise="09-gone"))), COURSE)
    sections = re.findall(r"<h2><bdi>(.+?)</bdi></h2>\n<p>(.+?)</p>", html)
    assert sections == [
        ("02-decoding", "1 of 1 point"),
        ("Exercises 01: Networks", "1 of 6.5 points"),
        ("09-gone", "1 of 1 point"),
    ]


@pytest.mark.parametrize("result", [RIGHT, WRONG, OPEN, replace(RIGHT, unfinished="")])
def test_the_page_says_what_the_notebook_says(result):
    said = text_of(replace(GRADED, marks=(mark("01.2", result),)))
    report = [line.strip() for line in repr(student.Report(result)).splitlines()]
    assert len(report) > 1
    assert report[0].removeprefix(f"Task {result.task}: ") in said
    for line in report[1:]:
        assert line in said


def test_the_page_keeps_to_itself_what_is_no_student_s_business():
    html = page(GRADED, COURSE)
    for hidden in ("98.7", "d1935e57"):
        assert hidden not in html


def test_a_student_without_anything():
    text = text_of(Graded("bob", (), {}, {}, "process", {}, "c0", ""))
    assert "0 of 0 points" in text
    assert "Written answers" not in text
    assert "About your files" not in text


@pytest.mark.parametrize(("points", "shown"), [(0.0, "0"), (10.0, "10"), (0.5, "0.5"), (100 / 3, "33.33"), (0.1 + 0.2, "0.3")])
def test_points_have_no_needless_digits(points, shown):
    assert words.number(points) == shown


# --- nothing of a student's is more than text

HOSTILE = (
    '</style></pre></title><script>window.stolen = 1</script><img src="http://other.test/x" onerror="window.stolen = 1">'
    "<svg onload='window.stolen = 1'><a href=javascript:stolen=1>]]>--><iframe srcdoc='<script>parent.stolen = 1</script>'>"
    "{student}{0}&lt;b&gt;&#60;b> \u202eesrever\u202c\u2066x\u2069 \x00\x07\x1b[31m\u2028\ud800\ufeff "
)


def everywhere(text):
    """A student all of whose strings are this."""
    result = Result(text, (Part(text, False, text, text), Part(text, True), Part(text, False, None, text)), (text,))
    each = [result, replace(result, unfinished=text), None]
    marks = tuple(Mark(text, text, text, 1.0, one, text, 1.0, digests) for one in each for digests in ({"answer": text}, {}))
    return Graded(text, marks, {text: text}, {text: (text,), "": (text,)}, text, {text: text}, text, text)


HANDED = Course(Path("."), {HOSTILE: new_notebook(cells=[new_markdown_cell(f"# {HOSTILE}")])})


def test_nothing_of_a_student_s_is_more_than_text():
    ours, theirs = Reader(page(GRADED, COURSE)), Reader(page(everywhere(HOSTILE), HANDED))
    assert theirs.tags <= ours.tags
    assert theirs.attributes <= ours.attributes
    assert "script" not in ours.tags | theirs.tags
    shown = "".join(theirs.text)
    assert shown.count("</style></pre></title><script>window.stolen = 1</script>") > 30
    assert "{student}{0}&lt;b&gt;&#60;b> [U+202E]esrever[U+202C][U+2066]x[U+2069] [U+0000][U+0007][U+001B][31m" in shown
    assert not set(shown) & set("\u202e\u202c\u2066\u2069\x00\x07\x1b\u2028\ud800\ufeff")
    page(everywhere(HOSTILE), HANDED).encode("utf-8")


def test_what_is_not_odd_stays():
    for text in ("Ünal", "日本\n\tx", "שלום", "\u06a9\u062a\u0627\u0628\u200c\u0647\u0627", "👩\u200d🔬", "e\u0301", "a\xa0b"):
        assert words.printable(text) == text


def test_what_is_long_is_cut():
    long = "x" * 1_000_000
    html = page(everywhere(long), COURSE)
    assert len(html) < 200_000
    assert "x" * 2000 + " … (998000 more characters)" in html
    assert "x" * feedback.LONGEST + " … (980000 more characters)" in html
    assert words.printable("x" * 2000) == "x" * 2000
    changed = mark("01.1", replace(RIGHT, changed=("a",) * 9000))
    html = page(replace(GRADED, notes={"": tuple(f"note {n}." for n in range(10_000))}, marks=(changed,)), COURSE)
    assert "note 49." in html
    assert "note 50." not in html
    assert "And 9950 more." in html
    assert len(html) < 20_000


# --- in a browser

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True}
WIDE = """() => [document.documentElement.scrollWidth, [...document.querySelectorAll("body *")]
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80))]"""
FAINT = f"""() => {{
  {dedent(LUMINANCE)}
  const speaks = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  return [...document.querySelectorAll("body *")].filter(speaks).map((e) => {{
      return [contrast(getComputedStyle(e).color, ground(e)), e.outerHTML.slice(0, 80)];
    }});
}}"""


@pytest.fixture
def look(visit, tmp_path):
    """A page of feedback, or any HTML, as a file in a browser: look(html, **options)."""

    def looking(html, **options):
        file = tmp_path / "feedback.html"
        file.write_text(html, encoding="utf-8")
        return visit(file.as_uri(), **options)

    return looking


@pytest.mark.parametrize("options", [{}, {"bypass_csp": True}], ids=["as it is", "without its policy"])
def test_hostile_text_stays_text_in_a_browser(look, options):
    with look(page(everywhere(HOSTILE), HANDED), **PHONE, **options) as seen:
        assert seen.page.evaluate("window.stolen ?? null") is None
        assert (seen.errors, seen.strangers, len(seen.requests)) == ([], [], 1)
        assert seen.page.evaluate(WIDE) == [360, []]


INJECTED = """<script>window.stolen = 1</script><img src="http://other.test/x" onerror="window.stolen = 2"><img src="x.png">
<p id="styled" style="color: rgb(1, 2, 3)">x</p><style>p { color: rgb(4, 5, 6) }</style><form action="http://other.test/"><input>
</form><link rel="stylesheet" href="http://other.test/y.css"><svg onload="window.stolen = 3"></svg></main>"""


def test_what_slipped_through_would_be_refused(look):
    html = page(GRADED, COURSE).replace("</main>", INJECTED)
    with look(html) as seen:
        assert seen.page.evaluate("window.stolen ?? null") is None
        assert (seen.strangers, len(seen.requests)) == ([], 1)
        assert seen.page.locator("#styled").evaluate("(e) => getComputedStyle(e).color") not in ("rgb(1, 2, 3)", "rgb(4, 5, 6)")
    with look(html, bypass_csp=True) as seen:
        assert seen.page.evaluate("window.stolen") >= 1, "the injection must be able to succeed"
        assert seen.strangers


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_readable_in_light_and_dark(look, scheme):
    with look(page(GRADED, COURSE), color_scheme=scheme) as seen:
        found = seen.page.evaluate(FAINT)
        ground = seen.page.evaluate(f"() => {{ {LUMINANCE} return light(getComputedStyle(document.body).backgroundColor); }}")
        assert seen.errors == []
    assert len(found) > 30
    assert [one for one in found if one[0] < 4.5] == []
    assert (ground > 0.9) if scheme == "light" else (ground < 0.05)


def test_the_page_fits_a_phone(look):
    with look(page(everywhere("w" * 3000), COURSE), **PHONE) as seen:
        assert seen.page.evaluate(WIDE) == [360, []]
    with look(page(GRADED, COURSE), **PHONE) as seen:
        assert seen.page.evaluate(WIDE) == [360, []]
        assert seen.page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map((e) => e.tagName).join(' ')") == (
            "H1 H2 H3 H2 H3 H3 H3 H3 H3 H3 H2 H3 H2"
        )
        assert (seen.page.title(), seen.page.evaluate("document.documentElement.lang")) == ("Feedback for alice", "en")


def test_the_page_is_accessible(look):
    for graded in (GRADED, everywhere(HOSTILE)):
        with look(page(graded, COURSE), bypass_csp=True) as seen:
            seen.page.add_script_tag(path=AXE_FILE_PATH)
            found = seen.page.evaluate("async () => (await axe.run()).violations.map(({ id, nodes }) => [id, nodes[0].html])")
            assert found == []
