"""Answers to the tasks of chapter 05."""

from answers import changed, written

SCALE = """
def scale_to_radius(W, radius):
    eigenvalues = np.linalg.eigvals(W)
    rho = np.max(np.abs(eigenvalues))
    return W / rho * radius
"""
LOOP_SCALE = """
def scale_to_radius(W, radius):
    values, _ = np.linalg.eig(W)
    rho = max((z.real**2 + z.imag**2) ** 0.5 for z in values)
    return radius * W / rho
"""
RUN = """
def run_reservoir(u, W_in, W, leak):
    x = np.zeros(W.shape[0])
    states = []
    for t in range(len(u)):
        v = np.concatenate([[1.0], u[t]])
        new = np.tanh(v @ W_in + x @ W)
        x = (1 - leak) * x + leak * new
        states.append(x)
    return np.array(states)
"""
COLUMNS = """
def run_reservoir(u, W_in, W, leak):
    T, N = len(u), W.shape[1]
    states = np.zeros((T + 1, N))
    for n in range(1, T + 1):
        new = np.tanh(W_in.T @ np.insert(u[n - 1], 0, 1) + W.T @ states[n - 1])
        states[n] = states[n - 1] + leak * (new - states[n - 1])
    return states[1:]
"""
DISTANCES = """
def distances(step, u, first, second):
    result = np.zeros(len(u))
    for t in range(len(u)):
        first = step(u[t], first)
        second = step(u[t], second)
        result[t] = np.sqrt(np.sum((first - second) ** 2))
    return result
"""
RUNS = """
def distances(step, u, first, second):
    def run(x):
        states = []
        for row in u:
            x = step(row, x)
            states.append(x)
        return np.stack(states)

    a, b = run(first), run(second)
    return np.linalg.norm(a - b, axis=1)
"""
ROWS = """
def training_rows(u, states, y, washout):
    X, Y = [], []
    for b in range(u.shape[0]):
        for n in range(washout, u.shape[1]):
            X.append(np.concatenate([[1.0], u[b, n], states[b, n]]))
            Y.append(y[b, n])
    return np.array(X), np.array(Y)
"""
STACKED = """
def training_rows(u, states, y, washout):
    T = u.shape[1]
    X = [np.hstack([np.ones((T - washout, 1)), v[washout:], x[washout:]]) for v, x in zip(u, states)]
    return np.vstack(X), np.vstack([d[washout:] for d in y])
"""
RIDGE = """
def ridge(X, Y, beta):
    F = X.shape[1]
    A = X.T @ X + beta * np.eye(F)
    return np.linalg.inv(A) @ X.T @ Y
"""
AUGMENTED = """
def ridge(X, Y, beta):
    S, F = X.shape
    rows = np.vstack([X, np.sqrt(beta) * np.eye(F)])
    zeros = np.zeros((F, Y.shape[1]))
    W, *_ = np.linalg.lstsq(rows, np.vstack([Y, zeros]), rcond=None)
    return W
"""
NRMSE = """
def nrmse(guess, target):
    error = np.mean((guess - target) ** 2, axis=0)
    swing = np.mean((target - target.mean(axis=0)) ** 2, axis=0)
    return np.sqrt(error / swing)
"""
LOOP_NRMSE = """
def nrmse(guess, target):
    T, K = target.shape
    result = np.zeros(K)
    for k in range(K):
        mean = sum(target[:, k]) / T
        above = sum((guess[n, k] - target[n, k]) ** 2 for n in range(T)) / T
        below = sum((target[n, k] - mean) ** 2 for n in range(T)) / T
        result[k] = above**0.5 / below**0.5
    return result
"""
FREE = """
def free_run(step, W_out, known, x, count):
    for t in range(len(known)):
        v = known[t]
        x = step(v, x)
    result = []
    for t in range(count):
        y = np.concatenate([[1.0], v, x]) @ W_out
        result.append(y)
        v = y
        x = step(v, x)
    return np.array(result)
"""
RECURSIVE = """
def free_run(step, W_out, known, x, count):
    K = known.shape[1]
    if len(known) > 1:
        return free_run(step, W_out, known[1:], step(known[0], x), count)
    x = step(known[0], x)
    y = (W_out[:1] + known @ W_out[1 : K + 1] + x @ W_out[K + 1 :]).reshape(1, K)
    return y if count == 1 else np.concatenate([y, free_run(step, W_out, y, x, count - 1)])
"""
MEMORY = """
def memory(u, states, delays, split):
    T = len(u)
    X = np.concatenate([np.ones((T, 1)), states], axis=1)
    result = np.zeros(delays)
    for k in range(1, delays + 1):
        y = np.roll(u, k)
        w = np.linalg.pinv(X[delays:split]) @ y[delays:split]
        guess, true = X[split:] @ w, y[split:]
        r = np.corrcoef(guess, true)[0, 1]
        result[k - 1] = r**2
    return result
"""
AT_ONCE = """
def memory(u, states, delays, split):
    T = len(u)
    X = np.c_[np.ones(T - delays), states[delays:]]
    Y = np.stack([u[delays - k : T - k] for k in range(1, delays + 1)], axis=1)
    first = split - delays
    W = np.linalg.solve(X[:first].T @ X[:first], X[:first].T @ Y[:first])
    G, Y = X[first:] @ W, Y[first:]
    G, Y = G - G.mean(0), Y - Y.mean(0)
    return (G * Y).sum(0) ** 2 / (G**2).sum(0) / (Y**2).sum(0)
"""

