import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from colours import LUMINANCE
from torch.nn.functional import normalize

from utils.data.text import Vocabulary
from utils.figures import embed as embedding
from utils.figures.word_map import word_map
from utils.word_space import WordVectors, analogy, nearest, plane

pytest_plugins = ["browser"]

ODD = ["</script>", 'a "quoted" word', "l'été", "Größe", "<b>&amp;", "日本", "naïve", "x" * 24, "0", "__proto__", "constructor"]


def table(words, dim=20, seed=0):
    """Random vectors of different lengths, with some wide directions, as real ones have."""
    generator = torch.Generator().manual_seed(seed)
    wide = torch.linspace(2, 0.5, dim)
    lengths = torch.rand(len(words), 1, generator=generator) * 5 + 0.1
    return WordVectors(Vocabulary(words), torch.randn(len(words), dim, generator=generator) * wide * lengths)


NAMES = [f"word{i}" for i in range(40)]
VECTORS = table(["unseen", *NAMES[::-1]])  # the map's words are some of the vocabulary's, in an order of their own


def small_figure(**options):
    return word_map(VECTORS, NAMES, **options)


def carried(figure):
    """The vectors that the page has, in Python: each byte less 128."""
    state = json.loads(figure.state)
    data = np.frombuffer(base64.b64decode(state["vectors"]["base64"]), np.uint8).reshape(state["vectors"]["shape"])
    return WordVectors(Vocabulary(state["words"]), normalize(torch.from_numpy(data.astype(float)) - 128, dim=1))


def page_state(page, figure=0):
    return page.locator("figure.interactive").nth(figure).evaluate("(figure) => figure.state")


def show(page, view):
    page.get_by_role("radio", name={"all": "all", "word": "the word", "question": "the question"}[view]).check()


def field(page, name):
    return page.get_by_label(name, exact=True)


def ask(page, *words):
    for name, word in zip("abc", words):
        field(page, name).fill(word)


def spoken(page):
    return page.locator("[aria-live=polite]").inner_text().strip()


VIEWS = """() => [...document.querySelectorAll("[type=radio]")].map((radio) => {
    radio.click();
    const figure = radio.closest("figure");
    return [figure.state, figure.querySelector(".shown").textContent];
})"""


def assert_ranked(got, expected, abs=1e-5):
    assert [word for word, _ in got] == [word for word, _ in expected]
    assert [cosine for _, cosine in got] == pytest.approx([cosine for _, cosine in expected], abs=abs)


def assert_listed(page, kind, ranked):
    """The words and numbers that are read are those behind the figure."""
    lines = page.locator(f".{kind} li")
    assert lines.locator("span").all_text_contents() == [word for word, _ in ranked]
    shown = [float(number.replace("−", "-")) for number in lines.locator("b").all_text_contents()]
    assert shown == pytest.approx([cosine for _, cosine in ranked], abs=0.00501)
    lengths = lines.locator("i").evaluate_all(
        "(bars) => bars.map((bar) => parseFloat(getComputedStyle(bar, '::before').width) / bar.clientWidth)"
    )
    assert lengths == pytest.approx([max(cosine, 0) for _, cosine in ranked], abs=0.01)


def assert_is_python(page, vectors, word, question, *, without=True):
    """The page's lists and planes are those of utils.word_space on the vectors that it carries."""
    near, (a, b, c) = nearest(vectors, word), question
    answers = analogy(vectors, a, b, c) if without else nearest(vectors, vectors[b] - vectors[a] + vectors[c], 5)
    groups = {
        "all": vectors.vocabulary.tokens,
        "word": [word, *(other for other, _ in near)],
        "question": list(dict.fromkeys([*question, *(other for other, _ in answers)])),
    }
    for (view, group), (state, shown) in zip(groups.items(), page.evaluate(VIEWS), strict=True):
        assert (state["view"], state["word"], state["question"]) == (view, word, list(question))
        assert_ranked(state["near"], near)
        assert_ranked(state["answers"], answers)
        assert [point[0] for point in state["points"]] == group
        places = plane(vectors, group)
        torch.testing.assert_close(torch.tensor([point[1:] for point in state["points"]]).double(), places, rtol=0, atol=1e-5)
        centred = vectors[group] - vectors[group].mean(0)
        share = (places**2).sum() / (centred**2).sum()
        assert state["share"] == pytest.approx(share.item(), abs=1e-5)
        assert f"shows {state['share'] * 100:.0f} % of" in shown
    assert_listed(page, "word", near)
    assert_listed(page, "question", answers)


