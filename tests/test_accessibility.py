"""The built site for who listens, who has no mouse, who sees few colours or enlarges the page, and who wants nothing to move.

Each page is opened once, from its file, with axe-core in it; the tests look at what was seen there. A rule of axe that is
left out stands in LEFT_OUT or APART with its reason. How each figure answers to keys is tested with that figure.
"""

from dataclasses import dataclass

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from colours import LUMINANCE

from benchmarks.site import pages

pytest_plugins = ["browser"]
pytestmark = pytest.mark.book

WINDOW = {"width": 1280, "height": 900}
WIDTHS = (640, 320)  # what 1280 pixels are at 200 %, and at 400 %
MORE = ["label-content-name-mismatch", "td-has-header"]  # rules that axe calls experimental
LEFT_OUT = {  # rule: the elements that it does not fit
    # whoever speaks a command names a button; cells, choices and the nodes of a tree are chosen in their widget, with keys,
    # and the names that they are heard by say in words what the drawing abbreviates
    "label-content-name-mismatch": ".interactive [role], .interactive .bars button",
}
APART = [".katex-html"]  # the drawing of a formula, hidden from who listens: MathML stands beside it
COLOURS = ["color-contrast", "link-in-text-block"]  # the rules that the dark theme can break anew

# axe compares each piece of text with what is behind it, which takes most of its time. Of the words of a program that are
# coloured alike, one of each page stays an element of its own, and formulas have no drawing any more.
LIGHTEN = """() => {
  document.querySelectorAll(".katex-html").forEach((drawing) => drawing.replaceChildren());
  const known = new Set();
  for (const word of document.querySelectorAll(".bd-article .highlight span[class]")) {
    const kind = `${word.className} in ${word.closest("pre, code").className} ${word.closest(".cell_output") ? "output" : ""}`;
    if (known.has(kind) && !word.childElementCount) word.replaceWith(word.textContent);
    known.add(kind);
  }
}"""
AXE = """async ([rules, more, left_out, apart]) => {
  const enabled = Object.fromEntries(more.map((rule) => [rule, { enabled: true }]));
  const options = { preload: false, resultTypes: ["violations"], rules: enabled, ...(rules && { runOnly: rules }) };
  const { violations } = await axe.run({ exclude: apart }, options);
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target, html }) => [id, target.join(" "), html.slice(0, 160)]))
    .filter(([id, target]) => !(id in left_out && document.querySelector(target)?.matches(left_out[id])));
}"""
FACTS = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const seen = (e) => e.checkVisibility({ visibilityProperty: true });
  const headings = all("main :is(h1, h2, h3, h4, h5, h6)").filter(seen), level = (e) => Number(e.tagName[1]);
  return {
    titles: headings.filter((e) => level(e) === 1).length,
    jumps: headings.filter((e, i) => i && level(e) > level(headings[i - 1]) + 1).map((e) => e.textContent),
    positive: all("[tabindex]").filter((e) => e.tabIndex > 0).map((e) => e.outerHTML.slice(0, 100)),
    unheard: all(".katex").filter((e) => !e.querySelector("math") || !e.querySelector(".katex-html[aria-hidden=true]")).length,
    headless: all("table:not([role])").filter((e) => !e.querySelector("th")).map((e) => e.textContent.slice(0, 60)),
    landmarks: ["main", "nav", "[role=banner]", "[role=search]"].filter((e) => !document.querySelector(e)),
    folded: all("details").filter((e) => !e.querySelector(":scope > summary")).map((e) => e.outerHTML.slice(0, 100)),
    plain: all(".bd-article :is(p, li) a:not(.headerlink)").filter((e) => seen(e) && !e.querySelector("img")
      && !e.closest(".interactive") && getComputedStyle(e).textDecorationLine === "none").map((e) => e.outerHTML.slice(0, 100)),
  };
}"""
ORDER = """() => [...document.querySelectorAll(".bd-article section")].flatMap((section) => {
  const parts = [...section.children].filter((e) => e.offsetHeight && getComputedStyle(e).position !== "absolute");
  const top = (e) => e.getBoundingClientRect().top;
  return parts.filter((e, i) => i && top(e) < top(parts[i - 1]) - 1).map((e) => e.outerHTML.slice(0, 100));
})"""
SCROLLERS = """() => [...document.querySelectorAll("body *")].filter((e) => {
  const { overflowX, overflowY } = getComputedStyle(e), goes = (how) => how === "auto" || how === "scroll";
  const more = goes(overflowX) && e.scrollWidth > e.clientWidth + 1 || goes(overflowY) && e.scrollHeight > e.clientHeight + 1;
  return more && e.clientWidth > 1 && e.checkVisibility({ visibilityProperty: true });
}).filter((e) => !(e.tabIndex >= 0 && (e.ariaLabel || e.labels?.length || e.getAttribute("aria-labelledby")))
  && ![...e.querySelectorAll("a, button, input, summary, [tabindex]")].some((within) => within.tabIndex >= 0))
  .map((e) => e.outerHTML.slice(0, 100))"""
WIDE = """() => {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const boxed = (e) => e && e !== document.body && (getComputedStyle(e).overflowX !== "visible" || boxed(e.parentElement));
  const out = (e) => e.getBoundingClientRect().right > innerWidth && !boxed(e);
  const over = [...document.querySelectorAll("body *")].filter(out);
  return [document.documentElement.scrollWidth, ...over.slice(0, 3).map((e) => e.outerHTML.slice(0, 100))];
}"""
# Sidebars slide, and what watches sizes hears of it a frame later.
SETTLE = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  await Promise.allSettled(document.getAnimations().filter((a) => a instanceof CSSTransition).map(({ finished }) => finished));
  await frame();
  await frame();
}"""
MOVES = """() => {
  const longest = (list) => Math.max(...list.split(",").map((each) => parseFloat(each) * (each.includes("ms") ? 0.001 : 1)));
  const moves = (style) => longest(style.transitionDuration) > 0.01 || style.animationName !== "none";
  const parts = (e) => ["", "::before", "::after"].map((part) => getComputedStyle(e, part));
  const running = document.getAnimations().map(({ effect }) => effect.target).filter((e) => e.closest(".interactive"));
  return [...document.querySelectorAll(".interactive, .interactive *")].filter((e) => parts(e).some(moves)).concat(running)
    .map((e) => e.outerHTML.slice(0, 100));
}"""
# Behind a text of a drawing is its halo, or the last filled shape before it that lies under its middle, or else the page.
DRAWN = (
    "() => {"
    + LUMINANCE
    + """
  const clear = (colour) => colour === "none" || colour === "transparent" || /, 0\\)$/.test(colour);
  const mix = (share, colour, behind) => share < 1 ? `color-mix(in srgb, ${colour} ${100 * share}%, ${behind})` : colour;
  const opacity = (e) => e.tagName === "svg" ? 1 : getComputedStyle(e).opacity * opacity(e.parentElement);
  const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && opacity(e) > 0.05;
  const under = (text, svg) => {
    const { x, y, width, height } = text.getBoundingClientRect(), [across, down] = [x + width / 2, y + height / 2];
    const holds = (r) => r.left <= across && across <= r.right && r.top <= down && down <= r.bottom;
    const before = [...svg.querySelectorAll("rect, circle")].filter((e) => !clear(getComputedStyle(e).fill) && shown(e)
      && holds(e.getBoundingClientRect()) && e.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING);
    return before.reduce((behind, e) => mix(opacity(e), getComputedStyle(e).fill, behind), ground(svg));
  };
  const poor = [];
  for (const svg of document.querySelectorAll(".interactive svg, svg[role]")) {
    for (const text of svg.querySelectorAll("text, tspan")) {
      const { stroke } = getComputedStyle(text), behind = clear(stroke) ? under(text, svg) : stroke; // a stroke is a halo
      const ratio = contrast(mix(opacity(text), getComputedStyle(text).fill, behind), behind);
      if (shown(text) && text.textContent.trim() && ratio < 4.5) poor.push([ratio, text.outerHTML.slice(0, 100)]);
    }
    for (const mark of svg.querySelectorAll("path, circle")) {
      const { fill, stroke } = getComputedStyle(mark), painted = [fill, stroke].filter((colour) => !clear(colour));
      if (!painted.length || !shown(mark) || mark.closest(".grid, .rings")) continue; // those only help to read off
      const behind = ground(svg), against = (colour) => contrast(mix(opacity(mark), colour, behind), behind);
      const ratio = Math.max(...painted.map(against));
      if (ratio < 3) poor.push([ratio, mark.outerHTML.slice(0, 100)]);
    }
  }
  return poor;
}"""
)
REACHABLE = """(figure) => [...figure.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
  .filter((e) => e.tabIndex >= 0 && !e.disabled && !(e.type === "radio" && !e.checked))
  .filter((e) => e.checkVisibility({ visibilityProperty: true }))"""
