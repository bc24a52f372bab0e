"""Model check of the binary protocol: every interleaving of a small world, step by step.

The world: one content (two in one scenario), an object key per upload, two uploaders, a writer
that names a stored binary it read about earlier, a deleter that purges states, two sweeps that run
for ever. Everybody may crash at every step; a transaction that is open then is undone. A write or
a deletion that was sent to the vault may land at any later moment, also after its sender's crash.
Leases, graces and delays may end at any moment. Bytes may rot once, noticed.

A rule that is dropped and leaves the protocol SAFE is a second guard for the same thing; the log
says so, and shows which pair cannot go.

Transactions are not atomic here: as on PostgreSQL (READ COMMITTED) each is a few statements, seen
by others at its commit, kept apart by the locks of rows only. SQLite allows fewer interleavings.

Checked in every reachable state (SAFE): each committed item state names a binary that exists,
whose key is live, whose object is there, and good unless the binary is known to be corrupt.
Checked in every state at rest (NO LEAK): when all states are then purged and sweeps run, no
binary, no object and no unfinished journal row is left.

`python proofs/binary_protocol/model.py` explores the full protocol and then the protocol without
one rule at a time, and prints what is in `model.log`.
"""

from __future__ import annotations

import os
import platform
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

# A state is a string of bytes; these are the places in it.
J, S, P, D = 0, 3, 6, 9  # per key: journal, object, write under way, deletion under way
R = 12  # per content: id (0 none), key, flags
NEXT, F, C = 18, 19, 23  # next id; states by owner (the id that they name); candidates (bit mask)
U, W, NOTED, X, Z, ROT = 24, 26, 27, 28, 29, 31  # uploaders, writer, its note, deleter, sweeps
SIZE = 32

NONE, PENDING, LIVE, DEAD, DELETED, DROPPED = range(6)
ABSENT, GOOD, BAD = range(3)
CONDEMNED, CORRUPT = 1, 2
START, JOURNALED, PUTTING, STORED, CLAIMED, UPSERTED, DONE = range(7)
READ_NOTE, NOTE, REVIVED, ACQUITTING, INSERTED, WRITTEN = range(6)
# A sweep: idle, or holding the row of content c to condemn or reap. Deletions need no place: they
# are sent, land, and are noted when their sender has not crashed.
IDLE, CONDEMN, REAP, STALE = 0, 1, 3, 5
OWNERS = 4  # of states: from the beginning, uploader 1, uploader 2, writer
DELETER_FREE, DELETER_SEEN = 0, 10
KEYS = range(3)
MIRROR = [*range(SIZE)]  # the place that corresponds when the two uploaders change names
for _first in (J + 1, S + 1, P + 1, D + 1, F + 1, U):
    MIRROR[_first], MIRROR[_first + 1] = _first + 1, _first
SEEN_FROM_THERE = {2: 3, 3: 2, 12: 13, 13: 12}

RULES = {
    "fresh-key": "the key is random per upload, not the hash",
    "journal-first": "the journal row is committed before the object exists",
    "durable-first": "the object is durable before the binary is committed",
    "pending-guard": "pending → live must hit the row, or the upload aborts",
    "foreign-key": "a new state takes a share of its binary's row, which must exist",
    "revive": "a writer takes that share first, and takes condemnation back",
    "held-check": "the reap looks for states again, under the lock",
    "one-transaction": "binary deleted and key dead in one transaction",
    "own-key": "the reap turns the key dead that the deleted row names, not one noted earlier",
    "no-inline-delete": "the object is deleted after the commit, from the journal",
    "spare-dies": "an upload of a content that is served turns its own key dead",
    "lease": "pending keys past their lease turn dead",
    "delete-again": "the object is deleted a second time before the journal row is dropped",
    "bounded-upload": "an upload ends, or gives up, before that second deletion",
    "purge-notes": "purging states writes a sweep candidate",
    "note-locks": "… also when there is one, so that a sweep at work is waited for",
    "attach-notes": "attaching writes one too, as the states may not come",
    "corrupt-stays": "condemning does not hide that a binary is corrupt",
    "heal": "an upload of a corrupt content gives the binary its new key",
    "ids-unique": "the id of a deleted binary is never given to another",
}


