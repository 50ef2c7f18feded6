"""OpenBLAS through numpy, writing into a product that is there already: the machine's matrix product and no more.

python openblas.py <backend> <threads>; the threads are set by OPENBLAS_NUM_THREADS.
"""

import sys

from serve import absent, serve

try:
    import numpy
except ImportError as error:
    absent(f"{error} (python is {sys.executable})")

blas = numpy.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
if "openblas" not in blas.get("name", ""):
    absent(f"this numpy uses {blas.get('name', 'an unknown BLAS')}")


class Product:
    def __init__(self, inputs, settings):
        self.a, self.b, self.positions = inputs["a"], inputs["b"], inputs["positions"]
        self.out = numpy.empty_like(self.a)

    def run(self):
        numpy.matmul(self.a, self.b, out=self.out)

    def check(self):
        self.run()
        return self.out.reshape(-1)[self.positions].tolist()


serve(numpy, blas["version"], sys.argv[1], int(sys.argv[2]), {"matmul": Product})
