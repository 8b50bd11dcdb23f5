"""Lazy attributes of a package: the function `train` stays, whatever imports the module `train`."""

from __future__ import annotations

import subprocess
import sys


def python(program, cwd):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_package(folder):
    (folder / "toy").mkdir()
    (folder / "toy" / "__init__.py").write_text(
        "from common.package import publish\npublish(__name__, {'train': 'train', 'load': 'predict'})\n"
    )
    (folder / "toy" / "train.py").write_text("print('importing')\ndef train():\n    return 'trained'\n")
    (folder / "toy" / "predict.py").write_text("def load():\n    return 'loaded'\n")


def test_nothing_is_imported_before_it_is_used_and_the_function_hides_its_module(tmp_path):
    write_package(tmp_path)
    program = (
        f"import sys; sys.path.append({str(tmp_path)!r}); import toy; print('start'); import toy.train\n"
        "print(toy.train(), toy.load(), toy.load.__name__, sorted({'train', 'load'} & set(dir(toy))))\n"
        "from toy import train; print(train())\n"
        "from toy.train import train; print(train())"
    )
    said = python(program, None).split("\n")
    assert said[:3] == ["start", "importing", "trained loaded load ['load', 'train']"]
    assert said[3:5] == ["trained", "trained"]


def test_keras_is_started_only_for_what_needs_it(tmp_path):
    write_package(tmp_path)
    (tmp_path / "toy" / "__init__.py").write_text(
        "import common.package\ncommon.package.start_keras = lambda: print('starting Keras')\n"
        "common.package.publish(__name__, {'load': 'predict'}, {'train': 'train'})\n"
    )
    program = (
        f"import sys; sys.path.append({str(tmp_path)!r}); import toy; print(toy.load()); toy.other = 3\n"
        "print(toy.train(), toy.train(), toy.other, 'load' in vars(toy), dir(toy) == sorted(dir(toy)))\n"
        "try: toy.nothing\nexcept AttributeError as error: print(error)"
    )
    assert python(program, None).splitlines() == [
        "loaded", "starting Keras", "importing", "trained trained 3 True True",
        "module 'toy' has no attribute 'nothing'",
    ]  # fmt: skip


def test_what_is_not_there_is_an_attribute_error(tmp_path):
    write_package(tmp_path)
    program = f"import sys; sys.path.append({str(tmp_path)!r}); import toy; print(hasattr(toy, 'nothing'))"
    assert python(program, None) == "False\n"


def test_importing_a_task_imports_nothing_slow():
    program = (
        "import sys, sentiment, language_model, pos_tagging\n"
        "print({'keras', 'tensorflow', 'spacy', 'numpy', 'sklearn'} & set(sys.modules))"
    )
    assert python(program, None) == "set()\n"
