import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from colours import LUMINANCE

from utils.figures import embed as embedding
from utils.figures.softmax import softmax_figure

pytest_plugins = ["browser"]

ANSWERS = ["cat", "dog", "owl", "eel"]
LOGITS = [1.0, 0.0, 2.0, -1.0]
EIGHT = ["</script>", "a <b>b</b> & c", "x" * 60, "a long answer in several words", '"', "日本", "7", "-"]
EXTREME = [6.0, -6.0, -6.0, 0.05, 6, -0.0, np.float32(0.25), np.log(2)]


def page_state(page, figure=0):
    return page.locator("figure.interactive").nth(figure).evaluate("(figure) => figure.state")


def expected(logits, came):
    """What the page must say, by PyTorch and its automatic differentiation."""
    z = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    F.cross_entropy(z[None], torch.tensor([came])).backward()
    log_p = F.log_softmax(z.detach(), 0)
    powers = z.detach().exp()
    numbers = {"p": log_p.exp(), "bits": -log_p / np.log(2), "gradient": z.grad, "powers": powers, "sum": powers.sum()}
    return {name: values.numpy() for name, values in numbers.items()}


def assert_shows(page, logits, came):
    """The numbers behind the figure are PyTorch's, and the words and bars are those numbers."""
    state, wanted = page_state(page), expected(logits, came)
    assert state["y"] == came
    np.testing.assert_allclose(state["z"], logits, rtol=0, atol=1e-12)
    for name, values in wanted.items():
        np.testing.assert_allclose(state[name], values, rtol=1e-9, atol=1e-9, err_msg=name)
    rows = page.locator(".answer")
    for i in range(len(logits)):
        z, power, p, bits, gradient = rows.nth(i).locator("b").all_inner_texts()
        assert number(z) == pytest.approx(logits[i], abs=0.0051)
        assert power == exponential(wanted["powers"][i])
        assert p == "<0.001" if wanted["p"][i] < 0.001 else number(p) == pytest.approx(wanted["p"][i], abs=0.00051)
        assert number(bits) == pytest.approx(wanted["bits"][i], abs=0.00051)
        assert number(gradient) == pytest.approx(wanted["gradient"][i], abs=0.00051)
    assert page.locator(".sum .power b").inner_text() == exponential(wanted["sum"])
    assert page.locator(".sum .p b").inner_text() == "1.000"
    assert f"the loss is {wanted['bits'][came]:.3f} bits, or {wanted['bits'][came] * np.log(2):.3f} nats" in loss(page)
    assert page.locator("[data-came]").count() == 1
    assert rows.nth(came).get_attribute("data-came") is not None


def number(words):
    return float(words.replace("−", "-"))


def exponential(x):
    return f"{x:.{5 if x < 0.01 else 3 if x < 100 else 1 if x < 10_000 else 0}f}"


def loss(page):
    return " ".join(page.locator(".loss").inner_text().split())


def spoken(page):
    return page.locator("[aria-live=polite]").inner_text()


# --- the numbers


@pytest.mark.parametrize(("answers", "logits"), [(ANSWERS, LOGITS), (EIGHT, EXTREME), (["yes", "no"], [-6, 6])])
def test_page_computes_what_pytorch_computes(opened, answers, logits):
    page = opened(softmax_figure(answers, logits))
    for came in range(len(answers)):
        page.get_by_role("radio").nth(came).check()
        assert_shows(page, [float(z) for z in logits], came)


def test_knowing_nothing_costs_the_logarithm(opened):
    page = opened(softmax_figure(EIGHT, EXTREME), softmax_figure(["a", "b", "c"], [0, 0, 0]))
    for figure, V in enumerate([8, 3]):
        words = page.locator("figure").nth(figure).locator(".nothing").inner_text()
        assert f"{V} bits" in words
        assert f"{1 / V:.3f}" in words
        assert f"{np.log2(V):.3f}" in words
    assert page_state(page, 1)["bits"] == pytest.approx([np.log2(3)] * 3)


