"""ONNX models with inputs and what onnxruntime makes of them, for test/io-onnx-in.test.ts.

    venv/bin/python make_onnx.py

Each case is one small model, mostly of a single operator: its bytes in base64, its inputs and its outputs. Where
onnxruntime has no kernel, ONNX's own reference implementation is the judge (`judge`).
"""

import base64
import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

SEED = 20240917
HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(SEED)
cases = []
onnxruntime.set_default_logger_severity(4)

TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "int32": TensorProto.INT32, "bool": TensorProto.BOOL}


def listed(a):
    a = np.asarray(a)
    kind = "float32" if a.dtype.kind == "f" else "bool" if a.dtype == bool else "int32"
    data = [float(f"{v:.8g}") if np.isfinite(v) else ("NaN" if np.isnan(v) else "Infinity" if v > 0 else "-Infinity") for v in a.flatten().tolist()]
    return {"shape": list(a.shape), "dtype": kind, "data": data if kind == "float32" else [int(v) for v in data]}


def record(title, model, feeds):
    if all(o.type.tensor_type.HasField("shape") for o in model.graph.output):
        onnx.checker.check_model(model)
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        outputs = session.run(None, feeds)
        judge = "onnxruntime"
    except Exception as error:
        outputs = ReferenceEvaluator(model).run(None, feeds)
        judge = "onnx.reference"
        print(title, "by reference:", str(error)[:90])
    names = [o.name for o in model.graph.output]
    cases.append(
        {
            "title": title,
            "judge": judge,
            "model": base64.b64encode(model.SerializeToString()).decode(),
            "inputs": {k: listed(v) for k, v in feeds.items()},
            "outputs": {n: listed(v) for n, v in zip(names, outputs)},
        }
    )


def one(op, inputs, opset=17, outputs=1, constants=(), title=None, raw=True, **attributes):
    """A model of one node. `inputs`: arrays, or None where one is left out; those in `constants` are initializers."""
    names = ["" if a is None else f"x{i}" for i, a in enumerate(inputs)]
    while names and names[-1] == "":
        names.pop()
    outs = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, outs, name=f"the_{op}", **attributes)
    graph_inputs, initializers, feeds = [], [], {}
    for i, a in enumerate(inputs):
        if a is None:
            continue
        a = np.asarray(a)
        if i in constants:
            initializers.append(numpy_helper.from_array(a, f"x{i}") if raw else helper.make_tensor(f"x{i}", TYPES[a.dtype.name], a.shape, a.flatten().tolist()))
        else:
            graph_inputs.append(helper.make_tensor_value_info(f"x{i}", TYPES[a.dtype.name], [None] * a.ndim if a.ndim else []))
            feeds[f"x{i}"] = a
    graph = helper.make_graph([node], "one", graph_inputs, [helper.make_empty_tensor_value_info(n) for n in outs], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8 if opset < 22 else 10)
    inferred = onnx.shape_inference.infer_shapes(model)
    known = {v.name: v for v in list(inferred.graph.value_info) + list(inferred.graph.output)}
    del graph.output[:]
    for n in outs:
        v = known.get(n)
        graph.output.append(v if v is not None and v.type.tensor_type.elem_type else helper.make_tensor_value_info(n, TensorProto.FLOAT, None))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8 if opset < 22 else 10)
    extra = ", ".join(f"{k}={v}" for k, v in attributes.items() if not hasattr(v, "DESCRIPTOR"))
    record(title or f"{op} {opset} {[list(np.shape(a)) if a is not None else None for a in inputs]} {extra}".strip(), model, feeds)


f = lambda *shape: rng.normal(size=shape).astype(np.float32)
i64 = lambda *v: np.array(v, dtype=np.int64)
a, b, row = f(2, 3, 4), f(2, 3, 4), f(3, 1)
pos = np.abs(a) + 0.5
w = np.array([[-7, 5, 0], [3, -2, 9]], dtype=np.int64)
v = np.array([[2, -3, 5], [-2, 4, 4]], dtype=np.int64)

for op in ["Add", "Sub", "Mul", "Div"]:
    one(op, [a, row])
    one(op, [w, v])
one("Pow", [pos, b])
one("Pow", [a, np.float32(2)], constants=[1])
one("Pow", [w, i64(2)], constants=[1])
one("Mod", [w, v])
one("Mod", [w, v], fmod=1)
one("Mod", [a, b], fmod=1)
for op in ["Max", "Min", "Sum", "Mean"]:
    one(op, [a, row, b])
