"""Writes the golden values of the first layers, losses and optimizers, and of two small networks; see common.py."""

import torch
import torch.nn.functional as F

from common import SEED, listed, run, write


def layers():
    torch.manual_seed(SEED)
    nn = torch.nn
    cases = []

    def add(kind, args, options, module, x):
        cases.append({"kind": kind, "args": args, "options": options, **run(module, x)})

    add("linear", [5, 3], {}, nn.Linear(5, 3), torch.randn(4, 5))
    add("linear", [5, 3], {"bias": False}, nn.Linear(5, 3, bias=False), torch.randn(2, 3, 5))
    add("conv1d", [3, 4, 3], {}, nn.Conv1d(3, 4, 3), torch.randn(2, 3, 7))
    add("conv1d", [4, 6, 3], {"stride": 2, "padding": 2, "dilation": 2, "groups": 2},
        nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2), torch.randn(2, 4, 9))
    add("conv2d", [2, 3, 3], {}, nn.Conv2d(2, 3, 3), torch.randn(2, 2, 6, 5))
    add("conv2d", [2, 3, [3, 2]], {"stride": [2, 1], "padding": [1, 0], "bias": False},
        nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0), bias=False), torch.randn(2, 2, 7, 5))
    add("conv2d", [4, 4, 3], {"groups": 4, "padding": "same"}, nn.Conv2d(4, 4, 3, groups=4, padding="same"), torch.randn(1, 4, 5, 5))
    add("conv2d", [4, 6, 3], {"groups": 2, "stride": 2, "dilation": 2, "padding": 3},
        nn.Conv2d(4, 6, 3, groups=2, stride=2, dilation=2, padding=3), torch.randn(2, 4, 8, 7))
    add("conv3d", [2, 3, 2], {"stride": [1, 2, 1], "padding": 1},
        nn.Conv3d(2, 3, 2, stride=(1, 2, 1), padding=1), torch.randn(1, 2, 3, 4, 3))
    add("convTranspose2d", [3, 2, 3], {}, nn.ConvTranspose2d(3, 2, 3), torch.randn(2, 3, 4, 3))
    add("convTranspose2d", [4, 6, 3], {"stride": 2, "padding": 1, "outputPadding": 1, "groups": 2},
        nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), torch.randn(1, 4, 4, 4))
    add("convTranspose2d", [2, 3, [2, 3]], {"stride": [3, 1], "dilation": 2, "bias": False},
        nn.ConvTranspose2d(2, 3, (2, 3), stride=(3, 1), dilation=2, bias=False), torch.randn(1, 2, 3, 4))

    ties = torch.randint(0, 3, (2, 2, 6, 6)).double()
    add("maxPool1d", [3], {"stride": 2}, nn.MaxPool1d(3, stride=2), torch.randn(2, 3, 9))
    add("maxPool2d", [2], {}, nn.MaxPool2d(2), torch.randn(2, 3, 6, 7))
    add("maxPool2d", [3], {"stride": 2, "padding": 1}, nn.MaxPool2d(3, stride=2, padding=1), torch.randn(2, 2, 7, 6))
    add("maxPool2d", [2], {}, nn.MaxPool2d(2), ties)
    add("maxPool2d", [3], {"stride": 1}, nn.MaxPool2d(3, stride=1), ties)
    add("maxPool3d", [2], {}, nn.MaxPool3d(2), torch.randn(1, 2, 4, 4, 5))
    add("avgPool1d", [2], {}, nn.AvgPool1d(2), torch.randn(2, 3, 8))
    add("avgPool2d", [3], {"stride": 2, "padding": 1}, nn.AvgPool2d(3, stride=2, padding=1), torch.randn(1, 2, 7, 6))
    add("avgPool2d", [3], {"stride": 2, "padding": 1, "countIncludePad": False},
        nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), torch.randn(1, 2, 7, 6))
    add("avgPool3d", [[1, 2, 2]], {}, nn.AvgPool3d((1, 2, 2)), torch.randn(1, 2, 2, 4, 4))
    add("flatten", [], {}, nn.Flatten(), torch.randn(2, 3, 4))
    write("layers", cases)


