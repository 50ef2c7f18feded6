"""Writes the golden values of the layers beyond the first: activations, pools, convolutions, resizing, margins,
embeddings; and of one network of each group, whose state dict loads by name. See common.py."""

import torch
import torch.nn.functional as F

from common import SEED, listed, run, write

nn = torch.nn


class Fn(nn.Module):
    """A function as a module without parameters."""

    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x):
        return self.fn(x)


class Step(torch.autograd.Function):
    """The Heaviside step, whose gradient is 0 (or passes)."""

    @staticmethod
    def forward(ctx, x, passing):
        ctx.passing = passing
        return torch.heaviside(x, torch.zeros(()))

    @staticmethod
    def backward(ctx, g):
        return g if ctx.passing else torch.zeros_like(g), None


class Cases(list):
    def add(self, kind, args, options, module, x):
        self.append({"kind": kind, "args": args, "options": options, **run(module, x)})


def activations():
    torch.manual_seed(SEED + 20)
    cases = Cases()
    # Kinks of every function, both sides of each, and numbers large enough to overflow an exponential.
    x = torch.tensor([-1000.0, -30.0, -6.0, -3.5, -3.0, -2.9, -1.0, -0.5, -0.4, -1e-3, 0.0, 1e-3, 0.4, 0.5, 1.0, 2.9,
                      3.0, 3.5, 6.0, 9.9, 10.1, 19.9, 20.1, 30.0, 1000.0])
    for kind, args, module in [
        ("relu6", [], nn.ReLU6()), ("selu", [], nn.SELU()), ("celu", [], nn.CELU()), ("celu", [0.5], nn.CELU(0.5)),
        ("mish", [], nn.Mish()), ("logSigmoid", [], nn.LogSigmoid()), ("softplus", [], nn.Softplus()),
        ("softplus", [2], nn.Softplus(2)), ("softplus", [1, 3], nn.Softplus(1, 3)), ("softsign", [], nn.Softsign()),
        ("tanhshrink", [], nn.Tanhshrink()), ("softshrink", [], nn.Softshrink()), ("softshrink", [1], nn.Softshrink(1)),
        ("hardshrink", [], nn.Hardshrink()), ("hardshrink", [3], nn.Hardshrink(3)), ("hardtanh", [], nn.Hardtanh()),
        ("hardtanh", [-0.5, 3], nn.Hardtanh(-0.5, 3)), ("hardsigmoid", [], nn.Hardsigmoid()),
        ("hardswish", [], nn.Hardswish()), ("threshold", [0.5, 7], nn.Threshold(0.5, 7)),
        ("step", [], Fn(lambda v: Step.apply(v, False))),
        ("prelu", [], nn.PReLU()), ("prelu", [1, 0.1], nn.PReLU(1, 0.1)),
    ]:
        cases.add(kind, args, {}, module, x)
    cases.add("step", [], {"straightThrough": True}, Fn(lambda v: Step.apply(v, True)), x)
    for shape in ((2, 3, 4), (4, 3)):
        channels = nn.PReLU(3)
        with torch.no_grad():
            channels.weight.copy_(torch.tensor([0.1, -0.4, 2.0]))
        cases.add("prelu", [3], {}, channels, torch.randn(shape))
    for kind, module in (("logSoftmax", nn.LogSoftmax), ("softmin", nn.Softmin)):
        cases.add(kind, [], {}, module(-1), torch.randn(3, 5) * 40)
        cases.add(kind, [1], {}, module(1), torch.randn(2, 3, 4) * 4)

    def gated(act):
        return lambda axis: Fn(lambda v: (lambda a, b: a * act(b))(*v.chunk(2, axis)))

    for kind, module in (("glu", nn.GLU), ("reglu", gated(F.relu)), ("geglu", gated(F.gelu)), ("swiglu", gated(F.silu))):
        cases.add(kind, [], {}, module(-1), torch.randn(3, 6) * 2)
        cases.add(kind, [1], {}, module(1), torch.randn(2, 4, 3) * 2)
    cases.add("geglu", [-1, "tanh"], {}, gated(lambda v: F.gelu(v, approximate="tanh"))(-1), torch.randn(2, 8))
    write("layers-a-activations", cases)


