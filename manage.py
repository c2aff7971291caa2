#!/usr/bin/env python3
"""Django's command line, attached to the project's own services when no server is named."""

import os
import sys

from config.services import ensure_services


def main() -> None:
    """Run one management command; start PostgreSQL and Redis first if it needs them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    ensure_services(sys.argv[1:])
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