def activations():
    torch.manual_seed(SEED + 1)
    nn = torch.nn
    # Kinks, both signs of zero's neighbours, and numbers large enough to overflow an exponential.
    x = torch.tensor([-1000.0, -30.0, -5.0, -1.5, -0.3, -1e-3, 0.0, 1e-3, 0.3, 1.5, 5.0, 30.0, 1000.0])
    table = [
        ("relu", [], nn.ReLU()), ("leakyRelu", [], nn.LeakyReLU()), ("leakyRelu", [0.2], nn.LeakyReLU(0.2)),
        ("tanh", [], nn.Tanh()), ("sigmoid", [], nn.Sigmoid()), ("gelu", [], nn.GELU()),
        ("gelu", ["tanh"], nn.GELU(approximate="tanh")), ("silu", [], nn.SiLU()), ("elu", [], nn.ELU()),
        ("elu", [0.5], nn.ELU(0.5)), ("softplus", [], nn.Softplus(threshold=500)), ("softplus", [2], nn.Softplus(2, threshold=500)),
    ]
    cases = [{"kind": kind, "args": args, **run(module, x)} for kind, args, module in table]
    cases.append({"kind": "softmax", "args": [], **run(nn.Softmax(-1), torch.randn(3, 5) * 4)})
    cases.append({"kind": "softmax", "args": [1], **run(nn.Softmax(1), torch.randn(2, 3, 4) * 40)})
    write("activations", cases)


def losses():
    torch.manual_seed(SEED + 2)
    cases = []

    def add(kind, x, target, options, fn, tensors=None):
        x = x.clone().requires_grad_(True)
        value = fn(x, target)
        probe = torch.cos(torch.arange(value.numel(), dtype=torch.float64)).reshape(value.shape)
        (value * probe).sum().backward()
        cases.append({"kind": kind, "x": listed(x), "target": listed(target), "options": options,
                      "tensors": {k: listed(v) for k, v in (tensors or {}).items()}, "y": listed(value), "dx": listed(x.grad)})

    logits, target = torch.randn(6, 4) * 3, torch.tensor([0, 3, 1, 2, 2, 0])
    weight = torch.tensor([0.5, 2.0, 1.0, 0.25])
    for reduction in ("mean", "sum", "none"):
        add("crossEntropy", logits, target, {"reduction": reduction}, lambda x, y: F.cross_entropy(x, y, reduction=reduction))
    add("crossEntropy", logits * 100, target, {}, F.cross_entropy)
    add("crossEntropy", logits, target, {"labelSmoothing": 0.1}, lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1))
    for reduction in ("mean", "none"):
        add("crossEntropy", logits, target, {"ignoreIndex": 2, "labelSmoothing": 0.2, "reduction": reduction},
            lambda x, y: F.cross_entropy(x, y, weight=weight, ignore_index=2, label_smoothing=0.2, reduction=reduction), {"weight": weight})
    add("crossEntropy", logits, target, {"ignoreIndex": 0}, lambda x, y: F.cross_entropy(x, y, ignore_index=0))
    outside = torch.tensor([0, -100, 1, 2, -100, 0])
    add("crossEntropy", logits, outside, {"ignoreIndex": -100}, F.cross_entropy)
    add("crossEntropy", torch.randn(2, 3, 2, 2), torch.randint(0, 3, (2, 2, 2)), {}, F.cross_entropy)
    add("crossEntropy", torch.randn(5), torch.tensor(3), {}, F.cross_entropy)
    soft = torch.softmax(torch.randn(6, 4), 1)
    add("crossEntropy", logits, soft, {"labelSmoothing": 0.1}, lambda x, y: F.cross_entropy(x, y, weight=weight, label_smoothing=0.1), {"weight": weight})
    add("crossEntropy", logits, soft, {"reduction": "none"}, lambda x, y: F.cross_entropy(x, y, reduction="none"))
    logp = torch.log_softmax(logits, 1)
    add("nll", logp, target, {}, F.nll_loss)
    add("nll", logp, target, {"ignoreIndex": 3}, lambda x, y: F.nll_loss(x, y, weight=weight, ignore_index=3), {"weight": weight})
    x, z = torch.tensor([[-80.0, -2.0, 0.0], [0.5, 3.0, 80.0]]), torch.tensor([[0.0, 1.0, 0.3], [1.0, 0.0, 1.0]])
    posw = torch.tensor([1.0, 3.0, 0.5])
    add("bceWithLogits", x, z, {}, F.binary_cross_entropy_with_logits)
    add("bceWithLogits", x, z, {"reduction": "sum"},
        lambda a, b: F.binary_cross_entropy_with_logits(a, b, weight=posw, pos_weight=posw, reduction="sum"), {"weight": posw, "posWeight": posw})
    for kind, fn in (("mse", F.mse_loss), ("l1", F.l1_loss)):
        for reduction in ("mean", "sum", "none"):
            add(kind, torch.randn(3, 4), torch.randn(3, 4), {"reduction": reduction}, lambda a, b: fn(a, b, reduction=reduction))
    write("losses", cases)


