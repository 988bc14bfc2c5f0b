"""Real text from files to BLEU: loading, subword units and back, searching a test set, and training in several processes."""

import gzip
import hashlib
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import sacrebleu
import torch
import torch.multiprocessing as mp
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.multi30k import END, Size, captions, decode, encode, subwords, train, translate
from utils.attention.additive import AdditiveAttention
from utils.attention.translator import AttentionTranslator
from utils.data import corpora
from utils.decoding import greedy
from utils.distributed import processes, shared_loss
from utils.metrics import bleu_of_text
from utils.seq2seq import Translator

ROOT = Path(__file__).parent.parent
GERMAN = ["Ein Mann läuft. ", "Zwei große Hunde spielen im Schnee, und eine Frau sieht ihnen zu.", "Eine Frau liest."]
ENGLISH = ["A man runs.", "Two big dogs play in the snow, and a woman watches them.", "A woman reads."]
FRENCH = ["Un homme court.", "Deux grands chiens jouent dans la neige, et une femme les regarde.", "Une femme lit."]
PAIRS = list(zip(GERMAN, ENGLISH)) + list(zip(ENGLISH, FRENCH))  # 6, of 3 to 13 words
TOKENIZER = subwords(PAIRS, 300)
END_ID = TOKENIZER.specials[END]


