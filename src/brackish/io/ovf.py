"""Vector files of OOMMF, OVF 2.0, as micromagnetic and atomistic programs exchange them: text, or binary doubles.

Format: OOMMF User's Guide, "Vector Field File Format (OVF)". Binary values are little-endian and begin with a number
that tells the byte order.
"""

import hashlib
from pathlib import Path

import numpy as np

from brackish.columns import number, rows
from brackish.errors import InvalidInput, shortened
from brackish.io.files import replacing

MARK = b"\xef\xbb\xbf"
"""A byte order mark, which some editors put before a text."""
CHECK = 123456789012345.0
"""The first of the binary numbers."""
CONVENTION = (
    "mean spins over their lengths (Bloch vectors of spins 1/2); the moment g mu_B S is parallel for g > 0",
    "energy: sum over bonds, each once, of -J Si.Sj + D.(Si x Sj), J > 0 ferromagnetic; field -g mu_B B.S",
)
SEGMENTS = b"# Segment count: 1"
DIGEST = b" ## SHA-256 of the rest: "
"""What `write_ovf` writes behind that line, in a comment."""
EVEN = 1e-6
"""Steps between the planes of a rectangular mesh may differ by this part of themselves."""


def write_ovf(
    vectors,
    path: str | Path,
    positions,
    *,
    binary: bool = True,
    title: str = "spins",
    length_unit: str = "angstrom",
) -> None:
    """Write one vector for each spin, as `dataset.spin_direction.isel(time=-1)`, to an OVF 2.0 file.

    `vectors`, `positions`: (spins, 3). The mesh is rectangular where the positions are a full rectangular grid, which
    most programs ask for, else irregular (each vector with its place). `binary`: 8-byte numbers, else text with all
    digits. The header says what the vectors are and how signs and bonds are counted.

    Raises `InvalidInput` for arrays that do not fit, and where nothing can be written.
    """
    values, places = (_three(name, value) for name, value in (("vectors", vectors), ("positions", positions)))
    if len(values) != len(places):
        raise InvalidInput(f"There are {len(values)} vectors and {len(places)} positions.")
    if "\n" in title or "\n" in length_unit:
        raise InvalidInput("Title and unit of an OVF file are one line each.")
    axes = _axes(places)
    low, high = places.min(axis=0), places.max(axis=0)
    if axes is None:
        mesh = {"meshtype": "irregular", "pointcount": len(places)}
        step, margin, data = np.ones(3), np.zeros(3), np.concatenate([places, values], axis=1)
    else:
        nodes = [len(axis) for axis in axes]
        steps = [axis[1] - axis[0] if len(axis) > 1 else np.nan for axis in axes]
        step = np.where(np.isnan(steps), np.nanmin([*steps, 1.0 if len(places) == 1 else np.inf]), steps)
        mesh = {"meshtype": "rectangular"}
        mesh |= {f"{x}base": float(axis[0]) for x, axis in zip("xyz", axes, strict=True)}
        mesh |= {f"{x}nodes": count for x, count in zip("xyz", nodes, strict=True)}
        mesh |= {f"{x}stepsize": float(size) for x, size in zip("xyz", step, strict=True)}
        # x varies fastest
        margin, data = 0.5 * step, values[np.lexsort(np.rint((places - low) / step).T)]
    box = {f"{x}min": float(value) for x, value in zip("xyz", low - margin, strict=True)}
    box |= {f"{x}max": float(value) for x, value in zip("xyz", high + margin, strict=True)}
    kind = "binary 8" if binary else "text"
    header = {"Title": title, "meshunit": length_unit, "valueunits": "1 1 1", "valuedim": 3}
    header |= {"valuelabels": "n_x n_y n_z", **box, **mesh}
    lines = ["# OOMMF OVF 2.0", "# Segment count: 1", "# Begin: Segment", "# Begin: Header"]
    lines += [f"# {key}: {value}" for key, value in header.items()]
    lines += [f"# Desc: {line}" for line in CONVENTION]
    lines += ["# End: Header", f"# Begin: Data {kind}", ""]
    body = np.array([CHECK, *data.ravel()], dtype="<f8").tobytes() if binary else _text(data).encode()
    end = f"\n# End: Data {kind}\n# End: Segment\n"
    content = "\n".join(lines).encode() + body + end.encode()
    first, rest = content.split(SEGMENTS, 1)
    with replacing(path) as scratch:
        scratch.write_bytes(first + SEGMENTS + DIGEST + _digest(content) + rest)


