"""Install the SQL functions that read cover and value positions."""

from django.db import migrations

from pledges.sql import DROP, INSTALL


class Migration(migrations.Migration):
    """One arithmetic of cover for the tick, the acts and the proofs."""

    dependencies = [("pledges", "0001_initial"), ("risk", "0002_quotes")]

    operations = [migrations.RunSQL(sql=INSTALL, reverse_sql=DROP)]
