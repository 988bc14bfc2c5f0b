import math
import random
import re

import pytest
import torch

from utils.decoding import beam_search, exhaustive, greedy, matrix_step, ranks
from utils.figures.beam_tree import beam_tree, beam_tree_by_time

pytest_plugins = ["browser"]

TOKENS = ["a", "the", "dog", "cat", "</s>"]
START = [0.5, 0.4, 0.05, 0.05, 0.0]
TABLE = [[0, 0, 0.45, 0.45, 0.1], [0, 0, 0.85, 0.1, 0.05], [0.1, 0.1, 0, 0, 0.8], [0.1, 0.1, 0, 0, 0.8]]
TOY = [[0.1, 0.2, 0.3, 0.4, 0.5], [0.5, 0.4, 0.3, 0.2, 0.1]] * 5


def default_figure(**options):
    return beam_tree(TOKENS, START, TABLE, end="</s>", **options)


def page_state(page, figure=0):
    """What the figure says it shows, its hypotheses as (tokens, score)."""
    return (
        page.locator("figure.interactive")
        .nth(figure)
        .evaluate(
            """({ state: { levels, best, greedy, model, t, count } }) => {
            const plain = (x) => x && [x.sequence, x.score];
            const level = ({ candidates, running, finished }) => ({ candidates: candidates.map((x) => [...plain(x), x.fate]),
                running: running.map(plain), finished: finished.map(plain) });
            return { levels: levels.map(level), best: plain(best), greedy: plain(greedy), table: model.table, t, count };
        }"""
        )
    )


def python_model(table, by_time, end):
    """The same model for utils.decoding: (step, start)."""
    rows = torch.tensor(table, dtype=torch.float64).log()
    if by_time:
        return matrix_step(rows), torch.tensor([0])
    V = rows.shape[1]
    after = iter(rows[1:])
    by_token = torch.stack([*(torch.zeros(V) if token == end else next(after) for token in range(V)), rows[0]])
    return lambda state, tokens: (by_token[tokens], state), torch.tensor([V])


def hypotheses(decoded):
    """The possible ones of the first input, as the page has them."""
    found = zip(decoded.sequences[0].tolist(), decoded.lengths[0].tolist(), decoded.scores[0].tolist())
    return [(sequence[:length], score) for sequence, length, score in found if score > -math.inf]


def assert_same(got, expected):
    assert [sequence for sequence, _ in got] == [sequence for sequence, _ in expected]
    assert [score for _, score in got] == pytest.approx([score for _, score in expected], abs=1e-9)


def assert_page_is_python(page, *, by_time, end, beams, steps, penalty):
    state = page_state(page)
    step, start = python_model(state["table"], by_time, end)
    found = beam_search(step, None, start, steps, beams, eos=end, penalty=penalty)
    assert_same(state["levels"][-1]["finished"], hypotheses(found))
    alone = greedy(step, None, start, steps, eos=end)
    assert_same([state["greedy"]], [(alone.sequences[0, : alone.lengths[0]].tolist(), alone.scores[0].item())])
    if len(state["table"][0]) ** steps <= 20_000:
        every = exhaustive(step, None, start, steps, eos=end, penalty=penalty)
        assert state["count"] == every.sequences.shape[1]
        assert_same([state["best"]], hypotheses(every)[:1])
        behind = (ranks(every, penalty)[0, 0] - ranks(found, penalty)[0, 0]).item()
        assert ("found the best one" if behind < 1e-9 else "missed it") in page.locator(".verdict").inner_text()
    rows = page.locator("tbody tr").all_inner_texts()
    shown = [row.split("\t") for row in rows]
    assert [float(row[3]) for row in shown] == pytest.approx([-s / math.log(2) for _, s in hypotheses(found)], abs=6e-4)
    assert [float(row[4]) for row in shown] == pytest.approx([-s for _, s in hypotheses(found)], abs=6e-4)
    scores = ranks(found, penalty)[0][: len(rows)] / -math.log(2)
    assert [float(row[5]) for row in shown] == pytest.approx(scores.tolist(), abs=6e-4)


def choose(page, beams, steps, penalty):
    for place, value in enumerate((beams, steps, penalty)):
        page.get_by_role("slider").nth(place).fill(str(value))


# --- the numbers


@pytest.mark.parametrize("penalty", [0, 0.7, 1.5])
@pytest.mark.parametrize("beams", [1, 2, 3, 4, 5])
def test_page_searches_as_python_does(opened, beams, penalty):
    page = opened(default_figure())
    for steps in (2, 3, 5):
        choose(page, beams, steps, penalty)
        assert_page_is_python(page, by_time=False, end=4, beams=beams, steps=steps, penalty=penalty)


