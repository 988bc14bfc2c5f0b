import json
import re
from pathlib import Path

import numpy as np
import pytest
from colours import LUMINANCE

from utils.figures import embed as embedding
from utils.figures.reservoir_dial import MEMORY, STEPS, draw_reservoir, reservoir_dial
from utils.reservoir import Reservoir, forgetting, memory_capacity, run, spectral_radius

pytest_plugins = ["browser"]

STATE = draw_reservoir(np.random.default_rng(0), 40)
ARRAYS = {name: STATE[name].astype(np.float64) for name in ("W_in", "W", "start", "noise")}
INPUTS = ["a pulse", "a sine", "random numbers", "Mackey-Glass", "nothing"]
SETTINGS = [  # radius, leak, input scale; where no run is chaotic
    (0.9, 0.5, 0.5),
    (0.0, 1.0, 1.0),
    (0.0, 0.05, 0.0),
    (0.5, 0.05, 2.0),
    (0.95, 1.0, 0.0),
    (1.0, 1.0, 0.05),
    (1.2, 0.3, 2.0),
]


def page_state(page, figure=0):
    """What the figure computed, its arrays as lists."""
    plain = "({ state }) => JSON.stringify(state, (_, value) => ArrayBuffer.isView(value) ? [...value] : value)"
    state = json.loads(page.locator("figure.interactive").nth(figure).evaluate(plain))
    return {name: np.array(value) if isinstance(value, list) else value for name, value in state.items()}


def choose(page, radius, leak, scale, words="random numbers"):
    """Move everything at once, in the first figure of the page: one redraw."""
    page.locator("form").first.evaluate(
        """(form, [radius, leak, scale, input]) => {
            Object.entries({ radius, leak, scale, input }).forEach(([name, value]) => { form.elements[name].value = value; });
            for (const event of ["input", "change"]) form.dispatchEvent(new Event(event));
        }""",
        [radius, leak, scale, INPUTS.index(words)],
    )


def network(radius, leak, scale):
    """The reservoir that the page runs."""
    W_in = np.stack([np.zeros(40), scale * ARRAYS["W_in"]])
    return Reservoir(W_in, radius * ARRAYS["W"], leak)


def driven(words):
    return STATE["inputs"][words].astype(np.float64)[:, None]


def capacities(reservoir):
    """The memory as the page must show it: 0 where the readout says the same at each step, which has no correlation."""
    states = run(reservoir, ARRAYS["noise"][None, :, None])[0]
    if not states.any():
        return np.zeros(MEMORY["delays"])
    options = {"washout": MEMORY["washout"], "beta": MEMORY["beta"]}
    return memory_capacity(ARRAYS["noise"], states, MEMORY["delays"], **options)


def answer(page, kind):
    return " ".join(page.locator(f".{kind} .answer").inner_text().split())


def spoken(page):
    return page.locator("[aria-live=polite]").inner_text()


# --- the numbers


@pytest.mark.parametrize("words", INPUTS)
def test_page_runs_as_python_does(opened, words):
    page = opened(reservoir_dial())
    start, u = ARRAYS["start"], driven(words)
    for setting in SETTINGS:
        choose(page, *setting, words)
        state, reservoir = page_state(page), network(*setting)
        for name, x in (("first", start), ("second", -start)):
            expected = np.concatenate([x[None], run(reservoir, u[None], x[None])[0]])
            np.testing.assert_allclose(state[name], expected, rtol=0, atol=1e-9)
        distances = forgetting(reservoir, u, start, -start) / np.linalg.norm(2 * start)
        np.testing.assert_allclose(state["distances"], [1, *distances], rtol=1e-5, atol=1e-12)
        below = [n for n in range(1, STEPS + 1) if (distances[n - 1 :] < 1e-3).all()]
        assert state["forgotten"] == (below[0] if below else None)
        late = state["first"][-101:]
        assert state["swing"] == pytest.approx(np.abs(late[1:]).mean())
        assert state["change"] == pytest.approx(np.abs(np.diff(late, axis=0)).mean())


