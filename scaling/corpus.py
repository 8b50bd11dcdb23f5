"""Answer a corpus of any size: rate, tag or score every text of a folder, each exactly once.

python -m scaling.corpus rate --input 'reviews/*.csv' --output rated --workers 4
python -m scaling.corpus tag --input s3://bucket/letters --output s3://bucket/tagged --engine ray

    rated/
      part-00000.csv …        a part for each shard of the input, with its rows and their answers
      _corpus/manifest.json   the verb, the settings, hashes of the model and of every input file
      _corpus/part-00000.json the sums of a part
      _corpus/summary.json    what the corpus has come to

The same command, run again, goes on where the last one ended: a part that is there is done. With another model, other
settings or other files it is refused.
"""

from __future__ import annotations

from common.cli.run import run_command
from scaling import corpus_cli

if __name__ == "__main__":
    run_command(corpus_cli.corpus)

import contextlib
import glob
import importlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path
from typing import Any

from common.bundles.bundle import open_bundle
from common.bundles.file_names import MANIFEST_FILE
from common.bundles.pretrained import find_bundle
from common.cli.stream import trained_text_column
from common.errors import InputError
from common.files import check_writable
from common.output import claim, resolve
from common.parallel import num_cores
from common.progress import say, working
from common.settings import flag_of
from common.text.readers import sha256_of
from common.version import VERSION
from scaling import run_local
from scaling.answering import ABOUT, Work
from scaling.corpus_config import ENGINES, LOCAL, RAY, SPARK, CorpusConfig
from scaling.corpus_progress import shown_progress
from scaling.shards import Planned, Shard, plan
from scaling.stores import Folder, Remote, find_files, is_url, open_store
from scaling.summaries import Summary
from scaling.verbs import TASKS, USUAL

FORMAT_VERSION = 1
MANIFEST, SUMMARY = f"{ABOUT}/manifest.json", f"{ABOUT}/summary.json"
CHOOSE = "choose a new --output, or run the command as before"
VERSIONS = ("onnxruntime", "numpy", "spacy")  # of packages that the last digits of an answer depend on


def answer_corpus(
    verb: str,
    input: str | Path,
    output: str | Path,
    model: str | Path | None = None,
    config: CorpusConfig | None = None,
    engine: str = LOCAL,
    workers: int | None = None,
    cluster: str | None = None,
) -> Summary:
    """Rate, tag or score every text of a corpus.

    Args:
        verb: "rate", "tag" or "score".
        input: a file, a folder or a pattern; a path, or a URL of fsspec.
        output: a new folder for the parts, or that of a run that was stopped, which goes on; a path, or a URL.
        model: the folder of a bundle, or the name of a pretrained model; None takes the default one.
        config: how the input is read, and the parts are written.
        engine: who hands the shards to workers: "local" (processes of this machine), "spark" or "ray".
        workers: processes, each with the model and on one thread; None: one for each core.
        cluster: a Spark master or the address of a Ray cluster; None: this machine.
    Returns:
        The summary of all parts, also of those that were there.
    Raises:
        InputError: a file cannot be read; or the output belongs to another model, other settings or other files.
    """
    config = config or CorpusConfig()
    num_workers = num_cores() if workers is None else workers
    _check(verb, config, engine, num_workers, cluster)
    _check_places(str(input), str(output), engine, num_workers)

    # 1. The model, and the input as shards: what every run of this command agrees on.
    bundle = open_bundle(find_bundle(TASKS[verb], str(model) if model else default_model(verb)), TASKS[verb])
    usual = (*trained_text_column(bundle.path), USUAL[verb])
    planned = _plan(verb, str(input), usual, config)
    shards = number_shards(planned)

    # 2. The output: new, or of the same run.
    store = open_store(str(output))
    work = Work(verb, str(bundle.path.resolve()), usual, config, str(output))
    with _reserved(store):
        agree(store, describe(verb, bundle.path, config, planned, len(shards)))

        # 3. The parts that are missing.
        if missing := _missing(store, shards):
            with shown_progress(store, shards, missing):
                _run(engine, work, missing, num_workers, cluster)

        # 4. What it has come to.
        return _finish(store, shards, verb)