def read_ovf(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """The vectors and the positions of an OVF 2.0 file, each (spins, 3): text, or binary of 4 or 8 bytes.

    Raises `InvalidInput`, naming the file and, in its text, the line, for what is no such file.
    """
    path = Path(path)
    try:
        raw = path.read_bytes().removeprefix(MARK)
    except OSError as error:
        raise InvalidInput(f"Cannot read {path}: {error.strerror or error}.") from error
    header, kind, start, line = _header(path, raw)
    if _whole(path, header, "valuedim") != 3:
        raise InvalidInput(f"{path}: the file has no vectors of three components.")
    irregular = header.get("meshtype") == "irregular"
    nodes = [] if irregular else [_whole(path, header, f"{x}nodes") for x in "xyz"]
    count = _whole(path, header, "pointcount") if irregular else int(np.prod(nodes))
    width = 6 if irregular else 3
    read = _read_text if kind == "text" else _read_binary
    data = read(path, raw[start:], kind, count, width, line)
    if irregular:
        _check_digest(path, raw)
        return data[:, 3:], data[:, :3]
    x, y, z = (
        _real(path, header, f"{x}base") + _real(path, header, f"{x}stepsize") * np.arange(size)
        for x, size in zip("xyz", nodes, strict=True)
    )
    _check_digest(path, raw)
    places = np.stack(np.meshgrid(z, y, x, indexing="ij")[::-1], axis=-1).reshape(-1, 3)
    return data, places


def _three(name: str, value) -> np.ndarray:
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput(
            f"Argument `{name}` must be numbers of shape (spins, 3), got {shortened(value)}."
        ) from None
    if array.ndim != 2 or array.shape[1] != 3 or not array.size or not np.all(np.isfinite(array)):
        raise InvalidInput(f"Argument `{name}` must be finite, of shape (spins, 3), got {array.shape}.")
    return array


def _axes(places: np.ndarray) -> list[np.ndarray] | None:
    """The planes of a full rectangular grid along x, y and z; None if the places are none."""
    size = max(float(np.ptp(places, axis=0).max()), 1e-300)
    axes = []
    for column in places.T:
        ordered = np.sort(column)
        planes = ordered[np.diff(ordered, prepend=-np.inf) > EVEN * size]
        steps = np.diff(planes)
        if len(steps) and np.ptp(steps) > EVEN * size:
            return None
        axes.append(planes)
    if np.prod([len(axis) for axis in axes]) != len(places):
        return None
    numbers = np.stack(
        [
            np.argmin(np.abs(column[:, None] - axis), axis=1)
            for column, axis in zip(places.T, axes, strict=True)
        ]
    )
    return axes if len(np.unique(numbers, axis=1).T) == len(places) else None


def _text(data: np.ndarray) -> str:
    return "\n".join(" ".join(repr(float(value)) for value in row) for row in data)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _check_digest(path: Path, raw: bytes) -> None:
    """Raise `InvalidInput` for a file of ours that is not what was written; those of other programs have no digest."""
    first, mark, rest = raw.partition(SEGMENTS + DIGEST)
    digest, _, others = rest.partition(b"\n")
    if mark and digest != _digest(first + SEGMENTS + b"\n" + others):
        raise InvalidInput(f"{path} is damaged: it is not what was written.")


def _header(path: Path, raw: bytes) -> tuple[dict[str, str], str, int, int]:
    """Labels and values, how the data are written, where they begin, and on which line."""
    found: dict[str, str] = {}
    start, number = 0, 0
    while start < len(raw):
        end = raw.find(b"\n", start)
        end = len(raw) if end < 0 else end
        number += 1
        text = raw[start:end].decode("latin-1").strip()
        start = end + 1
        if number == 1 and text.lower() not in ("# oommf ovf 2.0", "# oommf: ovf 2.0"):
            raise InvalidInput(f"{path}, line 1: this is no OVF 2.0 file.")
        if not text.startswith("#"):
            raise InvalidInput(f"{path}, line {number}: expected a line of the header, got {text[:40]!r}.")
        label, _, value = text.lstrip("#").split("##")[0].partition(":")
        label, value = "".join(label.lower().split()), value.strip()
        if label == "begin" and value.lower().startswith("data"):
            kind = " ".join(value.lower().split()[1:])
            if kind not in ("text", "binary 4", "binary 8"):
                raise InvalidInput(
                    f"{path}, line {number}: data are text, binary 4 or binary 8, got {kind!r}."
                )
            return found, kind, start, number
        found[label] = value if label in ("title", "desc") else value.lower()
    raise InvalidInput(f"{path}: the file has no data.")


def _whole(path: Path, header: dict[str, str], label: str) -> int:
    value = header.get(label, "")
    if not (value.isascii() and value.isdigit() and int(value) >= 1):
        raise InvalidInput(f"{path}: `{label}` must be a whole number, got {value or 'nothing'}.")
    return int(value)


def _real(path: Path, header: dict[str, str], label: str) -> float:
    value = number(header.get(label, ""))
    if value is None:
        raise InvalidInput(f"{path}: `{label}` must be a number, got {header.get(label) or 'nothing'}.")
    return value


def _read_text(path: Path, raw: bytes, kind: str, count: int, width: int, line: int) -> np.ndarray:
    lines = []
    for text in raw.decode("latin-1").split("\n"):
        if text.strip().startswith("#") and not text.strip().startswith("##"):
            break
        lines.append(text)
    what = "a vector" if width == 3 else "a place and a vector"
    found = [
        row.numbers
        for row in rows(lines, str(path), (width,), columns=what, comments=("##",), first=line + 1)
    ]
    if len(found) != count:
        raise InvalidInput(
            f"{path}, line {line + len(lines) + 1}: expected {count * width} numbers up to here, got "
            f"{len(found) * width}."
        )
    return np.array(found)


def _read_binary(path: Path, raw: bytes, kind: str, count: int, width: int, line: int) -> np.ndarray:
    bytes_each, size = int(kind[-1]), count * width
    if len(raw) < bytes_each * (size + 1):
        raise InvalidInput(f"{path}: expected {size} binary numbers, but the file ends before.")
    end = raw[bytes_each * (size + 1) :].lstrip()
    if end and not end.startswith(b"#"):
        raise InvalidInput(
            f"{path}: there is more behind the {size} binary numbers than the end of the data."
        )
    data = np.frombuffer(raw, dtype=f"<f{bytes_each}", count=size + 1)
    if data[0] != (CHECK if bytes_each == 8 else 1234567.0):
        raise InvalidInput(f"{path}: the binary numbers begin with {data[0]:g}; the file is damaged.")
    if not np.all(np.isfinite(data)):
        raise InvalidInput(f"{path}: number {int(np.argmin(np.isfinite(data)))} of the data is not finite.")
    return data[1:].astype(float).reshape(count, width)
