"""The backtest's names for our own model, bare and as published; others enter by their codes."""

PROPOSAL, PROPOSAL_GOVERNED = "proposal", "proposal_gov"
