"""What a newcomer waits for: `import brackish`, and the first and the second picture.

Each is a fresh process. The first `brackish compare tully1` finds an empty compile cache, the second the
one that the first has left. Printed: seconds on the clock, and of the processor.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3


def run(command: list[str], folder: str, **environment: str) -> tuple[float, float]:
    """Wall and processor seconds of a command run in `folder`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr.strip() or done.stdout.strip()}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def show(name: str, times: list[tuple[float, float]], limit: float) -> None:
    """Print the medians of several runs beside what is aimed at."""
    wall, processor = (statistics.median(values) for values in zip(*times, strict=True))
    print(f"{name}: {wall:.2f} s (processor {processor:.2f} s); aimed at: below {limit:g} s")


def main() -> None:
    """Measure and print."""
    program = shutil.which("brackish", path=str(Path(sys.executable).parent)) or shutil.which("brackish")
    if program is None:
        raise SystemExit("The program `brackish` is not installed in this environment.")
    imports, first, second = [], [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="brackish-startup-") as folder:
            cache = str(Path(folder) / "cache")
            places = {
                "XDG_CACHE_HOME": cache,
                "JAX_COMPILATION_CACHE_DIR": cache,
                "MPLCONFIGDIR": cache + "-mpl",
            }
            imports.append(run([sys.executable, "-c", "import brackish"], folder))
            for results in (first, second):
                work = tempfile.mkdtemp(dir=folder)
                results.append(run([program, "compare", "tully1"], work, **places))
    show("import brackish", imports, 1.0)
    show("first `brackish compare tully1`, empty compile cache", first, 15.0)
    show("second `brackish compare tully1`", second, 6.0)


if __name__ == "__main__":
    main()
