"""The contract that every provider keeps, as a check to run on your own."""

from toolkit.testing.contract import ContractBroken, check_provider

__all__ = ["ContractBroken", "check_provider"]
