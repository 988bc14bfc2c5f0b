"""A field for a sentence of known words, which several figures share: what may be typed, and what a figure offers.

Its part in the page is sentence.js and sentence.css: it reads the words as people type them, names those that are not known,
offers similar ones, and lists them all.
"""

from collections.abc import Sequence

from utils.data.text import Vocabulary


def typeable(vocabulary: Vocabulary) -> list[str]:
    """The words of a vocabulary without its tokens in angle brackets, <end> for one."""
    return [token for token in vocabulary.tokens if not (token.startswith("<") and token.endswith(">"))]


def expect_tokens(name: str, vocabulary: Vocabulary, count: int) -> None:
    """The vocabulary called `name` has as many tokens as the model that reads or writes them."""
    if len(vocabulary) != count:
        raise ValueError(f"{name} has {len(vocabulary)} tokens; expected {count}, as many as the model has")


def expect_examples(examples: Sequence[str], words: list[str], longest: int, name: str) -> None:
    """`examples` are sentences of 1 to `longest` of the `words`, which are those of the vocabulary called `name`."""
    if isinstance(examples, str) or not all(isinstance(example, str) for example in examples):
        raise TypeError(f"examples is {examples!r}; expected a list of sentences")
    if not examples:
        raise ValueError("examples is empty; expected at least one sentence")
    for example in examples:
        tokens = example.split()
        if not 1 <= len(tokens) <= longest:
            raise ValueError(f"examples holds {example!r} of {len(tokens)} words; expected 1 to {longest}")
        unknown = [token for token in tokens if token not in words]
        if unknown:
            raise ValueError(f"examples holds {example!r}, and {unknown[0]!r} is not in the {name}")
