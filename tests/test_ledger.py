from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon import ledger
from slamon.ledger import GENESIS, Entry, TamperedError

TEXTS = st.lists(st.text(max_size=4), max_size=3)
VALUES = st.one_of(
    st.text(max_size=8), st.integers(-(1 << 63), 1 << 63), st.none(), st.booleans(), TEXTS, TEXTS.map(tuple)
)
BODIES = st.dictionaries(st.text(max_size=5), VALUES, max_size=4)
WHO = st.text(max_size=6)


def chain(bodies: list[dict[str, ledger.Value]], by: str = "ann") -> list[Entry]:
    entries: list[Entry] = []
    for i, body in enumerate(bodies):
        entries.append(ledger.append(entries[-1] if entries else None, at=1000 + i, by=by, kind="exclude", body=body))
    return entries


def test_the_bytes_of_an_entry_are_fixed() -> None:
    """Chains on disks depend on it: these values are not to change."""
    entry = chain([{"contract": "hq", "note": "Ä\n", "start": 5, "end": None}])[0]
    written = b'{"at":1000,"body":{"contract":"hq","end":null,"note":"\xc3\x84\\n","start":5},"by":"ann","kind":"exclude","number":1}'
    assert ledger.canonical(entry.number, entry.at, entry.by, entry.kind, entry.body) == written
    assert entry.link == hashlib.sha256(GENESIS.encode() + b"\n" + written).hexdigest()


def test_a_list_of_texts_has_one_way_of_writing_it() -> None:
    written = ledger.canonical(1, 2, "ann", "accept", {"evidence": ["a", "b"]})
    assert written == b'{"at":2,"body":{"evidence":["a","b"]},"by":"ann","kind":"accept","number":1}'
    assert ledger.canonical(1, 2, "ann", "accept", {"evidence": ("a", "b")}) == written


@given(st.lists(BODIES, max_size=6), WHO)
def test_a_chain_holds(bodies: list[dict[str, ledger.Value]], by: str) -> None:
    entries = chain(bodies, by)
    assert ledger.verify(entries) == (entries[-1].link if entries else GENESIS)
    assert [entry.number for entry in entries] == list(range(1, len(bodies) + 1))


@given(BODIES, st.permutations(range(4)))
def test_the_order_of_keys_does_not_matter(body: dict[str, ledger.Value], order: list[int]) -> None:
    keys = list(body)
    shuffled = {keys[i]: body[keys[i]] for i in order if i < len(keys)}
    assert chain([body])[0].link == chain([{**shuffled, **body}])[0].link


CHANGES: dict[str, Callable[[Entry], Entry]] = {
    "at": lambda entry: entry._replace(at=entry.at + 1),
    "by": lambda entry: entry._replace(by="eve"),
    "kind": lambda entry: entry._replace(kind="revoke"),
    "body": lambda entry: entry._replace(body={**entry.body, "end": 99}),
    "one key less": lambda entry: entry._replace(body={}),
    "link": lambda entry: entry._replace(link="f" * 64),
    "a float": lambda entry: entry._replace(body={"end": 0.5}),  # type: ignore[dict-item]
    "no text": lambda entry: entry._replace(body={"note": "\ud800"}),
    "no number": lambda entry: entry._replace(at=float("inf")),  # type: ignore[arg-type]  # as SQLite may give it
}


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("change", list(CHANGES))
def test_a_changed_entry_is_named(place: int, change: str) -> None:
    entries = chain([{"end": i, "contract": "hq"} for i in range(3)])
    entries[place] = CHANGES[change](entries[place])
    with pytest.raises(TamperedError, match=f"declaration {place + 1} "):
        ledger.verify(entries)


def test_an_entry_hashed_anew_does_not_carry_the_next() -> None:
    entries = chain([{"end": i} for i in range(3)])
    entries[0] = ledger.append(None, at=1000, by="eve", kind="exclude", body={"end": 9})
    with pytest.raises(TamperedError, match="declaration 2 "):
        ledger.verify(entries)


def test_a_removed_entry_is_missed() -> None:
    entries = chain([{"end": i} for i in range(3)])
    with pytest.raises(TamperedError, match="declaration 2 is missing: the next one found is 3"):
        ledger.verify([entries[0], entries[2]])


def test_a_rewritten_end_shows_against_a_link_remembered() -> None:
    entries = chain([{"end": i} for i in range(3)])
    assert ledger.verify(entries[:2]) != ledger.verify(entries)


@pytest.mark.parametrize("value", [0.1, [1], ["a", 0.5], (None,), {"a": "b"}])
def test_what_has_several_spellings_or_none_is_refused(value: object) -> None:
    body = {"share": value}
    with pytest.raises(TypeError, match="share"):
        ledger.append(None, at=1, by="", kind="exclude", body=body)  # type: ignore[arg-type]
