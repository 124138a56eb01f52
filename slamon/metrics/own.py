"""The families about slamon itself: is it on time, does it lose packets of its own making, does it write and judge."""

from __future__ import annotations

from collections.abc import Iterator
from platform import python_version

from slamon.metrics.family import Family, Page, instant, single, single_histogram
from slamon.metrics.text import pairs, seconds
from slamon.stats import SocketInfo

SEND_ERRNOS = ("EACCES", "EAGAIN", "EHOSTUNREACH", "EMSGSIZE", "ENETDOWN", "ENETUNREACH", "ENOBUFS", "EPERM")
"""What sendto(2) is known to fail with here; each has a series at 0, others appear when they happen."""

LOOKUP_RESULTS = ("success", "failure")


def _drops(name: str, page: Page) -> Iterator[str]:
    drops = page.view.stats.receive_drops
    families = {4, 6, *drops}
    for family in sorted(families):
        yield f'{name}{{family="{family}"}} {drops[family]}\n'


def _send_errors(name: str, page: Page) -> Iterator[str]:
    errors = page.view.stats.send_errors
    for errno in sorted({*SEND_ERRNOS, *errors}):
        yield f"{name}{{{pairs((('errno', errno),))}}} {errors[errno]}\n"


def _lookups(name: str, page: Page) -> Iterator[str]:
    lookups = page.view.stats.dns_resolutions
    for result in LOOKUP_RESULTS:
        yield f'{name}{{result="{result}"}} {lookups[result]}\n'


def _checksum_errors(name: str, page: Page) -> Iterator[str]:
    for family, count in sorted(page.view.stats.checksum_errors.items()):
        yield f'{name}{{family="{family}"}} {count}\n'


def _sockets(page: Page) -> Iterator[tuple[str, SocketInfo]]:
    """Each socket once: a reopened one replaces its predecessor."""
    latest = {(socket.family, socket.via): socket for socket in page.view.stats.sockets}
    for (family, via), socket in sorted(latest.items()):
        yield pairs((("family", str(family)), ("via", via))), socket


def _socket_info(name: str, page: Page) -> Iterator[str]:
    for labels, socket in _sockets(page):
        more = pairs((("type", socket.type), ("timestamps", socket.timestamps)))
        yield f"{name}{{{labels},{more}}} 1\n"


def _socket_buffers(name: str, page: Page) -> Iterator[str]:
    for labels, socket in _sockets(page):
        yield f'{name}{{{labels},direction="receive"}} {socket.receive_buffer}\n'
        yield f'{name}{{{labels},direction="send"}} {socket.send_buffer}\n'


def _build_info(name: str, page: Page) -> Iterator[str]:
    yield f"{name}{{{pairs((('version', page.view.version), ('python', python_version())))}}} 1\n"


