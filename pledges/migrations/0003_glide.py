"""Lines of a facility go by the glided rate; readings keep the value that they went by."""

from django.db import migrations

import common.fields
from pledges.sql import DROP, INSTALL

# Readings of before had no glide. The guard against changed rows makes way for this one statement.
FILL = """
ALTER TABLE pledges_coverrecord DISABLE TRIGGER USER;
UPDATE pledges_coverrecord SET glided_value = lending_value;
ALTER TABLE pledges_coverrecord ENABLE TRIGGER USER;
UPDATE pledges_facilitycover SET glided_value = lending_value;
"""


class Migration(migrations.Migration):
    dependencies = [("pledges", "0002_functions"), ("risk", "0003_glide")]

    operations = [
        migrations.AddField(
            model_name="coverrecord",
            name="glided_value",
            field=common.fields.MoneyAmountField(
                default=0, help_text="lending value at the glided rates"
            ),
        ),
        migrations.AddField(
            model_name="facilitycover",
            name="glided_value",
            field=common.fields.MoneyAmountField(
                default=0, help_text="lending value at the glided rates"
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RunSQL(INSTALL, DROP),
    ]
