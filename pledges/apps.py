"""Django's entry to the pledges room."""

from django.apps import AppConfig


class PledgesConfig(AppConfig):
    """Positions and their conversions: what secures the lender at every moment."""

    name = "pledges"

    def ready(self) -> None:
        """Listen to the rooms below: exposure, prices, rates, goods that come and go."""
        from lending.hooks import on_exposure_changed
        from logistics.hooks import on_goods_leaving, on_goods_moving, on_goods_received
        from outbox.handlers import register
        from pledges.services.eligibility import CHECKS
        from pledges.services.hooks import (
            exposure_changed,
            prices_recorded,
            rates_published,
            weight_held,
        )
        from pledges.services.law_hooks import listen_for_the_law
        from pledges.services.losses import goods_counted
        from pledges.services.mortgage.movement import goods_leaving, goods_received, stand_by
        from pledges.services.mortgage.scope import outside_scope
        from pledges.services.tick import TICK_DUE, run_due_ticks, tick_book
        from pledges.states import SuspensionReason
        from risk.hooks import (
            on_market_moved,
            on_prices_recorded,
            on_rates_published,
            on_weight_asked,
        )

        on_goods_leaving(goods_counted)
        listen_for_the_law()
        on_exposure_changed(exposure_changed)
        on_prices_recorded(prices_recorded)
        on_rates_published(rates_published)
        on_market_moved(run_due_ticks)
        register(TICK_DUE, tick_book)
        on_weight_asked(weight_held)
        on_goods_moving(stand_by)
        on_goods_leaving(goods_leaving)
        on_goods_received(goods_received)
        CHECKS[SuspensionReason.PLACE] = outside_scope
