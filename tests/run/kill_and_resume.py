"""Kill `brackish run` and `brackish resume` at random moments; what comes out in the end must not differ in any bit.

    python tests/run/kill_and_resume.py --kills 50

Six theories, in turn: independent trajectories, coupled ensembles, a wavefunction, fields, a magnet, noise. Each run is
killed (SIGKILL) at a random moment, one time in three the next time that a store is being written; it is resumed, which
is killed as well or goes to its end. Prints one line a run and a sum; exits with 1 if any result differs.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

COMMAND = [sys.executable, "-c", "from brackish.cli import main; main()"]
CROSSING = """
[model]
name = "tully"
[preparation]
kind = "GaussianPacket"
position = -2.0
momentum = 12.0
width = 0.5
state = { kind = "Adiabatic", level = 0 }
"""
OSCILLATOR = """
[model]
name = "pure_dephasing"
[preparation]
kind = "GaussianPacket"
position = 0.0
momentum = 0.0
width = 0.7071
state = [0.6, 0.8]
"""
FILES = {
    "independent": CROSSING
    + """
[[theory]]
kind = "SurfaceHopping"
[times]
stop = 400.0
saves = 4
step = 0.25
[run]
trajectories = 600
""",
    "coupled": CROSSING
    + """
[[theory]]
kind = "MeanField"
[times]
stop = 400.0
saves = 4
step = 0.1
[run]
trajectories = 60
ensembles = 3
""",
    "wavefunction": CROSSING
    + """
[[theory]]
kind = "Exact"
[times]
stop = 400.0
saves = 4
step = 0.1
[run]
""",
    "field": OSCILLATOR
    + """
[[theory]]
kind = "HybridMeanField"
grid = { kind = "PhaseSpace", lower = [-6.0, -6.0], upper = [6.0, 6.0], points = [64, 64] }
[times]
stop = 2.0
saves = 4
step = 0.005
[run]
""",
    "magnet": """
[model]
name = "hybrid_spins"
field = 0.5
exchange = 1.0
gamma = 0.0
[preparation]
kind = "VonMisesFisher"
direction = [0.6, 0.0, 0.8]
concentration = 10.0
[[theory]]
kind = "Ehrenfest"
[times]
stop = 8.0
saves = 4
step = 0.001
[run]
trajectories = 300
""",
    "noise": OSCILLATOR
    + """
[[theory]]
kind = "ClassicalQuantum"
diffusion = 0.1
[times]
stop = 8.0
saves = 4
step = 0.0025
[run]
trajectories = 300
""",
}
EVERY = "checkpoint_every = 0.2\n"
LONGEST = 300.0


def start(*words: str) -> subprocess.Popen:
    """A command of brackish, silent but for its errors."""
    command = [*COMMAND, *words, "--workers", "2", "--no-progress"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen) -> None:
    """Wait for a command that must go well."""
    _, words = process.communicate(timeout=LONGEST)
    if process.returncode:
        raise SystemExit(f"exit code {process.returncode}: {words}")


def is_writing(out: Path) -> bool:
    """Whether a store that is not complete stands beside those of a run."""
    return any(".zarr" in path.name and path.suffix != ".zarr" for path in out.glob("*"))


def kill(process: subprocess.Popen, out: Path, seconds: float, in_writing: bool) -> bool:
    """Kill a command after some time, or at the next store after it; False if it was over before."""
    end = time.monotonic() + seconds
    while process.poll() is None and (time.monotonic() < end or (in_writing and not is_writing(out))):
        time.sleep(0.001 if in_writing else 0.01)
    killed = process.poll() is None
    process.kill()
    process.communicate()
    return killed


def go_on(out: Path, file: Path) -> list[str]:
    """The command that goes on with a run, as a user would: from the start, where nothing is there yet."""
    return ["resume", str(out)] if (out / "run.toml").exists() else ["run", str(file), "--out", str(out)]


def differing(first: Path, second: Path) -> list[str]:
    """Names of variables and attributes that differ in any bit."""
    import brackish as bk

    one, other = (bk.read_netcdf(path / "results.nc") for path in (first, second))
    names = set(one.variables) ^ set(other.variables)
    for name in set(one.variables) & set(other.variables):
        if np.asarray(one[name].values).tobytes() != np.asarray(other[name].values).tobytes():
            names.add(name)
    return sorted(names | {key for key in one.attrs if one.attrs[key] != other.attrs.get(key)})


def main(kills: int, seed: int, folder: Path, only: list[str]) -> int:
    """Until so many kills have hit a process."""
    chance = random.Random(seed)
    names = [name for name in FILES if name in only or not only]
    seconds, done, writing, wrong, runs = {}, 0, 0, 0, 0
    for name in names:
        file = folder / f"{name}.toml"
        file.write_text(FILES[name].replace("[run]\n", "[run]\n" + EVERY), encoding="utf-8")
        begun = time.monotonic()
        finish(start("run", str(file), "--out", str(folder / name)))
        seconds[name] = time.monotonic() - begun
        print(f"{name}: {seconds[name]:.1f} s undisturbed", flush=True)
    while done < kills:
        name = names[runs % len(names)]
        file, out = folder / f"{name}.toml", folder / f"{name}-{runs}"
        runs += 1
        hit = []
        for _ in range(min(chance.randint(1, 3), kills - done)):
            in_writing = chance.random() < 1 / 3
            process = start(*go_on(out, file))
            moment = chance.uniform(0.1, 0.9) * seconds[name]
            if kill(process, out, moment, in_writing):
                found = is_writing(out)
                writing += found
                hit.append(f"{moment:.1f} s{', a store half written' if found else ''}")
        done += len(hit)
        finish(start(*go_on(out, file)))
        difference = differing(folder / name, out)
        wrong += bool(difference)
        verdict = f"DIFFERS in {difference}" if difference else "identical"
        print(f"{name}: killed after {'; '.join(hit) or 'the end'}: {verdict}", flush=True)
    print(
        f"{done} kills ({writing} while a store was written) in {runs} runs: {runs - wrong} identical, {wrong} not"
    )
    return min(wrong, 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], choices=FILES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(main(options.kills, options.seed, Path(scratch), options.only))
