"""Every optimizer over 20 steps, with groups, clipping, accumulation and averages; every schedule over 30 steps.

Two parameters, a matrix p and a vector q, with f(t) sum(a x^4 / 4 + b x^2 / 2 + c x) as the loss of call t, whose
gradient needs no network; f(t) = 1 + sin(t) / 2 makes gradients vary. Lion and LAMB, which PyTorch does not have, are
written down here as in their papers. Muon's iteration runs in float64 here (PyTorch casts it to bfloat16).
"""

import math

import torch
import torch.optim._muon as muon_module
from common import SEED, listed, write

O = torch.optim
S = torch.optim.lr_scheduler
CALLS = 20


def newton_schulz(grad, coefficients, steps, eps):
    """torch.optim._muon._zeropower_via_newtonschulz without its cast to bfloat16."""
    a, b, c = coefficients
    x = grad.T if grad.size(0) > grad.size(1) else grad
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if grad.size(0) > grad.size(1) else x


muon_module._zeropower_via_newtonschulz = newton_schulz


class Lion(O.Optimizer):
    """Chen et al. 2023, algorithm 2."""

    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                m = state.setdefault("m", torch.zeros_like(p))
                c = b1 * m + (1 - b1) * p.grad
                p -= group["lr"] * (torch.sign(c) + group["weight_decay"] * p)
                state["m"] = b2 * m + (1 - b2) * p.grad