@pytest.mark.parametrize("leak", [0.05, 0.5, 1.0])
def test_page_recalls_as_python_does(opened, leak):
    page = opened(reservoir_dial())
    for radius, scale in [(0, 1), (0.6, 2), (0.95, 0.05), (1.0, 0), (1.1, 0.5)]:
        choose(page, radius, leak, scale)
        state, expected = page_state(page), capacities(network(radius, leak, scale))
        np.testing.assert_allclose(state["r2"], expected, rtol=0, atol=1e-5)
        assert state["capacity"] == pytest.approx(expected.sum(), abs=1e-5)


@pytest.mark.parametrize("words", ["a sine", "random numbers", "nothing"])
def test_chaos_obeys_the_same_equation(opened, words):
    """At radius 2 rounding grows to the size of the states in about a hundred steps: no two programs agree for longer.

    So the first steps are Python's, each later one is Python's step from the page's own state, and capacities are alike.
    """
    page = opened(reservoir_dial())
    for leak, scale in [(1.0, 0.5), (1.0, 0.0), (0.5, 0.5)]:
        choose(page, 2, leak, scale, words)
        state, reservoir, u = page_state(page), network(2, leak, scale), driven(words)
        for name, x in (("first", ARRAYS["start"]), ("second", -ARRAYS["start"])):
            alone = run(reservoir, u[None, :25], x[None])[0]
            np.testing.assert_allclose(state[name][1:26], alone, rtol=0, atol=1e-5)
            np.testing.assert_allclose(state[name][1:], reservoir.step(u @ reservoir.W_in[1:], state[name][:-1]), atol=1e-12)
        assert state["forgotten"] is None
        assert state["capacity"] == pytest.approx(capacities(reservoir).sum(), abs=1)


@pytest.mark.parametrize("setting", [(0.9, 0.5), (1.0, 1.0), (2.0, 0.05), (0.0, 0.3)])
def test_eigenvalues(opened, setting):
    page = opened(reservoir_dial())
    radius, leak = setting
    choose(page, radius, leak, 1)
    state, W = page_state(page), radius * ARRAYS["W"]
    for name, matrix in (("of_W", W), ("of_map", (1 - leak) * np.eye(40) + leak * W)):
        got, expected = state[name] @ [1, 1j], np.linalg.eigvals(matrix)
        assert np.abs(got[:, None] - expected).min(0).max() < 1e-5
        assert np.abs(got[:, None] - expected).min(1).max() < 1e-5
    assert state["largest"] == pytest.approx(np.abs(state["of_map"] @ [1, 1j]).max())
    outside = sum(abs(expected) > 1 + 1e-6)
    assert f"{outside or 'None'} of the dots" in answer(page, "plane")


def test_what_python_draws():
    assert spectral_radius(STATE["W"].astype(np.float64)) == pytest.approx(1, abs=1e-5)
    assert list(STATE["inputs"]) == INPUTS
    for u in STATE["inputs"].values():
        assert u.shape == (STEPS,) and np.abs(u).max() <= 1
    assert not STATE["inputs"]["nothing"].any()
    assert STATE["inputs"]["a pulse"].nonzero()[0].tolist() == list(range(100, 110))
    again, other = (draw_reservoir(np.random.default_rng(seed), 40) for seed in (0, 1))
    assert (again["W"] == STATE["W"]).all() and (other["W"] != STATE["W"]).any()


# --- what the reader finds


def test_without_input_the_radius_decides(opened):
    page = opened(reservoir_dial())
    for radius, forgets in [(0.5, True), (0.9, True), (1.0, False), (1.05, False), (1.5, False), (2.0, False)]:
        choose(page, radius, 1, 1, "nothing")
        assert (page_state(page)["forgotten"] is not None) == forgets
        assert answer(page, "distance").startswith("Forgotten" if forgets else "Not forgotten")
        assert page.locator(".moment").is_visible() == forgets


