"""PyTorch as it is written by hand, with its fused optimizers: eager, or compiled by torch.compile.

python pytorch.py <eager or compile> <threads>. Images lie in memory as PyTorch runs them faster, which is tried first.
"""

import copy
import sys
import time

from serve import Training, absent, serve

try:
    import numpy
    import torch
except ImportError as error:
    absent(f"{error} (python is {sys.executable})")

import torch.nn.functional as F
from torch import nn

import pytorch_networks as networks

backend, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)

if backend == "compile" and not hasattr(torch, "compile"):
    absent(f"PyTorch {torch.__version__} has no torch.compile")


def compiled(function):
    return torch.compile(function) if backend == "compile" else function


class Product:
    def __init__(self, inputs, settings):
        self.a, self.b = torch.from_numpy(inputs["a"]), torch.from_numpy(inputs["b"])
        self.positions = torch.from_numpy(inputs["positions"]).long()
        self.product = compiled(lambda a, b: a @ b)

    def run(self):
        return self.product(self.a, self.b)

    def check(self):
        return self.run().reshape(-1)[self.positions].tolist()


def load(model, inputs):
    prefix = "weights."
    own = {name[len(prefix) :]: torch.from_numpy(data) for name, data in inputs.items() if name.startswith(prefix)}
    missing, unexpected = model.load_state_dict(own, strict=False)
    lost = [name for name in missing if not name.endswith("num_batches_tracked")]
    if lost or unexpected:
        raise ValueError(f"weights: missing {lost}, not in the model {unexpected}")
    return model


def adamw(model, settings):
    return torch.optim.AdamW(model.parameters(), lr=settings["lr"], weight_decay=settings["weightDecay"], fused=True)


def sgd(model, settings):
    return torch.optim.SGD(model.parameters(), lr=settings["lr"], fused=True)


def stepper(model, criterion, optimizer, xs, ys):
    evaluate = compiled(lambda x, y: criterion(model(x), y))

    def step(i):
        optimizer.zero_grad(set_to_none=True)
        loss = evaluate(xs[i], ys[i])
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def channels_last(value):
    return value.contiguous(memory_format=torch.channels_last)


def seconds(step, count):
    """Of the fastest step but the first."""
    times = []
    for i in range(count + 1):
        start = time.perf_counter()
        step(i % 2)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def train(model, criterion, inputs, settings, make_optimizer=adamw, images=False):
    load(model, inputs)
    xs, ys = list(torch.from_numpy(inputs["x"])), list(torch.from_numpy(inputs["y"]))
    if xs[0].dtype == torch.int32:
        xs = [x.long() for x in xs]
    if ys[0].dtype == torch.int32:
        ys = [y.long() for y in ys]
    if images and not settings["first"]:
        other, wide = copy.deepcopy(model).to(memory_format=torch.channels_last), [channels_last(x) for x in xs]
        tried = []
        for one, some in ((model, xs), (other, wide)):
            trial = copy.deepcopy(one)
            tried.append(seconds(stepper(trial, criterion, make_optimizer(trial, settings), some, ys), 4))
        if tried[1] < tried[0]:
            model, xs = other, wide
    step = stepper(model, criterion, make_optimizer(model, settings), xs, ys)
    return Training(step, len(xs), int(settings["losses"]))


def tokens_loss(scores, y):
    return F.cross_entropy(scores.flatten(0, 1), y.flatten())


def layers_of(inputs, between):
    sizes = [inputs[f"weights.{i}.weight"].shape for i in (0, 2, 4)]
    return networks.linear_layers([(width, outputs) for outputs, width in sizes], between)


def tiny(inputs, settings):
    return train(layers_of(inputs, nn.Tanh), F.mse_loss, inputs, settings, sgd)


def mlp(inputs, settings):
    return train(layers_of(inputs, nn.ReLU), F.cross_entropy, inputs, settings)


def cnn(inputs, settings):
    return train(networks.cnn(), F.cross_entropy, inputs, settings, images=True)


def resnet(inputs, settings):
    return train(networks.ResNet20(), F.cross_entropy, inputs, settings, images=True)


def unet(inputs, settings):
    return train(networks.UNet(), F.binary_cross_entropy_with_logits, inputs, settings, images=True)


def lstm(inputs, settings):
    return train(networks.TextModel(), tokens_loss, inputs, settings)


def gru2(inputs, settings):
    return train(networks.Classifier(), F.cross_entropy, inputs, settings)


def transformer(settings):
    return networks.Gpt(*(int(settings[name]) for name in ("vocab", "width", "layers", "heads", "context")))


def gpt(inputs, settings):
    return train(transformer(settings), tokens_loss, inputs, settings)


class Forward:
    def __init__(self, inputs, settings):
        model = load(networks.digits(), inputs).eval()
        self.x = torch.from_numpy(inputs["x"][0])
        self.model = compiled(model)

    def run(self):
        with torch.inference_mode():
            return self.model(self.x)

    def check(self):
        return self.run().flatten().tolist()


class Generate:
    """Greedy, with caches of a fixed size: eager looks at what is filled of them, compiled code masks the rest."""

    def __init__(self, inputs, settings):
        self.model = load(transformer(settings), inputs).eval()
        self.count, self.prompt = int(settings["count"]), int(settings["prompt"])
        heads, width, context = (int(settings[name]) for name in ("heads", "width", "context"))
        shape = (1, heads, context, width // heads)
        self.caches = [(torch.zeros(shape), torch.zeros(shape)) for _ in range(int(settings["layers"]))]
        self.places = torch.arange(context)
        self.step = compiled(self.model.step)

    def run(self):
        with torch.inference_mode():
            token, found = torch.tensor([[self.prompt]]), []
            for t in range(self.count):
                place = self.places[t : t + 1]
                seen = (self.places <= t)[None, None, None] if backend == "compile" else t + 1
                token = self.step(token, place, self.caches, seen)[:, -1].argmax(-1, keepdim=True)
                found.append(token.item())
            return found

    def check(self):
        return self.run()


works = {
    "matmul": Product,
    "tiny": tiny,
    "mlp": mlp,
    "cnn": cnn,
    "resnet": resnet,
    "unet": unet,
    "lstm": lstm,
    "gru2": gru2,
    "gpt": gpt,
    "digits-forward": Forward,
    "gpt-generate": Generate,
}
serve(numpy, torch.__version__, backend, threads, works)
