"""The process around one Python engine: reads requests, runs them, replies (../harness/protocol.ts).

Each engine is a module beside this one that calls `serve` with its works.
"""

import json
import os
import sys
import time

# Replies have standard output for themselves; whatever a library prints goes to standard error.
replies = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


class Unsupported(Exception):
    """The engine cannot do this work."""


def tell(**message):
    print(json.dumps(message), file=replies, flush=True)


def absent(reason):
    """Says why the engine is not here, and ends."""
    tell(absent=str(reason))
    sys.exit(0)


def read_input(numpy, spec):
    kind = numpy.int32 if spec["dtype"] == "int32" else numpy.float32
    return numpy.fromfile(spec["file"], dtype=kind).reshape(spec["shape"])


class Training:
    """A session for training: `step` takes batch number i and gives its loss; the first ones are compared."""

    def __init__(self, step, batches, losses):
        self.step, self.batches, self.losses, self.next = step, batches, losses, 0

    def run(self):
        loss = self.step(self.next % self.batches)
        self.next += 1
        return loss

    def check(self):
        return [float(self.run()) for _ in range(self.losses)]


def measure(run, inner, least, milliseconds):
    """Samples in milliseconds a run."""
    times = []
    end = time.perf_counter() + milliseconds / 1000
    while True:
        start = time.perf_counter()
        for _ in range(inner):
            run()
        now = time.perf_counter()
        times.append((now - start) * 1000 / inner)
        if now >= end and len(times) >= least:
            return times


def serve(numpy, version, backend, threads, works):
    """Answers requests until there are no more. works: by name, inputs and settings to a session."""
    tell(version=version, backend=backend, threads=threads)
    session = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "open":
                if request["work"] not in works:
                    raise Unsupported(f"not written for {request['work']}")
                inputs = {name: read_input(numpy, spec) for name, spec in request["inputs"].items()}
                session = works[request["work"]](inputs, request["settings"])
                tell(ok=True)
            elif request["do"] == "check":
                tell(values=session.check())
            elif request["do"] == "measure":
                tell(times=measure(session.run, request["inner"], request["least"], request["milliseconds"]))
            else:
                session = None
                tell(ok=True)
        except Unsupported as reason:
            tell(unsupported=str(reason))
        except Exception as error:  # whatever it is, the benchmark goes on without this engine
            tell(error=f"{type(error).__name__}: {error}")