@pytest.mark.parametrize("beams", [1, 3, 5])
@pytest.mark.parametrize("end", [None, 0, 1, 2])
def test_other_models(opened, beams, end):
    generator = random.Random(beams)
    tokens, draw = ["x", "y", "z"], lambda: [generator.random() for _ in range(3)]
    start, table = draw(), [draw() for _ in range(3 - (end is not None))]
    page = opened(beam_tree(tokens, start, table, beams=beams, steps=9, end=None if end is None else tokens[end]))
    for penalty in (0, 1):
        choose(page, beams, 9, penalty)
        assert_page_is_python(page, by_time=False, end=end, beams=beams, steps=9, penalty=penalty)


def test_toy_matrix_to_the_digit(opened):
    page = opened(beam_tree_by_time(list("01234"), TOY, beams=3))
    assert_same(
        page_state(page)["levels"][-1]["finished"],
        [
            ([4, 0, 4, 0, 4, 0, 4, 0, 4, 0], -6.931471805599453),
            ([4, 0, 4, 0, 4, 0, 4, 0, 4, 1], -7.154615356913663),
            ([4, 0, 4, 0, 4, 0, 4, 0, 3, 0], -7.154615356913663),
        ],
    )
    for beams in (1, 3, 5):
        for steps in (3, 10):
            choose(page, beams, steps, 0)
            assert_page_is_python(page, by_time=True, end=None, beams=beams, steps=steps, penalty=0)
    assert page.locator(".given output").first.inner_text() == "1.5 ≠ 1"
    choose(page, 3, 10, 0)
    page.get_by_role("button", name="normalise rows").click()
    assert page_state(page)["table"] == [[p / 1.5 for p in row] for row in TOY]
    best, second, _ = page_state(page)["levels"][-1]["finished"]
    assert [-best[1], -second[1]] == pytest.approx([10.986, 11.209], abs=5e-4)
    assert set(page.locator(".given output").all_inner_texts()) == {"1"}


def test_equal_scores_keep_the_order(opened):
    page = opened(beam_tree(["a", "b", "c"], [0.25] * 3, [[0.25] * 3] * 3, beams=4, steps=3))
    assert_page_is_python(page, by_time=False, end=None, beams=4, steps=3, penalty=0)
    finished = page_state(page)["levels"][-1]["finished"]
    assert [sequence for sequence, _ in finished] == [[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 1, 0]]


def test_of_equal_sequences_the_shorter_is_the_best(opened):
    table = [[0, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0.5]]
    page = opened(beam_tree(["x", "y", "z", "</s>"], [0.5, 1, 0, 0], table, end="</s>"))
    assert page_state(page)["best"] == [[0, 3], math.log(0.5)]  # and not y z </s>
    assert_page_is_python(page, by_time=False, end=3, beams=2, steps=4, penalty=0)


def test_edited_numbers(opened):
    page = opened(default_figure(beams=3))
    page.get_by_label("after the: p(dog)").fill("0.05")
    page.get_by_label("start: p(</s>)").fill("1e-1")
    page.get_by_label("after a: p(a)").fill("1")
    table = [[*START[:4], 0.1], [1, *TABLE[0][1:]], [0, 0, 0.05, 0.1, 0.05], *TABLE[2:]]
    assert page_state(page)["table"] == table
    assert_page_is_python(page, by_time=False, end=4, beams=3, steps=4, penalty=0)
    assert page.locator(".given output").all_inner_texts() == ["1.1 ≠ 1", "2 ≠ 1", "0.2 ≠ 1", "1", "1"]
    page.get_by_role("button", name="normalise rows").click()
    assert page_state(page)["table"] == [[p / sum(row) for p in row] for row in table]
    assert_page_is_python(page, by_time=False, end=4, beams=3, steps=4, penalty=0)


def test_fates_are_those_of_the_search(opened):
    page = opened(default_figure())
    first, second, third = page_state(page)["levels"]  # the search stops at step 3
    assert [fate for *_, fate in first["candidates"]] == ["kept", "kept", "dropped", "dropped"]
    assert [sequence for sequence, _ in second["running"]] == [[1, 2], [0, 2]]  # of equals, the earlier token
    assert [fate for *_, fate in third["candidates"]] == ["finished", "finished", "open", "open", "dropped", "dropped"]
    for fate in ("kept", "dropped", "finished"):
        expected = [level["candidates"] for level in (first, second, third)]
        assert page.locator(f"svg g.{fate}").count() == sum(x[2] == fate for level in expected for x in level)
    width = "(e) => parseFloat(getComputedStyle(e).strokeWidth)"
    thick, thin = (page.locator(f"g.{fate} > path").first.evaluate(width) for fate in ("kept", "dropped"))
    assert thick >= 2 * thin  # colour is not the only sign
    assert page.locator("g.finished .token").all_text_contents() == ["</s> ∎", "</s> ∎"]


