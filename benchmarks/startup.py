"""What a newcomer waits for: `import brackish`, and the first and the second picture.

Each is a fresh process on an environment that is ready, that is, with its byte code compiled (kept in a
folder of this script, whatever the environment says). The first `brackish compare tully1` finds no compiled
programs, the second those that the first has left. Printed: seconds on the clock and of the processor, and
`import jax` beside them, below which nothing can come.
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


def run(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Wall and processor seconds of a command run in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr.strip() or done.stdout.strip()}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def show(name: str, times: list[tuple[float, float]], limit: float | None = None) -> None:
    """Print the medians of several runs, and what is aimed at."""
    wall, processor = (statistics.median(values) for values in zip(*times, strict=True))
    aim = "" if limit is None else f"; aimed at: below {limit:g} s"
    print(f"{name}: {wall:.2f} s (processor {processor:.2f} s){aim}", flush=True)


def main() -> None:
    """Measure and print."""
    program = shutil.which("brackish", path=str(Path(sys.executable).parent)) or shutil.which("brackish")
    if program is None:
        raise SystemExit("The program `brackish` is not installed in this environment.")
    picture = [program, "compare", "tully1"]
    jax, imports, first, second = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="brackish-startup-") as name:
        folder = Path(name)
        settings = {
            **os.environ,
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
            "MPLCONFIGDIR": str(folder / "mpl"),
        }
        for unwanted in ("PYTHONDONTWRITEBYTECODE", "JAX_COMPILATION_CACHE_DIR"):
            settings.pop(unwanted, None)
        run(picture, folder / "ready", {**settings, "XDG_CACHE_HOME": str(folder / "ready")})
        for count in range(ROUNDS):
            jax.append(run([sys.executable, "-c", "import jax"], folder, settings))
            imports.append(run([sys.executable, "-c", "import brackish"], folder, settings))
            kept = {**settings, "XDG_CACHE_HOME": str(folder / f"cache{count}")}
            first.append(run(picture, folder / f"first{count}", kept))
            second.append(run(picture, folder / f"second{count}", kept))
    show("import jax", jax)
    show("import brackish", imports, 1.0)
    show("first `brackish compare tully1`, no compiled programs", first, 15.0)
    show("second `brackish compare tully1`", second, 6.0)


if __name__ == "__main__":
    main()
