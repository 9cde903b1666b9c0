"""What cannot fit is refused with its size, before it is asked for."""

import numpy as np
import pytest

import brackish as bk
from brackish import memory
from brackish.memory import in_words, number


@pytest.fixture
def small_machine(monkeypatch):
    """A gigabyte, on which nothing larger may be asked for."""
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**9)


def chain(count):
    return bk.SpinSystem(np.full(count, 0.5), bk.lattices.chain(count).bonds(1.0))


@pytest.mark.parametrize(("count", "size"), [(24, "1.61 GB"), (60, "1.10e20 bytes"), (1200, "e363 bytes")])
@pytest.mark.parametrize("theory", [bk.QuantumLLG(0.1), bk.QuantumLL(0.1)])
def test_a_quantum_magnet(small_machine, theory, count, size):
    start = bk.Directions(np.tile([1.0, 0.0, 0.0], (count, 1)))
    with pytest.raises(
        bk.InvalidInput, match=f"of rank 1 .* would take .*{size} of memory, .* 1 GB: take fewer"
    ):
        bk.simulate(chain(count), theory, start, bk.times(1.0, 2))


def test_a_mixed_state_counts_its_rank(monkeypatch):
    """Eight spins in a pure state fit in a megabyte, in a mixture of 200 states they do not."""
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**6)
    states = bk.SpinMixture(np.eye(200, 256), np.full(200, 1 / 200))
    with pytest.raises(bk.InvalidInput, match=r"state of rank 200 in 256 dimensions would take 4.92 MB"):
        bk.simulate(chain(8), bk.QuantumLLG(0.1), states, bk.times(1.0, 2))
    assert bk.QuantumLLG(0.1).resolve(chain(8), bk.SpinState(np.eye(256)[0]), None).start is not None


def test_operators_and_matrices_of_many_spins(small_machine):
    with pytest.raises(bk.InvalidInput, match=r"dimension 8192 for each of 13 spins would take 41.9 GB"):
        chain(13).spin_operators()
    with pytest.raises(bk.UnsupportedHamiltonian, match=r"dimension 1.15e18, 2.12e37 bytes; the largest"):
        chain(60).matrix()


def test_lattices_and_dipoles(small_machine):
    with pytest.raises(bk.InvalidInput, match=r"1.00e15 sites of this lattice would take 24 PB"):
        bk.lattices.cubic(10**5)
    places = bk.lattices.cubic(20).positions
    with pytest.raises(bk.InvalidInput, match=r"dipolar coupling of 31996000 pairs would take 15.4 GB"):
        bk.SpinSystem(0.5, positions=places, dipolar=True)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: bk.Grid([0, 0, 0], [1, 1, 1], [10**4] * 3),
            "1000000000000 points of this Grid would take 16 TB",
        ),
        (
            lambda: bk.PhaseSpace((-1, -1), (1, 1), 10**6),
            "1000000000000 points of this Grid would take 16 TB",
        ),
        (
            lambda: bk.SphereGrid(10**4),
            "Legendre functions of a SphereGrid of 15001 latitudes would take 162 TB",
        ),
    ],
)
def test_grids(small_machine, build, message):
    with pytest.raises(bk.InvalidInput, match=message):
        build()


def test_a_theory_of_fields_counts_its_levels(small_machine):
    """A field fits on the grid, matrices of the Hamiltonian do not."""
    grid = bk.PhaseSpace((-20, -20), (20, 20), 4096)
    start = bk.GaussianPacket(0.0, 0.0, 1.0)
    with pytest.raises(bk.InvalidInput, match=r"HybridKoopman on 16777216 nodes with 2 levels, .* 4.29 GB"):
        bk.simulate(bk.models.tully(1), bk.HybridKoopman(grid), start, bk.times(1.0, 2))


def test_limits_of_control_groups(tmp_path):
    """Of the groups around a process the strictest counts; versions 1 and 2; `max` is no limit."""
    one, two = tmp_path / "memory" / "a" / "b", tmp_path / "c" / "d"
    one.mkdir(parents=True)
    two.mkdir(parents=True)
    (tmp_path / "memory" / "a" / "memory.limit_in_bytes").write_text("3000\n")
    (one / "memory.limit_in_bytes").write_text("9000\n")
    (tmp_path / "c" / "memory.max").write_text("2000\n")
    (two / "memory.max").write_text("max\n")
    groups = tmp_path / "cgroup"
    groups.write_text("5:memory:/a/b\n3:cpuset:/\n0::/c/d\n")
    assert sorted(memory._of_control_groups(groups, tmp_path)) == [2000, 3000, 9000]
    assert list(memory._of_control_groups(tmp_path / "nothing", tmp_path)) == []
    assert 0 < memory.available_bytes() < 2**63


def test_sizes_in_words():
    assert [in_words(n) for n in (7, 16_000, 1_610_612_736, 10**15)] == [
        "7 bytes",
        "16 kB",
        "1.61 GB",
        "1 PB",
    ]
    assert [number(n) for n in (12, 2**100)] == ["12", "1.26e30"]
