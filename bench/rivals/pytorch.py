"""PyTorch as it is written by hand, eager, with its fused optimizers.

python pytorch.py <backend> <threads>
"""

import sys

from serve import Training, absent, serve

try:
    import numpy
    import torch
except ImportError as error:
    absent(f"{error} (python is {sys.executable})")

from torch import nn

backend, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)


class Product:
    def __init__(self, inputs, settings):
        self.a, self.b = torch.from_numpy(inputs["a"]), torch.from_numpy(inputs["b"])
        self.positions = torch.from_numpy(inputs["positions"]).long()

    def run(self):
        return self.a @ self.b

    def check(self):
        return self.run().reshape(-1)[self.positions].tolist()


def load(model, inputs):
    prefix = "weights."
    model.load_state_dict(
        {name[len(prefix) :]: torch.from_numpy(data) for name, data in inputs.items() if name.startswith(prefix)}
    )


def train(model, criterion, optimizer, inputs, settings, labels):
    xs = torch.from_numpy(inputs["x"])
    ys = torch.from_numpy(inputs["y"])
    if labels:
        ys = ys.long()

    def step(i):
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(xs[i]), ys[i])
        loss.backward()
        optimizer.step()
        return loss.detach()

    return Training(step, len(xs), int(settings["losses"]))


def digits(inputs, settings):
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )
    load(model, inputs)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings["lr"], weight_decay=settings["weightDecay"], fused=True
    )
    return train(model, nn.functional.cross_entropy, optimizer, inputs, settings, labels=True)


def tiny(inputs, settings):
    sizes = [inputs[f"weights.{i}.weight"].shape for i in (0, 2, 4)]
    a, b, c = (nn.Linear(width, outputs) for outputs, width in sizes)
    model = nn.Sequential(a, nn.Tanh(), b, nn.Tanh(), c)
    load(model, inputs)
    optimizer = torch.optim.SGD(model.parameters(), lr=settings["lr"], fused=True)
    return train(model, nn.functional.mse_loss, optimizer, inputs, settings, labels=False)


serve(numpy, torch.__version__, backend, threads, {"matmul": Product, "digits": digits, "tiny": tiny})
