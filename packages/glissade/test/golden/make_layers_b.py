"""Writes the golden values of distances, of norms, of weight and spectral normalization, and of batch norms while they train."""

import torch

from common import SEED, listed, run, write

nn = torch.nn


def loosen(module):
    """Weights and biases that are not all 1 and 0."""
    with torch.no_grad():
        for p in module.parameters():
            p.add_(torch.randn_like(p) * 0.3)
    return module


def distances():
    """normalize, cosine_similarity and pairwise_distance, with a vector of zeros among the others."""
    torch.manual_seed(SEED + 21)
    cases = []

    def add(kind, inputs, options, fn):
        given = [x.clone().requires_grad_(True) for x in inputs]
        y = fn(*given)
        probe = torch.cos(torch.arange(y.numel(), dtype=torch.float64)).reshape(y.shape)
        (y * probe).sum().backward()
        cases.append({"kind": kind, "inputs": [listed(x) for x in inputs], "options": options, "y": listed(y),
                      "gradients": [listed(x.grad) for x in given]})

    a, b, row = torch.randn(3, 4, 2), torch.randn(3, 4, 2), torch.randn(4, 2)
    zero = a.clone()
    zero[1] = 0
    F = torch.nn.functional
    add("normalize", [a], {}, F.normalize)
    add("normalize", [zero], {}, F.normalize)
    add("normalize", [a], {"p": 1, "axis": -1}, lambda x: F.normalize(x, p=1, dim=-1))
    add("normalize", [a], {"p": 3, "axis": 0, "eps": 5}, lambda x: F.normalize(x, p=3, dim=0, eps=5))
    add("normalize", [a], {"p": "inf"}, lambda x: F.normalize(x, p=float("inf")))
    add("cosineSimilarity", [a, b], {}, F.cosine_similarity)
    add("cosineSimilarity", [zero, b], {}, F.cosine_similarity)
    add("cosineSimilarity", [a, row], {"axis": -1, "eps": 1}, lambda x, y: F.cosine_similarity(x, y, dim=-1, eps=1))
    add("pairwiseDistance", [a, b], {}, F.pairwise_distance)
    add("pairwiseDistance", [a, row], {"p": 1, "keepDims": True}, lambda x, y: F.pairwise_distance(x, y, p=1, keepdim=True))
    add("pairwiseDistance", [a, b], {"p": 3, "eps": 0.1}, lambda x, y: F.pairwise_distance(x, y, p=3, eps=0.1))
    add("pairwiseDistance", [a, b], {"p": "inf"}, lambda x, y: F.pairwise_distance(x, y, p=float("inf")))
    write("distances", cases)


def norms():
    torch.manual_seed(SEED + 20)
    cases = []

    def add(kind, args, options, module, x):
        cases.append({"kind": kind, "args": args, "options": options, **run(loosen(module), x)})

    wide = lambda *shape: torch.randn(*shape) * 3 + 2
    add("layerNorm", [5], {}, nn.LayerNorm(5), wide(2, 3, 5))
    add("layerNorm", [[3, 4]], {"eps": 0.1}, nn.LayerNorm([3, 4], eps=0.1), wide(2, 2, 3, 4))
    add("layerNorm", [6], {"bias": False}, nn.LayerNorm(6, bias=False), wide(4, 6))
    add("layerNorm", [6], {"elementwiseAffine": False}, nn.LayerNorm(6, elementwise_affine=False), wide(4, 6))
    add("rmsNorm", [5], {}, nn.RMSNorm(5), wide(2, 3, 5))
    add("rmsNorm", [5], {}, nn.RMSNorm(5), wide(3, 5) * 1e-8)
    add("rmsNorm", [[2, 4]], {"eps": 0.1, "elementwiseAffine": False}, nn.RMSNorm([2, 4], eps=0.1, elementwise_affine=False), wide(3, 2, 4))
    add("groupNorm", [2, 6], {}, nn.GroupNorm(2, 6), wide(2, 6, 3, 2))
    add("groupNorm", [3, 6], {"eps": 0.1, "affine": False}, nn.GroupNorm(3, 6, eps=0.1, affine=False), wide(3, 6))
    add("groupNorm", [1, 4], {}, nn.GroupNorm(1, 4), wide(2, 4, 5))
    add("instanceNorm1d", [3], {}, nn.InstanceNorm1d(3), wide(2, 3, 5))
    add("instanceNorm1d", [3], {"affine": True}, nn.InstanceNorm1d(3, affine=True), wide(3, 5))
    add("instanceNorm2d", [3], {"affine": True, "eps": 0.1}, nn.InstanceNorm2d(3, affine=True, eps=0.1), wide(2, 3, 4, 3))
    add("instanceNorm3d", [2], {}, nn.InstanceNorm3d(2), wide(2, 2, 2, 3, 2))
    add("localResponseNorm", [3], {}, nn.LocalResponseNorm(3), wide(2, 5, 2, 2))
    add("localResponseNorm", [4], {"alpha": 0.5, "beta": 0.6, "k": 2}, nn.LocalResponseNorm(4, alpha=0.5, beta=0.6, k=2.0), wide(2, 6, 3))
    write("norms", cases)


