"""What PyTorch makes of numbers at the edge, in float32: huge, infinite and NaN inputs, no variance, no samples, one class.

Unlike the other files these are computed in float32, for overflow and rounding to nothing are what they are about. JSON
has no infinities and no NaN: they are texts here. Where PyTorch raises an error the case has "error".
"""

import json

import torch
import torch.nn.functional as F
from common import HERE, SEED

torch.set_default_dtype(torch.float32)
inf, nan = float("inf"), float("nan")
cases = []


def number(v):
    return v if isinstance(v, int) else str(v) if v != v or v in (inf, -inf) else float(f"{v:.9g}")


def listed(t):
    t = t.detach()
    whole = not t.is_floating_point()
    return {"shape": list(t.shape), "data": [number(v) for v in t.flatten().tolist()], **({"dtype": "int32"} if whole else {})}


def add(of, kind, inputs, fn, args=(), options=None, note="", by=None, exact=False):
    """`by`: the inputs to differentiate by; default all floats. `exact`: in float64, where float32 rounds everything away."""
    given = [(x.double() if exact and x.is_floating_point() else x).clone().requires_grad_(x.is_floating_point() and (by is None or i in by)) for i, x in enumerate(inputs)]
    case = {"of": of, "kind": kind, "note": note, "args": list(args), "options": options or {}, "inputs": [listed(x) for x in inputs]}
    try:
        y = fn(*given)
    except (RuntimeError, ValueError) as error:
        cases.append({**case, "error": str(error).split("\n")[0][:120]})
        return
    probe = torch.cos(torch.arange(y.numel(), dtype=torch.float64)).reshape(y.shape).to(y.dtype)
    (y * probe).sum().backward()
    slopes = {str(i): listed(x.grad if x.grad is not None else torch.zeros_like(x)) for i, x in enumerate(given) if x.requires_grad}
    cases.append({**case, "y": listed(y), "gradients": slopes})


def t(*values, dtype=torch.float32):
    return torch.tensor(values, dtype=dtype)


def ints(*values):
    return torch.tensor(values, dtype=torch.int64)


def activations():
    # 88.7 is where e^x leaves float32 upwards, -87.3 where it leaves its normal numbers, 17 where 1 - tanh is nothing.
    edge = t(0, 1e-30, -1e-30, 17, -17, 30, -30, 88, -88, 90, -90, 104, -104, 1e4, -1e4, 1e30, -1e30, inf, -inf, nan)
    table = {
        "relu": F.relu, "relu6": F.relu6, "leakyRelu": F.leaky_relu, "elu": F.elu, "selu": F.selu, "celu": F.celu,
        "gelu": F.gelu, "silu": F.silu, "mish": F.mish, "hardswish": F.hardswish, "softplus": F.softplus,
        "tanhshrink": F.tanhshrink, "softshrink": F.softshrink, "hardshrink": F.hardshrink, "tanh": torch.tanh,
        "sigmoid": torch.sigmoid, "logSigmoid": F.logsigmoid, "softsign": F.softsign, "hardtanh": F.hardtanh,
        "hardsigmoid": F.hardsigmoid,
    }
    for kind, fn in table.items():
        add("layer", kind, [edge], fn)
    add("layer", "gelu", [edge], lambda x: F.gelu(x, approximate="tanh"), ["tanh"])
    add("layer", "softplus", [edge], lambda x: F.softplus(x, 0.5, 20), [0.5, 20])
    add("layer", "threshold", [edge], lambda x: F.threshold(x, 0.1, 20), [0.1, 20])
    add("layer", "prelu", [edge.reshape(1, 1, -1)], lambda x: F.prelu(x, t(0.25)))
    rows = torch.stack([t(1e4, -1e4, 0), t(-inf, 0, 1), t(0, 0, 0), t(3e38, -3e38, 1), t(nan, 0, 1)])
    for kind, fn in (("softmax", F.softmax), ("logSoftmax", F.log_softmax), ("softmin", F.softmin)):
        add("layer", kind, [rows if kind != "softmin" else rows[[0, 2, 3, 4]]], lambda x, fn=fn: fn(x, dim=-1))
        add("layer", kind, [torch.zeros(0, 3)], lambda x, fn=fn: fn(x, dim=-1), note="no rows")
        add("layer", kind, [t(5).reshape(1, 1)], lambda x, fn=fn: fn(x, dim=-1), note="one class")
    add("layer", "glu", [t(1e4, 1e4, -1e4, 1e4, 1e4, -1e4, 1e4, 0).reshape(2, 4).transpose(0, 1).reshape(1, 8)], lambda x: F.glu(x))


