"""The command that answers a corpus: options in, one call, lines out."""

from __future__ import annotations

import json
from collections.abc import Sequence

import scaling
from common.cli.flags import add_settings, make_parser, read_settings
from common.cli.options import number
from common.errors import InputError, show
from scaling.corpus_config import ENGINES, VERBS, CorpusConfig


def corpus(argv: Sequence[str] | None = None) -> None:
    """`python -m scaling.corpus`"""
    parser = make_parser(
        "scaling.corpus",
        "Rate, tag or score every text of a folder, each exactly once; the same command again goes on.\n\n"
        "python -m scaling.corpus rate --input 'reviews/*.csv' --output rated --workers 4\n"
        "python -m scaling.corpus tag --input s3://bucket/letters --output s3://bucket/tagged --engine ray",
        "CSV, TSV, JSON lines, Parquet, text, CoNLL-U, packed by gzip or not; each row comes back with its answer.",
    )
    parser.add_argument("verb", choices=VERBS, metavar="rate|tag|score", help="what is done with each text")
    parser.add_argument("--input", required=True, metavar="PLACE", help="file, folder, 'pattern*', or a URL: s3://…")
    parser.add_argument("--output", required=True, metavar="PLACE", help="folder of the parts, new or to go on with")
    parser.add_argument("--model", metavar="DIR", help="folder of a bundle, or name of a pretrained model")
    parser.add_argument(
        "--engine", choices=ENGINES, default=ENGINES[0], help="who hands out the work (default: %(default)s)"
    )
    parser.add_argument(
        "--workers", type=number(int, 1), metavar="N", help="processes, one thread each (default: one for each core)"
    )
    parser.add_argument("--cluster", metavar="URL", help="Spark master or Ray address (default: this machine)")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object and nothing else")
    add_settings(parser, CorpusConfig)
    arguments = parser.parse_args(argv)
    summary = scaling.answer_corpus(
        arguments.verb,
        arguments.input,
        arguments.output,
        arguments.model,
        read_settings(arguments, CorpusConfig),
        arguments.engine,
        arguments.workers,
        arguments.cluster,
    )
    if arguments.json:
        print(json.dumps(summary.record()))
    else:
        for line in summary.lines():
            show(line)
    if summary.rows and not summary.answered:
        raise InputError(f"none of the {summary.rows:,} rows could be answered; the notes in the parts say why")
