"""A progress bar on a terminal, silent anywhere else."""

from typing import TextIO

WIDTH = 30


class ProgressBar:
    """Draws how much is done on one line, on streams that are terminals."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.shown = out.isatty()

    def __call__(self, done: int, total: int, what: str) -> None:
        """Show that `done` of `total` are done, the last of them `what`."""
        if not self.shown:
            return
        filled = WIDTH * done // max(1, total)
        bar = "█" * filled + "·" * (WIDTH - filled)
        end = "\n" if done == total else ""
        self.out.write(f"\r{bar} {done}/{total} {what:<32}{end}")
        self.out.flush()
