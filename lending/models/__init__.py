"""Credit: the facility, the loans drawn under it, money out and money back, and default."""

from lending.models.change import FacilityChange
from lending.models.default import DefaultNotice
from lending.models.disbursement import Disbursement
from lending.models.facility import Facility
from lending.models.loan import Loan
from lending.models.repayment import Repayment, RepaymentAllocation, Waiver
from lending.models.repayment_reversal import RepaymentReversal
from lending.models.write_off import Recovery, WriteOff, WriteOffPart

__all__ = [
    "DefaultNotice",
    "Disbursement",
    "Facility",
    "FacilityChange",
    "Loan",
    "Recovery",
    "Repayment",
    "RepaymentAllocation",
    "RepaymentReversal",
    "Waiver",
    "WriteOff",
    "WriteOffPart",
]
