"""A loopback sandbox: CapSolver, CapMonster Cloud and an OpenAI-compatible endpoint on 127.0.0.1.

It shares no code and no constant with the providers: both are written from the vendors' documents, so that a
mistake in one cannot be proved right by the other.
"""

from toolkit._sandbox import delays, faults
from toolkit._sandbox.backend import Reader
from toolkit._sandbox.capmonster import CapMonsterRules
from toolkit._sandbox.capsolver import CapSolverRules
from toolkit._sandbox.ledger import Entry, Ledger, Report, Traffic
from toolkit._sandbox.openai import OpenAIRules
from toolkit._sandbox.oracle import Oracle, Truth
from toolkit._sandbox.server import Sandbox, serve_forever

__all__ = [
    "CapMonsterRules",
    "CapSolverRules",
    "Entry",
    "Ledger",
    "OpenAIRules",
    "Oracle",
    "Reader",
    "Report",
    "Sandbox",
    "Traffic",
    "Truth",
    "delays",
    "faults",
    "serve_forever",
]