class Lamb(O.Optimizer):
    """You et al. 2020, algorithm 2, with phi the identity."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                m = state.setdefault("m", torch.zeros_like(p))
                v = state.setdefault("v", torch.zeros_like(p))
                state["t"] = t = state.get("t", 0) + 1
                m.mul_(b1).add_((1 - b1) * p.grad)
                v.mul_(b2).add_((1 - b2) * p.grad ** 2)
                r = (m / (1 - b1 ** t)) / ((v / (1 - b2 ** t)).sqrt() + group["eps"]) + group["weight_decay"] * p
                w, u = p.norm(), r.norm()
                trust = (w / u).item() if w > 0 and u > 0 else 1.0
                p -= group["lr"] * trust * r


class Both:
    """Two optimizers as one."""

    def __init__(self, *parts):
        self.parts = parts

    def zero_grad(self):
        for part in self.parts:
            part.zero_grad()

    def step(self):
        for part in self.parts:
            part.step()


def both(make):
    return lambda p, q: make([p, q])


TABLE = [
    ("sgd", {"lr": 0.05, "momentum": 0.9, "nesterov": True}, both(lambda x: O.SGD(x, 0.05, momentum=0.9, nesterov=True))),
    ("adam", {"lr": 0.1, "amsgrad": True}, both(lambda x: O.Adam(x, 0.1, amsgrad=True))),
    ("adam", {"lr": 0.1, "amsgrad": True, "betas": [0.7, 0.8], "weightDecay": 0.1},
     both(lambda x: O.Adam(x, 0.1, amsgrad=True, betas=(0.7, 0.8), weight_decay=0.1))),
    ("adamW", {}, both(lambda x: O.AdamW(x))),
    ("adamW", {"lr": 0.1, "amsgrad": True, "weightDecay": 0.3}, both(lambda x: O.AdamW(x, 0.1, amsgrad=True, weight_decay=0.3))),
    ("rmsprop", {}, both(lambda x: O.RMSprop(x))),
    ("rmsprop", {"lr": 0.05, "alpha": 0.9, "eps": 1e-3, "weightDecay": 0.1},
     both(lambda x: O.RMSprop(x, 0.05, alpha=0.9, eps=1e-3, weight_decay=0.1))),
    ("rmsprop", {"lr": 0.02, "momentum": 0.8}, both(lambda x: O.RMSprop(x, 0.02, momentum=0.8))),
    ("rmsprop", {"lr": 0.01, "centered": True, "momentum": 0.5, "alpha": 0.9},
     both(lambda x: O.RMSprop(x, 0.01, centered=True, momentum=0.5, alpha=0.9))),
    ("adagrad", {}, both(lambda x: O.Adagrad(x))),
    ("adagrad", {"lr": 0.2, "lrDecay": 0.1, "weightDecay": 0.1, "initialAccumulatorValue": 0.5, "eps": 1e-3},
     both(lambda x: O.Adagrad(x, 0.2, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.5, eps=1e-3))),
    ("adadelta", {}, both(lambda x: O.Adadelta(x))),
    ("adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-2, "weightDecay": 0.1},
     both(lambda x: O.Adadelta(x, 0.5, rho=0.7, eps=1e-2, weight_decay=0.1))),
    ("adamax", {}, both(lambda x: O.Adamax(x))),
    ("adamax", {"lr": 0.1, "betas": [0.8, 0.9], "eps": 1e-2, "weightDecay": 0.1},
     both(lambda x: O.Adamax(x, 0.1, betas=(0.8, 0.9), eps=1e-2, weight_decay=0.1))),
    ("nadam", {}, both(lambda x: O.NAdam(x))),
    ("nadam", {"lr": 0.05, "betas": [0.8, 0.9], "eps": 1e-3, "weightDecay": 0.1, "momentumDecay": 0.1},
     both(lambda x: O.NAdam(x, 0.05, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1, momentum_decay=0.1))),
    ("nadam", {"lr": 0.05, "weightDecay": 0.2, "decoupledWeightDecay": True},
     both(lambda x: O.NAdam(x, 0.05, weight_decay=0.2, decoupled_weight_decay=True))),
    ("radam", {"lr": 0.05}, both(lambda x: O.RAdam(x, 0.05))),
    ("radam", {"lr": 0.05, "betas": [0.8, 0.9], "eps": 1e-3, "weightDecay": 0.1},
     both(lambda x: O.RAdam(x, 0.05, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1))),
    ("radam", {"lr": 0.05, "betas": [0.9, 0.5], "weightDecay": 0.2, "decoupledWeightDecay": True},
     both(lambda x: O.RAdam(x, 0.05, betas=(0.9, 0.5), weight_decay=0.2, decoupled_weight_decay=True))),
    ("lion", {"lr": 0.01}, both(lambda x: Lion(x, 0.01))),
    ("lion", {"lr": 0.02, "betas": [0.7, 0.8], "weightDecay": 0.3}, both(lambda x: Lion(x, 0.02, (0.7, 0.8), 0.3))),
    ("lamb", {"lr": 0.05}, both(lambda x: Lamb(x, 0.05))),
    ("lamb", {"lr": 0.02, "betas": [0.8, 0.9], "eps": 1e-3, "weightDecay": 0.2},
     both(lambda x: Lamb(x, 0.02, (0.8, 0.9), 1e-3, 0.2))),
    ("muon", {"lr": 0.05, "rest": {"lr": 0.01, "weightDecay": 0.1}},
     lambda p, q: Both(O.Muon([p], 0.05), O.AdamW([q], 0.01, weight_decay=0.1))),
    ("muon", {"lr": 0.02, "momentum": 0.8, "nesterov": False, "weightDecay": 0.3, "nsSteps": 3, "adjustLr": "matchRmsAdamW", "rest": {}},
     lambda p, q: Both(O.Muon([p], 0.02, momentum=0.8, nesterov=False, weight_decay=0.3, ns_steps=3, adjust_lr_fn="match_rms_adamw"), O.AdamW([q]))),
    ("muon", {"lr": 0.02, "adjustLr": "spectralUnclamped", "nsCoefficients": [2, -1.5, 0.5], "rest": {}},
     lambda p, q: Both(O.Muon([p], 0.02, ns_coefficients=(2, -1.5, 0.5), adjust_lr_fn="spectral_unclamped"), O.AdamW([q]))),
    # groups: other options for q
    ("adamW", {"lr": 0.05, "groups": [{"parameters": ["1"], "lr": 0.01, "weightDecay": 0}]},
     lambda p, q: O.AdamW([{"params": [p]}, {"params": [q], "lr": 0.01, "weight_decay": 0}], 0.05)),
    ("sgd", {"lr": 0.05, "momentum": 0.5, "groups": [{"parameters": ["1"], "lrScale": 0.1, "momentum": 0.9}]},
     lambda p, q: O.SGD([{"params": [p]}, {"params": [q], "lr": 0.005, "momentum": 0.9}], 0.05, momentum=0.5)),
]

CLIPPED = [
    ("sgd", {"lr": 0.05, "clipNorm": 0.5}, lambda p, q: O.SGD([p, q], 0.05)),
    ("adam", {"lr": 0.05, "clipNorm": 100}, lambda p, q: O.Adam([p, q], 0.05)),
    ("adagrad", {"lr": 0.05, "clipValue": 0.3}, lambda p, q: O.Adagrad([p, q], 0.05)),
    ("adamW", {"lr": 0.05, "clipValue": 0.3, "clipNorm": 0.4, "accumulate": 4}, lambda p, q: O.AdamW([p, q], 0.05)),
    ("sgd", {"lr": 0.05, "momentum": 0.9, "accumulate": 3}, lambda p, q: O.SGD([p, q], 0.05, momentum=0.9)),
    ("adam", {"lr": 0.05, "ema": 0.8}, lambda p, q: O.Adam([p, q], 0.05)),
    ("sgd", {"lr": 0.05, "ema": 0.5, "accumulate": 2}, lambda p, q: O.SGD([p, q], 0.05)),
]

SCHEDULED = [
    ("sgd", {"momentum": 0.9}, ["oneCycle", 0.2, 20, {}],
     lambda p, q: O.SGD([p, q], 0.1, momentum=0.9), lambda o: S.OneCycleLR(o, 0.2, 20)),
    ("adamW", {}, ["oneCycle", 0.1, 20, {"pctStart": 0.4, "threePhase": True}],
     lambda p, q: O.AdamW([p, q], 0.1), lambda o: S.OneCycleLR(o, 0.1, 20, pct_start=0.4, three_phase=True)),
    ("rmsprop", {}, ["cosine", 0.05, 20, {"minLr": 0.001}],
     lambda p, q: O.RMSprop([p, q], 0.05), lambda o: S.CosineAnnealingLR(o, 20, 0.001)),
]


def problem():
    torch.manual_seed(SEED + 10)
    shapes = {"p": (3, 2), "q": (4,)}
    return {name: {k: torch.randn(s) if k in "cx" else torch.rand(s) for k in "abcx"} for name, s in shapes.items()}


def walk(given, make, options, scheduler=None):
    x = {n: g["x"].clone().requires_grad_(True) for n, g in given.items()}
    optimizer = make(*x.values())
    schedule = scheduler(optimizer) if scheduler else None
    n = options.get("accumulate", 1)
    holder = torch.nn.ParameterList([torch.nn.Parameter(v.detach().clone()) for v in x.values()])
    average = None
    if "ema" in options:
        average = O.swa_utils.AveragedModel(holder, multi_avg_fn=O.swa_utils.get_ema_multi_avg_fn(options["ema"]))
    path, averages, norms = {k: [] for k in x}, {k: [] for k in x}, []
    optimizer.zero_grad()
    for t in range(CALLS):
        f = 1 + 0.5 * math.sin(t)
        loss = sum((g["a"] * x[k] ** 4 / 4 + g["b"] * x[k] ** 2 / 2 + g["c"] * x[k]).sum() for k, g in given.items())
        (f * loss / n).backward()
        if t % n == n - 1:
            if "clipValue" in options:
                torch.nn.utils.clip_grad_value_(list(x.values()), options["clipValue"])
            limit = options.get("clipNorm", math.inf)
            norms.append(torch.nn.utils.clip_grad_norm_(list(x.values()), limit).item())
            optimizer.step()
            optimizer.zero_grad()
            if schedule and t < CALLS - 1:
                schedule.step()
            if average:
                with torch.no_grad():
                    for mine, theirs in zip(holder, x.values()):
                        mine.copy_(theirs)
                average.update_parameters(holder)
        for k in x:
            path[k].append(x[k].detach().clone())
        if average:
            for k, value in zip(x, average.module):
                averages[k].append(value.detach().clone())
    found = {"path": {k: listed(torch.stack(v)) for k, v in path.items()}}
    if average:
        found["averages"] = {k: listed(torch.stack(v)) for k, v in averages.items()}
    if "clipNorm" in options and "clipValue" not in options:
        found["norms"] = [float(f"{v:.9g}") for v in norms]
    return found


def optimizers():
    given = problem()
    cases = [{"kind": kind, "options": options, **walk(given, make, options)} for kind, options, make in TABLE + CLIPPED]
    for kind, options, schedule, make, scheduler in SCHEDULED:
        cases.append({"kind": kind, "options": options, "schedule": schedule, **walk(given, make, options, scheduler)})
    write("optimizers-all", cases, given={n: {k: listed(v) for k, v in g.items()} for n, g in given.items()})


def schedules():
    lr, calls = 0.3, 30
    table = [
        (["constant", lr, {"factor": 1 / 3, "steps": 5}], lambda o: S.ConstantLR(o)),
        (["linear", lr], lambda o: S.LinearLR(o)),
        (["linear", lr, 12, {"startFactor": 0.1, "endFactor": 0.7}], lambda o: S.LinearLR(o, 0.1, 0.7, 12)),
        (["step", lr, 7], lambda o: S.StepLR(o, 7)),
        (["step", lr, 4, {"gamma": 0.5}], lambda o: S.StepLR(o, 4, 0.5)),
        (["multiStep", lr, [3, 4, 15]], lambda o: S.MultiStepLR(o, [3, 4, 15])),
        (["exponential", lr, 0.9], lambda o: S.ExponentialLR(o, 0.9)),
        (["polynomial", lr], lambda o: S.PolynomialLR(o)),
        (["polynomial", lr, 20, {"power": 2}], lambda o: S.PolynomialLR(o, 20, 2)),
        (["cosine", lr, 30], lambda o: S.CosineAnnealingLR(o, 30)),
        (["cosine", lr, 30, {"minLr": 0.01}], lambda o: S.CosineAnnealingLR(o, 30, 0.01)),
        (["cosine", lr, 30, {"warmUp": 6, "startFactor": 0.2}],
         lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.2, 1, 6), S.CosineAnnealingLR(o, 24)], [6])),
        (["cosineRestarts", lr, 7], lambda o: S.CosineAnnealingWarmRestarts(o, 7)),
        (["cosineRestarts", lr, 4, {"factor": 2, "minLr": 0.02}], lambda o: S.CosineAnnealingWarmRestarts(o, 4, 2, 0.02)),
        (["oneCycle", lr, 30], lambda o: S.OneCycleLR(o, lr, 30)),
        (["oneCycle", lr, 30, {"annealStrategy": "linear", "pctStart": 0.25, "divFactor": 10, "finalDivFactor": 100,
                               "baseMomentum": 0.8, "maxMomentum": 0.9}],
         lambda o: S.OneCycleLR(o, lr, 30, pct_start=0.25, anneal_strategy="linear", div_factor=10, final_div_factor=100,
                                base_momentum=0.8, max_momentum=0.9)),
        (["oneCycle", lr, 30, {"threePhase": True, "cycleMomentum": False}],
         lambda o: S.OneCycleLR(o, lr, 30, three_phase=True, cycle_momentum=False)),
    ]
    cases = []
    for call, make in table:
        p = torch.zeros(1, requires_grad=True)
        optimizer = O.SGD([p], lr, momentum=0.7)
        schedule = make(optimizer)
        lrs, momenta = [], []
        for t in range(calls):
            lrs.append(optimizer.param_groups[0]["lr"])
            momenta.append(optimizer.param_groups[0]["momentum"])
            optimizer.step()
            if t < calls - 1:
                schedule.step()
        case = {"call": call, "lrs": [float(f"{v:.12g}") for v in lrs]}
        if call[0] == "oneCycle" and isinstance(schedule, S.OneCycleLR) and schedule.cycle_momentum:
            case["momenta"] = [float(f"{v:.12g}") for v in momenta]
        cases.append(case)
    torch.manual_seed(SEED + 11)
    values = [float(f"{v:.6g}") for v in (torch.randn(40) * 0.3 + 3 * torch.exp(-torch.arange(40) / 8)).tolist()]
    plateaus = [
        (["reduceOnPlateau", lr], {}),
        (["reduceOnPlateau", lr, {"patience": 1, "factor": 0.5}], {"patience": 1, "factor": 0.5}),
        (["reduceOnPlateau", lr, {"mode": "max", "patience": 2, "factor": 0.3, "cooldown": 3, "minLr": 0.02}],
         {"mode": "max", "patience": 2, "factor": 0.3, "cooldown": 3, "min_lr": 0.02}),
        (["reduceOnPlateau", lr, {"patience": 0, "threshold": 0.2, "thresholdMode": "abs", "eps": 0.01}],
         {"patience": 0, "threshold": 0.2, "threshold_mode": "abs", "eps": 0.01}),
        (["reduceOnPlateau", lr, {"mode": "max", "patience": 0, "threshold": 0.3, "factor": 0.8}],
         {"mode": "max", "patience": 0, "threshold": 0.3, "factor": 0.8}),
    ]
    for call, options in plateaus:
        optimizer = O.SGD([torch.zeros(1, requires_grad=True)], lr)
        schedule = S.ReduceLROnPlateau(optimizer, **options)
        lrs = []
        for value in values:
            schedule.step(value)
            lrs.append(float(f"{optimizer.param_groups[0]['lr']:.12g}"))
        cases.append({"call": call, "values": values, "lrs": lrs})
    write("schedules", cases)


if __name__ == "__main__":
    optimizers()
    schedules()
