"""onnxruntime on the files that the library exports: forward passes and generation, no training.

python onnx_runtime.py <backend> <threads>
"""

import sys

from serve import absent, serve

try:
    import numpy
    import onnxruntime
except ImportError as error:
    absent(f"{error} (python is {sys.executable})")

backend, threads = sys.argv[1], int(sys.argv[2])


def load(inputs):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(inputs["onnx"].tobytes(), options, providers=["CPUExecutionProvider"])


class Forward:
    def __init__(self, inputs, settings):
        self.session = load(inputs)
        self.feed = {self.session.get_inputs()[0].name: inputs["x"][0]}

    def run(self):
        return self.session.run(None, self.feed)[0]

    def check(self):
        return self.run().flatten().tolist()


class Generate:
    """Caches go from one step to the next without a copy."""

    def __init__(self, inputs, settings):
        self.session, self.count, self.prompt = load(inputs), int(settings["count"]), int(settings["prompt"])
        self.shape = self.session.get_inputs()[2].shape
        self.layers = int(settings["layers"])

    def run(self):
        token, found, place = numpy.array([[self.prompt]], numpy.int32), [], numpy.zeros(1, numpy.int32)
        value = onnxruntime.OrtValue.ortvalue_from_numpy
        past = [value(numpy.zeros(self.shape, numpy.float32)) for _ in range(2 * self.layers)]
        for t in range(self.count):
            place[0] = t
            feed = {"token": value(token), "start": value(place), **{f"past_{i}": each for i, each in enumerate(past)}}
            scores, *past = self.session.run_with_ort_values(None, feed)
            token[0, 0] = scores.numpy().reshape(-1).argmax()
            found.append(int(token[0, 0]))
        return found

    def check(self):
        return self.run()


works = {"digits-forward": Forward, "gpt-generate": Generate}
serve(numpy, onnxruntime.__version__, backend, threads, works)
