"""What the scripts beside this one share: the seed, how tensors are listed, and how a file is written.

    python -m venv venv && venv/bin/pip install -r requirements.txt && venv/bin/python make_first.py

Everything runs in float64 on fixed seeds, so that the files hold the mathematics and not one library's rounding.
Each file names the version of PyTorch that wrote it. Numbers are rounded to 9 significant digits.
"""

import json
import pathlib

import torch

SEED = 20240917
HERE = pathlib.Path(__file__).parent
torch.set_default_dtype(torch.float64)


def listed(t):
    """A tensor as {shape, data}; whole numbers stay whole."""
    t = t.detach()
    if t.dtype in (torch.int64, torch.int32, torch.bool):
        return {"shape": list(t.shape), "data": [int(v) for v in t.flatten().tolist()], "dtype": "int32"}
    return {"shape": list(t.shape), "data": [float(f"{v:.9g}") for v in t.flatten().tolist()]}


def write(name, cases, **more):
    body = {"made": {"torch": torch.__version__.split("+")[0], "seed": SEED, "dtype": "float64"}, **more, "cases": cases}
    (HERE / f"{name}.json").write_text(json.dumps(body, separators=(",", ":")) + "\n")
    print(name, len(cases), (HERE / f"{name}.json").stat().st_size, "bytes")


def run(module, x):
    """Output, and the gradients of sum(output * probe), for a fixed probe that weighs every element differently."""
    x = x.clone().requires_grad_(True)
    y = module(x)
    probe = torch.cos(torch.arange(y.numel(), dtype=torch.float64)).reshape(y.shape)
    (y * probe).sum().backward()
    return {
        "x": listed(x),
        "y": listed(y),
        "dx": listed(x.grad),
        "weights": {n: listed(p) for n, p in module.named_parameters()},
        "gradients": {n: listed(p.grad) for n, p in module.named_parameters()},
    }
