"""The far side's name server: one A record for every question, or the response code the policy wants."""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.netlab.policy import Policy

TTL = 60
"""Seconds; nobody here caches."""


def answer(query: bytes, policy: Policy) -> tuple[str, int, bytes] | None:
    """(event, message id, response) for a query; None when the bytes are not one."""
    try:
        question = dns.message.from_wire(query)
    except dns.exception.DNSException:
        return None
    response = dns.message.make_response(question, recursion_available=True)
    rcode = dns.rcode.from_text(policy.dns_rcode)
    response.set_rcode(rcode)
    response.flags |= dns.flags.AA
    if rcode == dns.rcode.NOERROR:
        for entry in question.question:
            if entry.rdtype == dns.rdatatype.A:
                response.answer.append(dns.rrset.from_text(entry.name, TTL, "IN", "A", policy.dns_address))
    return f"dns:{policy.dns_rcode}", question.id, response.to_wire()
