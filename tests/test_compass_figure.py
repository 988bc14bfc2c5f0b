"""Wherever the arrows are moved, the page's weights are those of the chapter's own classes, and the bars and words say so."""

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from colours import LUMINANCE
from layout import CUT, OVERLAPS

from utils.attention.additive import AdditiveAttention
from utils.attention.scores import CosineAttention, DotAttention, GeneralAttention, LocationAttention, ScaledDotAttention
from utils.figures import embed as embedding
from utils.figures.score_compass import ADDITIVE, BETA, LOCATION, MAPS, score_compass, weights

pytest_plugins = ["browser"]

KEYS = [[1.0, 0.2], [0.3, 1.1], [-0.9, 0.5], [0.2, -2.0]]
NAMES = ["I", "love", "you", "."]
QUERY = [0.8, 0.6]
SIX = [[0.0, 0.0], [0.5, -1.0], [-3.0, 0.0], [0.0, 3.0], [2.0, -2.0], [0.5, -1.0]]
STRANGE = ["</script>", "<b>&", "international", "日本", '"', "."]
SCORES = ["dot", "scaled dot", "cosine", "general", "additive", "location"]


def figure(keys=KEYS, names=NAMES, query=QUERY):
    return score_compass(keys, names, query)


def double(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def expected(keys, query, beta=BETA, W=MAPS["quarter turn"]):
    """The weights by the classes of utils.attention, in double precision."""
    layers = {
        "dot": DotAttention(),
        "scaled dot": ScaledDotAttention(),
        "cosine": CosineAttention(2),
        "general": GeneralAttention(2, 2),
        "additive": AdditiveAttention(2, 2, 3),
        "location": LocationAttention(2, 6),
    }
    with torch.no_grad():
        layers["cosine"].sharpness.weight.zero_()
        layers["location"].W.bias.zero_()
    for layer in layers.values():
        layer.double()
    with torch.no_grad():
        layers["cosine"].sharpness.bias.fill_(np.log(np.expm1(beta)))
        layers["general"].W.weight.copy_(double(W))
        for name in ("W", "U"):
            getattr(layers["additive"], name).weight.copy_(double(ADDITIVE[name]).T)
        layers["additive"].v.weight.copy_(double(ADDITIVE["v"]))
        layers["location"].W.weight.copy_(double(LOCATION).T)
        q, k = double(query)[None, None], double(keys)[None]
        return {name: layer(q, k, k)[1][0, 0].numpy() for name, layer in layers.items()}


def page_state(page, figure=0):
    return page.locator("figure.interactive").nth(figure).evaluate("(figure) => figure.state")


def said(page):
    return page.locator(".said").inner_text()


def line(page, name):
    return page.locator(".line").nth(SCORES.index(name))


def slide(page, label, value):
    page.get_by_label(label).fill(str(value))


def move(page, name, angle, length):
    page.get_by_role("radio", name=name, exact=True).check()
    slide(page, "angle", angle)
    slide(page, "length", length)
    return [length * np.cos(np.radians(angle)), length * np.sin(np.radians(angle))]


def assert_shows(page, keys, query, beta=BETA, W="quarter turn"):
    """The weights behind the figure are the classes', and so are the drawn ones and those of `weights`."""
    state, wanted = page_state(page), expected(keys, query, beta, MAPS[W])
    np.testing.assert_allclose(state["query"], query, rtol=0, atol=1e-9)
    np.testing.assert_allclose(state["keys"], keys, rtol=0, atol=1e-9)
    assert list(state["weights"]) == SCORES
    for name, ours in weights(keys, query, beta, MAPS[W]).items():
        np.testing.assert_allclose(state["weights"][name], wanted[name], rtol=0, atol=1e-9, err_msg=name)
        np.testing.assert_allclose(ours, wanted[name], rtol=0, atol=1e-9, err_msg=name)
        texts = line(page, name).locator("b").all_inner_texts()
        np.testing.assert_allclose([float(text) for text in texts], wanted[name], atol=0.00501)
        lengths = "(all) => all.map((e) => e.style.getPropertyValue('--weight'))"
        bars = line(page, name).get_by_role("cell").evaluate_all(lengths)
        np.testing.assert_allclose([float(bar) for bar in bars], wanted[name], atol=0.000051)


# --- the numbers


@pytest.mark.parametrize("W", [*MAPS, "other"])
@pytest.mark.parametrize(("keys", "query"), [(KEYS, QUERY), (KEYS, [0.3, -0.2]), (SIX, [-1.5, 2.5]), (SIX[:3], [0.0, 0.0])])
def test_weights_are_those_of_the_classes(keys, query, W):
    W = MAPS.get(W, [[0.3, -0.7], [1.1, 0.4]])
    for beta in (0.1, BETA, 20.0):
        got, wanted = weights(keys, query, beta, W), expected(keys, query, beta, W)
        assert list(got) == SCORES
        for name in SCORES:
            np.testing.assert_allclose(got[name], wanted[name], rtol=0, atol=1e-12, err_msg=name)


def test_weights_by_hand():
    got = weights([[1.0, 0.0], [0.0, 2.0], [-1.0, 0.0]], [np.log(4), 0.0], beta=np.log(3))
    np.testing.assert_allclose(got["dot"], np.array([16, 4, 1]) / 21)
    np.testing.assert_allclose(got["cosine"], np.array([9, 3, 1]) / 13)
    np.testing.assert_allclose(got["general"], np.array([1, 16, 1]) / 18)  # turned by a quarter, q lies along the second key


def test_what_the_figure_says_is_so():
    keys, query = np.array(KEYS), np.array(QUERY)
    peaks = [weights(keys, query * stretch)["dot"].max() for stretch in (0.5, 1, 2, 3)]
    assert all(a < b for a, b in pairwise(peaks))
    stretched, turned = weights(keys, 2 * query), weights(keys, [-query[1], query[0]])
    moved = weights(keys * [[1], [2], [1], [1]], query)  # stretched: no angle changes
    for name, before in weights(keys, query).items():
        assert np.allclose(stretched[name], before) == (name == "cosine")
        assert not np.allclose(turned[name], before)
        assert np.allclose(moved[name], before) == (name in ("location", "cosine"))
    np.testing.assert_array_equal(weights(keys[::-1], query)["location"], weights(keys, query)["location"])


@pytest.mark.slow
def test_page_computes_what_python_computes(opened):
    page = opened(figure())
    assert_shows(page, KEYS, QUERY)
    keys = [list(key) for key in KEYS]
    for name, angle, length in [("love", -180, 3.0), (".", 85, 0.4), ("I", 0, 0.0), ("love", 130, 1.7)]:
        keys[NAMES.index(name)] = move(page, name, angle, length)
        assert_shows(page, keys, QUERY)
    for angle, length in [(-65, 2.9), (180, 0.5), (0, 0.0)]:
        query = move(page, "query q", angle, length)
        assert_shows(page, keys, query)
    query = move(page, "query q", 140, 2.2)
    for W, beta in [("identity", 0.1), ("projection", 20.0), ("quarter turn", 7.3)]:
        page.get_by_label("general W").select_option(W)
        slide(page, "sharpness", beta)
        assert_shows(page, keys, query, beta, W)


@pytest.mark.slow
@pytest.mark.parametrize(("K", "query"), [(6, [-1.5, 2.5]), (5, [3.0, 0.0]), (3, [0.0, 0.0])])
def test_page_opens_on_what_it_is_given(opened, K, query):
    page = opened(figure(SIX[:K], STRANGE[:K], query))
    assert_shows(page, SIX[:K], query)
    assert page.locator(".head [role=columnheader]").all_text_contents() == ["score", *STRANGE[:K]]
    assert page.locator("[data-arrow] text").all_text_contents() == [*STRANGE[:K], "q"]


# --- operated


@pytest.mark.slow
def test_untouched_figure_speaks(opened):
    page = opened(figure())
    wanted = expected(KEYS, QUERY)
    words = said(page)
    for name in SCORES:
        assert f"{name} {wanted[name].max():.2f}" in words
    groups = dict(re.findall(r"([^;:]+) on “([^”]+)”", words))
    for names, key in groups.items():
        for name in re.findall("|".join(sorted(SCORES, key=len, reverse=True)), names):
            assert NAMES[wanted[name].argmax()] == key
    assert page.get_by_role("img").get_attribute("aria-label") == (
        "Arrows: query (0.80, 0.60), I (1.00, 0.20), love (0.30, 1.10), you (−0.90, 0.50), . (0.20, −2.00)"
    )


@pytest.mark.slow
def test_keyboard(opened):
    page = opened(figure(), viewport={"width": 760, "height": 500})
    spoken = said(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "0"
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    angle = page.get_by_label("angle")
    assert angle.get_attribute("aria-valuetext") == "37°"
    page.keyboard.press("ArrowRight")
    radians = np.radians(40)
    query = [np.cos(radians), np.sin(radians)]  # the length stays what it was
    assert_shows(page, KEYS, query)
    assert angle.get_attribute("aria-valuetext") == page.locator(".angle b").inner_text() == "40°"
    assert said(page) != spoken
    assert "The last move left" not in said(page)  # every score looks at where the query points
    page.keyboard.press("Tab")
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    query = [1.4 * x for x in query]
    assert_shows(page, KEYS, query)
    assert said(page).endswith("The last move left cosine as it was.")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    spoken = said(page)
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page_state(page)["chosen"] == 3
    assert said(page) == spoken  # nothing has moved
    assert page.locator("[data-chosen] text").text_content() == "you"
    assert page.locator(".length b").inner_text() == f"{np.hypot(*KEYS[2]):.2f}"
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    assert_shows(page, [*KEYS[:2], [-np.hypot(*KEYS[2]), 0.0], KEYS[3]], query)
    assert said(page).endswith("The last move left location as it was.")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    assert page_state(page)["beta"] == 20
    left = [name for name in SCORES if name != "cosine"]
    assert said(page).endswith(f"The last move left {', '.join(left[:-1])} and {left[-1]} as they were.")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert page_state(page)["W"] == MAPS["identity"]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BODY"  # and out again


@pytest.mark.slow
def test_no_query_asks_nothing(opened):
    page = opened(figure())
    slide(page, "length", 0)
    even = ", ".join(f"{name} 0.25" for name in SCORES[:4])
    assert said(page).startswith(f"The largest weights: {even} and location 0.25 on every key; additive 0.")


def handle(page, arrow):
    box = page.locator(f"[data-arrow='{arrow}'] circle").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def scale(page):
    """Pixels to a unit of the plane."""
    return page.locator("svg").evaluate("(svg) => svg.clientWidth") * 30 / 200


@pytest.mark.slow
def test_mouse(opened):
    page = opened(figure(), viewport={"width": 760, "height": 900})
    spoken = said(page)
    (x, y), unit = handle(page, 0), scale(page)
    page.mouse.move(x, y)
    page.mouse.down()
    for dx, dy in [(-0.5, 0.3), (-1.5, 0.8)]:
        page.mouse.move(x + dx * unit, y - dy * unit)
        np.testing.assert_allclose(page_state(page)["query"], np.add(QUERY, [dx, dy]), atol=0.02)
        assert_shows(page, KEYS, page_state(page)["query"])
        assert said(page) == spoken  # not on the way
    page.mouse.up()
    assert said(page) != spoken
    query = page_state(page)["query"]
    page.mouse.move(x, y)
    assert page_state(page)["query"] == query  # it was let go
    x, y = handle(page, 4)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 3 * unit, y + 9 * unit)  # beyond the plane: no longer than LIMIT
    page.mouse.up()
    state = page_state(page)
    assert (state["chosen"], state["query"]) == (4, query)
    assert np.hypot(*state["keys"][3]) == pytest.approx(3)
    assert page.get_by_role("radio", name=".", exact=True).is_checked()
    assert_shows(page, state["keys"], query)
    assert said(page).endswith("The last move left location as it was.")


@pytest.mark.slow
def test_a_key_under_another_can_be_taken(opened):
    page = opened(figure([[1.0, 1.0]] * 3, NAMES[:3], [1.0, 1.0]), viewport={"width": 760, "height": 900})
    page.get_by_role("radio", name="love", exact=True).check()
    (x, y), unit = handle(page, 0), scale(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - unit, y)
    page.mouse.up()
    state = page_state(page)
    np.testing.assert_allclose(state["keys"], [[1, 1], [0, 1], [1, 1]], atol=0.02)
    assert state["query"] == pytest.approx([1, 1])


@pytest.mark.slow
def test_a_finger_drags_an_arrow_and_scrolls_beside_it(opened):
    page = opened("<div style='height: 300px'></div>", figure(), viewport={"width": 360, "height": 700}, has_touch=True)
    touch = page.context.new_cdp_session(page)
    unit = scale(page)

    def drag(x, y, dx, dy):
        points = [(x + dx * step / 8, y + dy * step / 8) for step in range(9)]
        for i, (x, y) in enumerate(points):
            kind = "touchMove" if i else "touchStart"
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.wait_for_timeout(100)

    drag(*handle(page, 0), -0.8 * unit, -1.4 * unit)
    np.testing.assert_allclose(page_state(page)["query"], [0, 2], atol=0.05)
    assert page.evaluate("scrollY") == 0
    box = page.locator("svg").bounding_box()
    drag(box["x"] + 20, box["y"] + 150, 0, -100)
    np.testing.assert_allclose(page_state(page)["query"], [0, 2], atol=0.05)
    assert page.evaluate("scrollY") > 50


# --- in a page


@pytest.mark.slow
def test_two_figures_share_nothing(opened):
    one = figure()
    page = opened(one, one)
    page.get_by_role("radio", name="you", exact=True).nth(1).check()
    page.get_by_label("angle").nth(1).fill("0")
    assert page_state(page, 0)["chosen"] == 0
    np.testing.assert_allclose(page_state(page, 0)["keys"], KEYS)
    assert page_state(page, 1)["chosen"] == 3
    assert page.locator("input:checked").count() == 2
    source = (Path(embedding.__file__).parent / "score_compass.js").read_text()
    names = re.findall(r"^(?:function|const|let|var|class) (\w+)", source, re.MULTILINE)
    assert {"softmax", "attend", "score_compass"} <= set(names)
    assert page.evaluate("(names) => names.filter((name) => eval(`typeof ${name}`) !== 'undefined')", names) == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 760])