def norms():
    double = torch.float64
    flat, wide = torch.full((2, 3, 4), 7.0), torch.tensor([[1e6, 1e6 + 1, 1e6 + 2, 1e6 + 3]])
    add("layer", "layerNorm", [flat], torch.nn.LayerNorm(4, dtype=double), [4], note="no variance", exact=True)
    add("layer", "layerNorm", [wide], torch.nn.LayerNorm(4, dtype=double), [4], note="far from 0", exact=True)
    add("layer", "layerNorm", [t(3, -2).reshape(2, 1)], torch.nn.LayerNorm(1), [1], note="one element")
    add("layer", "layerNorm", [torch.zeros(0, 4)], torch.nn.LayerNorm(4), [4], note="no rows")
    add("layer", "layerNorm", [t(1e-8, 2e-8, 3e-8, 4e-8).reshape(1, 4)], torch.nn.LayerNorm(4, eps=1e-20), [4], {"eps": 1e-20}, "a very small eps")
    add("layer", "layerNorm", [t(1, nan, 3, 4, 1, 2, 3, 4).reshape(2, 4)], torch.nn.LayerNorm(4), [4], note="NaN in one row")
    add("layer", "rmsNorm", [torch.zeros(2, 4)], torch.nn.RMSNorm(4), [4], note="zeros")
    add("layer", "rmsNorm", [torch.zeros(0, 4)], torch.nn.RMSNorm(4), [4], note="no rows")
    add("layer", "rmsNorm", [t(1e18, -1e18, 5e18, 1).reshape(1, 4)], torch.nn.RMSNorm(4), [4], note="large")
    add("layer", "groupNorm", [flat[:, :2]], torch.nn.GroupNorm(2, 2, dtype=double), [2, 2], note="no variance", exact=True)
    add("layer", "groupNorm", [torch.zeros(0, 2, 4)], torch.nn.GroupNorm(2, 2), [2, 2], note="no samples")
    add("layer", "instanceNorm1d", [flat], torch.nn.InstanceNorm1d(3, dtype=double), [3], note="no variance", exact=True)
    add("layer", "instanceNorm1d", [torch.ones(2, 3, 1)], torch.nn.InstanceNorm1d(3), [3], note="one place")
    add("layer", "batchNorm1d", [torch.full((4, 2), 5.0)], torch.nn.BatchNorm1d(2, dtype=double), [2], note="no variance", exact=True)
    add("layer", "batchNorm1d", [torch.ones(1, 2)], torch.nn.BatchNorm1d(2), [2], note="a batch of 1")
    add("layer", "batchNorm2d", [torch.arange(8.0).reshape(1, 2, 2, 2)], torch.nn.BatchNorm2d(2), [2], note="a batch of 1 with space")
    add("layer", "batchNorm2d", [torch.ones(1, 2, 1, 1)], torch.nn.BatchNorm2d(2), [2], note="a batch of 1 without space")
    add("layer", "batchNorm1d", [1e6 + torch.arange(8.0).reshape(4, 2)], torch.nn.BatchNorm1d(2, dtype=double), [2], note="far from 0", exact=True)
    add("eval", "batchNorm1d", [torch.ones(1, 2)], torch.nn.BatchNorm1d(2).eval(), [2], note="a batch of 1")
    add("eval", "batchNorm1d", [torch.zeros(0, 2)], torch.nn.BatchNorm1d(2).eval(), [2], note="no samples")


