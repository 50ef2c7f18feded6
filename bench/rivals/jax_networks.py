"""The networks in plain jax.numpy. Parameters are a dictionary under PyTorch's names; images are [B, H, W, C].

Batch norms use the batch's statistics, and give the running ones back under their names.
"""

import jax
import jax.numpy as jnp
from jax import lax

DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def to_jax(name, data):
    """Weights as these networks have them: convolutions [H, W, in, out]."""
    return jnp.asarray(data.transpose(2, 3, 1, 0) if data.ndim == 4 and not name.startswith("up.") else data)


def linear(p, name, x):
    return x @ p[f"{name}.weight"].T + p[f"{name}.bias"]


def conv(p, name, x, stride=1, padding="SAME"):
    if stride == 2:
        padding = ((1, 1), (1, 1))
    y = lax.conv_general_dilated(x, p[f"{name}.weight"], (stride, stride), padding, dimension_numbers=DIMENSIONS)
    bias = p.get(f"{name}.bias")
    return y if bias is None else y + bias


def max_pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def batch_norm(p, name, x, changed):
    mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
    count = x.size // x.shape[-1]
    for key, now in (("running_mean", mean), ("running_var", var * count / (count - 1))):
        changed[f"{name}.{key}"] = 0.9 * p[f"{name}.{key}"] + 0.1 * lax.stop_gradient(now)
    return (x - mean) * lax.rsqrt(var + 1e-5) * p[f"{name}.weight"] + p[f"{name}.bias"]


def layer_norm(p, name, x):
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(var + 1e-5) * p[f"{name}.weight"] + p[f"{name}.bias"]


def perceptron(activation):
    def forward(p, x, changed):
        x = activation(linear(p, "0", x))
        return linear(p, "4", activation(linear(p, "2", x)))

    return forward


def flatten(x):
    """In the order of PyTorch's channels, rows, columns."""
    return x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)


def cnn(p, x, changed):
    x = jax.nn.relu(conv(p, "0", x, padding="VALID"))
    x = max_pool(jax.nn.relu(conv(p, "2", x, padding="VALID")))
    return linear(p, "8", jax.nn.relu(linear(p, "6", flatten(x))))


def digits(p, x, changed):
    x = max_pool(jax.nn.relu(conv(p, "0", x)))
    x = max_pool(jax.nn.relu(conv(p, "3", x)))
    return linear(p, "9", jax.nn.relu(linear(p, "7", flatten(x))))


def resnet(p, x, changed):
    x = jax.nn.relu(batch_norm(p, "bn1", conv(p, "conv1", x), changed))
    for i in range(9):
        name = f"blocks.{i}"
        more = (p[f"{name}.conv1.weight"].shape[3] - x.shape[3]) // 2
        y = conv(p, f"{name}.conv1", x, 2 if more else 1)
        y = jax.nn.relu(batch_norm(p, f"{name}.bn1", y, changed))
        y = batch_norm(p, f"{name}.bn2", conv(p, f"{name}.conv2", y), changed)
        if more:
            x = jnp.pad(x[:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (more, more)))
        x = jax.nn.relu(x + y)
    return linear(p, "linear", x.mean((1, 2)))


def double_conv(p, name, x, changed):
    for a, b in ((0, 1), (3, 4)):
        x = jax.nn.relu(batch_norm(p, f"{name}.{b}", conv(p, f"{name}.{a}", x), changed))
    return x


def twice_as_large(p, name, x):
    """A convolution backwards with a window and a stride of 2: windows do not overlap. weight: [in, out, 2, 2]"""
    b, h, w, _ = x.shape
    y = jnp.einsum("bhwi,iokl->bhkwlo", x, p[f"{name}.weight"])
    return y.reshape(b, 2 * h, 2 * w, -1) + p[f"{name}.bias"]


def unet(p, x, changed):
    found = [double_conv(p, "down.0", x, changed)]
    for i in (1, 2, 3):
        found.append(double_conv(p, f"down.{i}", max_pool(found[-1]), changed))
    y = found.pop()
    for i in (2, 1, 0):
        y = double_conv(p, f"join.{i}", jnp.concatenate([twice_as_large(p, f"up.{i}", y), found.pop()], -1), changed)
    return conv(p, "head", y)