RIGHT = {
    "05.1": [
        written(SCALE),
        written(LOOP_SCALE),
        written("""
def scale_to_radius(W, radius):
    rho = 1.0
    P = W
    for i in range(30):
        size = np.abs(P).max()
        rho *= size ** (0.5**i)
        P = P / size
        P = P @ P
    return W * (radius / rho)
"""),
    ],
    "05.2": [
        written(RUN),
        written(COLUMNS),
        written("""
def run_reservoir(u, W_in, W, leak):
    def after(n):
        if n < 0:
            return np.zeros(len(W))
        x = states[n - 1] if n else np.zeros(len(W))
        return (1 - leak) * x + leak * np.tanh(W_in[0] + sum(a * w for a, w in zip(u[n], W_in[1:])) + x.dot(W))

    states = []
    for n in range(len(u)):
        states += [after(n)]
    return np.vstack(states)
"""),
    ],
    "05.3": [
        written(DISTANCES),
        written(RUNS),
        written("""
def distances(step, u, first, second):
    if len(u) == 0:
        return np.zeros(0)
    first, second = step(u[0], first), step(u[0], second)
    d = first - second
    return np.append(np.sqrt(d @ d), distances(step, u[1:], first, second))
"""),
    ],
    "05.4": [
        written(ROWS),
        written(STACKED),
        written("""
def training_rows(u, states, y, washout):
    B, T, D = u.shape
    X = np.ones((B, T, 1 + D + states.shape[2]))
    X[:, :, 1 : 1 + D] = u
    X[:, :, 1 + D :] = states
    keep = np.arange(T) >= washout
    return X[:, keep].reshape(-1, X.shape[-1]), y[:, keep].reshape(-1, y.shape[-1])
"""),
    ],
    "05.5": [
        written(RIDGE),
        written(AUGMENTED),
        written("""
def ridge(X, Y, beta):
    return X.T @ np.linalg.solve(X @ X.T + beta * np.eye(len(X)), Y)
"""),
        written("""
def ridge(X, Y, beta):
    U, s, V = np.linalg.svd(X, full_matrices=False)
    return V.T @ ((s / (s**2 + beta))[:, None] * (U.T @ Y))
"""),
    ],
    "05.6": [
        written(NRMSE),
        written(LOOP_NRMSE),
        written("""
def nrmse(guess, target):
    return np.linalg.norm(guess - target, axis=0) / np.linalg.norm(target - np.mean(target, 0), axis=0)
"""),
    ],
    "05.7": [
        written(FREE),
        written(RECURSIVE),
        written("""
def free_run(step, W_out, known, x, count):
    series = list(known)
    for t in range(len(known) + count):
        x = step(series[t], x)
        if t >= len(known) - 1:
            series.append(W_out.T @ np.r_[1.0, series[t], x])
    return np.stack(series[len(known) : len(known) + count])
"""),
    ],
    "05.8": [
        written(MEMORY),
        written(AT_ONCE),
        written("""
def memory(u, states, delays, split):
    result = []
    for k in range(1, delays + 1):
        old, new = range(delays, split), range(split, len(u))
        X = states[list(old)]
        y = np.array([u[n - k] for n in old])
        w, *_ = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean(), rcond=None)
        guess = y.mean() + (states[list(new)] - X.mean(axis=0)) @ w
        a, b = guess - guess.mean(), np.array([u[n - k] for n in new])
        result.append((a @ b) ** 2 / (a @ a) / ((b - b.mean()) ** 2).sum())
    return np.array(result)
"""),
    ],
}

MIX = "x = (1 - leak) * x + leak * new"
ORDER = "[1.0], u[b, n], states[b, n]"
SAY = "[1.0], v, x"

