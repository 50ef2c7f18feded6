"""JAX on the processor: each step one jitted function, whose old state is given to it to be overwritten.

python jax_cpu.py <backend> <threads>. XLA uses as many threads as the process may use cores.
"""

import os
import sys

from serve import Training, absent, serve

backend, threads = sys.argv[1], int(sys.argv[2])
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
os.environ.setdefault("JAX_PLATFORMS", "cpu")

try:
    import jax
    import jax.numpy as jnp
    import numpy
except ImportError as error:
    absent(f"{error} (python is {sys.executable})")

import jax_networks as networks

if cache := os.environ.get("GLISSADE_BENCH_CACHE"):
    jax.config.update("jax_compilation_cache_dir", cache)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)

B1, B2, EPS = 0.9, 0.999, 1e-8


class Product:
    def __init__(self, inputs, settings):
        self.a, self.b = jnp.asarray(inputs["a"]), jnp.asarray(inputs["b"])
        self.positions = inputs["positions"]
        self.product = jax.jit(jnp.matmul)

    def run(self):
        self.last = self.product(self.a, self.b)

    def finish(self):
        self.last.block_until_ready()

    def check(self):
        self.run()
        return numpy.asarray(self.last).reshape(-1)[self.positions].tolist()


def weights(inputs):
    prefix = "weights."
    return {
        name[len(prefix) :]: networks.to_jax(name[len(prefix) :], data)
        for name, data in inputs.items()
        if name.startswith(prefix)
    }


class Waiting(Training):
    """Steps are queued; a sample ends when the last one is done."""

    def run(self):
        self.last = super().run()
        return self.last

    def finish(self):
        self.last.block_until_ready()


def is_statistic(name):
    return name.rsplit(".", 1)[-1] in ("running_mean", "running_var")


def adamw(settings):
    lr, keep = settings["lr"], 1 - settings["lr"] * settings["weightDecay"]

    def init(p):
        return jnp.zeros(()), *({name: jnp.zeros_like(each) for name, each in p.items()} for _ in range(2))

    def update(p, g, state):
        t, m, v = state
        t = t + 1
        m = {name: B1 * m[name] + (1 - B1) * g[name] for name in p}
        v = {name: B2 * v[name] + (1 - B2) * g[name] ** 2 for name in p}
        size, root = lr / (1 - B1**t), jnp.sqrt(1 - B2**t)
        p = {name: keep * p[name] - size * m[name] / (jnp.sqrt(v[name]) / root + EPS) for name in p}
        return p, (t, m, v)

    return init, update


def sgd(settings):
    def update(p, g, state):
        return {name: p[name] - settings["lr"] * g[name] for name in p}, state

    return lambda p: (), update


def train(network, criterion, inputs, settings, optimizer=adamw, images=False):
    everything = weights(inputs)
    params = {name: each for name, each in everything.items() if not is_statistic(name)}
    statistics = {name: each for name, each in everything.items() if is_statistic(name)}
    xs, ys = inputs["x"], inputs["y"]
    if images:
        xs = xs.transpose(0, 1, 3, 4, 2)
        ys = ys.transpose(0, 1, 3, 4, 2) if ys.ndim == 5 else ys
    xs, ys = [jnp.asarray(x) for x in xs], [jnp.asarray(y) for y in ys]
    init, update = optimizer(settings)

    def loss(p, statistics, x, y):
        changed = {}
        return criterion(network({**p, **statistics}, x, changed), y), changed

    def one(p, statistics, state, x, y):
        (value, changed), g = jax.value_and_grad(loss, has_aux=True)(p, statistics, x, y)
        return value, *update(p, g, state), changed

    jitted = jax.jit(one, donate_argnums=(0, 1, 2))
    held = [params, statistics, init(params)]

    def step(i):
        value, p, state, changed = jitted(*held, xs[i], ys[i])
        held[:] = [p, changed, state]
        return value

    return Waiting(step, len(xs), int(settings["losses"]))


def mse(y, target):
    return ((y - target) ** 2).mean()


def cross_entropy(scores, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(scores), y[..., None], -1).mean()


def binary_cross_entropy(scores, y):
    return (jnp.maximum(scores, 0) - scores * y + jnp.log1p(jnp.exp(-jnp.abs(scores)))).mean()


class Forward:
    def __init__(self, inputs, settings):
        self.p = weights(inputs)
        self.x = jnp.asarray(inputs["x"][0].transpose(0, 2, 3, 1))
        self.model = jax.jit(lambda p, x: networks.digits(p, x, {}))

    def run(self):
        self.last = self.model(self.p, self.x)

    def finish(self):
        self.last.block_until_ready()

    def check(self):
        self.run()
        return numpy.asarray(self.last).flatten().tolist()


class Generate:
    def __init__(self, inputs, settings):
        self.p, self.count, self.prompt = weights(inputs), int(settings["count"]), int(settings["prompt"])
        layers, heads, width, context = (int(settings[name]) for name in ("layers", "heads", "width", "context"))
        self.shape = (layers, 2, 1, heads, context, width // heads)
        self.step = jax.jit(networks.gpt_step(layers, heads), donate_argnums=3)

    def run(self):
        token, caches, found = self.prompt, jnp.zeros(self.shape), []
        for t in range(self.count):
            token, caches = self.step(self.p, token, t, caches)
            found.append(int(token))
        return found

    def check(self):
        return self.run()


def gpt(inputs, settings):
    network = networks.gpt(int(settings["layers"]), int(settings["heads"]))
    return train(network, cross_entropy, inputs, settings)


works = {
    "matmul": Product,
    "tiny": lambda inputs, settings: train(networks.perceptron(jnp.tanh), mse, inputs, settings, sgd),
    "mlp": lambda inputs, settings: train(networks.perceptron(jax.nn.relu), cross_entropy, inputs, settings),
    "cnn": lambda inputs, settings: train(networks.cnn, cross_entropy, inputs, settings, images=True),
    "resnet": lambda inputs, settings: train(networks.resnet, cross_entropy, inputs, settings, images=True),
    "unet": lambda inputs, settings: train(networks.unet, binary_cross_entropy, inputs, settings, images=True),
    "lstm": lambda inputs, settings: train(networks.lstm, cross_entropy, inputs, settings),
    "gru2": lambda inputs, settings: train(networks.gru2, cross_entropy, inputs, settings),
    "gpt": gpt,
    "digits-forward": Forward,
    "gpt-generate": Generate,
}
serve(numpy, jax.__version__, backend, threads, works)