def test_strong_input_makes_it_forget_above_one(opened):
    page = opened(reservoir_dial())
    choose(page, 1.2, 1, 0)
    assert page_state(page)["forgotten"] is None
    choose(page, 1.2, 1, 2)
    assert page_state(page)["forgotten"] < 50
    assert "11 of the dots are outside" in answer(page, "plane")


def test_a_small_leak_is_slow(opened):
    page = opened(reservoir_dial())
    changes = []
    for leak in (1, 0.5, 0.2, 0.05):
        choose(page, 0.9, leak, 0.5, "a pulse")
        changes.append(page_state(page)["change"])
    assert changes == sorted(changes, reverse=True)
    assert changes[-1] < changes[0] / 5


def test_memory_is_longest_near_one(opened):
    page = opened(reservoir_dial())
    found = {}
    for radius in (0, 0.5, 0.8, 0.95, 1.1, 1.3, 2):
        choose(page, radius, 1, 0.1)
        found[radius] = page_state(page)["capacity"]
    assert max(found, key=found.get) == 0.95
    assert found[2] < found[0.5] < found[0.8] < 40


# --- what is drawn and said


def test_untouched_figure_speaks(opened):
    page = opened(reservoir_dial())
    state = page_state(page)
    assert (state["radius"], state["leak"], state["scale"]) == (0.9, 0.5, 0.5)
    assert page.locator("input:checked").evaluate("(e) => e.labels[0].innerText") == "a pulse"
    expected = f"Forgotten after {state['forgotten']} steps. Largest eigenvalue, with the leak, {state['largest']:.2f}. "
    assert spoken(page) == expected + f"Memory capacity {state['capacity']:.1f}."
    assert 20 < state["forgotten"] < 100  # before the pulse
    for kind, words in [
        ("states", "Five of the 40 units, each from −1 to 1,"),
        ("distance", f"Forgotten after {state['forgotten']} steps: from there on the runs are less than 1/1000 as far apart"),
        ("plane", "None of the dots are outside the unit circle: without input, small states die out."),
        ("memory", f"Memory capacity {state['capacity']:.1f}, at most 40: the sum of the bars"),
    ]:
        assert words in answer(page, kind)


def points(page, selector):
    """The points of a line, (n, height)."""
    path = page.locator(selector).get_attribute("d")
    return np.array([[float(x) for x in point.split()] for point in path[1:].split("L")])


@pytest.mark.parametrize("words", ["a sine", "nothing"])
def test_drawings_are_the_numbers(opened, words):
    page = opened(reservoir_dial())
    choose(page, 0.8, 0.9, 0.7, words)
    state, steps = page_state(page), np.arange(STEPS + 1)
    u = driven(words)[:, 0]
    np.testing.assert_allclose(points(page, ".states .input"), np.stack([steps[1:], 0.5 - 0.42 * u], 1), atol=1e-3)
    for kind in ("first", "second"):
        for i in range(5):
            drawn = points(page, f".states path.{kind} >> nth={i}")
            np.testing.assert_allclose(drawn, np.stack([steps, i + 1.5 - 0.42 * state[kind][:, i]], 1), atol=1e-3)
    shown = np.maximum(np.stack([state["distances"], state["largest"] ** steps]), 1e-20)
    for kind, values in zip(("first", "theory"), shown):
        np.testing.assert_allclose(points(page, f".distance .{kind}"), np.stack([steps, 0.5 - np.log10(values)], 1), atol=1e-3)
    bars = re.findall(r"M([\d.]+) 1V([\d.]+)h", page.locator(".bars").get_attribute("d"))
    places, tops = np.array(bars, float).T
    np.testing.assert_allclose(places, np.arange(40) + 0.15, atol=1e-9)
    np.testing.assert_allclose(1 - tops, state["r2"], atol=1e-4)
    for kind, values in (("ring", "of_W"), ("dot", "of_map")):
        centres = "(all) => all.map(({ cx, cy }) => [cx.baseVal.value, -cy.baseVal.value])"
        drawn = page.locator(f"circle.{kind}").evaluate_all(centres)
        np.testing.assert_allclose(drawn, state[values], atol=1e-5)
    mark, plot = page.locator(".moment").bounding_box(), page.locator(".distance .plot").bounding_box()
    assert mark["x"] + mark["width"] / 2 == pytest.approx(plot["x"] + plot["width"] * state["forgotten"] / STEPS, abs=1)
    assert mark["y"] + mark["height"] / 2 == pytest.approx(plot["y"] + plot["height"] * 3.5 / 9.5, abs=1)


