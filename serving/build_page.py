"""Build a web page that runs models in the browser: a folder for any static host, which asks no server for answers.

python -m serving.build_page --output site --model reviews --model ewt
python -m http.server --directory site
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common.bundles.bundle import Bundle, open_bundle
from common.bundles.file_names import SPLITTER_FOLDER
from common.cli.flags import make_parser
from common.cli.run import run_command
from common.errors import InputError, show
from common.output import check_new_place, claim, sync
from common.version import VERSION
from rnn_language.models import purpose
from serving import page_check
from serving.page_models import limits, page_settings, small_graph
from serving.page_rules import make_rules, make_tokenizer
from serving.places import Place, find_places

PAGE = Path(__file__).parent / "page"
PARTS = ("*.html", "*.css", "app.js", "worker.js", "text/*.js", "models/*.js", "view/*.js")
RUNTIME_FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
UNSAFE = re.compile(r"[^A-Za-z0-9_]+")
RUNTIME = PAGE / "node_modules" / "onnxruntime-web" / "dist"  # of `npm ci`


def build(output: Path, names: Sequence[str] = (), runtime: Path = RUNTIME, check: bool = True) -> dict[str, Any]:
    """Build the page; the folder appears when all is there and checked.

    Args:
        output: a new folder.
        names: see `find_places`; none: the default model of each task.
        runtime: the folder `dist` of the package onnxruntime-web.
        check: compare the answers of the page with those of Python, which takes Node.js.
    Returns:
        What `data/models.json` holds.
    Raises:
        InputError: something is missing or in the way, or the page answers otherwise; nothing is there then.
    """
    check_new_place(output)
    check_runtime(runtime)
    if check:
        page_check.find_node()
    places = find_places(names)
    with new_folder(output) as folder:
        content = write_page(folder, places, runtime)
        if check:
            page_check.check_answers(folder, places)
    return content


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill, which appears at `path` when it is complete."""
    with claim(path) as place:
        place.new.mkdir()
        try:
            yield place.new
            sync(place.new)
            check_new_place(path)
            place.new.rename(place.target)
        finally:
            shutil.rmtree(place.new, ignore_errors=True)


def check_runtime(folder: Path) -> None:
    """Make sure that ONNX Runtime for the web is there, in the version that the page is tested with.

    Raises:
        InputError: it is not.
    """
    for name in RUNTIME_FILES:
        if not (folder / name).is_file():
            raise InputError(
                f"--runtime: {folder} has no {name}; run npm ci in {PAGE}, or give dist of onnxruntime-web"
            )
    try:
        found = json.loads((folder.parent / "package.json").read_bytes())["version"]
    except (OSError, ValueError, KeyError, TypeError):
        return  # files without their package
    wanted = json.loads((PAGE / "package.json").read_bytes())["dependencies"]["onnxruntime-web"]
    if found != wanted:
        raise InputError(f"--runtime: onnxruntime-web {found} is there, wanted {wanted}; run npm ci in {PAGE}")


def write_page(folder: Path, places: Sequence[Place], runtime: Path) -> dict[str, Any]:
    """Write all files of the page; returns what `data/models.json` holds."""
    for pattern in PARTS:
        for file in sorted(PAGE.glob(pattern)):
            target = folder / file.relative_to(PAGE)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, target)
    (folder / "runtime").mkdir()
    for name in RUNTIME_FILES:
        shutil.copyfile(runtime / name, folder / "runtime" / name)
    (folder / "data").mkdir()
    write_json(folder / "data/rules.json", make_rules())
    models = [write_model(folder, place) for place in places]
    files = {
        file.relative_to(folder).as_posix(): [file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest()[:16]]
        for file in sorted([*(folder / "data").iterdir(), *(folder / "runtime").iterdir()])
    }
    content = {"version": VERSION, "rules": "data/rules.json", "models": models, "files": files}
    write_json(folder / "data/models.json", content)
    return content


def write_model(folder: Path, place: Place) -> dict[str, Any]:
    """Write the files of a model; returns what the page lists of it."""
    bundle = open_bundle(place.path, place.task)
    settings = page_settings(bundle)
    number = len([*(folder / "data").glob("*.onnx")])  # names of folders may hold anything, addresses may not
    stem = f"data/{number}-{UNSAFE.sub('-', place.id)}"
    tokenizer = f"data/tokenizer-{settings['language']}.json"
    if not (folder / tokenizer).exists():
        write_json(folder / tokenizer, make_tokenizer(settings["language"]))
    write_json(folder / f"{stem}.json", settings)
    write_graph(folder / f"{stem}.onnx", bundle)
    entry: dict[str, Any] = {
        "id": place.id,
        "task": place.task,
        "name": place.name,
        "for": purpose(place.task, place.name, str(bundle.manifest.get("title", ""))),
        "limits": limits(bundle),
        "scale": [settings["min_rating"], settings["max_rating"]] if place.task == "sentiment" else None,
        "level": settings.get("level"),
        "settings": f"{stem}.json",
        "tokenizer": tokenizer,
        "network": f"{stem}.onnx",
        "splitter": None,
    }
    if part := bundle.part(SPLITTER_FOLDER):
        entry["splitter"] = f"{stem}.splitter.onnx"
        write_graph(folder / entry["splitter"], part)
    return entry


def write_graph(file: Path, bundle: Bundle) -> None:
    """Write the network of a bundle."""
    file.write_bytes(small_graph(bundle.architecture).SerializeToString())


def write_json(file: Path, content: object) -> None:
    """Write JSON as short as it can be."""
    file.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser("serving.build_page", __doc__)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="new folder for the page")
    parser.add_argument(
        "--model", action="append", metavar="NAME",
        help="name or folder of a model; repeat for several (default: that of each task)",
    )  # fmt: skip
    parser.add_argument(
        "--runtime", type=Path, default=RUNTIME, metavar="DIR",
        help="folder dist of the npm package onnxruntime-web (default: that of npm ci in serving/page)",
    )  # fmt: skip
    parser.add_argument(
        "--no-check",
        dest="check",
        action="store_false",
        help="do not compare the answers with Python, which takes Node.js",
    )
    arguments = parser.parse_args(argv)
    content = build(arguments.output, arguments.model or [], arguments.runtime, arguments.check)
    for entry in content["models"]:
        own = {entry[name] for name in ("settings", "network", "splitter") if entry[name]}
        show(f"{entry['id']}: {sum(content['files'][name][0] for name in own) / 1e6:.1f} MB")
    size = sum(file.stat().st_size for file in arguments.output.rglob("*") if file.is_file())
    show(f"{arguments.output}: {size / 1e6:.1f} MB; try it: python -m http.server --directory {arguments.output}")


if __name__ == "__main__":
    run_command(main)
