"""Lazy attributes: what a package offers, imported when it is first used, so that `import sentiment` takes no time."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from common.inference.keras_start import start_keras


def publish(package: str, homes: Mapping[str, str], with_keras: Mapping[str, str] | None = None) -> None:
    """Make functions and classes of a package's modules attributes of the package.

    A function may have the name of its module: `sentiment.train` is the function, also after something has imported
    the module `sentiment.train`, which Python would put in its place (importlib sets a submodule as an attribute).

    Args:
        package: its `__name__`.
        homes: the module, inside the package, of each name.
        with_keras: the same for modules that import Keras, which is started quietly before.
    """
    keras_homes = with_keras or {}
    all_homes = {**homes, **keras_homes}

    class Package(ModuleType):
        def __getattr__(self, name: str) -> Any:
            if name not in all_homes:
                raise AttributeError(f"module {package!r} has no attribute {name!r}")
            if name in keras_homes:
                start_keras()
            module = importlib.import_module(f"{package}.{all_homes[name]}")
            self.__dict__[name] = value = getattr(module, name)
            return value

        def __setattr__(self, name: str, value: Any) -> None:
            if not (name in all_homes and isinstance(value, ModuleType)):
                super().__setattr__(name, value)

        def __dir__(self) -> list[str]:
            return sorted({*super().__dir__(), *all_homes})

    sys.modules[package].__class__ = Package