def test_weights_are_a_table_to_those_who_listen(opened, width):
    for keys, names in [(KEYS, NAMES), (SIX, STRANGE)]:
        page = opened(figure(keys, names), viewport={"width": width, "height": 800})
        rows = page.get_by_role("table", name="Weights of the keys under each score").get_by_role("row")
        assert rows.count() == 1 + len(SCORES)
        assert rows.first.get_by_role("columnheader").count() == 1 + len(keys)
        for row, name in zip(rows.all()[1:], SCORES, strict=True):
            assert row.get_by_role("rowheader").inner_text().startswith(name)
            assert row.get_by_role("cell").count() == len(keys)
        unnamed = "[...document.querySelectorAll('input, select')].filter((e) => !e.labels.length).length"
        assert page.evaluate(unnamed) == 0
        assert page.locator("[aria-live=polite]").count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 360, 640, 690, 760, 1200])
def test_fits_the_window(opened, width):
    for keys, names in [(KEYS, NAMES), (SIX, STRANGE)]:
        page = opened(figure(keys, names), viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.locator("figure").bounding_box()
        outside = """(parts, { x, width }) => parts.map((part) => part.getBoundingClientRect())
            .filter(({ left, right }) => left < right && (left < x || right > x + width)).length"""
        assert page.locator("figure :not(svg *)").evaluate_all(outside, box) == 0
        parts = page.locator("svg, fieldset, .hand > label, .score, [role=cell] > *, .said, figcaption")
        assert parts.evaluate_all(OVERLAPS) == 0
        assert page.locator("[role=cell], .line .score").evaluate_all(CUT) == []
        beyond = """(labels) => labels.filter((label) => {
            const inner = label.getBoundingClientRect(), plane = label.ownerSVGElement.getBoundingClientRect();
            return inner.left < plane.left || inner.right > plane.right || inner.top < plane.top || inner.bottom > plane.bottom;
        }).map((label) => label.textContent)"""
        assert page.locator("svg text").evaluate_all(beyond) == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 760])
