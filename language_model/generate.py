"""Generate texts: sampling or beam search, by `LanguageModel.write`.

python -m language_model.generate --prompt "Once upon a time" --num-samples 3 --seed 1
python -m language_model.generate --endings stories.csv --num-sentences 1
python -m language_model.generate --num-samples 20 --report runs/written --train train.csv
"""

from __future__ import annotations

from common.cli.run import run_command
from language_model import cli

if __name__ == "__main__":
    run_command(cli.generate)