def test_extremes_are_drawn(opened):
    page = opened(reservoir_dial())
    for setting in [(0, 1, 0), (0, 0.05, 2), (2, 0.05, 0), (2, 1, 2)]:
        choose(page, *setting, "nothing")
        shown = page.locator(".panel").evaluate("(panel) => panel.innerHTML")
        assert not re.search("NaN|Infinity|undefined|null", shown)


# --- operated


def test_keyboard(opened):
    page = opened(reservoir_dial())
    focused = "document.activeElement.ariaLabel ?? document.activeElement.labels?.[0].innerText ?? 'nowhere'"
    presses = [
        ("spectral radius", "ArrowRight", 0.95, "radius"),
        ("leaking rate", "Home", 0.05, "leak"),
        ("input scale", "End", 2, "scale"),
    ]
    for name, key, value, of in presses:
        page.keyboard.press("Tab")
        assert page.evaluate(focused) == name
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        before = spoken(page)
        page.keyboard.press(key)
        assert page_state(page)[of] == pytest.approx(value)
        assert page.locator(".dials label", has=page.get_by_label(name, exact=True)).locator("b").inner_text() == f"{value:.2f}"
        assert spoken(page) != before
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "a pulse"
    before = page_state(page)["first"]
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == "a sine"
    assert (page_state(page)["first"] != before).any()
    page.evaluate("document.forms[0].requestSubmit()")  # as some browsers do on Enter: nothing is sent
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BODY"  # and out again


def test_a_drag_is_spoken_at_its_end(opened):
    page = opened(reservoir_dial())
    box, before = page.get_by_label("spectral radius").bounding_box(), spoken(page)
    page.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2)
    assert page_state(page)["radius"] == pytest.approx(1.6, abs=0.1)
    assert spoken(page) == before
    page.mouse.up()
    assert f"Memory capacity {page_state(page)['capacity']:.1f}." in spoken(page) != before


# --- in a page


def test_two_figures_share_nothing(opened):
    page = opened(reservoir_dial(), reservoir_dial(seed=1, units=12))
    page.get_by_label("spectral radius").nth(1).fill("0.3")
    page.get_by_label("nothing", exact=True).nth(1).check()
    first, second = page_state(page, 0), page_state(page, 1)
    assert (first["radius"], second["radius"]) == (0.9, 0.3)
    assert (first["first"].shape, second["first"].shape) == ((STEPS + 1, 40), (STEPS + 1, 12))
    assert page.locator("input:checked").count() == 2
    names = re.findall(
        r"^(?:function|const) (\w+)", (Path(embedding.__file__).parent / "reservoir_dial.js").read_text(), re.MULTILINE
    )
    assert {"run", "reservoir_dial"} <= set(names)
    assert page.evaluate("(names) => names.filter((name) => eval(`typeof ${name}`) !== 'undefined')", names) == []


