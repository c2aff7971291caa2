"""Any table of a page as a CSV file with exact values."""

import csv
import io

from django.http import HttpResponse

from portal.tables import Table


def csv_response(table: Table, *, name: str) -> HttpResponse:
    """Return the table as UTF-8 with a mark that spreadsheets need to read Chinese."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerows(table.exact_rows())
    response = HttpResponse("\ufeff" + buffer.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