for op in "Neg Abs Sign Reciprocal Exp Sin Cos Tan Atan Sinh Cosh Asinh Tanh Erf Floor Ceil Relu Sigmoid Softplus Softsign HardSwish".split():
    one(op, [a * 2])
one("Round", [np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.3], np.float32)])
for op in ["Sqrt", "Log"]:
    one(op, [pos])
for op in ["Asin", "Acos", "Atanh"]:
    one(op, [np.tanh(a)])
one("Acosh", [pos + 1])
one("IsNaN", [np.array([1, np.nan, np.inf], np.float32)])
one("IsInf", [np.array([1, np.nan, np.inf, -np.inf], np.float32)])
one("IsInf", [np.array([1, np.nan, np.inf, -np.inf], np.float32)], detect_negative=0)
one("LeakyRelu", [a], alpha=0.2)
one("PRelu", [a, f(3, 1)], constants=[1])
one("ThresholdedRelu", [a], alpha=0.3)
one("Elu", [a], alpha=0.7)
one("Celu", [a], alpha=0.7)
one("Selu", [a])
one("HardSigmoid", [a], alpha=0.3, beta=0.4)
one("Mish", [a], opset=18)
one("Gelu", [a], opset=20)
one("Gelu", [a], opset=20, approximate="tanh")
one("Shrink", [a], lambd=0.4, bias=0.1)
one("Clip", [a], opset=7, min=-0.5, max=0.5)
one("Clip", [a, np.float32(-0.5), np.float32(0.25)], constants=[1, 2])
one("Clip", [a, None, np.float32(0.25)], constants=[2])
one("Cast", [a * 3], to=TensorProto.INT64)
one("Cast", [w], to=TensorProto.FLOAT)
one("Cast", [w], to=TensorProto.BOOL)
for op in ["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"]:
    one(op, [w, v])
for op in ["And", "Or", "Xor"]:
    one(op, [w > 0, v > 0])
one("Not", [w > 0])
one("BitwiseAnd", [w.astype(np.int32), v.astype(np.int32)], opset=18)
one("BitwiseNot", [w.astype(np.int32)], opset=18)
one("Where", [a > 0, a, row])

one("Identity", [a])
one("Dropout", [a])
one("Shape", [a])
one("Shape", [a], start=1, end=-1)
one("Size", [a])
one("Reshape", [a, i64(0, -1)], constants=[1])
one("Reshape", [a, i64(4, 3, 2)], constants=[1], raw=False)
one("Flatten", [a], axis=2)
one("Flatten", [a], axis=0)
one("Transpose", [a])
one("Transpose", [a], perm=[1, 0, 2])
one("Squeeze", [f(1, 3, 1)], opset=11, axes=[0])
one("Squeeze", [f(1, 3, 1), i64(-1)], constants=[1])
one("Squeeze", [f(1, 3, 1)])
one("Unsqueeze", [f(3), ], opset=11, axes=[0, 2])
one("Unsqueeze", [f(3), i64(0, -1)], constants=[1])
one("Concat", [a, b], axis=-1)
one("Split", [f(5, 2)], opset=11, outputs=2, split=[2, 3])
one("Split", [f(6, 2)], opset=11, outputs=3)
one("Split", [f(5, 2), i64(1, 4)], outputs=2, constants=[1])
one("Split", [f(5, 2)], opset=18, outputs=2, num_outputs=2)
one("Slice", [a], opset=9, starts=[0, 1], ends=[1, 1000], axes=[0, 2])
one("Slice", [a, i64(1, 0), i64(3, 2**63 - 1), i64(1, 2), i64(1, 2)], constants=[1, 2, 3, 4])
one("Slice", [a, i64(-1), i64(-(2**63) + 1), i64(2), i64(-1)], constants=[1, 2, 3, 4])
one("Slice", [a, i64(2), i64(0), i64(2), i64(-2)], constants=[1, 2, 3, 4])
one("Pad", [f(2, 3)], opset=7, pads=[0, 1, 2, 0], value=1.5)
one("Pad", [f(2, 3), i64(0, 1, 2, 0), np.float32(1.5)], constants=[1, 2])
one("Pad", [f(2, 4), i64(0, 2, 0, 3)], constants=[1], mode="reflect")
one("Pad", [f(2, 4), i64(1, 2, 0, 3)], constants=[1], mode="edge")
one("Pad", [f(2, 4), i64(1, 2, 0, 3)], opset=19, constants=[1], mode="wrap")
one("Pad", [f(2, 4), i64(1, -1), None, i64(1)], opset=18, constants=[1, 3])
one("Expand", [row, i64(2, 1, 4)], constants=[1])
one("Tile", [f(2, 3), i64(2, 3)], constants=[1])
one("Gather", [a, np.array([[0, -1], [2, 1]])], axis=1)
one("Gather", [a, np.array([[0, -1], [2, 1]])], axis=1, constants=[1])
one("GatherElements", [f(3, 3), np.array([[1, 2, 0], [-3, 0, 0]])], axis=0)
one("GatherND", [a, np.array([[0, 1], [1, -1]])])
one("GatherND", [f(2, 3, 4), np.array([[1], [2]])], batch_dims=1)
one("ScatterElements", [f(3, 3), np.array([[1, 0, 2], [-1, 2, 1]]), f(2, 3)], axis=0)
one("ScatterElements", [f(3, 3), np.array([[1, 1, 2], [2, 2, 2]]), f(2, 3)], opset=18, axis=1, reduction="add")
one("ScatterND", [f(4, 2), np.array([[2], [-4]]), f(2, 2)])
one("OneHot", [np.array([[0, 2], [-1, 1]]), i64(3), np.array([0.5, 2], np.float32)], constants=[1], axis=1)
one("TopK", [a, i64(2)], outputs=2, constants=[1], axis=1)
one("TopK", [a, i64(2)], outputs=2, constants=[1], largest=0)
one("TopK", [a], opset=9, outputs=2, k=2, axis=2)
one("Trilu", [f(3, 4)])
one("Trilu", [f(3, 4), np.int64(-1)], constants=[1], upper=0)
one("EyeLike", [f(3, 4)], k=1)
one("DepthToSpace", [f(1, 8, 2, 3)], blocksize=2)
one("DepthToSpace", [f(1, 8, 2, 3)], blocksize=2, mode="CRD")
one("SpaceToDepth", [f(1, 2, 4, 6)], blocksize=2)
one("ConstantOfShape", [i64(2, 3)], constants=[0], value=helper.make_tensor("v", TensorProto.FLOAT, [1], [2.5]))
one("Range", [np.int64(2), np.int64(11), np.int64(3)], constants=[0, 1, 2])
one("Range", [np.float32(1), np.float32(2), np.float32(0.3)], constants=[0, 1, 2])
one("Constant", [], value=numpy_helper.from_array(np.arange(3, dtype=np.float32)))
one("Constant", [], value_ints=[4, 5])

