"""The seeds of the checks, one for each student and task, from a secret of the course's. What they draw is not known here.

Nobody can choose a student's inputs after reading the answer: the seed follows from the secret, the student and the task alone,
and the secret was fixed when the first feedback bore its commitment. When the course is over and the secret is published as
secret.key, a student verifies it in three steps:

1. `sha256sum secret.key` prints the commitment that stands on the page of feedback.
2. `seed(Path("secret.key").read_bytes(), "their name", "01.2")` is the seed that their answer met.
3. `grade(find("01.2"), Direct(globals()), that_seed)`, from utils.grading.task and utils.grading.rooms, in a notebook with
   their answer, gives the parts that passed and failed.

A published secret must not be used again: the next class needs new results in another folder, and so another key.
"""

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from utils.grading.results.marks import HALF

SIZE = 32


def secret(folder: Path) -> bytes:
    """RESULTS/secret.key, made by whoever asks first. ValueError if it is damaged: a new one would change every seed."""
    path = folder / "secret.key"
    if not path.exists():
        _create(path)
    key = path.read_bytes()
    if len(key) != SIZE:
        raise ValueError(f"{path} holds {len(key)} bytes; expected {SIZE}. Restore it, or delete it to grade everybody anew")
    return key


def _create(path: Path) -> None:
    """A key under that name, readable to its owner alone; the one that is there if another process was faster."""
    half = path.with_name(HALF + secrets.token_hex(8))
    try:
        with open(half, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(secrets.token_bytes(SIZE))
            file.flush()
            os.fsync(file.fileno())
        os.link(half, path)  # which, unlike a renaming, never takes the place of a file
    except FileExistsError:
        pass
    finally:
        half.unlink(missing_ok=True)


def seed(secret: bytes, student: str, task: str) -> int:
    """63 bits that nobody without the secret can tell, and that nothing else decides."""
    digest = hmac.digest(secret, json.dumps([student, task]).encode(), "sha256")
    return int.from_bytes(digest[:8], "big") >> 1


def commitment(secret: bytes) -> str:
    """What may be shown of the secret while it is one: the SHA-256 of the key's file, in hexadecimal."""
    return hashlib.sha256(secret).hexdigest()
