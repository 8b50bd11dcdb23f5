"""Why does a model answer as it does? Attribution to words, and the tests that tell how far an attribution is right.

Nothing here knows a task: a `Scorer` gives one number for a text, and each task's `explain` module says which numbers
its models have. So the same methods, and the same tests of them, hold for ratings, words to come and tags.

>>> import sentiment
>>> sentiment.explain(sentiment.load(), "Not bad at all.", method="integrated-gradients")  # doctest: +SKIP
"""

from typing import TYPE_CHECKING

from common.package import publish

if TYPE_CHECKING:
    from interpretability.attribution import Scorer as Scorer
    from interpretability.attribution import attribute as attribute
    from interpretability.config import AttributionConfig as AttributionConfig
    from interpretability.explanation import Explanation as Explanation
    from interpretability.faithfulness import measure_faithfulness as measure_faithfulness

publish(
    __name__,
    {
        "AttributionConfig": "config", "Explanation": "explanation", "Scorer": "attribution",
        "attribute": "attribution", "measure_faithfulness": "faithfulness",
    },
)  # fmt: skip