@pytest.mark.parametrize("width", [320, 360, 652, 670, 704, 1200])
def test_fits_the_window_and_stands_still(opened, width):
    page = opened(reservoir_dial(), viewport={"width": width, "height": 800})
    box = page.locator("figure").bounding_box()
    outside = """(parts, { x, width }) => parts.map((part) => part.getBoundingClientRect())
        .filter(({ left, right }) => left < right && (left < x || right > x + width)).length"""
    places = "(plots) => plots.map((plot) => JSON.stringify(plot.getBoundingClientRect()))"
    before = page.locator(".plot").evaluate_all(places)
    for setting, words in [((2, 1, 2), "random numbers"), ((1, 1, 0), "nothing"), ((1.05, 0.05, 1), "Mackey-Glass")]:
        choose(page, *setting, words)
        assert page.locator("figure :not(svg *)").evaluate_all(outside, box) == 0
        assert page.locator(".plot").evaluate_all(places) == before
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_folds_on_a_phone(opened):
    page = opened(reservoir_dial(), viewport={"width": 360, "height": 800})
    for kind in ("states", "distance", "plane", "memory"):
        assert page.locator(f".{kind}").bounding_box()["width"] > 280
    assert page.get_by_label("spectral radius").bounding_box()["width"] > 280


CONTRASTS = (
    "() => {"
    + LUMINANCE
    + """
    const surface = getComputedStyle(document.querySelector("figure")).backgroundColor;
    const all = (selector, colour) =>
        [...document.querySelectorAll(selector)].map((e) => contrast(getComputedStyle(e)[colour], surface));
    return {
        surface: light(surface),
        words: Math.min(...all(".panel span, .panel p, .panel b, .panel strong, legend, figcaption", "color")),
        marks: Math.min(...all("path:not(.grid, .bars), circle:not(.dot)", "stroke"), ...all(".dot, .bars", "fill")),
    };
}"""
)


@pytest.mark.parametrize("system", ["light", "dark"])
@pytest.mark.parametrize("says", ["", "light", "dark"])
def test_readable_in_light_and_dark(opened, system, says):
    page = opened(reservoir_dial(), color_scheme=system)
    if says:
        page.evaluate("(theme) => document.documentElement.dataset.theme = theme", says)
    got = page.evaluate(CONTRASTS)
    assert got["surface"] < 0.05 if (says or system) == "dark" else got["surface"] > 0.9
    assert got["words"] >= 4.5
    assert got["marks"] >= 3


def test_nothing_moves_by_itself(opened):
    page = opened(reservoir_dial(), reduced_motion="no-preference")
    page.get_by_label("spectral radius").fill("1.4")
    assert page.evaluate("document.getAnimations().length") == 0


def test_every_control_has_a_name(opened):
    page = opened(reservoir_dial())
    assert page.get_by_role("slider").count() == 3
    assert page.get_by_role("group", name="input u(n)").get_by_role("radio").count() == 5
    unnamed = "[...document.querySelectorAll('input')].filter((e) => !e.ariaLabel && !e.labels.length).length"
    assert page.evaluate(unnamed) == 0
    assert page.locator("figure > figcaption").inner_text().startswith("A reservoir and its dials. A reservoir of 40 random")


def test_without_html_the_description_stands():
    figure = reservoir_dial()
    assert repr(figure).startswith("Interactive figure: A reservoir and its dials. A reservoir of 40 random units")
    assert set(json.loads(figure.state)) == {"W", "W_in", "eigenvalues", "start", "noise", "inputs", "memory"}
    assert "http" not in figure._repr_html_()
    assert len(figure._repr_html_().encode()) < 45_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "seed is -1; expected a whole number from 0"),
        ({"seed": 0.5}, "seed is 0.5; expected a whole number from 0"),
        ({"units": 4}, "units is 4; expected a whole number from 5 to 60"),
        ({"units": 61}, "units is 61; expected a whole number from 5 to 60"),
        ({"units": 40.0}, "units is 40.0; expected a whole number from 5 to 60"),
    ],
)
def test_refuses_other_arguments(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        reservoir_dial(**arguments)
