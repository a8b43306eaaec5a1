"""A loopback sandbox: CapSolver, CapMonster Cloud and an OpenAI-compatible endpoint on 127.0.0.1.

It shares no code and no constant with the providers: both are written from the vendors' documents, so that a
mistake in one cannot be proved right by the other.
"""

from toolkit.sandbox import delays, faults
from toolkit.sandbox.backend import Reader
from toolkit.sandbox.capmonster import CapMonsterRules
from toolkit.sandbox.capsolver import CapSolverRules
from toolkit.sandbox.ledger import Entry, Ledger, Report, Traffic
from toolkit.sandbox.openai import OpenAIRules
from toolkit.sandbox.oracle import Oracle, Truth
from toolkit.sandbox.server import Sandbox, serve_forever

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
