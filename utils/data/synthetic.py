"""Small made-up tasks whose answer is known, each built to ask one thing of a model."""

import torch
from torch import Tensor

CAPITALS = {
    "Ankara": "Turkey", "London": "UK", "Paris": "France", "Madrid": "Spain", "Rome": "Italy", "Berlin": "Germany",
    "Vienna": "Austria", "Athens": "Greece", "Lisbon": "Portugal", "Dublin": "Ireland", "Oslo": "Norway", "Helsinki": "Finland",
    "Warsaw": "Poland", "Prague": "Czechia", "Budapest": "Hungary", "Sofia": "Bulgaria", "Cairo": "Egypt", "Nairobi": "Kenya",
    "Accra": "Ghana", "Tokyo": "Japan", "Hanoi": "Vietnam", "Lima": "Peru", "Quito": "Ecuador", "Ottawa": "Canada",
}  # fmt: skip


def capital_sentences() -> list[str]:
    """One sentence a capital: "Ankara is the capital of Turkey ." """
    return [f"{city} is the capital of {country} ." for city, country in CAPITALS.items()]


def delayed_recall(batch: int, delay: int, symbols: int = 8, distractors: int = 2) -> tuple[Tensor, Tensor]:
    """Remember the first symbol over `delay` steps of noise (after Hochreiter and Schmidhuber 1997, section 5).

    -> tokens (batch, delay + 1) and answers (batch,). The first token is one of `symbols`, and is the answer; those after it
    are noise, drawn from `distractors` further ids. Guessing is right once in `symbols` times.
    """
    for name, value in (("batch", batch), ("delay", delay), ("symbols", symbols), ("distractors", distractors)):
        if value < 1:
            raise ValueError(f"{name} is {value}; expected at least 1")
    answers = torch.randint(symbols, (batch,))
    noise = symbols + torch.randint(distractors, (batch, delay))
    return torch.cat([answers[:, None], noise], 1), answers
