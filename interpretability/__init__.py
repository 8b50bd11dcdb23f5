"""Why does a model answer as it does? Attribution to words, and the tests that tell how far an attribution is right.

Nothing here knows a task: a `Scorer` gives one number for a text, and each task's `explain` module says which numbers
its models have. So the same methods, and the same tests of them, hold for ratings, words to come and tags.

What is inside it? States and gates of every unit, the concepts that units follow, and probes for what states hold.

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
    from interpretability.gates import find_gates as find_gates
    from interpretability.microscope import write_page as write_page
    from interpretability.microscope_config import ProbeConfig as ProbeConfig
    from interpretability.microscope_config import UnitsConfig as UnitsConfig
    from interpretability.probe import probe_page as probe_page
    from interpretability.probe import train_probes as train_probes
    from interpretability.reading import hidden_states as hidden_states
    from interpretability.reading import load_pieces as load_pieces
    from interpretability.reading import open_model as open_model
    from interpretability.reading import split_pieces as split_pieces
    from interpretability.survey import survey as survey
    from interpretability.units import rank_units as rank_units

publish(
    __name__,
    {
        "AttributionConfig": "config", "Explanation": "explanation", "Scorer": "attribution",
        "attribute": "attribution", "measure_faithfulness": "faithfulness",
        "open_model": "reading", "hidden_states": "reading", "load_pieces": "reading", "split_pieces": "reading",
        "find_gates": "gates", "UnitsConfig": "microscope_config", "ProbeConfig": "microscope_config",
        "rank_units": "units", "survey": "survey", "write_page": "microscope",
        "train_probes": "probe", "probe_page": "probe",
    },
)  # fmt: skip