@dataclass(frozen=True)
class World:
    """Who takes part, and which rules are dropped."""

    name: str
    uploaders: int = 2
    contents: tuple[int, int] = (0, 0)
    stored: bool = True  # content 0 is stored and held by one state at the beginning
    writer: bool = True
    sweeps: int = 2
    rot: bool = False
    without: frozenset[str] = frozenset()

    def has(self, rule: str) -> bool:
        return rule not in self.without

    def initial(self) -> bytes:
        s = bytearray(SIZE)
        s[NEXT] = 1
        if self.stored:
            s[J], s[S], s[R], s[R + 1], s[NEXT], s[F] = LIVE, GOOD, 1, 0, 2, 1
        for u in range(self.uploaders, 2):
            s[U + u] = DONE
        if not self.writer:
            s[W] = WRITTEN
        s[ROT] = self.rot
        return bytes(s)

    @property
    def alike(self) -> bool:
        """Whether the two uploaders differ in nothing but their names."""
        same = self.uploaders == 2 and self.contents == (0, 0)
        return same and self.has("fresh-key") and self.has("own-key")

    def key(self, uploader: int) -> int:
        return uploader + 1 if self.has("fresh-key") else 0


Step = tuple[str, bytes]


def steps(w: World, s: bytes) -> Iterator[Step]:
    """Every step that anybody can take next."""
    for u in range(2):
        if s[U + u] != DONE:
            yield from uploader(w, s, u)
    if s[W] != WRITTEN:
        yield from writer(w, s)
    yield from deleter(w, s)
    for z in range(w.sweeps):
        yield from sweep(w, s, z)
    yield from vault(w, s)
    if s[ROT] and s[R] and s[S + s[R + 1]] == GOOD and not locked(w, s, 0):
        yield changed(
            s,
            "bytes rot, and it is noticed",
            (ROT, 0),
            (S + s[R + 1], BAD),
            (R + 2, s[R + 2] | CORRUPT),
        )


def changed(s: bytes, label: str, *places: tuple[int, int]) -> Step:
    n = bytearray(s)
    for place, value in places:
        n[place] = value
    return label, bytes(n)


def row_of(s: bytes, number: int) -> int | None:
    """The place of the binary with this id."""
    for place in (R, R + 3):
        if number and s[place] == number:
            return place
    return None


def held(s: bytes, number: int) -> bool:
    return number in s[F : F + OWNERS]


# Locks are not stored: they follow from where everybody stands.


def locked(w: World, s: bytes, c: int) -> bool:
    """Somebody has the row of content c, or its hash in the unique index, for themselves."""
    if any(s[U + u] == UPSERTED and w.contents[u] == c for u in range(2)):
        return True
    return swept(s, c) or (s[W] == ACQUITTING and row_of(s, s[NOTED]) == R + 3 * c)


def swept(s: bytes, c: int) -> bool:
    return any(s[Z + z] in (CONDEMN + c, REAP + c) for z in range(2))


def shared(w: World, s: bytes, c: int) -> bool:
    """Somebody refers to the row of content c in an open transaction."""
    if s[W] in (REVIVED, ACQUITTING):
        return w.has("revive") and row_of(s, s[NOTED]) == R + 3 * c
    if s[W] == INSERTED:
        return (w.has("foreign-key") or w.has("revive")) and row_of(s, s[NOTED]) == R + 3 * c
    return False


