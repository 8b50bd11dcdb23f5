"""What our components of a spaCy pipeline share: batches, serialization, and a network for each process."""

from __future__ import annotations

import multiprocessing
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from spacy.tokens import Doc
from spacy.util import minibatch
from srsly import msgpack_dumps, msgpack_loads

from common.bundles.bundle import Bundle, open_bundle
from common.bundles.packing import pack_bundle, unpack_bundle, write_packed
from common.bundles.pretrained import find_bundle
from common.output import replace_folder

Model = TypeVar("Model")


class BundleComponent(ABC, Generic[Model]):
    """A component that answers with a bundle, which is opened when the first text comes.

    Serialized it is the files of the bundle, which pass the gate when they are loaded: the folder that they came from
    need not be there any more.

    Args:
        model: folder of a bundle, or name of a pretrained model; None: the default one of the task.
        name: of the component in its pipeline.
    """

    task: str
    default_model: str

    def __init__(self, model: str | None, name: str) -> None:
        self.model, self.name = model, name
        self._bundle: Bundle | None = None
        self._packed: dict[str, bytes] | None = None
        self._opened: tuple[int, Model] | None = None

    @abstractmethod
    def open(self, bundle: Bundle, num_threads: int | None) -> Model:
        """The model of a bundle."""

    @abstractmethod
    def annotate(self, docs: Sequence[Doc]) -> None:
        """Answer to texts, and set the answers."""

    def loaded(self) -> Model:
        """The model of this process: a session of ONNX Runtime has threads, which do not live on in a child."""
        if self._opened is None or self._opened[0] != os.getpid():
            num_threads = 1 if multiprocessing.parent_process() else None
            self._opened = os.getpid(), self.open(self._open_bundle(), num_threads)
        return self._opened[1]

    def _open_bundle(self) -> Bundle:
        if self._bundle is None:
            self._bundle = open_bundle(find_bundle(self.task, self.model or self.default_model), self.task)
        return self._bundle

    # -- What spaCy calls -------------------------------------------------------------------------------------------

    def __call__(self, doc: Doc) -> Doc:
        """Annotate one text."""
        self.annotate([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate texts in batches."""
        for docs in minibatch(stream, batch_size):
            self.annotate(docs)
            yield from docs

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the bundle, as a folder."""
        with replace_folder(Path(path), overwrite=True) as folder:
            write_packed(self._pack(), folder)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> BundleComponent[Model]:
        """Take the bundle of a folder.

        Raises:
            InputError: it is damaged or of another task.
        """
        return self._take(lambda: open_bundle(Path(path), self.task), None)

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """The files of the bundle, as MessagePack."""
        return msgpack_dumps(self._pack())

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> BundleComponent[Model]:
        """Take the files of a bundle; see `from_disk`."""
        packed = msgpack_loads(data)
        return self._take(lambda: unpack_bundle(packed, self.task), packed)

    def _take(self, open: Callable[[], Bundle], packed: dict[str, bytes] | None) -> BundleComponent[Model]:
        self._bundle, self._packed, self._opened = open(), packed, None
        return self

    def _pack(self) -> dict[str, bytes]:
        """The files of the bundle; they are kept, as the folder may vanish."""
        if self._packed is None:
            self._packed = pack_bundle(self._open_bundle())
        return self._packed

    # -- Pickle: a pipeline that another process gets ---------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model, "name": self.name, "files": self._pack()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        BundleComponent.__init__(self, state["model"], state["name"])
        self._take(lambda: unpack_bundle(state["files"], self.task), state["files"])
