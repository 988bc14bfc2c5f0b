"""Text to batches and back, the corpus that is already there, and the corpora that are fetched (here from a local server)."""

import gzip
import hashlib
import re
from collections import Counter
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.data import corpora, wikipedia
from utils.data.text import Vocabulary, characters, pad, stream

# Vocabulary


@given(st.text(min_size=1))
@settings(deadline=None, derandomize=True)
def test_encode_then_decode_gives_the_text_back(text):
    vocabulary = characters(text)
    ids = vocabulary.encode(text)
    assert ids.dtype == torch.int64
    assert ids.shape == (len(text),)
    assert "".join(vocabulary.decode(ids)) == text
    assert len(vocabulary) == len(set(text)) == len(set(ids.tolist()))
    assert vocabulary.tokens == sorted(set(text))


def test_ids_follow_the_order_given():
    vocabulary = Vocabulary(["the", "a", "cat"])
    assert vocabulary.encode(["cat", "the", "cat"]).tolist() == [2, 0, 2]
    assert vocabulary.decode([1, 2]) == ["a", "cat"]
    assert "cat" in vocabulary
    assert "dog" not in vocabulary
    assert vocabulary.encode([]).tolist() == []
    assert vocabulary.encode([]).dtype == torch.int64


def test_vocabulary_names_bad_input():
    with pytest.raises(ValueError, match="tokens is empty; expected at least one token"):
        Vocabulary("")
    with pytest.raises(ValueError, match="tokens holds 'l' more than once"):
        Vocabulary("hello")
    vocabulary = Vocabulary("helo")
    with pytest.raises(ValueError, match="tokens has 'w' at place 2, which is not in this vocabulary of 4"):
        vocabulary.encode("how")
    with pytest.raises(ValueError, match="ids has -1 at place 1; expected 0 to 3"):
        vocabulary.decode([0, -1])
    with pytest.raises(ValueError, match="ids has 4 at place 0; expected 0 to 3"):
        vocabulary.decode(torch.tensor([4]))


# Streams


