"""Echo states equal their definition and reservoirpy's, readouts their closed form, and each relative does what it is for."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import reservoirpy.nodes
from reservoirpy import ESN
from scipy.sparse import csc_array, issparse

from utils.data.chaos import mackey_glass, narma
from utils.liquid import Liquid, fading, jittered, random_liquid, run_liquid, two_patterns
from utils.readout import features, fit, ridge, ridge_by_qr
from utils.reservoir import (
    Reservoir,
    forgetting,
    free_run,
    gaussian,
    memory_capacity,
    random_matrix,
    random_reservoir,
    run,
    spectral_radius,
)

rng = np.random.default_rng


def small(seed=0, units=12, inputs=3, **settings):
    return random_reservoir(rng(seed), units, inputs, **{"radius": 0.9, "leak": 0.3, "connectivity": 0.4} | settings)


def one_step(reservoir, u, x):
    """The definition, in loops over units: u (D,), x (N,) -> the next x."""
    W = reservoir.W.toarray() if issparse(reservoir.W) else reservoir.W
    after = []
    for j in range(len(x)):
        total = reservoir.W_in[0, j]
        total += sum(u[d] * reservoir.W_in[1 + d, j] for d in range(len(u)))
        total += sum(x[i] * W[i, j] for i in range(len(x)))
        after.append((1 - reservoir.leak) * x[j] + reservoir.leak * math.tanh(total))
    return after


# --- states


@pytest.mark.parametrize("connectivity", [0.4, 1.0])
def test_states_equal_the_definition(connectivity):
    reservoir = small(connectivity=connectivity)
    u, state = rng(1).standard_normal((2, 7, 3)), rng(2).standard_normal((2, 12))
    states = run(reservoir, u, state)
    assert states.shape == (2, 7, 12)
    for b in range(2):
        x = state[b]
        for n in range(7):
            x = one_step(reservoir, u[b, n], x)
            assert states[b, n] == pytest.approx(x, abs=1e-14)


def test_a_unit_by_hand():
    """tanh(0.5 + 1 * 2 + 0) = 0.98661.., half of it; then half of that and half of tanh(0.5 + 0 + 0.49330.. * -1)."""
    reservoir = Reservoir(np.array([[0.5], [2.0]]), np.array([[-1.0]]), leak=0.5)
    first = math.tanh(2.5) / 2
    assert run(reservoir, np.array([[[1.0], [0.0]]]))[0, :, 0].tolist() == [first, first / 2 + math.tanh(0.5 - first) / 2]


def their_reservoir(reservoir):
    """reservoirpy's, which writes columns, with our weights."""
    W_in = np.ascontiguousarray(reservoir.W_in[1:].T)
    return reservoirpy.nodes.Reservoir(W=reservoir.W.T, Win=W_in, bias=reservoir.W_in[0], lr=reservoir.leak)


@pytest.mark.parametrize(("leak", "bias", "connectivity"), [(1.0, 0.0, 0.1), (0.3, 1.0, 0.1), (0.3, 1.0, 1.0)])
def test_states_equal_those_of_reservoirpy(leak, bias, connectivity):
    reservoir = small(units=100, leak=leak, bias_scale=bias, connectivity=connectivity)
    u = rng(1).uniform(-1, 1, (1, 300, 3))
    theirs = their_reservoir(reservoir).run(u[0])
    assert np.abs(run(reservoir, u)[0] - theirs).max() < 1e-12
    cut = replace(reservoir, W=0.0 * reservoir.W)
    assert np.abs(run(cut, u)[0] - theirs).max() > 0.1  # so a lost recurrence would not go unseen


def test_a_free_run_with_feedback_equals_reservoirpy():
    """Two inputs and one output, which is fed back a step later; their readout sees the states only."""
    reservoir = small(units=100)
    from_states, u = 0.1 * rng(1).standard_normal((100, 1)), rng(2).uniform(-1, 1, (1, 200, 2))
    readout = reservoirpy.nodes.Ridge(Wout=from_states, bias=np.zeros(1))
    peer = ESN(reservoir=their_reservoir(reservoir), readout=readout, feedback=True)
    peer.initialize(u[0], np.zeros((200, 1)))  # without targets it finds a cycle
    theirs = peer.run(u[0])
    W_out = np.concatenate([np.zeros((4, 1)), from_states])
    ours = free_run(reservoir, W_out, np.zeros((1, 100)), np.zeros((1, 1)), 200, u)
    assert np.abs(ours[0] - theirs).max() < 1e-12
    assert np.abs(np.diff(theirs, axis=0)).max() > 0.1