def shapes():
    add("layer", "linear", [torch.zeros(0, 3)], lambda x: torch.zeros(0, 2) + 0 * x.sum(), [3, 2], note="no samples")
    add("layer", "conv2d", [torch.zeros(0, 1, 4, 4)], lambda x: torch.zeros(0, 2, 2, 2) + 0 * x.sum(), [1, 2, 3], note="no samples")
    add("layer", "maxPool2d", [torch.zeros(0, 1, 4, 4)], torch.nn.MaxPool2d(2), [2], note="no samples")
    add("layer", "avgPool2d", [torch.zeros(0, 1, 4, 4)], torch.nn.AvgPool2d(2), [2], note="no samples")
    add("layer", "flatten", [torch.zeros(0, 2, 3)], torch.nn.Flatten(), note="no samples")
    add("layer", "maxPool1d", [t(-inf, -inf, 1, nan, 2, 2, inf, 5).reshape(1, 1, 8)], torch.nn.MaxPool1d(2), [2])
    add("layer", "avgPool1d", [t(inf, 1, 1, nan, 2, 2, inf, -inf).reshape(1, 1, 8)], torch.nn.AvgPool1d(2), [2])
    add("layer", "adaptiveAvgPool1d", [t(1, 2).reshape(1, 1, 2)], torch.nn.AdaptiveAvgPool1d(5), [5], note="more windows than places")
    add("layer", "upsample", [t(4).reshape(1, 1, 1, 1)], torch.nn.Upsample(scale_factor=3, mode="bilinear"), [], {"scaleFactor": 3, "mode": "bilinear"}, "one pixel")


