"""The input file of UppASD, `inpsd.dat`: keywords and values, of which those that make the magnet are read, and those
that would change it in a way that is not known here are refused.
"""

from pathlib import Path

import numpy as np

from brackish.columns import number, read_text
from brackish.errors import InvalidInput
from brackish.spins.system import SpinSystem
from brackish.spins.uppasd.conventions import (
    ByCell,
    ByCellAsWritten,
    ByVector,
    Cartesian,
    CubicSymmetry,
    Direct,
    HexagonalSymmetry,
    MomentAlongSpin,
    NoSymmetry,
    ScalarExchange,
    Sense,
    SquareSymmetry,
    TensorExchange,
)
from brackish.spins.uppasd.reading import read_uppasd

ANGSTROM = 1e10
"""In a metre, of which `alat` is a number."""
COMMENTS = ("%", "#", "*", "=", "!")
OFF = ("0", "n", "f", "false", ".false.", ".f.")
# fmt: off
NOT_READ = (
    "positions", "moments", "exchangedlm", "sa", "pd", "chir", "fourx", "bq", "ring", "biqdm", "locfield",
    "siteatomfield", "metatype", "metanumb",
)
"""Keywords that change the magnet, or the field it stands in, wherever they stand."""
NOT_READ_IF_ON = (
    "do_ralloy", "exc_inter", "ea_model", "mult_axis", "random_anisotropy", "rdm_model", "do_dip", "do_lsf",
    "ind_mom_flag", "do_cluster", "do_bpulse", "do_ewald", "demag", "aunits", "set_landeg", "do_fixed_mom", "do_ld",
    "do_efield", "stt", "do_she", "do_sot", "multiscale", "do_read_elk", "do_kmc",
    "mwf", "mwf_gauss", "mov_gauss", "mwf_mov_gauss", "mwf_gauss_spatial", "mov_circle", "mov_square",
)
"""The same where they are switched on."""
# fmt: on
COORDINATES = {"c": Cartesian(), "d": Direct()}
MAPPINGS = {"1": ByVector(), "2": ByCell(), "3": ByCellAsWritten()}
SYMMETRIES = {"0": NoSymmetry(), "1": CubicSymmetry(), "2": SquareSymmetry(), "3": HexagonalSymmetry()}


def read_inpsd(
    path: str | Path = "inpsd.dat",
    *,
    sense: Sense = MomentAlongSpin(),  # noqa: B008  (immutable)
) -> SpinSystem:
    """The magnet of an `inpsd.dat` and the files that it names, which lie where it lies: `read_uppasd` with the
    arguments that stand in it, in the field `hfield`. What a simulation does with the magnet (temperatures, steps,
    measurements, `restartfile`) is passed over.

    `sense`: as of `read_uppasd`.

    Raises `InvalidInput`, naming file and line, for a keyword that changes the magnet and is not read (random alloys,
    dipoles, terms of other kinds), for one that stands twice, and as `read_uppasd`.
    """
    asked = _Keywords(path)
    asked.refuse_what_is_not_read()
    scale = asked.numbers("scalefac", 1, (1.0,))[0]
    tensor = asked.one_of("do_jtensor", {"0": False, "1": True}, "0") and not asked.on("calc_jtensor", "t")
    return read_uppasd(
        asked.file("posfile", "posfile"),
        asked.file("exchange", None),
        scale * np.array(asked.numbers("cell", 9, np.eye(3).ravel())).reshape(3, 3),
        tuple(int(n) for n in asked.numbers("ncell", 3, None, whole=True)),
        momfile=asked.file("momfile", "momfile"),
        dmfile=asked.file("dm", None) if "dm" in asked.values else None,
        kfile=asked.file("anisotropy", "kfile") if asked.crystal() else None,
        periodic=tuple(word == "P" for word in asked.words("bc", 3, ("0", "0", "0"))),
        mapping=asked.one_of("maptype", MAPPINGS, "1"),
        symmetry=asked.one_of("sym", SYMMETRIES, "0"),
        coordinates=asked.one_of("posfiletype", COORDINATES, "c"),
        exchange=TensorExchange() if tensor else ScalarExchange(),
        sense=sense,
        map_multiple=asked.on("map_multiple", "f"),
        exchange_scale=asked.numbers("jij_scale", 1, (1.0,))[0],
        dm_scale=asked.numbers("dm_scale", 1, (1.0,))[0],
        lattice_constant=ANGSTROM * asked.numbers("alat", 1, (1 / ANGSTROM,))[0],
        field=asked.numbers("hfield", 3, (0.0, 0.0, 0.0)),
    )