def lstm(p, x, changed):
    x = p["embedding.weight"][x]
    inputs = (x @ p["lstm.weight_ih_l0"].T + p["lstm.bias_ih_l0"] + p["lstm.bias_hh_l0"]).swapaxes(0, 1)

    def step(state, sums):
        h, c = state
        i, f, g, o = jnp.split(sums + h @ p["lstm.weight_hh_l0"].T, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zeros = jnp.zeros((x.shape[0], p["lstm.weight_hh_l0"].shape[1]))
    return linear(p, "linear", lax.scan(step, (zeros, zeros), inputs)[1].swapaxes(0, 1))


def gru_way(p, ending, x):
    """x: [T, B, C] → [T, B, H]"""
    reverse = ending.endswith("reverse")
    inputs = x @ p[f"gru.weight_ih_{ending}"].T + p[f"gru.bias_ih_{ending}"]

    def step(h, sums):
        i = jnp.split(sums, 3, -1)
        s = jnp.split(h @ p[f"gru.weight_hh_{ending}"].T + p[f"gru.bias_hh_{ending}"], 3, -1)
        r, z = jax.nn.sigmoid(i[0] + s[0]), jax.nn.sigmoid(i[1] + s[1])
        n = jnp.tanh(i[2] + r * s[2])
        h = n + z * (h - n)
        return h, h

    zeros = jnp.zeros((x.shape[1], p[f"gru.weight_hh_{ending}"].shape[1]))
    return lax.scan(step, zeros, inputs, reverse=reverse)[1]


def gru2(p, x, changed):
    x = x.swapaxes(0, 1)
    for layer in ("l0", "l1"):
        x = jnp.concatenate([gru_way(p, layer, x), gru_way(p, f"{layer}_reverse", x)], -1)
    return linear(p, "linear", x.mean(0))


def heads_of(p, name, x, heads):
    b, t, c = x.shape
    qkv = x @ p[f"{name}.self_attn.in_proj_weight"].T + p[f"{name}.self_attn.in_proj_bias"]
    return qkv.reshape(b, t, 3, heads, c // heads).transpose(2, 0, 3, 1, 4)


def attend(p, name, q, k, v, seen):
    b, h, t, d = q.shape
    scores = jnp.where(seen, (q * d**-0.5) @ k.swapaxes(2, 3), -jnp.inf)
    y = (jax.nn.softmax(scores, -1) @ v).transpose(0, 2, 1, 3).reshape(b, t, h * d)
    return linear(p, f"{name}.self_attn.out_proj", y)


def feed(p, name, x):
    wide = jax.nn.gelu(linear(p, f"{name}.linear1", layer_norm(p, f"{name}.norm2", x)), approximate=False)
    return x + linear(p, f"{name}.linear2", wide)


def gpt(layers, heads):
    def forward(p, x, changed):
        t = x.shape[1]
        x = p["embedding.weight"][x] + p["positions.weight"][:t]
        seen = jnp.tril(jnp.ones((t, t), bool))
        for i in range(layers):
            name = f"transformer.layers.{i}"
            q, k, v = heads_of(p, name, layer_norm(p, f"{name}.norm1", x), heads)
            x = feed(p, name, x + attend(p, name, q, k, v, seen))
        return layer_norm(p, "transformer.norm", x) @ p["embedding.weight"].T

    return forward


def gpt_step(layers, heads):
    """The likeliest token after `token` at `place`; caches: [layers, 2, 1, heads, context, size]."""

    def step(p, token, place, caches):
        x = (p["embedding.weight"][token] + p["positions.weight"][place])[None, None]
        seen = jnp.arange(caches.shape[4]) <= place
        for i in range(layers):
            name = f"transformer.layers.{i}"
            q, k, v = heads_of(p, name, layer_norm(p, f"{name}.norm1", x), heads)
            caches = lax.dynamic_update_slice(caches, jnp.stack([k, v])[None], (i, 0, 0, 0, place, 0))
            x = feed(p, name, x + attend(p, name, q, caches[i, 0], caches[i, 1], seen))
        scores = layer_norm(p, "transformer.norm", x) @ p["embedding.weight"].T
        return scores[0, 0].argmax(), caches

    return step