def test_one_sequence_of_a_batch_is_as_if_alone():
    reservoir, u = small(), rng(1).standard_normal((4, 9, 3))
    together = run(reservoir, u)
    for b in range(4):
        assert np.abs(run(reservoir, u[b : b + 1])[0] - together[b]).max() < 1e-14


def test_a_run_goes_on_from_the_state_where_another_stopped():
    reservoir, u = small(), rng(1).standard_normal((2, 9, 3))
    noise = 0.1 * rng(2).standard_normal((2, 9, 12))
    whole = run(reservoir, u, noise=noise)
    first = run(reservoir, u[:, :4], noise=noise[:, :4])
    second = run(reservoir, u[:, 4:], first[:, -1], noise=noise[:, 4:])
    assert np.array_equal(np.concatenate([first, second], 1), whole)
    shifted = replace(reservoir, W_in=np.concatenate([reservoir.W_in[:1] + 0.5, reservoir.W_in[1:]]))
    assert np.abs(run(reservoir, u, noise=np.full((2, 9, 12), 0.5)) - run(shifted, u)).max() < 1e-14  # it is inside the tanh


def test_what_is_given_is_left_as_it_was():
    reservoir, u, state = small(), rng(1).standard_normal((2, 5, 3)), np.zeros((2, 12))
    copies = [part.copy() for part in (reservoir.W_in, reservoir.W.toarray(), u, state)]
    states = run(reservoir, u, state)
    free_run(reservoir, np.ones((16, 3)) / 20, states[:, -1], u[:, -1], 5)
    assert all(np.array_equal(a, b) for a, b in zip(copies, (reservoir.W_in, reservoir.W.toarray(), u, state)))


# --- weights


@pytest.mark.parametrize(("units", "connectivity"), [(50, 1.0), (60, 0.2), (500, 0.02)])
def test_the_spectral_radius_is_what_was_asked_for(units, connectivity):
    """At 500 units ours iterates, and the exact eigenvalues are the oracle."""
    for seed in range(3):
        W = small(seed, units=units, connectivity=connectivity, radius=1.25).W
        assert issparse(W) == (connectivity < 1)
        dense = W.toarray() if issparse(W) else W
        assert abs(np.abs(np.linalg.eigvals(dense)).max() - 1.25) < 1e-10
        assert np.count_nonzero(dense) == round(connectivity * units**2)
    assert spectral_radius(np.array([[0.0, 4.0], [-1.0, 0.0]])) == pytest.approx(2)  # eigenvalues 2i and -2i


def test_each_matrix_has_a_stream_of_its_own():
    base, same = small(), small()
    assert np.array_equal(base.W_in, same.W_in)
    assert np.array_equal(base.W.toarray(), same.W.toarray())
    other = small(inputs=5, connectivity=0.9)
    assert np.array_equal(base.W_in[0], other.W_in[0])
    assert not np.array_equal(base.W_in[0], small(1).W_in[0])
    assert np.array_equal(base.W.toarray(), small(inputs=5).W.toarray())
    scaled = small(input_scale=2.0, bias_scale=3.0)
    assert np.array_equal(scaled.W_in, base.W_in * np.array([[3.0], [2.0], [2.0], [2.0]]))


def test_weights_have_the_distribution_asked_for():
    even, normal = random_matrix(300, 1.0, rng(0)), random_matrix(300, 1.0, rng(0), gaussian)
    assert np.abs(even).max() <= 1
    assert [even.var(), normal.var(), (normal**4).mean()] == pytest.approx([1 / 3, 1, 3], rel=0.03)


# --- the readout


@pytest.mark.parametrize("solve", [ridge, ridge_by_qr])
def test_ridge_has_no_slope_left_and_equals_the_sources_form(solve):
    X, Y, beta = rng(0).standard_normal((40, 6)), rng(1).standard_normal((40, 2)), 0.7
    W_out = solve(X, Y, beta)
    assert np.abs(X.T @ (X @ W_out - Y) + beta * W_out).max() < 1e-12  # half the gradient of what it minimises
    columns = Y.T @ X @ np.linalg.inv(X.T @ X + beta * np.eye(6))  # as the sources write it: Y X^T (X X^T + beta I)^-1
    assert np.abs(W_out.T - columns).max() < 1e-12


