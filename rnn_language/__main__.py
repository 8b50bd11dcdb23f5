"""`python -m rnn_language` is the command `rnn-language`."""

import sys

from rnn_language.shadowing import check_not_shadowed

if __name__ == "__main__":
    try:
        check_not_shadowed()
    except ImportError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    from rnn_language.cli import main

    main()
