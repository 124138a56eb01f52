"""Loads facts and judges contracts: the one caller of the core's evaluation, for the daemon, the web and the command line alike.

A tally of everything that cannot change any more is kept per contract and period; a refresh judges that base plus the tail after it. A base
that has to be computed anew grows a piece at a time, so that whatever is judged gives way to the sender every few milliseconds.
"""

from slamon.judge.asked import find_contracts, find_period, judge_once, report
from slamon.judge.bench import Observed, Source, declared, involved, service_facts
from slamon.judge.evidence import evidence
from slamon.judge.running import Judge

__all__ = [
    "Judge",
    "Observed",
    "Source",
    "declared",
    "evidence",
    "find_contracts",
    "find_period",
    "involved",
    "judge_once",
    "report",
    "service_facts",
]
