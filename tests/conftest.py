"""Before NumPy is imported: threaded BLAS makes the small matrices of an array slower, on a busy machine a hundredfold."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
