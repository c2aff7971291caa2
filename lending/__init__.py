"""Facilities, loans, disbursements, interest and the repayment waterfall."""
