"""Training history: the scores of each epoch as a table and as a learning curve."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from matplotlib.ticker import MaxNLocator

from common.bundles.file_names import HISTORY_FILE
from common.evaluation.figures import new_figure
from common.evaluation.page import BLUE, GREY, ORANGE
from common.training.checkpoint import Progress


def write_history(folder: Path, state: Progress, monitor: str | None) -> None:
    """Write `history.csv` and `learning_curve.png`; `monitor` is that of `fit`."""
    with open(folder / HISTORY_FILE, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(state.history[0]))
        writer.writeheader()
        writer.writerows(state.history)
    epochs = [row["epoch"] for row in state.history]
    figure, panels = new_figure(6, 2.4 if monitor else 3.6, 1, 2 if monitor else 1)
    upper, *lower = np.atleast_1d(panels)
    upper.plot(epochs, [row["loss"] for row in state.history], "o-", color=BLUE)
    upper.set(ylabel="training loss", title="trained without validation")
    if monitor:
        scores = [row[monitor] for row in state.history]
        upper.set_title(f"best validation {monitor} in epoch {state.best_epoch}")
        lower[0].plot(epochs, scores, "s-", color=ORANGE)
        lower[0].axvline(state.best_epoch, color=GREY, linestyle="--", linewidth=1)
        lower[0].set_ylabel(f"validation {monitor}")
    last = lower[0] if lower else upper
    last.set_xlabel("epoch")
    last.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (upper, *lower):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color=GREY, alpha=0.25)
    figure.savefig(folder / "learning_curve.png", dpi=110, metadata={"Software": None})
