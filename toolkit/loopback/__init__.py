"""A loopback sandbox: CapSolver, CapMonster Cloud and an OpenAI-compatible endpoint on 127.0.0.1.

It shares no code and no constant with the providers: both are written from the vendors' documents, so that a
mistake in one cannot be proved right by the other.
"""

from toolkit.loopback import delays, faults
from toolkit.loopback.backend import Reader
from toolkit.loopback.capmonster import CapMonsterRules
from toolkit.loopback.capsolver import CapSolverRules
from toolkit.loopback.ledger import Entry, Ledger, Report, Traffic
from toolkit.loopback.openai import OpenAIRules
from toolkit.loopback.oracle import Oracle, Truth
from toolkit.loopback.server import Sandbox, serve_forever

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
