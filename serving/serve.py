"""Serve models over HTTP.

python -m serving.serve --model reviews --model ewt --port 8000
"""

from __future__ import annotations

from common.cli.run import run_command
from serving import cli

if __name__ == "__main__":
    run_command(cli.serve)
