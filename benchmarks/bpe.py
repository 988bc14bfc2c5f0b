"""Our byte-pair encoding beside Hugging Face's tokenizers and tiktoken: `python -m benchmarks bpe`.

Training on one string of a million characters, and encoding it: warm, with its pieces remembered, and cold. The merges must be
equal and so must the ids, before anything is timed. One thread each, and processor time, of which the best of some rounds.
"""

import os

os.environ |= {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}  # before tokenizers is loaded

import json
import time
from collections.abc import Callable, Iterator

import tiktoken
import tokenizers
from tokenizers import models, pre_tokenizers, trainers

from benchmarks.compare import Row
from utils.data.wikipedia import wikipedia
from utils.tokenizer import GPT2_PATTERN, from_merges, train_tokenizer
from utils.tokenizer_file import to_dict

CHARACTERS, V = 1_000_000, 8192
ROUNDS = 7


def huggingface(text: str) -> tokenizers.Tokenizer:
    """Their byte-level tokenizer of V tokens, trained on one string."""
    theirs = tokenizers.Tokenizer(models.BPE())
    theirs.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    theirs.train_from_iterator([text], trainers.BpeTrainer(vocab_size=V, initial_alphabet=alphabet, show_progress=False))
    return theirs


def seconds(*works: Callable[[], object]) -> list[float]:
    """Processor seconds of each piece of work, in turns, so that a busy moment strikes them alike: the best of the rounds."""
    best = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for i, work in enumerate(works):
            start = time.process_time()
            work()
            best[i] = min(best[i], time.process_time() - start)
    return best


def rows() -> Iterator[Row]:
    """Training and encoding, in megabytes per second."""
    text = wikipedia()[:CHARACTERS]
    megabytes = len(text.encode()) / 1e6
    ours, hf = train_tokenizer(text, V), huggingface(text)
    tik = tiktoken.Encoding("ours", pat_str=GPT2_PATTERN, mergeable_ranks=ours.vocabulary, special_tokens={})
    if to_dict(ours)["model"] != json.loads(hf.to_str())["model"]:
        raise AssertionError("ours and Hugging Face's have learned different merges")
    if not ours.encode(text) == hf.encode(text).ids == tik.encode_ordinary(text):
        raise AssertionError("ours, Hugging Face's and tiktoken's ids differ")

    mine, theirs = seconds(lambda: train_tokenizer(text, V), lambda: huggingface(text))
    yield Row(f"BPE training, 1 MB, V = {V}", "Hugging Face", megabytes / mine, megabytes / theirs, "MB/s")

    empty = iter([from_merges(ours.merges) for _ in range(ROUNDS)])  # each has yet to see its first piece
    works = [
        lambda: ours.encode(text),
        lambda: next(empty).encode(text),
        lambda: hf.encode(text),
        lambda: tik.encode_ordinary(text),
    ]
    warm, cold, hf_warm, tik_warm = seconds(*works)
    for state, taken in (("warm", warm), ("cold", cold)):
        for peer, theirs in (("Hugging Face", hf_warm), ("tiktoken", tik_warm)):
            yield Row(f"BPE encoding, 1 MB, V = {V}, {state}", peer, megabytes / taken, megabytes / theirs, "MB/s")