for op in "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp".split():
    one(op, [a], opset=11, axes=[1], keepdims=0)
    one(op, [a, i64(0, -1)], opset=18, constants=[1])
one("ReduceLogSum", [pos], opset=11)
one("ReduceSum", [a], opset=13, noop_with_empty_axes=1)
one("ReduceSumSquare", [a], opset=18)
one("ArgMax", [a], axis=1, keepdims=0)
one("ArgMin", [a], axis=-1)
one("ArgMax", [np.array([[1, 3, 3, 2]], np.float32)], axis=1, select_last_index=1)
one("CumSum", [a, np.int64(1)], constants=[1])
one("CumSum", [a, np.int64(-1)], constants=[1], exclusive=1, reverse=1)
for op in ["Softmax", "LogSoftmax", "Hardmax"]:
    one(op, [a], opset=11)
    one(op, [a], opset=13)
    one(op, [a], opset=13, axis=1)
one("MatMul", [f(2, 1, 3, 4), f(5, 4, 2)])
one("MatMul", [f(4), f(4, 2)])
one("Gemm", [f(3, 2), f(4, 3), f(4)], constants=[1, 2], transA=1, transB=1, alpha=0.5, beta=2.0)
one("Einsum", [f(2, 3, 4), f(2, 4, 5)], equation="bij,bjk->bki")

x2, k2 = f(2, 4, 7, 6), f(6, 2, 3, 2)
one("Conv", [x2, k2, f(6)], constants=[1, 2], group=2, pads=[1, 0, 2, 1], strides=[2, 1])
one("Conv", [x2, f(3, 4, 3, 3)], constants=[1], dilations=[2, 1])
for auto in ["SAME_UPPER", "SAME_LOWER", "VALID"]:
    one("Conv", [x2, f(3, 4, 2, 3)], constants=[1], auto_pad=auto, strides=[2, 2])
    one("ConvTranspose", [f(1, 2, 3, 4), f(2, 3, 3, 2)], constants=[1], auto_pad=auto, strides=[2, 2])
