"""Hyper-parameter search over the settings of a task, and the comparison of training runs.

>>> import tuning
>>> result = tuning.search("sentiment", "reviews.csv", "runs/search", num_trials=20)  # doctest: +SKIP
>>> result.best.values  # doctest: +SKIP
{'learning_rate': 0.0018, 'dropout': 0.4}
"""

from typing import TYPE_CHECKING

from common.package import publish

if TYPE_CHECKING:
    from tuning.runs import find_runs as find_runs
    from tuning.runs import format_runs as format_runs
    from tuning.search import search as search

publish(__name__, {"find_runs": "runs", "format_runs": "runs"}, with_keras={"search": "search"})
