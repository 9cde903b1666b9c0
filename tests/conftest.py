"""What all tests share: checked shapes, strict broadcasting, kept compiled programs, no deadlines."""

import gc
import os
from pathlib import Path

import hypothesis
import jax
import pytest
from jaxtyping import install_import_hook

# Every annotation of a shape in brackish is checked at run time, except in what numba compiles: it would find the
# checks instead of the functions. This must precede any import of brackish.
SOURCE = Path(__file__).parents[1] / "src"
CHECKED = [
    ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    for path in sorted(SOURCE.rglob("*.py"))
    if path.stem != "__init__" and "import numba" not in path.read_text()
]
install_import_hook(CHECKED, "beartype.beartype")

# A vector that meets a matrix by accident is a bug; `psi[None, :]` says it on purpose.
jax.config.update("jax_numpy_rank_promotion", "raise")

# Compiled programs are kept between runs, and shared by the workers of one run and the processes they start.
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "compiled")
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
jax.config.update("jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"])
jax.config.update(
    "jax_persistent_cache_min_compile_time_secs",
    float(os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"]),
)

# Figures are drawn into files, also where there is no screen.
os.environ.setdefault("MPLBACKEND", "Agg")

# The first call of a compiled function takes seconds, so no example has a deadline. On a server the same
# examples are drawn each time: a red run there must be red here too. `--hypothesis-profile=thorough`
# searches longer.
hypothesis.settings.register_profile("here", deadline=None, max_examples=20)
hypothesis.settings.register_profile(
    "server", parent=hypothesis.settings.get_profile("here"), derandomize=True, max_examples=12
)
hypothesis.settings.register_profile(
    "thorough", parent=hypothesis.settings.get_profile("here"), max_examples=1000
)
hypothesis.settings.load_profile("server" if os.environ.get("CI") else "here")

# Every compiled program stays in memory, and a worker compiles thousands.
LARGEST_RESIDENT = 3 * 2**30
MEMORY = Path("/proc/self/statm")


@pytest.fixture(autouse=True, scope="module")
def _programs_make_room():
    """Programs are dropped between files once they fill the memory; those kept on disk come back from there."""
    yield
    if MEMORY.exists() and int(MEMORY.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") > LARGEST_RESIDENT:
        jax.clear_caches()
        gc.collect()