def test_the_same_for_every_logit_changes_the_exponentials_only(opened):
    page = opened(softmax_figure(ANSWERS, LOGITS))
    before = page_state(page)
    shift = page.get_by_label("Add the same amount c to every logit")
    assert (shift.get_attribute("min"), shift.get_attribute("max")) == ("-4", "4")
    for c in (2.5, -4.0, 0.0):
        shift.fill(str(c))
        assert_shows(page, [z + c for z in LOGITS], 0)
        after = page_state(page)
        for name in ("p", "bits", "gradient"):
            assert after[name] == pytest.approx(before[name], abs=1e-12)
        assert after["powers"] == pytest.approx([power * np.exp(c) for power in before["powers"]])
        assert ("z + c" in " ".join(page.locator(".head").inner_text().split())) == (c != 0)
        assert f" = {exponential(np.exp(c))}. " in page.locator(".shift p").inner_text()


# --- operated


def test_untouched_figure_speaks(opened):
    page = opened(softmax_figure(ANSWERS, LOGITS))
    assert_shows(page, LOGITS, 0)
    assert spoken(page) == "Most probable: owl, 0.644. What came: cat; the loss is 2.078 bits."
    assert "prediction minus what came" in loss(page)


def test_keyboard(opened):
    page = opened(softmax_figure(ANSWERS, LOGITS))
    z = list(LOGITS)
    focused = "document.activeElement.ariaLabel ?? document.activeElement.tagName"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "What came: cat"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == "What came: owl"
    page.evaluate("document.forms[0].requestSubmit()")  # as some browsers do on Enter: nothing is sent
    assert_shows(page, z, 2)
    assert spoken(page).endswith("What came: owl; the loss is 0.635 bits.")
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Logit of owl"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for key, value in [("ArrowRight", 2.1), ("ArrowRight", 2.2), ("ArrowLeft", 2.1), ("End", 6.0), ("Home", -6.0)]:
        page.keyboard.press(key)
        z[2] = value
        assert_shows(page, z, 2)
    assert spoken(page).startswith("Most probable: cat, 0.665.")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    z[3] = -1.1
    assert_shows(page, z, 2)
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    assert_shows(page, [x + 4 for x in z], 2)
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "BODY"  # and out again


def test_mouse(opened):
    page = opened(softmax_figure(ANSWERS, LOGITS))
    slider = page.get_by_label("Logit of dog")
    box = slider.bounding_box()
    before = spoken(page)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for place in (0.6, 0.7, 0.8):
        page.mouse.move(box["x"] + box["width"] * place, box["y"] + box["height"] / 2)
        dog = float(slider.input_value())
        assert dog == pytest.approx(12 * (place - 0.5), abs=1.5)
        assert_shows(page, [1.0, dog, 2.0, -1.0], 0)
        assert spoken(page) == before  # not on the way
    page.mouse.up()
    assert spoken(page).startswith("Most probable: dog")
    page.get_by_text("eel", exact=True).first.click()  # the name is the button's label
    assert_shows(page, [1.0, dog, 2.0, -1.0], 3)


def test_logits_between_the_steps_stay_as_given(opened):
    page = opened(softmax_figure(["one", "two", "five"], [np.log(n) for n in (1, 2, 5)]))
    assert page_state(page)["p"] == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=1e-12)
    page.get_by_label("Logit of one").fill("0.5")
    assert_shows(page, [0.5, np.log(2), np.log(5)], 0)


def test_sliders_are_as_announced(opened):
    page = opened(softmax_figure(ANSWERS, LOGITS))
    for answer, logit in zip(ANSWERS, LOGITS):
        slider = page.get_by_label(f"Logit of {answer}")
        assert [slider.get_attribute(name) for name in ("type", "min", "max", "step")] == ["range", "-6", "6", "0.1"]
        assert float(slider.input_value()) == logit