one("Conv", [f(1, 2, 9), f(3, 2, 4), f(3)], constants=[1, 2], pads=[2, 1])
one("Conv", [f(1, 2, 4, 4, 3), f(3, 2, 2, 2, 2)], constants=[1])
one("ConvTranspose", [f(1, 4, 3, 4), f(4, 3, 3, 2), f(6)], constants=[1, 2], group=2, strides=[2, 3], pads=[1, 0, 0, 1], output_padding=[1, 0], dilations=[1, 2])
one("ConvTranspose", [f(1, 2, 3, 4), f(2, 3, 3, 3)], constants=[1], strides=[2, 2], output_shape=[6, 8])
x4 = f(2, 3, 7, 6)
one("MaxPool", [x4], kernel_shape=[3, 2], strides=[2, 2])
one("MaxPool", [x4], kernel_shape=[3, 3], strides=[2, 2], pads=[0, 1, 1, 0])
one("MaxPool", [x4], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
one("MaxPool", [x4], kernel_shape=[2, 2], strides=[3, 3], pads=[1, 1, 1, 1], ceil_mode=1, opset=22)
one("MaxPool", [x4], kernel_shape=[2, 2], dilations=[2, 3])
one("MaxPool", [x4], kernel_shape=[2, 3], strides=[2, 2], auto_pad="SAME_LOWER")
one("AveragePool", [x4], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 0, 1])
one("AveragePool", [x4], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 0, 1], count_include_pad=1)
one("AveragePool", [x4], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, opset=19)
one("AveragePool", [x4], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1, count_include_pad=1, opset=19)
one("AveragePool", [f(1, 2, 9)], kernel_shape=[4], auto_pad="SAME_UPPER", strides=[3])
one("GlobalAveragePool", [x4])
one("GlobalMaxPool", [x4])
one("BatchNormalization", [x4, f(3), f(3), f(3), np.abs(f(3))], constants=[1, 2, 3, 4], epsilon=0.01)
one("LayerNormalization", [a, f(4), f(4)], constants=[1, 2], epsilon=0.01)
one("LayerNormalization", [a, f(3, 4)], constants=[1], axis=1)
one("RMSNormalization", [a, f(4)], opset=23, constants=[1])
one("GroupNormalization", [f(2, 4, 3), f(4), f(4)], opset=21, constants=[1, 2], num_groups=2)
one("InstanceNormalization", [x4, f(3), f(3)], constants=[1, 2])
one("LRN", [f(1, 5, 2, 2)], size=3, alpha=0.1, beta=0.6, bias=1.5)
one("LpNormalization", [a], axis=1, p=1)
one("MeanVarianceNormalization", [x4])
q, kv = f(2, 4, 3, 8), f(2, 2, 5, 8)
one("Attention", [q, kv, f(2, 2, 5, 8)], opset=23)
one("Attention", [q, f(2, 4, 3, 8), f(2, 4, 3, 8)], opset=23, is_causal=1)

for mode in ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]:
    one("Resize", [f(1, 1, 3, 4), None, None, i64(1, 1, 5, 7)], constants=[3], mode="linear", coordinate_transformation_mode=mode)
for nearest in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]:
    one("Resize", [f(1, 1, 3, 4), None, np.array([1, 1, 2, 1.5], np.float32)], constants=[2], mode="nearest", nearest_mode=nearest)
one("Resize", [f(1, 1, 4, 5), None, np.array([1, 1, 0.6, 1.7], np.float32)], constants=[2], mode="cubic")
one("Resize", [f(1, 1, 4, 5), None, None, i64(1, 1, 8, 3)], constants=[3], mode="cubic", cubic_coeff_a=-0.5, exclude_outside=1)
one("Resize", [f(1, 1, 3, 4), np.array([1, 1, 2, 2], np.float32)], opset=10, constants=[1], mode="nearest")
one("Upsample", [f(1, 1, 3, 4), np.array([1, 1, 2, 3], np.float32)], opset=9, constants=[1], mode="nearest")

T, B, I, H = 4, 2, 3, 5
lengths = np.array([4, 2], np.int32)
for op, gates in [("RNN", 1), ("GRU", 3), ("LSTM", 4)]:
    outs = 3 if op == "LSTM" else 2
    for direction, D in [("forward", 1), ("reverse", 1), ("bidirectional", 2)]:
        weights = [f(D, gates * H, I), f(D, gates * H, H), f(D, 2 * gates * H)]
        state = [f(D, B, H)] * (2 if op == "LSTM" else 1)
        one(op, [f(T, B, I), *weights, lengths if direction != "forward" else None, *state], outputs=outs, constants=[1, 2, 3], hidden_size=H, direction=direction)
