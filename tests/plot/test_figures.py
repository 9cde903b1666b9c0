"""Figures on small datasets made by hand: what is drawn, in which colours, and what is refused."""

import itertools
import json

import matplotlib.colors
import numpy as np
import pytest
import xarray
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.text import Text

from brackish import plot
from brackish.errors import InvalidInput
from brackish.plot.reading import in_words, runs_of, subtitle_of, title_of
from brackish.plot.style import COLOURS, colours_of, spread_apart

SAVES, TRAJECTORIES, POINTS = 21, 5, 33


def dataset(theories=("Exact", "Ehrenfest", "SurfaceHopping"), levels=2, adiabatic=True):
    """As `compare` returns it: Exact has no errors and no trajectories, MeanField unknown errors."""
    time = np.linspace(0.0, 200.0, SAVES)
    random = np.random.default_rng(3)
    results = [one_theory(name, time, levels, random) for name in theories]
    index = xarray.DataArray(list(theories), dims="theory", name="theory")
    together = xarray.concat(
        results, index, join="outer", data_vars="all", coords="minimal", compat="override"
    )
    together.attrs = {
        "hamiltonian": json.dumps({"type": "SimpleAvoidedCrossing", "levels": levels}),
        "preparation": json.dumps(
            {
                "type": "GaussianPacket",
                "position": [-8.0],
                "state": {"type": "Adiabatic" if adiabatic else "Diabatic", "level": 0},
            }
        ),
        "trajectories": "0\n500\n500",
    }
    return together


def one_theory(name, time, levels, random):
    fall = 0.5 * (1 + np.cos(time / 100))
    share = np.concatenate(
        [fall[:, None], np.repeat((1 - fall)[:, None], levels - 1, axis=1) / (levels - 1)], axis=1
    )
    share = 0.98 * share + 0.02 * random.dirichlet(np.ones(levels), SAVES)
    values = {
        "population": (("time", "level"), share),
        "adiabatic_population": (("time", "level"), share[:, ::-1]),
        "purity": (("time",), np.sum(share**2, axis=1)),
        "coherence": (("time",), 0.4 * np.sin(time / 100) ** 2),
        "position": (("time", "coordinate"), -8 + 0.1 * time[:, None]),
        "momentum": (("time", "coordinate"), 20 - 0.01 * time[:, None]),
        "position_spread": (("time", "coordinate"), np.full((SAVES, 1), 0.5)),
        "energy": (("time",), np.full(SAVES, 0.1)),
    }
    error = {"Exact": 0.0, "MeanField": np.nan}.get(name, 0.02)
    values |= {f"{key}_standard_error": (dims, np.full(v.shape, error)) for key, (dims, v) in values.items()}
    where = np.linspace(-9.0, 12.0, POINTS)
    curve = 0.01 * np.tanh(where)[:, None] * np.linspace(-1, 1, levels)
    values["potential_position"] = (("point",), where)
    values["diabatic_energy"] = (("point", "level", "level_"), curve[:, :, None] * np.eye(levels))
    values["adiabatic_energy"] = (("point", "level"), np.sort(curve, axis=1))
    if name != "Exact":
        start = random.normal(size=(TRAJECTORIES, 1, 1))
        path = ("trajectory", "time", "followed_coordinate")
        values["trajectory_position"] = (path, -8 + start + 0.1 * time[None, :, None])
        values["trajectory_momentum"] = (path, 20 + start - 0.01 * time[None, :, None])
        values["trajectory_population"] = (
            ("trajectory", "time", "level"),
            np.broadcast_to(share, (TRAJECTORIES, SAVES, levels)),
        )
    return xarray.Dataset(values, {"time": time})


FIGURES = {
    "motion": plot.motion,
    "populations": plot.populations,
    "coherence": plot.coherence,
    "phase_space": plot.phase_space,
    "cloud": plot.cloud,
    "potentials": plot.potentials,
    "compare": plot.compare,
}


def bands(axes):
    return [found for found in axes.collections if isinstance(found, PolyCollection)]


def labels(axes):
    return [text.get_text() for text in axes.texts]


def ink(line):
    return matplotlib.colors.to_hex(line.get_color()).upper()


@pytest.fixture(scope="module")
def full():
    return dataset()


