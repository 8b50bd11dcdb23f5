"""Score texts: log-probability, perplexity and the surprisal of each token, by `LanguageModel.score`.

python -m language_model.score "The king went into the forest." "The forest went into the king."
python -m language_model.score --format html --input story.txt --output story.html
python -m language_model.score --context "The dog was hungry." "It ate a bone." "The moon is far away."
"""

from __future__ import annotations

from common.cli.run import run_command
from language_model import cli

if __name__ == "__main__":
    run_command(cli.score)