def test_by_qr_digits_remain_that_normal_equations_lose():
    """Columns a millionth apart: the condition is about 1e6, and 1e12 once squared."""
    X = rng(0).standard_normal((50, 1)) + 1e-6 * rng(1).standard_normal((50, 4))
    wanted = rng(2).standard_normal((4, 1))
    lost = [np.abs(solve(X, X @ wanted, 1e-18) - wanted).max() for solve in (ridge, ridge_by_qr)]
    assert lost[1] < 1e-6
    assert lost[0] > 100 * lost[1]


def test_fit_drops_the_washout_of_every_sequence():
    u, states = rng(0).standard_normal((3, 20, 2)), rng(1).standard_normal((3, 20, 5))
    wanted = rng(2).standard_normal((8, 2))
    y = features(u, states) @ wanted
    y[:, :6] = 100.0  # nonsense that nobody should look at
    assert np.abs(fit(u, states, y, washout=6, beta=1e-12) - wanted).max() < 1e-9
    assert np.abs(fit(u, states, y, washout=5, beta=1e-12) - wanted).max() > 0.1
    assert features(u, states)[1, 4].tolist() == [1.0, *u[1, 4], *states[1, 4]]


def test_a_free_run_continues_a_sine():
    t = np.arange(601)
    y = np.sin(0.2 * t)[None, :, None]
    reservoir = small(units=50, inputs=1)
    states = run(reservoir, y[:, :400])
    W_out = fit(y[:, :400], states, y[:, 1:401], washout=50, beta=1e-10, solve=ridge_by_qr)
    free = free_run(reservoir, W_out, states[:, -1], y[:, 400], 200)
    assert np.abs(free - y[:, 401:601]).max() < 1e-2
    cut = replace(reservoir, W=0.0 * reservoir.W)
    assert np.abs(free_run(cut, W_out, states[:, -1], y[:, 400], 200) - y[:, 401:]).max() > 0.5


# --- echo states


def test_a_radius_below_one_may_remember_for_ever():
    """W^3 = 0, so the linear network has forgotten all after three steps; with tanh it swings on, without any input."""
    W = np.array([[0.0, -4, -2], [2, 4, 0], [4, 0, -4]])
    assert not np.linalg.matrix_power(W, 3).any()
    reservoir, u = Reservoir(np.zeros((2, 3)), W), np.zeros((1000, 1))
    start = np.array([0.5, 0.5, -0.5])
    assert forgetting(reservoir, u, start, -start)[-1] > 1
    assert forgetting(reservoir, u, 0.1 * start, -0.1 * start)[-1] < 1e-12  # near 0 it does forget


def test_a_radius_above_one_may_forget():
    """w = 2 alone has two fixed points, one on each side; strong inputs drive it from side to side, and both starts meet."""
    reservoir = Reservoir(np.array([[0.0], [3.0]]), np.array([[2.0]]))
    start, u = np.array([0.5]), rng(0).uniform(-1, 1, (200, 1))
    assert forgetting(reservoir, 0 * u, start, -start)[-1] > 1.9
    assert forgetting(reservoir, u, start, -start)[-1] < 1e-12


def test_a_norm_below_one_forgets_at_least_that_fast():
    W = rng(0).standard_normal((8, 8))
    W *= 0.8 / np.linalg.norm(W, 2)
    apart = forgetting(Reservoir(np.ones((2, 8)), W), rng(1).standard_normal((30, 1)), np.ones(8), -np.ones(8))
    assert (apart <= np.linalg.norm(2 * np.ones(8)) * 0.8 ** np.arange(1, 31)).all()


# --- memory


def test_a_delay_line_remembers_as_many_steps_as_it_has_units():
    """Unit i hands its state to unit i + 1, almost linearly: it holds u(n - i), and what is further back is gone."""
    u = rng(0).uniform(-1, 1, 3000)
    reservoir = Reservoir(np.array([np.zeros(8), 0.01 * np.eye(8)[0]]), np.eye(8, k=1))
    recovered = memory_capacity(u, run(reservoir, u[None, :, None])[0], 20, washout=50)
    assert recovered[:7] == pytest.approx(np.ones(7), abs=1e-3)  # unit 0 holds the present, which is no memory
    assert recovered[7:].max() < 0.02
    assert recovered.shape == (20,)