def test_populations_draw_a_panel_a_level_and_a_line_a_theory(full):
    panels = plot.populations(full).axes
    assert len(panels) == 2
    for level, axes in enumerate(panels):
        assert [ink(line) for line in axes.lines] == [
            COLOURS[n] for n in ("Exact", "Ehrenfest", "SurfaceHopping")
        ]
        for number, line in enumerate(axes.lines):
            np.testing.assert_array_equal(line.get_ydata(), full.adiabatic_population[number, :, level])
    assert labels(panels[0]) == []
    assert sorted(labels(panels[1])) == ["Ehrenfest", "Exact", "Surface hopping"]


@pytest.mark.parametrize("asked", [True, False, None])
def test_populations_follow_the_preparation_unless_told(asked):
    for prepared in (True, False):
        axes = plot.populations(dataset(adiabatic=prepared), adiabatic=asked).axes[0]
        adiabatic = prepared if asked is None else asked
        assert axes.get_ylabel() == ("adiabatic population" if adiabatic else "diabatic population")


def test_populations_of_many_levels_show_those_that_are_populated_most():
    many = dataset(("Ehrenfest",), levels=12)
    many["population"][{"level": [3, 7, 11]}] = 0.0
    figure = plot.populations(many, adiabatic=False)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        f"level {k}" for k in (0, 1, 2, 4, 5, 6, 8, 9, 10)
    ]


def test_the_exact_line_is_black_everywhere(full):
    for draw in (plot.populations, plot.coherence, plot.compare):
        lines = [line for axes in draw(full).axes for line in axes.lines if line.get_linewidth() > 2]
        assert lines
        assert {ink(line) for line in lines} == {"#000000"}


@pytest.mark.parametrize(
    ("theory", "count"), [("Exact", 0), ("MeanField", 0), ("Ehrenfest", 1), ("SurfaceHopping 2", 1)]
)
def test_bands_are_drawn_where_errors_are_known_and_not_zero(theory, count):
    one = dataset((theory,))
    for draw in (plot.populations, plot.coherence):
        assert [len(bands(axes)) for axes in draw(one).axes] == [count, count]
    assert ("bands" in subtitle_of(one, runs_of(one), "purity")) == bool(count)


def test_a_band_reaches_one_standard_error_to_each_side():
    one = dataset(("Ehrenfest",))
    (band,) = bands(plot.coherence(one).axes[0])
    heights = np.concatenate([path.vertices[:, 1] for path in band.get_paths()])
    assert heights.max() == pytest.approx(float(one.purity.max()) + 0.02)
    assert heights.min() == pytest.approx(float(one.purity.min()) - 0.02)


def test_partly_unknown_errors_leave_the_rest_of_the_band():
    one = dataset(("Ehrenfest",))
    one["purity_standard_error"][{"time": slice(0, 5)}] = np.nan
    (band,) = bands(plot.coherence(one).axes[0])
    starts = np.concatenate([path.vertices[:, 0] for path in band.get_paths()])
    assert starts.min() == one.time[5]


def test_coherence_draws_purity_above_coherence(full):
    upper, lower = plot.coherence(full).axes
    np.testing.assert_array_equal(upper.lines[0].get_ydata(), full.purity[0])
    np.testing.assert_array_equal(lower.lines[1].get_ydata(), full.coherence[1])
    assert len(upper.lines) == len(lower.lines) == 3


def test_phase_space_has_a_panel_for_each_theory_with_trajectories(full):
    *panels, bar = plot.phase_space(full).axes
    assert [axes.get_title(loc="left") for axes in panels] == ["Ehrenfest", "Surface hopping"]
    for axes in panels:
        (drawn,) = [found for found in axes.collections if isinstance(found, LineCollection)]
        assert len(drawn.get_segments()) == TRAJECTORIES * (SAVES - 1)
        starts, ends = axes.lines
        assert len(starts.get_xdata()) == len(ends.get_xdata()) == TRAJECTORIES
    assert bar.get_ylabel() == "diabatic population of level 0"


def test_phase_space_follows_adiabatic_populations_where_they_are_kept(full):
    kept = full.assign(trajectory_adiabatic_population=full.trajectory_population[..., ::-1])
    assert plot.phase_space(kept).axes[-1].get_ylabel() == "adiabatic population of level 1"