@pytest.mark.parametrize("width", [360, 1000])
def test_bars_are_as_long_as_their_numbers(opened, width):
    page = opened(softmax_figure(ANSWERS, LOGITS), viewport={"width": width, "height": 800}, reduced_motion="reduce")
    page.get_by_role("radio").nth(2).check()
    measure = """(bars) => bars.map((bar) => {
        const { left, right, width } = getComputedStyle(bar, "::before");
        return [left, right, width].map(parseFloat).map((length) => length / bar.clientWidth);
    })"""
    wanted = expected(LOGITS, 2)
    for (left, _, length), p in zip(page.locator(".p-bar").evaluate_all(measure), [*wanted["p"].tolist(), 1 / 4], strict=True):
        assert (left, length) == pytest.approx((0, p), abs=0.01)
    bars = page.locator(".gradient-bar").evaluate_all(measure)
    for (left, right, length), g in zip(bars, wanted["gradient"].tolist(), strict=True):
        assert length == pytest.approx(abs(g) / 2, abs=0.01)
        assert (right if g < 0 else left) == pytest.approx(1 / 2, abs=0.01)


def test_numbers_do_not_move_their_columns(opened):
    page = opened(softmax_figure(ANSWERS, LOGITS), viewport={"width": 760, "height": 800})
    places = "(cells) => cells.map((cell) => JSON.stringify(cell.getBoundingClientRect()))"
    before = page.locator("[role=cell]").evaluate_all(places)
    for answer, value in zip(ANSWERS, (6, -6, -6, 6)):
        page.get_by_label(f"Logit of {answer}").fill(str(value))
    page.get_by_label("Add the same").fill("4")
    assert page.locator("[role=cell]").evaluate_all(places) == before


# --- in a page


def test_two_figures_share_nothing(opened):
    figure = softmax_figure(ANSWERS, LOGITS)
    page = opened(figure, figure)
    assert page.evaluate("new Set([...document.querySelectorAll('[id]')].map((element) => element.id)).size") == 2
    page.get_by_label("Logit of cat").nth(1).fill("3")
    page.get_by_label("What came: eel").nth(1).check()
    first, second = page_state(page, 0), page_state(page, 1)
    assert (first["z"], first["y"]) == (LOGITS, 0)
    assert (second["z"], second["y"]) == ([3, 0, 2, -1], 3)
    assert page.locator("input:checked").count() == 2


@pytest.mark.parametrize("width", [320, 360, 560, 669, 670, 671, 760, 1200])
def test_fits_the_window(opened, width):
    page = opened(softmax_figure(EIGHT, EXTREME), viewport={"width": width, "height": 800})
    page.get_by_label("Add the same").fill("4")
    page.get_by_role("radio").nth(2).check()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = page.locator("figure").bounding_box()
    outside = """(parts, { x, width }) => parts.map((part) => part.getBoundingClientRect())
        .filter(({ left, right }) => left < right && (left < x || right > x + width)).length"""
    assert page.locator("figure *").evaluate_all(outside, box) == 0
    overlaps = """(rows) => rows.flatMap((row) => {
        const parts = [...row.querySelectorAll("small, b, i, input, label span, .came > span")]
            .map((e) => [e, e.getBoundingClientRect()]).filter(([, { width }]) => width > 1);
        return parts.flatMap(([a, x], i) => parts.slice(i + 1).filter(([b, y]) => !a.contains(b)
            && x.left < y.right - 1 && y.left < x.right - 1 && x.top < y.bottom - 1 && y.top < x.bottom - 1)
            .map(([b]) => [a.outerHTML, b.outerHTML]));
    })"""
    assert page.locator(".answer, .sum, .nothing").evaluate_all(overlaps) == []


def test_folds_on_a_phone(opened):
    page = opened(softmax_figure(ANSWERS, LOGITS), viewport={"width": 360, "height": 800})
    slider = page.get_by_label("Logit of owl").bounding_box()
    name = page.get_by_text("owl", exact=True).first.bounding_box()
    assert slider["width"] > 120
    assert slider["y"] > name["y"] + name["height"] / 2
    words = "".join(page.locator(".answer").nth(2).inner_text().split())
    assert words == "owllogit+2.00ez7.389probability0.644bits0.635gradient+0.644"


@pytest.mark.parametrize("width", [360, 1000])
def test_answers_are_a_table_to_those_who_listen(opened, width):
    page = opened(softmax_figure(ANSWERS, LOGITS), viewport={"width": width, "height": 800})
    assert page.get_by_role("columnheader").count() == 6
    rows = page.get_by_role("table").get_by_role("row")
    assert rows.count() == 1 + 4 + 2
    for row in rows.all()[1:]:
        assert row.get_by_role("cell").count() == 6
    unnamed = "[...document.querySelectorAll('input')].filter((e) => !e.ariaLabel && !e.labels.length).length"
    assert page.evaluate(unnamed) == 0
    assert page.locator("figure > figcaption").inner_text().startswith("From logits to a loss. Each of 4 answers has a logit z")


