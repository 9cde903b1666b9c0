"""The pages are true: their Python runs, their TOML is accepted, and they name what there is."""

import contextlib
import functools
import re
import runpy
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import brackish as bk
from brackish.run import catalogue, config

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
RUN = [
    page for page in PAGES if page.read_text().startswith("<!-- the Python of this page is run by tests/docs")
]
README = ROOT / "README.md"


def name_of(page: Path) -> str:
    """The path of a page in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def as_script(page: Path, folder: Path) -> Path:
    """All Python of a page, pasted into one file."""
    script = folder / f"{page.stem.replace('-', '_').lower()}.py"
    script.write_text("\n\n".join(blocks(page, "python")))
    return script


def test_there_are_pages_that_run():
    assert {"add-a-theory", "own-hamiltonian", "start"} <= {page.stem for page in RUN}


@pytest.fixture(scope="module")
def run_page(tmp_path_factory):
    """Runs a page, once, in a folder of its own; returns the names that it has made."""

    @functools.cache
    def run(page: Path) -> dict[str, object]:
        folder = tmp_path_factory.mktemp(page.stem)
        with contextlib.chdir(folder):
            return runpy.run_path(str(as_script(page, folder)))

    return run


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_the_python_of_a_page_runs(page, run_page):
    assert run_page(page)


def test_the_readme_runs_as_a_stranger_pastes_it(tmp_path):
    """In an interpreter of its own, without anything that the tests set."""
    script = as_script(README, tmp_path)
    done = subprocess.run(
        [sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert [path.suffix for path in tmp_path.iterdir() if path != script] == [".png"]


@pytest.mark.parametrize(
    ("page", "text"),
    [(page, text) for page in [README, *PAGES] for text in blocks(page, "toml")],
    ids=lambda value: name_of(value) if isinstance(value, Path) else "",
)
def test_the_toml_of_a_page_is_accepted(page, text):
    assert config.parse(text, name_of(page)).theories


class TestTheTheoryOfAddATheory:
    """What the page claims of a theory that was defined there and registered nowhere."""

    @pytest.fixture
    def theory(self, run_page):
        return run_page(ROOT / "docs" / "add-a-theory.md")["DiagonalClassical"]()

    def run(self, theory, **options):
        """A few hundred trajectories on a harmonic level with a second, coupled one beside it."""

        def matrix(q):
            return jnp.array([[0.005 * q[0] ** 2, 0.001], [0.001, 0.02]])

        system = bk.hamiltonian(matrix, masses=[100.0], step=1.0)
        packet = bk.GaussianPacket(position=1.0, momentum=0.0, width=0.7, state=0)
        options = {"trajectories": 520, "seed": 3, **options}
        return bk.simulate(system, theory, packet, options.pop("times", bk.times(300.0, 10)), **options)

    def test_many_blocks_have_means_and_standard_errors(self, theory):
        result = self.run(theory)
        error = result.position_standard_error.values[:, 0]
        # the oscillator: <q> = cos(w t), with a spread that its 520 samples know to one part in thirty
        expected = np.cos(0.01 * result.time.values)
        assert np.all(np.abs(result.position.values[:, 0] - expected) < 4 * error + 1e-4)
        spread = result.position_spread.values[:, 0]
        assert np.allclose(error, spread / np.sqrt(519), rtol=1e-10)
        assert int(result.attrs["trajectories"]) == 520

    @pytest.mark.parametrize("options", [{"workers": 2}, {"chunk": 512, "workers": 2}])
    def test_no_way_of_sharing_the_work_changes_a_bit(self, theory, options):
        assert self.run(theory, workers=1, chunk=256).equals(self.run(theory, **options))

    def test_a_stopped_run_goes_on_to_the_same_result(self, theory, tmp_path):
        whole = self.run(theory)
        store = tmp_path / "run.zarr"

        def interrupt_after_a_while():
            raise KeyboardInterrupt

        calls = iter(range(100))

        def watch(title, total, done):
            return lambda done: interrupt_after_a_while() if next(calls) == 1 else None

        with pytest.raises(KeyboardInterrupt):
            self.run(theory, store=store, workers=1, progress=watch)
        resumed = self.run(theory, store=store, resume=True)
        assert resumed.equals(whole)

    def test_velocity_verlet_is_of_second_order(self, theory):
        exact = self.run(theory, times=bk.times(300.0, 1, step=0.25))
        errors = [
            float(abs(self.run(theory, times=bk.times(300.0, 1, step=step)).position - exact.position).max())
            for step in (20.0, 10.0)
        ]
        assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)

    def test_it_refuses_by_name_what_it_cannot_do(self, theory):
        spins = bk.hamiltonian(
            lambda n: jnp.array([[n[0, 2], 0.1], [0.1, -n[0, 2]]]), manifold=bk.Spheres(2), step=0.1
        )
        with pytest.raises(bk.UnsupportedHamiltonian) as refused:
            bk.simulate(spins, theory, bk.UniformDirections(), bk.times(1.0, 1))
        assert str(refused.value) == "DiagonalClassical needs a canonical manifold, got Spheres(2)."


def text_of(page: str) -> str:
    """A page of the documentation."""
    return (ROOT / "docs" / page).read_text()


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("choose.md", catalogue.named_theories),
        ("models.md", catalogue.named_models),
        ("start.md", catalogue.named_preparations),
        ("running.md", catalogue.named_integrators),
    ],
)
def test_a_page_names_all_there_is(page, names):
    missing = [name for name in names() if f"`{name}" not in text_of(page)]
    assert not missing, f"docs/{page} does not mention {', '.join(missing)}"


def test_every_theory_has_a_page_or_a_section_of_one():
    """A page is named after its theory, or has a heading for each of several: ## `Name`."""
    pages = {
        page.stem.replace("-", ""): re.findall(r"^##+ `(\w+)`", page.read_text(), re.MULTILINE)
        for page in (ROOT / "docs" / "theories").glob("*.md")
    }
    described = {name for stem, names in pages.items() for name in (names or [stem])}
    assert {name.lower() for name in catalogue.named_theories()} == {name.lower() for name in described}


def test_pictures_are_modest_and_used():
    everything = "".join(page.read_text() for page in [README, *PAGES])
    for picture in (ROOT / "docs" / "pictures").iterdir():
        assert picture.stat().st_size < 200_000, picture.name
        assert f"pictures/{picture.name}" in everything, f"{picture.name} is on no page"
