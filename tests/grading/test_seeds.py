"""The secret of a course is made once, and a seed follows from it, the student and the task alone."""

import hashlib
import os
import threading

import pytest

from utils.grading.results import seeds
from utils.grading.results.seeds import commitment, secret, seed


def test_the_secret_is_made_once(tmp_path):
    key = secret(tmp_path)
    assert (len(key), secret(tmp_path)) == (32, key)
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    (tmp_path / "other").mkdir()
    assert secret(tmp_path / "other") != key


def test_all_who_ask_at_once_get_the_same(tmp_path):
    start, got = threading.Barrier(8), []

    def ask():
        start.wait()
        got.append(secret(tmp_path))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(set(got))) == (8, 1)
    assert len(list(tmp_path.iterdir())) == 1


def test_whoever_comes_second_takes_the_first_one_s(tmp_path, monkeypatch):
    link = os.link

    def another_was_faster(half, path):
        path.write_bytes(b"1" * 32)
        link(half, path)

    monkeypatch.setattr(seeds.os, "link", another_was_faster)
    assert secret(tmp_path) == b"1" * 32
    assert len(list(tmp_path.iterdir())) == 1


def test_a_run_stopped_while_it_makes_the_secret_leaves_none(tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(seeds.os, "link", stopped)
        with pytest.raises(KeyboardInterrupt):
            secret(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(secret(tmp_path)) == 32


@pytest.mark.parametrize("key", [b"", b"1" * 31, b"1" * 33])
def test_a_damaged_secret_is_never_replaced(tmp_path, key):
    (tmp_path / "secret.key").write_bytes(key)
    with pytest.raises(ValueError, match=f"holds {len(key)} bytes; expected 32"):
        secret(tmp_path)
    assert (tmp_path / "secret.key").read_bytes() == key


def test_a_seed_is_the_same_for_ever():
    """As OpenSSL has it: printf '["alice", "01.2"]' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0001..."""
    assert seed(bytes(range(32)), "alice", "01.2") == 0x2302266BF5ECC62E >> 1


def test_seeds_differ_and_use_all_their_bits():
    key = bytes(range(32))
    found = {seed(key, student, task) for student in ("a", "ab", "", 'a", "b') for task in ("c", "bc", "", 'b", "c')}
    assert len(found) == 16
    many = [seed(key, str(n), "01.1") for n in range(200)]
    assert all(0 <= one < 2**63 for one in many)
    assert all(any(one >> bit & 1 for one in many) and not all(one >> bit & 1 for one in many) for bit in range(63))
    assert seed(bytes(32), "a", "c") != seed(key, "a", "c")


def test_the_commitment_is_the_checksum_of_the_file(tmp_path):
    key = secret(tmp_path)
    with open(tmp_path / "secret.key", "rb") as file:
        assert commitment(key) == hashlib.file_digest(file, "sha256").hexdigest()