WRONG = {
    "05.1": {
        "the largest singular value": changed(SCALE, ("np.max(np.abs(eigenvalues))", "np.linalg.svd(W)[1].max()")),
        "the root of the sum of squares": changed(SCALE, ("np.max(np.abs(eigenvalues))", "np.linalg.norm(W)")),
        "the largest sum of a row": changed(SCALE, ("np.max(np.abs(eigenvalues))", "np.linalg.norm(W, np.inf)")),
        "the largest entry": changed(SCALE, ("np.abs(eigenvalues)", "np.abs(W)")),
        "the largest real part": changed(SCALE, ("np.max(np.abs(eigenvalues))", "np.max(eigenvalues).real")),
        "the largest real part in size": changed(SCALE, ("np.abs(eigenvalues)", "np.abs(np.real(eigenvalues))")),
        "the real part of the largest": changed(
            SCALE, ("np.max(np.abs(eigenvalues))", "eigenvalues[np.abs(eigenvalues).argmax()].real")
        ),
        "the mean of the eigenvalues": changed(SCALE, ("np.max(np.abs", "np.mean(np.abs")),
        "eigenvalues of a symmetric matrix": changed(SCALE, ("eigvals(W)", "eigh(W)[0]")),
        "divided the wrong way": changed(SCALE, ("W / rho * radius", "W * rho / radius")),
        "the radius 1": changed(SCALE, (" * radius", "")),
        "the old radius left in": changed(SCALE, ("W / rho * radius", "W * radius")),
    },
    "05.2": {
        "the leak swapped": changed(RUN, (MIX, "x = leak * x + (1 - leak) * new")),
        "the leak inside tanh": changed(
            RUN, (MIX, "x = new"), ("np.tanh(v @ W_in + x @ W)", "np.tanh((1 - leak) * x + leak * (v @ W_in + x @ W))")
        ),
        "tanh of the whole mixture": changed(RUN, (MIX, "x = np.tanh((1 - leak) * x + leak * new)")),
        "the leak without effect": changed(RUN, (MIX, "x = new")),
        "the old state kept whole": changed(RUN, (MIX, "x = x + leak * new")),
        "the new state taken whole": changed(RUN, (MIX, "x = (1 - leak) * x + new")),
        "the old state not kept": changed(RUN, (MIX, "x = leak * new")),
        "the bias forgotten": changed(RUN, ("[1.0]", "[0.0]")),
        "the bias last": changed(RUN, ("[[1.0], u[t]]", "[u[t], [1.0]]")),
        "the bias outside tanh": changed(RUN, ("[1.0]", "[0.0]"), ("x @ W)", "x @ W) + W_in[0]")),
        "W transposed": changed(RUN, ("x @ W", "W @ x")),
        "tanh of the old state": changed(RUN, ("np.tanh(v @ W_in + x @ W)", "v @ W_in + np.tanh(x) @ W")),
        "no tanh": changed(RUN, ("np.tanh", "")),
        "W not used": changed(RUN, (" + x @ W", "")),
        "each step from zero": changed(RUN, ("        v =", "        x = np.zeros(W.shape[0])\n        v =")),
        "the new part carried on": changed(
            RUN, ("        states.append(x)\n", ""), (MIX, "states.append((1 - leak) * x + leak * new)\n        x = new")
        ),
        "the new part returned": changed(RUN, ("states.append(x)", "states.append(new)")),
        "the states before": changed(COLUMNS, ("states[1:]", "states[:-1]")),
        "the inputs of the next step": changed(RUN, ("u[t]", "u[(t + 1) % len(u)]")),
    },
    "05.3": {
        "the square": changed(DISTANCES, ("np.sqrt(np.sum((first - second) ** 2))", "np.sum((first - second) ** 2)")),
        "the sum of differences": changed(RUNS, ("np.linalg.norm(a - b, axis=1)", "np.abs(a - b).sum(axis=1)")),
        "the largest difference": changed(RUNS, ("axis=1", "ord=np.inf, axis=1")),
        "the mean over the units": changed(DISTANCES, ("np.sum", "np.mean")),
        "the difference of two lengths": changed(
            RUNS, ("np.linalg.norm(a - b, axis=1)", "np.abs(np.linalg.norm(a, axis=1) - np.linalg.norm(b, axis=1))")
        ),
        "the distance before each step": changed(
            RUNS,
            (
                "            x = step(row, x)\n            states.append(x)",
                "            states.append(x)\n            x = step(row, x)",
            ),
        ),
        "relative to the beginning": changed(RUNS, ("axis=1)", "axis=1) / np.linalg.norm(first - second)")),
        "how far each step moves": changed(RUNS, ("a - b", "np.diff(np.vstack([first, a]), axis=0)")),
        "each step from the beginning": changed(
            RUNS, ("            x = step(row, x)\n            states.append(x)", "            states.append(step(row, x))")
        ),
        "one state left where it was": changed(DISTANCES, ("        second = step(u[t], second)\n", "")),
        "one state left where it was, the other one": changed(DISTANCES, ("        first = step(u[t], first)\n", "")),
        "no inputs for one of them": changed(DISTANCES, ("step(u[t], second)", "step(np.zeros_like(u[t]), second)")),
        "one of them a step ahead": changed(DISTANCES, ("step(u[t], second)", "step(u[(t + 1) % len(u)], second)")),
        "one after the other": changed(RUNS, ("a, b = run(first), run(second)", "a = run(first)\n    b = run(a[-1])")),
        "the difference put into the network": changed(
            RUNS, ("a, b = run(first), run(second)", "a, b = run(first - second), 0")
        ),
    },
    "05.4": {
        "the last steps left out": changed(ROWS, ("range(washout, u.shape[1])", "range(u.shape[1] - washout)")),
        "one step too many left out": changed(ROWS, ("range(washout,", "range(washout + 1,")),
        "one step too few left out": changed(ROWS, ("range(washout,", "range(max(washout - 1, 0),")),
        "the washout of the first sequence only": changed(
            ROWS, ("range(washout,", "range("), ("np.array(X), np.array(Y)", "np.array(X)[washout:], np.array(Y)[washout:]")
        ),
        "no washout": changed(ROWS, ("range(washout,", "range(")),
        "the targets not cut": changed(STACKED, ("d[washout:]", "d")),
        "the first targets": changed(STACKED, ("d[washout:]", "d[: T - washout]")),
        "the inputs of other steps": changed(STACKED, ("v[washout:]", "v[: T - washout]")),
        "the states of the step before": changed(ROWS, ("states[b, n]", "states[b, n - 1]")),
        "the targets of the next step": changed(ROWS, ("y[b, n]", "y[b, (n + 1) % y.shape[1]]")),
        "the 1 in second place": changed(ROWS, (ORDER, "u[b, n], [1.0], states[b, n]")),
        "the 1 last": changed(ROWS, (ORDER, "u[b, n], states[b, n], [1.0]")),
        "the states before the inputs": changed(ROWS, (ORDER, "[1.0], states[b, n], u[b, n]")),
        "no 1": changed(ROWS, (ORDER, "u[b, n], states[b, n]")),
        "no inputs": changed(ROWS, (ORDER, "[1.0], states[b, n]")),
        "step by step": written("""
def training_rows(u, states, y, washout):
    X, Y = [], []
    for n in range(washout, u.shape[1]):
        for b in range(len(u)):
            X.append(np.concatenate([[1.0], u[b, n], states[b, n]]))
            Y.append(y[b, n])
    return np.array(X), np.array(Y)
"""),
        "the features step by step, the targets not": written("""
def training_rows(u, states, y, washout):
    X = [np.hstack([np.ones((len(u), 1)), u[:, n], states[:, n]]) for n in range(washout, u.shape[1])]
    return np.vstack(X), y[:, washout:].reshape(-1, y.shape[2])
"""),
        "the targets step by step, the features not": changed(
            STACKED, ("np.vstack([d[washout:] for d in y])", "np.vstack([y[:, n] for n in range(washout, T)])")
        ),
        "a column for each step": changed(ROWS, ("np.array(X), np.array(Y)", "np.stack(X, axis=1), np.stack(Y, axis=1)")),
    },
    "05.5": {
        "no penalty": written("def ridge(X, Y, beta): return np.linalg.lstsq(X, Y, rcond=None)[0]"),
        "the penalty on every entry": changed(RIDGE, (" * np.eye(F)", "")),
        "the penalty squared": changed(AUGMENTED, ("np.sqrt(beta)", "beta")),
        "the root of the penalty": changed(RIDGE, ("beta *", "np.sqrt(beta) *")),
        "the penalty times the number of samples": changed(RIDGE, ("beta *", "len(X) * beta *")),
        "half the penalty": changed(RIDGE, ("beta *", "0.5 * beta *")),
        "twice the penalty": changed(RIDGE, ("beta *", "2 * beta *")),
        "the penalty subtracted": changed(RIDGE, ("+ beta", "- beta")),
        "the penalty after the inverse": changed(
            RIDGE, (" + beta * np.eye(F)", ""), ("np.linalg.inv(A)", "(np.linalg.pinv(A) + beta * np.eye(F))")
        ),
        "the first feature free": changed(RIDGE, ("    return", "    A[0, 0] -= beta\n    return")),
        "each feature on its own": written("""
def ridge(X, Y, beta):
    W = np.zeros((X.shape[1], Y.shape[1]))
    for f in range(X.shape[1]):
        W[f] = X[:, f] @ Y / (X[:, f] @ X[:, f] + beta)
    return W
"""),
        "one division by a norm": written("def ridge(X, Y, beta): return X.T @ Y / (np.linalg.norm(X) ** 2 + beta)"),
        "no inverse": written("def ridge(X, Y, beta): return X.T @ Y"),
        "transposed": changed(RIDGE, ("return np.linalg.inv(A) @ X.T @ Y", "return Y.T @ X @ np.linalg.inv(A)")),
        "what the readout says": changed(RIDGE, ("return ", "return X @ ")),
    },
    "05.6": {
        "the variance of the guess": changed(NRMSE, ("(target - target.mean(axis=0))", "(guess - guess.mean(axis=0))")),
        "no root": changed(NRMSE, ("np.sqrt(error / swing)", "error / swing")),
        "the root of the errors only": changed(NRMSE, ("np.sqrt(error / swing)", "np.sqrt(error) / swing")),
        "the root of the variance only": changed(NRMSE, ("np.sqrt(error / swing)", "error / np.sqrt(swing)")),
        "not normalised": changed(NRMSE, ("error / swing", "error")),
        "the range of the targets": changed(
            NRMSE, ("np.sqrt(error / swing)", "np.sqrt(error) / (target.max(axis=0) - target.min(axis=0))")
        ),
        "the mean of the targets": changed(NRMSE, ("np.sqrt(error / swing)", "np.sqrt(error) / np.mean(target, axis=0)")),
        "the square of the targets": changed(NRMSE, ("(target - target.mean(axis=0))", "target")),
        "one sample less in the variance": changed(
            LOOP_NRMSE, ("for n in range(T)) / T\n        result", "for n in range(T)) / (T - 1)\n        result")
        ),
        "a sum over a mean": changed(NRMSE, ("np.mean((guess", "np.sum((guess")),
        "absolute errors": changed(
            NRMSE, ("np.sqrt(error / swing)", "np.mean(np.abs(guess - target), axis=0) / np.sqrt(swing)")
        ),
        "the error's mean taken away": changed(
            NRMSE, ("np.mean((guess - target) ** 2, axis=0)", "np.var(guess - target, axis=0)")
        ),
        "the mean error": changed(NRMSE, ("np.mean((guess - target) ** 2, axis=0)", "np.mean(guess - target, axis=0) ** 2")),
        "one variance for all outputs": changed(NRMSE, ("error / swing", "error / np.var(target)")),
        "one number for all outputs": changed(NRMSE, (", axis=0", ""), ("axis=0", "")),
        "over the outputs": changed(NRMSE, ("mean(axis=0)", "mean(axis=1, keepdims=True)"), (", axis=0", ", axis=1")),
        "the explained part": changed(NRMSE, ("np.sqrt(error / swing)", "1 - error / swing")),
    },
    "05.7": {
        "the last known value read twice": changed(FREE, ("    result = []", "    x = step(v, x)\n    result = []")),
        "the known values not read": changed(
            FREE, ("for t in range(len(known)):\n        v = known[t]", "for v in known[-1:]:")
        ),
        "the last known value not read": changed(
            FREE, ("    for t in range(len(known)):", "    v = known[0]\n    for t in range(len(known) - 1):")
        ),
        "the first state again": changed(
            FREE,
            ("    for t in range(len(known)):", "    start = x\n    for t in range(len(known)):"),
            ("        v = y\n        x = step(v, x)", "        v = y\n        x = step(v, start)"),
        ),
        "a state of zeros for its own steps": changed(
            FREE, ("v = y\n        x = step(v, x)", "v = y\n        x = step(v, np.zeros_like(x))")
        ),
        "a state of zeros at first": changed(
            FREE, ("    for t in range(len(known)):", "    x = np.zeros(len(x))\n    for t in range(len(known)):")
        ),
        "each step from the state after the known values": changed(
            FREE,
            ("    result = []", "    told = x\n    result = []"),
            ("v = y\n        x = step(v, x)", "v = y\n        x = step(v, told)"),
        ),
        "the last known value again and again": changed(FREE, ("v = y", "v = known[-1]")),
        "the known values again": changed(FREE, ("v = y", "v = known[t % len(known)]")),
        "the first thing it said again and again": changed(FREE, ("v = y", "v = result[0]")),
        "the state before the step": written("""
def free_run(step, W_out, known, x, count):
    for v in known:
        before, x = x, step(v, x)
    result = []
    for _ in range(count):
        v, before, x = np.concatenate([[1.0], v, before]) @ W_out, x, None
        result.append(v)
        x = step(v, before)
    return np.array(result)
"""),
        "the input of the step before": written("""
def free_run(step, W_out, known, x, count):
    inputs = [known[0], *known]
    for v in known:
        x = step(v, x)
    for _ in range(count):
        y = np.concatenate([[1.0], inputs[-2], x]) @ W_out
        inputs.append(y)
        x = step(y, x)
    return np.array(inputs[-count:])
"""),
        "the state before the input": changed(FREE, (SAY, "[1.0], x, v")),
        "the 1 last": changed(FREE, (SAY, "v, x, [1.0]")),
        "no constant": changed(FREE, (SAY, "[0.0], v, x")),
        "the first value left out": changed(
            FREE, ("range(count)", "range(count + 1)"), ("np.array(result)", "np.array(result[1:])")
        ),
        "the last known value first": changed(FREE, ("result.append(y)\n        v = y", "result.append(v)\n        v = y")),
        "what it says while it is told, too": written("""
def free_run(step, W_out, known, x, count):
    result = []
    for t in range(len(known) + count - 1):
        v = known[t] if t < len(known) else result[-1]
        x = step(v, x)
        result.append(np.concatenate([[1.0], v, x]) @ W_out)
    return np.array(result)
"""),
    },
    "05.8": {
        "judged on the steps it was fitted to": changed(
            MEMORY, ("X[split:] @ w, y[split:]", "X[delays:split] @ w, y[delays:split]")
        ),
        "fitted to all steps": changed(MEMORY, ("[delays:split]) @ y[delays:split]", "[delays:]) @ y[delays:]")),
        "judged on all steps": changed(MEMORY, ("X[split:] @ w, y[split:]", "X[delays:] @ w, y[delays:]")),
        "fitted to the second part, judged on the first": changed(
            MEMORY,
            ("[delays:split]) @ y[delays:split]", "[split:]) @ y[split:]"),
            ("guess, true = X[split:] @ w, y[split:]", "guess, true = X[delays:split] @ w, y[delays:split]"),
        ),
        "what comes in place of what came": written("""
def memory(u, states, delays, split):
    T = len(u)
    X = np.concatenate([np.ones((T, 1)), states], axis=1)
    result = []
    for k in range(1, delays + 1):
        w = np.linalg.lstsq(X[delays:split], u[delays + k : split + k], rcond=None)[0]
        result.append(np.corrcoef(X[split : T - k] @ w, u[split + k :])[0, 1] ** 2)
    return np.array(result)
"""),
        "what comes, and the beginning again": changed(MEMORY, ("np.roll(u, k)", "np.roll(u, -k)")),
        "delays from 0": changed(MEMORY, ("range(1, delays + 1)", "range(delays)"), ("result[k - 1]", "result[k]")),
        "delays from 2": changed(MEMORY, ("np.roll(u, k)", "np.roll(u, k + 1)")),
        "not squared": changed(MEMORY, ("r**2", "r")),
        "the size of the correlation": changed(MEMORY, ("r**2", "abs(r)")),
        "the covariance": changed(MEMORY, ("np.corrcoef", "np.cov"), ("r**2", "r")),
        "the covariance squared": changed(MEMORY, ("np.corrcoef", "np.cov")),
        "products in place of deviations": changed(AT_ONCE, ("    G, Y = G - G.mean(0), Y - Y.mean(0)\n", "")),
        "the explained part of the variance": changed(
            MEMORY, ("r**2", "1 - np.sum((guess - true) ** 2) / np.sum((true - true.mean()) ** 2)")
        ),
        "the squared error": changed(MEMORY, ("r**2", "np.mean((guess - true) ** 2)")),
        "no constant": changed(MEMORY, ("np.concatenate([np.ones((T, 1)), states], axis=1)", "states")),
        "the best unit": written("""
def memory(u, states, delays, split):
    T = len(u)
    return np.array([
        max(np.corrcoef(states[split:, i], u[split - k : T - k])[0, 1] ** 2 for i in range(states.shape[1]))
        for k in range(1, delays + 1)
    ])
"""),
        "each delay on steps of its own": changed(MEMORY, ("[delays:split]) @ y[delays:split]", "[k:split]) @ y[k:split]")),
        "inputs from before the beginning": changed(MEMORY, ("[delays:split]) @ y[delays:split]", "[:split]) @ y[:split]")),
        "the sum": changed(MEMORY, ("return result", "return float(result.sum())")),
    },
}