def test_memory_is_bounded_by_the_units():
    u = rng(0).uniform(-1, 1, 4000)
    for radius in (0.5, 0.9, 1.3):
        reservoir = small(units=20, inputs=1, leak=1.0, radius=radius, input_scale=0.1, bias_scale=0.0)
        total = memory_capacity(u, run(reservoir, u[None, :, None])[0], 60, washout=100).sum()
        assert 1 < total <= 20


# --- relatives


def test_an_extreme_learning_machine_is_a_reservoir_without_recurrence():
    machine = random_reservoir(rng(0), 200, 1, radius=0.0, input_scale=4.0, bias_scale=4.0)
    u = rng(1).uniform(-1, 1, (300, 1, 1))  # 300 examples, each a sequence of one step
    y = np.sin(5 * u)
    W_out = fit(u[:200], run(machine, u[:200]), y[:200], washout=0, beta=1e-8)
    assert np.abs(features(u, run(machine, u))[200:] @ W_out - y[200:]).max() < 0.01
    as_one = run(machine, u.transpose(1, 0, 2))  # as one sequence of 300 steps: nothing is carried on
    assert np.array_equal(as_one[0], run(machine, u)[:, 0])


def test_inner_products_of_states_converge_to_a_kernel():
    """With N units, x(u) x(v) / N is a mean of N independent terms: its error falls as the root of N."""
    u, v = 0.3, -0.8
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)  # the expectation over a Gaussian bias and input weight
    pairs = [(p * q, math.tanh(b + w * u) * math.tanh(b + w * v)) for (b, p), (w, q) in product(zip(nodes, weights), repeat=2)]
    kernel = sum(p * value for p, value in pairs) / sum(p for p, _ in pairs)
    spread = []
    for units in (100, 1600):
        products = []
        for seed in range(40):
            machine = random_reservoir(rng(seed), units, 1, radius=0.0, draw=gaussian, connectivity=1 / units)
            x_u, x_v = run(machine, np.array([[[u]], [[v]]]))[:, 0]
            products.append(x_u @ x_v / units)
        spread.append(np.sqrt(np.mean((np.array(products) - kernel) ** 2)))
    assert spread[1] < 0.02
    assert 2.5 < spread[0] / spread[1] < 6  # 4, but for chance


def test_spikes_equal_the_definition():
    """One neuron at a time, in loops, the currents summed over all spikes so far."""
    liquid, u = random_liquid(rng(0), 3, (3, 2, 2)), (rng(1).random((1, 60, 3)) < 0.2).astype(float)
    spikes = run_liquid(liquid, u)[0]
    assert spikes.sum() > 20
    v, deaf, fired = [13.5] * 12, [0] * 12, np.zeros((60, 12))
    for t in range(60):
        for j in range(12):
            current = 13.5
            for s in range(t + 1):
                current += math.exp(-(t - s) / 3) * sum(u[0, s, d] * liquid.W_in[d, j] for d in range(3))
                for i in range(12) if s < t else ():
                    tau = 3 if liquid.excitatory[i] else 6
                    current += math.exp(-(t - s - 1) / tau) * fired[s, i] * liquid.W[i, j]
            if deaf[j]:
                deaf[j] -= 1
            else:
                v[j] += (current - v[j]) / 30
            if v[j] >= 15:
                v[j], deaf[j], fired[t, j] = 13.5, 3, 1
    assert np.array_equal(spikes, fired)


def test_a_liquid_is_wired_as_described():
    liquid = random_liquid(rng(0), 4)
    assert liquid.W.shape == (135, 135)
    assert liquid.excitatory.sum() == 108
    assert (liquid.W[liquid.excitatory] >= 0).all()
    assert (liquid.W[~liquid.excitatory] <= 0).all()
    assert not liquid.W.diagonal().any()
    places = np.array(list(product(range(15), range(3), range(3))))
    distance = np.linalg.norm(places[:, None] - places, axis=-1)
    connected = np.mean([random_liquid(rng(seed), 1).W != 0 for seed in range(20)], axis=0)
    excitatory_share = 0.3 * 0.64 + (0.2 + 0.4) * 0.16 + 0.1 * 0.04  # the mean of C over the kinds of two neurons
    for near, far in ((1, 1), (2, 2), (3, 3)):
        between = connected[(distance >= near) & (distance <= far)].mean()
        assert between == pytest.approx(excitatory_share * math.exp(-((near / 2) ** 2)), rel=0.15)


