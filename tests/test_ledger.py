"""The results ledger: a row and an entry for each record, failed claims among them, and a table that can be sorted."""

import re

import pytest

from utils.book import ledger
from utils.records import Record

pytest_plugins = ["browser"]


def record(name, **changes):
    """A record of the experiment `name` whose claim held on two seeds."""
    fields = {
        "chapter": "02-decoding",
        "claim": "It holds. And more.",
        "source": "Somebody 2020",
        "published": "12 bits",
        "tolerance": "at most 1",
        "runs": [{"seed": seed, "numbers": {"bits": 10.0 + seed}} for seed in (0, 2)],
        "tiny": {},
        "cpu_s": 61.4,
        "machine": "a machine",
        "versions": {"torch": "2.0"},
        "commit": "abc1234",
        "verdict": True,
    }
    return Record(**fields | changes)


RECORDS = {
    "beam_curse": record("beam_curse"),
    "greedy_misses": record("greedy_misses", claim="word " * 40, verdict=False, cpu_s=7.2),
    "recall": record("recall", chapter="01-recurrent-networks", cpu_s=1960.0),
}


def test_an_entry_says_all_that_a_reader_needs_to_judge_the_claim():
    said = ledger.entry("beam_curse", RECORDS["beam_curse"])
    for words in ("It holds. And more.", "**held**", "at most 1", "Somebody 2020", "12 bits", "61 cpu-seconds", "a machine"):
        assert words in said
    assert "| bits | 11 | 10 | 12 |" in said
    assert "| seeds | 2 |" in said
    assert "The beam-search curse" in said, "the experiment's own words say what was run"


def test_few_numbers_stand_open_and_many_are_folded():
    many = [{"seed": 0, "numbers": {f"number {i}": 1.0 for i in range(ledger.FEW + 1)}}]
    assert "<details open>" in ledger.entry("recall", RECORDS["recall"])
    assert "<details>" in ledger.entry("recall", record("recall", runs=many))


def test_the_table_has_a_line_a_claim_and_hides_no_failure():
    page = ledger.page(RECORDS)
    assert "**2 of 3 held**" in page
    assert "| [02](chapters/02-decoding) | [It holds](#claim-beam-curse) | yes | 61 |" in page
    (failed,) = re.findall(r"\| \[02\].*\[(word [^]]*) \.\.\.\]\(#claim-greedy-misses\) \| \*\*no\*\* \| 7 \|", page)
    assert len(failed) <= ledger.LINE
    assert re.findall(r"^\(claim-([a-z-]+)\)=$", page, re.M) == ["beam-curse", "greedy-misses", "recall"]


def test_every_record_of_the_book_is_in_its_ledger(root):
    page = ledger.ledger(root)
    names = {path.stem.replace("_", "-") for path in root.glob("experiments/results/*.json")}
    assert set(re.findall(r"\]\(#claim-([a-z0-9-]+)\)", page)) == names
    chapters = re.findall(r"^\| \[(\d\d)\]", page, re.M)
    assert chapters == sorted(chapters)


# --- sorting

TABLE = "<table class='sortable'><thead><tr><th>name</th><th>cost</th></tr></thead><tbody>{}</tbody></table>"
ROWS = [("beta", "61"), ("Alpha", "7"), ("gamma", "1960"), ("delta", "7")]


@pytest.fixture
def table(opened):
    """The page of a small table with the ledger's script, and what its rows show."""
    body = "".join(f"<tr><td><a href='#{a}'>{a}</a></td><td> {b} </td></tr>" for a, b in ROWS)
    script = ledger.Path(ledger.__file__).with_suffix(".js").read_text(encoding="utf-8")
    page = opened(f"{TABLE.format(body)}<script>{script}</script>")
    return page, lambda: page.locator("tbody tr").evaluate_all("(rows) => rows.map((row) => row.cells[0].textContent)")


def test_a_click_sorts_numbers_as_numbers_and_a_second_one_turns_them_round(table):
    page, names = table
    heads = page.locator("th")
    assert names() == [name for name, _ in ROWS]
    assert [heads.nth(i).get_attribute("aria-sort") for i in range(2)] == [None, None]
    heads.nth(1).get_by_role("button").click()
    assert names() == ["Alpha", "delta", "beta", "gamma"]
    assert [heads.nth(i).get_attribute("aria-sort") for i in range(2)] == [None, "ascending"]
    heads.nth(1).get_by_role("button").click()
    assert names() == ["gamma", "beta", "Alpha", "delta"]
    assert heads.nth(1).get_attribute("aria-sort") == "descending"


def test_the_keyboard_sorts_words_as_words(table):
    page, names = table
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "name"
    page.keyboard.press("Enter")
    assert names() == ["Alpha", "beta", "delta", "gamma"]
    page.keyboard.press("Space")
    assert names() == ["gamma", "delta", "beta", "Alpha"]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert names() == ["delta", "Alpha", "beta", "gamma"]
    assert page.locator("th").nth(0).get_attribute("aria-sort") is None


def test_without_a_script_it_is_a_plain_table(opened):
    page = opened(TABLE.format("<tr><td>a</td><td>1</td></tr>"), java_script_enabled=False)
    assert page.locator("button").count() == 0
    assert page.locator("th").all_inner_texts() == ["name", "cost"]


@pytest.mark.book
def test_the_built_ledger_sorts_by_its_seconds(served, visit):
    with visit(f"{served}/results-ledger.html") as seen:
        table = seen.page.locator("table.sortable")
        table.get_by_role("button", name="seconds").click()
        seconds = [float(text) for text in table.locator("tbody tr td:last-child").all_inner_texts()]
        assert len(seconds) > 25
        assert seconds == sorted(seconds)
        assert seen.errors == []