def pools():
    torch.manual_seed(SEED + 21)
    cases = Cases()
    ties = lambda *shape: torch.randint(0, 3, shape).double()
    for kind, args, options, module, x in [
        ("maxPool1d", [3], {"stride": 2, "ceilMode": True}, nn.MaxPool1d(3, 2, ceil_mode=True), torch.randn(2, 2, 8)),
        ("maxPool1d", [3], {"ceilMode": True}, nn.MaxPool1d(3, ceil_mode=True), torch.randn(1, 2, 2)),
        ("maxPool1d", [3], {"stride": 2, "dilation": 2, "padding": 1}, nn.MaxPool1d(3, 2, 1, 2), torch.randn(2, 2, 11)),
        ("maxPool2d", [3], {"stride": 2, "padding": 1, "ceilMode": True},
         nn.MaxPool2d(3, 2, 1, ceil_mode=True), torch.randn(1, 2, 6, 8)),
        ("maxPool2d", [2], {"stride": 3, "padding": 1, "ceilMode": True},
         nn.MaxPool2d(2, 3, 1, ceil_mode=True), torch.randn(1, 2, 5, 7)),
        ("maxPool2d", [[2, 3]], {"stride": 1, "dilation": [2, 1]}, nn.MaxPool2d((2, 3), 1, 0, (2, 1)), ties(2, 1, 6, 6)),
        ("maxPool2d", [5], {"stride": 2, "padding": 2, "dilation": 2, "ceilMode": True},
         nn.MaxPool2d(5, 2, 2, 2, ceil_mode=True), ties(1, 2, 10, 9)),
        ("maxPool3d", [2], {"stride": 2, "dilation": [1, 2, 1], "ceilMode": True},
         nn.MaxPool3d(2, 2, 0, (1, 2, 1), ceil_mode=True), torch.randn(1, 2, 3, 6, 5)),
        ("avgPool1d", [3], {"stride": 2, "ceilMode": True}, nn.AvgPool1d(3, 2, ceil_mode=True), torch.randn(2, 2, 8)),
        ("avgPool2d", [3], {"stride": 2, "padding": 1, "ceilMode": True},
         nn.AvgPool2d(3, 2, 1, ceil_mode=True), torch.randn(1, 2, 6, 8)),
        ("avgPool2d", [3], {"stride": 2, "padding": 1, "ceilMode": True, "countIncludePad": False},
         nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), torch.randn(1, 2, 6, 8)),
        ("avgPool2d", [[3, 2]], {"stride": [2, 1], "divisorOverride": 4},
         nn.AvgPool2d((3, 2), (2, 1), divisor_override=4), torch.randn(1, 2, 7, 5)),
        ("avgPool3d", [2], {"padding": 1, "ceilMode": True, "countIncludePad": False},
         nn.AvgPool3d(2, padding=1, ceil_mode=True, count_include_pad=False), torch.randn(1, 2, 3, 4, 4)),
        ("avgPool3d", [2], {"stride": 1, "divisorOverride": 3}, nn.AvgPool3d(2, 1, divisor_override=3), torch.randn(1, 1, 3, 3, 4)),
    ]:
        cases.add(kind, args, options, module, x)
    for name, Name, draw in (("Avg", "Avg", torch.randn), ("Max", "Max", ties)):
        one, two, three = (getattr(nn, f"Adaptive{Name}Pool{r}d") for r in (1, 2, 3))
        cases.add(f"adaptive{name}Pool1d", [3], {}, one(3), draw(2, 2, 7))
        cases.add(f"adaptive{name}Pool1d", [5], {}, one(5), draw(1, 2, 3))
        cases.add(f"adaptive{name}Pool2d", [2], {}, two(2), draw(2, 2, 6, 4))
        cases.add(f"adaptive{name}Pool2d", [[3, 4]], {}, two((3, 4)), draw(1, 2, 7, 6))
        cases.add(f"adaptive{name}Pool2d", [[2, 3]], {}, two((2, 3)), draw(1, 2, 6, 8))
        cases.add(f"adaptive{name}Pool2d", [[3, 2]], {}, two((3, 2)), draw(1, 2, 8, 6))
        cases.add(f"adaptive{name}Pool2d", [[None, 3]], {}, two((None, 3)), draw(1, 2, 4, 5))
        cases.add(f"adaptive{name}Pool3d", [[2, 1, 3]], {}, three((2, 1, 3)), draw(1, 2, 3, 4, 4))
        cases.add(f"global{name}Pool1d", [], {}, nn.Sequential(one(1), nn.Flatten(1)), draw(2, 3, 5))
        cases.add(f"global{name}Pool2d", [], {"keepDims": True}, two(1), draw(2, 3, 5, 4))
        cases.add(f"global{name}Pool3d", [], {}, nn.Sequential(three(1), nn.Flatten(1)), draw(2, 2, 3, 2, 3))
    write("layers-a-pools", cases)