def test_a_liquid_tells_what_no_sum_of_its_inputs_tells():
    """Were the two patterns the same? From the liquid's last state a readout knows, from traces of the input it guesses."""
    u, which = two_patterns(600, rng(2))
    same = 2.0 * (which[:, :1] == which[:, 1:]) - 1
    accuracy = []
    for spikes in (run_liquid(random_liquid(rng(2), 4), u), u):
        X = features(np.empty((600, 0)), fading(spikes)[:, -1])
        accuracy.append((X[400:] @ ridge(X[:400], same[:400], 1.0) * same[400:] > 0).mean())
    assert accuracy[0] > 0.85
    assert 0.35 < accuracy[1] < 0.65


def test_traces_and_jitter_by_hand():
    spikes = np.zeros((1, 4, 1))
    spikes[0, [0, 2]] = 1
    k = math.exp(-1 / 20)
    assert fading(spikes, 20.0)[0, :, 0] == pytest.approx([1, k, k**2 + 1, k**3 + k], abs=1e-15)
    pattern = np.zeros((30, 2))
    pattern[[0, 14], [1, 0]] = 1
    assert np.array_equal(jittered(pattern, 3, 0.0, rng(0)), np.stack([pattern] * 3))
    copies = jittered(pattern, 2000, 2.0, rng(0))
    assert (copies.sum((1, 2)) == 2).all()
    moved = copies[:, :, 0].argmax(1) - 14
    assert [moved.mean(), moved.std()] == pytest.approx([0, 2], abs=0.15)


# --- series


def test_mackey_glass_converges_as_the_fourth_power_of_the_step():
    start = np.array([0.5, 1.2])
    exact = mackey_glass(60, start, steps=32, discard=0)
    errors = [np.abs(mackey_glass(60, start, steps=steps, discard=0) - exact).max() for steps in (2, 4, 8)]
    assert 14 < errors[0] / errors[1] < 18
    assert 14 < errors[1] / errors[2] < 18


def test_mackey_glass_solves_its_equation():
    """While the delayed value is still the start, the solution is known; later the slope is what the equation says."""
    t = np.arange(17)
    gain = 0.2 * 0.5 / (1 + 0.5**10)
    known = 10 * gain + (0.5 - 10 * gain) * np.exp(-0.1 * t)
    assert mackey_glass(17, np.array([0.5]), discard=0)[0] == pytest.approx(known, abs=1e-9)
    x = mackey_glass(400, np.array([0.5, 0.9]), steps=10, discard=200)
    n = np.arange(20, 390)
    slope = (8 * (x[:, n + 1] - x[:, n - 1]) - (x[:, n + 2] - x[:, n - 2])) / 12
    delayed = x[:, n - 17]
    assert np.abs(slope - (0.2 * delayed / (1 + delayed**10) - 0.1 * x[:, n])).max() < 2e-3  # what differences can see
    assert np.array_equal(x[1:], mackey_glass(400, np.array([0.9]), steps=10, discard=200))
    assert np.array_equal(x[:, 50:], mackey_glass(350, np.array([0.5, 0.9]), steps=10, discard=250))


def test_narma_equals_the_definition():
    u, y = narma(2, 40, rng(0))
    assert u.shape == y.shape == (2, 40)
    assert 0 <= u.min() < u.max() <= 0.5

    def at(values, n):
        return values[1, n] if n >= 0 else 0.0

    for n in range(40):
        recent = sum(at(y, n - i) for i in range(1, 11))
        expected = 0.3 * at(y, n - 1) + 0.05 * at(y, n - 1) * recent + 1.5 * at(u, n - 10) * at(u, n - 1) + 0.1
        assert y[1, n] == pytest.approx(expected, abs=1e-14)


# --- errors

