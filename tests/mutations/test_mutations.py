"""Mutations: each is another program, none is in a text or a type, and the same seed draws the same ones."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutations.belonging import close_tests, modules, other_tests
from tests.mutations.places import draw, places_of

ROOT = Path(__file__).resolve().parents[2]
LEFT_ALONE = '''
"""Module of 1 line."""
if TYPE_CHECKING:
    import this
class A:
    size: Literal[1, 2]
    def __repr__(self):
        return "A" + str(1)
    @cache(3)
    def f(self, text: Literal[4]):
        """Not 5 < 6."""
        say("seven" + str(7))
        parser.add_argument(help="eight" + str(8))
        text = f"{9 + 9}"
if __name__ == "__main__":
    f(10)
'''


def mutants(source: str) -> list[str]:
    found = [each for place in places_of(source, Path("m.py")) for each in place]
    return [each.apply(source.encode()).decode() for each in found]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a == b", ["x = (a != b)"]),
        ("x = a < b <= c", ["x = (a <= b <= c)", "x = (a >= b <= c)", "x = (a < b < c)", "x = (a < b > c)"]),
        ("x = y[2]", ["x = y[3]", "x = y[1]"]),
        ("x = y[0]", ["x = y[1]"]),
        ("x = True", ["x = False"]),
        ("x = a + b", ["x = (a - b)"]),
        ("x = not (a or b)", ["x = (a or b)", "x = not ((a and b))"]),
        ("x = a if b else c", ["x = (c if b else a)"]),
        ("if a:\n    pass", ["if (not a):\n    pass"]),
        ("x = [a for a in b if a]", ["x = [a for a in b if (not a)]"]),
        ("x = np.maximum(a, max(b))", ["x = np.minimum(a, max(b))", "x = np.maximum(a, min(b))"]),
        ("f(a)", ["pass"]),
        ("x.y = a", ["pass"]),
        ("x += a", ["pass"]),
        ("raise ValueError(1 + 1)", ["pass"]),
        ("def f():\n    return a", ["def f():\n    return None"]),
        ("def f():\n    return None", []),
        (
            "def f(a='b', *, c=.5):\n    pass",
            ["def f(a='bx', *, c=.5):\n    pass", "def f(a='b', *, c=1.0):\n    pass"],
        ),
        ("x = 'ä' + 'ö'  # Bytes are not letters.", ["x = ('ä' - 'ö')  # Bytes are not letters."]),
    ],
)
def test_a_mutation_is_one_small_mistake(source, expected):
    assert mutants(source) == expected


def test_texts_and_types_are_left_alone():
    found = places_of(LEFT_ALONE, Path("m.py"))
    assert [each.after for place in found for each in place] == ["pass"]  # the call of `add_argument`


def test_every_mutation_of_a_module_is_another_program():
    path = Path("common/text/delimited.py")
    source = (ROOT / path).read_text(encoding="utf-8")
    found = mutants(source)
    assert len(found) > 50
    whole = ast.dump(ast.parse(source))
    assert all(ast.dump(ast.parse(each)) != whole for each in found)


def test_the_seed_draws_two_mutations_of_each_module():
    files = modules(ROOT)[:20]
    first, again, other = (draw(files, ROOT, 10, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert [each.path for each in first[::2]] == [each.path for each in first[1::2]]
    assert len({each.path for each in first}) == 5
    assert draw(files, ROOT, 9, 1) == first[:9]
    assert all((one.start, one.end) != (two.start, two.end) for one, two in zip(first[::2], first[1::2], strict=True))


@pytest.mark.parametrize(
    ("module", "first"),
    [
        ("common/text/readers.py", "tests/common/text/test_readers.py"),
        ("recipes/imdb/prepare.py", "tests/recipes/test_imdb.py"),
        ("common/bundles/gate.py", "tests/common/bundles/test_architecture.py"),
    ],
)
def test_the_tests_of_a_module_come_first(module, first):
    close, other = close_tests(Path(module), ROOT), other_tests(Path(module), ROOT)
    assert next(path for path in close if path != Path(module)) == Path(first)
    assert (close[0] == Path(module)) == (not module.startswith("recipes"))
    assert not set(close) & set(other)


# In a process of its own: a process of pytest may have run TensorFlow, and cannot be forked.
TRY_THE_TOYS = """
import sys
from pathlib import Path
from tests.mutations.places import places_of
from tests.mutations.running import try_mutation

path = Path("common/toy.py")
for name in sys.argv[1:]:
    folder = Path(name)
    [mutation] = [each for place in places_of((folder / path).read_text(), path) for each in place if each.after == "3"]
    outcome = try_mutation(1, mutation, folder, folder / "work", folder / "log")
    print(outcome.killed_by or "-", outcome.doubt or "-", sep="|")
"""
SOURCE = "def half(x):\n    return x / 2\n"
TOYS = {
    "assert half(5) == 2.5": "tests/common/test_toy.py::test_half|-",
    "assert half(0) == 0": "-|-",
    "assert half(5) == 3": "-|(failing anyway: tests/common/test_toy.py::test_half)",
}


@pytest.mark.slow
def test_a_mutation_is_noticed_or_survives(tmp_path):
    folders = [tmp_path / f"toy{number}" for number in range(len(TOYS))]
    for folder, test in zip(folders, TOYS, strict=True):
        for part in ("common", "tests/common"):
            (folder / part).mkdir(parents=True)
        (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\nmarkers = ["slow"]\npythonpath = ["."]\n')
        (folder / "common/toy.py").write_text(SOURCE)
        (folder / "tests/common/test_toy.py").write_text(
            f"from common.toy import half\n\n\ndef test_half():\n    {test}\n"
        )
    command = [sys.executable, "-c", TRY_THE_TOYS, *map(str, folders)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == list(TOYS.values())
    assert all((folder / "common/toy.py").read_text() == SOURCE for folder in folders)