def convolutions():
    torch.manual_seed(SEED + 22)
    cases = Cases()
    for mode in ("reflect", "replicate", "circular"):
        cases.add("conv1d", [2, 3, 3], {"padding": 2, "paddingMode": mode},
                  nn.Conv1d(2, 3, 3, padding=2, padding_mode=mode), torch.randn(2, 2, 6))
        cases.add("conv2d", [2, 4, [3, 4]], {"padding": "same", "dilation": [2, 1], "groups": 2, "paddingMode": mode},
                  nn.Conv2d(2, 4, (3, 4), padding="same", dilation=(2, 1), groups=2, padding_mode=mode), torch.randn(1, 2, 5, 6))
        cases.add("conv2d", [2, 2, 3], {"padding": [1, 2], "stride": 2, "paddingMode": mode},
                  nn.Conv2d(2, 2, 3, padding=(1, 2), stride=2, padding_mode=mode), torch.randn(1, 2, 5, 6))
    cases.add("conv3d", [1, 2, 3], {"padding": 1, "paddingMode": "circular"},
              nn.Conv3d(1, 2, 3, padding=1, padding_mode="circular"), torch.randn(1, 1, 3, 4, 3))
    cases.add("conv1d", [4, 4, 3], {"padding": "valid"}, nn.Conv1d(4, 4, 3, padding="valid"), torch.randn(1, 4, 6))
    cases.add("conv3d", [4, 4, 2], {"padding": "same", "groups": 2},
              nn.Conv3d(4, 4, 2, padding="same", groups=2), torch.randn(1, 4, 3, 3, 3))
    cases.add("depthwiseConv1d", [3, 3], {"padding": 1, "dilation": 1},
              nn.Conv1d(3, 3, 3, padding=1, groups=3), torch.randn(2, 3, 6))
    cases.add("depthwiseConv2d", [3, 3], {"multiplier": 2, "stride": 2, "padding": 1},
              nn.Conv2d(3, 6, 3, stride=2, padding=1, groups=3), torch.randn(1, 3, 6, 5))
    cases.add("convTranspose1d", [3, 2, 3], {}, nn.ConvTranspose1d(3, 2, 3), torch.randn(2, 3, 5))
    cases.add("convTranspose1d", [4, 6, 3], {"stride": 3, "padding": 1, "outputPadding": 2, "groups": 2, "dilation": 2},
              nn.ConvTranspose1d(4, 6, 3, stride=3, padding=1, output_padding=2, groups=2, dilation=2), torch.randn(1, 4, 5))
    cases.add("convTranspose3d", [2, 3, 2], {"stride": [1, 2, 1], "padding": [0, 1, 0], "bias": False},
              nn.ConvTranspose3d(2, 3, 2, stride=(1, 2, 1), padding=(0, 1, 0), bias=False), torch.randn(1, 2, 2, 3, 3))
    cases.add("convTranspose3d", [2, 2, 3], {"stride": 2, "padding": 1, "outputPadding": 1},
              nn.ConvTranspose3d(2, 2, 3, stride=2, padding=1, output_padding=1), torch.randn(1, 2, 2, 2, 3))
    write("layers-a-convolutions", cases)


