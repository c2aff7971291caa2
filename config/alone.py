"""`python3 config/alone.py LOCK COMMAND…`: run a command while no other holds the lock.

Run as a file, before any package is installed, by any Python 3.
"""

import fcntl
import os
import sys


def main(lock: str, command: list[str]) -> None:
    """Wait for the file lock and become `command`; the lock goes when the command ends."""
    os.makedirs(os.path.dirname(lock), exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.set_inheritable(descriptor, True)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