one("GRU", [f(T, B, I), f(1, 3 * H, I), f(1, 3 * H, H), f(1, 6 * H)], outputs=2, constants=[1, 2, 3], hidden_size=H, linear_before_reset=1)
one("LSTM", [f(T, B, I), f(1, 4 * H, I), f(1, 4 * H, H), None, None, None, None, f(1, 3 * H)], outputs=3, constants=[1, 2, 7], hidden_size=H, clip=0.6)
one("RNN", [f(T, B, I), f(1, H, I), f(1, H, H)], outputs=2, constants=[1, 2], hidden_size=H, activations=["Relu"])


def shapes():
    """Shape arithmetic as exporters write it: x.view(x.shape[0], -1), and a mask from a Range."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["b"], axis=0),
        helper.make_node("Unsqueeze", ["b", "axes"], ["b1"]),
        helper.make_node("Concat", ["b1", "rest"], ["shape"], axis=0),
        helper.make_node("Reshape", ["x", "shape"], ["flat"]),
        helper.make_node("Gather", ["s", "one"], ["t"], axis=0),
        helper.make_node("Range", ["zero", "t", "one"], ["places"]),
        helper.make_node("Less", ["places", "two"], ["mask"]),
        helper.make_node("Unsqueeze", ["mask", "axes1"], ["mask1"]),
        helper.make_node("Cast", ["b"], ["bf"], to=TensorProto.FLOAT),
        helper.make_node("Sqrt", ["bf"], ["root"]),
        helper.make_node("Where", ["mask1", "x", "root"], ["y"]),
        helper.make_node("Identity", ["flat"], ["z"]),
    ]
    inits = [numpy_helper.from_array(np.asarray(value, np.int64), name) for name, value in [("zero", 0), ("one", 1), ("two", 2), ("axes", [0]), ("axes1", [1]), ("rest", [-1])]]
    graph = helper.make_graph(
        nodes,
        "shapes",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "time", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None), helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
        inits,
    )
    record("shape arithmetic", helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), {"x": a})


shapes()


def exported():
    """What PyTorch's exporter writes, where it is installed."""
    import io

    import torch

    torch.manual_seed(0)
    cnn = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 3, padding=1), torch.nn.BatchNorm2d(3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 2), torch.nn.Softmax(-1)
    ).eval()

    class Encoder(torch.nn.Module):
        # torch.nn.TransformerEncoderLayer by hand: its own does not trace with the exporter used here.
        def __init__(self, size=8, heads=2):
            super().__init__()
            self.heads = heads
            self.qkv = torch.nn.Linear(size, 3 * size)
            self.out = torch.nn.Linear(size, size)
            self.norm1, self.norm2 = torch.nn.LayerNorm(size), torch.nn.LayerNorm(size)
            self.feed = torch.nn.Sequential(torch.nn.Linear(size, 16), torch.nn.GELU(), torch.nn.Linear(16, size))

        def forward(self, x):
            b, t, c = x.shape
            q, k, v = (y.view(b, t, self.heads, c // self.heads).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
            mask = torch.ones(t, t, dtype=torch.bool).tril()
            scores = (q @ k.transpose(-1, -2) / (c // self.heads) ** 0.5).masked_fill(~mask, float("-inf"))
            y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, c)
            x = self.norm1(x + self.out(y))
            return self.norm2(x + self.feed(x))

    encoder = Encoder().eval()

    class Lstm(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = torch.nn.Embedding(7, 4)
            self.lstm = torch.nn.LSTM(4, 5, batch_first=True, bidirectional=True)
            self.head = torch.nn.Linear(10, 3)

        def forward(self, x):
            return self.head(self.lstm(self.embed(x))[0].mean(1))

    inputs = [(cnn, torch.randn(2, 1, 8, 8)), (encoder, torch.randn(2, 5, 8)), (Lstm().eval(), torch.randint(0, 7, (2, 6)))]
    for model, x in inputs:
        buffer = io.BytesIO()
        try:
            torch.onnx.export(model, (x,), buffer, opset_version=17, input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "batch"}}, dynamo=False)
        except Exception as error:
            print("not exported:", type(model).__name__, str(error)[:200])
            continue
        record(f"torch.onnx.export of {type(model).__name__}", onnx.load_from_string(buffer.getvalue()), {"x": x.numpy()})


exported()
made = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__, "seed": SEED}
half = next(i for i, case in enumerate(cases) if case["title"].startswith("Conv "))
for name, part in [("onnx", cases[:half]), ("onnx-layers", cases[half:])]:
    (HERE / f"{name}.json").write_text(json.dumps({"made": made, "cases": part}, separators=(",", ":")) + "\n")
    print(name, len(part), (HERE / f"{name}.json").stat().st_size, "bytes")
