"""Small files of NumPy and PyTorch, good and bad, for test/io-npy.test.ts and test/io-pickle.test.ts.

    venv/bin/python make_interchange.py

Their contents are said in the tests. Nothing random: the values are counted up or written down.
"""

import collections
import io
import json
import os
import pathlib
import pickle
import zipfile

import numpy as np
import torch

HERE = pathlib.Path(__file__).parent.parent / "fixtures" / "interchange"
HERE.mkdir(parents=True, exist_ok=True)
torch.set_default_dtype(torch.float32)


def npy():
    cube = np.arange(24).reshape(2, 3, 4) - 5
    for descr in ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "|i1", "|u1", "<i2", ">i2", "<u2", "<i4", ">i4", "<u4", "<i8", ">i8", "<u8"]:
        values = np.abs(cube) if "u" in descr else cube
        name = descr.replace("<", "little-").replace(">", "big-").replace("|", "")
        np.save(HERE / f"{name}.npy", values.astype(descr))
    np.save(HERE / "bool.npy", cube % 3 == 0)
    np.save(HERE / "fortran.npy", np.asfortranarray(cube.astype("<f4")))
    np.save(HERE / "scalar.npy", np.float32(2.5))
    np.save(HERE / "empty.npy", np.zeros((0, 3), "<f4"))
    for version in [(1, 0), (2, 0), (3, 0)]:
        with open(HERE / f"version{version[0]}.npy", "wb") as f:
            np.lib.format.write_array(f, np.arange(3, dtype="<f4"), version=version)
    np.save(HERE / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(HERE / "complex.npy", np.array([1 + 2j]))
    np.save(HERE / "text.npy", np.array(["a"]))
    np.save(HERE / "fields.npy", np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f4")]))
    both = {"w": np.arange(6, dtype="<f4").reshape(2, 3), "deep/b": np.array([True, False]), "n": np.int64(7)}
    np.savez(HERE / "stored.npz", **both)
    np.savez_compressed(HERE / "deflated.npz", **both)


def state():
    torch.manual_seed(0)
    shared = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    return collections.OrderedDict(
        [
            ("float32", shared),
            ("transposed", shared.t()),
            ("column", shared[1:, 2]),
            ("tied", shared),
            ("expanded", torch.tensor([3.0]).expand(2, 3)),
            ("float64", torch.tensor([0.5, -1.25], dtype=torch.float64)),
            ("float16", torch.tensor([0.5, -1.25], dtype=torch.float16)),
            ("bfloat16", torch.tensor([0.5, -1.25], dtype=torch.bfloat16)),
            ("int64", torch.tensor([5, -6], dtype=torch.int64)),
            ("int32", torch.tensor([5, -6], dtype=torch.int32)),
            ("int16", torch.tensor([5, -6], dtype=torch.int16)),
            ("int8", torch.tensor([5, -6], dtype=torch.int8)),
            ("uint8", torch.tensor([5, 250], dtype=torch.uint8)),
            ("bool", torch.tensor([True, False])),
            ("scalar", torch.tensor(2.5)),
            ("empty", torch.zeros(0, 3)),
            ("parameter", torch.nn.Parameter(torch.ones(2))),
        ]
    )


class Evil:
    def __reduce__(self):
        return (os.system, ("echo this must never run > /tmp/glissade-pickle-ran",))


def pt():
    torch.save(state(), HERE / "zip.pt")
    torch.save(state(), HERE / "legacy.pt", _use_new_zipfile_serialization=False)
    for protocol in range(2, 6):
        torch.save({"w": torch.ones(2), "n": 3}, HERE / f"protocol{protocol}.pt", pickle_protocol=protocol)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(torch.arange(p.numel()).reshape(p.shape) + i)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.125)
    model(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    with torch.no_grad():
        for i, p in enumerate(model.parameters()):
            p.copy_(torch.arange(p.numel()).reshape(p.shape) + i)
    checkpoint = {
        "epoch": 7,
        "loss": 0.25,
        "best": np.float64(0.125),
        "state_dict": collections.OrderedDict(("module." + k, v) for k, v in model.state_dict().items()),
        "optimizer": optimizer.state_dict(),
        "shape": torch.Size([2, 3]),
        "dtype": torch.float16,
        "device": torch.device("cpu"),
        "names": {"a", "b"},
        "history": [(1, None, True), (2, "ü", False)],
        "big": 2**70,
        "array": np.arange(6, dtype=">i2").reshape(2, 3),
        "bytes": b"\x00\xff",
    }
    torch.save(checkpoint, HERE / "checkpoint.pt")
    torch.save(checkpoint, HERE / "checkpoint-legacy.pt", _use_new_zipfile_serialization=False)
    torch.save([torch.ones(2), torch.zeros(1)], HERE / "list.pt")
    torch.save(model, HERE / "whole-model.pt")
    torch.save({"w": Evil()}, HERE / "evil.pt")
    torch.save({"w": torch.tensor([1 + 2j])}, HERE / "complex.pt")
    torch.save({"w": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8)}, HERE / "quantized.pt")
    torch.save({"w": torch.eye(2).to_sparse()}, HERE / "sparse.pt")
    torch.save({"w": torch.tensor([2**40])}, HERE / "wide.pt")


def pickles():
    plain = {
        "array": np.arange(6, dtype="<f4").reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6, dtype="<f4").reshape(2, 3)),
        "scalar": np.float32(1.5),
        "whole": np.int64(-3),
        "list": [1, 2.5, True, None, "text", b"bytes", -5, 300, 70000, 2**40, -(2**70)],
        "nested": {"tuple": (1, (2, 3)), "set": {1}, "frozen": frozenset([2]), "empty": [(), [], {}, set()]},
        "text": "quote ' back \\ line \n ☃ 😀",
    }
    for protocol in range(6):
        (HERE / f"plain{protocol}.pkl").write_bytes(pickle.dumps(plain, protocol=protocol))
    (HERE / "tensors.pkl").write_bytes(pickle.dumps({"w": torch.arange(6.0).reshape(2, 3), "p": torch.nn.Parameter(torch.ones(2))}))
    (HERE / "evil0.pkl").write_bytes(pickle.dumps(Evil(), protocol=0))
    (HERE / "evil5.pkl").write_bytes(pickle.dumps({"a": [Evil()]}, protocol=5))
    loop = []
    loop.append(loop)
    (HERE / "loop.pkl").write_bytes(pickle.dumps(loop))
    deep = []
    for _ in range(300):
        deep = [deep]
    (HERE / "deep.pkl").write_bytes(pickle.dumps(deep))
    doubling = [0.5]
    for _ in range(60):
        doubling = [doubling, doubling]
    (HERE / "doubling.pkl").write_bytes(pickle.dumps(doubling))


def safetensors_file():
    from safetensors.torch import save_file

    tensors = {k: v.detach().clone().contiguous() for k, v in state().items()}
    save_file(tensors, HERE / "torch.safetensors", metadata={"format": "pt", "who": "safetensors"})


npy()
pt()
pickles()
safetensors_file()
print(sum(p.stat().st_size for p in HERE.iterdir()), "bytes in", len(list(HERE.iterdir())), "files")
