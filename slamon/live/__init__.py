"""What is true now: facts as they come → the judged state of every target and service, as values that metrics, web and CLI read.

Only settled time is accumulated, so a published figure never has to be taken back. In the steady case a second costs a few comparisons per
service; everything else goes through the same `sla.attribution.observe` that contracts are judged by.
"""

from slamon.live.following import Live
from slamon.live.inbox import Inbox, News
from slamon.live.lag import normal_lag
from slamon.live.loss import LOSSY, NOTHING, WINDOW, Failing
from slamon.live.views import ContractView, StateView, TargetView, Turn

__all__ = [
    "LOSSY",
    "NOTHING",
    "WINDOW",
    "ContractView",
    "Failing",
    "Inbox",
    "Live",
    "News",
    "StateView",
    "TargetView",
    "Turn",
    "normal_lag",
]
