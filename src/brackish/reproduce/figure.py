"""A figure of a paper: what was run for it, the picture, and the caption."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brackish.io.files import put_aside, replacing, told
from brackish.plot import save
from brackish.plot.files import drew


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

        Another caption, or a picture that is none of ours, is moved aside as NAME.kept. Raises `InvalidInput` where
        nothing can be written.
        """
        folder = Path(folder)
        path, words = folder / f"{self.name}.png", folder / f"{self.name}.txt"
        caption = (self.caption + "\n").encode()
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if words.exists() and words.read_bytes() != caption:
                put_aside(words)
            if not drew(path):
                put_aside(path)
            with replacing(words) as scratch:
                scratch.write_bytes(caption)
        save(self.figure, path)
        return path
