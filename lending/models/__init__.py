"""Credit: the facility, the loans drawn under it, money out and money back."""

from lending.models.disbursement import Disbursement
from lending.models.facility import Facility
from lending.models.loan import Loan
from lending.models.repayment import Repayment, RepaymentAllocation, Waiver

__all__ = ["Disbursement", "Facility", "Loan", "Repayment", "RepaymentAllocation", "Waiver"]