# --- the numbers


def test_page_computes_what_python_computes(opened):
    figure = small_figure(word="word3", question=("word1", "word2", "word5"))
    page, vectors = opened(figure), carried(figure)
    assert_is_python(page, vectors, "word3", ("word1", "word2", "word5"))
    field(page, "word").fill("word17")
    ask(page, "word9", "word8", "word9")  # b - a + a
    page.get_by_label("leave the question").uncheck()
    assert_is_python(page, vectors, "word17", ("word9", "word8", "word9"), without=False)
    assert page.locator(".question li").first.inner_text().split() == ["word8", "=", "b", "1.00"]


def test_any_word_can_be_asked(opened):
    """Quotes, tags, accents, names that JavaScript's objects have."""
    figure = word_map(table(ODD), ODD)
    page, vectors = opened(figure), carried(figure)
    assert_is_python(page, vectors, ODD[0], ODD[:3])
    for word in ODD[1:]:
        field(page, "word").fill(word)
        assert page_state(page)["word"] == word
    assert page.locator("datalist option").evaluate_all("(options) => options.map((option) => option.value)") == ODD


def test_three_words_are_enough(opened):
    figure = word_map(table(ODD[:3], dim=2), ODD[:3])
    page = opened(figure)
    assert_is_python(page, carried(figure), ODD[0], ODD[:3])
    assert page.locator(".question ol").inner_text() == "No other word is left."


def test_vectors_of_zeros_and_equal_ones_have_a_place(opened):
    words = ["zero", "one", "same", "other"]
    figure = word_map(WordVectors(Vocabulary(words), torch.tensor([[1e-15, 0, 0], [1, 2, 3], [2, 4, 6], [1, 0, 0]])), words)
    state = page_state(opened(figure))
    assert np.isfinite([point[1:] for point in state["points"]]).all()
    assert [cosine for _, cosine in state["near"]] == [0, 0, 0]
    assert state["points"][1][1:] == pytest.approx(state["points"][2][1:])


def test_rounding_is_as_small_as_stated():
    words = [str(i) for i in range(600)]
    vectors = table(words, dim=100, seed=1)
    figure = word_map(vectors, words)
    exact, rounded = normalize(vectors.vectors.double(), dim=1), carried(figure).vectors
    errors = (exact @ exact.mT - rounded @ rounded.mT).abs()
    assert errors.max() < 0.01
    assert (errors < 0.004).double().mean() > 0.999
    assert (errors < 0.001).double().mean() > 2 / 3
    close = (plane(WordVectors(vectors.vocabulary, exact), words) - plane(carried(figure), words)).abs()
    assert close.max() < 0.02  # of coordinates up to about 0.7
    assert len(figure._repr_html_().encode()) < 130_000


def test_unrounded_neighbours_to_the_accuracy_stated(opened):
    page = opened(small_figure(word="word3", question=("word1", "word2", "word5")))
    unit = WordVectors(Vocabulary(NAMES), normalize(VECTORS[NAMES], dim=1))
    for name, exact in (("near", nearest(unit, "word3", 39)), ("answers", analogy(unit, "word1", "word2", "word5", 37))):
        for (word, cosine), (_, in_its_place) in zip(page_state(page)[name], exact):
            assert cosine == pytest.approx(dict(exact)[word], abs=0.01)
            assert cosine == pytest.approx(in_its_place, abs=0.01)


def test_arrows_are_parallel(opened):
    page = opened(small_figure(question=("word1", "word2", "word5")))
    show(page, "question")
    first, second, cross = (
        re.findall(r"-?[\d.]+", d)
        for d in page.locator("svg path").evaluate_all("(paths) => paths.map((path) => path.getAttribute('d'))")
    )
    spots = {
        word: np.array(place)
        for word, *place in page.locator("svg circle").evaluate_all(
            "(dots) => dots.map((dot) => [dot.textContent, dot.cx.baseVal.value, dot.cy.baseVal.value])"
        )
    }
    assert [float(x) for x in first[:2]] == pytest.approx(spots["word1"])
    assert [float(x) for x in second[:2]] == pytest.approx(spots["word5"])
    end = np.array([float(x) for x in cross[:2]]) + 5
    assert end == pytest.approx(spots["word2"] - spots["word1"] + spots["word5"])


# --- operated