u, x = np.zeros((2, 5, 3)), np.zeros((2, 5, 12))
BAD = {
    "leak is 0": lambda: small(leak=0),
    "leak is 1.5": lambda: small(leak=1.5),
    "leak is nan": lambda: small(leak=math.nan),
    "radius is -1": lambda: small(radius=-1),
    "radius is nan": lambda: small(radius=math.nan),
    "units is 0": lambda: small(units=0),
    "inputs is -1": lambda: small(inputs=-1),
    "connectivity is 0": lambda: small(connectivity=0),
    "connectivity is 1.1": lambda: small(connectivity=1.1),
    "connectivity is 0.05; expected more": lambda: small(units=4, connectivity=0.05, seed=3),
    "W has shape": lambda: Reservoir(np.ones((2, 3)), np.ones((3, 4))),
    r"u has shape \(2, 5, 2\); expected \(any, any, 3\)": lambda: run(small(), u[..., :2]),
    "u holds a NaN": lambda: run(small(), u * math.nan),
    "u is an array of float32": lambda: run(small(), u.astype(np.float32)),
    "u is list": lambda: run(small(), [[[0.0]]]),
    "state has shape": lambda: run(small(), u, np.zeros((1, 12))),
    "noise has shape": lambda: run(small(), u, noise=np.zeros(12)),
    "washout is 5; expected 0 to 4": lambda: fit(u, x, u, washout=5, beta=1.0),
    "washout is -1": lambda: fit(u, x, u, washout=-1, beta=1.0),
    "y has shape": lambda: fit(u, x, u[:, 1:], washout=0, beta=1.0),
    "beta is 0": lambda: fit(u, x, u, washout=0, beta=0),
    "beta is -1": lambda: ridge_by_qr(np.ones((3, 2)), np.ones((3, 1)), -1),
    "W_out has shape": lambda: free_run(small(), np.ones((15, 3)), x[:, 0], u[:, 0], 5),
    "steps is 0": lambda: free_run(small(), np.ones((16, 3)), x[:, 0], u[:, 0], 0),
    "u is NoneType": lambda: free_run(small(), np.ones((16, 1)), x[:, 0], u[:, 0, :1], 5),
    "delays is 0": lambda: memory_capacity(np.zeros(50), np.zeros((50, 2)), 0, washout=10),
    "delays is 11": lambda: memory_capacity(np.zeros(50), np.zeros((50, 2)), 11, washout=10),
    "washout is 49": lambda: memory_capacity(np.zeros(50), np.zeros((50, 2)), 10, washout=49),
    "inputs is 0 and grid": lambda: random_liquid(rng(0), 0),
    "input_connectivity is 0": lambda: random_liquid(rng(0), 1, input_connectivity=0),
    "tau is 0": lambda: fading(u, 0),
    "jitter is -1": lambda: jittered(u[0], 2, -1, rng(0)),
    "batch is 0": lambda: two_patterns(0, rng(0)),
    "start is": lambda: mackey_glass(10, np.array([0.0])),
    "steps is 0; expected": lambda: mackey_glass(10, np.array([1.0]), steps=0),
    "length is 0": lambda: narma(1, 0, rng(0)),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises((TypeError, ValueError), match=message):
        BAD[message]()


def test_sparse_and_dense_weights_give_the_same_states():
    sparse = small()
    dense = replace(sparse, W=sparse.W.toarray())
    assert isinstance(sparse.W, csc_array)
    u = rng(1).standard_normal((2, 30, 3))
    assert np.abs(run(sparse, u) - run(dense, u)).max() < 1e-13


def test_a_silent_liquid_stays_silent():
    liquid = random_liquid(rng(0), 2)
    assert not run_liquid(liquid, np.zeros((1, 50, 2))).any()
    louder = Liquid(liquid.W_in + 100, liquid.W, liquid.excitatory)
    spikes = run_liquid(louder, np.ones((1, 50, 2)))[0]
    assert spikes.any()
    times = [np.nonzero(train)[0] for train in spikes.T]
    assert min(np.diff(t).min() for t in times if len(t) > 1) >= 4  # deaf for 3 ms, at the earliest again in the fourth


def test_a_large_network_without_a_cycle_is_refused():
    with pytest.raises(ValueError, match="has no cycle"):
        small(units=1000, connectivity=0.0003)


def test_weights_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="W holds a NaN"):
        Reservoir(np.ones((2, 3)), np.full((3, 3), math.nan))
    with pytest.raises(TypeError, match="W_in is an array of float32"):
        Reservoir(np.ones((2, 3), np.float32), np.eye(3))


def test_states_that_know_nothing_remember_nothing():
    known = memory_capacity(rng(0).uniform(-1, 1, 400), rng(1).standard_normal((400, 50)), 5, washout=10)
    assert known.max() < 0.05


def test_a_series_that_runs_away_is_refused():
    with pytest.raises(OverflowError, match="ran away"):
        narma(20, 2000, rng(4))