def _finish(store: Folder | Remote, shards: Sequence[Shard], verb: str) -> Summary:
    """Sum up all parts, and write that beside them."""
    summary = sum_up(store, shards, verb)
    _write_json(store, SUMMARY, summary.record())
    return summary


def sum_up(store: Folder | Remote, shards: Sequence[Shard], verb: str) -> Summary:
    """What all parts come to.

    Raises:
        InputError: some are missing.
    """
    parts = finished(store, shards)
    if len(parts) < len(shards):
        missing = len(shards) - len(parts)
        raise InputError(f"{store.root}: {missing:,} parts are missing; run the same command again")
    return Summary.of(verb, [parts[shard.number]["sums"] for shard in shards])


def default_model(verb: str) -> str:
    """The name of the model that a verb takes where none is named."""
    return importlib.import_module(f"{TASKS[verb]}.config").DEFAULT_NAME


def _plan(verb: str, input: str, usual: Sequence[str], config: CorpusConfig) -> list[Planned]:
    """The files of the input, cut into shards."""
    files = find_files(input)
    with working(f"reading {len(files):,} files to cut them"):
        return list(plan(verb, files, usual, config))


def _missing(store: Folder | Remote, shards: Sequence[Shard]) -> list[Shard]:
    """The shards whose parts are not there."""
    there = finished(store, shards)
    if there:
        say(f"{store.root}: {len(there):,} of {len(shards):,} parts are there, going on with the rest")
    return [shard for shard in shards if shard.number not in there]


def number_shards(planned: Sequence[Planned]) -> list[Shard]:
    """All shards, in the order of the files; the number is that of the part."""
    shards = [shard for each in planned for shard in each.shards]
    return [replace(shard, number=number) for number, shard in enumerate(shards)]


def _run(engine: str, work: Work, shards: Sequence[Shard], num_workers: int, cluster: str | None) -> None:
    """Hand shards to an engine; what another one needs is imported here."""
    if engine == LOCAL:
        run_local.run(work, shards, num_workers)
        return
    with contextlib.redirect_stdout(sys.stderr):  # Ray prints when a worker is killed, and `--json` is to stand alone
        importlib.import_module(f"scaling.run_{engine}").run(work, shards, num_workers, cluster)


# -- The output -----------------------------------------------------------------------------------------------------


def _check(verb: str, config: CorpusConfig, engine: str, num_workers: int, cluster: str | None) -> None:
    """Find what is wrong with the options before anything is read."""
    config.validate()
    config.check_verb(verb)
    if engine not in ENGINES:
        raise InputError(f"--engine: found {engine!r}, wanted one of {', '.join(ENGINES)}")
    if num_workers < 1:
        raise InputError(f"--workers: found {num_workers}, wanted at least 1")
    if cluster is not None and engine == LOCAL:
        raise InputError(f"--cluster: --engine {LOCAL} has none; leave it out, or take --engine {SPARK} or {RAY}")


def _check_places(input: str, output: str, engine: str, num_workers: int) -> None:
    """Find what is wrong with the places before anything is read."""
    if any(place.startswith("memory:") for place in (input, output)) and (engine != LOCAL or num_workers > 1):
        raise InputError("memory://: only this process sees it; take --engine local --workers 1")
    if not is_url(output):
        check_writable(Path(output) / "part", "--output")
    if is_url(input) == is_url(output) and reads_from(_parts(input), _parts(output)):
        raise InputError(f"{output}: lies in {input}, and would be read as input; choose another --output")


def _parts(place: str) -> list[str]:
    return (place if is_url(place) else str(resolve(Path(place)))).rstrip("/").split("/")


def reads_from(pattern: Sequence[str], folder: Sequence[str]) -> bool:
    """Whether files in a folder, or below it, can belong to a place that is read: a folder, or a pattern of files.

    >>> [reads_from(pattern.split("/"), ["in", "x"]) for pattern in ("in", "in/*.csv", "in/*/*.csv", "in/**/*.csv")]
    [True, False, True, True]
    """
    if not pattern or pattern[0] == "**":
        return True
    if not folder:
        return len(pattern) == 1 and glob.has_magic(pattern[0])
    same = folder[0] == pattern[0] or fnmatchcase(folder[0], pattern[0])
    return same and reads_from(pattern[1:], folder[1:])