def candidate_locked(s: bytes, number: int) -> bool:
    if DELETER_FREE < s[X] < DELETER_SEEN and s[F + s[X] - 1] == number:
        return True
    place = row_of(s, number)
    return place is not None and any(s[Z + z] == CONDEMN + (place - R) // 3 for z in range(2))


# The actors.


def uploader(w: World, s: bytes, u: int) -> Iterator[Step]:
    k, at, who = w.key(u), s[U + u], f"uploader {u + 1}"
    if at == START:
        if w.has("journal-first"):
            kept = s[J + k] == LIVE  # only without fresh keys
            yield changed(
                s, f"{who} journals key {k}", (U + u, JOURNALED), (J + k, LIVE if kept else PENDING)
            )
        else:
            yield changed(s, f"{who} sends object {k}", (U + u, PUTTING), (P + k, 1))
        return
    yield changed(s, f"{who} crashes", (U + u, DONE))
    if at == JOURNALED:
        yield changed(s, f"{who} sends object {k}", (U + u, PUTTING), (P + k, 1))
        if not w.has("durable-first"):
            yield changed(s, f"{who} does not wait for object {k}", (U + u, STORED), (P + k, 1))
    elif at == STORED:
        yield from claim(w, s, u)
    elif at == CLAIMED:
        c = w.contents[u]
        if not locked(w, s, c):
            yield changed(s, f"{who} has the row of its content", (U + u, UPSERTED))
    elif at == UPSERTED:
        for refers in (True, False):
            yield publish(w, s, u, refers=refers)


def claim(w: World, s: bytes, u: int) -> Iterator[Step]:
    k, who = w.key(u), f"uploader {u + 1}"
    if not w.has("journal-first") and s[J + k] == NONE:
        yield changed(s, f"{who} journals key {k}", (J + k, PENDING))
        return
    if not w.has("fresh-key") and s[U + (1 - u)] in (CLAIMED, UPSERTED):
        return  # waits for the lock of the one journal row
    fine = s[J + k] == PENDING or (not w.has("fresh-key") and s[J + k] == LIVE)
    if fine or not w.has("pending-guard"):
        yield changed(s, f"{who} claims key {k}", (U + u, CLAIMED))
    else:
        yield changed(s, f"{who} gives up: key {k} is not pending", (U + u, DONE))


def publish(w: World, s: bytes, u: int, *, refers: bool) -> Step:
    """The commit of an attachment, with the state that refers to it or without."""
    k, c = w.key(u), w.contents[u]
    n = bytearray(s)
    n[U + u], n[J + k] = DONE, LIVE
    place = R + 3 * c
    if not n[place]:
        reused = 1 + max(n[R], n[R + 3])
        n[place] = n[NEXT] if w.has("ids-unique") else reused
        n[NEXT] += 1
        n[place + 1], n[place + 2] = k, 0
    elif n[place + 2] & CORRUPT and w.has("heal"):
        n[J + n[place + 1]] = DEAD
        n[place + 1], n[place + 2] = k, 0
    else:
        n[place + 2] = n[place + 2] & CORRUPT if w.has("heal") else 0
        if n[place + 1] != k and w.has("spare-dies"):
            n[J + k] = DEAD
    if refers:
        n[F + 1 + u] = n[place]
    if w.has("attach-notes"):
        n[C] |= 1 << n[place]
    return f"uploader {u + 1} commits{'' if refers else ' without a state'}", bytes(n)


def writer(w: World, s: bytes) -> Iterator[Step]:
    at, noted = s[W], s[NOTED]
    place = row_of(s, noted)
    c = None if place is None else (place - R) // 3
    if at == READ_NOTE:
        if s[R] and held(s, s[R]):
            yield changed(s, "writer reads which binary it wants", (W, NOTE), (NOTED, s[R]))
        return
    yield changed(s, "writer crashes", (W, WRITTEN), (NOTED, 0))
    if at == NOTE:
        if not w.has("revive"):
            yield changed(s, "writer begins", (W, REVIVED))
        elif place is None or c is None:
            yield changed(s, "writer refuses: the binary is gone", (W, WRITTEN), (NOTED, 0))
        elif s[place + 2] & CONDEMNED:
            if not locked(w, s, c):
                yield changed(s, "writer takes condemnation back", (W, ACQUITTING))
        elif not swept(s, c):
            yield changed(s, "writer has a share of the row", (W, REVIVED))
    elif at in (REVIVED, ACQUITTING):
        if at == ACQUITTING:  # one statement with the insertion: nothing can come between
            assert place is not None
            free = (place + 2, s[place + 2] & ~CONDEMNED)
            noticed = (C, s[C] | 1 << noted)
            yield changed(
                s, "writer commits", (W, WRITTEN), (NOTED, 0), (F + 3, noted), free, noticed
            )
        elif not w.has("foreign-key"):
            yield changed(s, "writer inserts its state", (W, INSERTED))
        elif place is None or c is None:
            yield changed(s, "writer is refused by the foreign key", (W, WRITTEN), (NOTED, 0))
        elif not swept(s, c):
            yield changed(s, "writer inserts its state", (W, INSERTED))
    else:
        yield changed(s, "writer commits", (W, WRITTEN), (NOTED, 0), (F + 3, noted))


def deleter(w: World, s: bytes) -> Iterator[Step]:
    if s[X] == DELETER_FREE:
        for o in range(OWNERS):
            number = s[F + o]
            if not number:
                continue
            if not w.has("purge-notes"):
                yield changed(s, f"a state of {number} is purged", (F + o, 0))
            elif not w.has("note-locks") and s[C] >> number & 1:
                yield changed(s, f"deleter sees {number} noted already", (X, DELETER_SEEN + 1 + o))
            elif not candidate_locked(s, number):
                yield changed(s, f"deleter notes {number}", (X, 1 + o))
        return
    noted = s[X] < DELETER_SEEN
    o = s[X] - 1 - (0 if noted else DELETER_SEEN)
    candidates = s[C] | 1 << s[F + o] if noted else s[C]
    yield changed(s, "deleter commits", (X, 0), (F + o, 0), (C, candidates))
    yield changed(s, "deleter crashes", (X, 0))


def sweep(w: World, s: bytes, z: int) -> Iterator[Step]:
    at, who = s[Z + z], f"sweep {z + 1}"
    if at == IDLE:
        yield from sweep_begins(w, s, z, who)
        return
    yield changed(s, f"{who} crashes", (Z + z, IDLE))
    if at in (CONDEMN, CONDEMN + 1):
        yield condemned(w, s, z, R + 3 * (at - CONDEMN))
    elif at in (REAP, REAP + 1):
        place = R + 3 * (at - REAP)
        yield reaped(w, s, z, place, s[place + 1])
    elif s[R] and s[R + 2] & CONDEMNED and not locked(w, s, 0) and not shared(w, s, 0):
        yield reaped(w, s, z, R, at - STALE)
    else:
        yield changed(s, f"{who} finds nothing to reap", (Z + z, IDLE))


def sweep_begins(w: World, s: bytes, z: int, who: str) -> Iterator[Step]:
    for c in range(2):
        place = R + 3 * c
        if not s[place] or locked(w, s, c) or shared(w, s, c):
            continue
        if s[C] >> s[place] & 1 and not candidate_locked(s, s[place]):
            yield changed(s, f"{who} has candidate {s[place]}", (Z + z, CONDEMN + c))
        if s[place + 2] & CONDEMNED:
            if w.has("own-key"):
                yield changed(s, f"{who} has condemned {s[place]}", (Z + z, REAP + c))
            else:
                yield changed(
                    s, f"{who} notes the key of {s[place]}", (Z + z, STALE + s[place + 1])
                )
    for k in KEYS:
        claimed = any(s[U + u] in (CLAIMED, UPSERTED) and w.key(u) == k for u in range(2))
        if s[J + k] == PENDING and w.has("lease") and not claimed:
            yield changed(s, f"the lease of key {k} ends", (J + k, DEAD))
        named = any(s[place] and s[place + 1] == k for place in (R, R + 3))
        if s[J + k] == DEAD and not (named and w.has("one-transaction")):
            yield changed(s, f"{who} sends the deletion of object {k}", (D + k, 1))
        if s[J + k] == DELETED and not late(w, s, k):
            yield changed(
                s,
                f"{who} deletes object {k} again and drops the key",
                (S + k, ABSENT),
                (J + k, DROPPED),
            )


def late(w: World, s: bytes, k: int) -> bool:
    """Something that could still make the object: the second deletion comes after that."""
    if not w.has("bounded-upload"):
        return False
    writing = any(s[U + u] in (JOURNALED, PUTTING) and w.key(u) == k for u in range(2))
    return writing or bool(s[P + k] or s[D + k])


def condemned(w: World, s: bytes, z: int, place: int) -> Step:
    n = bytearray(s)
    n[Z + z] = IDLE
    n[C] &= ~(1 << n[place])
    if not held(s, n[place]):
        n[place + 2] = CONDEMNED | (n[place + 2] & CORRUPT if w.has("corrupt-stays") else 0)
    return f"sweep {z + 1} commits its judgement of {s[place]}", bytes(n)


def reaped(w: World, s: bytes, z: int, place: int, key: int) -> Step:
    who, n = f"sweep {z + 1}", bytearray(s)
    n[Z + z] = IDLE
    in_use = held(s, s[place])
    if in_use and w.has("held-check"):
        n[place + 2] &= ~CONDEMNED
        return f"{who} acquits {s[place]}", bytes(n)
    if in_use and w.has("foreign-key"):
        return f"{who} is refused by the foreign key", bytes(n)
    if not w.has("no-inline-delete"):
        n[S + key] = ABSENT  # and only then the commit, which may never come: the row stays
        if s[place + 2] & CONDEMNED and not s[S + key]:
            n[J + key], n[place], n[place + 1], n[place + 2] = DROPPED, 0, 0, 0
        else:
            n[Z + z] = s[Z + z]
        return f"{who} deletes object {key} of {s[place]} within its transaction", bytes(n)
    if not w.has("one-transaction") and n[J + key] != DEAD:
        n[J + key] = DEAD  # a transaction of its own; the row follows in the next one
        return f"{who} turns key {key} dead", bytes(n)
    n[C] &= ~(1 << n[place])
    n[J + key], n[place], n[place + 1], n[place + 2] = DEAD, 0, 0, 0
    return f"{who} commits: {s[place]} is gone, key {key} dead", bytes(n)


def vault(w: World, s: bytes) -> Iterator[Step]:
    for k in KEYS:
        if s[D + k]:
            yield changed(
                s, f"object {k} is deleted, its sender crashed", (D + k, 0), (S + k, ABSENT)
            )
            if s[J + k] == DEAD:
                noted = DELETED if w.has("delete-again") else DROPPED
                gone = ((S + k, ABSENT), (J + k, noted))
                yield changed(s, f"object {k} is deleted, which is noted", (D + k, 0), *gone)
                yield changed(s, f"object {k} is deleted, another deletion is late", *gone)
        if not s[P + k]:
            continue
        waiting = [u for u in range(2) if s[U + u] == PUTTING and w.key(u) == k]
        told = [(U + u, STORED) for u in waiting]
        yield changed(s, f"object {k} lands", (P + k, 0), (S + k, GOOD), *told)
        if not waiting:
            yield changed(s, f"object {k} is lost on the way", (P + k, 0))


# What is checked.


def loss(w: World, s: bytes) -> str | None:
    """Why a committed state is not served as it should be."""
    for o in range(OWNERS):
        number = s[F + o]
        if not number:
            continue
        place = row_of(s, number)
        wanted = w.contents[o - 1] if o in (1, 2) else 0
        if place is None:
            return f"a state names binary {number}, which is gone"
        if place != R + 3 * wanted:
            return f"a state names binary {number}, which is another content"
        k = s[place + 1]
        if s[J + k] != LIVE:
            return f"a state is served by key {k}, which is not live"
        if s[S + k] == ABSENT:
            return f"a state is served by object {k}, which is absent"
        if s[S + k] == BAD and not s[place + 2] & CORRUPT:
            return f"a state is served by object {k}, which is bad"
    return None


def at_rest(s: bytes) -> bool:
    quiet = not any(s[P : P + 6]) and s[X] == 0 and s[Z] == s[Z + 1] == IDLE
    return quiet and s[W] in (READ_NOTE, WRITTEN) and all(s[U + u] in (START, DONE) for u in (0, 1))


def leak(w: World, s: bytes) -> str | None:
    """What stays when every state is purged and sweeps run until nothing changes."""
    n = bytearray(s)
    n[U] = n[U + 1] = DONE
    n[W] = WRITTEN
    if w.has("purge-notes"):
        for o in range(OWNERS):
            n[C] |= 1 << n[F + o] if n[F + o] else 0
    n[F : F + OWNERS] = bytes(OWNERS)
    state = bytes(n)
    while True:
        nexts = [t for label, t in quiet_steps(w, state) if t != state]
        if not nexts:
            break
        state = nexts[0]
    if any(state[R : R + 6]):
        return "a binary that nothing holds stays"
    for k in KEYS:
        if state[S + k] != ABSENT:
            return f"object {k} stays, its journal row being in state {state[J + k]}"
        if state[J + k] not in (NONE, DROPPED):
            return f"the journal row of key {k} stays in state {state[J + k]}"
    return None


def quiet_steps(w: World, s: bytes) -> Iterator[Step]:
    """One sweep alone, without crashes."""
    for label, t in (*sweep(w, s, 0), *vault(w, s)):
        if not any(word in label for word in ("crashe", "late", "lost")):
            yield label, t


@dataclass(frozen=True)
class Outcome:
    states: int
    problem: str | None
    trace: tuple[str, ...]
    finished: bool = True


def canonical(w: World, s: bytes) -> bytes:
    """The two sweeps are alike: which of them does what makes no difference."""
    if w.sweeps == 2 and s[Z] > s[Z + 1]:
        n = bytearray(s)
        n[Z], n[Z + 1] = n[Z + 1], n[Z]
        s = bytes(n)
    if w.alike:
        other = bytes(map(s.__getitem__, MIRROR))
        if s[R + 1] or s[X]:
            n = bytearray(other)
            n[R + 1] = (0, 2, 1)[s[R + 1]]
            n[X] = SEEN_FROM_THERE.get(s[X], s[X])
            other = bytes(n)
        return min(s, other)
    return s


def explore(w: World, *, trace: bool = False, limit: int | None = None) -> Outcome:
    """Breadth first, until a problem (the shortest way to one), the end, or `limit` states."""
    first = w.initial()
    seen: dict[bytes, tuple[bytes, str] | None] = {first: None}
    queue = deque([first])
    while queue:
        s = queue.popleft()
        problem = loss(w, s) or (leak(w, s) if at_rest(s) else None)
        if problem:
            return Outcome(len(seen), problem, path_to(seen, s))
        if limit is not None and len(seen) > limit:
            return Outcome(len(seen), None, (), finished=False)
        for label, t in steps(w, s):
            t = canonical(w, t)
            if t not in seen:
                seen[t] = (s, label) if trace else None
                queue.append(t)
    return Outcome(len(seen), None, ())


def path_to(seen: dict[bytes, tuple[bytes, str] | None], s: bytes) -> tuple[str, ...]:
    labels: list[str] = []
    while (came := seen[s]) is not None:
        s, label = came
        labels.append(label)
    return tuple(reversed(labels))


FULL = [
    World("2 uploaders, writer, deleter, 2 sweeps"),
    World("the same on an empty store", stored=False),
    World("the same with rot, 1 sweep", sweeps=1, rot=True),
    World("rot, 1 uploader, writer, 2 sweeps", uploaders=1, rot=True),
    World("2 contents, 1 sweep", contents=(0, 1), sweeps=1),
]

_PAIR = World("2 uploaders, 1 sweep", writer=False, sweeps=1)
_TWO = World("2 uploaders, 2 sweeps", writer=False)
_WRITER = World("uploader, writer, 2 sweeps", uploaders=1)
_ROT = World("rot, 2 uploaders, 1 sweep", writer=False, sweeps=1, rot=True)
_IDS = World("2 contents, writer, 1 sweep", contents=(1, 1), sweeps=1)

ABLATIONS: list[tuple[World, tuple[str, ...]]] = [
    (_PAIR, ("fresh-key",)),
    (_PAIR, ("journal-first",)),
    (_PAIR, ("durable-first",)),
    (_PAIR, ("pending-guard",)),
    (_WRITER, ("foreign-key",)),
    (_WRITER, ("revive",)),
    (_WRITER, ("held-check",)),
    (_WRITER, ("foreign-key", "revive")),
    (_WRITER, ("foreign-key", "held-check")),
    (_PAIR, ("one-transaction",)),
    (_TWO, ("own-key",)),
    (_PAIR, ("no-inline-delete",)),
    (_PAIR, ("spare-dies",)),
    (_PAIR, ("lease",)),
    (_PAIR, ("delete-again",)),
    (_PAIR, ("bounded-upload",)),
    (_PAIR, ("purge-notes",)),
    (_PAIR, ("note-locks",)),
    (_PAIR, ("attach-notes",)),
    (_ROT, ("corrupt-stays",)),
    (_ROT, ("heal",)),
    (_IDS, ("ids-unique",)),
]


def without(world: World, rules: tuple[str, ...]) -> World:
    return replace(world, without=frozenset(rules))


def main() -> None:
    started = time.perf_counter()
    cores = f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}"
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {cores}\n\nThe full protocol:")
    total = 0
    for world in FULL:
        begun = time.perf_counter()
        outcome = explore(world)
        total += outcome.states
        spent = time.perf_counter() - begun
        print(f"  {verdict(outcome):9} {outcome.states:>9,} states {spent:6.1f} s  {world.name}")
    print(f"  {total:,} states in all\n\nWithout a rule (the shortest way to the problem):")
    for world, rules in ABLATIONS:
        outcome = explore(without(world, rules), trace=True)
        print(f"  {verdict(outcome):9} {outcome.states:>9,} states  without {' and '.join(rules)}")
        for rule in rules:
            print(f"              rule: {RULES[rule]}")
        for step in outcome.trace:
            print(f"              · {step}")
        print(f"              = {outcome.problem or 'another rule guards the same'}")
    print(f"{time.perf_counter() - started:.0f} s in all, {time.process_time():.0f} s of one core")


def verdict(outcome: Outcome) -> str:
    return "SAFE" if outcome.problem is None else "VIOLATION"


if __name__ == "__main__":
    main()
