"""Real corpora by name, downloaded once and checked: used only where a reader asks for them.

Files lie in the folder that the environment variable COURSE_DATA names, or in the user's cache. A file whose SHA-256 is not
the one listed here is refused.
"""

import gzip
from pathlib import Path

import pooch

SHAKESPEARE = "https://raw.githubusercontent.com/karpathy/char-rnn/6f9487a6/data/tinyshakespeare/"
MULTI30K = "https://raw.githubusercontent.com/multi30k/dataset/a3d2e0d2/data/task1/raw/"

SOURCES = {  # file: (folder it is served from, SHA-256)
    "input.txt": (SHAKESPEARE, "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),
    "train.de.gz": (MULTI30K, "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6"),
    "train.en.gz": (MULTI30K, "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f"),
    "train.fr.gz": (MULTI30K, "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c"),
    "val.de.gz": (MULTI30K, "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a"),
    "val.en.gz": (MULTI30K, "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28"),
    "val.fr.gz": (MULTI30K, "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9"),
    "test_2016_flickr.de.gz": (MULTI30K, "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8"),
    "test_2016_flickr.en.gz": (MULTI30K, "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9"),
    "test_2016_flickr.fr.gz": (MULTI30K, "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90"),
}
SPLITS = {"train": "train", "val": "val", "test": "test_2016_flickr"}


def fetch(name: str) -> Path:
    """The path of a corpus file, downloaded if it is not there as listed.

    ValueError if what was downloaded has another checksum or the name is unknown, OSError if nothing can be downloaded.
    """
    if name not in SOURCES:
        raise ValueError(f"name is {name!r}; expected one of {', '.join(sorted(SOURCES))}")
    shelf = pooch.create(
        path=pooch.os_cache("from-recurrence-to-attention"),
        base_url="",
        env="COURSE_DATA",
        registry={name: f"sha256:{digest}" for name, (_, digest) in SOURCES.items()},
        urls={name: folder + name for name, (folder, _) in SOURCES.items()},
    )
    try:
        return Path(shelf.fetch(name, progressbar=True))
    except OSError as error:  # requests' errors are
        there = "is damaged" if (shelf.abspath / name).is_file() else "is not there"
        raise OSError(f"{shelf.abspath / name} {there}, and {shelf.get_url(name)} cannot be read: {error}") from error


def tiny_shakespeare() -> str:
    """1.1 million characters of Shakespeare's plays, as collected by Karpathy (2015)."""
    return fetch("input.txt").read_text(encoding="utf-8")


def multi30k(language: str, split: str) -> list[str]:
    """One side of Multi30k (Elliott et al. 2016): the captions of a split ("train", "val", "test") in "en", "de" or "fr"."""
    if language not in ("en", "de", "fr"):
        raise ValueError(f"language is {language!r}; expected en, de or fr")
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; expected train, val or test")
    with gzip.open(fetch(f"{SPLITS[split]}.{language}.gz"), "rt", encoding="utf-8") as lines:
        return [line.rstrip("\n") for line in lines]