def test_drawing_says_the_same_as_the_numbers(opened, width):
    page = opened(figure(), viewport={"width": width, "height": 900}, reduced_motion="reduce")
    measure = """(bars) => bars.map((bar) => parseFloat(getComputedStyle(bar, "::before").height)
        / bar.getBoundingClientRect().height)"""
    for name, wanted in expected(KEYS, QUERY).items():
        np.testing.assert_allclose(line(page, name).locator("i").evaluate_all(measure), wanted, atol=0.01)
    shafts = page.locator("svg [data-arrow] path:nth-of-type(1)").evaluate_all("(all) => all.map((e) => e.getAttribute('d'))")
    tips = [[float(x) / 30 for x in shaft.removeprefix("M0 0L").split()] for shaft in shafts]
    np.testing.assert_allclose(tips, np.array([*KEYS, QUERY]) * [1, -1], atol=0.0003)
    mapped = page.locator(".mapped path").first.get_attribute("d").removeprefix("M0 0L").split()
    np.testing.assert_allclose([float(x) / 30 for x in mapped], (QUERY @ np.array(MAPS["quarter turn"])) * [1, -1], atol=0.0003)
    page.get_by_label("general W").select_option("identity")
    assert page.locator(".mapped").is_hidden()  # qW is q


CONTRASTS = (
    "() => {"
    + LUMINANCE
    + """
    const all = (selector) => [...document.querySelectorAll(selector)], style = (e, pseudo) => getComputedStyle(e, pseudo);
    const words = all("b, legend, label span, .score, .score span, [role=columnheader], p, figcaption, select");
    const svg = document.querySelector("svg");
    return {
        surface: light(style(document.querySelector("figure")).backgroundColor),
        words: Math.min(...words.map((e) => contrast(style(e).color, ground(e))),
            ...all("svg text").map((e) => contrast(style(e).fill, ground(svg)))),
        marks: Math.min(...all("i").map((e) => contrast(style(e, "::before").backgroundColor, ground(e))),
            ...all("[data-arrow] path, .mapped path").map((e) => contrast(style(e).stroke, ground(svg)))),
    };
}"""
)


