"""`slamon test`: contracts judged on declared facts by the production evaluator, against the figures somebody expects on paper."""

from slamon.cases.report import Failure, Outcome, Report
from slamon.cases.running import run

__all__ = ["Failure", "Outcome", "Report", "run"]
