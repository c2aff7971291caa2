"""`python -m config.services start|stop|status`: the embedded servers by hand.

For programs that do not come through manage.py, such as gunicorn and Celery.
"""

import sys

from config.services import ensure_services, status, stop_services


def main(argv: list[str]) -> int:
    """Do what `argv` says; return the exit status (1 if `status` finds a stopped server)."""
    match argv:
        case ["start"]:
            ensure_services(["start"])
        case ["stop"]:
            print(", ".join(stop_services()) or "nothing", "stopped")  # noqa: T201
            return 0
        case ["status"]:
            pass
        case _:
            raise SystemExit("usage: python -m config.services start|stop|status")
    states = status()
    for name, state in states.items():
        print(f"{name:10} {state}")  # noqa: T201
    return 1 if "stopped" in states.values() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
