"""Compiled programs are kept between processes, in a folder: what was compiled once is read the next time."""

import os
from pathlib import Path

import jax

from brackish.errors import InvalidInput

VARIABLE = "BRACKISH_COMPILED_PROGRAMS"
"""The environment variable that names the folder, or says `off`."""
OFF = ("off", "0", "no", "false")


class _Choice:
    """Whether anybody has chosen yet, in this process."""

    made = False


def keep_compiled_programs(where: bool | str | Path = True) -> Path | None:
    """Keep compiled programs in a folder, for this process and all that come after it; returns the folder.

    `where`: the folder; True: the usual one, `~/.cache/brackish`; False: keep none. Without a call, the first run of a
    process keeps them in the usual folder, or where the environment variable BRACKISH_COMPILED_PROGRAMS says (`off`:
    nowhere), unless JAX has been told of a folder of its own. Where the usual folder cannot be written, none are kept,
    and None is returned. Raises `InvalidInput` for a given folder that cannot be written. No number depends on it.
    """
    _Choice.made = True
    if where is False:
        return _use(None)
    folder = _usual() if where is True else Path(where).expanduser()
    if _writable(folder):
        return _use(folder)
    if where is not True:
        raise InvalidInput(f"Argument `where` names a folder that cannot be written: {folder}.")
    return _use(None)


def keep_by_default() -> None:
    """What the first run of a process does, if nobody has chosen."""
    if _Choice.made:
        return
    _Choice.made = True
    asked = os.environ.get(VARIABLE, "").strip()
    told = os.environ.get("JAX_COMPILATION_CACHE_DIR") or jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    if asked.lower() in OFF:
        keep_compiled_programs(False)
    elif asked:
        keep_compiled_programs(asked)
    elif told is None:
        keep_compiled_programs()
    else:
        _keep_small_ones()


def _usual() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "brackish"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def _use(folder: Path | None) -> Path | None:
    from jax.experimental.compilation_cache import compilation_cache

    # whatever has been compiled before has made JAX look for a folder, once for all
    compilation_cache.reset_cache()
    jax.config.update("jax_compilation_cache_dir", None if folder is None else str(folder))
    _keep_small_ones()
    return folder


def _keep_small_ones() -> None:
    """Programs that take less than JAX's second to compile, too, unless the environment says otherwise."""
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
