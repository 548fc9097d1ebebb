# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One write: an order is sent once, whatever becomes of its answer, and each answer is verified.

With _put.py the only file that sends POST, PUT or DELETE.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    AnswerError,
    ApiError,
    CniError,
    InputError,
    NotAppliedError,
    TransportError,
    UndecidedError,
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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import object_id, read_objects, without_wrapping
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._put import desired_fields, is_id_alone, put_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import UNKNOWN, Resource


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


def _keep_object(client: Client, change: Change, created: CreatedObjects) -> Change:
    return change._replace(answer=change.before)


def _put_note(client: Client, change: Change, created: CreatedObjects) -> Change:
    """PUT of the note alone: the rest of the tunnel stays, and all of it is deleted with the interconnect."""
    return change._replace(answer=put_object(client, change.row, change.after, change.paths))


def delete_object(client: Client, change: Change, created: CreatedObjects) -> Change:
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
    return completed_create(client, change, answer)


def completed_create(client: Client, change: Change, answer: Object) -> Change:
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


WRITERS = {'none': _keep_object, 'create': _create_object, 'update': _update_object, 'note': _put_note, 'delete': delete_object}


class RefusedError(Exception):
    """The API refused an order, and so surely has not placed it. refusal: its error."""

    def __init__(self, refusal: CniError) -> None:
        super().__init__(refusal)
        self.refusal = refusal


def _post_order(client: Client, change: Change, created: CreatedObjects) -> Object:
    """The new object, ordered once. After a lost answer the list is read; only if it shows nothing new, the POST is sent once more.

    The second POST can't order twice: Cloudflare takes a slot, a conduit name and a pairing key only once each. Where it would take an
    object twice, there is no second POST.
    Raises RefusedError where the API refused the only POST: the lists are read together for all refused orders.
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
                raise (RefusedError(error) if by_service else error) from None
            created_object = find_created(_reread_after_lost_answer(client, change, error), change, error, created)
            if created_object:
                return created_object
            if not may_be_created:
                raise add_winner(client, error, change, None) from None
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


def find_created(current: Iterable[Object], change: Change, cause: CniError, created: CreatedObjects) -> Object | None:
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


def add_winner(client: Client, error: CniError, change: Change, winner: Object | None) -> CniError:
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
