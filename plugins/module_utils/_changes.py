# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of an object; of several, the order in which they are written and what waits for answers of others. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._desired import Desired
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get, merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import (
    ADDRESS_FIELDS,
    CNI,
    INTERCONNECT,
    RESOURCES,
    UNKNOWN,
    Placeholder,
    Resource,
)


class Change(NamedTuple):
    """A change of an object. action: none, create, update, delete, or note (on the deletes that follow). paths: the fields that it sets.

    known_ids: the ids that were listed before a create. pinned: the user named the very object, as by slot_id; nothing was chosen for him.
    create_only: as of Desired.
    exclusive: whether it is rolled back if another run created one in the same place at the same time.
    last: it deletes what the other changes have made surplus, and so comes after them.
    just_created: this run has created `before`, so it is written without another read.
    answer: the object as Cloudflare returned it, once applied.
    """

    row: Resource
    action: str
    label: str
    before: Object | None
    after: Object | None
    paths: tuple[str, ...] = ()
    known_ids: frozenset[Any] = frozenset()
    pinned: bool = True
    create_only: bool = False
    exclusive: bool = False
    last: bool = False
    just_created: bool = False
    answer: Object | None = None


def schedule(changes: Iterable[Change]) -> list[Change]:
    """The order of writing: deletes first, children before parents; then the rest, parents before children; deletes of the last at the end.
    """
    return sorted(changes, key=rank)


def rank(change: Change) -> tuple[int, int]:
    """The position of a change in that order. Changes of one rank are independent. Notes come before any delete."""
    if change.action == 'note':
        return 0, 0
    if change.last:
        return 3, 0
    return (1, -_depth(change.row)) if change.action == 'delete' else (2, _depth(change.row))


def _depth(row: Resource) -> int:
    return 1 + _depth(RESOURCES[row.parent[0]]) if row.parent else 0


def split_follow_ups(changes: Sequence[Change]) -> tuple[list[Change], list[Change]]:
    """The changes that can be written now, and those of an object that Cloudflare creates with an interconnect among them, or after that.
    """
    orders = any(change.action == 'create' and change.row.name == INTERCONNECT.name for change in changes)
    follow_ups = [change for change in changes if orders and change.action == 'update' and change.after.get(change.row.id) == UNKNOWN]
    follow_ups += [change for change in changes if follow_ups and change.action == 'create' and rank(change) > rank(follow_ups[0])]
    return [change for change in changes if change not in follow_ups], follow_ups


def follow_up_of(change: Change, written: Iterable[Change]) -> Desired:
    """The desired object of a follow-up, once its interconnect is created. What was planned as a create changes nothing that exists."""
    written = list(written)
    if change.action == 'create':
        after = with_answers(change, written).after
        return Desired(change.row, 'present', {path: after.get(path) for path in change.row.unique_fields},
                       {path: get(after, path) for path in change.paths}, create_only=True)
    interconnect = next(applied.answer['name'] for applied in written if applied.row.name == INTERCONNECT.name and applied.after)
    return Desired(change.row, 'present', {INTERCONNECT.name: interconnect}, {path: get(change.after, path) for path in change.paths})


def with_answers(change: Change, written: Iterable[Change]) -> Change:
    """The change with what the plan could not know, and an answer has."""
    answers = {create.after[path]: create.answer.get(path) for create in written if create.action == 'create'
               for path in create.row.assigned if isinstance(create.after.get(path), Placeholder)}
    desired = {path: get(change.after, path) for path in change.paths}
    known = {path: change.row.field(path).normal(answers[value]) for path, value in desired.items()
             if isinstance(value, Placeholder) and value in answers}
    return change._replace(after=merge(change.after, known)) if known else change


def changed_addresses(changes: Iterable[Change]) -> dict[str, dict[str, Any]] | None:
    """{cust_ip, p2p_ip: {before, after}} of a CNI that is replaced, None if none is."""
    cni_changes = {change.action: change for change in changes if change.row.name == CNI.name}
    if not {'delete', 'create'} <= cni_changes.keys():
        return None
    new = cni_changes['create'].answer or cni_changes['create'].after
    return {field: {'before': cni_changes['delete'].before.get(field), 'after': new.get(field)} for field in ADDRESS_FIELDS}