STOP = (
    "() => {"
    + LUMINANCE
    + """
  const e = document.activeElement, radio = e.type === "radio" && getComputedStyle(e).opacity === "0";
  const shows = radio ? e.nextElementSibling : e; // what stands for it
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(shows);
  const drawn = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  const { left, right, top, bottom } = shows.getBoundingClientRect();
  return {
    inside: Boolean(e.closest(".interactive")),
    html: e.outerHTML.slice(0, 100),
    seen: drawn && contrast(outlineColor, ground(shows.parentElement)) >= 3,
    place: [left, right, top + scrollY, bottom + scrollY],
  };
}"""
)


@dataclass
class Sight:
    """What was seen of one page."""

    light: list  # what axe says: rule, where, what
    dark: list
    facts: dict
    moves: list
    drawn: dict  # theme -> texts and marks of drawings with too little contrast
    disorder: dict  # width -> what stands above that which comes before it
    wide: dict  # width -> what makes the page scroll sideways
    stuck: dict  # width -> what scrolls, but not with keys
    walks: list  # what is wrong with the way through each figure


def walk(page, figure) -> list:
    """Go through a figure with Tab: what is not reached, not named, not seen to have the focus, or out of order; no way out."""
    reachable = figure.evaluate_handle(REACHABLE)
    count = reachable.evaluate("(all) => all.length")
    reachable.evaluate("(all) => all[0].focus({ focusVisible: true })")
    client = page.context.new_cdp_session(page)
    wrong, reached, before = [], 0, None
    for _ in range(count + 1):
        stop = page.evaluate(STOP)
        if not stop["inside"]:
            break
        reached += reachable.evaluate("(all) => all.includes(document.activeElement)")
        active = client.send("Runtime.evaluate", {"expression": "document.activeElement"})["result"]["objectId"]
        heard = client.send("Accessibility.getPartialAXTree", {"objectId": active, "fetchRelatives": False})["nodes"][0]
        role, name = (heard.get(what, {}).get("value", "") for what in ("role", "name"))
        if not name.strip() or role in ("", "generic", "none"):
            wrong.append(f"no name or role ({role}, {name!r}): {stop['html']}")
        if not stop["seen"]:
            wrong.append(f"no focus to be seen: {stop['html']}")
        if before and stop["place"][3] <= before[2] and stop["place"][1] <= before[0]:
            wrong.append(f"goes back, up and to the left: {stop['html']}")
        before = stop["place"]
        page.keyboard.press("Tab")
    else:
        wrong.append("no way out")
    if reached != count:
        wrong.append(f"{reached} of {count} controls reached")
    client.detach()
    return wrong