OWN: tuple[Family, ...] = (
    Family(
        name="slamon_scheduler_lag_seconds",
        type="histogram",
        help="How late probes were sent after their slot.",
        labels=(),
        lines=single_histogram(lambda stats: stats.scheduler_lag),
    ),
    Family(
        name="slamon_scheduler_missed_slots_total",
        type="counter",
        help="Slots that passed without their probes being started at all.",
        labels=(),
        lines=single(lambda stats: stats.missed_slots),
    ),
    Family(
        name="slamon_event_loop_lag_seconds",
        type="histogram",
        help="How late the event loop came to a timer.",
        labels=(),
        lines=single_histogram(lambda stats: stats.event_loop_lag),
    ),
    Family(
        name="slamon_socket_receive_drops_total",
        type="counter",
        help="Packets the kernel dropped because our receive buffer was full; not the network's loss.",
        labels=("family",),
        lines=_drops,
    ),
    Family(
        name="slamon_socket_send_errors_total",
        type="counter",
        help="Sends the kernel refused, by errno.",
        labels=("errno",),
        lines=_send_errors,
    ),
    Family(
        name="slamon_unexpected_replies_total",
        type="counter",
        help="Replies that matched no probe of ours.",
        labels=(),
        lines=single(lambda stats: stats.unexpected_replies),
    ),
    Family(
        name="slamon_icmp_checksum_errors_total",
        type="counter",
        help="ICMP messages with a wrong checksum that this host received, whoever they were for; of ours, the probe is lost.",
        labels=("family",),
        lines=_checksum_errors,
    ),
    Family(
        name="slamon_socket_info",
        type="gauge",
        help="How a shared probing socket was got: dgram or raw, kernel or userspace timestamps; always 1.",
        labels=("family", "via", "type", "timestamps"),
        lines=_socket_info,
    ),
    Family(
        name="slamon_socket_buffer_bytes",
        type="gauge",
        help="Buffer the kernel granted to a shared probing socket.",
        labels=("family", "via", "direction"),
        lines=_socket_buffers,
    ),
    Family(
        name="slamon_clock_steps_total",
        type="counter",
        help="Steps of the wall clock; the time around each is unknown.",
        labels=(),
        lines=single(lambda stats: stats.clock_steps),
    ),
    Family(
        name="slamon_clock_synchronized",
        type="gauge",
        help="1 while the kernel says its clock is synchronized; absent where it cannot be asked.",
        labels=(),
        lines=single(lambda stats: None if stats.clock_synchronized is None else int(stats.clock_synchronized)),
    ),
    Family(
        name="slamon_clock_max_error_seconds",
        type="gauge",
        help="The kernel's bound on its clock's error; absent where it cannot be asked.",
        labels=(),
        lines=single(lambda stats: None if stats.clock_max_error is None else seconds(stats.clock_max_error)),
    ),
    Family(
        name="slamon_dns_resolutions_total",
        type="counter",
        help="Look-ups of target names, by result.",
        labels=("result",),
        lines=_lookups,
    ),
    Family(
        name="slamon_config_last_reload_successful",
        type="gauge",
        help="1 when the last attempt to load the configuration succeeded.",
        labels=(),
        lines=single(lambda stats: int(stats.last_reload_ok)),
    ),
    Family(
        name="slamon_config_last_reload_success_timestamp_seconds",
        type="gauge",
        help="When the configuration was last loaded successfully.",
        labels=(),
        lines=single(lambda stats: instant(stats.last_reload_at)),
    ),
    Family(
        name="slamon_build_info",
        type="gauge",
        help="Version of slamon and of Python; always 1.",
        labels=("version", "python"),
        lines=_build_info,
    ),
    Family(
        name="slamon_store_write_errors_total",
        type="counter",
        help="Writes to the store that failed; what they should have written is kept and written again.",
        labels=(),
        lines=single(lambda stats: stats.store_write_errors),
    ),
    Family(
        name="slamon_store_last_write_timestamp_seconds",
        type="gauge",
        help="When the store was last written; absent before the first write.",
        labels=(),
        lines=single(lambda stats: instant(stats.store_last_write)),
    ),
    Family(
        name="slamon_store_pending_records",
        type="gauge",
        help="Batches of facts waiting to be written, about one a second.",
        labels=(),
        lines=single(lambda stats: stats.store_pending),
    ),
    Family(
        name="slamon_store_verify_errors_total",
        type="counter",
        help="Times the declarations were found changed by somebody: by their hashes every hour, by what they say at each refresh.",
        labels=(),
        lines=single(lambda stats: stats.store_verify_errors),
    ),
    Family(
        name="slamon_evaluation_duration_seconds",
        type="histogram",
        help="Time to judge one contract once.",
        labels=(),
        lines=single_histogram(lambda stats: stats.evaluation),
    ),
    Family(
        name="slamon_evaluation_due_timestamp_seconds",
        type="gauge",
        help="When the contracts are to be judged next; in the past while they cannot be, and what is published of them stands still.",
        labels=(),
        lines=single(lambda stats: instant(stats.evaluation_due)),
    ),
    Family(
        name="slamon_evaluation_mismatch_total",
        type="counter",
        help="Contracts whose running figures differed from a judgement from scratch: a bug in slamon.",
        labels=(),
        lines=single(lambda stats: stats.evaluation_mismatches),
    ),
)