@contextmanager
def _reserved(store: Folder | Remote) -> Iterator[None]:
    """Reserve the output against another run on this machine, and remove what killed writers left."""
    if isinstance(store, Remote):
        yield
        store.remove_unfinished()
        store.remove_unfinished(ABOUT)
        return
    with claim(store.root):
        try:
            yield
        finally:
            store.remove_unfinished()
            store.remove_unfinished(ABOUT)


def describe(
    verb: str, model: Path, config: CorpusConfig, planned: Sequence[Planned], num_parts: int
) -> dict[str, Any]:
    """The manifest: all that the parts depend on."""
    return {
        "format_version": FORMAT_VERSION,
        "verb": verb,
        "model": {"name": model.name, "sha256": sha256_of(model / MANIFEST_FILE)},
        "settings": asdict(config),
        "versions": {"rnn-language": VERSION, **{name: version(name) for name in VERSIONS}},
        "parts": num_parts,
        "files": {each.file.name: [each.file.size, each.sha256] for each in planned},
    }


def agree(store: Folder | Remote, wanted: Mapping[str, Any]) -> None:
    """Write the manifest of a new output; compare that of one that is there.

    Raises:
        InputError: the output holds something else, or parts that depend on something else.
    """
    place = store.root
    if "manifest.json" not in store.sizes(ABOUT):
        if not store.is_empty():
            raise InputError(f"{place}: holds files of something else; choose a new --output, nothing was touched")
        _write_json(store, MANIFEST, wanted)
        return
    try:
        found = json.loads(store.read(MANIFEST))
        difference = _difference(found, wanted)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{place}/{MANIFEST}: damaged; choose a new --output") from None
    if difference:
        raise InputError(f"{place}: holds parts {difference}; {CHOOSE}")


def _difference(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str | None:
    """What the parts that are there depend on, and is another now; None: nothing."""
    for name in ("format_version", "verb"):
        if found[name] != wanted[name]:
            return f"of {name.replace('_', ' ')} {found[name]}, this is {wanted[name]}"
    if found["model"] != wanted["model"]:
        return f"of the model {found['model']['name']}, which is another one or has changed"
    for group in ("settings", "versions"):
        for name, value in wanted[group].items():
            if found[group].get(name) != value:
                shown = flag_of(name) if group == "settings" else name
                return f"made with {shown} {found[group].get(name)}, it is {value} now"
    files, now = found["files"], wanted["files"]
    if files != now:
        name = min(name for name in {*files, *now} if files.get(name) != now.get(name))
        what = "is new" if name not in files else "is missing" if name not in now else "has changed"
        return f"of other input: {name} {what}"
    return (
        None if found["parts"] == wanted["parts"] else f"cut into {found['parts']:,}, it would be {wanted['parts']:,}"
    )


def finished(store: Folder | Remote, shards: Sequence[Shard]) -> dict[int, dict[str, Any]]:
    """What is known of the parts that are there, by number.

    Raises:
        InputError: one is not as it was written.
    """
    sizes, known = store.sizes(), store.sizes(ABOUT)
    found = {}
    for shard in shards:
        if f"{shard.label}.json" not in known:
            continue
        about = _read_about(store, f"{ABOUT}/{shard.label}.json")
        if (name := about["part"]) in sizes:
            if sizes[name] != about["bytes"]:
                raise InputError(
                    f"{store.root}/{name}: {sizes[name]:,} bytes, it was written with {about['bytes']:,}; "
                    "remove it, and it is written again"
                )
            found[shard.number] = about
    return found


def _read_about(store: Folder | Remote, name: str) -> dict[str, Any]:
    """What is known of a part.

    Raises:
        InputError: the file is not as it was written.
    """
    with contextlib.suppress(ValueError, RecursionError):
        about = json.loads(store.read(name))
        wanted = {"part": str, "bytes": int, "sums": dict}
        if isinstance(about, dict) and all(isinstance(about.get(key), kind) for key, kind in wanted.items()):
            return about
    raise InputError(f"{store.root}/{name}: damaged; remove it, and its part is written again")


def _write_json(store: Folder | Remote, name: str, content: Mapping[str, Any]) -> None:
    with store.write(name) as file:
        file.write((json.dumps(content, indent=2) + "\n").encode())
