"""Django's entry to the pledges room."""

from django.apps import AppConfig


class PledgesConfig(AppConfig):
    """Positions and their conversions: what secures the lender at every moment."""

    name = "pledges"

    def ready(self) -> None:
        """Listen to the rooms below: exposure, prices and rates that move."""
        from lending.hooks import on_exposure_changed
        from pledges.services.hooks import (
            exposure_changed,
            prices_recorded,
            rates_published,
            weight_held,
        )
        from risk.hooks import on_prices_recorded, on_rates_published, on_weight_asked

        on_exposure_changed(exposure_changed)
        on_prices_recorded(prices_recorded)
        on_rates_published(rates_published)
        on_weight_asked(weight_held)