# Files


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache that holds three sentences in three languages as a test set, listed at an address where nobody answers."""
    for language, lines in (("de", GERMAN), ("en", ENGLISH), ("fr", FRENCH)):
        name = f"test_2016_flickr.{language}.gz"
        content = gzip.compress("".join(f"{line}\n" for line in lines).encode())
        (tmp_path / name).write_bytes(content)
        monkeypatch.setitem(corpora.SOURCES, name, ("http://127.0.0.1:9/", hashlib.sha256(content).hexdigest()))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


def test_captions_are_pairs_in_lower_case_in_any_direction(cache):
    assert captions("de", "fr", "test")[0] == ("ein mann läuft.", "un homme court.")
    german = [line.strip().lower() for line in GERMAN]
    english = [line.lower() for line in ENGLISH]
    assert captions("de", "en", "test") == list(zip(german, english))
    assert captions("en", "de", "test") == list(zip(english, german))


def cut(path):
    path.write_bytes(path.read_bytes()[:-9])


@pytest.mark.parametrize(("harm", "state"), [(cut, "is damaged"), (Path.unlink, "is not there")])
def test_a_file_that_cannot_be_used_or_fetched_is_named_with_the_reason(cache, harm, state):
    path = cache / "test_2016_flickr.de.gz"
    harm(path)
    where = "http://127.0.0.1:9/test_2016_flickr.de.gz"
    with pytest.raises(OSError, match=re.escape(f"{path} {state}, and {where} cannot be read: ")):
        captions("de", "en", "test")


# Units


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["", END, f"a{END}b"]), min_size=1))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_any_line_comes_back_from_its_units(lines):
    tokens, lengths = encode(TOKENIZER, lines)
    assert tokens.shape == (len(lines), int(lengths.max()))
    for line, row, length in zip(lines, tokens.tolist(), lengths.tolist()):
        assert row[length - 1 :] == [END_ID] * (tokens.shape[1] - length + 1)
        assert END_ID not in row[: length - 1]
        assert decode(TOKENIZER, row) == line.strip()


def test_text_ends_at_the_first_end_or_where_the_units_do():
    ids = TOKENIZER.encode(" a man runs")
    assert decode(TOKENIZER, [*ids, END_ID, *ids]) == "a man runs"
    assert decode(TOKENIZER, ids) == "a man runs"
    assert decode(TOKENIZER, [END_ID, *ids]) == ""


def test_a_common_word_is_one_unit_wherever_it_stands():
    text = [("der hund der katze", "the dog of the cat")] * 3
    tokenizer = subwords(text, 300)
    assert encode(tokenizer, ["the dog"])[0][0, 0] == encode(tokenizer, ["dog the"])[0][0, 1]
    assert tokenizer.tokens(tokenizer.encode(" der cat")) == [b" der", b" cat"]  # both languages share a vocabulary


# BLEU of text


def test_bleu_of_text_is_sacrebleus_own():
    found = ["A man runs, and he's fast.", "", "zwei grosse Hunde spielen"]
    gold, other = ["a man runs and he is fast.", "nobody", "zwei große hunde spielen"], ["a man walks.", "no one", "hunde"]
    for references in ([gold], [gold, other]):
        score, signature = bleu_of_text(found, *references)
        assert score == sacrebleu.corpus_bleu(found, references, lowercase=True).score
        assert signature == f"nrefs:{len(references)}|case:lc|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"
    assert bleu_of_text(["A dog, a cat."], ["a dog , a cat ."])[0] == pytest.approx(100)  # it cuts words itself
    assert bleu_of_text(["", ""], ["a dog", "a cat"])[0] == 0


def test_bleu_of_text_names_bad_input():
    with pytest.raises(TypeError, match="hypotheses is one string; expected a list of sentences"):
        bleu_of_text("a b", ["a b"])
    with pytest.raises(TypeError, match=re.escape("references[0] holds a list; expected strings")):
        bleu_of_text(["a b"], [["a", "b"]])
    with pytest.raises(ValueError, match=re.escape("references[1] has 2 sentences; expected 1, one for each hypothesis")):
        bleu_of_text(["a b"], ["a b"], ["a b", "c"])
    with pytest.raises(ValueError, match="references are missing"):
        bleu_of_text(["a b"])


# Translating


def untrained(seed: int) -> AttentionTranslator:
    torch.manual_seed(seed)
    V = len(TOKENIZER)
    return AttentionTranslator(V, V, 8, 12, AdditiveAttention(12, 24, 12), start=END_ID, end=END_ID)


def test_a_translation_does_not_depend_on_the_other_lines(monkeypatch):
    monkeypatch.setattr("experiments.multi30k.SEARCHED", 2)  # several searches, of lines that are out of order
    model = untrained(2).double()
    with torch.no_grad():  # so that they differ, and some end early
        for parameter in model.parameters():
            parameter.mul_(3)
        model.readout.bias[END_ID] += 6
    lines = ENGLISH + FRENCH
    together = translate(model, TOKENIZER, lines, 7)
    assert len(set(together)) > 3
    for line, found in zip(lines, together):
        first = model.begin(*encode(TOKENIZER, [line]))
        (best,) = greedy(model.step, *first, 7, END_ID).sequences
        assert found == decode(TOKENIZER, best.tolist())


def test_a_model_that_says_nothing_or_never_ends_is_scored_too():
    model = untrained(0)
    with torch.no_grad():
        model.readout.bias[END_ID] = 1e4
    lines = translate(model, TOKENIZER, ENGLISH, 9)
    assert lines == ["", "", ""]
    assert bleu_of_text(lines, FRENCH)[0] == 0
    with torch.no_grad():
        model.readout.bias.fill_(-1e4)
        model.readout.bias[TOKENIZER.encode(" a")[-1]] = 1e4  # the letter, over and over
    assert [line.replace(" ", "") for line in translate(model, TOKENIZER, ENGLISH, 9)] == ["a" * 9] * 3


def test_what_was_learned_is_written():
    model = train(PAIRS, TOKENIZER, Size(300, 24, 32, 6, steps=80, rate=2e-2), seed=0)
    sources, targets = map(list, zip(*PAIRS))
    assert translate(model, TOKENIZER, sources, 60) == targets


# Several processes


def trained(batch: int) -> dict[str, torch.Tensor]:
    """Parameters after six steps in float64, where the order of a sum is no matter."""
    torch.set_default_dtype(torch.float64)
    try:
        return train(PAIRS[:5], TOKENIZER, Size(300, 8, 12, batch, steps=6, rate=1e-2), seed=3).state_dict()
    finally:
        torch.set_default_dtype(torch.float32)


def train_together(rank: int, world: int, port: int, batch: int, folder: Path) -> None:
    """What each process does, as if torchrun had started it."""
    torch.set_num_threads(1)
    place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": world, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in place.items()})
    rows = []

    def loss(model: AttentionTranslator, *batch: torch.Tensor) -> torch.Tensor:
        rows.append(len(batch[0]))
        return Translator.loss(model, *batch)

    AttentionTranslator.loss = loss
    with processes() as found:
        assert found == rank
        torch.save((trained(batch), rows), folder / f"{rank}.pt")


@pytest.mark.parametrize(("world", "batch"), [(2, 4), pytest.param(3, 2, marks=pytest.mark.slow)])
def test_processes_with_a_share_of_each_batch_give_what_one_with_all_of_it_gives(world, batch, tmp_path):
    """Of five sentences the last is a batch by itself: all but one process have none of it, and a third of three never any."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mp.spawn(train_together, (world, port, batch, tmp_path), nprocs=world)
    alone = trained(batch)
    for rank in range(world):
        together, rows = torch.load(tmp_path / f"{rank}.pt")
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-9)
        assert max(rows) == -(-batch // world) and len(rows) == 6


def test_without_torchrun_one_process_reads_every_batch_whole(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    model = untrained(0)
    with processes() as rank:
        assert rank == 0
        assert shared_loss(model) == model.loss


def test_torchrun_starts_the_benchmark_and_one_process_speaks():
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"COURSE_SCALE": "tiny", "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    done = subprocess.run(
        [*torchrun, "-m", "experiments.multi30k"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^seed (\d): BLEU \d+\.\d\d \(nrefs:1\|case:lc\|", done.stdout, re.MULTILINE) == ["0", "1", "2"]
