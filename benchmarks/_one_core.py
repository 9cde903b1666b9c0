"""One core for NumPy, numba and XLA: imported before them, as they read their environment when they start.

XLA's own threads take parts of a program from each other even if one of them would do, and the processor seconds they
spend are not the work's: with a second thread a step of classical-quantum diffusion costs half as much again.
"""

import os

os.environ.setdefault("PJRT_NPROC", "1")
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")
