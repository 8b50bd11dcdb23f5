"""Part-of-speech tagging: every word gets its word class.

>>> import pos_tagging
>>> tagger = pos_tagging.load()  # doctest: +SKIP
>>> tagger.tag("Birds sing.")[0].pairs()  # doctest: +SKIP
[('Birds', 'NOUN'), ('sing', 'VERB'), ('.', 'PUNCT')]
"""

from pathlib import Path


def load(path: str | Path | None = None, engine: str = "onnx", num_threads: int | None = None):
    """Load a tagger: the pretrained one, or the bundle at `path`. See `pos_tagging.predict.Tagger`.

    `engine` is "onnx", "onnx-int8" (faster, rounded) or "keras" (the reference); `num_threads` None takes all
    processor cores.
    """
    from pos_tagging.predict import Tagger

    return Tagger.load(path, engine, num_threads)
