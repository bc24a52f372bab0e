"""The decisions of a merge as tables: what the sources hold and have seen → result and conflicts.

Writes are numbers; a greater one is newer. A source is what it holds, and what else it has seen.
The expected result is the write that stays as it is, or `decided` content that is a new write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from gql_service.versions.content import (
    AnnotationContent,
    AnnotationPut,
    Authorship,
    ItemContent,
    ItemPut,
    Written,
)
from gql_service.versions.merge_annotations import FRESH_KEY, settle_annotation
from gql_service.versions.merge_items import settle_item
from gql_service.versions.merge_rules import (
    AnnotationFact,
    Conflict,
    ConflictPolicy,
    Group,
    ItemFact,
    MergePolicy,
    judge,
)

UNION, THREE_WAY = MergePolicy.UNION, MergePolicy.THREE_WAY
FIRST, LAST = ConflictPolicy.FIRST, ConflictPolicy.LAST
ITEM = 7
START = datetime(2026, 1, 1, tzinfo=UTC)
Told = tuple[str, Any, Any, Any, Any]
"""A conflict: field, base, left, right, chosen."""


@dataclass(frozen=True)
class Source:
    """What one source holds, write → key, and which other writes it has seen."""

    holds: Mapping[int, int]
    saw: frozenset[int]


def holds(*writes: int, saw: Sequence[int] = (), keys: Sequence[int] = ()) -> Source:
    """Unless `keys` says otherwise, all is held under the key of the lineage."""
    given = list(keys) or [ITEM] * len(writes)
    return Source(dict(zip(writes, given, strict=True)), frozenset(saw))


def lacks(*saw: int) -> Source:
    return Source({}, frozenset(saw))


def authors(write: int) -> Authorship:
    moment = START + timedelta(seconds=write)
    return Authorship(write, moment, write, moment)


def item(path: str = "/a", metadata: Any = None, **fields: Any) -> ItemContent:
    text = orjson.dumps(metadata or {}, option=orjson.OPT_SORT_KEYS).decode()
    return ItemContent(path, fields.pop("binary", 1), text, **fields)


def blind(metadata: Any = None, **fields: Any) -> ItemContent:
    """Content that was written behind a mask: its metadata is only what was set since."""
    return item(metadata=metadata, metadata_known=False, **fields)


@dataclass(frozen=True)
class Rule:
    """One row of the table of items. `stays` is a write or a decided content, None if removed."""

    tells: str
    writes: Mapping[int, ItemContent]
    sources: Sequence[Source]
    stays: int | ItemContent | None
    conflicts: Sequence[Told] = ()
    policy: MergePolicy = UNION
    on_conflict: ConflictPolicy = LAST
    annotation_seen_by: Sequence[int] | None = None
    """Which sources have seen the one annotation that survives on the item; None: there is none."""


ITEM_RULES = [
    Rule("unchanged everywhere stays the same write", {1: item()}, [holds(1), holds(1)], 1),
    Rule(
        "changed on one side only: the change wins",
        {1: item(), 2: item("/b")},
        [holds(1), holds(2, saw=[1])],
        2,
    ),
    Rule(
        "the order of the sources does not matter to a change of one side",
        {1: item(), 2: item("/b")},
        [holds(2, saw=[1]), holds(1)],
        2,
    ),
    Rule(
        "a value that is older in writing but was never seen is not superseded",
        {1: item(), 2: item(metadata={"k": 1}), 3: item(metadata={"l": 1})},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        item(metadata={"k": 1, "l": 1}),
    ),
    Rule(
        "different fields of both sides come together",
        {1: item(), 2: item("/b"), 3: item(description="text")},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        item("/b", description="text"),
    ),
    Rule(
        "the same field on both sides takes the later source and is reported",
        {1: item("/a"), 2: item("/b"), 3: item("/c")},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        item("/c"),
        [("path", "/a", "/b", "/c", "/c")],
    ),
    Rule(
        "FIRST takes the earlier source instead",
        {1: item("/a"), 2: item("/b"), 3: item("/c")},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        item("/b"),
        [("path", "/a", "/b", "/c", "/b")],
        on_conflict=FIRST,
    ),
    Rule(
        "LAST means the last that changed, not the last source",
        {1: item("/a"), 2: item("/b"), 3: item("/c"), 4: item("/a", description="x")},
        [holds(2, saw=[1]), holds(3, saw=[1]), holds(4, saw=[1])],
        item("/c", description="x"),
        [("path", "/a", "/b", "/c", "/c")],
    ),
    Rule(
        "the right side of a conflict is the last value that differs from the left one",
        {1: item("/a"), 2: item("/b"), 3: item("/c"), 4: item("/b", description="x")},
        [holds(2, saw=[1]), holds(3, saw=[1]), holds(4, saw=[1])],
        item("/b", description="x"),
        [("path", "/a", "/b", "/c", "/b")],
    ),
    Rule(
        "equal contents of both sides are one value and no conflict",
        {1: item(), 2: item("/b"), 3: item("/b")},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        2,
    ),
    Rule(
        "the same metadata key on both sides is a conflict, another key is not",
        {
            1: item(metadata={"k": 1}),
            2: item(metadata={"k": 2, "l": 1}),
            3: item(metadata={"k": 3, "m": 1}),
        },
        [holds(2, saw=[1]), holds(3, saw=[1])],
        item(metadata={"k": 3, "l": 1, "m": 1}),
        [("metadata.k", 1, 2, 3, 3)],
    ),
    Rule(
        "a metadata key that one side took away is gone",
        {
            1: item(metadata={"k": 1, "l": 1}),
            2: item(metadata={"l": 1}),
            3: item("/b", {"k": 1, "l": 1}),
        },
        [holds(2, saw=[1]), holds(3, saw=[1])],
        item("/b", {"l": 1}),
    ),
    Rule(
        "taking a key away on one side and changing it on the other is a conflict",
        {1: item(metadata={"k": 1}), 2: item(), 3: item(metadata={"k": 2})},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        item(metadata={"k": 2}),
        [("metadata.k", 1, None, 2, 2)],
    ),
    Rule(
        "1 and true are different values",
        {1: item(), 2: item(metadata={"k": 1}), 3: item(metadata={"k": True})},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        item(metadata={"k": True}),
        [("metadata.k", None, 1, True, True)],
    ),
    Rule(
        "without a common base every field counts as changed",
        {2: item("/b", description="x"), 3: item("/c", description="x")},
        [holds(2), holds(3)],
        item("/c", description="x"),
        [("path", None, "/b", "/c", "/c")],
    ),
    Rule(
        "the base is the newest value that all holders have seen",
        {1: item("/a"), 2: item("/b"), 3: item("/b", description="x"), 4: item("/c")},
        [holds(3, saw=[1, 2]), holds(4, saw=[1, 2])],
        item("/c", description="x"),
    ),
    Rule(
        "a base that only one holder has seen is none",
        {1: item("/a"), 3: item("/b"), 4: item("/c")},
        [holds(3, saw=[1]), holds(4)],
        item("/c"),
        [("path", None, "/b", "/c", "/c")],
    ),
    Rule(
        "a change that saw the other one supersedes it, whatever a third source holds",
        {1: item(), 2: item("/b"), 3: item("/c")},
        [holds(1), holds(2, saw=[1]), holds(3, saw=[1, 2])],
        3,
    ),
    Rule(
        "when each has seen the other's value the newer one stays",
        {2: item("/b"), 3: item("/c")},
        [holds(3, saw=[2]), holds(2, saw=[3])],
        item("/c"),
    ),
    Rule(
        "UNION keeps what another source removed, as a new write",
        {1: item()},
        [holds(1), lacks(1)],
        item(),
    ),
    Rule(
        "THREE_WAY: a removal wins over an unchanged other side",
        {1: item()},
        [holds(1), lacks(1)],
        None,
        policy=THREE_WAY,
    ),
    Rule(
        "THREE_WAY: a source that never saw the item has not removed it",
        {1: item()},
        [holds(1), lacks()],
        1,
        policy=THREE_WAY,
    ),
    Rule(
        "THREE_WAY: a change wins over a removal",
        {1: item(), 2: item("/b")},
        [holds(2, saw=[1]), lacks(1)],
        2,
        policy=THREE_WAY,
    ),
    Rule(
        "THREE_WAY: an annotation that the remover has seen goes with the item",
        {1: item()},
        [holds(1), lacks(1)],
        None,
        policy=THREE_WAY,
        annotation_seen_by=[0, 1],
    ),
    Rule(
        "THREE_WAY: an annotation that the remover has never seen keeps the item, reported",
        {1: item()},
        [holds(1), lacks(1)],
        item(),
        [("removed", None, "kept", "removed", "kept")],
        policy=THREE_WAY,
        annotation_seen_by=[0],
    ),
    Rule(
        "THREE_WAY: of values that replaced one another the kept item has the last",
        {1: item(), 2: item("/b")},
        [holds(1), holds(2, saw=[1]), lacks(1, 2)],
        item("/b"),
        [("removed", None, "kept", "removed", "kept")],
        policy=THREE_WAY,
        annotation_seen_by=[1],
    ),
    Rule(
        "a masked clone that changed nothing changes no metadata",
        {1: item(metadata={"k": 1})},
        [holds(1), holds(1)],
        1,
    ),
    Rule(
        "what was set behind a mask lies over the metadata that others know",
        {1: item(metadata={"k": 1, "l": 1}), 2: blind({"l": 2}, path="/b")},
        [holds(1), holds(2, saw=[1])],
        item("/b", {"k": 1, "l": 2}),
    ),
    Rule(
        "equal edits behind two masks do not lose the metadata either",
        {1: item(metadata={"k": 1}), 2: blind(path="/b"), 3: blind(path="/b")},
        [holds(1), holds(2, saw=[1]), holds(3, saw=[1])],
        item("/b", {"k": 1}),
    ),
    Rule(
        "metadata that no source knows stays unknown",
        {2: blind({"k": 1}), 3: blind({"l": 1})},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        blind({"k": 1, "l": 1}),
    ),
    Rule(
        "behind a mask only the keys that were set count as changed",
        {
            1: item(metadata={"k": 1, "l": 1}),
            2: item(metadata={"k": 2, "l": 1}),
            3: blind({"l": 3}),
        },
        [holds(2, saw=[1]), holds(3, saw=[1])],
        item(metadata={"k": 2, "l": 3}),
    ),
    Rule(
        "behind a mask a key that both set is a conflict",
        {1: item(metadata={"k": 1}), 2: item(metadata={"k": 2}), 3: blind({"k": 3})},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        item(metadata={"k": 3}),
        [("metadata.k", 1, 2, 3, 3)],
    ),
]


def item_fact(write: int, content: ItemContent) -> ItemFact:
    return ItemFact(ITEM, Written(write, 1, write), content, authors(write))


def seen_by(sources: Sequence[Source]) -> Any:
    def seen(source: int, fact: Any) -> bool:
        write = fact.written.write
        return write in sources[source].saw or write in sources[source].holds

    return seen


def told(conflicts: Sequence[Conflict]) -> list[Told]:
    return [(one.field, one.base, one.left, one.right, one.chosen) for one in conflicts]


@pytest.mark.parametrize("rule", ITEM_RULES, ids=lambda rule: rule.tells)
def test_items_merge_as_the_table_says(rule: Rule) -> None:
    facts = {write: item_fact(write, content) for write, content in rule.writes.items()}
    group = Group(
        [[facts[w] for w in source.holds] for source in rule.sources], seen_by(rule.sources)
    )
    verdict = judge(group, rule.policy, [True] * len(rule.sources))
    label = AnnotationFact(
        9, 9, Written(99, 1, 99), AnnotationContent(ITEM, "POINT", "cat"), authors(99)
    )
    noticed = rule.annotation_seen_by

    decision = settle_item(
        group,
        verdict,
        [] if noticed is None else [label],
        lambda source, _: source in (noticed or ()),
        list(facts.values()),
        rule.on_conflict,
    )

    assert item_result(decision.put) == item_expected(rule)
    assert told(decision.conflicts) == list(rule.conflicts)


def item_result(put: ItemPut | None) -> Any:
    if put is None:
        return None
    return (put.content, None if put.written is None else put.written.write)


def item_expected(rule: Rule) -> Any:
    if isinstance(rule.stays, int):
        return (rule.writes[rule.stays], rule.stays)
    return None if rule.stays is None else (rule.stays, None)


def test_a_masked_view_of_a_write_gives_way_to_a_full_one() -> None:
    full = item_fact(1, item(metadata={"k": 1}))
    masked = replace(full, content=blind())
    group = Group([[masked], [full]], lambda _source, _fact: True)

    decision = settle_item(
        group, judge(group, UNION, [True, True]), [], lambda _s, _a: True, [], LAST
    )

    assert item_result(decision.put) == (full.content, 1)


def box(label: str = "cat", status: str | None = None, **fields: Any) -> AnnotationContent:
    return AnnotationContent(ITEM, "POINT", label, status=status, **fields)


def unrated(label: str = "cat") -> AnnotationContent:
    """Written or seen behind a mask: its status is unknown."""
    return box(label, status_known=False)


def shown(label: str, status: str | None = None) -> dict[str, Any]:
    return {
        "type": "POINT",
        "label": label,
        "coordinates": None,
        "attributes": {},
        "metadata": {},
        "status": status,
    }


Row = tuple[int, int | None, AnnotationContent]
"""A row of the result: key, the write that it keeps or None for a new one, content."""


@dataclass(frozen=True)
class Lineage:
    """One row of the table of annotations. The root is the key ITEM, for short."""

    tells: str
    writes: Mapping[int, AnnotationContent]
    sources: Sequence[Source]
    stay: Sequence[Row]
    conflicts: Sequence[Told] = ()
    policy: MergePolicy = UNION
    on_conflict: ConflictPolicy = LAST
    without_item: Sequence[int] = ()
    """Sources that do not hold the item at all."""


CAT, DOG, FOX = box("cat"), box("dog"), box("fox")
LINEAGES = [
    Lineage(
        "unchanged everywhere is one annotation", {1: CAT}, [holds(1), holds(1)], [(7, 1, CAT)]
    ),
    Lineage(
        "an annotation of one side is there",
        {1: CAT},
        [holds(1), lacks()],
        [(7, 1, CAT)],
    ),
    Lineage(
        "changed on one side only: the change wins",
        {1: CAT, 2: DOG},
        [holds(1), holds(2, saw=[1])],
        [(7, 2, DOG)],
    ),
    Lineage(
        "changed on both sides: both are kept, the earlier under its key",
        {1: CAT, 2: DOG, 3: FOX},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        [(7, 2, DOG), (FRESH_KEY, 3, FOX)],
        [("annotation", shown("cat"), shown("dog"), shown("fox"), "both")],
    ),
    Lineage(
        "FIRST and LAST do not matter to kept annotations",
        {1: CAT, 2: DOG, 3: FOX},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        [(7, 2, DOG), (FRESH_KEY, 3, FOX)],
        [("annotation", shown("cat"), shown("dog"), shown("fox"), "both")],
        on_conflict=FIRST,
    ),
    Lineage(
        "the same change on both sides is one",
        {1: CAT, 2: DOG, 3: DOG},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        [(7, 2, DOG)],
    ),
    Lineage(
        "the value of one side and the status of the other come together",
        {1: CAT, 2: DOG, 3: box("cat", "ISSUE")},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        [(7, None, box("dog", "ISSUE"))],
    ),
    Lineage(
        "two statuses: the later source, reported",
        {1: CAT, 2: box("cat", "ISSUE"), 3: box("cat", "REVIEW")},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        [(7, None, box("cat", "REVIEW"))],
        [("status", None, "ISSUE", "REVIEW", "REVIEW")],
    ),
    Lineage(
        "two statuses under FIRST: the earlier source",
        {1: CAT, 2: box("cat", "ISSUE"), 3: box("cat", "REVIEW")},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        [(7, None, box("cat", "ISSUE"))],
        [("status", None, "ISSUE", "REVIEW", "ISSUE")],
        on_conflict=FIRST,
    ),
    Lineage(
        "a status that one side cleared is cleared",
        {1: box("cat", "ISSUE"), 2: DOG, 3: box("dog", "ISSUE")},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        [(7, None, DOG)],
    ),
    Lineage(
        "of three sides the unchanged value vanishes among the changed ones",
        {1: CAT, 2: DOG, 3: FOX, 4: box("cat", "ISSUE")},
        [holds(2, saw=[1]), holds(3, saw=[1]), holds(4, saw=[1])],
        [(7, 2, DOG), (FRESH_KEY, 3, FOX)],
        [("annotation", shown("cat"), shown("dog"), shown("fox"), "both")],
    ),
    Lineage(
        "an edit behind a status mask keeps the status that others know",
        {1: box("cat", "ISSUE"), 2: unrated("dog")},
        [holds(1), holds(2, saw=[1])],
        [(7, None, box("dog", "ISSUE"))],
    ),
    Lineage(
        "equal edits behind two masks do not lose the status either",
        {1: box("cat", "ISSUE"), 2: unrated("dog"), 3: unrated("dog")},
        [holds(1), holds(2, saw=[1]), holds(3, saw=[1])],
        [(7, None, box("dog", "ISSUE"))],
    ),
    Lineage(
        "a status that nobody knows stays unknown",
        {2: unrated("dog"), 3: unrated("dog")},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        [(7, 2, unrated("dog"))],
    ),
    Lineage(
        "a status set behind the mask of another counts alone",
        {1: box("cat", "ISSUE"), 2: box("cat", "REVIEW"), 3: unrated("dog")},
        [holds(2, saw=[1]), holds(3, saw=[1])],
        [(7, None, box("dog", "REVIEW"))],
    ),
    Lineage(
        "UNION keeps what another source removed, as a new write",
        {1: CAT},
        [holds(1), lacks(1)],
        [(7, None, CAT)],
    ),
    Lineage(
        "THREE_WAY: a removal wins over an unchanged other side",
        {1: CAT},
        [holds(1), lacks(1)],
        [],
        policy=THREE_WAY,
    ),
    Lineage(
        "THREE_WAY: a change wins over a removal",
        {1: CAT, 2: DOG},
        [holds(2, saw=[1]), lacks(1)],
        [(7, 2, DOG)],
        policy=THREE_WAY,
    ),
    Lineage(
        "THREE_WAY: a source without the item has no say about its annotations",
        {1: CAT},
        [holds(1), lacks(1)],
        [(7, None, CAT)],
        policy=THREE_WAY,
        without_item=[1],
    ),
    Lineage(
        "kept siblings met by one of them are still two, and no new conflict",
        {2: DOG, 3: FOX},
        [holds(2, 3, keys=[7, 8]), holds(2)],
        [(7, 2, DOG), (8, 3, FOX)],
    ),
    Lineage(
        "an edit of one sibling replaces only the one that it saw",
        {2: DOG, 3: FOX, 4: CAT},
        [holds(2, 3, keys=[7, 8]), holds(4, saw=[2])],
        [(8, 3, FOX), (7, 4, CAT)],
    ),
    Lineage(
        "a third value beside two siblings is a conflict",
        {1: box("owl"), 2: DOG, 3: FOX, 4: CAT},
        [holds(2, 3, saw=[1], keys=[7, 8]), holds(4, saw=[1])],
        [(7, 2, DOG), (8, 3, FOX), (FRESH_KEY, 4, CAT)],
        [("annotation", None, shown("dog"), shown("cat"), "both")],
    ),
    Lineage(
        "a sibling that its keeper removed is gone in THREE_WAY",
        {2: DOG, 3: FOX},
        [holds(2, 3, keys=[7, 8]), holds(2, saw=[3])],
        [(7, 2, DOG)],
        policy=THREE_WAY,
    ),
    Lineage(
        "UNION keeps a sibling that another source removed, as a new write",
        {2: DOG, 3: FOX},
        [holds(2, 3, keys=[7, 8]), holds(2, saw=[3])],
        [(7, 2, DOG), (8, None, FOX)],
    ),
    Lineage(
        "two merges that kept the same siblings under swapped keys agree on the first's",
        {2: DOG, 3: FOX},
        [holds(2, 3, keys=[7, 8]), holds(2, 3, keys=[9, 7])],
        [(7, 2, DOG), (8, 3, FOX)],
    ),
]


@pytest.mark.parametrize("lineage", LINEAGES, ids=lambda lineage: lineage.tells)
def test_annotations_merge_as_the_table_says(lineage: Lineage) -> None:
    held = [
        [fact(lineage, write, key) for write, key in source.holds.items()]
        for source in lineage.sources
    ]
    group = Group(held, seen_by(lineage.sources))
    entitled = [at not in lineage.without_item for at in range(len(lineage.sources))]
    verdict = judge(group, lineage.policy, entitled)
    history = [fact(lineage, write, ITEM) for write in lineage.writes]

    decision = settle_annotation(group, verdict, history, lineage.on_conflict)

    assert [annotation_result(put) for put in decision.puts] == list(lineage.stay)
    assert told(decision.conflicts) == list(lineage.conflicts)


def fact(lineage: Lineage, write: int, key: int) -> AnnotationFact:
    content = lineage.writes[write]
    return AnnotationFact(key, ITEM, Written(write, 1, write), content, authors(write))


def annotation_result(put: AnnotationPut) -> Row:
    return (put.key, None if put.written is None else put.written.write, put.content)