@pytest.mark.slow
@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("says", ["", "light", "dark"])
def test_readable_in_light_and_dark(opened, system, says):
    page = opened(figure(), color_scheme=system, reduced_motion="reduce")
    if says:
        page.evaluate("(theme) => document.documentElement.dataset.theme = theme", says)
    got = page.evaluate(CONTRASTS)
    assert got["surface"] < 0.05 if (says or system) == "dark" else got["surface"] > 0.9
    assert got["words"] >= 4.5
    assert got["marks"] >= 3


@pytest.mark.slow
@pytest.mark.parametrize(("motion", "still"), [("reduce", True), ("no-preference", False)])
def test_respects_reduced_motion(opened, motion, still):
    page = opened(figure(), reduced_motion=motion)
    durations = "[...document.querySelectorAll('i')].map((e) => getComputedStyle(e, '::before').transitionDuration)"
    assert (set(page.evaluate(durations)) == {"0s"}) == still


def test_without_html_the_description_stands():
    assert repr(figure()).startswith("Interactive figure: A compass for scores. A query q among 4 keys k in the plane")
    state = json.loads(figure().state)
    assert (state["keys"], state["names"], state["query"]) == (KEYS, NAMES, QUERY)
    html = figure(SIX, STRANGE)._repr_html_()
    assert len(html.encode()) < 30_000
    assert "http" not in html