class _Keywords:
    """Keywords, in small letters, with the words behind them and their lines; values may go on in the next lines."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.values: dict[str, list[str]] = {}
        self.lines: dict[str, int] = {}
        self.text = read_text(path).splitlines()
        for place, line in enumerate(self.text, start=1):
            words = line.split()
            if not words or words[0].startswith(COMMENTS) or number(words[0]) is not None:
                continue
            keyword = words[0].lower()
            if keyword in self.values:
                raise InvalidInput(
                    f"{self.path}, line {place}: `{keyword}` stands in line {self.lines[keyword]} already."
                )
            self.values[keyword], self.lines[keyword] = words[1:], place

    def where(self, keyword: str) -> str:
        return f"{self.path}, line {self.lines[keyword]}" if keyword in self.lines else str(self.path)

    def words(self, keyword: str, count: int, default) -> list[str]:
        """So many words behind a keyword; what follows them is a comment."""
        if keyword not in self.values:
            if default is None:
                raise InvalidInput(f"{self.path}: there is no `{keyword}`.")
            return list(default)
        found, following = list(self.values[keyword]), self.lines[keyword]
        while len(found) < count and following < len(self.text):
            more = self.text[following].split()
            following += 1
            if more and number(more[0]) is None:
                break
            found += more
        if len(found) < count:
            raise InvalidInput(f"{self.where(keyword)}: `{keyword}` needs {count} values, got {len(found)}.")
        return found[:count]

    def numbers(self, keyword: str, count: int, default, whole: bool = False) -> tuple[float, ...]:
        if keyword not in self.values and default is not None:
            return tuple(default)
        words = self.words(keyword, count, None)
        values = [number(word) for word in words]
        for word, value in zip(words, values, strict=True):
            if value is None or (whole and value != int(value)):
                kind = "a whole number" if whole else "a number"
                raise InvalidInput(f"{self.where(keyword)}: `{keyword}` must be {kind}, got {word[:40]!r}.")
        return tuple(value for value in values if value is not None)

    def one_of(self, keyword: str, known: dict, default: str):
        word = self.words(keyword, 1, (default,))[0].lower()
        if word not in known:
            choice = " or ".join(key.upper() for key in known)
            raise InvalidInput(f"{self.where(keyword)}: `{keyword}` must be {choice}, got {word[:40]!r}.")
        return known[word]

    def on(self, keyword: str, default: str = "n") -> bool:
        return self.words(keyword, 1, (default,))[0].lower() not in OFF

    def crystal(self) -> bool:
        return "anisotropy" in self.values or self.on("do_anisotropy")

    def file(self, keyword: str, default: str | None) -> Path:
        return self.path.parent / self.words(keyword, 1, None if default is None else (default,))[0]

    def refuse_what_is_not_read(self) -> None:
        for keyword in self.values:
            if keyword in NOT_READ or (keyword in NOT_READ_IF_ON and self.on(keyword)):
                raise InvalidInput(
                    f"{self.where(keyword)}: `{keyword}` changes the magnet and is not read here; leave it out, or "
                    "build that part with SpinSystem."
                )
        for keyword in ("block_size", "block_size_x", "block_size_y", "block_size_z"):
            if keyword in self.values and self.numbers(keyword, 1, None) != (1.0,):
                raise InvalidInput(
                    f"{self.where(keyword)}: `{keyword}` changes the order of the atoms; it must be 1."
                )
