"""Whatever mask is painted, the page's weights and contexts are those of `attend`, and the drawing and words say so."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from colours import LUMINANCE
from layout import CUT, OVERLAPS

from utils.attention.core import attend
from utils.figures import embed as embedding
from utils.figures.mask_painter import mask_painter

pytestmark = pytest.mark.slow

pytest_plugins = ["browser"]

WORDS = ["see", "that", "girl", "run", "a</script>", "<b>&", "run"]
T, D = len(WORDS), 5


def numbers(T=T, D=D, seed=0, enlarge=1.5):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(T, T, generator=generator) * enlarge, torch.randn(T, D, generator=generator)


SCORES, VALUES = numbers()


def figure(words=WORDS, scores=SCORES, values=VALUES):
    return mask_painter(words, scores, values)


def page_state(page, figure=0):
    return page.locator("figure.interactive").nth(figure).evaluate("(figure) => figure.state")


def cell(page, r, c, part="mask"):
    return page.locator(f"[data-part={part}] [data-r='{r}'] [data-c='{c}']")


def preset(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def said(page):
    return page.locator(".said").inner_text()


def where(page):
    return page.locator(".where").inner_text()


def shown(x, digits=3):
    return f"{x + 0.0:+.{digits}f}".replace("-", "−")


def assert_shows(page, mask, scores=SCORES, values=VALUES):
    """The numbers behind the figure are attend's, and of the mistake softmax's with weights set to 0; so are the drawn ones."""
    state, mask, scores, values = page_state(page), np.asarray(mask), scores.double(), values.double()
    np.testing.assert_array_equal(state["mask"], mask)
    keep = torch.from_numpy(mask)
    context, weights = (x.numpy() for x in attend(scores, values, keep))
    late, values = (scores.softmax(-1) * keep).numpy(), values.numpy()
    for name, (wanted_weights, wanted_context) in {"right": (weights, context), "wrong": (late, late @ values)}.items():
        got = state[name]
        np.testing.assert_allclose(got["weights"], wanted_weights, rtol=0, atol=1e-9)
        np.testing.assert_allclose(got["context"], wanted_context, rtol=0, atol=1e-9)
        np.testing.assert_allclose(got["sums"], wanted_weights.sum(-1), rtol=0, atol=1e-9)
        np.testing.assert_allclose(tints(page, name, values.shape), wanted_context / abs(values).max(), atol=0.000501)
        sums = page.locator(f".{name} .sum b").all_inner_texts()
        np.testing.assert_allclose([float(x) for x in sums], got["sums"], atol=0.00501)
        bars = page.locator(f".{name} .sum").evaluate_all("(all) => all.map((e) => e.style.getPropertyValue('--sum'))")
        np.testing.assert_allclose([float(x) for x in bars], got["sums"], atol=0.000051)
    texts = page.locator("[data-part=weights] [data-c]").all_inner_texts()
    np.testing.assert_allclose(np.reshape([float(x) for x in texts], weights.shape), weights, atol=0.00501)
    assert {text for text, seen in zip(texts, mask.flat, strict=True) if not seen} <= {"0"}
    np.testing.assert_allclose(tints(page, "weights", weights.shape), weights, atol=0.000501)
    cells = page.locator("[data-part=mask] [data-c]")
    assert cells.evaluate_all("(all) => all.map((e) => e.hasAttribute('data-hidden'))") == list(~mask.ravel())
    assert cells.evaluate_all("(all) => all.map((e) => e.ariaSelected === 'true')") == list(mask.ravel())


def tints(page, part, shape):
    read = "(all) => all.map((e) => (e.className === 'low' ? -1 : 1) * e.style.getPropertyValue('--tint'))"
    return np.reshape(page.locator(f"[data-part={part}] [data-c]").evaluate_all(read), shape)


# --- the numbers


I, J = np.indices((T, T))
PRESETS = {
    "none": np.ones((T, T), bool),
    "causal": J <= I,
    "earlier": J < I,
    "window": abs(I - J) <= 1,
    "padding": J < T - 2,
    "blocks": (I < 4) == (J < 4),
}


def test_presets(opened):
    page = opened(figure())
    assert page.get_by_role("button").all_inner_texts() == list(PRESETS)
    assert_shows(page, PRESETS["causal"])  # as it opens
    for name, mask in PRESETS.items():
        preset(page, name)
        assert_shows(page, mask)
        pressed = page.get_by_role("button").evaluate_all("(all) => all.map((e) => e.ariaPressed)")
        assert pressed == [str(name == other).lower() for other in PRESETS]


@pytest.mark.parametrize(("T", "D"), [(4, 1), (8, 16)])
def test_any_mask(opened, T, D):
    scores, values = numbers(T, D, seed=1, enlarge=400.0)  # e to the power of them is no number
    page = opened(figure([f"w{i}" for i in range(T)], scores, values))
    rng, mask = np.random.default_rng(0), np.tri(T, dtype=bool)
    for _ in range(2):
        wanted = rng.random((T, T)) < 0.5
        wanted[rng.integers(T)] = False
        for r, c in np.argwhere(mask != wanted):
            cell(page, r, c).click()
        mask = wanted
        assert_shows(page, mask, scores, values)


def test_scores_stand_in_the_cells(opened):
    page = opened(figure())
    preset(page, "none")
    texts = page.locator("[data-part=mask] [data-c]").all_inner_texts()
    np.testing.assert_allclose([float(x.replace("−", "-")) for x in texts], SCORES.flatten().numpy(), atol=0.0501)
    np.testing.assert_allclose(tints(page, "mask", (T, T)), (SCORES / SCORES.abs().max()).numpy(), atol=0.000501)


# --- in words


def test_a_row_that_sees_nothing_says_why_it_is_0(opened):
    page = opened(figure())
    assert "0 / 0" not in said(page)
    preset(page, "earlier")
    sums = np.where(PRESETS["earlier"], SCORES.softmax(-1).numpy(), 0).sum(-1)
    least = 1 + sums[1:].argmin()
    nothing = "“see” may see nothing. A softmax over no key would be 0 / 0, so weights and context are defined as 0: "
    assert said(page).startswith(nothing)
    late = f"the row of “{WORDS[least]}” sums to {sums[least]:.2f}, and its context shrinks with it."
    assert said(page).endswith(f"Masked after the softmax, {late}")
    cell(page, 1, 0).click()
    assert said(page).startswith("“see” and “that” may see nothing.")
    cell(page, 0, 3, "weights").hover()
    assert where(page) == "Weight of “run” for “see”: 0.000. “see” may see nothing."
    preset(page, "none")
    assert said(page) == "Masked after the softmax, each row would still sum to 1.00."


def test_each_number_says_where_it_comes_from(opened):
    page = opened(figure())
    state = page_state(page)
    weights, wrong = (np.array(state[name]["weights"]) for name in ("right", "wrong"))

    def context(name, weights):
        terms = " ".join(shown(x, 2) for x in weights[3] * VALUES[:, 1].double().numpy())
        return f"a sum of weight times value: {terms} = {shown(state[name]['context'][3][1])}."

    for part, r, c, words in [
        ("mask", 2, 1, f"“girl” sees “that”: its score, {shown(SCORES[2, 1])}, goes into the softmax."),
        ("mask", 2, 3, f"“girl” does not see “run”: its score, {shown(SCORES[2, 3])}, counts as −∞."),
        ("weights", 2, 1, f"Weight of “that” for “girl”: {weights[2, 1]:.3f}, a share among the 3 that it sees."),
        ("weights", 2, 3, "Weight of “run” for “girl”: 0.000: hidden."),
        ("right", 3, 1, f"Context of “run”, component 2, {context('right', weights)}"),
        ("wrong", 3, 1, f"Context of “run”, component 2, masked too late, {context('wrong', wrong)}"),
    ]:
        cell(page, r, c, part).hover()
        assert where(page) == words
    rows = "(all) => all.map((e) => [e.closest('[data-part]').dataset.part, e.dataset.r])"
    asks = page.locator("[data-asks]").evaluate_all(rows)
    assert asks == [[part, "3"] for part in ("mask", "weights", "right", "wrong")]


def test_to_those_who_listen(opened):
    page = opened(figure())
    names = page.get_by_role("grid").evaluate_all("(all) => all.map((e) => e.getAttribute('aria-label'))")
    assert names == [
        "who sees whom: the space bar changes a cell",
        "weights",
        "contexts, 7 by 5",
        "contexts of the mistake, 7 by 5",
    ]
    assert cell(page, 2, 5).get_attribute("aria-label") == f"girl does not see <b>&, score {shown(SCORES[2, 5], 2)}"
    weight = page_state(page)["right"]["weights"][2][1]
    assert cell(page, 2, 1, "weights").get_attribute("aria-label") == f"weight of that for girl: {weight:.3f}"
    assert page.locator("[aria-live=polite]").count() == 1
    words = " ".join(page.locator(".right .sum").nth(4).text_content().split())
    assert words == "1.00 is what the row of a</script> sums to"


def test_without_html_the_description_stands():
    assert repr(figure()).startswith("Interactive figure: A mask to paint. Each of 7 words asks, a row, and")


# --- operated


def test_keyboard(opened):
    page = opened(figure(), viewport={"width": 760, "height": 400})
    mask = PRESETS["causal"].copy()
    for _ in range(len(PRESETS) + 1):
        page.keyboard.press("Tab")
    assert page_state(page)["here"] == {"part": "mask", "r": 1, "c": 0}
    scrolled = page.evaluate("scrollY")
    r, c = 1, 0
    for key, down, right in [("Space", 0, 0), ("ArrowRight", 0, 1), ("ArrowDown", 1, 0), ("ArrowRight", 0, 1), ("Enter", 0, 0)]:
        page.keyboard.press(key)
        r, c = r + down, c + right
        if key in ("Space", "Enter"):
            mask[r, c] ^= True
        assert cell(page, r, c).evaluate("(e) => e === document.activeElement")
        assert where(page).startswith(f"“{WORDS[r]}” {'sees' if mask[r, c] else 'does not see'} “{WORDS[c]}”")
    assert_shows(page, mask)
    for key, c in [("End", 6), ("ArrowRight", 6), ("Home", 0), ("ArrowLeft", 0)]:
        page.keyboard.press(key)
        assert page_state(page)["here"] == {"part": "mask", "r": 2, "c": c}
    page.wait_for_timeout(200)
    assert page.evaluate("scrollY") == scrolled  # the keys are the figure's, not the page's
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    for part in ("weights", "right", "wrong"):
        page.keyboard.press("Tab")
        assert page_state(page)["here"]["part"] == part
    page.keyboard.press("Space")  # nothing to paint here
    assert_shows(page, mask)


def middle(page, r, c):
    box = cell(page, r, c).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_drag_paints_as_it_began(opened):
    page = opened(figure(), viewport={"width": 760, "height": 900})
    mask = PRESETS["causal"].copy()
    page.mouse.move(*middle(page, 5, 0))
    page.mouse.down()
    for c in range(1, 7):  # the last one is hidden already
        page.mouse.move(*middle(page, 5, c))
    page.mouse.up()
    page.mouse.move(*middle(page, 4, 0))  # no more
    mask[5] = False
    assert_shows(page, mask)
    page.mouse.move(*middle(page, 0, 6))
    page.mouse.down()
    page.mouse.move(*middle(page, 1, 6))
    page.mouse.move(10, 10)  # off the board: it ends
    page.mouse.move(*middle(page, 2, 6))
    page.mouse.up()
    mask[:2, 6] = True
    assert_shows(page, mask)
    assert page.locator(".which").inner_text() == "A mask of your own."
    assert page.locator("[aria-pressed=true]").count() == 0


def test_a_finger_paints(opened):
    page = opened(figure(), viewport={"width": 360, "height": 900}, has_touch=True)
    mask = PRESETS["causal"].copy()
    cell(page, 3, 1).tap()
    cell(page, 0, 5).tap()
    mask[3, 1], mask[0, 5] = False, True
    assert_shows(page, mask)
    touch = page.locator("[data-part=mask] [data-c]").evaluate_all("(all) => all.map((e) => getComputedStyle(e).touchAction)")
    assert set(touch) == {"none"}  # or the page would scroll under a drag


# --- in a page


def test_two_figures_share_nothing(opened):
    one = figure()
    page = opened(one, one)
    page.get_by_role("button", name="blocks").nth(1).click()
    assert page_state(page, 0)["mask"] == PRESETS["causal"].tolist()
    assert page_state(page, 1)["mask"] == PRESETS["blocks"].tolist()
    folder = Path(embedding.__file__).parent
    source = "\n".join((folder / f"{name}.js").read_text() for name in ("mask_painter", "matrices"))
    names = re.findall(r"^(?:function|const|let|var|class) (\w+)", source, re.MULTILINE)
    assert {"softmax", "attend", "matrix"} <= set(names)
    assert page.evaluate("(names) => names.filter((name) => eval(`typeof ${name}`) !== 'undefined')", names) == []


@pytest.mark.parametrize("width", [320, 360, 590, 600, 760, 1200])
def test_fits_the_window(opened, width):
    scores, values = numbers(8, 16, enlarge=4)
    page = opened(figure(["international", *WORDS], scores, values), viewport={"width": width, "height": 800})
    preset(page, "none")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".title, .matrix, .sums").evaluate_all(OVERLAPS) == 0
    if width >= 360:
        assert page.locator("[data-c]").evaluate_all(CUT) == []
    heights = "(all) => all.map((e) => { const b = e.getBoundingClientRect(); return Math.round(b.top + b.height / 2); })"
    for kind in ("right", "wrong"):  # a sum stands beside its row
        assert page.locator(f"[data-part={kind}] [data-r]").evaluate_all(heights) == page.locator(f".{kind} .sum").evaluate_all(
            heights
        )


CONTRASTS = (
    "() => {"
    + LUMINANCE
    + """
    const all = (selector) => [...document.querySelectorAll(selector)], figure = document.querySelector("figure");
    const words = all("p, b, button, [role=rowheader], [role=columnheader], .title span, [data-c]:not([data-hidden])");
    const painted = (variable) => {
        const probe = figure.appendChild(document.createElement("i"));
        probe.style.color = `var(${variable})`;
        return getComputedStyle(probe).color;
    };
    return {
        surface: light(ground(figure)),
        words: Math.min(...words.map((e) => contrast(getComputedStyle(e).color, ground(e)))),
        marks: Math.min(...["--accent", "--above"].map((name) => contrast(painted(name), painted("--field")))),
        hatch: contrast(painted("--quiet"), painted("--field")),
    };
}"""
)


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("says", ["", "light", "dark"])
def test_readable_in_light_and_dark(opened, system, says):
    page = opened(figure(), color_scheme=system, reduced_motion="reduce")
    if says:
        page.evaluate("(theme) => document.documentElement.dataset.theme = theme", says)
    preset(page, "blocks")
    page.locator("[data-c]").first.evaluate("(e) => e.style.setProperty('--tint', 1)")
    got = page.evaluate(CONTRASTS)
    assert got["surface"] < 0.05 if (says or system) == "dark" else got["surface"] > 0.9
    assert got["words"] >= 4.5
    assert got["marks"] >= 3
    assert got["hatch"] >= 3


@pytest.mark.parametrize(("motion", "still"), [("reduce", True), ("no-preference", False)])
def test_respects_reduced_motion(opened, motion, still):
    page = opened(figure(), reduced_motion=motion)
    durations = page.locator("[data-c]").evaluate_all("(all) => all.map((e) => getComputedStyle(e).transitionDuration)")
    assert (set(durations) == {"0s"}) == still


# --- refusals


def test_state_is_json_and_small():
    state = json.loads(figure().state)
    assert state["words"] == WORDS
    assert state["scores"]["shape"] == [T, T]
    html = figure()._repr_html_()
    assert len(html.encode()) < 30_000
    assert "http" not in html


def test_arrays_are_taken_and_gradients_left_out():
    assert figure(scores=SCORES.numpy(), values=VALUES.double().numpy()).state == figure().state
    assert figure(scores=SCORES.clone().requires_grad_()).state == figure().state


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"words": "see that"}, TypeError, "words is 'see that'; expected a list of strings"),
        ({"words": [*WORDS[:6], 7]}, TypeError, "expected a list of strings"),
        ({"words": WORDS[:3]}, ValueError, "words has 3 entries; expected 4 to 8"),
        ({"words": [*WORDS, "a", "b"]}, ValueError, "words has 9 entries; expected 4 to 8"),
        ({"words": [*WORDS[:6], " "]}, ValueError, "expected words to show"),
        ({"scores": SCORES[1:]}, ValueError, "scores has shape (6, 7); expected (7, 7), a row and a column for each word"),
        ({"values": VALUES[1:]}, ValueError, "values has shape (6, 5); expected (7, D) with D from 1 to 16"),
        ({"values": VALUES[:, :0]}, ValueError, "values has shape (7, 0)"),
        ({"values": torch.ones(7, 17)}, ValueError, "values has shape (7, 17)"),
        ({"values": VALUES[0]}, ValueError, "values has shape (5,)"),
        ({"scores": SCORES.int()}, TypeError, "scores has dtype torch.int32; expected floating-point numbers"),
        ({"scores": SCORES.log()}, ValueError, "scores holds a NaN or an infinity"),
    ],
)
def test_refuses_other_words_and_numbers(given, error, message):
    with pytest.raises(error, match=re.escape(message)):
        figure(**given)
