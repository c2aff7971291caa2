"""Install the function that knows how much a person may decide."""

from django.db import migrations

from parties.sql import DROP, MAY_DECIDE


class Migration(migrations.Migration):
    """One look-up for the guards of every checked act."""

    dependencies = [("parties", "0001_initial")]

    operations = [migrations.RunSQL(sql=MAY_DECIDE, reverse_sql=DROP)]