def resize(page, width):
    page.set_viewport_size({"width": width, "height": WINDOW["height"]})
    page.evaluate(SETTLE)


@pytest.fixture(scope="session")
def sights(site, visit):
    """The address of each page, relative to the site -> what was seen there."""
    found = {}
    for name in pages(site):
        with visit((site / name).as_uri(), viewport=WINDOW, color_scheme="light", reduced_motion="reduce") as seen:
            page = seen.page
            facts, moves, drawn = page.evaluate(FACTS), page.evaluate(MOVES), {"light": page.evaluate(DRAWN)}
            walks = [wrong for figure in page.locator("figure.interactive").all() if (wrong := walk(page, figure))]
            disorder, wide, stuck = {WINDOW["width"]: page.evaluate(ORDER)}, {}, {}
            for width in WIDTHS:
                resize(page, width)
                disorder[width], wide[width], stuck[width] = map(page.evaluate, (ORDER, WIDE, SCROLLERS))
            resize(page, WINDOW["width"])
            page.evaluate(LIGHTEN)
            page.evaluate(SETTLE)
            page.add_script_tag(path=AXE_FILE_PATH)
            light = page.evaluate(AXE, [None, MORE, LEFT_OUT, APART])
            page.evaluate("document.documentElement.dataset.theme = 'dark'")
            drawn["dark"] = page.evaluate(DRAWN)
            dark = page.evaluate(AXE, [COLOURS, [], LEFT_OUT, APART])
            found[name] = Sight(light, dark, facts, moves, drawn, disorder, wide, stuck, walks)
    return found


def each(sights, of):
    """Page -> of(what was seen there), where that is not empty."""
    return {name: value for name, sight in sights.items() if (value := of(sight))}


def at_any_width(sights, of):
    return each(sights, lambda s: {width: found for width, found in of(s).items() if found})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_barrier(sights, theme):
    assert each(sights, lambda s: getattr(s, theme)) == {}


@pytest.mark.parametrize("what", ["jumps", "positive", "unheard", "headless", "landmarks", "folded", "plain"])
def test_pages_say_how_they_are_built(sights, what):
    """Headings nest, no tab stop jumps the queue, formulas and tables can be heard, folds open, links are underlined."""
    assert each(sights, lambda s: s.facts[what]) == {}


def test_every_page_has_one_title(sights):
    assert each(sights, lambda s: s.facts["titles"] != 1) == {}


def test_what_is_read_first_stands_first(sights):
    assert at_any_width(sights, lambda s: s.disorder) == {}


def test_no_page_scrolls_sideways_when_it_is_enlarged(sights):
    assert at_any_width(sights, lambda s: s.wide) == {}


def test_what_scrolls_is_scrolled_with_keys(sights):
    assert at_any_width(sights, lambda s: s.stuck) == {}


def test_tab_leads_through_every_figure_and_on(sights):
    assert each(sights, lambda s: s.walks) == {}


def test_nothing_moves_for_who_wants_it_still(sights):
    assert each(sights, lambda s: s.moves) == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_drawings_can_be_read(sights, theme):
    assert each(sights, lambda s: s.drawn[theme]) == {}
