"""Who takes part: organisations, the people in them, and how far each may go."""

from parties.models.authority import AuthorityLimit
from parties.models.organisation import BankAccount, Organisation
from parties.models.person import Person, RoleGrant

__all__ = ["AuthorityLimit", "BankAccount", "Organisation", "Person", "RoleGrant"]
