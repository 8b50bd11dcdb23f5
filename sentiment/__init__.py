"""The star rating of a review.

>>> import sentiment
>>> model = sentiment.load()  # doctest: +SKIP
>>> model.predict(["A joy from start to end."])[0].rating  # doctest: +SKIP
9.1
"""

from pathlib import Path


def load(path: str | Path | None = None, engine: str = "onnx", num_threads: int | None = None):
    """Load a rating model: the pretrained one, or the bundle at `path`. See `sentiment.predict.RatingModel`.

    `engine` is "onnx", "onnx-int8" (faster, rounded) or "keras" (the reference); `num_threads` None takes all
    processor cores.
    """
    from sentiment.predict import RatingModel

    return RatingModel.load(path, engine, num_threads)