def optimizers():
    """20 steps on f(p) = sum(a p^4 / 4 + b p^2 / 2 + c p), whose gradient needs no network."""
    torch.manual_seed(SEED + 3)
    a, b, c, start = torch.rand(6), torch.rand(6), torch.randn(6), torch.randn(6)
    O = torch.optim
    table = [
        ("sgd", {"lr": 0.1}, lambda p: O.SGD(p, 0.1)),
        ("sgd", {"lr": 0.1, "weightDecay": 0.05}, lambda p: O.SGD(p, 0.1, weight_decay=0.05)),
        ("sgd", {"lr": 0.05, "momentum": 0.9}, lambda p: O.SGD(p, 0.05, momentum=0.9)),
        ("sgd", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}, lambda p: O.SGD(p, 0.05, momentum=0.9, dampening=0.3)),
        ("sgd", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weightDecay": 0.01},
         lambda p: O.SGD(p, 0.05, momentum=0.9, nesterov=True, weight_decay=0.01)),
        ("adam", {"lr": 0.1}, lambda p: O.Adam(p, 0.1)),
        ("adam", {"lr": 0.1, "betas": [0.8, 0.95], "eps": 1e-3, "weightDecay": 0.1},
         lambda p: O.Adam(p, 0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)),
        ("adamW", {"lr": 0.1}, lambda p: O.AdamW(p, 0.1)),
        ("adamW", {"lr": 0.1, "weightDecay": 0.3}, lambda p: O.AdamW(p, 0.1, weight_decay=0.3)),
    ]
    cases = []
    for kind, options, make in table:
        p = start.clone().requires_grad_(True)
        optimizer = make([p])
        path = []
        for step in range(20):
            if step == 10:
                optimizer.param_groups[0]["lr"] *= 0.5  # a learning rate changed on the way
            optimizer.zero_grad()
            (a * p ** 4 / 4 + b * p ** 2 / 2 + c * p).sum().backward()
            optimizer.step()
            path.append(p.detach().clone())
        cases.append({"kind": kind, "options": options, "path": listed(torch.stack(path))})
    write("optimizers", cases, a=listed(a), b=listed(b), c=listed(c), start=listed(start))


class Mlp(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = torch.nn.Linear(4, 8), torch.nn.Linear(8, 8), torch.nn.Linear(8, 3)

    def forward(self, x):
        return self.fc3(F.gelu(self.fc2(torch.tanh(self.fc1(x)))))


class Cnn(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = torch.nn.Conv2d(1, 3, 3), torch.nn.Conv2d(3, 4, 3, padding=1)
        self.fc = torch.nn.Linear(36, 5)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2)
        return self.fc(x.flatten(1))


def networks():
    torch.manual_seed(SEED + 4)
    cases = []
    for kind, model, x, classes, make, options in (
        ("mlp", Mlp(), torch.randn(10, 4), 3, lambda p: torch.optim.SGD(p, 0.1, momentum=0.9), {"lr": 0.1, "momentum": 0.9}),
        ("cnn", Cnn(), torch.randn(6, 1, 8, 8), 5, lambda p: torch.optim.AdamW(p, 0.01), {"lr": 0.01}),
    ):
        y = torch.randint(0, classes, (x.shape[0],))
        weights = {n: listed(p) for n, p in model.named_parameters()}
        optimizer = make(model.parameters())
        found, gradients = [], None
        for _ in range(10):
            optimizer.zero_grad()
            value = F.cross_entropy(model(x), y)
            value.backward()
            if gradients is None:
                gradients = {n: listed(p.grad) for n, p in model.named_parameters()}
            optimizer.step()
            found.append(float(f"{value.item():.9g}"))
        cases.append({"kind": kind, "x": listed(x), "y": listed(y), "options": options, "weights": weights,
                      "gradients": gradients, "losses": found})
    write("networks", cases)


if __name__ == "__main__":
    for make in (layers, activations, losses, optimizers, networks):
        make()