def trained():
    """Three batches in training, then one in evaluation, with the buffers after each."""
    torch.manual_seed(SEED + 21)
    cases = []

    def add(kind, args, options, module, *shape, wrap=None):
        start = {n: listed(v) for n, v in module.state_dict().items()}
        steps = []
        for i in range(4):
            if i == 3:
                module.eval()
            module.zero_grad()
            found = run(module, torch.randn(*shape) * (1 + i) + i)
            del found["weights"]
            steps.append({**found, "buffers": {n: listed(v) for n, v in module.named_buffers()}})
        cases.append({"kind": kind, "args": args, "options": options, "start": start, "steps": steps,
                      **({"wrap": wrap} if wrap else {})})

    add("batchNorm1d", [4], {}, loosen(nn.BatchNorm1d(4)), 5, 4)
    add("batchNorm1d", [3], {"momentum": None, "eps": 0.01}, loosen(nn.BatchNorm1d(3, momentum=None, eps=0.01)), 2, 3, 4)
    add("batchNorm2d", [3], {}, loosen(nn.BatchNorm2d(3)), 2, 3, 4, 3)
    add("batchNorm2d", [3], {"momentum": 0.5, "affine": False}, nn.BatchNorm2d(3, momentum=0.5, affine=False), 2, 3, 2, 3)
    add("batchNorm2d", [2], {"trackRunningStats": False}, loosen(nn.BatchNorm2d(2, track_running_stats=False)), 2, 2, 3, 2)
    add("batchNorm3d", [2], {}, loosen(nn.BatchNorm3d(2)), 2, 2, 2, 2, 3)
    add("instanceNorm1d", [3], {"trackRunningStats": True}, nn.InstanceNorm1d(3, track_running_stats=True), 2, 3, 4)
    add("instanceNorm2d", [2], {"trackRunningStats": True, "affine": True, "momentum": 0.3},
        loosen(nn.InstanceNorm2d(2, track_running_stats=True, affine=True, momentum=0.3)), 3, 2, 3, 2)

    weight_norm, spectral_norm = nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm
    W, S = "weightNorm", "spectralNorm"
    add("linear", [5, 3], {}, loosen(weight_norm(nn.Linear(5, 3))), 4, 5, wrap=[W, {}])
    add("linear", [5, 3], {}, loosen(weight_norm(nn.Linear(5, 3), dim=None)), 4, 5, wrap=[W, {"axis": None}])
    add("conv2d", [2, 3, 2], {}, loosen(weight_norm(nn.Conv2d(2, 3, 2), dim=1)), 1, 2, 3, 4, wrap=[W, {"axis": 1}])
    add("linear", [5, 3], {}, loosen(spectral_norm(nn.Linear(5, 3))), 4, 5, wrap=[S, {}])
    add("conv2d", [2, 4, 2], {}, loosen(spectral_norm(nn.Conv2d(2, 4, 2), n_power_iterations=3)), 1, 2, 3, 4,
        wrap=[S, {"iterations": 3}])
    add("convTranspose2d", [3, 2, 2], {}, loosen(spectral_norm(nn.ConvTranspose2d(3, 2, 2))), 1, 3, 2, 3, wrap=[S, {}])
    add("linear", [5, 3], {}, loosen(spectral_norm(nn.Linear(5, 3), name="bias")), 4, 5, wrap=[S, {"name": "bias"}])
    write("trained-norms", cases)


if __name__ == "__main__":
    distances()
    norms()
    trained()
