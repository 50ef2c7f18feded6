"""The process around one Python engine: reads requests, runs them, replies (../harness/protocol.ts).

Each engine is a module beside this one that calls `serve` with its works.
"""

import functools
import json
import os
import re
import sys
import time

# Replies have standard output for themselves; whatever a library prints goes to standard error.
replies = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

# A check that takes longer ends early; at least two losses are told.
CHECK_SECONDS = 20


class Unsupported(Exception):
    """The engine cannot do this work."""


def tell(**message):
    print(json.dumps(message), file=replies, flush=True)


def absent(reason):
    """Says why the engine is not here, and ends."""
    tell(absent=str(reason))
    sys.exit(0)


def read_input(numpy, spec):
    kind = {"int32": numpy.int32, "uint8": numpy.uint8, "float32": numpy.float32}[spec["dtype"]]
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
        found, end = [], time.perf_counter() + CHECK_SECONDS
        while len(found) < self.losses and (len(found) < 2 or time.perf_counter() < end):
            found.append(float(self.run()))
        return found


class Deferred:
    """A work whose preparation is put off until its first run."""

    def __init__(self, prepare):
        self.prepare, self.session = prepare, None

    def run(self):
        self.session = self.session or self.prepare()
        return self.session.run()

    def finish(self):
        finish(self.session)

    def check(self):
        return []


def finish(session):
    """Waits for runs that were only queued, where the engine queues them."""
    if hasattr(session, "finish"):
        session.finish()


def measure(session, inner, least, milliseconds):
    """Samples in milliseconds a run."""
    times = []
    end = time.perf_counter() + milliseconds / 1000
    while True:
        start = time.perf_counter()
        for _ in range(inner):
            session.run()
        finish(session)
        now = time.perf_counter()
        times.append((now - start) * 1000 / inner)
        if now >= end and len(times) >= least:
            return times


def memory(field):
    """Bytes in memory now (VmRSS) or at most (VmHWM); None where the system does not tell."""
    try:
        with open("/proc/self/status") as status:
            return int(re.search(rf"^{field}:\s*(\d+) kB$", status.read(), re.MULTILINE)[1]) * 1024
    except (OSError, TypeError):
        return None


def mark_memory():
    """Forgets the peak so far, where the system allows it; gives the bytes in memory."""
    try:
        with open("/proc/self/clear_refs", "w") as refs:
            refs.write("5")
    except OSError:
        pass
    return memory("VmRSS")


def peak_since(before):
    most = memory("VmHWM")
    return None if most is None or before is None else max(0, most - before)


def serve(numpy, version, backend, threads, works):
    """Answers requests until there are no more. works: by name, inputs and settings to a session."""
    tell(version=version, backend=backend, threads=threads)
    session, before = None, None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "open":
                if request["work"] not in works:
                    raise Unsupported(f"not written for {request['work']}")
                before = mark_memory()
                inputs = {name: read_input(numpy, spec) for name, spec in request["inputs"].items()}
                first = bool(request.get("first"))
                settings = {**request["settings"], "first": first}
                prepare = functools.partial(works[request["work"]], inputs, settings)
                session = Deferred(prepare) if first else prepare()
                tell(ok=True)
            elif request["do"] == "check":
                tell(values=session.check())
            elif request["do"] == "measure":
                tell(times=measure(session, request["inner"], request["least"], request["milliseconds"]))
            elif request["do"] == "memory":
                tell(peak=peak_since(before))
            else:
                session = None
                tell(ok=True)
        except Unsupported as reason:
            tell(unsupported=str(reason))
        except Exception as error:  # whatever it is, the benchmark goes on without this engine
            tell(error=f"{type(error).__name__}: {error}")