def test_phase_space_of_several_coordinates_shows_the_one_that_moves_most(full):
    moving = full.trajectory_position.values
    several = full.drop_dims("followed_coordinate")
    path = ("theory", "trajectory", "time", "followed_coordinate")
    for name, still in (("trajectory_position", 100.0), ("trajectory_momentum", 1.0)):
        start = still * np.arange(TRAJECTORIES)[None, :, None, None]
        several[name] = (path, np.concatenate([start + 0 * moving, moving], axis=-1))
    axes = plot.phase_space(several).axes[0]
    assert axes.get_xlabel() == "position of coordinate 1 (bohr)"
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), moving[1, :, 0, 0])


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_potentials_draw_both_kinds_of_curves(levels):
    (axes,) = plot.potentials(dataset(levels=levels)).axes
    curves = [line for line in axes.lines if len(line.get_xdata()) == POINTS]
    assert len(curves) == 2 * levels
    named = [f"{kind} {level}" for kind in ("adiabatic", "diabatic") for level in range(levels)]
    assert set(named) <= set(labels(axes))


@pytest.mark.parametrize(
    ("energy", "lines", "words"), [(0.012, 1, "hartree"), (0.1, 0, "above"), (-0.1, 0, "below")]
)
def test_the_mean_energy_is_a_line_or_words(full, energy, lines, words):
    (axes,) = plot.potentials(full.assign(energy=0 * full.energy + energy)).axes
    assert len([line for line in axes.lines if len(line.get_xdata()) == 2]) == lines
    assert any(text.startswith("mean energy") and words in text for text in labels(axes))
    low, high = axes.get_ylim()
    assert high - low < 0.06


def test_potentials_take_the_widest_of_the_stretches_where_trajectories_were(full):
    wide = full.copy(deep=True)
    wide["potential_position"][{"theory": 0}] *= 10
    wide["potential_position"][{"theory": 2}] *= 2
    (axes,) = plot.potentials(wide).axes
    assert axes.get_xlim() == (-18.0, 24.0)


def test_compare_of_two_levels(full):
    figure = plot.compare(full)
    names = [axes.get_ylabel() for axes in figure.axes]
    assert names == [
        "population of adiabatic level 1",
        "energy (hartree)",
        "purity Tr ρ²",
        "coherence",
        "mean momentum (ħ/bohr)",
    ]
    texts = [text.get_text() for text in figure.texts]
    assert texts[0] == "Simple avoided crossing"
    assert "500 trajectories" in texts[1]


def test_compare_of_three_levels_has_a_panel_each():
    figure = plot.compare(dataset(levels=3))
    assert len(figure.axes) == 7
    assert sum("level 1" in labels(axes) for axes in figure.axes) == 1


def test_compare_without_curves_gives_purity_and_coherence_their_places(full):
    figure = plot.compare(full.drop_vars("potential_position"))
    assert "energy (hartree)" not in [axes.get_ylabel() for axes in figure.axes]
    assert len(figure.axes) == 4


def test_compare_of_spins_shows_the_component_that_turns_most(full):
    spins = full.drop_vars([name for name in full if "position" in name or "momentum" in name])
    direction = np.zeros((3, SAVES, 2, 3))
    direction[..., 1, 2] = np.linspace(0, 1, SAVES)
    spins["spin_direction"] = (("theory", "time", "spin", "axis"), direction)
    assert "z component of spin 1" in [axes.get_ylabel() for axes in plot.compare(spins).axes]


def test_compare_of_several_coordinates_names_the_one_that_moves_most(full):
    several = full.drop_dims("coordinate").drop_vars("potential_position")
    momentum = np.zeros((3, SAVES, 3))
    momentum[..., 2] = np.linspace(0, 1, SAVES)
    several["momentum"] = (("theory", "time", "coordinate"), momentum)
    several["momentum_standard_error"] = (("theory", "time", "coordinate"), 0.1 * np.ones_like(momentum))
    assert "mean momentum of coordinate 2 (ħ/bohr)" in [
        axes.get_ylabel() for axes in plot.compare(several).axes
    ]


def test_compare_of_a_bath_shows_the_other_populations(full):
    bath = full.drop_dims("coordinate").drop_vars("potential_position")
    bath["momentum"] = (("theory", "time", "coordinate"), np.zeros((3, SAVES, 40)))
    assert "population of diabatic level 0" in [axes.get_ylabel() for axes in plot.compare(bath).axes]


def test_long_subtitles_stay_within_the_figure(full):
    figure = plot.potentials(full.assign_attrs(preparation=json.dumps({"type": "ThermalBath" * 12})))
    figure.canvas.draw()
    box = figure.texts[1].get_window_extent()
    assert box.x1 <= figure.bbox.width


LONG = ("SurfaceHopping with the decoherence of Granucci and Persico, parameter 0.1 hartree", "Exact")