# --- operated


def test_untouched_figure_speaks(opened):
    page = opened(default_figure())
    verdict = page.locator(".verdict").inner_text()
    assert "found the best one of all 341 sequences: “the dog </s>” at 1.878 bits." in verdict
    assert "gives “a dog </s>” at 2.474 bits, behind the best by 0.596 bits." in verdict
    choose(page, 1, 4, 0)
    verdict = page.locator(".verdict").inner_text()
    assert "missed it: the best of all 341 sequences is “the dog </s>” at 1.878 bits, ahead by 0.596 bits." in verdict
    assert "The way there was dropped at step 1, in place 2." in verdict


def test_buttons_and_what_is_said(opened):
    page = opened(default_figure())
    spoken, nodes = page.locator("[aria-live=polite]"), page.locator("svg g")
    assert nodes.count() == 16
    for name, t, drawn in [("first", 1, 4), ("back", 1, 4), ("step", 2, 10), ("step", 3, 16), ("step", 3, 16), ("back", 2, 10)]:
        page.get_by_role("button", name=name).click(force=True)  # where there is no further step it does nothing
        assert (page_state(page)["t"], nodes.count()) == (t, drawn)
        assert page.locator(".steps b").inner_text() == f"step {t} of 3"
    expected = "Step 2 of 3, 6 candidates. Kept: “the dog”, 1.556 bits; “a dog”, 2.152 bits. Finished: none."
    assert spoken.inner_text().strip() == expected
    assert page.locator("tbody tr").first.inner_text().split("\t") == ["1", "the dog …", "2", "1.556", "1.079", "1.556"]
    page.get_by_role("button", name="first").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    assert page_state(page)["t"] == 3
    assert "found the best one" in spoken.inner_text()


def test_nodes_by_mouse_and_keyboard(opened):
    page = opened(default_figure(), viewport={"width": 800, "height": 300})
    detail = page.locator(".detail")
    page.locator("svg g").nth(1).hover()
    formed = "Formed from “start”, 0.000 bits, and the, p = 0.4, 1.322 bits."
    expected = f"“the”: 1.322 bits, log p = −0.916. {formed} Place 2 of 4: it runs on."
    assert detail.inner_text() == expected
    assert page.locator("[data-used]").evaluate("(e) => e.ariaLabel") == "start: p(the)"
    page.get_by_role("button", name="all").focus()
    page.keyboard.press("Tab")
    focused = "document.activeElement.getAttribute('aria-label')"
    assert page.evaluate(focused) == expected
    page.evaluate("() => { document.querySelector('.tree').onkeydown = (event) => { prevented = event.defaultPrevented; }; }")
    words = {"ArrowRight": "“the dog”", "ArrowDown": "“the cat”", "ArrowUp": "“the dog”", "ArrowLeft": "“the”"}
    for key, prefix in words.items():
        page.keyboard.press(key)
        assert page.evaluate(focused).startswith(prefix + ":")
        assert detail.inner_text() == page.evaluate(focused)
        assert page.locator("g[tabindex='0']").count() == 1
        assert page.evaluate("prevented")  # the page does not scroll
    page.keyboard.press("ArrowLeft")  # the start is no candidate
    assert page.evaluate(focused) == expected
    page.keyboard.press("ArrowRight")
    assert page.evaluate("[...document.querySelectorAll('[data-way] .token')].map((e) => e.textContent)") == ["the", "dog"]


@pytest.mark.parametrize("typed", ["-1", "", "abc", "1.5", " ", "NaN"])
def test_what_is_no_probability_is_said(opened, typed):
    said = f"“{typed}”" if typed.strip() else "empty"
    page = opened(default_figure())
    cell = page.get_by_label("after the: p(dog)")
    cell.fill(typed)
    row = page.get_by_role("group", name="after the")
    assert row.get_by_role("alert").inner_text() == f"after the: p(dog) is {said}, no number from 0 to 1; 0.85 stays."
    assert cell.get_attribute("aria-invalid") == "true"
    assert page_state(page)["table"] == [START, *TABLE]
    cell.fill("0.5")
    assert row.locator(".error").inner_text() == ""
    assert cell.get_attribute("aria-invalid") == "false"
    assert page_state(page)["table"][2][2] == 0.5


