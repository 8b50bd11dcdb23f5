"""spaCy's way to our components: `nlp.add_pipe("rnn_tagger")`, `nlp.add_pipe("rnn_rating")`, by entry point.

spaCy imports every module that an installed package announces as soon as any pipeline is made. So this one imports
spaCy alone, and a task when a component is made. Its annotations are types, not texts: spaCy 3.8.7 checks the settings
of a component by them, as they stand.
"""

from typing import TYPE_CHECKING

from spacy.language import Language

from rnn_language.shadowing import check_not_shadowed

if TYPE_CHECKING:
    from pos_tagging.spacy_component import TaggerComponent
    from sentiment.spacy_component import RatingComponent


@Language.factory("rnn_tagger", assigns=["token.pos", "token.tag"], default_config={"model": None})
def make_tagger(nlp: Language, name: str, model: str | None) -> "TaggerComponent":
    """Make the component that sets `token.pos_` and `token.tag_`.

    Args:
        nlp: the pipeline.
        name: of the component in it.
        model: folder of a bundle, or name of a pretrained model; None: the default one.
    """
    check_not_shadowed()
    from pos_tagging.spacy_component import TaggerComponent

    return TaggerComponent(model, name)


@Language.factory("rnn_rating", default_config={"model": None})
def make_rating(nlp: Language, name: str, model: str | None) -> "RatingComponent":
    """Make the component that sets `doc._.rating` and `doc._.rating_spread`; see `make_tagger`."""
    check_not_shadowed()
    from sentiment.spacy_component import RatingComponent

    return RatingComponent(model, name)
