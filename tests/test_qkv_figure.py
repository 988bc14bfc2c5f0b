"""The page computes each step of self-attention as the rounded weights do in Python, draws it, and says it in words."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from colours import LUMINANCE
from layout import CUT, OVERLAPS

from utils.attention.core import attend
from utils.data.text import Vocabulary
from utils.figures import embed as embedding
from utils.figures.packing import packed
from utils.figures.qkv_explorer import HEAVIEST, LONGEST, qkv_explorer, rounded

pytestmark = pytest.mark.slow

pytest_plugins = ["browser"]

WORDS = ["see", "that", "girl", "run", "dog", "a</script>", "<b>&amp;", "don't", "constructor", "y" * 40]
VOCABULARY = Vocabulary(["<end>", *WORDS])
EXAMPLES = ["see that girl run", "girl see girl"]
HEADS, D, d = 3, 7, 5
EMPTY = torch.empty


def weights(heads=HEADS, D=D, d=d, seed=0, enlarge=1.0):
    """Seeded; untrained; `enlarge` lets the softmax choose."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(len(VOCABULARY), D), *[(heads, D, d)] * 3]
    return tuple(torch.randn(shape, generator=generator) * enlarge for shape in shapes)


def figure(given=None, examples=EXAMPLES, positions=None):
    return qkv_explorer(*(given or weights()), VOCABULARY, examples, positions)


def expected(given, sentence, head, causal, positions=None):
    """Every step by PyTorch on the rounded weights in double precision, for all words at once."""
    E, *matrices = (weight.double() for weight in rounded(*given))
    x = E[VOCABULARY.encode(sentence.split())]
    if positions is not None:
        x = x + positions[: len(x)].float().double()
    q, k, v = (x @ W[head] for W in matrices)
    scores = q @ k.mT
    scaled = scores / math.sqrt(q.shape[-1])
    context, weights = attend(scaled, v, torch.ones_like(scaled, dtype=torch.bool).tril() if causal else None)
    return {"x": x, "q": q, "k": k, "v": v, "scores": scores, "scaled": scaled, "weights": weights, "context": context}


def page_state(page, figure=0):
    return page.locator("figure.interactive").nth(figure).evaluate("(figure) => figure.state")


def choose(page, head=0, query=0, causal=False):
    page.locator(".heads input").nth(head).check(force=True)
    page.locator(".queries input").nth(query).check(force=True)
    page.get_by_label("causal mask").set_checked(causal)


def cell(page, part, r, c):
    return page.locator(f"[data-part={part}] [data-r='{r}'] [data-c='{c}']")


def where(page):
    return page.locator(".where").inner_text()


def field(page):
    return page.get_by_label("Your sentence")


def shown(x, digits=3):
    return f"{x + 0.0:+.{digits}f}".replace("-", "−")  # no minus for a hidden key's 0


# --- the numbers


def test_refuses_other_places():
    with pytest.raises(ValueError, match=r"positions has shape \(7, 7\); expected \(8, 7\)"):
        figure(positions=torch.zeros(7, D))


