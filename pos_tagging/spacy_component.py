"""spaCy component: part-of-speech tags of spaCy's own tokens, as `token.pos_` and `token.tag_`.

nlp = spacy.blank("en")
nlp.add_pipe("rnn_tagger", config={"model": "ewt"})
[(token.text, token.pos_) for token in nlp("Birds sing.")]
"""

from __future__ import annotations

from collections.abc import Sequence

from spacy.parts_of_speech import IDS
from spacy.tokens import Doc, Token

from common.bundles.bundle import Bundle
from common.inference.spacy_component import BundleComponent
from common.text.tokenization import group_sentences, load_pipeline
from pos_tagging.config import DEFAULT_NAME, TASK
from pos_tagging.predict import Tagger

# Tags of Petrov et al. 2012, "A Universal Part-of-Speech Tagset", that have other names in Universal Dependencies.
OF_TWELVE = {".": "PUNCT", "CONJ": "CCONJ", "PRT": "PART"}


class TaggerComponent(BundleComponent[Tagger]):
    """Tag tokens; see `BundleComponent`.

    `token.tag_` is the tag of the model. `token.pos_` is the same if it is a universal one, and stays as it is for a
    model of a treebank's own tags. White space is `SPACE`. Sentences are those that the pipeline has set before, else
    they are found by the rules of `pos_tagging`, and not set.
    """

    task, default_model = TASK, DEFAULT_NAME

    def open(self, bundle: Bundle, num_threads: int | None) -> Tagger:
        """The model of a bundle."""
        return Tagger.from_bundle(bundle, num_threads=num_threads)

    def annotate(self, docs: Sequence[Doc]) -> None:
        """Set the tags of texts; their sentences are tagged together."""
        sentences = [sentence for doc in docs for sentence in sentences_of(doc)]
        found = self.loaded().tag_tokens([[token.text for token in sentence] for sentence in sentences])
        for sentence, tags in zip(sentences, found, strict=True):
            for token, tag in zip(sentence, tags.tags, strict=True):
                set_tag(token, tag)
        for token in (token for doc in docs for token in doc if token.is_space):
            token.pos_ = "SPACE"


def sentences_of(doc: Doc) -> list[list[Token]]:
    """The sentences of a document, white space left out."""
    if not len(doc):
        return []
    if doc.has_annotation("SENT_START"):
        found = [[token for token in span if not token.is_space] for span in doc.sents]
        return [sentence for sentence in found if sentence]
    pipeline = load_pipeline(doc.lang_ or "xx")
    words, spaces = [token.text for token in doc], [bool(token.whitespace_) for token in doc]
    copy = Doc(pipeline.vocab, words, spaces)
    return [[doc[token.i] for token in sentence] for sentence in group_sentences(copy, pipeline)]


def set_tag(token: Token, tag: str) -> None:
    """Give a token its tag, and its universal one, if there is one."""
    token.tag_ = tag
    universal = OF_TWELVE.get(tag, tag)
    if universal in IDS:
        token.pos_ = universal
