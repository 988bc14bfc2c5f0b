"""The softmax under the reader's hands: logits to move, and what follows from them, for each of a few answers.

The page computes all of it from the logits: exponentials, probabilities, surprises in bits, and the gradient of the loss in
nats, which is the prediction minus what came. `utils.figures.embed` puts it into the page.
"""

from numbers import Real

from utils.figures.embed import Figure, embed

FEWEST, MOST = 2, 8  # answers
LIMIT = 6.0  # a slider runs from -LIMIT to LIMIT


def softmax_figure(answers: list[str], logits: list[float]) -> Figure:
    """The figure for `answers`, with one logit each to open on; at first, the first answer is what came."""
    if isinstance(answers, str) or not all(isinstance(answer, str) for answer in answers):
        raise TypeError(f"answers is {answers!r}; expected a list of strings")
    if not FEWEST <= len(answers) <= MOST:
        raise ValueError(f"answers has {len(answers)} entries; expected {FEWEST} to {MOST}")
    names = [answer.strip() for answer in answers]
    if "" in names:
        raise ValueError(f"answers holds {answers[names.index('')]!r}; expected words to show")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"answers holds {twice!r} more than once; expected distinct answers")
    if not all(isinstance(logit, Real) for logit in logits):
        raise TypeError(f"logits is {logits!r}; expected a list of numbers")
    if len(logits) != len(names):
        raise ValueError(f"logits has {len(logits)} entries; expected {len(names)}, one for each answer")
    for i, logit in enumerate(logits):
        if not -LIMIT <= logit <= LIMIT:  # a NaN too
            raise ValueError(f"logits[{i}] is {logit}; expected a number from {-LIMIT:g} to {LIMIT:g}")
    return embed(
        "softmax",
        {"answers": names, "logits": [float(logit) for logit in logits], "limit": LIMIT},
        title="From logits to a loss",
        description=(
            f"Each of {len(names)} answers has a logit z, an exponential, a probability p, its surprise in bits, and the "
            "gradient of the loss in nats: prediction minus what came. Move a logit, choose what came, or add the same amount "
            "to every logit and see what stays."
        ),
    )
