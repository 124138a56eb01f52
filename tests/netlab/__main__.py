"""`python -m tests.netlab --config FILE --truth FILE --control SOCKET`: the far side, inside a network namespace of its own.

Prints READY once its devices answer. The configuration is JSON:
{"seed": 7, "links": [{"name": "lab0", "addresses": […], "routes": […]}], "targets": {"10.66.1.1": {"delay": 30, "loss": 0.02}}}
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import signal
import sys
from pathlib import Path

from tests.netlab.control import Control
from tests.netlab.policy import Targets
from tests.netlab.responder import Responder
from tests.netlab.truth import TruthLog
from tests.netlab.tun import Link, open_link

PR_SET_TIMERSLACK = 29  # linux/prctl.h; the default of 50 us would be added to every wake-up


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.netlab")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--control", type=Path, required=True)
    arguments = parser.parse_args()
    config = json.loads(arguments.config.read_text())
    seed = int(config.get("seed", 1))
    targets = Targets(seed)
    for name, policy in config.get("targets", {}).items():
        targets.set(name, policy)
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    truth = TruthLog(arguments.truth, seed)
    links = [open_link(Link(**link)) for link in config.get("links", [{}])]
    responder = Responder(targets, truth, links)
    Control(arguments.control, responder)
    signal.signal(signal.SIGTERM, lambda *_: responder.stop())
    gc.freeze()
    gc.disable()  # nothing here makes cycles, and a collection would be late replies
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    try:
        responder.run()
    finally:
        truth.close()


if __name__ == "__main__":
    main()