def losses():
    big, label = torch.stack([t(1e4, -1e4, 0), t(-1e4, -1e4, -1e4), t(0, -inf, 0)]), ints(1, 0, 2)
    for reduction in ("none", "mean", "sum"):
        more = {"reduction": reduction}
        add("loss", "crossEntropy", [big, label], lambda x, y: F.cross_entropy(x, y, reduction=reduction), options=more, note="large")
        add("loss", "crossEntropy", [torch.zeros(0, 3), ints()], lambda x, y: F.cross_entropy(x, y, reduction=reduction), options=more, note="no samples")
        add("loss", "crossEntropy", [t(1, 2, 3, 4).reshape(2, 2), ints(1, 1)], lambda x, y: F.cross_entropy(x, y, reduction=reduction, ignore_index=1),
            options={**more, "ignoreIndex": 1}, note="all ignored")
        add("loss", "mse", [torch.zeros(0), torch.zeros(0)], lambda x, y: F.mse_loss(x, y, reduction=reduction), options=more, note="no samples", by=[0])
        add("loss", "bceWithLogits", [torch.zeros(0), torch.zeros(0)], lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction=reduction), options=more, note="no samples", by=[0])
    none = {"reduction": "none"}
    add("loss", "crossEntropy", [t(3, -5).reshape(2, 1), ints(0, 0)], lambda x, y: F.cross_entropy(x, y, reduction="none"), options=none, note="one class")
    add("loss", "crossEntropy", [t(0, -inf, 3).reshape(1, 3), ints(1)], lambda x, y: F.cross_entropy(x, y, reduction="none"), options=none, note="an impossible truth")
    add("loss", "crossEntropy", [t(0, nan, 3, 0, 1, 2).reshape(2, 3), ints(0, 1)], lambda x, y: F.cross_entropy(x, y, reduction="none"), options=none, note="NaN in one row")
    add("loss", "crossEntropy", [big[:2], label[:2]], lambda x, y: F.cross_entropy(x, y, reduction="none", label_smoothing=0.1), options={**none, "labelSmoothing": 0.1}, note="large, smoothed")
    add("loss", "crossEntropy", [big[:2], t(0, 1, 0, 0.5, 0.5, 0).reshape(2, 3)], lambda x, y: F.cross_entropy(x, y, reduction="none"), options=none, note="probabilities", by=[0])
    logs = t(-1, -inf, -2, -3).reshape(2, 2)
    add("loss", "nll", [logs, ints(1, 0)], lambda x, y: F.nll_loss(x, y, reduction="none"), options=none)
    scores, truth = t(1e4, -1e4, 1e4, -1e4, 0, 100, -100, inf, nan), t(1, 0, 0, 1, 0.5, 1, 0, 1, 0)
    add("loss", "bceWithLogits", [scores, truth], lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction="none"), options=none, by=[0])
    add("loss", "bce", [t(0, 1, 0, 1, 1e-30, 0.5), t(0, 1, 1, 0, 1, 0.5)], lambda x, y: F.binary_cross_entropy(x, y, reduction="none"), options=none, by=[0])
    add("loss", "klDivergence", [t(-1, -inf, 0, -2), t(0, 0, 1, 0.5)], lambda x, y: F.kl_div(x, y, reduction="none"), options=none, by=[0])
    far, near = t(1e20, -1e20, 1e4, 0, inf, nan), t(0, 0, 0, 0, 0, 0)
    for kind, fn in (("mse", F.mse_loss), ("l1", F.l1_loss), ("smoothL1", F.smooth_l1_loss), ("huber", F.huber_loss)):
        add("loss", kind, [far, near], lambda x, y, fn=fn: fn(x, y, reduction="none"), options=none, by=[0])
    add("loss", "smoothL1", [t(0.5, 0, -1), t(0, 0, 0)], lambda x, y: F.smooth_l1_loss(x, y, reduction="none", beta=1e-20), options={**none, "beta": 1e-20}, note="a very small beta", by=[0])
    add("loss", "gaussianNll", [t(1, 1), t(1, 2), t(0, 0)], lambda x, y, v: F.gaussian_nll_loss(x, y, v, reduction="none"), options=none, note="no variance", by=[0, 2])
    add("loss", "poissonNll", [t(100, -100, 0), t(1, 0, 0)], lambda x, y: F.poisson_nll_loss(x, y, reduction="none"), options=none, by=[0])
    add("loss", "softMargin", [t(1e4, -1e4, 100), t(-1, -1, 1)], lambda x, y: F.soft_margin_loss(x, y, reduction="none"), options=none, by=[0])
    zeros = torch.zeros(2, 3)
    add("loss", "cosineEmbedding", [zeros, zeros, t(1, -1)], lambda a, b, y: F.cosine_embedding_loss(a, b, y, reduction="none"), options=none, note="zero vectors", by=[0, 1])
    add("loss", "tripletMargin", [zeros, zeros, zeros], lambda a, b, c: F.triplet_margin_loss(a, b, c, reduction="none"), options=none, note="equal vectors")
    steps = torch.log_softmax(torch.arange(24.0).reshape(2, 4, 3).sin(), -1)

    def ctc(lengths, targets, labels, zero=False, reduction="none"):
        options = {"reduction": reduction, **({"zeroInfinity": True} if zero else {})}
        fn = lambda x, y, i, l: F.ctc_loss(x.log_softmax(-1).transpose(0, 1), y, i, l, reduction=reduction, zero_infinity=zero)
        add("loss", "ctc", [steps, labels, ints(*lengths), ints(*targets)], fn, options=options, note=f"{lengths} steps for {targets} labels")

    labels = torch.tensor([[1, 1, 2], [2, 1, 1]])
    ctc((4, 4), (3, 0), labels)
    ctc((2, 4), (3, 2), labels)
    ctc((2, 4), (3, 2), labels, zero=True)
    ctc((1, 1), (1, 0), labels)
    ctc((4, 4), (0, 0), labels, reduction="mean")
    ctc((2, 4), (3, 2), labels, reduction="mean")


def attention():
    q, k = torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 3, 2)
    large = t(1e4, -1e4, 1e4, 1e4, 0, 0).reshape(1, 1, 3, 2)
    add("attention", "scaledDotProductAttention", [q + 1e4, large, large], F.scaled_dot_product_attention, note="large")
    add("attention", "scaledDotProductAttention", [torch.zeros(0, 1, 2, 2), torch.zeros(0, 1, 3, 2), torch.zeros(0, 1, 3, 2)], F.scaled_dot_product_attention, note="no samples")
    add("attention", "scaledDotProductAttention", [q[:, :, :1], k[:, :, :1] + 1, k[:, :, :1] + 1], F.scaled_dot_product_attention, note="one query, one key")


activations()
norms()
shapes()
losses()
attention()
body = {"made": {"torch": torch.__version__.split("+")[0], "seed": SEED, "dtype": "float32"}, "cases": cases}
(HERE / "robust.json").write_text(json.dumps(body, separators=(",", ":"), allow_nan=False) + "\n")
print("robust", len(cases), (HERE / "robust.json").stat().st_size, "bytes")