def ends_within(figure, text):
    renderer = figure.canvas.get_renderer()
    box = text.get_window_extent(renderer)
    return box.x0 >= 0 and box.x1 <= figure.get_size_inches()[0] * figure.dpi


@pytest.mark.parametrize("name", sorted(set(FIGURES) - {"phase_space"}))
def test_nothing_is_cut_off_at_the_right_edge(name):
    """Names of two variants of a theory are as long as their options."""
    figure = FIGURES[name](dataset(LONG))
    figure.canvas.draw()  # names of axes find their places
    shown = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert len(shown) > 5
    assert all(ends_within(figure, text) for text in shown), [
        text.get_text() for text in shown if not ends_within(figure, text)
    ]


def test_long_names_end_before_the_next_panel():
    figure = plot.compare(dataset(LONG))
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    ends = max(
        text.get_window_extent(renderer).x1
        for text in figure.axes[0].texts
        if text.get_text() in map(in_words, LONG)
    )
    beside = [axes for axes in figure.axes if axes.get_position().x0 > 0.5]
    assert beside
    assert ends < min(axes.get_tightbbox(renderer).x0 for axes in beside)


def test_models_in_units_of_their_own_have_no_femtoseconds(full):
    own = full.copy()
    own["time"] = own["time"].assign_attrs(units="hbar/hartree", reduced_units=1)
    atomic = full.copy()
    atomic["time"] = atomic["time"].assign_attrs(units="hbar/hartree")
    for name in ("compare", "coherence", "populations", "motion"):
        words = {
            key: {text.get_text() for text in FIGURES[name](data).findobj(Text)}
            for key, data in (("own", own), ("atomic", atomic))
        }
        assert "time (fs)" not in words["own"]
        assert "time (ħ / unit of energy)" in words["own"]
        assert "time (atomic units)" in words["atomic"]
        assert ("time (fs)" in words["atomic"]) == (name in ("compare", "coherence"))


def test_compare_needs_no_more_than_populations(full):
    bare = full[["population"]]
    figure = plot.compare(bare)
    assert [axes.get_ylabel() for axes in figure.axes] == ["population of diabatic level 0"]


@pytest.mark.parametrize("name", FIGURES)
def test_one_theory_alone_is_drawn_and_named(name, full):
    alone = full.isel(theory=1, drop=True)
    alone.attrs = {**full.attrs, "theory": json.dumps({"type": "Ehrenfest"})}
    figure = FIGURES[name](alone)
    drawn = {ink(line) for axes in figure.axes for line in axes.lines}
    assert drawn or any(axes.collections for axes in figure.axes)
    if name in ("populations", "coherence", "compare"):
        assert COLOURS["Ehrenfest"] in drawn


@pytest.mark.parametrize("name", FIGURES)
def test_figures_without_any_attributes_are_drawn(name, full):
    bare = full.copy()
    bare.attrs = {}
    FIGURES[name](bare).canvas.draw()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_draws_into_a_file_and_prints_nothing(name, full, tmp_path, capsys):
    path = tmp_path / "figure.png"
    plot.save(FIGURES[name](full), path)
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert capsys.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == [path]


MISSING = [
    ("populations", "population"),
    ("compare", "population"),
    ("coherence", "purity"),
    ("coherence", "coherence"),
    ("phase_space", "trajectory_position"),
    ("phase_space", "trajectory_momentum"),
    ("phase_space", "trajectory_population"),
    ("potentials", "potential_position"),
    ("potentials", "diabatic_energy"),
    ("potentials", "adiabatic_energy"),
]


@pytest.mark.parametrize(("name", "variable"), MISSING)
def test_what_is_missing_is_named_in_one_line(name, variable, full):
    without = dataset(adiabatic=False).drop_vars(variable)
    with pytest.raises(InvalidInput, match=f"'{variable}'.*lacks") as caught:
        FIGURES[name](without)
    assert "\n" not in str(caught.value)


def test_a_variable_without_numbers_is_named(full):
    with pytest.raises(InvalidInput, match=r"'purity'.*no numbers"):
        plot.coherence(full.assign(purity=full.purity * np.nan))


def test_what_was_asked_for_is_not_replaced_silently(full):
    with pytest.raises(InvalidInput, match="'adiabatic_population'"):
        plot.populations(full.drop_vars("adiabatic_population"), adiabatic=True)


