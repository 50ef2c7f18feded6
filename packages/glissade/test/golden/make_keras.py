"""Keras models with inputs and what Keras makes of them, for test/io-keras.test.ts.

    KERAS_BACKEND=torch venv/bin/python make_keras.py

keras.json: small models as their configuration and their weights, in the way in which tfjs stores them. And a few
whole files, .keras and .h5, under ../fixtures/interchange.
"""

import base64
import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras
import numpy as np
from keras import layers as L

SEED = 20240917
HERE = pathlib.Path(__file__).parent
FIXTURES = HERE.parent / "fixtures" / "interchange"
FIXTURES.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(SEED)
cases = []


def listed(a):
    a = np.asarray(a)
    if a.dtype.kind == "f":
        return {"shape": list(a.shape), "dtype": "float32", "data": [float(f"{v:.7g}") for v in a.flatten().tolist()]}
    return {"shape": list(a.shape), "dtype": "int32", "data": [int(v) for v in a.flatten().tolist()]}


def fill(model):
    """Random weights, so that no bias and no statistic is 0."""
    for v in model.weights:
        if "seed" in v.path or not str(v.dtype).startswith("float"):
            continue
        value = rng.normal(size=v.shape) * 0.5
        v.assign(np.abs(value) + 0.1 if "variance" in v.path else value)