def spaces():
    torch.manual_seed(SEED + 23)
    cases = Cases()
    U = nn.Upsample
    for options, module, x in [
        ({"scaleFactor": 2}, U(scale_factor=2), torch.randn(1, 2, 5)),
        ({"scaleFactor": [2, 3]}, U(scale_factor=(2, 3)), torch.randn(1, 2, 2, 3)),
        ({"size": [5, 3]}, U(size=(5, 3)), torch.randn(1, 2, 3, 4)),
        ({"scaleFactor": 1.7}, U(scale_factor=1.7), torch.randn(1, 1, 4, 5)),
        ({"scaleFactor": 0.5}, U(scale_factor=0.5), torch.randn(1, 1, 5, 6)),
        ({"size": 4}, U(size=4), torch.randn(1, 1, 2, 3, 2)),
        ({"size": [5, 7], "mode": "nearest-exact"}, U(size=(5, 7), mode="nearest-exact"), torch.randn(1, 1, 3, 10)),
        ({"scaleFactor": 2, "mode": "linear"}, U(scale_factor=2, mode="linear"), torch.randn(2, 2, 5)),
        ({"size": 7, "mode": "linear", "alignCorners": True}, U(size=7, mode="linear", align_corners=True), torch.randn(2, 2, 4)),
        ({"scaleFactor": 2, "mode": "bilinear"}, U(scale_factor=2, mode="bilinear"), torch.randn(1, 2, 3, 4)),
        ({"scaleFactor": 2, "mode": "bilinear", "alignCorners": True},
         U(scale_factor=2, mode="bilinear", align_corners=True), torch.randn(1, 2, 3, 4)),
        ({"size": [5, 3], "mode": "bilinear"}, U(size=(5, 3), mode="bilinear"), torch.randn(1, 2, 3, 7)),
        ({"size": [1, 6], "mode": "bilinear", "alignCorners": True},
         U(size=(1, 6), mode="bilinear", align_corners=True), torch.randn(1, 2, 3, 1)),
        ({"scaleFactor": [1.3, 2.6], "mode": "bilinear"}, U(scale_factor=(1.3, 2.6), mode="bilinear"), torch.randn(1, 1, 4, 3)),
        ({"size": [3, 4, 5], "mode": "trilinear"}, U(size=(3, 4, 5), mode="trilinear"), torch.randn(1, 1, 2, 3, 3)),
        ({"scaleFactor": 2, "mode": "bicubic"}, U(scale_factor=2, mode="bicubic"), torch.randn(1, 1, 3, 4)),
        ({"size": [7, 3], "mode": "bicubic", "alignCorners": True},
         U(size=(7, 3), mode="bicubic", align_corners=True), torch.randn(1, 1, 4, 5)),
        ({"size": [2, 3], "mode": "area"}, Fn(lambda x: F.interpolate(x, (2, 3), mode="area")), torch.randn(1, 2, 5, 6)),
    ]:
        cases.add("upsample", [], options, module, x)
    cases.add("pixelShuffle", [2], {}, nn.PixelShuffle(2), torch.randn(2, 8, 2, 3))
    cases.add("pixelShuffle", [3], {}, nn.PixelShuffle(3), torch.randn(9, 1, 2))
    cases.add("pixelUnshuffle", [2], {}, nn.PixelUnshuffle(2), torch.randn(2, 2, 4, 6))
    for kind, Name in (("zero", "ZeroPad"), ("reflection", "ReflectionPad"), ("replication", "ReplicationPad"), ("circular", "CircularPad")):
        one, two, three = (getattr(nn, f"{Name}{r}d") for r in (1, 2, 3))
        cases.add(f"{kind}Pad1d", [[2, 1]], {}, one((2, 1)), torch.randn(1, 2, 4))
        cases.add(f"{kind}Pad2d", [1], {}, two(1), torch.randn(1, 2, 3, 3))
        cases.add(f"{kind}Pad2d", [[1, 2, 2, 0]], {}, two((1, 2, 2, 0)), torch.randn(2, 1, 4, 3))
        cases.add(f"{kind}Pad3d", [[1, 0, 0, 2, 1, 1]], {}, three((1, 0, 0, 2, 1, 1)), torch.randn(1, 1, 3, 3, 2))
    cases.add("zeroPad2d", [[-1, 2, 1, -1]], {}, nn.ZeroPad2d((-1, 2, 1, -1)), torch.randn(1, 2, 3, 4))
    for r, shape in ((1, (2, 3, 4)), (2, (1, 2, 3, 3)), (3, (1, 1, 2, 2, 2))):
        cases.add(f"constantPad{r}d", [1, 3.5], {}, getattr(nn, f"ConstantPad{r}d")(1, 3.5), torch.randn(shape))
    cases.add("unflatten", [1, [2, -1]], {}, nn.Unflatten(1, (2, -1)), torch.randn(3, 8))
    cases.add("unflatten", [-1, [2, 1, 3]], {}, nn.Unflatten(-1, (2, 1, 3)), torch.randn(2, 2, 6))
    cases.add("reshape", [[-1, 3]], {}, Fn(lambda v: v.reshape(2, -1, 3)), torch.randn(2, 4, 6))
    write("layers-a-spaces", cases)