def test_untouched_figure_speaks(opened):
    page = opened(small_figure())
    state = page_state(page)
    assert (state["view"], state["word"], state["question"]) == ("all", "word0", NAMES[:3])
    assert spoken(page).startswith(f"Nearest to word0: {state['near'][0][0]}, 0.")
    assert page.locator("circle").count() == 40
    assert (page.locator("circle.head").count(), page.locator("circle.near").count()) == (1, 10)
    assert page.locator("text.head").text_content() == "word0"


def test_keyboard(opened):
    page = opened(small_figure())
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page_state(page)["view"] == "word"
    assert spoken(page).startswith("A map. “word0” and its 10 nearest. The plane shows")
    page.keyboard.press("Tab")
    page.keyboard.type("word12")  # what stood there is replaced
    page.keyboard.press("Enter")
    page.evaluate("document.forms[0].requestSubmit()")  # as some browsers do on Enter: nothing is sent
    assert page_state(page)["word"] == "word12"
    assert spoken(page).startswith("Nearest to word12: ")
    for word in ("word4", "word5", "word6"):
        page.keyboard.press("Tab")
        page.keyboard.type(word)
    assert page_state(page)["view"] == "question"  # the map follows
    page.keyboard.press("Tab")
    assert spoken(page).startswith("word4 is to word5 as word6 is to: ")
    page.keyboard.press("Space")
    assert page_state(page)["answers"][0][0] in ("word5", "word6")
    assert page.locator(".question em").count() >= 2
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BODY"


def test_the_map_of_all_stays_and_that_of_some_follows(opened):
    page = opened(small_figure())
    field(page, "a").fill("word7")
    assert page_state(page)["view"] == "all"
    show(page, "question")
    field(page, "word").fill("word7")
    assert page_state(page)["view"] == "word"


def test_a_click_on_the_map_chooses(opened):
    page = opened(small_figure())
    page.locator("circle[data-id='23']").click()
    assert (page_state(page)["word"], field(page, "word").input_value()) == ("word23", "word23")
    assert spoken(page).startswith("Nearest to word23: ")
    page.locator("svg").click(position={"x": 3, "y": 3})  # nothing is there
    assert page_state(page)["word"] == "word23"
    field(page, "word").click()
    page.keyboard.type("word3")  # what stood there is replaced
    assert page_state(page)["word"] == "word3"


def test_unknown_words_get_a_sentence(opened):
    page = opened(small_figure())
    before = page_state(page)
    for typed, said in [("<b>", "“<b>” is not"), (" ", "An empty field is not"), ("toString", "“toString” is not")]:
        field(page, "word").fill(typed)
        assert page.locator(".word .note").inner_text().startswith(said)
        assert "one of the 40 words; “word0” stays." in page.locator(".word .note").inner_text()
        assert field(page, "word").get_attribute("aria-invalid") == "true"
        assert page_state(page) == before
    field(page, "b").fill("dog")
    assert page.locator(".question .note").inner_text() == "“dog” is not one of the 40 words; “word1” stays."
    field(page, "word").fill(" Word9 ")  # as good as word9
    assert page_state(page)["word"] == "word9"
    assert page.locator(".word .note").inner_text() == ""
    assert field(page, "word").get_attribute("aria-invalid") == "false"


# --- in a page


@pytest.mark.parametrize("width", [320, 360, 700, 1000])
def test_fits_the_window_and_no_label_overlaps(opened, width):
    words = [*ODD, *(f"word{i}" for i in range(150))]
    page = opened(word_map(table(words), words), viewport={"width": width, "height": 800})
    overlaps = """(labels) => {
        const boxes = labels.map((e) => e.getBBox()), { width, height } = labels[0].ownerSVGElement.viewBox.baseVal;
        const apart = (a, b) => a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + 13 <= b.y || b.y + 13 <= a.y;
        return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => !apart(a, b))).length
            + boxes.filter(({ x, y, width: w }) => x < 0 || x + w > width || y < -2 || y + 14 > height).length;
    }"""
    outside = """(parts, { x, width }) => parts.map((part) => part.getBoundingClientRect())
        .filter(({ left, right }) => left < right && (left < x || right > x + width)).length"""
    for view, least in (("all", 12), ("word", 10), ("question", 6)):
        show(page, view)
        assert page.locator("svg text").count() >= least
        assert page.locator("svg text").evaluate_all(overlaps) == 0
        assert page.locator("figure *").evaluate_all(outside, page.locator("figure").bounding_box()) == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 600, "height": 800})  # a turned phone: drawn anew
    page.wait_for_function("(([svg]) => svg.viewBox.baseVal.width === svg.clientWidth)(document.querySelectorAll('svg'))")


