"""What secures the lender: positions, their conversions, pool lines, cover and calls."""

from pledges.models.act_request import ActRequest
from pledges.models.allocation import AllocationLine, AllocationProposal, CustodyFee
from pledges.models.approval_rule import AutoApprovalRule
from pledges.models.call_extension import MarginCallExtension
from pledges.models.call_history import MarginCallEntry
from pledges.models.claims import ClaimedReceipt, ClaimedSerial
from pledges.models.conversion import Conversion, ConversionLeg, ConversionStock
from pledges.models.cover import CoverRecord, FacilityCover
from pledges.models.disposal import DisposalCase, DisposalChannel, DisposalItem, DisposalLot
from pledges.models.disposal_sale import Offer, Sale, Surplus
from pledges.models.early_warning import EarlyWarning, WarningThreshold
from pledges.models.instruction import (
    EvidencePhoto,
    Instruction,
    InstructionLine,
    InstructionStep,
)
from pledges.models.law import (
    ControlEvidence,
    InsurancePolicy,
    InsuredSite,
    PurchaseMoneyNotice,
    Registration,
    RegistrationEntry,
)
from pledges.models.margin_call import MarginCall
from pledges.models.mortgage import FloatingMortgage, MortgagedItem, MortgagedSite
from pledges.models.pool import PoolLine
from pledges.models.position import Position, PositionTerm
from pledges.models.suspension import Suspension

__all__ = [
    "ActRequest",
    "AllocationLine",
    "AllocationProposal",
    "AutoApprovalRule",
    "ClaimedReceipt",
    "ClaimedSerial",
    "ControlEvidence",
    "Conversion",
    "ConversionLeg",
    "ConversionStock",
    "CoverRecord",
    "CustodyFee",
    "DisposalCase",
    "DisposalChannel",
    "DisposalItem",
    "DisposalLot",
    "EarlyWarning",
    "EvidencePhoto",
    "FacilityCover",
    "FloatingMortgage",
    "Instruction",
    "InstructionLine",
    "InstructionStep",
    "InsurancePolicy",
    "InsuredSite",
    "MarginCall",
    "MarginCallEntry",
    "MarginCallExtension",
    "MortgagedItem",
    "MortgagedSite",
    "Offer",
    "PoolLine",
    "Position",
    "PositionTerm",
    "PurchaseMoneyNotice",
    "Registration",
    "RegistrationEntry",
    "Sale",
    "Surplus",
    "Suspension",
    "WarningThreshold",
]
