"""Checks of chapter 05, echo state networks.

Axes: B sequences, T steps, D inputs, N units, K outputs, F features, S samples.
"""

from collections.abc import Callable, Iterator
from math import dist, fsum, sqrt, tanh
from statistics import fmean, pstdev

import numpy as np
import torch

from utils.grading.rooms import Room
from utils.grading.task import mistake, sizes, task

Parts = Iterator[tuple[str, object]]


def weights(rng: np.random.Generator, D: int, N: int, radius: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """A network's W_in (1 + D, N), of a bias that counts, and W (N, N)."""
    W = rng.normal(size=(N, N))
    return 0.7 * rng.normal(size=(1 + D, N)), W * (radius / radius_by_powers(W))


def stepper(W_in: np.ndarray, W: np.ndarray, leak: float) -> Callable:
    """step(u (D,), x (N,)) -> x (N,)."""
    return lambda u, x: (1 - leak) * x + leak * np.tanh(W_in[0] + u @ W_in[1:] + x @ W)


# 05.1 The spectral radius


def radius_by_powers(W: np.ndarray) -> float:
    """The limit of |W^k|^(1/k) (Gelfand 1941), for k = 2^40."""
    log = 0.0
    for doubling in range(41):
        size = np.linalg.norm(W)
        log += np.log(size) / 2**doubling
        W = (W / size) @ (W / size)
    return float(np.exp(log))


def scaled_by(measure: Callable) -> Callable:
    """Scale W as if measure(W) were its spectral radius."""
    return lambda W, radius: W * (radius / measure(W))


def with_eigenvalues(rng: np.random.Generator, real: list[float], pair: tuple[float, float]) -> np.ndarray:
    """A matrix with these real eigenvalues and the pair a + bi, a - bi; neither symmetric nor orthogonal."""
    a, b = pair
    N = 2 + len(real)
    W = np.diag([0, 0, *real])
    W[:2, :2] = [[a, b], [-b, a]]
    left, right = (np.linalg.qr(rng.normal(size=(N, N)))[0] for _ in range(2))
    basis = left * rng.uniform(0.5, 2, N) @ right
    return basis @ W @ np.linalg.inv(basis)


@task(
    "05.1",
    oracle={"scale_to_radius": scaled_by(radius_by_powers)},
    mistakes={
        "the largest singular value": mistake(
            "The norm says how far a single step can stretch a state. Look at what says how powers of W grow in the long run.",
            scale_to_radius=scaled_by(lambda W: np.linalg.norm(W, 2)),
        ),
        "the root of the sum of squares": mistake(
            "Look at what np.linalg.norm of a matrix is when you do not tell it which norm.",
            scale_to_radius=scaled_by(np.linalg.norm),
        ),
        "the largest sum of a row": mistake(
            "In the example by hand the rows sum to 2 and to 1/2 in size, and the radius is 1. Look at what you measure.",
            scale_to_radius=scaled_by(lambda W: np.abs(W).sum(1).max()),
        ),
        "the largest entry": mistake(
            "In the example by hand the largest entry is 2 and the radius is 1. Look at what you take the maximum of.",
            scale_to_radius=scaled_by(lambda W: np.abs(W).max()),
        ),
        "the largest real part": mistake(
            "In the example by hand both real parts are 0. Look at what makes one complex number larger than another.",
            scale_to_radius=scaled_by(lambda W: np.linalg.eigvals(W).real.max()),
        ),
        "the largest real part in size": mistake(
            "A negative eigenvalue counts, you saw to that. Look at what becomes of the imaginary part.",
            scale_to_radius=scaled_by(lambda W: np.abs(np.linalg.eigvals(W).real).max()),
        ),
        "the real part of the largest": mistake(
            "You find the right eigenvalue. Look at what you read off it: its size is its distance from 0.",
            scale_to_radius=scaled_by(lambda W: max(np.linalg.eigvals(W), key=abs).real),
        ),
        "the mean of the eigenvalues": mistake(
            "In the long run one eigenvalue outgrows all others. Look at whether you average.",
            scale_to_radius=scaled_by(lambda W: np.abs(np.linalg.eigvals(W)).mean()),
        ),
        "eigenvalues of a symmetric matrix": mistake(
            "Your routine reads half of W, and takes the other half for its mirror image. Look at what it is made for.",
            scale_to_radius=scaled_by(lambda W: np.abs(np.linalg.eigvalsh(W)).max()),
        ),
        "divided the wrong way": mistake(
            "Ask for a larger radius: your weights must grow. Look at what you divide by what.",
            scale_to_radius=lambda W, radius: W * (radius_by_powers(W) / radius),
        ),
        "the radius 1": mistake(
            "Change the radius: your answer stays the same.",
            scale_to_radius=lambda W, radius: W / radius_by_powers(W),
        ),
        "the old radius left in": mistake(
            "Ask for the same radius of W and of 2 W: the answers must be the same. Look at what becomes of the radius W had.",
            scale_to_radius=lambda W, radius: W * radius,
        ),
    },
)
def scale_to_radius(room: Room, rng: np.random.Generator) -> Parts:
    turn = rng.uniform(1.1, 1.3)  # so that 1.5 times its cosine is below the real eigenvalues
    pair = (float(1.5 * np.cos(turn)), float(1.5 * np.sin(turn)))
    real = [-1.1, 0.8, *rng.uniform(-0.5, 0.5, rng.integers(1, 4))]
    W = with_eigenvalues(rng, real, pair)
    yield "a complex pair is largest", room.call("scale_to_radius", W, float(rng.uniform(0.6, 0.9)))
    N = 2 + len(real)
    diagonal = np.array([0.9, *rng.uniform(-0.5, 0.5, N - 3), -1.4, 0.7])
    W = np.triu(rng.normal(size=(N, N)), 1) + np.diag(diagonal)
    yield "a negative eigenvalue is largest", room.call("scale_to_radius", W, float(rng.uniform(0.6, 0.9)))
    yield "small weights, a radius above 1", room.call("scale_to_radius", 0.05 * rng.normal(size=(N + 9, N + 9)), 1.25)


# 05.2 The states


def states_by_unit(u: np.ndarray, W_in: np.ndarray, W: np.ndarray, leak: float) -> np.ndarray:
    (T, D), N = u.shape, len(W)
    x = [[0.0] * N]
    for n in range(T):
        total = [W_in[0, j] + fsum(u[n, d] * W_in[1 + d, j] for d in range(D)) for j in range(N)]
        total = [total[j] + fsum(x[-1][i] * W[i, j] for i in range(N)) for j in range(N)]
        x.append([(1 - leak) * before + leak * tanh(a) for before, a in zip(x[-1], total)])
    return np.array(x[1:])


def states_with(
    mix: Callable = lambda x, drive, W, leak: (1 - leak) * x + leak * np.tanh(drive + x @ W),
    drive: Callable = lambda u, W_in: W_in[0] + u @ W_in[1:],
) -> Callable:
    """Another mix of the last state x and the drive of this step, or another drive (T, N)."""

    def run_reservoir(u, W_in, W, leak):
        x, found = np.zeros(len(W)), []
        for row in drive(u, W_in):
            x = mix(x, row, W, leak)
            found.append(x)
        return np.array(found)

    return run_reservoir


def new_part_carried_on(u: np.ndarray, W_in: np.ndarray, W: np.ndarray, leak: float) -> np.ndarray:
    x, found = np.zeros(len(W)), []
    for row in u:
        new = np.tanh(W_in[0] + row @ W_in[1:] + x @ W)
        found.append((1 - leak) * x + leak * new)
        x = new
    return np.array(found)


def delayed(states: np.ndarray) -> np.ndarray:
    """The states before each step: zero, then all but the last."""
    return np.vstack([0 * states[:1], states[:-1]])


@task(
    "05.2",
    oracle={"run_reservoir": states_by_unit},
    mistakes={
        "the leak swapped": mistake(
            "A leak of 1 forgets the old state but for what W carries. Look at which part yours forgets.",
            run_reservoir=lambda u, W_in, W, leak: states_with()(u, W_in, W, 1 - leak),
        ),
        "the leak inside tanh": mistake(
            "The old state leaks past tanh. Look at what stands inside yours.",
            run_reservoir=states_with(lambda x, drive, W, leak: np.tanh((1 - leak) * x + leak * (drive + x @ W))),
        ),
        "tanh of the whole mixture": mistake(
            "You take tanh of the new state and of the kept part of the old one. Look at where the brackets close.",
            run_reservoir=states_with(lambda x, drive, W, leak: np.tanh((1 - leak) * x + leak * np.tanh(drive + x @ W))),
        ),
        "the leak without effect": mistake(
            "Change the leak: your answer stays the same.",
            run_reservoir=states_with(lambda x, drive, W, leak: np.tanh(drive + x @ W)),
        ),
        "the old state kept whole": mistake(
            "What comes in and what stays make one whole. Look at how much of the old state stays.",
            run_reservoir=states_with(lambda x, drive, W, leak: x + leak * np.tanh(drive + x @ W)),
        ),
        "the new state taken whole": mistake(
            "What comes in and what stays make one whole. Look at how much of the new part comes in.",
            run_reservoir=states_with(lambda x, drive, W, leak: (1 - leak) * x + np.tanh(drive + x @ W)),
        ),
        "the old state not kept": mistake(
            "You take a part of the new state. Look at what the rest is made of.",
            run_reservoir=states_with(lambda x, drive, W, leak: leak * np.tanh(drive + x @ W)),
        ),
        "the bias forgotten": mistake(
            "A network in the zero state with zero inputs does not stay there. Look at the row of W_in that you do not use.",
            run_reservoir=states_with(drive=lambda u, W_in: u @ W_in[1:]),
        ),
        "the bias last": mistake(
            "Look at which row of W_in you take for the bias.",
            run_reservoir=states_with(drive=lambda u, W_in: W_in[-1] + u @ W_in[:-1]),
        ),
        "the bias outside tanh": mistake(
            "The bias moves the argument of tanh. Look at where you add it.",
            run_reservoir=lambda u, W_in, W, leak: states_with(
                lambda x, drive, W, leak: (1 - leak) * x + leak * (W_in[0] + np.tanh(drive - W_in[0] + x @ W))
            )(u, W_in, W, leak),
        ),
        "W transposed": mistake(
            "W[i, j] leads from unit i to unit j. Look at the side of W on which your state stands.",
            run_reservoir=lambda u, W_in, W, leak: states_with()(u, W_in, W.T, leak),
        ),
        "tanh of the old state": mistake(
            "Your old state goes through tanh before W and not after. Look at what tanh is taken of.",
            run_reservoir=states_with(lambda x, drive, W, leak: (1 - leak) * x + leak * (drive + np.tanh(x) @ W)),
        ),
        "no tanh": mistake(
            "Double the inputs: your states move twice as far, and tanh would not let them. Look at what is missing.",
            run_reservoir=states_with(lambda x, drive, W, leak: (1 - leak) * x + leak * (drive + x @ W)),
        ),
        "W not used": mistake(
            "Change W: your answer stays the same.",
            run_reservoir=states_with(lambda x, drive, W, leak: (1 - leak) * x + leak * np.tanh(drive)),
        ),
        "each step from zero": mistake(
            "Change the first input: your later states stay the same. Look at what is carried from step to step.",
            run_reservoir=states_with(lambda x, drive, W, leak: leak * np.tanh(drive)),
        ),
        "the new part carried on": mistake(
            "The next step starts from the mixture, not from what came out of tanh. Look at what you call x.",
            run_reservoir=new_part_carried_on,
        ),
        "the new part returned": mistake(
            "You carry the right state on. Look at what you write down.",
            run_reservoir=lambda u, W_in, W, leak: np.tanh(
                W_in[0] + u @ W_in[1:] + delayed(states_by_unit(u, W_in, W, leak)) @ W
            ),
        ),
        "the states before": mistake(
            "The first state you return is the one from before the first input. Look at when you write it down.",
            run_reservoir=lambda u, W_in, W, leak: delayed(states_by_unit(u, W_in, W, leak)),
        ),
        "the inputs of the next step": mistake(
            "The first input never reaches your first state. Look at the index of u.",
            run_reservoir=lambda u, W_in, W, leak: states_by_unit(np.roll(u, -1, 0), W_in, W, leak),
        ),
    },
)
def run_reservoir(room: Room, rng: np.random.Generator) -> Parts:
    T, D, N = np.add(sizes(rng, 3), 1).tolist()
    W_in, W = weights(rng, D, N)
    leak = float(rng.uniform(0.2, 0.4))
    yield "a few steps with a leak", room.call("run_reservoir", rng.normal(size=(T, D)), W_in, W, leak)
    yield "a leak of 1", room.call("run_reservoir", rng.normal(size=(T, D)), W_in, W, 1.0)
    yield "one step", room.call("run_reservoir", rng.normal(size=(1, D)), W_in, W, leak)
    yield "more steps, no inputs to speak of", room.call("run_reservoir", np.zeros((T + 12, D)), W_in, W, 0.7)


# 05.3 Does it forget where it began?


def distances_by_step(step: Callable, u: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    found = []
    for row in u:
        first, second = step(row, first), step(row, second)
        found.append(dist(first, second))
    return np.array(found)


def path(step: Callable, u: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The states (T + 1, N), the one given first."""
    return np.array([x, *(x := step(row, x) for row in u)])


def distances_with(measure: Callable) -> Callable:
    """measure(differences of the two paths (T + 1, N)) -> (T,)."""
    return lambda step, u, first, second: measure(path(step, u, first) - path(step, u, second))


def distances_to(other: Callable) -> Callable:
    """Distances from the first path to other(step, u, first, second), states (T, N) or one (N,)."""
    return lambda step, u, first, second: length(path(step, u, first)[1:] - other(step, u, first, second))


def length(x: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x, axis=-1)


@task(
    "05.3",
    oracle={"distances": distances_by_step},
    mistakes={
        "the square": mistake(
            "Look at the unit of what you return: a distance, or its square?",
            distances=distances_with(lambda d: length(d[1:]) ** 2),
        ),
        "the sum of differences": mistake(
            "From (2.5, 3) to (1, 1) it is 2.5, and not 3.5. Look at how you put the units together.",
            distances=distances_with(lambda d: np.abs(d[1:]).sum(-1)),
        ),
        "the largest difference": mistake(
            "From (2.5, 3) to (1, 1) it is 2.5, and not 2. Look at how you put the units together.",
            distances=distances_with(lambda d: np.abs(d[1:]).max(-1)),
        ),
        "the mean over the units": mistake(
            "A distance adds up what each unit contributes. Look at whether you average.",
            distances=distances_with(lambda d: np.sqrt((d[1:] ** 2).mean(-1))),
        ),
        "the difference of two lengths": mistake(
            "Two states of equal length may be far apart. Look at what you subtract from what, and when.",
            distances=lambda step, u, first, second: np.abs(
                length(path(step, u, first)[1:]) - length(path(step, u, second)[1:])
            ),
        ),
        "the distance before each step": mistake(
            "Your first number is known before any input is read. Look at when you measure.",
            distances=distances_with(lambda d: length(d[:-1])),
        ),
        "relative to the beginning": mistake(
            "The distance itself is asked for. Look at what you divide by.",
            distances=distances_with(lambda d: length(d[1:]) / length(d[0])),
        ),
        "how far each step moves": mistake(
            "You compare one network with itself, a step earlier. Look at which two states belong together.",
            distances=distances_to(lambda step, u, first, second: path(step, u, first)[:-1]),
        ),
        "each step from the beginning": mistake(
            "Change the first input: your second distance stays the same. Look at the state that each step starts from.",
            distances=lambda step, u, first, second: np.array([dist(step(row, first), step(row, second)) for row in u]),
        ),
        "one state left where it was": mistake(
            "Both networks run. Look at which of your two states changes.",
            distances=distances_to(lambda step, u, first, second: second),
        ),
        "one state left where it was, the other one": mistake(
            "Both networks run. Look at what becomes of the first of your two states.",
            distances=lambda step, u, first, second: length(path(step, u, second)[1:] - first),
        ),
        "no inputs for one of them": mistake(
            "Both networks hear the same. Look at the inputs of the second.",
            distances=distances_to(lambda step, u, first, second: path(step, 0 * u, second)[1:]),
        ),
        "one of them a step ahead": mistake(
            "Both networks hear the same at the same time. Look at the index of the inputs of each.",
            distances=distances_to(lambda step, u, first, second: path(step, np.roll(u, -1, 0), second)[1:]),
        ),
        "one after the other": mistake(
            "The second network starts from the second state. Look at what it starts from in yours.",
            distances=distances_to(lambda step, u, first, second: path(step, u, path(step, u, first)[-1])[1:]),
        ),
        "the difference put into the network": mistake(
            "A network is not linear: the step of a difference is no difference of steps. Look at what you step.",
            distances=lambda step, u, first, second: length(path(step, u, first - second)[1:]),
        ),
    },
)
def distances(room: Room, rng: np.random.Generator) -> Parts:
    T, D, N = np.add(sizes(rng, 3), 1).tolist()
    first, second = rng.uniform(-1, 1, (2, N))
    step = stepper(*weights(rng, D, N), float(rng.uniform(0.4, 0.8)))
    yield "a network that forgets", room.call("distances", step, rng.normal(size=(T, D)), first, second)
    W_in, orthogonal = 0.1 * rng.normal(size=(1 + D, N + 1)), np.linalg.qr(rng.normal(size=(N + 1, N + 1)))[0]
    near, far = rng.uniform(-0.1, 0.1, (2, N + 1))
    wild = stepper(W_in, 2.5 * orthogonal, 1.0)
    yield "one where small differences grow at first", room.call("distances", wild, 0.3 * rng.normal(size=(T, D)), near, far)
    yield "one step", room.call("distances", step, rng.normal(size=(1, D)), first, second)


# 05.4 What the readout sees

Rows = tuple[np.ndarray, np.ndarray]


def rows_by_loop(u: np.ndarray, states: np.ndarray, y: np.ndarray, washout: int) -> Rows:
    kept = [(b, n) for b, n in np.ndindex(*u.shape[:2]) if n >= washout]
    return np.array([[1.0, *u[at], *states[at]] for at in kept]), np.array([y[at] for at in kept])


def rows_with(
    cut: Callable = lambda u, states, y, w: (u[:, w:], states[:, w:], y[:, w:]),
    features: Callable = lambda one, u, x: [one, u, x],
    order: Callable = lambda X, Y: (X, Y),
) -> Callable:
    """Another cut of the steps (B, T, .), order of the features, or order(X, Y) of the axes before they are flattened."""

    def training_rows(u, states, y, washout):
        u, states, y = cut(u, states, y, washout)
        X = np.concatenate(features(np.ones((*u.shape[:2], 1)), u, states), axis=-1)
        return tuple(part.reshape(-1, part.shape[-1]) for part in order(X, y))

    return training_rows


def by_step(part: np.ndarray) -> np.ndarray:
    return part.swapaxes(0, 1)


@task(
    "05.4",
    oracle={"training_rows": rows_by_loop},
    mistakes={
        "the last steps left out": mistake(
            "The washout is what comes first. Look at which end you cut off.",
            training_rows=rows_with(lambda u, x, y, w: tuple(part[:, : u.shape[1] - w] for part in (u, x, y))),
        ),
        "one step too many left out": mistake(
            "Count your rows. With a washout of 0 nothing goes.",
            training_rows=rows_with(lambda u, x, y, w: tuple(part[:, w + 1 :] for part in (u, x, y))),
        ),
        "one step too few left out": mistake(
            "Count your rows. Steps count from 0, so which one is the first that stays?",
            training_rows=rows_with(lambda u, x, y, w: tuple(part[:, max(w - 1, 0) :] for part in (u, x, y))),
        ),
        "the washout of the first sequence only": mistake(
            "Every sequence starts anew. Count how many rows of the second one you leave out.",
            training_rows=lambda u, states, y, washout: tuple(part[washout:] for part in rows_by_loop(u, states, y, 0)),
        ),
        "no washout": mistake(
            "Change the washout: your answer stays the same.",
            training_rows=lambda u, states, y, washout: rows_by_loop(u, states, y, 0),
        ),
        "the targets not cut": mistake(
            "A row of features and a row of targets belong to one step. Look at the lengths of your two arrays.",
            training_rows=rows_with(lambda u, x, y, w: (u[:, w:], x[:, w:], y)),
        ),
        "the first targets": mistake(
            "There are as many targets as features, but of other steps. Look at which ones you keep.",
            training_rows=rows_with(lambda u, x, y, w: (u[:, w:], x[:, w:], y[:, : y.shape[1] - w])),
        ),
        "the inputs of other steps": mistake(
            "Input and state of one row belong to one step. Look at which inputs you keep.",
            training_rows=rows_with(lambda u, x, y, w: (u[:, : u.shape[1] - w], x[:, w:], y[:, w:])),
        ),
        "the states of the step before": mistake(
            "A row holds the input and the state after it. Look at the index of your states.",
            training_rows=rows_with(lambda u, x, y, w: (u[:, w:], np.roll(x, 1, 1)[:, w:], y[:, w:])),
        ),
        "the targets of the next step": mistake(
            "Each target stands at its own step already. Look at the index of your targets.",
            training_rows=rows_with(lambda u, x, y, w: (u[:, w:], x[:, w:], np.roll(y, -1, 1)[:, w:])),
        ),
        "the 1 in second place": mistake(
            "A row of W_out belongs to each feature, so their order counts. Look at where your 1 stands.",
            training_rows=rows_with(features=lambda one, u, x: [u, one, x]),
        ),
        "the 1 last": mistake(
            "A row of W_out belongs to each feature, so their order counts. Look at the last column.",
            training_rows=rows_with(features=lambda one, u, x: [u, x, one]),
        ),
        "the states before the inputs": mistake(
            "A row of W_out belongs to each feature, so their order counts. Look at what stands after the 1.",
            training_rows=rows_with(features=lambda one, u, x: [one, x, u]),
        ),
        "no 1": mistake(
            "Count your columns. What does a readout need that says something where all is zero?",
            training_rows=rows_with(features=lambda one, u, x: [u, x]),
        ),
        "no inputs": mistake(
            "Count your columns. Is the state all that the readout sees?",
            training_rows=rows_with(features=lambda one, u, x: [one, x]),
        ),
        "step by step": mistake(
            "One sequence comes after the other. Look at which of two axes runs first in your rows.",
            training_rows=rows_with(order=lambda X, Y: (by_step(X), by_step(Y))),
        ),
        "the features step by step, the targets not": mistake(
            "Both arrays need their rows in one order. Look at the axes of your features before you flatten them.",
            training_rows=rows_with(order=lambda X, Y: (by_step(X), Y)),
        ),
        "the targets step by step, the features not": mistake(
            "Both arrays need their rows in one order. Look at the axes of your targets before you flatten them.",
            training_rows=rows_with(order=lambda X, Y: (X, by_step(Y))),
        ),
        "a column for each step": mistake(
            "Rows are vectors here: a step is a row. Look at which way round your arrays are.",
            training_rows=lambda *args: tuple(part.T for part in rows_by_loop(*args)),
        ),
    },
)
def training_rows(room: Room, rng: np.random.Generator) -> Parts:
    B, D, N, K = sizes(rng, 4)
    T, washout = 9 + int(rng.integers(3)), int(rng.integers(3, 6))

    def data(B: int, T: int) -> list[np.ndarray]:
        return [rng.normal(size=(B, T, size)) for size in (D, N, K)]

    yield "features and targets of the same steps", room.call("training_rows", *data(B, T), washout)
    yield "a washout of one step", room.call("training_rows", *data(B, T), 1)
    yield "no washout", room.call("training_rows", *data(B, T), 0)
    yield "all but the last step", room.call("training_rows", *data(B, T), T - 1)
    yield "one sequence", room.call("training_rows", *data(1, T), washout)


# 05.5 The readout


def ridge_by_least_squares(X: np.ndarray, Y: np.ndarray, beta: float) -> np.ndarray:
    """The penalty as F more samples: sqrt(beta) of one feature each, with the target 0."""
    F, K = X.shape[1], Y.shape[1]
    more = np.vstack([X, sqrt(beta) * np.eye(F)]), np.vstack([Y, np.zeros((F, K))])
    return torch.linalg.lstsq(*map(torch.from_numpy, more)).solution.numpy()


def ridge_with(gram: Callable) -> Callable:
    """gram(X^T X (F, F), beta, S) in place of X^T X + beta I."""
    return lambda X, Y, beta: np.linalg.pinv(gram(X.T @ X, beta, len(X))) @ X.T @ Y


def identity(G: np.ndarray) -> np.ndarray:
    return np.eye(len(G))


@task(
    "05.5",
    oracle={"ridge": ridge_by_least_squares},
    mistakes={
        "no penalty": mistake(
            "Change beta: your answer stays the same.",
            ridge=lambda X, Y, beta: np.linalg.pinv(X) @ Y,
        ),
        "the penalty on every entry": mistake(
            "NumPy adds a number to every entry of a matrix. Look at which entries the derivative of the penalty touches.",
            ridge=ridge_with(lambda G, beta, S: G + beta),
        ),
        "the penalty squared": mistake(
            "Look at how often beta is multiplied by itself before it stands beside the squared features.",
            ridge=ridge_with(lambda G, beta, S: G + beta**2 * identity(G)),
        ),
        "the root of the penalty": mistake(
            "Rows below X are squared in the sum, entries of its square are not. Look at where your root belongs.",
            ridge=ridge_with(lambda G, beta, S: G + np.sqrt(beta) * identity(G)),
        ),
        "the penalty times the number of samples": mistake(
            "Errors are summed here. Say every sample twice, and the penalty weighs less. Look at what you multiply it by.",
            ridge=ridge_with(lambda G, beta, S: G + beta * S * identity(G)),
        ),
        "half the penalty": mistake(
            "Both terms are squares, so both derivatives bring a 2. Look at how many of them you kept.",
            ridge=ridge_with(lambda G, beta, S: G + beta / 2 * identity(G)),
        ),
        "twice the penalty": mistake(
            "Both terms are squares. Look at the 2 that stands with beta, and at the one that is missing beside it.",
            ridge=ridge_with(lambda G, beta, S: G + 2 * beta * identity(G)),
        ),
        "the penalty subtracted": mistake(
            "A penalty makes weights smaller. Raise beta a little and look at yours.",
            ridge=ridge_with(lambda G, beta, S: G - beta * identity(G)),
        ),
        "the penalty after the inverse": mistake(
            "Look at what you invert: the penalty is part of it.",
            ridge=lambda X, Y, beta: (np.linalg.pinv(X.T @ X) + beta * np.eye(X.shape[1])) @ X.T @ Y,
        ),
        "the first feature free": mistake(
            "Every weight is penalised alike here, that of the constant too. Look at the first entry of your diagonal.",
            ridge=ridge_with(lambda G, beta, S: G + beta * np.diag([0, *np.ones(len(G) - 1)])),
        ),
        "each feature on its own": mistake(
            "Two features that say the same share the weight between them. Look at what is left of X^T X off its diagonal.",
            ridge=ridge_with(lambda G, beta, S: np.diag(np.diag(G)) + beta * identity(G)),
        ),
        "one division by a norm": mistake(
            "Features differ in size and overlap. Look at what you divide by: one number for all of them?",
            ridge=lambda X, Y, beta: X.T @ Y / ((X**2).sum() + beta),
        ),
        "no inverse": mistake(
            "Double the features: the weights should shrink. Look at which side of your equation W_out still stands on.",
            ridge=lambda X, Y, beta: X.T @ Y,
        ),
        "transposed": mistake(
            "W_out stands right of a row of features. Look at which of its axes belongs to them.",
            ridge=lambda X, Y, beta: ridge_by_least_squares(X, Y, beta).T,
        ),
        "what the readout says": mistake(
            "The weights are asked for, not what they give on the samples.",
            ridge=lambda X, Y, beta: X @ ridge_by_least_squares(X, Y, beta),
        ),
    },
)
def ridge(room: Room, rng: np.random.Generator) -> Parts:
    F, K = np.add(sizes(rng, 2), (2, 0)).tolist()
    S = F + int(rng.integers(8, 12))

    def data(S: int, F: int, K: int) -> list[np.ndarray]:
        """Features of which the first is constant, and which overlap; targets that do not vary about 0."""
        X = rng.normal(size=(S, F)) @ (np.eye(F) + 0.4 * rng.normal(size=(F, F)))
        X[:, 0] = 1
        return [X, 1 + rng.normal(size=(S, K))]

    yield "more samples than features", room.call("ridge", *data(S, F, K), float(rng.uniform(0.3, 0.7)))
    yield "more features than samples", room.call("ridge", *data(F, S, K), float(rng.uniform(0.3, 0.7)))
    yield "a large penalty", room.call("ridge", *data(S, F, K), float(rng.uniform(20, 40)))
    yield "one output", room.call("ridge", *data(S, F, 1), float(rng.uniform(1.5, 3)))


# 05.6 How good is it?


def nrmse_by_output(guess: np.ndarray, target: np.ndarray) -> np.ndarray:
    columns = zip(guess.T.tolist(), target.T.tolist())
    return np.array([sqrt(fmean([(a - b) ** 2 for a, b in zip(g, t)])) / pstdev(t) for g, t in columns])


def nrmse_with(by: Callable, error: Callable = lambda guess, target: np.sqrt(((guess - target) ** 2).mean(0))) -> Callable:
    """error(guess, target) (K,) over by(guess, target) (K,)."""
    return lambda guess, target: error(guess, target) / by(guess, target)


def deviation(guess: np.ndarray, target: np.ndarray) -> np.ndarray:
    return target.std(0)


@task(
    "05.6",
    oracle={"nrmse": nrmse_by_output},
    mistakes={
        "the variance of the guess": mistake(
            "A guess that never moves would be infinitely wrong. Look at whose swing you compare with.",
            nrmse=nrmse_with(lambda guess, target: guess.std(0)),
        ),
        "no root": mistake(
            "Double every error: the answer should double. Look at what is missing at the end.",
            nrmse=lambda guess, target: nrmse_by_output(guess, target) ** 2,
        ),
        "the root of the errors only": mistake(
            "Measure in millimetres: the answer should stay. Look at what stands under your root.",
            nrmse=nrmse_with(lambda guess, target: target.var(0)),
        ),
        "the root of the variance only": mistake(
            "Measure in millimetres: the answer should stay. Look at the units above and below the line.",
            nrmse=nrmse_with(deviation, lambda guess, target: ((guess - target) ** 2).mean(0)),
        ),
        "not normalised": mistake(
            "Double targets and guesses: the answer should stay. Look at what you divide by.",
            nrmse=nrmse_with(lambda guess, target: 1.0),
        ),
        "the range of the targets": mistake(
            "One outlier decides about a range. Look at what measures the swing here.",
            nrmse=nrmse_with(lambda guess, target: np.ptp(target, axis=0)),
        ),
        "the mean of the targets": mistake(
            "Targets may have the mean 0. Look at what you divide by.",
            nrmse=nrmse_with(lambda guess, target: target.mean(0)),
        ),
        "the square of the targets": mistake(
            "Who always says the mean gets 1, wherever the mean lies. Look at what you left out below the line.",
            nrmse=nrmse_with(lambda guess, target: np.sqrt((target**2).mean(0))),
        ),
        "one sample less in the variance": mistake(
            "Above and below the line stands the same number of steps. Look at what your variance divides by.",
            nrmse=nrmse_with(lambda guess, target: target.std(0, ddof=1)),
        ),
        "a sum over a mean": mistake(
            "Say the same series twice over: the answer should stay. Look at which of your two terms is a mean.",
            nrmse=nrmse_with(deviation, lambda guess, target: np.sqrt(((guess - target) ** 2).sum(0))),
        ),
        "absolute errors": mistake(
            "Large errors weigh more here than many small ones. Look at what you average.",
            nrmse=nrmse_with(deviation, lambda guess, target: np.abs(guess - target).mean(0)),
        ),
        "the error's mean taken away": mistake(
            "A guess that is always too high by 1 is wrong. Look at what a variance of the errors leaves out.",
            nrmse=nrmse_with(deviation, lambda guess, target: (guess - target).std(0)),
        ),
        "the mean error": mistake(
            "Errors of opposite sign must not cancel. Look at the order in which you square and average.",
            nrmse=nrmse_with(deviation, lambda guess, target: np.abs((guess - target).mean(0))),
        ),
        "one variance for all outputs": mistake(
            "Each output has a swing of its own. Look at how many variances there are.",
            nrmse=nrmse_with(lambda guess, target: target.std()),
        ),
        "one number for all outputs": mistake(
            "Each output has an error of its own. Look at the axes that you average over.",
            nrmse=lambda guess, target: float(np.sqrt(((guess - target) ** 2).mean() / target.var())),
        ),
        "over the outputs": mistake(
            "The mean is one over time. Look at your axis.",
            nrmse=lambda guess, target: nrmse_by_output(guess.T, target.T),
        ),
        "the explained part": mistake(
            "A perfect guess gets 0. Look at what yours gets.",
            nrmse=lambda guess, target: 1 - nrmse_by_output(guess, target) ** 2,
        ),
    },
)
def nrmse(room: Room, rng: np.random.Generator) -> Parts:
    T, K = np.add(sizes(rng, 2), (8, 1)).tolist()
    centre, swing = rng.uniform(1, 3, K), rng.uniform(0.5, 2, K)
    target = centre + swing * rng.normal(size=(T, K))
    guess = target + swing * (0.3 + 0.4 * rng.normal(size=(T, K)))
    yield "the error of each output", room.call("nrmse", guess, target)
    yield "who always says the mean", room.call("nrmse", np.tile(target.mean(0), (T, 1)), target)
    yield "a bad guess", room.call("nrmse", target[::-1] - 1, target)
    yield "one output, longer", room.call("nrmse", rng.normal(size=(T + 20, 1)), rng.normal(size=(T + 20, 1)))


# 05.7 Running on alone


def said_by_parts(step: Callable, W_out: np.ndarray, known: np.ndarray, x: np.ndarray, count: int) -> np.ndarray:
    (T, K), series = known.shape, [*known]
    for n in range(T + count - 1):
        x = step(series[n], x)
        if n >= T - 1:
            series.append(W_out[0] + series[n] @ W_out[1 : 1 + K] + x @ W_out[1 + K :])
    return np.array(series[T:])


def free_run_with(
    say: Callable = lambda v, x, v_before, x_before: np.concatenate([[1.0], v, x]),
    read: Callable = lambda known: known,
    hear: Callable = lambda said, known: said[-1],
    start: Callable = lambda x, at_first, at_last: x,
) -> Callable:
    """Say from another row of features, say(input and state, those of the step before); read other known values; hear another
    input than what was said last; or start a step from another state: that at the very first, that after the last value.
    """

    def free_run(step, W_out, known, x, count):
        at_first, v = x, known[0]
        for value in read(known):
            v_before, x_before, v, x = v, x, value, step(value, x)
        at_last, said = x, []
        while len(said) < count:
            said.append(say(v, x, v_before, x_before) @ W_out)
            heard = hear(said, known)
            v_before, x_before, v, x = v, x, heard, step(heard, start(x, at_first, at_last))
        return np.array(said)

    return free_run


@task(
    "05.7",
    oracle={"free_run": said_by_parts},
    mistakes={
        "the last known value read twice": mistake(
            "Count how often the network reads the last known value. Look at what its first step on its own takes in.",
            free_run=free_run_with(read=lambda known: np.vstack([known, known[-1:]])),
        ),
        "the known values not read": mistake(
            "Change the first known value: your answer stays the same. Look at which values your states have seen.",
            free_run=free_run_with(read=lambda known: known[-1:]),
        ),
        "the last known value not read": mistake(
            "Change the last known value: your answer stays the same. Look at where your first loop ends.",
            free_run=free_run_with(read=lambda known: known[:-1]),
        ),
        "the first state again": mistake(
            "The network goes on from where the known values led it. Look at the state that its own steps start from.",
            free_run=free_run_with(start=lambda x, at_first, at_last: at_first),
        ),
        "a state of zeros for its own steps": mistake(
            "What the network read is in its state. Look at where yours becomes zero.",
            free_run=free_run_with(start=lambda x, at_first, at_last: 0 * x),
        ),
        "a state of zeros at first": mistake(
            "Change the state that is given: your answer stays the same.",
            free_run=lambda step, W_out, known, x, count: said_by_parts(step, W_out, known, 0 * x, count),
        ),
        "each step from the state after the known values": mistake(
            "The first two values are right. Look at what the third step starts from, and at what you keep of the second.",
            free_run=free_run_with(start=lambda x, at_first, at_last: at_last),
        ),
        "the last known value again and again": mistake(
            "What the network says comes back to it. Look at the input of its second step on its own.",
            free_run=free_run_with(hear=lambda said, known: known[-1]),
        ),
        "the known values again": mistake(
            "The known values are read and done with. Look at where the inputs of your second loop come from.",
            free_run=free_run_with(hear=lambda said, known: known[(len(said) - 1) % len(known)]),
        ),
        "the first thing it said again and again": mistake(
            "Look at which of the values it said goes in: always the same one?",
            free_run=free_run_with(hear=lambda said, known: said[0]),
        ),
        "the state before the step": mistake(
            "The network reads, then it says. Look at which of two states stands in your features.",
            free_run=free_run_with(lambda v, x, v_before, x_before: np.concatenate([[1.0], v, x_before])),
        ),
        "the input of the step before": mistake(
            "Input and state in one row of features belong to one step. Look at the input in yours.",
            free_run=free_run_with(lambda v, x, v_before, x_before: np.concatenate([[1.0], v_before, x])),
        ),
        "the state before the input": mistake(
            "A row of W_out belongs to each feature, so their order counts. Look at what stands after the 1.",
            free_run=free_run_with(lambda v, x, v_before, x_before: np.concatenate([[1.0], x, v])),
        ),
        "the 1 last": mistake(
            "A row of W_out belongs to each feature, so their order counts. Look at where your 1 stands.",
            free_run=free_run_with(lambda v, x, v_before, x_before: np.concatenate([v, x, [1.0]])),
        ),
        "no constant": mistake(
            "Change the first row of W_out: your answer stays the same.",
            free_run=free_run_with(lambda v, x, v_before, x_before: np.concatenate([[0.0], v, x])),
        ),
        "the first value left out": mistake(
            "The network speaks before it hears itself. Look at what happens before you write a value down.",
            free_run=lambda step, W_out, known, x, count: said_by_parts(step, W_out, known, x, count + 1)[1:],
        ),
        "the last known value first": mistake(
            "Your first value was known. Look at what you write down before the network has said anything.",
            free_run=lambda *args: np.vstack([args[2][-1:], said_by_parts(*args)[:-1]]),
        ),
        "what it says while it is told, too": mistake(
            "Count the values that you return. What it says while it still reads what is known is not asked for.",
            free_run=lambda step, W_out, known, x, count: np.vstack(
                [
                    *(said_by_parts(step, W_out, known[: n + 1], x, 1) for n in range(len(known) - 1)),
                    said_by_parts(step, W_out, known, x, count),
                ]
            ),
        ),
    },
)
def free_run(room: Room, rng: np.random.Generator) -> Parts:
    K, N, T = np.add(sizes(rng, 3), (0, 1, 1)).tolist()
    count = 5 + int(rng.integers(3))

    def network(K: int, N: int) -> tuple[Callable, np.ndarray]:
        readout = rng.normal(size=(1 + K + N, K)) / np.sqrt(N)
        return stepper(*weights(rng, K, N), float(rng.uniform(0.3, 0.6))), readout

    step, W_out = network(K, N)
    known, x = rng.normal(size=(T, K)), rng.uniform(-1, 1, N)
    yield "what it says after the known values", room.call("free_run", step, W_out, known, x, count)
    yield "one value", room.call("free_run", step, W_out, known[:2], x, 1)
    yield "one value known", room.call("free_run", step, W_out, known[:1], x, 3)
    yield "a series of single numbers, for longer", room.call("free_run", *network(1, N + 5), known[:, :1], np.zeros(N + 5), 12)


# 05.8 How far back it remembers


def memory_by_projection(u: np.ndarray, states: np.ndarray, delays: int, split: int) -> np.ndarray:
    """Means taken away, no constant is needed: the readout's direction in the states decides the correlation."""
    found = []
    for k in range(1, delays + 1):
        past = np.array([u[n - k] for n in range(delays, len(u))])
        (X, X_new), (y, y_new) = ((part[: split - delays], part[split - delays :]) for part in (states[delays:], past))
        w = torch.linalg.lstsq(torch.from_numpy(X - X.mean(0)), torch.from_numpy(y - y.mean())[:, None]).solution.numpy()[:, 0]
        a, b = (X_new - X_new.mean(0)) @ w, y_new - y_new.mean()
        found.append(float(a @ b) ** 2 / float(a @ a) / float(b @ b))
    return np.array(found)


def squared_correlation(guess: np.ndarray, true: np.ndarray) -> float:
    return np.corrcoef(guess, true)[0, 1] ** 2


def determination(guess: np.ndarray, true: np.ndarray) -> float:
    return 1 - ((guess - true) ** 2).mean() / true.var()


def guesses(X: np.ndarray, y: np.ndarray, X_new: np.ndarray) -> np.ndarray:
    one, one_new = np.ones((len(X), 1)), np.ones((len(X_new), 1))
    return np.hstack([one_new, X_new]) @ np.linalg.lstsq(np.hstack([one, X]), y)[0]


def memory_with(
    measure: Callable = squared_correlation,
    guess: Callable = guesses,
    target: Callable = np.roll,
    fitted: Callable = lambda k, delays, split, T: slice(delays, split),
    judged: Callable = lambda k, delays, split, T: slice(split, T),
    first: int = 1,
) -> Callable:
    """Another measure(guess, true), guess(X, y, X_new), target(u, k), steps to fit or to judge on, or first delay."""

    def memory(u, states, delays, split):
        found = []
        for k in range(first, first + delays):
            y, old, new = target(u, k), *(choose(k, delays, split, len(u)) for choose in (fitted, judged))
            found.append(measure(guess(states[old], y[old], states[new]), y[new]))
        return np.array(found)

    return memory


def best_unit(u: np.ndarray, states: np.ndarray, delays: int, split: int) -> np.ndarray:
    each = [memory_with()(u, x[:, None], delays, split) for x in states.T]
    return np.max(each, axis=0)


@task(
    "05.8",
    oracle={"memory": memory_by_projection},
    mistakes={
        "judged on the steps it was fitted to": mistake(
            "With as many units as steps, your network would remember everything. Look at the steps on which you judge.",
            memory=memory_with(judged=lambda k, delays, split, T: slice(delays, split)),
        ),
        "fitted to all steps": mistake(
            "You judge on steps that the readout has seen. Look at which ones it is fitted to.",
            memory=memory_with(fitted=lambda k, delays, split, T: slice(delays, T)),
        ),
        "judged on all steps": mistake(
            "Some of the steps on which you judge were fitted. Look at where the new ones begin.",
            memory=memory_with(judged=lambda k, delays, split, T: slice(delays, T)),
        ),
        "fitted to the second part, judged on the first": mistake(
            "You keep both parts apart, as you should. Look at which one comes first.",
            memory=memory_with(
                fitted=lambda k, delays, split, T: slice(split, T), judged=lambda k, delays, split, T: slice(delays, split)
            ),
        ),
        "what comes in place of what came": mistake(
            "No network knows the noise that is to come. Look at the sign of your delay.",
            memory=memory_with(target=lambda u, k: np.roll(u, -k), judged=lambda k, delays, split, T: slice(split, T - k)),
        ),
        "what comes, and the beginning again": mistake(
            "Look at which way np.roll shifts, and at what it puts after the last step.",
            memory=memory_with(target=lambda u, k: np.roll(u, -k)),
        ),
        "delays from 0": mistake(
            "The input of this very step is no memory. Look at your first delay.",
            memory=memory_with(first=0),
        ),
        "delays from 2": mistake(
            "Write down n and n - k for your first delay. Look at how far apart they are.",
            memory=memory_with(first=2),
        ),
        "not squared": mistake(
            "A correlation may be negative, and a memory may not. Look at what is left to do.",
            memory=memory_with(lambda guess, true: np.corrcoef(guess, true)[0, 1]),
        ),
        "the size of the correlation": mistake(
            "You take away the sign. In the example by hand -1/2 becomes 1/4: look at how.",
            memory=memory_with(lambda guess, true: np.abs(np.corrcoef(guess, true)[0, 1])),
        ),
        "the covariance": mistake(
            "Inputs twice as large are remembered as well. Look at what you divide by.",
            memory=memory_with(lambda guess, true: np.cov(guess, true)[0, 1]),
        ),
        "the covariance squared": mistake(
            "Inputs twice as large are remembered as well. You square: look at what you square.",
            memory=memory_with(lambda guess, true: np.cov(guess, true)[0, 1] ** 2),
        ),
        "products in place of deviations": mistake(
            "A correlation compares deviations from a mean. Look at whether you take the means away.",
            memory=memory_with(lambda guess, true: (guess @ true) ** 2 / (guess @ guess) / (true @ true)),
        ),
        "the explained part of the variance": mistake(
            "On new steps the explained variance may be negative; a squared correlation may not. Look at what you compute.",
            memory=memory_with(determination),
        ),
        "the squared error": mistake(
            "A good memory gets 1, and a bad one 0. Look at which way yours goes.",
            memory=memory_with(lambda guess, true: ((guess - true) ** 2).mean()),
        ),
        "no constant": mistake(
            "The states do not vary about 0. Look at what lets your readout move up and down as a whole.",
            memory=memory_with(guess=lambda X, y, X_new: X_new @ np.linalg.lstsq(X, y)[0]),
        ),
        "the best unit": mistake(
            "What no unit holds alone, several may hold together. Look at what your readout is made of.",
            memory=best_unit,
        ),
        "each delay on steps of its own": mistake(
            "Count the steps that you fit for k = 1 and for k = 2: they should be the same. Look at where they begin.",
            memory=memory_with(fitted=lambda k, delays, split, T: slice(k, split)),
        ),
        "inputs from before the beginning": mistake(
            "Before the first step there was no input. Look at what index -1 and np.roll give you there.",
            memory=memory_with(fitted=lambda k, delays, split, T: slice(0, split)),
        ),
        "the sum": mistake(
            "The memory of each delay is asked for. Look at what you do with them in the end.",
            memory=lambda *args: float(memory_by_projection(*args).sum()),
        ),
    },
)
def memory(room: Room, rng: np.random.Generator) -> Parts:
    N, delays = np.add(sizes(rng, 2), (2, 1)).tolist()
    split, T = 50 + int(rng.integers(10)), 80 + int(rng.integers(10))

    def driven(T: int, N: int) -> tuple[np.ndarray, np.ndarray]:
        u = rng.uniform(-1, 1, T) + 0.3
        return u, states_with()(u[:, None], *weights(rng, 1, N), 0.9)

    yield "the memory of each delay", room.call("memory", *driven(T, N), delays, split)
    u = rng.normal(size=T)
    register = np.stack([np.roll(u, shift) for shift in (4, 2)], axis=1)
    yield "units that hold the inputs of 4 and of 2 steps ago", room.call("memory", u, register, 5, split)
    u = rng.normal(size=T)
    unit = np.where(np.arange(T) < split, 1, -1) * np.roll(u, 1) + 0.5 * rng.normal(size=T)
    yield "one unit, whose sign turns after the fit", room.call("memory", u, unit[:, None], 2, split)
