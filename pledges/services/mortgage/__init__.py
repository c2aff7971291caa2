"""Floating mortgages: agree on them, name goods and places, attach, let flow, crystallise, end."""

from pledges.services.mortgage.agreement import MortgageTerms, activate_mortgage, draft_mortgage
from pledges.services.mortgage.ending import (
    ask_discharge,
    crystallise_mortgage,
    discharge_mortgage,
)
from pledges.services.mortgage.naming import add_site, select_item, withdraw_item, withdraw_site

__all__ = [
    "MortgageTerms",
    "activate_mortgage",
    "add_site",
    "ask_discharge",
    "crystallise_mortgage",
    "discharge_mortgage",
    "draft_mortgage",
    "select_item",
    "withdraw_item",
    "withdraw_site",
]