def test_nothing_possible(opened):
    page = opened(beam_tree(["a", "b"], [0, 0], [[1, 0], [0, 1]]))
    assert "Beam search found nothing" in page.locator(".verdict").inner_text()
    page.get_by_role("button", name="normalise rows").click()
    page.get_by_role("button", name="step", exact=True).click(force=True)
    assert page_state(page)["table"][0] == [0, 0]
    page.get_by_label("start: p(b)").fill("0.5")
    assert_page_is_python(page, by_time=False, end=None, beams=2, steps=4, penalty=0)


# --- in a page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 1200])
def test_fits_the_window(opened, width, scheme):
    names = ["W" * 12, "日本語" * 4, "<b>bold</b>", "</s>", '"&']
    figure = beam_tree(names, [0.2] * 5, [[0.2] * 5] * 4, beams=5, steps=10, end="</s>")
    page = opened(figure, default_figure(), viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.get_by_label(f"after {names[0]}: p(</s>)").first.fill("-1")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    right = "(all) => Math.max(...all.filter((e) => !e.closest('.tree svg')).map((e) => e.getBoundingClientRect().right))"
    assert page.locator("figure *").evaluate_all(right) <= width
    assert page.locator("b", has_text="<b>bold</b>").count() == 1  # a name is text
    light = page.locator("figure").first.evaluate("(f) => getComputedStyle(f).backgroundColor")
    assert (light == "rgb(255, 255, 255)") == (scheme == "light")


def test_two_figures_share_nothing(opened):
    page = opened(default_figure(), default_figure())
    page.get_by_role("slider").nth(3).fill("1")
    page.get_by_label("start: p(cat)").nth(1).fill("0.9")
    assert page_state(page, 0)["table"] == [START, *TABLE]
    assert len(page_state(page, 0)["levels"][-1]["finished"]) == 2
    assert len(page_state(page, 1)["levels"][-1]["finished"]) == 1


def test_every_control_has_a_name(opened):
    page = opened(default_figure())
    unnamed = "[...document.querySelectorAll('input')].filter((e) => !e.ariaLabel && !e.labels.length).length"
    assert page.evaluate(unnamed) == 0
    assert page.locator("svg g:not([aria-label])").count() == 0
    assert page.locator("figcaption").inner_text().startswith("The beam tree. Beam search over 5 tokens")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": ["a"]}, "tokens has 1 entries; expected 2 to 5"),
        ({"tokens": ["a", " "]}, "tokens holds ' '; expected names of 1 to 12 characters"),
        ({"tokens": ["a", "a"]}, "tokens holds 'a' more than once"),
        ({"start": [0.5]}, "start has a row of 1 numbers; expected 2, one for each token"),
        ({"table": [[1, 0]]}, "table has 1 rows; expected 2, after a, b"),
        ({"end": "b"}, "table has 2 rows; expected 1, after a"),
        ({"end": "c"}, "end is 'c'; expected one of the tokens a, b"),
        ({"table": [[1, 0], [-0.1, 0]]}, "table holds -0.1; expected probabilities"),
        ({"start": [math.nan, 0]}, "start holds nan; expected probabilities"),
        ({"start": ["1", 0]}, "start holds '1'; expected probabilities"),
        ({"beams": 6}, "beams is 6; expected a whole number from 1 to 5"),
        ({"steps": 1}, "steps is 1; expected a whole number from 2 to 10"),
        ({"steps": 2.5}, "steps is 2.5; expected a whole number"),
    ],
)
def test_refuses_another_model(change, message):
    good = {"tokens": ["a", "b"], "start": [1, 0], "table": [[1, 0], [0, 1]]}
    with pytest.raises(ValueError, match=re.escape(message)):
        beam_tree(**(good | change))


def test_refuses_another_matrix():
    with pytest.raises(TypeError, match="tokens is 'ab'; expected a list of strings"):
        beam_tree_by_time("ab", [[1, 0], [0, 1]])
    with pytest.raises(ValueError, match="matrix has 1 rows; expected 2 to 10"):
        beam_tree_by_time(["a", "b"], [[1, 0]])
    with pytest.raises(ValueError, match="steps is 3; expected a whole number from 2 to 2"):
        beam_tree_by_time(["a", "b"], [[1, 0], [0, 1]], steps=3)