def record(title, model, inputs, quantize=None):
    fill(model)
    inputs = inputs if isinstance(inputs, list) else [inputs]
    outputs = model.predict(inputs if len(inputs) > 1 else inputs[0], verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    weights, data = [], b""
    for v in model.weights:
        if "seed" in v.path:
            continue
        value = np.asarray(v)
        entry = {"name": v.path, "shape": list(value.shape), "dtype": "int32" if value.dtype.kind == "i" else "float32"}
        if quantize in ("uint8", "uint16"):
            low, scale = float(value.min()), float((value.max() - value.min()) / (255 if quantize == "uint8" else 65535)) or 1.0
            entry["quantization"] = {"dtype": quantize, "scale": scale, "min": low, "original_dtype": "float32"}
            stored = np.round((value - low) / scale).astype("<u1" if quantize == "uint8" else "<u2")
            data += stored.tobytes()
        elif quantize == "float16":
            entry["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
            data += value.astype("<f2").tobytes()
        else:
            data += value.astype("<i4" if entry["dtype"] == "int32" else "<f4").tobytes()
        weights.append(entry)
    topology = {"keras_version": keras.__version__, "model_config": json.loads(model.to_json())}
    drop(topology)
    cases.append({"title": title, "topology": topology, "weights": weights, "data": base64.b64encode(data).decode(), "inputs": [listed(x) for x in inputs], "outputs": [listed(y) for y in outputs], "quantized": quantize})
    return model


def drop(value):
    """Takes what no reader needs out of a configuration, to keep the file small."""
    if isinstance(value, dict):
        for key in [k for k in value if k.endswith(("_initializer", "_regularizer", "_constraint")) or k in ("registered_name", "build_config", "compile_config", "module", "shared_object_id", "quantization_config")]:
            del value[key]
        if isinstance(value.get("dtype"), dict):
            value["dtype"] = "float32"
        for v in value.values():
            drop(v)
    elif isinstance(value, list):
        for v in value:
            drop(v)


def one(layer, *shape, x=None, title=None):
    x = rng.normal(size=(2, *shape)).astype(np.float32) if x is None else x
    model = keras.Sequential([keras.Input(x.shape[1:], dtype=x.dtype.name), layer])
    shown = {k: v for k, v in layer.get_config().items() if isinstance(v, (int, float, str, bool, tuple, list)) and k not in ("name", "trainable", "dtype")}
    record(title or f"{type(layer).__name__} {json.dumps(shown)[:150]}", model, x)


one(L.Dense(3, activation="tanh"), 4)
one(L.Dense(3, use_bias=False), 2, 4)
for name in "relu relu6 sigmoid tanh softmax log_softmax softplus softsign elu selu gelu silu mish exponential leaky_relu hard_sigmoid hard_silu linear".split():
    one(L.Activation(name), 5, title=f"Activation {name}")
one(L.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2), 6)
one(L.LeakyReLU(negative_slope=0.25), 6)
one(L.ELU(alpha=0.7), 6)
one(L.PReLU(shared_axes=[1]), 3, 4)
one(L.Softmax(axis=1), 3, 4)
one(L.Embedding(7, 3), x=rng.integers(0, 7, size=(2, 4)).astype(np.int32))

for padding in ["valid", "same"]:
    one(L.Conv1D(3, 4, strides=2, padding=padding), 9, 2)
    one(L.Conv2D(3, (3, 2), strides=(2, 1), padding=padding, activation="relu"), 7, 6, 2)
    one(L.Conv2D(4, 3, dilation_rate=2, padding=padding, groups=2, use_bias=False), 8, 8, 2)
    one(L.Conv3D(2, (2, 1, 3), padding=padding), 4, 3, 5, 2)
    one(L.DepthwiseConv2D(3, depth_multiplier=2, padding=padding), 6, 5, 2)
    one(L.SeparableConv2D(3, 3, depth_multiplier=2, padding=padding), 6, 5, 2)
    one(L.SeparableConv1D(3, 3, padding=padding), 6, 2)
    one(L.Conv2DTranspose(3, 4, strides=2, padding=padding), 3, 4, 2)
    one(L.Conv2DTranspose(3, 3, strides=1, padding=padding), 4, 4, 2)
    one(L.Conv1DTranspose(3, 4, strides=2, padding=padding), 4, 2)
    one(L.MaxPooling2D((3, 2), strides=2, padding=padding), 7, 6, 2)
    one(L.AveragePooling2D((3, 2), strides=2, padding=padding), 7, 6, 2)
    one(L.MaxPooling1D(2, padding=padding), 7, 2)
    # An even padding: with an odd one the torch backend repeats the edge, where TensorFlow and tfjs leave it out.
    one(L.AveragePooling1D(3, strides=2, padding=padding), 7, 2)
one(L.Conv1D(3, 3, padding="causal", dilation_rate=2), 8, 2)
one(L.Conv2D(3, 3, activation="softmax"), 5, 5, 2)
one(L.MaxPooling3D(2), 4, 4, 4, 2)
one(L.AveragePooling3D(2), 4, 4, 4, 2)
for kind in [L.GlobalMaxPooling1D, L.GlobalAveragePooling1D]:
    one(kind(), 5, 2)
for kind in [L.GlobalMaxPooling2D, L.GlobalAveragePooling2D]:
    one(kind(), 3, 5, 2)
one(L.GlobalAveragePooling2D(keepdims=True), 3, 5, 2)
one(L.ZeroPadding2D(((1, 2), (0, 3))), 3, 4, 2)
one(L.ZeroPadding1D(2), 3, 2)
one(L.Cropping2D(((1, 0), (1, 2))), 4, 5, 2)
one(L.Cropping1D(1), 4, 2)
one(L.UpSampling1D(3), 3, 2)
one(L.UpSampling2D((2, 3)), 3, 2, 2)
one(L.UpSampling2D((2, 2), interpolation="bilinear"), 3, 4, 2)

one(L.BatchNormalization(), 4, 3)
one(L.BatchNormalization(axis=1, scale=False), 4, 3)
one(L.LayerNormalization(), 4, 3)
one(L.GroupNormalization(groups=2), 3, 3, 4)
one(L.UnitNormalization(), 4)
one(L.Rescaling(0.5, offset=-1.0), 4)
one(L.Dropout(0.5), 4)
one(L.SpatialDropout2D(0.5), 3, 3, 2)
one(L.GaussianNoise(0.5), 4)
one(L.Flatten(), 3, 4)
one(L.Reshape((2, -1)), 3, 4)
one(L.Permute((2, 1)), 3, 4)
one(L.RepeatVector(3), 4)
for kind in [L.SimpleRNN, L.LSTM, L.GRU]:
    one(kind(3), 5, 2)
    one(kind(3, return_sequences=True, go_backwards=True, use_bias=False), 4, 2)
    one(L.Bidirectional(kind(3, return_sequences=True)), 4, 2, title=f"Bidirectional {kind.__name__}")
    one(L.Bidirectional(kind(2), merge_mode="sum"), 4, 2, title=f"Bidirectional sum {kind.__name__}")
one(L.GRU(3, reset_after=False, activation="relu", recurrent_activation="hard_sigmoid"), 5, 2)
one(L.TimeDistributed(L.Dense(3, activation="relu")), 4, 2, title="TimeDistributed Dense")
one(L.TimeDistributed(L.Conv2D(2, 2)), 3, 4, 4, 1, title="TimeDistributed Conv2D")

words = np.array([[3, 1, 4, 0, 0], [2, 0, 5, 1, 6]], dtype=np.int32)
for kind in [L.LSTM, L.GRU]:
    record(f"masked {kind.__name__}", keras.Sequential([keras.Input((5,), dtype="int32"), L.Embedding(7, 3, mask_zero=True), L.Bidirectional(kind(4, return_sequences=True)), kind(3), L.Dense(2)]), words)
record("masked mean", keras.Sequential([keras.Input((5,), dtype="int32"), L.Embedding(7, 3, mask_zero=True), L.GlobalAveragePooling1D()]), words)

for kind in [L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum, L.Concatenate]:
    a, b = keras.Input((3, 2)), keras.Input((3, 2))
    record(kind.__name__, keras.Model([a, b], kind()([a, b])), [rng.normal(size=(2, 3, 2)).astype(np.float32) for _ in range(2)])
a, b = keras.Input((3, 2)), keras.Input((4, 2))
record("Dot", keras.Model([a, b], L.Dot(axes=2, normalize=True)([a, b])), [rng.normal(size=(2, n, 2)).astype(np.float32) for n in (3, 4)])


def cnn():
    x = i = keras.Input((12, 12, 2), name="image")
    x = L.Conv2D(4, 3, padding="same", use_bias=False)(x)
    x = L.BatchNormalization()(x)
    x = s = L.ReLU()(x)
    x = L.DepthwiseConv2D(3, padding="same")(x)
    x = L.Conv2D(4, 1)(x)
    x = L.Add()([x, s])
    x = L.MaxPooling2D()(x)
    x = L.Concatenate()([x, L.AveragePooling2D(2)(s)])
    x = L.SeparableConv2D(5, 3, activation="relu")(x)
    x = L.Flatten()(x)
    x = L.Dropout(0.3)(x)
    return keras.Model(i, [L.Dense(3, activation="softmax", name="class")(x), L.Dense(1, name="size")(x)])


def nested():
    tower = keras.Sequential([keras.Input((4,)), L.Dense(3, activation="relu"), L.Dense(2)], name="tower")
    inner = keras.Input((4,))
    outer = keras.Model(inner, L.Add()([tower(inner), L.Dense(2)(inner)]), name="outer")
    a, b = keras.Input((4,)), keras.Input((4,))
    return keras.Model([a, b], L.Dense(2, name="head")(L.Concatenate()([outer(a), outer(b), tower(b)])))


def text():
    return keras.Sequential([keras.Input((6,), dtype="int32"), L.Embedding(9, 4, mask_zero=True), L.Bidirectional(L.LSTM(3, return_sequences=True)), L.GRU(3), L.LayerNormalization(), L.Dense(2, activation="softmax")])


image = rng.normal(size=(2, 12, 12, 2)).astype(np.float32)
pair = [rng.normal(size=(2, 4)).astype(np.float32) for _ in range(2)]
tokens = rng.integers(0, 9, size=(2, 6)).astype(np.int32)
for name, make, x in [("cnn", cnn, image), ("nested", nested, pair), ("text", text, tokens)]:
    model = record(name, make(), x)
    model.save(FIXTURES / f"{name}.keras")
    model.save(FIXTURES / f"{name}.h5")
for kind in ["uint8", "uint16", "float16"]:
    record(f"quantized {kind}", keras.Sequential([keras.Input((4,)), L.Dense(8, activation="tanh"), L.Dense(2)]), pair[0], quantize=kind)

lambda_model = keras.Sequential([keras.Input((4,)), L.Lambda(lambda t: t * 2)])
lambda_model.save(FIXTURES / "lambda.keras")


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = L.Dense(2)

    def call(self, x):
        return self.dense(x)


own = Own()
own(np.zeros((1, 3), np.float32))
own.save(FIXTURES / "own.keras")
own.save_weights(FIXTURES / "own.weights.h5")

(HERE / "keras.json").write_text(json.dumps({"made": {"keras": keras.__version__, "backend": keras.backend.backend(), "seed": SEED}, "cases": cases}, separators=(",", ":")) + "\n")
print(len(cases), (HERE / "keras.json").stat().st_size, "bytes")
