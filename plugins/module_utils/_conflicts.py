# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others do at the same time: orders that were refused, and two runs that created one object in the same place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._chains import WRITE_PHASE, ChainResult, write_changes
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change, rank
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import RaceError, ToError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, differing_fields, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import read_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._put import desired_fields
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._threads import concurrent_results
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._writes import (
    CreatedObjects,
    add_winner,
    completed_create,
    delete_object,
    find_created,
)

REREADS = 5  # of a list that may lag behind


def resolve_refusals(client: Client, pool: ThreadPoolExecutor, chains: Sequence[Sequence[Change]], results: Sequence[ChainResult],
                     created: CreatedObjects, to_error: ToError) -> None:
    """Reads each list once for all creates that were refused.

    An object that another run created is adopted, if the user named the very slot or other object.
    """
    while refused := [number for number, result in enumerate(results) if result.refused]:
        row = results[refused[0]].refused.row
        numbers = [number for number in refused if results[number].refused.row.name == row.name]
        current = _reread_after_refusal(client, row, [results[number] for number in numbers], to_error)
        resume = partial(_resume_chain, client, current, created, to_error)
        concurrent_results(pool, resume, (chains[number] for number in numbers), (results[number] for number in numbers))


def _resume_chain(client: Client, current: Sequence[Object], created: CreatedObjects, to_error: ToError, chain: Sequence[Change],
                  result: ChainResult) -> None:
    """Resumes a chain behind the object that it adopts, or adds to its error who was quicker."""
    change, error, result.refused = result.refused, result.error, None
    with result.catching(to_error):
        created_object = find_created(current, change, error, created)
        if not (created_object and _may_be_adopted(change, created_object)):
            add_winner(client, error, change, created_object)
            return
        result.error = None
        result.add_written(completed_create(client, change, created_object))
        to_write, written = ([change for change in changes if rank(change) >= WRITE_PHASE] for changes in (chain, result.written))
        write_changes(client, to_write[len(written):], result, created)


def _may_be_adopted(change: Change, created_object: Object) -> bool:
    """Whether the chain goes on with the object of another run: nothing was chosen for the user, and nothing of it must be kept."""
    return change.pinned and not (change.create_only and differing_fields(change.row, desired_fields(change), created_object))


def _reread_after_refusal(client: Client, row: Resource, results: Sequence[ChainResult], to_error: ToError) -> list[Object]:
    """The current objects of the refused kind. The list is read again until it shows what may be in the way."""
    current: list[Object] = []
    for attempt in range(1, REREADS + 1):
        try:
            current = read_objects(client, row.name)
        except Exception as error:
            for result in results:
                result.error.notes.append(f'Reading the account failed too: {to_error(error).message}')
            return current
        unseen = list(_unlisted_conflicts(row, results, current))
        if not unseen or attempt == REREADS:
            break
        client.back_off(attempt)
    _note_unlisted(unseen)
    return current


def _note_unlisted(results: Iterable[ChainResult]) -> None:
    """Adds to the errors that the next run may find what is in the way. Other statuses than 409 may have another reason."""
    for error in (result.error for result in results if result.error.details['status'] == 409):
        error.retryable = True
        error.notes.append('Cloudflare does not list the conflicting object yet.')


def _unlisted_conflicts(row: Resource, results: Iterable[ChainResult], current: Sequence[Object]) -> Iterator[ChainResult]:
    """The results of those creates that an object may be in the way of which the list does not show."""
    for paths, refused in _by_conflict(row, results).items():
        existing = {_values(row, paths, obj) for obj in current}
        yield from (result for result in refused if _values(row, paths, result.refused.after) not in existing)


def _by_conflict(row: Resource, results: Iterable[ChainResult]) -> dict[tuple[str, ...], list[ChainResult]]:
    """The results by the fields that an object which is in the way has in common with the new one."""
    groups = defaultdict(list)
    for result in results:
        if paths := row.conflicts.get(result.error.details.get('status')):
            groups[paths].append(result)
    return groups


def resolve_conflicts(client: Client, results: Iterable[ChainResult], created: CreatedObjects, to_error: ToError) -> None:
    """Rolls back creates where another run created an object in the same place at the same time: a RaceError ends the chain."""
    creates = [(result, change) for result in results for change in result.written if change.action == 'create' and change.exclusive]
    for row in {change.row.name: change.row for _result, change in creates}.values():
        row_creates = [(result, change) for result, change in creates if change.row is row]
        try:
            current = read_objects(client, row.name)
        except Exception as error:
            for result in {id(result): result for result, _change in row_creates}.values():
                result.add_failure(to_error(error))
            continue
        by_place = _by_place(row, current)
        for result, change in row_creates:
            with result.catching(to_error):
                _rollback_create(client, result, change, by_place[_place(row, change.answer)], created)


def _by_place(row: Resource, objects: Iterable[Object]) -> dict[tuple[Any, ...], list[Object]]:
    """The objects by their places: to compare each of them with each new one takes minutes where there are thousands of routes."""
    groups = defaultdict(list)
    for obj in objects:
        groups[_place(row, obj)].append(obj)
    return groups


def _place(row: Resource, obj: Object) -> tuple[Any, ...]:
    """The fields that no two objects have in common, in their normal forms."""
    return _values(row, row.unique_fields, obj)


def _values(row: Resource, paths: Iterable[str], obj: Object) -> tuple[Any, ...]:
    return tuple(row.field(path).normal(get(obj, path)) for path in paths)


def _rollback_create(client: Client, result: ChainResult, change: Change, same_place: Iterable[Object],
                     created: CreatedObjects) -> None:
    """Of two runs that created one each, the one with the smaller id keeps it, and waits for the other one's rollback.

    Nothing shows which is older (a CNI has no date). If the other object stays, its run had read the list before this one was listed.
    """
    row, created_object = change.row, change.answer
    rivals = _rival_ids(change, same_place, created)
    for attempt in range(1, REREADS + 1):
        if not rivals or created_object[row.id] > min(rivals):
            break
        client.back_off(attempt)
        rivals = _rival_ids(change, _by_place(row, read_objects(client, row.name))[_place(row, created_object)], created)
    if rivals:
        delete_object(client, change._replace(before=created_object), created)
        result.written.remove(change)
        place = ', '.join(f'{path} {created_object.get(path)!r}' for path in row.unique_fields if created_object.get(path))
        raise RaceError(f'{change.label}: another run created {row.title} {rivals[0]} on {place} at the same moment, so this run deleted '
                        'its own. Run it again.')


def _rival_ids(change: Change, same_place: Iterable[Object], created: CreatedObjects) -> list[Any]:
    """The ids of those objects that another run has put in the place of the created one since the plan was made."""
    row, created_object = change.row, change.answer
    others = [obj for obj in same_place if obj[row.id] != created_object[row.id]]
    return [obj[row.id] for obj in others if obj[row.id] not in change.known_ids and not created.contains(row, obj)]
