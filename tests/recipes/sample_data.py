"""The samples of the repository under the names and in the form of the public data sets."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NUM_REVIEWS, NUM_UNLABELLED, NUM_STORIES, NUM_SENTENCES = 60, 20, 30, 80


def write_data(folder: Path) -> Path:
    """Write all of them; returns the folder."""
    write_imdb(folder / "imdb")
    write_domains(folder / "reviews_domains")
    write_stories(folder)
    write_tagged(folder)
    write(
        folder / "wikitext2/wiki.train.tokens.gz",
        " \n = A heading = \n \n The <unk> cost 1 @,@ 000 , sixty @-@ four . \n",
    )
    return folder


def write_imdb(folder: Path) -> None:
    """Reviews, three of a film; one unlabelled review also stands in training, one in the test, one twice."""
    train, test = (read_csv(f"sentiment/dataset/{name}.csv")[:NUM_REVIEWS] for name in ("train", "test"))
    unlabelled = [row["text"] for row in read_csv("language_model/dataset/train.csv")[-NUM_UNLABELLED:]]
    unlabelled += [train[0]["review"], test[0]["review"], unlabelled[0]]
    write_csv(folder / "train.csv.gz", ["rating", "review"], [(row["rating"], row["review"]) for row in train])
    write_csv(folder / "test.csv.gz", ["rating", "review"], [(row["rating"], row["review"]) for row in test])
    write_csv(folder / "unlabelled.csv.gz", ["review"], [(text,) for text in unlabelled])
    write(folder / "train.films.txt.gz", "".join(f"tt{number // 3}\n" for number in range(len(train))))


def write_domains(folder: Path) -> None:
    """Reviews with 1 to 5 stars of two domains, one of which is not to be learned, and rated snippets."""
    rows = [(int(float(row["rating"]) / 2), row["review"]) for row in read_csv("sentiment/dataset/train.csv")[100:160]]
    for name, part in {"train": rows[:40], "validation": rows[40:]}.items():
        domains = [("hotels_datafiniti", "headphones")[number % 3 == 0] for number in range(len(part))]
        reviews = [
            (f"{domain}: {text}", max(stars, 1), domain) for domain, (stars, text) in zip(domains, part, strict=True)
        ]
        write_csv(folder / f"{name}.csv.gz", ["review", "rating", "domain"], reviews)
    snippets = [(f"snippet {number} {rows[number][1][:40]}", number % 7 - 3, "tweets") for number in range(40)]
    write_csv(folder / "snippets.csv.gz", ["text", "mean", "domain"], snippets)


def write_stories(folder: Path) -> None:
    """Fairy tales, and one text of letters."""
    known, new = (read_csv(f"language_model/dataset/{name}.csv")[:NUM_STORIES] for name in ("train", "test"))
    for name, rows in {"train": known, "valid": new[:10], "test": new[10:]}.items():
        write_csv(folder / f"stories/{name}.csv.gz", ["story", "text"], [(row["title"], row["text"]) for row in rows])
    write(folder / "tinyshakespeare/input.txt.gz", "\n\n".join(row["text"] for row in known[:12]))


def write_tagged(folder: Path) -> None:
    """Sentences as a treebank with tags of two sets, and as the Brown Corpus, in documents of four sentences."""
    files = {
        name: (ROOT / f"pos_tagging/dataset/{name}.conllu").read_text(encoding="utf-8") for name in ("train", "test")
    }
    known, new = (content.strip().split("\n\n")[:NUM_SENTENCES] for content in files.values())
    for name, sentences in {"train": known, "dev": new[:20], "test": new[20:]}.items():
        write(folder / f"ud_english_ewt/{name}.conllu.gz", "".join(f"{with_xpos(text)}\n\n" for text in sentences))
    genres = ("news", "fiction")
    documents = [f"# newdoc id = {genre}\n# meta::genre = {genre}\n{with_xpos(known[0])}\n\n" for genre in genres]
    for name in ("train", "dev"):
        write(folder / f"ud_english_gum/{name}.conllu.gz", "".join(documents))
    rows = []
    for number, sentence in enumerate(known):
        words = [line.split("\t") for line in sentence.split("\n") if not line.startswith("#")]
        tokens, tags = ("\t".join(word[column] for word in words) for column in (1, 3))
        rows.append((f"ca{number // 4:02}", number % 4, tokens, tags, tags.lower()))
    write_csv(folder / "brown/brown.csv.gz", ["doc", "sentence_id", "tokens", "tags_universal", "tags_brown"], rows)


def with_xpos(sentence: str) -> str:
    """Put the universal tag, in small letters, in the column of the treebank's own."""
    lines = []
    for line in sentence.split("\n"):
        columns = line.split("\t")
        lines.append(line if len(columns) < 10 else "\t".join([*columns[:4], columns[3].lower(), *columns[5:]]))
    return "\n".join(lines)


def read_csv(name: str) -> list[dict[str, str]]:
    with open(ROOT / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_csv(path: Path, header: list[str], rows: list[tuple]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        file.write(text)
