"""A figure of a paper: what was run for it, the picture, and the caption."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brackish.errors import InvalidInput
from brackish.plot import save


@dataclasses.dataclass(frozen=True)
class PaperFigure:
    """A figure of a paper, made anew.

    `name`: also of its files. `caption`: what was run and what must be seen. `panels`: the datasets, by panel and run.
    `figure`: a `matplotlib.figure.Figure` with the caption below.
    """

    name: str
    caption: str
    panels: Mapping[str, Mapping[str, Any]]
    figure: Any

    def save(self, folder: str | Path) -> Path:
        """Write the picture, NAME.png, and the caption, NAME.txt; returns the path of the picture.

        Raises `InvalidInput` where nothing can be written.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{self.name}.txt").write_text(self.caption + "\n", encoding="utf-8")
        except OSError as error:
            raise InvalidInput(f"Cannot write to {folder}: {error.strerror or error}.") from error
        path = folder / f"{self.name}.png"
        save(self.figure, path)
        return path