# --- refusals


def test_arrays_and_tensors_are_taken():
    assert figure(np.array(KEYS), tuple(NAMES), np.array(QUERY)).state == figure().state
    assert figure(double(KEYS), NAMES, double(QUERY)).state == figure().state


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"keys": KEYS[:2]}, ValueError, "keys has shape (2, 2); expected (K, 2) with K from 3 to 6"),
        ({"keys": [*SIX, [0.0, 1.0]]}, ValueError, "keys has shape (7, 2); expected (K, 2) with K from 3 to 6"),
        ({"keys": [[1.0, 2.0, 0.0]] * 4}, ValueError, "keys has shape (4, 3); expected (K, 2)"),
        ({"keys": [*KEYS[:3], [np.nan, 0.0]]}, ValueError, "keys holds a NaN or an infinity"),
        ({"keys": [*KEYS[:3], [3.0, 0.1]]}, ValueError, "keys[3] is [3.0, 0.1]; expected a vector no longer than 3"),
        ({"query": [1.0]}, ValueError, "query has shape (1,); expected (2,)"),
        ({"query": [0.0, np.inf]}, ValueError, "query holds a NaN or an infinity"),
        ({"query": [-2.5, 2.5]}, ValueError, "query is [-2.5, 2.5]; expected a vector no longer than 3"),
        ({"names": "abcd"}, TypeError, "names is 'abcd'; expected a list of strings"),
        ({"names": [*NAMES[:3], 4]}, TypeError, "expected a list of strings"),
        ({"names": NAMES[:3]}, ValueError, "names has 3 entries; expected 4, one for each key"),
        ({"names": [*NAMES[:3], " "]}, ValueError, "expected words to show"),
    ],
)
def test_refuses_other_keys_names_and_queries(given, error, message):
    with pytest.raises(error, match=re.escape(message)):
        figure(**given)


def test_weights_refuse_another_map():
    with pytest.raises(ValueError, match=re.escape("W has shape (2, 3); expected (2, 2)")):
        weights(KEYS, QUERY, W=[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