@given(batch=st.integers(1, 5), time=st.integers(1, 7), data=st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_stream_reads_everything_once_and_in_order(batch, time, data):
    n = data.draw(st.integers(batch + 1, 80))
    pairs = list(stream(torch.arange(n), batch, time))
    length = (n - 1) // batch
    for inputs, targets in pairs:
        assert torch.equal(targets, inputs + 1)  # ids are places: the target is the next token
    for inputs, _ in pairs[:-1]:
        assert inputs.shape == (batch, time)
    assert pairs[-1][0].shape == (batch, (length - 1) % time + 1)
    rows = torch.cat([inputs for inputs, _ in pairs], 1)  # row b goes on from pair to pair, and row b + 1 begins where it ends
    assert torch.equal(rows.flatten(), torch.arange(batch * length))
    assert n - 1 - batch * length < batch  # the tail that is left out is shorter than one step


def test_stream_by_hand():
    pairs = [(x.tolist(), y.tolist()) for x, y in stream(torch.arange(12) * 10, batch=2, time=3)]
    assert pairs == [
        ([[0, 10, 20], [50, 60, 70]], [[10, 20, 30], [60, 70, 80]]),
        ([[30, 40], [80, 90]], [[40, 50], [90, 100]]),
    ]


@pytest.mark.parametrize(
    ("ids", "batch", "time", "error", "message"),
    [
        ([0, 1, 2], 1, 1, TypeError, "ids is of type list; expected a torch.Tensor"),
        (torch.zeros(2, 3, dtype=torch.int64), 1, 1, ValueError, "ids has shape (2, 3); expected (N,)"),
        (torch.zeros(6), 1, 1, TypeError, "ids has dtype torch.float32; expected torch.int64"),
        (torch.arange(6), 0, 1, ValueError, "batch is 0 and time is 1; expected at least 1 of each"),
        (torch.arange(6), 2, 0, ValueError, "batch is 2 and time is 0; expected at least 1 of each"),
        (torch.arange(6), 6, 1, ValueError, "ids holds 6 tokens; expected at least batch + 1 = 7"),
    ],
)
def test_stream_names_bad_input_before_the_first_pair(ids, batch, time, error, message):
    with pytest.raises(error, match=re.escape(message)):
        stream(ids, batch, time)


# Padding


def test_pad_by_hand():
    padded, lengths = pad([torch.tensor([1, 2, 3]), torch.tensor([4]), torch.tensor([5, 6])], value=9)
    assert padded.tolist() == [[1, 2, 3], [4, 9, 9], [5, 6, 9]]
    assert lengths.tolist() == [3, 1, 2]
    assert lengths.dtype == padded.dtype == torch.int64
    assert pad([torch.tensor([7]), torch.tensor([7, 7])])[0].tolist() == [[7, 0], [7, 7]]
    with pytest.raises(ValueError, match="sequences is empty"):
        pad([])


# The corpus that needs no download


def test_the_articles_are_whole_and_no_redirects():
    articles = wikipedia.articles()
    assert len(articles) == 106
    assert len({title for title, _ in articles}) == 106
    assert [title for title, _ in articles[:2]] == ["Anarchism", "Autism"]
    for title, text in articles:
        assert text, title
        assert not re.match(r"\s*#\s*redirect", text, re.IGNORECASE), title
        assert not re.search(r"\[\[|\{\{|\{\||\n\s*\n\s*\n", text), title


def test_the_text_has_no_rare_characters_and_is_the_same_each_time():
    text = wikipedia.wikipedia()
    counts = Counter(text)
    assert (len(text), len(counts)) == (3_085_353, 91)
    assert min(counts.values()) >= 100
    whole = Counter(wikipedia.wikipedia(rare=1))
    assert counts == {character: count for character, count in whole.items() if count >= 100}  # nothing else was dropped
    wikipedia.articles.cache_clear()
    wikipedia.wikipedia.cache_clear()
    assert wikipedia.wikipedia() == text


def test_split_holds_out_the_end():
    text = wikipedia.wikipedia()
    train, heldout = wikipedia.split(text, 300_000)
    assert len(heldout) == 300_000
    assert train + heldout == text
    assert wikipedia.split("abcde", 2) == ("abc", "de")
    for heldout in (0, 5, -1):
        with pytest.raises(ValueError, match=f"heldout is {heldout}; expected 1 to 4, less than the text's 5"):
            wikipedia.split("abcde", heldout)


# Corpora by name

PLAY = "First Citizen:\nBefore we proceed, hear me speak — naïve.\n"
CAPTIONS = "Un garçon près d’un œuf.\nDeux\u2028lignes\x85en une.\nFin"  # only \n ends a line


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and notes what was asked of it."""

    asked: list[str]

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A local server in the place of the public ones; the cache is tmp_path/cache. Yields it, its folder in `.folder`."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = type("Handler", (Quiet,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=folder))
    server.asked, server.folder = handler.asked, folder
    files = {"input.txt": PLAY.encode(), "test_2016_flickr.fr.gz": gzip.compress(CAPTIONS.encode())}
    home = f"http://127.0.0.1:{server.server_port}/"
    for name, content in files.items():
        (folder / name).write_bytes(content)
        monkeypatch.setitem(corpora.SOURCES, name, (home, hashlib.sha256(content).hexdigest()))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "cache"))
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_corpus_is_fetched_once_into_the_folder_that_course_data_names(server, tmp_path, monkeypatch):
    path = corpora.fetch("input.txt")
    assert path == tmp_path / "cache" / "input.txt"
    assert corpora.tiny_shakespeare() == corpora.tiny_shakespeare() == PLAY
    assert server.asked == ["/input.txt"]
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "elsewhere"))
    assert corpora.fetch("input.txt").parent == tmp_path / "elsewhere"
    assert server.asked == ["/input.txt"] * 2


def test_captions_are_read_line_by_line_as_utf_8(server):
    assert corpora.multi30k("fr", "test") == ["Un garçon près d’un œuf.", "Deux\u2028lignes\x85en une.", "Fin"]
    assert server.asked == ["/test_2016_flickr.fr.gz"]


def test_a_filled_cache_needs_no_network(server):
    corpora.tiny_shakespeare()
    server.shutdown()
    server.server_close()
    assert corpora.tiny_shakespeare() == PLAY


def test_a_wrong_checksum_is_refused_and_leaves_nothing_behind(server, tmp_path):
    (server.folder / "input.txt").write_text("something else")
    for _ in range(2):  # the second call must not find the first one's file
        with pytest.raises(ValueError, match=r"SHA256 hash of downloaded file \(input\.txt\) does not match"):
            corpora.tiny_shakespeare()
        assert list((tmp_path / "cache").iterdir()) == []
    assert server.asked == ["/input.txt"] * 2


def test_a_damaged_file_in_the_cache_is_fetched_again(server):
    corpora.fetch("input.txt").write_text("damaged")
    assert corpora.tiny_shakespeare() == PLAY
    assert server.asked == ["/input.txt"] * 2


def test_every_listed_file_has_a_home_and_a_checksum():
    for name, (home, digest) in corpora.SOURCES.items():
        assert re.fullmatch(r"https://raw\.githubusercontent\.com/\S+/", home), name
        assert re.fullmatch(r"[0-9a-f]{64}", digest), name
    assert len({digest for _, digest in corpora.SOURCES.values()}) == len(corpora.SOURCES)
    for language in ("en", "de", "fr"):
        for split in corpora.SPLITS.values():
            assert f"{split}.{language}.gz" in corpora.SOURCES


def test_unknown_names_are_refused_before_anything_is_asked():
    with pytest.raises(ValueError, match=r"name is 'output\.txt'; expected one of input\.txt, test_2016"):
        corpora.fetch("output.txt")
    with pytest.raises(ValueError, match="language is 'cs'; expected en, de or fr"):
        corpora.multi30k("cs", "train")
    with pytest.raises(ValueError, match="split is 'dev'; expected train, val or test"):
        corpora.multi30k("en", "dev")
