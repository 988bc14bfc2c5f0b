"""Tokenizers as files, in the JSON format of Hugging Face's tokenizers: what one library writes, the other reads.

Left out: files that ask for what utils.tokenizer does not do (normalisation, unknown tokens, prefixes); they are refused.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from utils.bpe import BYTE_ORDER, PRINTABLE
from utils.tokenizer import GPT2_PATTERN, Tokenizer

# In JSON a token is text, each byte a visible character: itself where it is visible, else one from U+0100 on
CHARACTERS = {byte: chr(byte if byte in PRINTABLE else 256 + i - len(PRINTABLE)) for i, byte in enumerate(BYTE_ORDER)}
BYTES = {character: byte for byte, character in CHARACTERS.items()}
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
MODEL = {"dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None} | {
    "fuse_unk": False, "byte_fallback": False, "ignore_merges": False
}  # fmt: skip
ADDED = {"single_word": False, "lstrip": False, "rstrip": False}  # a special token is found wherever it stands


def save(tokenizer: Tokenizer, path: str | Path) -> None:
    """Write a tokenizer to a file that `load` and tokenizers.Tokenizer.from_file read."""
    Path(path).write_text(json.dumps(to_dict(tokenizer), ensure_ascii=False, indent=1), encoding="utf-8")


def load(path: str | Path) -> Tokenizer:
    """The tokenizer of a file that `save` or tokenizers.Tokenizer.save wrote. ValueError says why another file is none."""
    try:
        return from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are some, too
        raise ValueError(f"{path} holds no byte-level BPE tokenizer: {error}") from None


def to_dict(tokenizer: Tokenizer) -> dict[str, Any]:
    """The contents of the file. ValueError for a special token that in the file is spelled like another token."""
    vocab = {_text(token): i for token, i in tokenizer.vocabulary.items()}
    for special in vocab.keys() & tokenizer.specials.keys():
        raise ValueError(
            f"specials holds {special!r}, which in the file is the token {_bytes(special)!r}; expected another one"
        )
    default = tokenizer.pattern == GPT2_PATTERN
    split = {"type": "Split", "pattern": {"Regex": tokenizer.pattern}, "behavior": "Isolated", "invert": False}
    level = BYTE_LEVEL | {"use_regex": default}  # whose own pattern is GPT-2's
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": special} | ADDED | {"normalized": False, "special": True}
            for special, i in sorted(tokenizer.specials.items(), key=lambda item: item[1])
        ],
        "normalizer": None,
        "pre_tokenizer": level if default else {"type": "Sequence", "pretokenizers": [split, level]},
        "post_processor": None,
        "decoder": level,
        "model": {"type": "BPE"}
        | MODEL
        | {"vocab": vocab | tokenizer.specials}
        | {"merges": [[_text(a), _text(b)] for a, b in tokenizer.merges]},
    }


def from_dict(contents: Any) -> Tokenizer:
    """The tokenizer of such contents. ValueError names the field that is missing, wrong or asks for something not done here."""
    model = _field(contents, "model", dict)
    if model.get("type", "BPE") != "BPE":
        raise ValueError(f"model.type is {model['type']!r}; expected 'BPE'")
    _expect_plain("", contents, {"normalizer": None, "truncation": None, "padding": None})
    _expect_plain("model.", model, MODEL)
    vocab, merges = _field(model, "vocab", dict), _field(model, "merges", list)
    after = contents.get("post_processor")
    if after is not None and after.get("type") != "ByteLevel":
        raise ValueError(f"post_processor is {after!r}; expected none, or a ByteLevel, which changes no id")
    specials = {}
    for added in _field(contents, "added_tokens", list):
        content = _field(added, "content", str)
        _expect_plain(f"added token {content!r}: ", added, ADDED)
        if content in specials:
            raise ValueError(f"added_tokens names {content!r} twice")
        specials[content] = _field(added, "id", int)
        if vocab.get(content, specials[content]) != specials[content]:
            raise ValueError(f"added_tokens gives {content!r} the id {specials[content]}, and vocab {vocab[content]}")
    vocabulary = {_bytes(token): _field(vocab, token, int) for token in vocab if token not in specials}
    return Tokenizer(vocabulary, [_merge(pair) for pair in merges], specials, _pattern(contents))


def _pattern(contents: Mapping) -> str:
    """What cuts the text into pieces: GPT-2's pattern, or that of a Split that stands before the ByteLevel."""
    step = _field(contents, "pre_tokenizer", dict)
    steps = _field(step, "pretokenizers", list) if step.get("type") == "Sequence" else [step]
    *splits, level = steps
    if not isinstance(level, dict) or level.get("type") != "ByteLevel" or level.get("add_prefix_space", True):
        raise ValueError(f"pre_tokenizer ends with {level!r}; expected a ByteLevel with add_prefix_space false")
    if not splits and level.get("use_regex", True):
        return GPT2_PATTERN
    match splits, level.get("use_regex", True):
        case [{"type": "Split", "pattern": {"Regex": str(pattern)}, "behavior": "Isolated", "invert": False}], False:
            return pattern
    raise ValueError(f"pre_tokenizer is {step!r}; expected a ByteLevel, or one isolated Split by a Regex before it")


def _merge(pair: Any) -> tuple[bytes, bytes]:
    halves = pair.split(" ") if isinstance(pair, str) else pair  # older files write "a b", newer ones ["a", "b"]
    if not isinstance(halves, list) or len(halves) != 2 or not all(isinstance(half, str) for half in halves):
        raise ValueError(f"merges has {pair!r}; expected two tokens")
    return _bytes(halves[0]), _bytes(halves[1])


def _text(token: bytes) -> str:
    return "".join(CHARACTERS[byte] for byte in token)


def _bytes(token: str) -> bytes:
    try:
        return bytes(BYTES[character] for character in token)
    except KeyError as error:
        raise ValueError(f"the token {token!r} has {error.args[0]!r}, which stands for no byte") from None


def _field(contents: Any, name: str, kind: type) -> Any:
    """contents[name], which must be there and of its kind."""
    if not isinstance(contents, dict):
        raise ValueError(f"{contents!r} stands where an object with the field {name!r} was expected")
    if name not in contents:
        raise ValueError(f"the field {name!r} is missing")
    if not isinstance(contents[name], kind) or isinstance(contents[name], bool):
        raise ValueError(f"the field {name!r} is of type {type(contents[name]).__name__}; expected {kind.__name__}")
    return contents[name]


def _expect_plain(where: str, contents: Mapping, expected: Mapping[str, Any]) -> None:
    """Raise where an option is set that utils.tokenizer does not follow: the value is neither absent, empty nor as expected."""
    for name, value in expected.items():
        if contents.get(name, value) not in (value, "", None):
            raise ValueError(f"{where}{name} is {contents[name]!r}; expected {value!r}, since this is not done here")