SLOPPY = {
    "05.1": {
        "as it is": written("def scale_to_radius(W, radius): return W"),
        "complex": changed(SCALE, ("np.max(np.abs(eigenvalues))", "max(eigenvalues, key=abs)")),
        "the first eigenvalue": changed(SCALE, ("np.max(np.abs(eigenvalues))", "np.abs(eigenvalues[0])")),
        "the last eigenvalue": changed(SCALE, ("np.max(np.abs(eigenvalues))", "np.abs(eigenvalues[-1])")),
        "the largest imaginary part": changed(SCALE, ("np.abs(eigenvalues)", "np.abs(eigenvalues.imag)")),
        "real and imaginary part added": changed(
            SCALE, ("np.abs(eigenvalues)", "np.abs(eigenvalues.real) + np.abs(eigenvalues.imag)")
        ),
        "the larger part": changed(
            SCALE, ("np.abs(eigenvalues)", "np.maximum(np.abs(eigenvalues.real), np.abs(eigenvalues.imag))")
        ),
        "the squared size": changed(SCALE, ("np.abs(eigenvalues)", "np.abs(eigenvalues) ** 2")),
        "the smallest": changed(SCALE, ("np.max", "np.min")),
        "the second": changed(SCALE, ("np.max(np.abs(eigenvalues))", "np.sort(np.abs(eigenvalues))[-2]")),
        "the sum": changed(SCALE, ("np.max", "np.sum")),
        "the trace": changed(SCALE, ("np.max(np.abs(eigenvalues))", "np.abs(np.trace(W))")),
        "the determinant": changed(SCALE, ("np.max(np.abs(eigenvalues))", "abs(np.linalg.det(W)) ** (1 / len(W))")),
        "the sum of a column": changed(SCALE, ("np.max(np.abs(eigenvalues))", "np.linalg.norm(W, 1)")),
        "the symmetric part": changed(SCALE, ("eigvals(W)", "eigvals((W + W.T) / 2)")),
        "the eigenvalues of the square": changed(SCALE, ("eigvals(W)", "eigvals(W.T @ W)")),
        "a vector multiplied again and again": changed(
            SCALE,
            ("np.max(np.abs(eigenvalues))", "np.linalg.norm(v @ W)"),
            (
                "    rho",
                "    v = np.ones(len(W))\n    for _ in range(100):\n        v = v @ W / np.linalg.norm(v @ W)\n    rho",
            ),
        ),
        "transposed": changed(SCALE, ("return W ", "return W.T ")),
        "the diagonal": changed(SCALE, ("np.abs(eigenvalues)", "np.abs(np.diag(W))")),
        "twenty powers": changed(
            SCALE, ("np.max(np.abs(eigenvalues))", "np.linalg.norm(np.linalg.matrix_power(W, 20)) ** 0.05")
        ),
        "the expected radius": changed(SCALE, ("np.max(np.abs(eigenvalues))", "W.std() * len(W) ** 0.5")),
        "the root of the radius": changed(SCALE, ("* radius", "* radius**0.5")),
        "never above 1": changed(SCALE, ("* radius", "* min(radius, 1.0)")),
        "only where it is too large": changed(SCALE, ("    return", "    if rho < radius:\n        return W\n    return")),
        "the circle of the eigenvalues": changed(SCALE, ("np.max(np.abs(eigenvalues))", "np.std(eigenvalues)")),
        "a list": changed(SCALE, ("return W / rho * radius", "return (W / rho * radius).tolist()")),
        "the factor": changed(SCALE, ("W / rho * radius", "radius / rho")),
    },
    "05.2": {
        "zeros": changed(RUN, ("np.array(states)", "np.zeros((len(u), len(W)))")),
        "the last state": changed(RUN, ("np.array(states)", "x")),
        "with the state before": changed(COLUMNS, ("states[1:]", "states")),
        "logistic": changed(RUN, ("np.tanh(v @ W_in + x @ W)", "1 / (1 + np.exp(-(v @ W_in + x @ W)))")),
        "ReLU": changed(RUN, ("np.tanh(", "np.maximum(0, ")),
        "a bias of -1": changed(RUN, ("[1.0]", "[-1.0]")),
        "the bias twice": changed(RUN, ("x @ W)", "x @ W + W_in[0])")),
        "the bias leaks": changed(RUN, ("[1.0]", "[leak]")),
        "the inputs leak": changed(RUN, ("u[t]]", "leak * u[t]]")),
        "only the bias": changed(RUN, ("u[t]]", "0 * u[t]]")),
        "the first input always": changed(RUN, ("u[t]", "u[0]")),
        "the input before": changed(RUN, ("u[t]", "u[t - 1]")),
        "time turned round": changed(RUN, ("u[t]", "u[-1 - t]")),
        "W subtracted": changed(RUN, ("+ x @ W", "- x @ W")),
        "W squared": changed(RUN, ("x @ W", "x @ W @ W")),
        "only W's diagonal": changed(RUN, ("x @ W", "x * np.diag(W)")),
        "a start of ones": changed(RUN, ("np.zeros(W.shape[0])", "np.ones(W.shape[0])")),
        "a start from the bias": changed(RUN, ("np.zeros(W.shape[0])", "np.tanh(W_in[0])")),
        "the first state the input's": changed(
            RUN, ("    states = []", "    states = []\n    x = np.tanh(W_in[0] + u[0] @ W_in[1:])")
        ),
        "tanh once more": changed(RUN, ("states.append(x)", "states.append(np.tanh(x))")),
        "twice the leak": changed(RUN, (MIX, "x = (1 - leak) * (x + leak * new)")),
        "the new part kept": changed(RUN, (MIX, "x = (1 - leak) * new + leak * new")),
        "the leak on W": changed(RUN, (MIX, "x = new"), ("x @ W", "(1 - leak) * x @ W")),
        "the leak squared": changed(RUN, (MIX, "x = (1 - leak**2) * x + leak**2 * new")),
        "half of each": changed(RUN, (MIX, "x = 0.5 * x + 0.5 * new")),
        "unit after unit": changed(
            RUN,
            (
                "        new =",
                "        x = x.copy()\n        for i in range(len(x)):\n            "
                "x[i] = (1 - leak) * x[i] + leak * np.tanh((v @ W_in + x @ W)[i])\n        new =",
            ),
            (MIX, "pass"),
        ),
        "fails for one step": changed(RUN, ("    states = []", "    assert len(u) > 1\n    states = []")),
        "one axis more": changed(RUN, ("np.array(states)", "np.array(states)[None]")),
        "a column for each step": changed(RUN, ("np.array(states)", "np.array(states).T")),
        "the features": changed(RUN, ("states.append(x)", "states.append(np.concatenate([v, x]))")),
    },
    "05.3": {
        "one number": changed(DISTANCES, ("return result", "return result[-1]")),
        "the beginning too": changed(
            RUNS,
            ("axis=1)", "axis=1)\n    return np.insert(d, 0, np.linalg.norm(first - second))"),
            ("return np.linalg", "d = np.linalg"),
        ),
        "differences": changed(RUNS, ("np.linalg.norm(a - b, axis=1)", "a - b")),
        "down the steps": changed(RUNS, ("axis=1", "axis=0")),
        "the mean difference": changed(RUNS, ("np.linalg.norm(a - b, axis=1)", "np.abs((a - b).mean(axis=1))")),
        "the sum of the differences": changed(RUNS, ("np.linalg.norm(a - b, axis=1)", "np.abs((a - b).sum(axis=1))")),
        "the first unit": changed(RUNS, ("np.linalg.norm(a - b, axis=1)", "np.abs(a - b)[:, 0]")),
        "all but the last unit": changed(RUNS, ("(a - b,", "((a - b)[:, :-1],")),
        "the cosine": changed(
            RUNS,
            ("np.linalg.norm(a - b, axis=1)", "1 - (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)"),
        ),
        "relative to the states": changed(RUNS, ("axis=1)", "axis=1) / np.linalg.norm(a, axis=1)")),
        "the ratio of two steps": changed(
            RUNS,
            (
                "np.linalg.norm(a - b, axis=1)",
                "(d := np.linalg.norm(np.vstack([[first - second], a - b]), axis=1))[1:] / d[:-1]",
            ),
        ),
        "the logarithm": changed(DISTANCES, ("return result", "return np.log(result)")),
        "added up": changed(DISTANCES, ("return result", "return result.cumsum()")),
        "the largest so far": changed(DISTANCES, ("return result", "return np.maximum.accumulate(result)")),
        "from the sum of both": changed(DISTANCES, ("first - second)", "first + second)")),
        "to zero": changed(DISTANCES, ("(first - second)", "first")),
        "the new first as the second": changed(DISTANCES, ("step(u[t], second)", "step(u[t], first)")),
        "to where it began": changed(RUNS, ("a - b", "a - first")),
        "the second's inputs turned round": changed(DISTANCES, ("step(u[t], second)", "step(u[-1 - t], second)")),
        "the first input always": changed(
            DISTANCES, ("step(u[t], first)", "step(u[0], first)"), ("step(u[t], second)", "step(u[0], second)")
        ),
        "no inputs at all": changed(
            DISTANCES, ("step(u[t], first)", "step(0 * u[t], first)"), ("step(u[t], second)", "step(0 * u[t], second)")
        ),
        "shifted, without the first": changed(DISTANCES, ("return result", "return np.roll(result, -1)")),
        "arguments exchanged": changed(DISTANCES, ("step(u[t], first)", "step(first, u[t])")),
        "a list": changed(DISTANCES, ("return result", "return list(result)")),
        "all inputs at once": changed(RUNS, ("a, b = run(first), run(second)", "a, b = step(u, first), step(u, second)")),
        "two steps at a time": changed(
            DISTANCES, ("        result[t]", "        first, second = step(u[t], first), step(u[t], second)\n        result[t]")
        ),
        "a distance that only shrinks": changed(DISTANCES, ("return result", "return np.minimum.accumulate(result)")),
        "half of it": changed(DISTANCES, ("return result", "return result / 2")),
    },
    "05.4": {
        "the features only": changed(ROWS, ("np.array(X), np.array(Y)", "np.array(X)")),
        "the targets first": changed(ROWS, ("np.array(X), np.array(Y)", "np.array(Y), np.array(X)")),
        "lists": changed(ROWS, ("np.array(X), np.array(Y)", "X, Y")),
        "three axes": changed(STACKED, ("np.vstack(X), np.vstack(", "np.stack(X), np.stack(")),
        "only the first sequence": changed(ROWS, ("range(u.shape[0])", "range(1)")),
        "all but the last sequence": changed(ROWS, ("range(u.shape[0])", "range(max(u.shape[0] - 1, 1))")),
        "the sequences backwards": changed(ROWS, ("range(u.shape[0])", "reversed(range(u.shape[0]))")),
        "time backwards": changed(ROWS, ("range(washout, u.shape[1])", "reversed(range(washout, u.shape[1]))")),
        "both ends": changed(ROWS, ("range(washout, u.shape[1])", "range(washout, u.shape[1] - washout)")),
        "wrong without a washout": changed(
            STACKED,
            ("v[washout:], x[washout:]", "v[-T + washout :], x[washout:]"),
            ("d[washout:]", "d[: len(d) if washout == 0 else -washout][:T]"),
        ),
        "zeros before the washout": changed(
            ROWS,
            ("range(washout,", "range("),
            ("            Y.append", "            X[-1] = X[-1] * (n >= washout)\n            Y.append"),
        ),
        "the first states zero": changed(ROWS, ("states[b, n]", "0 * states[b, n]")),
        "the first input always": changed(ROWS, ("u[b, n]", "u[b, washout]")),
        "the inputs of the next step": changed(ROWS, ("u[b, n]", "u[b, (n + 1) % u.shape[1]]")),
        "the inputs of the step before": changed(ROWS, ("u[b, n]", "u[b, n - 1]")),
        "the targets of the step before": changed(ROWS, ("y[b, n]", "y[b, n - 1]")),
        "the states of the next step": changed(ROWS, ("states[b, n]", "states[b, (n + 1) % u.shape[1]]")),
        "the states of the first sequence": changed(ROWS, ("states[b, n]", "states[0, n]")),
        "the targets of the first sequence": changed(ROWS, ("y[b, n]", "y[0, n]")),
        "a zero for the 1": changed(ROWS, ("[1.0]", "[0.0]")),
        "two constants": changed(ROWS, ("[1.0]", "[1.0, 1.0]")),
        "the step as a feature": changed(ROWS, ("[1.0]", "[float(n)]")),
        "squares too": changed(ROWS, ("u[b, n], states[b, n]", "u[b, n], states[b, n], states[b, n] ** 2")),
        "the targets as a feature": changed(ROWS, ("u[b, n], states[b, n]", "u[b, n], states[b, n], y[b, n]")),
        "the sequences side by side": changed(STACKED, ("np.vstack(X), np.vstack(", "np.hstack(X), np.hstack(")),
        "reshaped without a thought": written("""
def training_rows(u, states, y, washout):
    X = np.concatenate([np.ones((*u.shape[:2], 1)), u, states], axis=2)[:, washout:]
    return X.T.reshape(X.shape[2], -1).T, y[:, washout:].reshape(-1, y.shape[2])
"""),
        "means over the sequences": written("""
def training_rows(u, states, y, washout):
    X = np.concatenate([np.ones((*u.shape[:2], 1)), u, states], axis=2)[:, washout:]
    return X.mean(0), y[:, washout:].mean(0)
"""),
        "targets flat": changed(ROWS, ("np.array(Y)", "np.array(Y).ravel()")),
        "fails without a washout": changed(STACKED, ("    T =", "    assert washout\n    T =")),
        "a washout of at most 3": changed(ROWS, ("range(washout,", "range(min(washout, 2),")),
    },
    "05.5": {
        "zeros": changed(RIDGE, ("np.linalg.inv(A) @", "0 * np.linalg.inv(A) @")),
        "fits the other way": changed(RIDGE, ("X.T @ X", "X @ X.T"), ("np.eye(F)", "np.eye(len(X))"), ("@ X.T @ Y", "@ Y")),
        "X for its transpose": changed(RIDGE, ("np.linalg.inv(A) @ X.T @ Y", "np.linalg.inv(A) @ X @ Y")),
        "beta divided by the number of samples": changed(RIDGE, ("beta *", "beta / len(X) *")),
        "beta times the number of features": changed(RIDGE, ("beta *", "F * beta *")),
        "beta relative to the features": changed(RIDGE, ("beta *", "beta * np.trace(X.T @ X) / F *")),
        "a fixed beta": changed(RIDGE, ("beta *", "0.5 *")),
        "the last feature free": changed(RIDGE, ("    return", "    A[-1, -1] -= beta\n    return")),
        "shrunk afterwards": changed(AUGMENTED, ("np.sqrt(beta)", "0"), ("return W", "return W / (1 + beta)")),
        "the means taken away": changed(RIDGE, ("    A =", "    X, Y = X - X.mean(0), Y - Y.mean(0)\n    A =")),
        "the means of the targets taken away": changed(RIDGE, ("    A =", "    Y = Y - Y.mean(0)\n    A =")),
        "the features of unit length": changed(RIDGE, ("    A =", "    X = X / np.linalg.norm(X, axis=0)\n    A =")),
        "another column of ones": changed(RIDGE, ("    F =", "    X = np.column_stack([np.ones(len(X)), X])\n    F =")),
        "lasso's sign": changed(
            RIDGE, ("    return", "    return np.linalg.inv(X.T @ X + 1e-9 * np.eye(F)) @ (X.T @ Y - beta)\n    return")
        ),
        "no transpose in the end": changed(RIDGE, ("X.T @ Y", "(Y.T @ X).reshape(F, -1)")),
        "elementwise inverse": changed(RIDGE, ("np.linalg.inv(A)", "(1 / A)")),
        "the inverse of the diagonal": changed(
            RIDGE, ("np.linalg.inv(A)", "np.diag(1 / np.diag(A))"), (" + beta *", " + 2 * beta *")
        ),
        "the inverse squared": changed(RIDGE, ("np.linalg.inv(A) @", "np.linalg.inv(A @ A) @")),
        "the pseudoinverse with a cutoff": written("def ridge(X, Y, beta): return np.linalg.pinv(X, rcond=min(beta, 0.5)) @ Y"),
        "gradient descent cut short": changed(
            AUGMENTED,
            (
                "    W, *_ =",
                "    W = np.zeros((F, Y.shape[1]))\n    for _ in range(5):\n        "
                "W = W - 1e-3 * (X.T @ (X @ W - Y) + beta * W)\n    return W\n    W, *_ =",
            ),
        ),
        "one target only": changed(RIDGE, ("@ X.T @ Y", "@ X.T @ Y[:, :1]")),
        "the first target for all": changed(RIDGE, ("@ X.T @ Y", "@ X.T @ np.repeat(Y[:, :1], Y.shape[1], axis=1)")),
        "fails for many features": changed(RIDGE, ("    F =", "    assert len(X) > X.shape[1]\n    F =")),
        "flat for one output": changed(
            RIDGE, ("return np.linalg.inv(A) @ X.T @ Y", "return (np.linalg.inv(A) @ X.T @ Y).squeeze()")
        ),
        "rows of zeros among the samples": changed(AUGMENTED, ("np.sqrt(beta) * np.eye(F)", "np.sqrt(beta) * np.ones((F, F))")),
        "beta in one row": changed(AUGMENTED, ("np.sqrt(beta) * np.eye(F)", "np.sqrt(beta) * np.eye(F, k=1)")),
        "the penalty on X": changed(
            RIDGE,
            ("    A =", "    X = X + beta * np.eye(*X.shape)\n    A ="),
            ("X.T @ X + beta * np.eye(F)", "X.T @ X + 1e-9 * np.eye(F)"),
        ),
        "float32 and no more": changed(RIDGE, ("return np", "return 0.999 * np")),
    },
    "05.6": {
        "zeros": changed(NRMSE, ("return np.sqrt(error / swing)", "return 0 * error")),
        "a variance of the errors' squares": changed(NRMSE, ("error = np.mean(", "error = np.std(")),
        "the median": changed(NRMSE, ("error = np.mean(", "error = np.median(")),
        "the largest error": changed(NRMSE, ("error = np.mean(", "error = np.max(")),
        "the root twice": changed(NRMSE, ("np.sqrt(error / swing)", "(error / swing) ** 0.25")),
        "turned upside down": changed(NRMSE, ("error / swing", "swing / error")),
        "relative to each target": changed(
            NRMSE, ("(guess - target) ** 2", "((guess - target) / target) ** 2"), ("error / swing", "error")
        ),
        "percent": changed(NRMSE, ("return ", "return 100 * ")),
        "bounded by 1": changed(NRMSE, ("np.sqrt(error / swing)", "np.minimum(np.sqrt(error / swing), 1.0)")),
        "the correlation": changed(
            LOOP_NRMSE,
            (
                "result[k] = above**0.5 / below**0.5",
                "result[k] = (1 - np.corrcoef(guess[:, k] + 1e-9 * np.arange(T), target[:, k])[0, 1] ** 2) ** 0.5",
            ),
        ),
        "both variances": changed(NRMSE, ("error / swing", "error / np.sqrt(swing * guess.var(axis=0) + 1e-12)")),
        "the mean of the variances": changed(NRMSE, ("error / swing", "error / swing.mean()")),
        "the mean of the outputs": changed(
            NRMSE, ("np.sqrt(error / swing)", "np.full(len(swing), np.sqrt(error / swing).mean())")
        ),
        "the mean of the guess": changed(NRMSE, ("target.mean(axis=0)", "guess.mean(axis=0)")),
        "the mean of all outputs": changed(NRMSE, ("target.mean(axis=0)", "target.mean()")),
        "the first step left out": changed(NRMSE, ("    error =", "    guess, target = guess[1:], target[1:]\n    error =")),
        "the last step left out": changed(NRMSE, ("np.mean((guess - target) ** 2", "np.mean((guess - target)[:-1] ** 2")),
        "shifted by a step": changed(NRMSE, ("np.mean((guess - target)", "np.mean((np.roll(guess, 1, axis=0) - target)")),
        "a small number added": changed(NRMSE, ("error / swing", "error / (swing + 1e-2)")),
        "over the targets' changes": changed(NRMSE, ("target - target.mean(axis=0)", "np.diff(target, axis=0)")),
        "the running mean": changed(
            NRMSE, ("target.mean(axis=0)", "target.cumsum(0) / np.arange(1, len(target) + 1)[:, None]")
        ),
        "the error at the end": changed(NRMSE, ("np.mean((guess - target) ** 2, axis=0)", "(guess - target)[-1] ** 2")),
        "a number for one output": changed(NRMSE, ("np.sqrt(error / swing)", "np.sqrt(error / swing).squeeze()")),
        "one error less in both": changed(NRMSE, ("error / swing", "(error - (error / len(target)) ** 2) / swing")),
        "ddof on top": changed(NRMSE, ("error / swing", "error / swing * len(target) / (len(target) - 1)")),
        "a column": changed(
            NRMSE, ("axis=0)\n    return", "axis=0)\n    return"), ("np.sqrt(error / swing)", "np.sqrt(error / swing)[:, None]")
        ),
        "summed roots": changed(NRMSE, ("np.sqrt(error / swing)", "np.sqrt(error) - np.sqrt(swing)")),
    },
    "05.7": {
        "the known values": changed(FREE, ("np.array(result)", "known")),
        "the last known value": changed(FREE, ("np.array(result)", "np.repeat(known[-1:], count, axis=0)")),
        "with the known values": changed(FREE, ("np.array(result)", "np.array([*known, *result])")),
        "one value too few": changed(FREE, ("range(count)", "range(count - 1)")),
        "one value too many": changed(FREE, ("range(count)", "range(count + 1)")),
        "the last value only": changed(FREE, ("np.array(result)", "np.array(result[-1:])")),
        "backwards": changed(FREE, ("np.array(result)", "np.array(result[::-1])")),
        "the states": changed(FREE, ("result.append(y)", "result.append(x)")),
        "squashed": changed(FREE, ("@ W_out", "@ W_out\n        y = np.tanh(y)")),
        "squashed inputs": changed(FREE, ("v = y", "v = np.tanh(y)")),
        "added to the last": changed(FREE, ("@ W_out", "@ W_out + v")),
        "the state alone": changed(FREE, (SAY, "[0.0], 0 * v, x")),
        "the last input left out": changed(FREE, (SAY, "[1.0], 0 * v, x")),
        "what it says in place of what it reads": changed(
            FREE, ("        v = y\n", "        v = known[-1]\n"), ("x = step(v, x)\n    return", "x = step(y, x)\n    return")
        ),
        "no input for its own steps": changed(FREE, ("v = y\n        x = step(v, x)", "v = y\n        x = step(0 * v, x)")),
        "no own steps": changed(FREE, ("v = y\n        x = step(v, x)", "v = y")),
        "two own steps": changed(FREE, ("v = y\n        x = step(v, x)", "v = y\n        x = step(v, step(v, x))")),
        "the step first": changed(
            FREE, ("        y = np", "        x = step(v, x)\n        y = np"), ("v = y\n        x = step(v, x)", "v = y")
        ),
        "the first known value only": changed(FREE, ("v = known[t]", "v = known[0]")),
        "the known values backwards": changed(FREE, ("v = known[t]", "v = known[-1 - t]")),
        "the known values twice": changed(
            FREE, ("range(len(known))", "range(2 * len(known))"), ("known[t]", "known[t % len(known)]")
        ),
        "its own words while it is told": changed(
            FREE,
            (
                "        x = step(v, x)\n    result",
                "        x = step(v, x)\n        v = np.concatenate([[1.0], v, x]) @ W_out\n    result",
            ),
        ),
        "the first known value left out": changed(FREE, ("range(len(known))", "range(min(1, len(known) - 1), len(known))")),
        "the state read after the next step": changed(
            FREE, ("        y = np", "        x = step(v, x) if t else x\n        y = np")
        ),
        "the mean of two states": changed(FREE, ("v = y\n        x = step(v, x)", "v = y\n        x = (step(v, x) + x) / 2")),
        "rounded": changed(FREE, ("v = y", "v = np.round(y, 2)")),
        "the columns of W_out in order": changed(FREE, ("@ W_out", "@ W_out[::-1]")),
        "flat for one output": changed(FREE, ("np.array(result)", "np.array(result).squeeze()")),
        "a list": changed(FREE, ("np.array(result)", "result")),
        "fails for one known value": changed(FREE, ("    result = []", "    assert len(known) > 1\n    result = []")),
        "rows for outputs": changed(FREE, ("np.array(result)", "np.array(result).T")),
    },
    "05.8": {
        "zeros": changed(MEMORY, ("= r**2", "= 0")),
        "ones": changed(MEMORY, ("= r**2", "= 1")),
        "no delay": changed(MEMORY, ("np.roll(u, k)", "u")),
        "turned round": changed(MEMORY, ("return result", "return result[::-1]")),
        "one delay too many": changed(
            MEMORY, ("range(1, delays + 1)", "range(1, delays + 2)"), ("np.zeros(delays)", "np.zeros(delays + 1)")
        ),
        "sorted": changed(MEMORY, ("return result", "return np.sort(result)[::-1]")),
        "never longer than before": changed(MEMORY, ("return result", "return np.minimum.accumulate(result)")),
        "added up": changed(MEMORY, ("return result", "return result.cumsum()")),
        "split in the middle": changed(MEMORY, ("    T =", "    split = len(u) // 2\n    T =")),
        "one step later": changed(MEMORY, ("X[split:] @ w, y[split:]", "X[split + 1 :] @ w, y[split + 1 :]")),
        "one step fewer fitted": changed(
            MEMORY, ("[delays:split]) @ y[delays:split]", "[delays : split - 1]) @ y[delays : split - 1]")
        ),
        "one step more fitted": changed(
            MEMORY, ("[delays:split]) @ y[delays:split]", "[delays : split + 1]) @ y[delays : split + 1]")
        ),
        "judged from delays later": changed(MEMORY, ("X[split:] @ w, y[split:]", "X[split + k :] @ w, y[split + k :]")),
        "fitted from one step later": changed(
            MEMORY, ("[delays:split]) @ y[delays:split]", "[delays + 1 : split]) @ y[delays + 1 : split]")
        ),
        "fitted to the next delay": changed(MEMORY, ("@ y[delays:split]", "@ y[delays - 1 : split - 1]")),
        "one readout for all": changed(MEMORY, ("        w =", "        w = w if k > 1 else")),
        "a penalty": changed(AT_ONCE, ("X[:first].T @ X[:first],", "X[:first].T @ X[:first] + np.eye(X.shape[1]),")),
        "the mean of the readouts": changed(
            AT_ONCE, ("X[first:] @ W", "X[first:] @ np.repeat(W.mean(1, keepdims=True), delays, 1)")
        ),
        "with itself": changed(MEMORY, ("corrcoef(guess, true)", "corrcoef(true, true)")),
        "with the input of this step": changed(MEMORY, ("X[split:] @ w, y[split:]", "X[split:] @ w, u[split:]")),
        "the correlation of the coefficients": changed(
            MEMORY, ("np.corrcoef(guess, true)[0, 1]", "np.corrcoef(guess, true).mean()")
        ),
        "by ranks": changed(MEMORY, ("corrcoef(guess, true)", "corrcoef(guess.argsort().argsort(), true.argsort().argsort())")),
        "the share of the variance": changed(MEMORY, ("r**2", "guess.var() / true.var()")),
        "the squared slope": changed(MEMORY, ("r**2", "(np.cov(guess, true)[0, 1] / np.var(true)) ** 2")),
        "divided by one deviation": changed(MEMORY, ("r**2", "(np.cov(guess, true)[0, 1] / np.std(true)) ** 2")),
        "the first unit": changed(MEMORY, ("states], axis=1)", "states[:, :1]], axis=1)")),
        "the inputs as features": changed(MEMORY, ("states], axis=1)", "states, u[:, None]], axis=1)")),
        "the states of the step before": changed(MEMORY, ("    result = np", "    X = np.roll(X, 1, axis=0)\n    result = np")),
        "the autocorrelation": changed(MEMORY, ("np.corrcoef(guess, true)", "np.corrcoef(u[split:], true)")),
        "products only": changed(AT_ONCE, ("G, Y = G - G.mean(0), Y - Y.mean(0)", "G = G - G.mean(0) + 0.1")),
        "the mean over the delays": changed(MEMORY, ("return result", "return np.full(delays, result.mean())")),
        "a column": changed(MEMORY, ("return result", "return result[:, None]")),
        "a list": changed(MEMORY, ("return result", "return list(result)")),
        "to two digits": changed(MEMORY, ("return result", "return np.round(result, 2)")),
        "above a threshold": changed(MEMORY, ("return result", "return np.where(result > 0.1, result, 0.0)")),
    },
}
