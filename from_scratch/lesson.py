"""What the lessons share: where pictures go, how tables look. It needs matplotlib, the parts of the course do not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

MARK = "a lesson of from_scratch"  # in every file that a lesson writes
Draw = Callable[[Any], None]  # draws on a matplotlib Figure
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")  # Okabe & Ito 2008


def use_style() -> None:
    """Set how pictures in the notebooks look: colours that all eyes tell apart, letters that a phone can show."""
    from matplotlib import rcParams, rcsetup

    rcParams.update(
        {
            "axes.prop_cycle": rcsetup.cycler(color=COLORS),
            "axes.grid": True,
            "axes.titlesize": "medium",
            "figure.constrained_layout.use": True,
            "figure.dpi": 120,
            "figure.figsize": (5, 3.4),
            "font.size": 11,
            "grid.alpha": 0.3,
            "image.cmap": "cividis",
            "legend.fontsize": "small",
            "legend.frameon": False,
        }
    )


@contextmanager
def exercise(number: int) -> Iterator[None]:
    """Say whether an exercise is solved: the lines under `with exercise(1):` check it.

    An error in these lines is printed in one line, so that a notebook whose exercises are not solved runs to its end.
    """
    try:
        yield
    except Exception as error:
        print(f"Exercise {number}: not solved yet. {str(error) or type(error).__name__}")
    else:
        print(f"Exercise {number}: solved.")


def run(lesson: Callable[[Path], Any], description: str | None, argv: Sequence[str] | None = None) -> None:
    """Run a lesson from the command line; it is given the folder for its pictures."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument(
        "--output-dir",
        type=Path,
        default=Path("runs/from_scratch"),
        metavar="DIR",
        help="folder for the pictures (default: %(default)s)",
    )
    lesson(parser.parse_args(argv).output_dir)


def check_place(path: Path) -> None:
    """Leave with status 2 if a file is in the way that no lesson has written: its beginning lacks `MARK`."""
    if path.exists() and not (path.is_file() and MARK.encode() in path.read_bytes()[:1000]):
        print(f"error: {path}: not made by a lesson; choose another --output-dir, nothing was touched", file=sys.stderr)
        raise SystemExit(2)


def show_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; numbers with four digits that count."""

    def cell(value: Any) -> str:
        return f"{value:.4g}" if isinstance(value, float) else str(value)

    lines = [list(header), *([cell(value) for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def draw_curves(axes: Any, curves: Mapping[str, Sequence[float]], window: int) -> None:
    """Draw a curve for each name, each the mean over a window, with a legend."""
    for name, values in curves.items():
        axes.plot(np.convolve(values, np.ones(window) / window, "valid"), label=name)
    axes.legend(frameon=False, fontsize=7)


def save_picture(draw: Draw, folder: Path, name: str, width: float = 8, height: float = 3.5) -> Path:
    """Draw a picture and write it as `NAME.png`; says where."""
    from matplotlib import figure, rc_context, rcsetup

    picture = figure.Figure(figsize=(width, height), layout="constrained")
    with rc_context({"axes.prop_cycle": rcsetup.cycler(color=COLORS)}):
        draw(picture)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    check_place(path)
    picture.savefig(path, dpi=110, metadata={"Software": None, "Source": MARK})
    print(f"picture: {path}")
    return path
