"""One BLAS thread for all tests: the matrices are small, and threads that wait for each other cost many times more."""

import os

import threadpoolctl

threadpoolctl.threadpool_limits(1)
for library in ("OPENBLAS", "MKL", "OMP"):  # processes that tests start
    os.environ[f"{library}_NUM_THREADS"] = "1"