def test_two_figures_share_nothing(opened):
    figure = small_figure()
    page = opened(figure, figure)
    page.get_by_label("word", exact=True).nth(1).fill("word8")
    page.get_by_label("the question", exact=True).nth(1).check()
    assert [page_state(page, i)["word"] for i in (0, 1)] == ["word0", "word8"]
    assert [page_state(page, i)["view"] for i in (0, 1)] == ["all", "question"]
    assert page.evaluate("new Set([...document.querySelectorAll('[id]')].map((element) => element.id)).size") == 4
    source = (Path(embedding.__file__).parent / "word_map.js").read_text()
    names = re.findall(r"^(?:function|const|let|var|class) (\w+)", source, re.MULTILINE)
    assert {"nearest", "plane", "word_map"} <= set(names)
    assert page.evaluate("(names) => names.filter((name) => eval(`typeof ${name}`) !== 'undefined')", names) == []


CONTRASTS = (
    "() => {"
    + LUMINANCE
    + """
    const surface = getComputedStyle(document.querySelector("figure")).backgroundColor;
    const all = (selector, property) =>
        [...document.querySelectorAll(selector)].map((e) => contrast(getComputedStyle(e)[property], surface));
    return {
        surface: light(surface),
        words: Math.min(...all("legend, p, label span, li *, input, figcaption", "color"), ...all("text", "fill")),
        marks: Math.min(...all("circle", "fill"), ...all("path", "stroke")),
    };
}"""
)


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("says", ["", "light", "dark"])
def test_readable_in_light_and_dark(opened, system, says):
    page = opened(small_figure(), color_scheme=system)
    if says:
        page.evaluate("(theme) => document.documentElement.dataset.theme = theme", says)
    for view in ("all", "question"):
        show(page, view)
        got = page.evaluate(CONTRASTS)
        assert got["surface"] < 0.05 if (says or system) == "dark" else got["surface"] > 0.9
        assert got["words"] >= 4.5
        assert got["marks"] >= 3


def test_heard_and_still(opened):
    page = opened(small_figure(), reduced_motion="no-preference")
    assert page.get_by_role("group", name="The map shows").get_by_role("radio").count() == 3
    assert page.get_by_role("img").get_attribute("aria-label").startswith("A map. All 40 words; “word0” and its nearest")
    unnamed = "[...document.querySelectorAll('input')].filter((e) => !e.ariaLabel && !e.labels.length).length"
    assert page.evaluate(unnamed) == 0
    field(page, "word").fill("word5")
    assert page.evaluate("document.getAnimations().length") == 0


def test_without_html_the_description_stands():
    figure = small_figure()
    assert repr(figure).startswith("Interactive figure: A map of words. 40 words on the two principal components")
    assert set(json.loads(figure.state)) == {"words", "vectors", "word", "question"}
    assert "http" not in figure._repr_html_()


@pytest.mark.parametrize(
    ("words", "options", "error", "message"),
    [
        (NAMES[:2], {}, ValueError, "words has 2 entries; expected 3 to 1000"),
        ([f"{i}" for i in range(1001)], {}, ValueError, "words has 1001 entries; expected 3 to 1000"),
        ("word", {}, TypeError, "words is 'word'; expected a list of strings"),
        (["word1", "word2", 3], {}, TypeError, "words is ['word1', 'word2', 3]; expected a list of strings"),
        (["word1", "word2", "cat"], {}, ValueError, "words holds 'cat', which has no vector"),
        (["word1", "word2", "word1"], {}, ValueError, "words holds 'word1' more than once"),
        (NAMES[:3], {"word": "word9"}, ValueError, "word is 'word9'; expected one of the 3 words of the map"),
        (
            NAMES[:3],
            {"question": ("word0", "word9", "word1")},
            ValueError,
            "question holds 'word9'; expected one of the 3 words",
        ),
        (
            NAMES[:3],
            {"question": ("word0", "word1")},
            ValueError,
            "question is ('word0', 'word1'); expected three words, (a, b, c)",
        ),
    ],
)
def test_refuses_other_words(words, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        word_map(VECTORS, words, **options)


@pytest.mark.parametrize(
    ("words", "number", "message"),
    [
        (["a", " b", "c"], 1, "words holds ' b'; expected words that can be typed"),
        (["a", "b", "c"], torch.nan, "vectors holds a NaN"),
    ],
)
def test_refuses_other_vectors(words, number, message):
    vectors = torch.eye(3)
    vectors[1, 1] = number
    with pytest.raises(ValueError, match=re.escape(message)):
        word_map(WordVectors(Vocabulary(words), vectors), words)
