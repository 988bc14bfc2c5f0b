"""Argument errors: what passes, and that each refusal names the argument, what it got and what was expected."""

import re

import pytest
import torch

from utils.shapes import expect, expect_lengths, expect_tokens


def test_good_arguments_pass():
    expect("x", torch.zeros(2, 3, 8), ("B", "T", 8), torch.float32)
    expect("x", torch.zeros(2, 3, dtype=torch.int32), (2, "T"))
    expect_lengths("lengths", torch.tensor([1, 5]), batch=2, time=5)
    expect_lengths("lengths", torch.tensor([1, 5], dtype=torch.uint8), batch=2, time=5)
    expect_tokens("tokens", torch.tensor([[0, 3]]), ("B", "T"), vocabulary=4)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([1.0], TypeError, "x is of type list; expected a torch.Tensor"),
        (torch.zeros(2, 8), ValueError, "x has shape (2, 8); expected (B, T, 8)"),
        (torch.zeros(2, 3, 7), ValueError, "x has shape (2, 3, 7); expected (B, T, 8)"),
        (torch.zeros(1, 2, 3, 8), ValueError, "x has shape (1, 2, 3, 8); expected (B, T, 8)"),
        (torch.zeros(2, 0, 8), ValueError, "x is empty: it has shape (2, 0, 8); expected (B, T, 8) with no axis of size 0"),
        (torch.zeros(2, 3, 8).double(), TypeError, "x has dtype torch.float64; expected torch.float32"),
        (torch.full((2, 3, 8), torch.nan), ValueError, "x holds a NaN or an infinity; expected finite numbers"),
        (torch.full((2, 3, 8), -torch.inf), ValueError, "x holds a NaN or an infinity; expected finite numbers"),
    ],
)
def test_expect_refuses(value, error, message):
    with pytest.raises(error, match=re.escape(message)):
        expect("x", value, ("B", "T", 8), torch.float32)


def test_one_bad_number_among_many_is_found():
    x = torch.zeros(2, 3)
    x[1, 2] = torch.nan
    with pytest.raises(ValueError, match="x holds a NaN"):
        expect("x", x, ("B", "T"))


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([1, 5], TypeError, "lengths is of type list; expected a torch.Tensor"),
        (torch.tensor([1, 2, 3]), ValueError, "lengths has shape (3,); expected (2,)"),
        (torch.tensor([[1, 2]]), ValueError, "lengths has shape (1, 2); expected (2,)"),
        (torch.tensor([1.0, 2.0]), TypeError, "lengths has dtype torch.float32; expected an integer dtype"),
        (torch.tensor([True, True]), TypeError, "lengths has dtype torch.bool; expected an integer dtype"),
        (torch.tensor([0, 5]), ValueError, "lengths runs from 0 to 5; expected 1 to 5, the padded length"),
        (torch.tensor([1, 6]), ValueError, "lengths runs from 1 to 6; expected 1 to 5, the padded length"),
    ],
)
def test_expect_lengths_refuses(value, error, message):
    with pytest.raises(error, match=re.escape(message)):
        expect_lengths("lengths", value, batch=2, time=5)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (torch.tensor([0, 1]), ValueError, "tokens has shape (2,); expected (B, T)"),
        (torch.tensor([[0, 1]], dtype=torch.int32), TypeError, "tokens has dtype torch.int32; expected torch.int64"),
        (torch.tensor([[0, 4]]), ValueError, "tokens holds ids from 0 to 4; expected 0 to 3"),
        (torch.tensor([[-1, 3]]), ValueError, "tokens holds ids from -1 to 3; expected 0 to 3"),
    ],
)
def test_expect_tokens_refuses(value, error, message):
    with pytest.raises(error, match=re.escape(message)):
        expect_tokens("tokens", value, ("B", "T"), vocabulary=4)