@pytest.mark.parametrize("wrong", [None, 3, {"population": 1}])
def test_what_is_no_dataset_is_refused(wrong):
    with pytest.raises(InvalidInput, match=r"xarray\.Dataset"):
        plot.compare(wrong)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing/figure.png", "No such file"),
        ("figure", "must end in"),
        ("figure.nonsense", "must end in"),
        ("folder.png", "folder"),
    ],
)
def test_an_unwritable_path_is_refused_and_nothing_is_left(name, words, full, tmp_path):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InvalidInput, match=words) as caught:
        plot.save(plot.potentials(full), tmp_path / name)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.rglob("*")] == ["folder.png"]


def test_a_failed_write_leaves_the_old_figure(full, tmp_path, monkeypatch):
    path = tmp_path / "figure.svg"
    path.write_text("old")
    figure = plot.potentials(full)

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure, "savefig", full_disk)
    with pytest.raises(InvalidInput, match="No space left"):
        plot.save(figure, path)
    assert path.read_text() == "old"


def test_notebooks_show_a_figure(full):
    assert plot.potentials(full)._repr_png_().startswith(b"\x89PNG")


def test_theories_keep_their_colours_and_variants_their_hue():
    few, many = (
        dataset(("SurfaceHopping",)),
        dataset(("Exact", "Classical", "SurfaceHopping", "SurfaceHopping 2")),
    )
    chosen = colours_of(runs_of(many))
    assert (
        colours_of(runs_of(few))["SurfaceHopping"] == chosen["SurfaceHopping"] == chosen["SurfaceHopping 2"]
    )
    assert len({chosen[name] for name in ("Exact", "Classical", "SurfaceHopping")}) == 3
    first, second = plot.coherence(many).axes[0].lines[2:]
    assert first.get_linestyle() != second.get_linestyle()


def test_unknown_theories_do_not_share_a_colour_while_there_are_enough():
    names = tuple(f"{letter}Theory" for letter in "ABCDEF")
    assert len(set(colours_of(runs_of(dataset(names))).values())) == len(names)


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ([], []),
        ([0.5], [0.5]),
        ([0.1, 0.9], [0.1, 0.9]),
        ([0.5, 0.5], [0.45, 0.55]),
        ([0.5, 0.52, 0.56], [0.4266667, 0.5266667, 0.6266667]),
        ([0.0, 0.01, 0.8], [0.0, 0.1, 0.8]),
        ([0.98, 1.0, 1.0], [0.8, 0.9, 1.0]),
        ([0.5] * 13, np.linspace(-0.1, 1.1, 13)),
    ],
)
def test_labels_are_moved_apart_no_further_than_needed(wanted, places):
    np.testing.assert_allclose(spread_apart(np.array(wanted), 0.1), places, atol=1e-6)


def test_labels_do_not_overlap():
    crowd = dataset(("Exact", "Ehrenfest", "MeanField", "SurfaceHopping", "BornOppenheimer", "Other"))
    figure = plot.compare(crowd)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = sorted(
        (Text.get_window_extent(text, renderer) for text in figure.axes[0].texts), key=lambda box: box.y0
    )
    assert len(boxes) == 6
    assert all(lower.y1 <= upper.y0 for lower, upper in itertools.pairwise(boxes))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SurfaceHopping 2", "Surface hopping 2"),
        ("BornOppenheimer", "Born–Oppenheimer"),
        ("NewnsAnderson", "Newns–Anderson"),
        ("JahnTeller", "Jahn–Teller"),
        ("HybridKoopman", "Hybrid Koopman"),
        ("KoopmanVanHove 2", "Koopman–van Hove 2"),
        ("shin_metiu", "Shin metiu"),
        ("ShinMetiu", "Shin–Metiu"),
        ("Exact", "Exact"),
    ],
)
def test_names_become_words(name, words):
    assert in_words(name) == words


@pytest.mark.parametrize(
    ("description", "title"),
    [
        ({"type": "SpinBoson"}, "Spin boson"),
        (
            {
                "type": "SeparableFunctionHamiltonian",
                "coupling_function": {"function": "test.<locals>.my_crossing"},
            },
            "My crossing",
        ),
        (
            {"type": "FunctionHamiltonian", "interaction_function": {"function": "<lambda>"}},
            "A Hamiltonian of your own",
        ),
        (
            {
                "type": "SeparableFunctionHamiltonian",
                "coupling_function": {"type": "Partial", "function": {}},
            },
            "A Hamiltonian of your own",
        ),
        ({}, "Comparison of theories"),
    ],
)
def test_titles_name_the_hamiltonian(full, description, title):
    named = full.copy()
    named.attrs = {"hamiltonian": json.dumps(description)}
    assert title_of(named) == title
