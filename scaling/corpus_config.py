"""Settings of a corpus: all that its parts depend on, besides the model and the input."""

from __future__ import annotations

from dataclasses import dataclass

from common.errors import InputError
from common.settings import Settings, setting
from common.text.documents import AUTO, DOCUMENTS
from pos_tagging.recognition import INPUT_FORMATS
from sentiment.scale import parse_scale

RATE, TAG, SCORE = "rate", "tag", "score"
VERBS = (RATE, TAG, SCORE)
LOCAL, SPARK, RAY = "local", "spark", "ray"
ENGINES = (LOCAL, SPARK, RAY)
TABLES = ("csv", "tsv", "jsonl", "parquet")
SAME = "same"
OUTPUT, INPUT, ANSWERS = "output", "input", "answers"
# The settings that belong to one verb.
OF_VERB = {"scale": RATE, "input_format": TAG, "tag_column": TAG, "probabilities": TAG, "context": SCORE}


@dataclass(frozen=True)
class CorpusConfig(Settings):
    """How a corpus is read, answered and written."""

    format: str | None = setting(
        None, "of the parts; none: that of the input", (*TABLES, SAME), group=OUTPUT, basic=True
    )
    shard_mb: float | None = setting(
        None, "megabytes of input for a part; none: by its size, 1 to 64", minimum=0.001, group=OUTPUT,
        basic=True,
    )  # fmt: skip
    text_column: str | None = setting(None, "column of the text in tables; none: found out", group=INPUT, basic=True)
    document: str = setting(AUTO, "one text in plain text", DOCUMENTS, group=INPUT)
    encoding: str = setting(AUTO, "encoding of the files: utf-8, cp1252, …; auto: found out", group=INPUT)
    header: bool = setting(True, "the first line of a table names its columns; else they are 1, 2, …", group=INPUT)
    input_format: str = setting(AUTO, "tag: how words stand in the files", INPUT_FORMATS, group=INPUT)
    int8: bool = setting(False, "int8 LSTMs: faster, rounded a little", group=ANSWERS, basic=True)
    scale: str | None = setting(
        None, "rate: scale of the answers, such as 1-5; none: that of the model", group=ANSWERS, basic=True
    )
    probabilities: bool = setting(False, "tag: also the probability of each tag", group=ANSWERS, basic=True)
    tag_column: str | None = setting(None, "tag: column of CoNLL-U for the tags", ("upos", "xpos"), group=ANSWERS)
    context: str | None = setting(None, "score: text before all texts; it is not scored", group=ANSWERS)

    def validate(self) -> None:
        """Check every setting by itself.

        Raises:
            InputError: the setting, what was found, what would do.
        """
        super().validate()
        if self.scale:
            parse_scale(self.scale)

    def check_verb(self, verb: str) -> None:
        """Refuse settings of another verb.

        Raises:
            InputError: the verb, or the setting.
        """
        if verb not in VERBS:
            raise InputError(f"corpus: found {verb!r}, wanted one of {', '.join(VERBS)}")
        for name, owner in OF_VERB.items():
            if owner != verb and getattr(self, name) != type(self).__dataclass_fields__[name].default:
                raise InputError(f"--{name.replace('_', '-')}: belongs to {owner}, not to {verb}; leave it out")
        if self.format == SAME and verb != TAG:
            raise InputError(f"--format {SAME}: keeps files of words and tags; choose one of {', '.join(TABLES)}")
