"""The whole wavefunction, for those who ask for it."""

from brackish.errors import InvalidInput, UnsupportedHamiltonian
from brackish.grids import Grid
from brackish.observables.base import Observable


def wavefunction(coordinates: int = 1) -> Observable:
    """Keeps the wavefunction of `Exact` at every save: levels times the nodes of the grid, complex, diabatic basis.

    `coordinates`: how many the system has, 1 to 3. To be asked for, as
    `simulate(..., observables=(bk.observables.wavefunction(),))`: large in more than one coordinate. A theory without a
    wavefunction on a grid raises `UnsupportedHamiltonian` when the run starts.
    """
    if coordinates not in (1, 2, 3):
        raise InvalidInput(f"Argument `coordinates` of wavefunction must be 1, 2 or 3, got {coordinates}.")
    nodes = tuple(f"node_{axis}" for axis in range(coordinates))
    return Observable(
        "wavefunction",
        _wavefunction,
        ("level", *nodes),
        "bohr^(-1/2) per coordinate",
        "wavefunction at the nodes of the grid",
    )


def _wavefunction(theory, hamiltonian, y):
    if not (isinstance(getattr(theory, "box", None), Grid) and hasattr(y, "psi")):
        raise UnsupportedHamiltonian(
            f"{type(theory).__name__} has no wavefunction on a grid to keep; Exact has."
        )
    return y.psi
