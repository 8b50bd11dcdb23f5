"""Training history: the scores of each epoch as a table and as a learning curve."""

from __future__ import annotations

import csv
from pathlib import Path

from matplotlib.ticker import MaxNLocator

from common.evaluation.report import new_figure
from common.training.checkpoint import Progress


def write_history(folder: Path, state: Progress, monitor: str | None) -> None:
    """Write `history.csv` and `learning_curve.png`; `monitor` is that of `fit`."""
    with open(folder / "history.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(state.history[0]))
        writer.writeheader()
        writer.writerows(state.history)
    epochs = [row["epoch"] for row in state.history]
    figure, axes = new_figure(6, 3.6)
    axes.plot(epochs, [row["loss"] for row in state.history], "o-", color="tab:blue", label="training loss")
    axes.set(xlabel="epoch", ylabel="training loss", title="trained without validation")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if monitor:
        axes.set_title(f"best validation {monitor} in epoch {state.best_epoch}")
        right, name = axes.twinx(), f"validation {monitor}"
        right.plot(epochs, [row[monitor] for row in state.history], "s-", color="tab:orange", label=name)
        right.set_ylabel(name)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(folder / "learning_curve.png", dpi=110, metadata={"Software": None})
