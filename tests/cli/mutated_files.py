"""Mutated TOML files: each must be read, or be refused in lines of our own that echo at most a line of it.

    python tests/cli/mutated_files.py --files 4000 --seed 0

A file that can be run is taken at random and changed in one place or more: bytes, lines, tables, keys, values. It is
read up to where a run would begin to compute. Every exception that is not of brackish is printed; the exit code is 1 if
there was one.
"""

import argparse
import random
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

import brackish as bk
from brackish.run import config
from brackish.run.folder import claim

LONGEST_ECHO = 200
"""Characters of one word of the file that an error may show."""

PACKET = """
[preparation]
kind = "GaussianPacket"
position = -2.0
momentum = "20 hbar/bohr"
width = 0.5
state = { kind = "Adiabatic", level = 0 }
"""
TIMES = """
[times]
stop = "3 fs"
saves = 12
step = 1.0

[run]
trajectories = 4
seed = 1
out = "results/mutated"
"""
FILES = (
    '[model]\nname = "tully"\nnumber = 1\nmass = 2000.0\n'
    + PACKET
    + '[[theory]]\nkind = "SurfaceHopping"\nrescaling = "AlongMomentum"\n'
    + 'decoherence = { kind = "EnergyBasedDecoherence", parameter = 0.1 }\n'
    + '[[theory]]\nkind = "Exact"\nabsorber = { length = 2.0, strength = "1 eV" }\nintegrator = "Strang"\n'
    + '[[theory]]\nkind = "Koopmons"\nposition_width = { kind = "InSpreads", factor = 0.4 }\n'
    + TIMES,
    '[model]\nname = "spin_boson"\nmodes = 3\nbias = 0.5\nbath = { kind = "OhmicBath", strength = 0.1, cutoff = 1.0 }\n'
    + '[preparation]\nkind = "ThermalBath"\ntemperature = "1 hartree"\nstate = [0.6, "0.8j"]\n'
    + '[[theory]]\nkind = "Ehrenfest"\nintegrator = { kind = "TripleJump" }\n[[theory]]\nkind = "MeanField"\n'
    + TIMES,
    '[model]\nname = "spin_dimer"\ncoupling = "Ferromagnetic"\nfield = [0.0, 0.0, 1.0]\n'
    + '[preparation]\nkind = "Directions"\ndirections = [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]\n'
    + '[[theory]]\nkind = "LLG"\ndamping = 0.1\n[[theory]]\nkind = "QuantumLLG"\ndamping = 0.1\n'
    + "[times]\nstop = 3.0\nsaves = 4\n[run]\nfollow = 2\n",
    '[model]\nname = "linear_vibronic_coupling"\nenergies = [0.0, 1.0]\nfrequencies = [1.0, 2.0]\n'
    + "gradients = [[0.1, 0.2], [0.3, 0.4]]\n"
    + '[preparation]\nkind = "GaussianPacket"\nposition = [0.0, 0.0]\nmomentum = 0.0\nwidth = 0.7\n'
    + '[[theory]]\nkind = "Ehrenfest"\n'
    + TIMES,
)
VALUES = (
    '"text"', '""', "true", "0", "-1", "1", "2.5", "-0.5", "nan", "inf", "-inf", "1e300", "1e-300", "1e400", "10" * 200,
    "9" * 5000, "1_000", "0x10", '"10 fs"', '"300 K"', '"-8 angstrom"', '"\\u22128 angstrom"', '"1 parsnip"',
    '"1e999 fs"',
    '"' + "a" * 3000 + '"', '"1 ' + "m*" * 400 + 'm"', "[]", "[1]", "[1.0, 2.0]", '["a"]', "[[1.0], [1.0, 2.0]]", "{}",
    '{ kind = "Exact" }', '{ kind = "Nothing" }', "{ kind = 1 }", "{ a = 1 }", "1979-05-27", "07:32:00", '"\\u0000"',
    "[" * 50 + "]" * 50, "1000000000000000", "4294967297", '"~/there"', '"../there"', "[true]", "[nan]", '"1"',
    '"1+2j"',
    '["1 fs", "2 fs"]', '"Adiabatic"', '"Strang"', '"WithJumps"', "[10000000000, 1]", "[[[1.0]]]",
)  # fmt: skip
LINES = (
    'run = "text"', 'times = "text"', 'kind = "x"', "[run]", "[other]", "[[theory]]", "[theory]", "[model.more]",
    "a.b.c = 1",
    "b" * 3000 + " = 1", '"\\u0000" = 1', "= 1", "x", "[", "]", "# comment", "[[model]]", "[times]", 'kind = "Exact"',
    "[" * 5000, "a = " + "[" * 5000 + "]" * 5000, "a = " + "{b=" * 2000, '"""', "a = '''", "[[theory.integrator]]",
    "\ufeff", "\x00", "trajectories = 1000000000000000", 'label = "mine"', "observables = 1",
)  # fmt: skip


def mutated(text: str, draw: random.Random) -> bytes:
    """The text with one change or more."""
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        lines = text.split("\n")
        place = draw.randrange(len(lines))
        change = draw.randrange(9)
        if change <= 3 and "=" in lines[place]:
            key = lines[place].partition("=")[0]
            lines[place] = f"{key}= {draw.choice(VALUES)}"
        elif change == 4:
            lines.insert(place, draw.choice(LINES))
        elif change == 5:
            del lines[place]
        elif change == 6:
            lines.insert(place, draw.choice(lines))
        elif change == 7 and lines[place]:
            spot = draw.randrange(len(lines[place]))
            more = draw.choice(
                [
                    "",
                    chr(draw.randrange(1, 0x2FFF)),
                    '"',
                    "=",
                    "[",
                    "\x00",
                    "9",
                    "-",
                    "e9",
                    "\u2212",
                    "\ud800",
                ]
            )
            lines[place] = lines[place][:spot] + more + lines[place][spot + draw.randrange(2) :]
        elif "=" in lines[place]:
            key, _, value = lines[place].partition("=")
            other = draw.choice([line for line in lines if "=" in line]).partition("=")
            lines[place] = draw.choice([f"{other[0]}={value}", f"{key}={other[2]}", f"{key}x ={value}"])
        text = "\n".join(lines)
    raw = text.encode("utf-8", "surrogatepass")
    return raw + b"\xff\xfe" if draw.random() < 0.01 else raw


def endings(count: int, seed: int) -> Iterator[str | None]:
    """So many mutated files; for each None, or how reading it ended badly."""
    draw = random.Random(seed)
    place = Path(tempfile.mkdtemp())
    for _ in range(count):
        raw = mutated(draw.choice(FILES), draw)
        path = place / "run.toml"
        path.write_bytes(raw)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _, setup = config.read(path)
                claim(place / (setup.out or "out"), False)
        except bk.BrackishError as error:
            lines = getattr(error, "mistakes", [str(error)])
            told = [line for line in lines if "\n" in line or _echoes(line)]
            yield f"{raw[:3000]!r}\n    {told[0][:600]}" if told else None
        except Exception:
            yield f"{raw.decode('utf-8', 'replace')[:1500]}\n{traceback.format_exc()}"
        else:
            yield None


def _echoes(line: str) -> bool:
    return any(len(word) > LONGEST_ECHO for word in line.split())


def main() -> int:
    """The script."""
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("--files", type=int, default=4000)
    reader.add_argument("--seed", type=int, default=0)
    asked = reader.parse_args()
    bad = [end for end in endings(asked.files, asked.seed) if end is not None]
    for end in bad:
        print(end)
    print(f"{asked.files} files, {len(bad)} ended badly")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