def embeddings():
    """Indices in, so no gradient of the input; and the weight afterwards, which max_norm changes."""
    torch.manual_seed(SEED + 24)
    cases = []
    indices = torch.tensor([[3, 0, 3, 1], [0, 5, 2, 3]])
    for options, module, x in [
        ({}, nn.Embedding(6, 3), indices),
        ({}, nn.Embedding(6, 3), torch.tensor(4)),
        ({"paddingIndex": 0}, nn.Embedding(6, 3, padding_idx=0), indices),
        ({"paddingIndex": -1}, nn.Embedding(6, 3, padding_idx=-1), indices),
        ({"maxNorm": 1}, nn.Embedding(6, 4, max_norm=1.0), indices),
        ({"maxNorm": 1.5, "normType": 1, "paddingIndex": 3}, nn.Embedding(6, 4, max_norm=1.5, norm_type=1.0, padding_idx=3), indices),
    ]:
        before = listed(module.weight)
        y = module(x)
        probe = torch.cos(torch.arange(y.numel(), dtype=torch.float64)).reshape(y.shape)
        (y * probe).sum().backward()
        cases.append({"kind": "embedding", "args": list(module.weight.shape), "options": options, "x": listed(x), "y": listed(y),
                      "weight": before, "after": listed(module.weight), "gradient": listed(module.weight.grad)})
    for options, module, shapes in [({}, nn.Bilinear(3, 4, 2), ([5, 3], [5, 4])),
                                    ({"bias": False}, nn.Bilinear(2, 3, 4, bias=False), ([2, 3, 2], [2, 3, 3]))]:
        a, b = (torch.randn(*shape, requires_grad=True) for shape in shapes)
        y = module(a, b)
        probe = torch.cos(torch.arange(y.numel(), dtype=torch.float64)).reshape(y.shape)
        (y * probe).sum().backward()
        cases.append({"kind": "bilinear", "args": [shapes[0][-1], shapes[1][-1], y.shape[-1]], "options": options,
                      "x": listed(a), "x2": listed(b), "y": listed(y), "dx": listed(a.grad), "dx2": listed(b.grad),
                      "weights": {n: listed(p) for n, p in module.named_parameters()},
                      "gradients": {n: listed(p.grad) for n, p in module.named_parameters()}})
    write("layers-a-embeddings", cases)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(7, 4, padding_idx=0)
        self.act = nn.PReLU(5)
        self.pair = nn.Bilinear(4, 4, 6)
        self.head = nn.Sequential(nn.GLU(-1), nn.Linear(3, 2))

    def forward(self, x):
        rows = self.act(self.embed(x))
        return self.head(self.pair(rows.mean(1), rows.amax(1)))


class Scaling(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1, padding_mode="reflect"), nn.Hardswish(), nn.MaxPool2d(3, 2, 1, ceil_mode=True),
            nn.Conv2d(4, 8, 3, padding="same", groups=4), nn.Mish(), nn.AdaptiveAvgPool2d((3, 2)))
        self.up = nn.ModuleList([nn.ConvTranspose2d(8, 4, 2, stride=2), nn.Upsample(scale_factor=2, mode="bilinear"),
                                 nn.ReplicationPad2d((1, 0, 0, 1)), nn.Conv2d(4, 4, 2), nn.PixelShuffle(2)])

    def forward(self, x):
        x = self.down(x)
        for layer in self.up:
            x = layer(x)
        return x


def networks():
    torch.manual_seed(SEED + 25)
    cases = []
    for kind, model, x in (("words", Words(), torch.tensor([[1, 2, 3, 0, 6], [4, 4, 5, 2, 1], [6, 1, 3, 5, 0]])),
                           ("scaling", Scaling(), torch.randn(2, 1, 7, 6))):
        y = model(x)
        probe = torch.cos(torch.arange(y.numel(), dtype=torch.float64)).reshape(y.shape)
        (y * probe).sum().backward()
        cases.append({"kind": kind, "x": listed(x), "y": listed(y),
                      "state": {n: listed(p) for n, p in model.state_dict().items()},
                      "gradients": {n: listed(p.grad) for n, p in model.named_parameters()}})
    write("layers-a-networks", cases)


if __name__ == "__main__":
    for make in (activations, pools, convolutions, spaces, embeddings, networks):
        make()
