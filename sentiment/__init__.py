"""Sentiment analysis: the star rating of a review.

>>> import sentiment
>>> model = sentiment.load()  # doctest: +SKIP
>>> model.predict("A joy from start to end.")[0].rating  # doctest: +SKIP
8.9
"""

from typing import TYPE_CHECKING

from common.package import publish

if TYPE_CHECKING:
    from sentiment.config import SentimentConfig as SentimentConfig
    from sentiment.estimators import RatingClassifier as RatingClassifier
    from sentiment.estimators import RatingRegressor as RatingRegressor
    from sentiment.evaluate import evaluate as evaluate
    from sentiment.explain import Explanation as Explanation
    from sentiment.explain import explain as explain
    from sentiment.explain import make_explainer as make_explainer
    from sentiment.explain import measure_faithfulness as measure_faithfulness
    from sentiment.predict import Rating as Rating
    from sentiment.predict import RatingModel as RatingModel
    from sentiment.predict import load as load
    from sentiment.train import train as train

publish(
    __name__,
    {
        "SentimentConfig": "config", "load": "predict", "Rating": "predict", "RatingModel": "predict",
        "evaluate": "evaluate", "explain": "explain", "Explanation": "explain",
        "make_explainer": "explain", "measure_faithfulness": "explain",
        "RatingRegressor": "estimators", "RatingClassifier": "estimators",
    },
    with_keras={"train": "train"},
)  # fmt: skip
