"""Writes the golden values of recurrent layers and cells: outputs, last states, and the gradient of everything."""

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from common import SEED, listed, write


def probed(t):
    probe = torch.cos(torch.arange(t.numel(), dtype=torch.float64)).reshape(t.shape)
    return (t * probe).sum()


def result(module, x, states, outputs):
    """All outputs, and the gradients of the sum of their probes."""
    sum(probed(o) for o in outputs).backward()
    return {
        "x": listed(x), "states": [listed(s) for s in states], "outputs": [listed(o) for o in outputs],
        "dx": listed(x.grad), "dstates": [listed(s.grad) for s in states],
        "weights": {n: listed(p) for n, p in module.named_parameters()},
        "gradients": {n: listed(p.grad) for n, p in module.named_parameters()},
    }


def leaf(*shape):
    return torch.randn(*shape).requires_grad_(True)


def layer(kind, options, given, lengths=None, batch=3, steps=5, inputs=2, hidden=3):
    names = {"layers": "num_layers", "batchFirst": "batch_first"}
    make = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind]
    module = make(inputs, hidden, **{"batch_first": True, **{names.get(k, k): v for k, v in options.items()}})
    x = leaf(batch, steps, inputs) if options.get("batchFirst", True) else leaf(steps, batch, inputs)
    rows = options.get("layers", 1) * (2 if options.get("bidirectional") else 1)
    states = [leaf(rows, batch, hidden) for _ in range(2 if kind == "lstm" else 1)] if given else []
    start = (tuple(states) if kind == "lstm" else states[0]) if given else None
    first = options.get("batchFirst", True)
    fed = x if lengths is None else pack_padded_sequence(x, torch.tensor(lengths), first, enforce_sorted=False)
    output, state = module(fed, start)
    if lengths is not None:
        output, _ = pad_packed_sequence(output, first, total_length=steps)
    outputs = [output, *(state if kind == "lstm" else [state])]
    return {"kind": kind, "args": [inputs, hidden], "options": options, "lengths": lengths,
            **result(module, x, states, outputs)}


def cell(kind, options, given):
    module = {"rnnCell": torch.nn.RNNCell, "lstmCell": torch.nn.LSTMCell, "gruCell": torch.nn.GRUCell}[kind](2, 3, **options)
    x = leaf(4, 2)
    states = [leaf(4, 3) for _ in range(2 if kind == "lstmCell" else 1)] if given else []
    start = (tuple(states) if kind == "lstmCell" else states[0]) if given else None
    out = module(x, start)
    outputs = list(out) if kind == "lstmCell" else [out]
    return {"kind": kind, "args": [2, 3], "options": options, "lengths": None, **result(module, x, states, outputs)}


if __name__ == "__main__":
    torch.manual_seed(SEED + 20)
    layers = []
    for kind in ("rnn", "lstm", "gru"):
        layers += [
            layer(kind, {}, False),
            layer(kind, {"bias": False}, True),
            layer(kind, {"layers": 2, "bidirectional": True}, True),
            layer(kind, {"batchFirst": False, "bidirectional": True}, True, steps=4),
            layer(kind, {"layers": 2, "bidirectional": True}, True, lengths=[5, 2, 4]),
            layer(kind, {}, False, lengths=[1, 5, 3]),
        ]
    layers.append(layer("rnn", {"nonlinearity": "relu", "layers": 3}, True))
    write("recurrent-layers", layers)
    cells = [cell(kind, options, given) for kind in ("rnnCell", "lstmCell", "gruCell")
             for options, given in (({}, False), ({"bias": False}, True), ({}, True))]
    cells.append(cell("rnnCell", {"nonlinearity": "relu"}, True))
    write("recurrent-cells", cells)