def test_no_global_is_left_behind(opened):
    page = opened(softmax_figure(ANSWERS, LOGITS))
    source = (Path(embedding.__file__).parent / "softmax.js").read_text()
    names = re.findall(r"^(?:function|const|let|var|class) (\w+)", source, re.MULTILINE)
    assert {"predict", "softmax"} <= set(names)
    assert page.evaluate("(names) => names.filter((name) => eval(`typeof ${name}`) !== 'undefined')", names) == []


CONTRASTS = (
    "() => {"
    + LUMINANCE
    + """
    const all = (selector) => [...document.querySelectorAll(selector)];
    const words = all("b, strong, q, em, small, label span, .head div, .came, p, figcaption");
    return {
        surface: light(getComputedStyle(document.querySelector("figure")).backgroundColor),
        words: Math.min(...words.map((e) => contrast(getComputedStyle(e).color, ground(e)))),
        marks: Math.min(...all("i").map((e) => contrast(getComputedStyle(e, "::before").backgroundColor, ground(e)))),
    };
}"""
)


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("says", ["", "light", "dark"])
def test_readable_in_light_and_dark(opened, system, says):
    page = opened(softmax_figure(ANSWERS, LOGITS), color_scheme=system, reduced_motion="reduce")
    if says:
        page.evaluate("(theme) => document.documentElement.dataset.theme = theme", says)
    got = page.evaluate(CONTRASTS)
    assert got["surface"] < 0.05 if (says or system) == "dark" else got["surface"] > 0.9
    assert got["words"] >= 4.5
    assert got["marks"] >= 3


@pytest.mark.parametrize(("motion", "still"), [("reduce", True), ("no-preference", False)])
def test_respects_reduced_motion(opened, motion, still):
    page = opened(softmax_figure(ANSWERS, LOGITS), reduced_motion=motion)
    durations = "[...document.querySelectorAll('i')].map((e) => getComputedStyle(e, '::before').transitionDuration)"
    assert (set(page.evaluate(durations)) == {"0s"}) == still


def test_without_html_the_description_stands():
    figure = softmax_figure(ANSWERS, LOGITS)
    assert repr(figure).startswith("Interactive figure: From logits to a loss. Each of 4 answers")
    assert json.loads(figure.state) == {"answers": ANSWERS, "logits": LOGITS, "limit": 6.0}
    assert "http" not in figure._repr_html_()
    assert len(figure._repr_html_().encode()) < 25_000


@pytest.mark.parametrize(
    ("answers", "logits", "error", "message"),
    [
        (["a"], [0], ValueError, "answers has 1 entries; expected 2 to 8"),
        (list("abcdefghi"), [0] * 9, ValueError, "answers has 9 entries; expected 2 to 8"),
        ("ab", [0, 0], TypeError, "answers is 'ab'; expected a list of strings"),
        (["a", 1], [0, 0], TypeError, "answers is ['a', 1]; expected a list of strings"),
        (["a", " "], [0, 0], ValueError, "answers holds ' '; expected words to show"),
        (["a", "b", "b "], [0, 0, 0], ValueError, "answers holds 'b' more than once"),
        (["a", "b"], [0], ValueError, "logits has 1 entries; expected 2, one for each answer"),
        (["a", "b"], [0, "1"], TypeError, "logits is [0, '1']; expected a list of numbers"),
        (["a", "b"], [0, 6.1], ValueError, "logits[1] is 6.1; expected a number from -6 to 6"),
        (["a", "b"], [-6.1, 0], ValueError, "logits[0] is -6.1; expected a number from -6 to 6"),
        (["a", "b"], [float("nan"), 0], ValueError, "logits[0] is nan; expected a number from -6 to 6"),
    ],
)
def test_refuses_other_answers_and_logits(answers, logits, error, message):
    with pytest.raises(error, match=re.escape(message)):
        softmax_figure(answers, logits)