@pytest.mark.parametrize("sizes", [(3, 7, 5), (1, 1, 1), (2, 64, 16), (8, 4, 6)])
def test_page_computes_what_python_computes(opened, sizes):
    given = weights(*sizes, seed=1)
    page = opened(figure(given))
    for n, sentence in enumerate([*EXAMPLES, "dog", " ".join(WORDS[:LONGEST]), "run run a</script> <b>&amp; don't"]):
        field(page).fill(sentence)
        T = len(sentence.split())
        for query, causal in ((0, False), (T - 1, False), (T // 2, True), (0, True)):
            head = (n + query) % sizes[0]
            choose(page, head, query, causal)
            got, wanted = page_state(page), expected(given, sentence, head, causal)
            assert (got["sentence"], got["head"], got["query"]) == (sentence.split(), head, query)
            for step in ("x", "q", "k", "v"):
                np.testing.assert_allclose(got[step], wanted[step], rtol=1e-9, atol=1e-9, err_msg=step)
            for step in ("scores", "scaled", "weights", "context"):
                np.testing.assert_allclose(got[step], wanted[step][query], rtol=1e-9, atol=1e-9, err_msg=step)
            parts = wanted["weights"][query, :, None] * wanted["v"]
            np.testing.assert_allclose(got["parts"], parts, rtol=1e-9, atol=1e-9)
            hidden = [causal and j > query for j in range(T)]
            assert [s == -math.inf for s in got["masked"]] == hidden


def test_places_are_added_to_the_words(opened):
    given, positions = weights(seed=2), torch.randn(LONGEST, D, dtype=torch.float64)
    page = opened(figure(given, positions=positions))
    assert "its place added" in page.locator("figcaption").inner_text()
    for sentence in ("girl girl dog", " ".join(WORDS[:LONGEST])):
        field(page).fill(sentence)
        choose(page, head=1, query=1)
        got, wanted = page_state(page), expected(given, sentence, 1, False, positions)
        np.testing.assert_allclose(got["x"], wanted["x"], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(got["weights"], wanted["weights"][1], rtol=1e-9, atol=1e-9)


def test_large_scores_do_not_overflow(opened):
    given = weights(enlarge=30.0)
    page = opened(figure(given))
    wanted = expected(given, EXAMPLES[0], 0, causal=False)
    assert wanted["scaled"].max() > 750  # e to the power of it is no number
    np.testing.assert_allclose(page_state(page)["weights"], wanted["weights"][0], atol=1e-9)


def test_rounding_is_as_small_as_stated():
    given = weights()
    given[0][3] = 0
    before = [weight.clone() for weight in given]
    near = rounded(*given)
    for weight, same, other, axis in zip(given, before, near, (-1, -2, -2, -2), strict=True):
        assert torch.equal(weight, same)  # the argument stays
        assert weight.shape == other.shape
        assert other.dtype == torch.float32
        error, largest = (other - weight).abs(), weight.abs().amax(axis, keepdim=True)
        assert (error <= largest / 254 * 1.0001).all()
        assert error.max() > 0
    assert not near[0][3].any()


def test_packing_by_hand():
    """127 levels on either side: of the largest, 12.7, each is a tenth."""
    matrix = torch.tensor([[12.7, -12.7, 0.1, 0.26], [0.0, 0.0, 0.0, 0.0]])
    parts = packed(matrix)
    assert parts["levels"].tolist() == [[255, 1, 129, 131], [128] * 4]
    np.testing.assert_allclose(parts["scales"], [0.1, 0])


def test_arrays_and_half_precision_are_taken():
    given = weights()
    assert figure([weight.numpy() for weight in given]).state == figure(given).state
    half = [weight.half() for weight in given]
    assert figure(half).state == figure([weight.float() for weight in half]).state
    figure([weight.clone().requires_grad_() for weight in given])


def test_size_of_the_html():
    """A chapter's: 230 words of width 64, four heads of width 16."""
    words = Vocabulary(f"word{i}" for i in range(230))
    given = (torch.randn(230, 64), *torch.randn(3, 4, 64, 16))
    html = qkv_explorer(*given, words, ["word1 word2"])._repr_html_()
    assert len(html.encode()) < 80_000
    assert "http" not in re.sub(r'"base64": "[^"]*"', "", html)


# --- the drawing


def test_drawing_says_the_same_as_the_numbers(opened):
    page = opened(figure())
    choose(page, 2, 1, causal=True)
    state = page_state(page)
    limit = max(np.abs(state[part]).max() for part in ("x", "q", "k", "v"))
    assert page.locator(".legend span").all_inner_texts() == [shown(-limit, 2), shown(limit, 2)]
    for part in ("x", "q", "k", "v", "parts", "context"):
        values = np.atleast_2d(state[part])
        read = "(all) => all.map((e) => (e.className === 'low' ? -1 : 1) * e.style.getPropertyValue('--tint'))"
        tints = page.locator(f"[data-part={part}] [data-c]").evaluate_all(read)
        np.testing.assert_allclose(np.reshape(tints, values.shape), values / limit, atol=0.000501, err_msg=part)
    for j in range(4):
        row = page.locator(f"[data-part=scores] [data-r='{j}']")
        hidden = j > 1
        score, scaled, masked, weight = row.locator("[data-c]").all_inner_texts()
        assert score == shown(state["scores"][j], 2)
        assert scaled == shown(state["scaled"][j], 2)
        assert masked == ("−∞" if hidden else scaled)
        assert weight.strip() == f"{state['weights'][j]:.3f}"
        assert (row.get_attribute("data-hidden") is not None) == hidden
        bar = float(row.locator("s").evaluate("(e) => e.style.getPropertyValue('--weight')"))
        assert bar == pytest.approx(state["weights"][j], abs=0.000051)
    assert page.locator("[data-part=q] [data-asks]").evaluate_all("(all) => all.map((e) => e.dataset.r)") == ["1"]


def test_each_number_says_where_it_comes_from(opened):
    page = opened(figure())
    choose(page, 1, 2, causal=True)
    s = page_state(page)
    q, k, v, a = (np.array(s[step]) for step in ("q", "k", "v", "weights"))

    def terms(numbers):
        return " ".join(shown(x, 2) for x in numbers)

    for place, words in {
        ("x", 3, 6): f"x of “run”, component 7 of {D}: {shown(s['x'][3][6])}.",
        ("k", 1, 4): f"k of “that”, component 5 of {d}: its x times column 5 of W_k = {shown(k[1][4])}.",
        ("scores", 1, 0): f"q of “girl” · k of “that”: {terms(q[2] * k[1])} = {shown(s['scores'][1])}.",
        ("scores", 1, 1): f"Divided by the root of the width: {shown(s['scores'][1])} ÷ √5 = {shown(s['scaled'][1])}.",
        ("scores", 1, 2): "“girl” may see “that”: its score stays.",
        ("scores", 3, 2): "“run” stands after “girl”, which may not see it: its score becomes −∞.",
        ("scores", 3, 3): "e to the power of −∞ is 0, and so is the weight of “run”.",
        ("parts", 0, 2): f"component 3 of α v for “see”: {a[0]:.3f} × {shown(v[0][2])} = {shown(s['parts'][0][2])}.",
        (
            "context",
            0,
            1,
        ): f"Context of “girl”, component 2: {terms(a * v[:, 1])} = {shown(s['context'][1])}.",
    }.items():
        cell(page, *place).hover()
        assert where(page) == words
        assert page.locator("[data-here]").count() == 1
    cell(page, "scores", 1, 3).hover()
    assert where(page).startswith(f"e to the power of {shown(s['scaled'][1])}, divided by")
    assert where(page).endswith(f"= {a[1]:.3f}.")
    cell(page, "scores", 0, 0).hover()
    sources = "(all) => all.map((e) => [e.closest('[data-part]').dataset.part, e.dataset.r])"
    assert page.locator("[data-source]").evaluate_all(sources) == [["q", "2"], ["k", "0"]]


def test_untouched_figure_speaks(opened):
    page = opened(figure())
    state = page_state(page)
    assert (state["sentence"], state["head"], state["query"], state["causal"]) == (EXAMPLES[0].split(), 0, 0, False)
    best = int(np.argmax(state["weights"]))
    assert where(page).startswith(f"q of “see” · k of “{state['sentence'][best]}”: ")
    order = np.argsort(state["weights"])[::-1]
    weights = ", ".join(f"{state['sentence'][j]} {state['weights'][j]:.3f}" for j in order)
    assert page.locator(".said").inner_text() == f"In head 1, “see” gives its weight to {weights}."


# --- operated


def test_keyboard(opened):
    page = opened(figure(), viewport={"width": 760, "height": 400})
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.labels[0].textContent") == "Your sentence"
    for _ in range(len(EXAMPLES) + 1):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page_state(page)["head"] == 1
    outline = "getComputedStyle(document.activeElement.nextElementSibling).outlineStyle"
    assert page.evaluate(outline) == "solid"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page_state(page)["query"] == 1
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page_state(page)["causal"] is True
    for part in ("x", "q", "k", "v", "scores", "parts", "context"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('[data-part]').dataset.part") == part
        assert page.locator(f"[data-part={part}] [tabindex='0']").count() == 1
        assert page_state(page)["here"]["part"] == part
    page.keyboard.press("Shift+Tab")
    scrolled = page.evaluate("scrollY")
    moves = [
        ("ArrowDown", 1, 0),
        ("ArrowRight", 1, 1),
        ("End", 1, 4),
        ("ArrowRight", 1, 4),
        ("ArrowUp", 0, 4),
        ("ArrowUp", 0, 4),
    ]
    for key, r, c in [*moves, ("Home", 0, 0), ("ArrowLeft", 0, 0)]:
        page.keyboard.press(key)
        assert page_state(page)["here"] == {"part": "parts", "r": r, "c": c}
        assert page.evaluate("document.activeElement.dataset.c") == str(c)
    page.wait_for_timeout(200)
    assert page.evaluate("scrollY") == scrolled  # the keys are the figure's, not the page's
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"


def test_sentences(opened):
    page = opened(figure())
    choose(page, 1, 3)
    field(page).fill("Girl, see zzz")
    assert page_state(page)["unknown"] == ["zzz"]
    assert page_state(page)["sentence"] == EXAMPLES[0].split()
    field(page).fill("Girl, see!")
    state = page_state(page)
    assert (state["sentence"], state["head"], state["query"]) == (["girl", "see"], 1, 1)  # the fourth word is gone
    assert page.locator(".queries label").all_inner_texts() == ["girl", "see"]
    field(page).fill("see " * (LONGEST + 1))
    assert f"it can be {LONGEST} long" in page.locator(".advice").inner_text()
    page.get_by_role("button", name=EXAMPLES[1]).click()
    assert page_state(page)["sentence"] == EXAMPLES[1].split()


def test_to_those_who_listen(opened):
    page = opened(figure())
    names = page.get_by_role("grid").evaluate_all("(all) => all.map((e) => e.getAttribute('aria-label'))")
    assert names == [
        "x, the words, 4 by 7",
        "q, the queries, 4 by 5",
        "k, the keys, 4 by 5",
        "v, the values, 4 by 5",
        "“see” asks, step by step",
        "weight times value, 4 by 5",
        "context, their sum, 1 by 5",
    ]
    state = page_state(page)
    assert cell(page, "v", 2, 1).get_attribute("aria-label") == f"girl, 2: {shown(state['v'][2][1])}"
    assert cell(page, "scores", 2, 3).get_attribute("aria-label") == f"girl, weight: {state['weights'][2]:.3f}"
    assert page.locator("[aria-live=polite]").count() == 1
    page.locator("summary").first.click()
    rows = page.locator("tr").evaluate_all("(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))")
    assert rows[0] == ["asks", *state["sentence"]]
    table = [[float(x) for x in row[1:]] for row in rows[1:]]
    np.testing.assert_allclose(table, expected(weights(), EXAMPLES[0], 0, causal=False)["weights"], atol=0.000501)


def test_without_html_the_description_stands():
    assert repr(figure()).startswith("Interactive figure: Queries, keys, values. Each of 10 words is a vector x of width 7;")


# --- in a page


def test_two_figures_share_nothing(opened):
    one = figure()
    page = opened(one, one)
    page.locator("figure").nth(1).locator(".heads input").nth(2).check(force=True)
    assert [page_state(page, i)["head"] for i in (0, 1)] == [0, 2]
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids)) == 4
    folder = Path(embedding.__file__).parent
    source = "\n".join((folder / f"{name}.js").read_text() for name in ("qkv_explorer", "matrices", "sentence"))
    names = re.findall(r"^(?:function|const|let|var|class) (\w+)", source, re.MULTILINE)
    assert {"softmax", "read", "matrix", "split"} <= set(names)
    assert page.evaluate("(names) => names.filter((name) => eval(`typeof ${name}`) !== 'undefined')", names) == []


@pytest.mark.parametrize("width", [320, 360, 590, 620, 760, 1200])
def test_fits_the_window(opened, width):
    page = opened(figure(weights(4, 64, 16, enlarge=0.5)), viewport={"width": width, "height": 800})
    for sentence in (EXAMPLES[0], " ".join([WORDS[-1], "a</script>", *["constructor"] * 6])):
        field(page).fill(sentence)
        choose(page, 3, 2, causal=True)
        page.locator("summary").evaluate_all("(all) => all.forEach((e) => { e.parentElement.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator(".title, .matrix").evaluate_all(OVERLAPS) == 0
        assert page.locator(".title").evaluate_all(CUT) == []
        if sentence == EXAMPLES[0] and width >= 360:
            assert page.locator("[data-part=scores] [data-c]").evaluate_all(CUT) == []


CONTRASTS = (
    "() => {"
    + LUMINANCE
    + """
    const all = (selector) => [...document.querySelectorAll(selector)], surface = ground(document.querySelector("figure"));
    const words = all("p, span, label, legend, b, th, td, summary, button, input[type=text], [data-part=scores] [data-c]");
    return {
        surface: light(surface),
        words: Math.min(...words.filter((e) => e.checkVisibility()).map((e) => contrast(getComputedStyle(e).color, ground(e)))),
        bars: contrast(getComputedStyle(document.querySelector("figure")).getPropertyValue("--accent") &&
            getComputedStyle(document.querySelector(".causal input")).accentColor, surface),
        source: contrast(getComputedStyle(document.querySelector("[data-source]")).outlineColor, surface),
    };
}"""
)


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("says", ["", "light", "dark"])
def test_readable_in_light_and_dark(opened, system, says):
    page = opened(figure(), color_scheme=system, reduced_motion="reduce")
    if says:
        page.evaluate("(theme) => document.documentElement.dataset.theme = theme", says)
    choose(page, 0, 1, causal=True)
    got = page.evaluate(CONTRASTS)
    assert got["surface"] < 0.05 if (says or system) == "dark" else got["surface"] > 0.9
    assert got["words"] >= 4.5
    assert got["bars"] >= 3
    assert got["source"] >= 3


@pytest.mark.parametrize(("motion", "still"), [("reduce", True), ("no-preference", False)])
def test_respects_reduced_motion(opened, motion, still):
    page = opened(figure(), reduced_motion=motion)
    durations = page.locator("[data-c]").evaluate_all("(all) => all.map((e) => getComputedStyle(e).transitionDuration)")
    assert (set(durations) == {"0s"}) == still


# --- refusals


def test_state_is_json():
    state = json.loads(figure().state)
    assert (state["words"], state["heads"], state["longest"]) == (WORDS, HEADS, LONGEST)
    assert state["W_q"]["levels"]["shape"] == [HEADS * d, D]


E, W_q, W_k, W_v = weights()
NAN = torch.full_like(W_k, torch.nan)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ((E[0], W_q, W_k, W_v), ValueError, "embeddings has shape (7,); expected (V, D) with D from 1 to 64"),
        ((EMPTY(11, 65), W_q, W_k, W_v), ValueError, "embeddings has shape (11, 65); expected (V, D)"),
        ((E[:9], W_q, W_k, W_v), ValueError, "embeddings has 9 rows; expected 11, one for each token"),
        ((E, W_q[0], W_k, W_v), ValueError, "W_q has shape (7, 5); expected (heads, 7, d) with up to 8 heads"),
        ((E, W_q.mT, W_k, W_v), ValueError, "W_q has shape (3, 5, 7); expected (heads, 7, d)"),
        ((E, EMPTY(9, 7, 5), W_k, W_v), ValueError, "W_q has shape (9, 7, 5)"),
        ((E, EMPTY(3, 7, 17), W_k, W_v), ValueError, "d from 1 to 16"),
        ((E, W_q, W_k[:2], W_v), ValueError, "W_k has shape (2, 7, 5); expected that of W_q, (3, 7, 5)"),
        ((E, W_q, W_k, W_v[..., :4]), ValueError, "W_v has shape (3, 7, 4); expected that of W_q, (3, 7, 5)"),
        ((E, W_q, W_k.int(), W_v), TypeError, "W_k has dtype torch.int32; expected floating-point numbers"),
        ((E, W_q, NAN, W_v), ValueError, "W_k holds a NaN or an infinity"),
        ((EMPTY(11, 7).expand(11, 7), W_q, W_k, W_v.log()), ValueError, "W_v holds a NaN or an infinity"),
        ((torch.zeros(HEAVIEST, 7), W_q, W_k, W_v), ValueError, f"weights; expected at most {HEAVIEST}"),
    ],
)
def test_refuses_other_weights(given, error, message):
    with pytest.raises(error, match=re.escape(message)):
        figure(given)


@pytest.mark.parametrize(
    ("examples", "error", "message"),
    [
        ("see that", TypeError, "examples is 'see that'; expected a list of sentences"),
        ([], ValueError, "examples is empty"),
        (["see " * 9], ValueError, "of 9 words; expected 1 to 8"),
        (["see cats"], ValueError, "examples holds 'see cats', and 'cats' is not in the vocabulary"),
    ],
)
def test_refuses_other_examples(examples, error, message):
    with pytest.raises(error, match=re.escape(message)):
        figure(examples=examples)
