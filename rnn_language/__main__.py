"""`python -m rnn_language` is the command `rnn-language`."""

from rnn_language.cli import main

if __name__ == "__main__":
    main()
