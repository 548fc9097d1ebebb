# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes planned changes and decides nothing itself: with _put.py the only file that sends POST, PUT or DELETE."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    AnswerError,
    ApiError,
    CniError,
    InputError,
    NotAppliedError,
    RaceError,
    ToError,
    TransportError,
    UndecidedError,
    as_cni_error,
    sentence,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import (
    Object,
    Unreadable,
    differing_fields,
    get,
    have_and_want,
    merge,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import (
    object_id,
    read_objects,
    without_wrapping,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._plan import Change, rank, with_answers
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._put import (
    desired_fields,
    is_id_alone,
    is_known_update,
    put_object,
    put_several,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import UNKNOWN, Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._threads import concurrent_results

WRITE_PHASE = (2, 0)  # the phase of all changes but notes and deletes
REREADS = 5  # of a list that may lag behind


@dataclass
class ChainResult:
    """What became of a chain of changes.

    written: the changes that are written, with their answers; error: what ended it; partial: what the failed change did.
    refused: the create that the API refused, if that was the error. skipped: the chain was not begun, as another one had failed.
    on_written: called with each change that is written, before the next one is.
    """

    written: list[Change] = field(default_factory=list)
    error: CniError | None = None
    partial: list[Change] = field(default_factory=list)
    refused: Change | None = None
    skipped: bool = False
    on_written: Callable[[Change], None] = lambda change: None

    def add_written(self, change: Change) -> None:
        """Adds a change that is written."""
        self.written.append(change)
        self.on_written(change)

    @property
    def begun(self) -> bool:
        """Whether anything was written."""
        return any(change.action != 'none' for change in self.written)

    @property
    def applied(self) -> list[Change]:
        """All changes that were written, also those of the change that failed."""
        return [*self.written, *self.partial]

    def add_failure(self, error: CniError) -> None:
        """Ends the chain. A further failure is added to the message of the first."""
        self.partial += error.applied
        if self.error:
            self.error.notes.append(error.message)
        else:
            self.error = error

    @contextmanager
    def catching(self, to_error: ToError) -> Iterator[None]:
        """Any exception ends this chain, and no other."""
        try:
            yield
        except Exception as error:
            failure = to_error(error)
            self.add_failure(failure)
            for change in failure.applied:
                with self.catching(to_error):
                    self.on_written(change)


class CreatedObjects:
    """The objects that a run has created, so that no chain mistakes one for its own or for another run's; and a lock for each identity.

    Orders that can't be told apart, as two attachments of one region and bandwidth, are sent one after the other.
    """

    def __init__(self) -> None:
        self._idents: set[tuple[str, Any]] = set()
        self._locks: dict[Any, threading.Lock] = {}
        self._lock = threading.Lock()

    def add(self, row: Resource, obj: Object) -> None:
        with self._lock:
            self._idents.add((row.name, obj[row.id]))

    def contains(self, row: Resource, obj: Object) -> bool:
        with self._lock:
            return (row.name, obj[row.id]) in self._idents

    def order_lock(self, change: Change) -> threading.Lock:
        identity = change.row.name, repr([get(change.after, path) for path in change.row.identity])
        with self._lock:
            return self._locks.setdefault(identity, threading.Lock())


def apply_changes(client: Client, changes: Iterable[Change], to_error: ToError = as_cni_error) -> list[Change]:
    """Writes the changes in their order and returns them with their answers.

    Raises ApiError, TransportError, AnswerError, UndecidedError, RaceError, NotAppliedError or BugError; its .applied holds what was
    written.
    """
    (result,) = apply_chains(client, [changes], to_error=to_error)
    if result.error:
        result.error.applied = result.applied
        raise result.error
    return result.written


def apply_chains(client: Client, chains: Iterable[Iterable[Change]], *, workers: int = 1, fail_fast: bool = False,
                 on_end: Callable[[int], None] = lambda number: None,
                 on_written: Callable[[int, Change], None] = lambda number, change: None,
                 to_error: ToError = as_cni_error) -> list[ChainResult]:
    """Writes chains of changes: all deletes first, rank by rank, then the rest. workers: chains at the same time, each in its own order.

    Updates that one request can do for several chains wait until all chains have come so far, and what comes behind them waits too.
    An error ends its own chain; with fail_fast no other chain is begun after it.
    on_end: called with the number of a chain that has ended; on_written: called with that number and each change that is written, before
    the next change of its chain; to_error: makes a CniError of any exception.
    Raises nothing: the results hold the errors, and what was written.
    """
    chains = [list(chain) for chain in chains]
    phase_of = _phases(chains)
    chains = [sorted(chain, key=phase_of) for chain in chains]
    results = [ChainResult(on_written=partial(on_written, number)) for number in range(len(chains))]
    created = CreatedObjects()
    phases = sorted({*(phase_of(change) for chain in chains for change in chain), WRITE_PHASE})

    continues = partial(_continues, results=results, fail_fast=fail_fast)
    write_bulk_updates = partial(_write_bulk_updates, client, chains, results, continues, phase_of)

    def write(number: int, phase: tuple[int, int]) -> None:
        result = results[number]
        if continues(result):
            with result.catching(to_error):
                _write_changes(client, [change for change in chains[number] if phase_of(change) == phase], result, created)
        if phase == phases[-1]:
            with result.catching(to_error):
                on_end(number)

    try:
        with ThreadPoolExecutor(workers) as pool, client.silent_after_interrupt():
            for phase in phases:
                write_bulk_updates(phase)
                concurrent_results(pool, write, range(len(chains)), itertools.repeat(phase))
            _resolve_refusals(client, pool, chains, results, created, to_error)
    except Exception as error:  # of the pool, such as that the system has no thread left
        _fail_unfinished(chains, results, to_error(error))
    _resolve_conflicts(client, results, created, to_error)
    return results


def _continues(result: ChainResult, results: Iterable[ChainResult], fail_fast: bool) -> bool:
    """Whether a chain goes on. With fail_fast it is skipped if another one has failed before it was begun."""
    if fail_fast and not (result.error or result.begun):
        result.skipped = result.skipped or any(other.error for other in results)
    return not (result.error or result.skipped)


def _fail_unfinished(chains: Sequence[Sequence[Change]], results: Sequence[ChainResult], error: CniError) -> None:
    for chain, result in zip(chains, results, strict=True):
        if not (result.error or result.skipped) and len(result.written) < len(chain):
            result.add_failure(error)


def _phases(chains: Iterable[Iterable[Change]]) -> Callable[[Change], tuple[int, int]]:
    """The function that returns the phase of a change.

    Every chain completes a phase before the next begins: an interconnect is deleted after the CNIs of all chains. The writes are one
    phase, but that the bulk updates of a kind are a phase of their own, with an odd number, and what comes after them is another.
    """
    bulk_ids: dict[str, set[Any]] = {}  # of the objects of each kind that are updated
    bulk_ranks: dict[str, int] = {}
    for change in (change for chain in chains for change in chain if _is_bulk_update(change)):
        bulk_ids.setdefault(change.row.name, set()).add(change.after[change.row.id])
        bulk_ranks[change.row.name] = rank(change)[1]
    bulk_ranks = {name: position for name, position in bulk_ranks.items() if len(bulk_ids[name]) > 1}

    def phase_of(change: Change) -> tuple[int, int]:
        group, position = rank(change)
        if group != WRITE_PHASE[0]:
            return group, position
        bulk_phases_before = len({other for other in bulk_ranks.values() if other < position})
        return group, 2 * bulk_phases_before + (change.row.name in bulk_ranks and _is_bulk_update(change))
    return phase_of


def _is_bulk_update(change: Change) -> bool:
    """Whether a change is an update that a PUT of several objects can do."""
    return bool(change.row.bulk_put) and is_known_update(change)


def _write_bulk_updates(client: Client, chains: Sequence[MutableSequence[Change]], results: Sequence[ChainResult],
                        continues: Callable[[ChainResult], bool], phase_of: Callable[[Change], tuple[int, int]],
                        phase: tuple[int, int]) -> None:
    """Writes the bulk updates of a phase, each kind by PUTs of several objects. A change in chains that is done then has its answer."""
    places: dict[str, list[tuple[MutableSequence[Change], int]]] = {}  # {kind: (chain, position in it) of each update}
    for chain in itertools.compress(chains, map(continues, results)) if phase[1] % 2 else ():
        for position, change in enumerate(chain):
            if phase_of(change) == phase and _is_bulk_update(change):
                places.setdefault(change.row.name, []).append((chain, position))
    for same_kind in places.values():
        changes = put_several(client, [chain[position] for chain, position in same_kind])
        for (chain, position), change in zip(same_kind, changes, strict=True):
            chain[position] = change


def _write_changes(client: Client, changes: Iterable[Change], result: ChainResult, created: CreatedObjects) -> None:
    """Writes changes until one fails, which raises its error. Placeholders are replaced by the values of earlier answers.

    What a PUT of several has done comes first: it is reported whatever becomes of the others.
    """
    for change in sorted(changes, key=lambda change: change.answer is None):
        change = with_answers(change, result.written)
        try:
            result.add_written(WRITERS[change.action](client, change, created))
        except _RefusedError as error:
            result.refused = change
            raise error.refusal from None


def _resolve_refusals(client: Client, pool: ThreadPoolExecutor, chains: Sequence[Sequence[Change]], results: Sequence[ChainResult],
                      created: CreatedObjects, to_error: ToError) -> None:
    """Reads each list once for all creates that were refused.

    An object that another run created is adopted, if the user named the very slot.
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
        created_object = _find_created(current, change, error, created)
        if not (created_object and change.pinned):
            _add_winner(client, error, change, created_object)
            return
        result.error = None
        result.add_written(_completed_create(client, change, created_object))
        to_write, written = ([change for change in changes if rank(change) >= WRITE_PHASE] for changes in (chain, result.written))
        _write_changes(client, to_write[len(written):], result, created)


def _reread_after_refusal(client: Client, row: Resource, results: Sequence[ChainResult], to_error: ToError) -> list[Object]:
    """The current objects of the refused kind. After a 409 the list is read again until it shows the name that is in the way."""
    current: list[Object] = []
    for attempt in range(1, REREADS + 1):
        try:
            current = read_objects(client, row.name)
        except Exception as error:
            for result in results:
                result.error.notes.append(f'Reading the account failed too: {to_error(error).message}')
            return current
        unseen = [result for result in results if result.error.details.get('status') == 409 and row.exclusive
                  and not _has_same_name(result.refused, current)]
        if not unseen or attempt == REREADS:
            break
        client.back_off(attempt)
    for result in unseen:
        result.error.retryable = True
        result.error.notes.append('Cloudflare does not list the conflicting object yet.')
    return current


def _has_same_name(change: Change, current: Iterable[Object]) -> bool:
    """Whether a current object has the name that the user gives the new one."""
    path = change.row.keys[-1].path
    return any(get(obj, path) == get(change.after, path) for obj in current)


def _resolve_conflicts(client: Client, results: Iterable[ChainResult], created: CreatedObjects, to_error: ToError) -> None:
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
    found = defaultdict(list)
    for obj in objects:
        found[_place(row, obj)].append(obj)
    return found


def _place(row: Resource, obj: Object) -> tuple[Any, ...]:
    """The fields that no two objects have in common, in their normal forms."""
    return tuple(row.field(path).normal(get(obj, path)) for path in row.unique_fields)


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
        _delete_object(client, change._replace(before=created_object), created)
        result.written.remove(change)
        place = ', '.join(f'{path} {created_object.get(path)!r}' for path in row.unique_fields if created_object.get(path))
        raise RaceError(f'{change.label}: another run created {row.title} {rivals[0]} on {place} at the same moment, so this run deleted '
                        'its own. Run it again.')


def _rival_ids(change: Change, same_place: Iterable[Object], created: CreatedObjects) -> list[Any]:
    """The ids of those objects that another run has put in the place of the created one since the plan was made."""
    row, created_object = change.row, change.answer
    others = [obj for obj in same_place if obj[row.id] != created_object[row.id]]
    return [obj[row.id] for obj in others if obj[row.id] not in change.known_ids and not created.contains(row, obj)]


def _keep_object(client: Client, change: Change, created: CreatedObjects) -> Change:
    return change._replace(answer=change.before)


def _put_note(client: Client, change: Change, created: CreatedObjects) -> Change:
    """PUT of the note alone: the rest of the tunnel stays, and all of it is deleted with the interconnect."""
    return change._replace(answer=put_object(client, change.row, change.after, change.paths))


def _delete_object(client: Client, change: Change, created: CreatedObjects) -> Change:
    name = object_id(change.row, change.before, 'DELETE')
    if not client.delete((*change.row.url_path, name)) and read_objects(client, change.row.name, name):
        raise NotAppliedError(change.label, {'state': {'have': 'present', 'want': 'absent'}})
    return change


def _update_object(client: Client, change: Change, created: CreatedObjects) -> Change:
    """PUT of the object as it is now: what has changed since it was read stays, but for the fields of the change.

    An update that has an answer already was done by a PUT of several objects.
    """
    if change.answer:
        return change
    _refuse_placeholders(change, change.row.id)
    current = [] if change.just_created else read_objects(client, change.row.name, change.after.get(change.row.id))
    after = merge(current[0], desired_fields(change)) if current else change.after
    return _verified(client, change, put_object(client, change.row, after, change.paths))


def _create_object(client: Client, change: Change, created: CreatedObjects) -> Change:
    """POST, then PUT for the fields that POST can't set or an adopted object has otherwise."""
    _refuse_placeholders(change)
    with created.order_lock(change):
        answer = _post_order(client, change, created)
        created.add(change.row, answer)
    return _completed_create(client, change, answer)


def _completed_create(client: Client, change: Change, answer: Object) -> Change:
    """The change with the new object as it was asked for."""
    desired = desired_fields(change)
    try:
        if is_id_alone(change.row, answer):
            answer = next(iter(read_objects(client, change.row.name, answer[change.row.id])), answer)
        remaining = differing_fields(change.row, desired, answer)
        if remaining and all(change.row.field(path).in_put for path in remaining):
            answer = put_object(client, change.row, merge(answer, remaining), tuple(remaining))
    except Exception as error:
        error.applied = [change._replace(answer=answer)]
        raise
    return _verified(client, change, answer)


WRITERS = {'none': _keep_object, 'create': _create_object, 'update': _update_object, 'note': _put_note, 'delete': _delete_object}


class _RefusedError(Exception):
    """The API refused an order, and so surely has not placed it. refusal: its error."""

    def __init__(self, refusal: CniError) -> None:
        super().__init__(refusal)
        self.refusal = refusal


def _post_order(client: Client, change: Change, created: CreatedObjects) -> Object:
    """The new object, ordered once. After a lost answer the list is read; only if it shows nothing new, the POST is sent once more.

    The second POST can't order twice: Cloudflare takes a slot, a conduit name and a pairing key only once each. Where it would take an
    object twice, there is no second POST.
    Raises _RefusedError where the API refused the only POST: the lists are read together for all refused orders.
    """
    lost_answer: CniError | None = None
    for attempt in range(1, change.row.max_posts + 1):
        try:
            answer = without_wrapping(change.row, client.post(change.row.url_path, _post_body(client, change)))
            object_id(change.row, answer, 'POST')
            return change.row.parse(answer)
        except CniError as error:
            may_be_created = _may_be_created(error)
            by_service = getattr(error, 'status', None) not in (401, 403, 429)
            if not may_be_created and not (lost_answer and by_service):
                raise (_RefusedError(error) if by_service else error) from None
            created_object = _find_created(_reread_after_lost_answer(client, change, error), change, error, created)
            if created_object:
                return created_object
            if not may_be_created:
                raise _add_winner(client, error, change, None) from None
            lost_answer = error
            client.back_off(attempt)
    times = {1: 'once'}.get(change.row.max_posts, f'{change.row.max_posts} times')
    raise _undecided_error(f'{sentence(lost_answer.message)} It was sent {times}, but {change.label} was not found.', lost_answer)


def _may_be_created(error: CniError) -> bool:
    """Whether the API may have created the object, although there is no good answer."""
    if isinstance(error, ApiError):
        return error.status == 408 or error.status >= 500
    return isinstance(error, TransportError) or (isinstance(error, AnswerError) and error.status < 300)


def _reread_after_lost_answer(client: Client, change: Change, cause: CniError) -> list[Object]:
    try:
        return read_objects(client, change.row.name)
    except CniError as error:
        raise _undecided_error(f'{sentence(cause.message)} Reading the account failed too: {error.message}', cause) from error


def _find_created(current: Iterable[Object], change: Change, cause: CniError, created: CreatedObjects) -> Object | None:
    """The object with the identity of the desired one that was not listed before, and that no other chain of this run has created."""
    row, identity = change.row, {path: get(change.after, path) for path in change.row.identity}
    current = [obj for obj in current if obj[row.id] not in change.known_ids and not created.contains(row, obj)]
    for obj in current:
        if isinstance(obj, Unreadable) and all(obj.may_be(path, value, row.field(path).normal) for path, value in identity.items()):
            raise _undecided_error(f'{sentence(cause.message)} {obj.error}', cause)
    matches = [obj for obj in current if not differing_fields(row, identity, obj)]
    if len(matches) > 1:
        names = ', '.join(sorted(obj[change.row.id] for obj in matches))
        raise _undecided_error(f'{sentence(cause.message)} Several new objects may be {change.label}: {names}.', cause)
    return matches[0] if matches else None


def _undecided_error(text: str, cause: CniError) -> UndecidedError:
    """The error where nobody can tell whether the object was created, with what to check and what to do."""
    return UndecidedError(f'{sentence(text)} It is not known whether it was created: check with the info module in a few minutes, then run '
                          'this again. It reads the account before it orders.', method='POST', cause=cause.details, retryable=True)


def _add_winner(client: Client, error: CniError, change: Change, winner: Object | None) -> CniError:
    """The refusal, with the name of the quicker one if that can be seen."""
    slot_id = change.after.get('slot_id')
    if winner:
        name = winner[change.row.id]
        error.notes.append(f'Meanwhile someone else created {change.row.title} {name!r} there. Run it again.')
    elif slot_id and any(slot.get('occupied') for slot in read_objects(client, 'slot', slot_id)):
        error.notes.append(f'Slot {slot_id} has been taken in the meantime. Run it again.')
    return error


def _post_body(client: Client, change: Change) -> Object:
    """The body of the POST: the fields of the change that POST can set, under its own names."""
    rows = [change.row.field(path) for path in change.paths]
    account = {'account': client.account_id} if change.row.account_in_body else {}
    return merge(account, {f.post_path or f.path: get(change.after, f.path) for f in rows if f.in_post})


def _verified(client: Client, change: Change, answer: Object) -> Change:
    """The change with its answer.

    If that differs from what was asked for, the object is read again: an answer may show it as it was before.
    Raises NotAppliedError if a field still differs.
    """
    row, desired = change.row, desired_fields(change)
    verified = change._replace(answer=answer)
    try:
        if differing_fields(row, desired, answer):
            current = read_objects(client, row.name, row.id and (answer.get(row.id) or change.after[row.id]))
            verified = verified._replace(answer=current[0] if current else answer)
        not_applied = differing_fields(row, desired, verified.answer)
        if not_applied:
            raise NotAppliedError(change.label, have_and_want(row, not_applied, verified.answer))
    except Exception as error:
        error.applied = [verified]
        raise
    return verified


def _refuse_placeholders(change: Change, ident: str | None = None) -> None:
    """Raises InputError for a value, or the id of an object, that a prediction could not know: it must not be written."""
    for path in (*change.paths, *((ident,) if ident else ())):
        if get(change.after, path) == UNKNOWN:
            option = change.row.parent[0] if path == ident else change.row.field(path).option
            raise InputError(option, f'{UNKNOWN!r} is a value from check mode and cannot be written.')
