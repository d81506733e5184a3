"""``python -m grokscope`` is the command ``grokscope``."""

from grokscope.cli.main import main

if __name__ == "__main__":
    main()
