# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PUT of one object, of several by one request, and PUT that only validates. With _writes.py the only file that writes to the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import ApiError, CniError, ShapeError, ValidationError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, Unreadable, differing_fields, get, merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import read_objects, run_concurrently, unwrapped_object
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import UNKNOWN, Resource

BULK_SIZE = 100  # objects in a PUT of several; no source gives a limit


def desired_fields(change: Change) -> Object:
    """{path: value} of what a change sets."""
    return {path: get(change.after, path) for path in change.paths}


def is_known_update(change: Change) -> bool:
    """Whether a change is an update of an object that exists, with no value that only Cloudflare can assign."""
    return change.action == 'update' and UNKNOWN not in (change.after.get(change.row.id), *desired_fields(change).values())


def put_object(client: Client, row: Resource, after: Object, paths: Sequence[str]) -> Object:
    """The object as stored after a PUT of all of it, or of the blocks that hold the fields."""
    answer = _put(client, row, after, paths)
    if answer is not None and not is_id_alone(row, answer):
        return unwrapped_object(row, answer)
    return next(iter(read_objects(client, row.name, after[row.id] if row.id else None)), {})


def is_id_alone(row: Resource, answer: Object) -> bool:
    """Whether an answer names the object that was written, and no more, as those of notifications do."""
    return {*answer} == {row.id}


def _put(client: Client, row: Resource, after: Object, paths: Sequence[str], query: Mapping[str, Any] | None = None) -> Object | None:
    body = _put_body(row, after, paths)
    body = {**body, 'account': client.account_id} if row.full_put and row.id and row.account_in_body else body
    return client.put((*row.url_path, after[row.id]) if row.id else row.url_path, body, headers=row.headers, query=query)


def _put_body(row: Resource, after: Object, paths: Sequence[str]) -> Object:
    blocks = after if row.full_put else {path.partition('.')[0]: after[path.partition('.')[0]] for path in paths}
    return _without_paths(blocks, row.read_only_paths(after))


def _without_paths(body: Object, paths: Iterable[str]) -> Object:
    """The body without the fields at these dotted paths."""
    for path in paths:
        block, _dot, name = path.rpartition('.')
        inner = get(body, block) if block else body
        if isinstance(inner, dict) and name in inner:
            without = {other: value for other, value in inner.items() if other != name}
            body = merge(body, {block: without}) if block else without
    return body


# Several at once.

def put_several(client: Client, changes: Sequence[Change]) -> list[Change]:
    """The updates of objects of one kind. Those that a PUT of several has done, and verifiably so, have their answers.

    The others need a PUT of their own, which finds out what is wrong with them: Cloudflare may refuse the request, do a part of it, or
    its answer may be lost. Raises nothing of that, and no error of one object is an error of another.
    """
    row, updates = changes[0].row, {change.after[change.row.id]: change for change in changes}
    if len(updates) < 2:
        return list(changes)
    stored: dict[str, Object] = {}
    try:
        objects = _objects_to_put(client, row, updates)
        idents = list(objects) if len(objects) > 1 else []
        pages = [idents[start:start + BULK_SIZE] for start in range(0, len(idents), BULK_SIZE)]
        answers = run_concurrently(partial(_put_page, client, row, updates, objects), pages)
        for answer in answers:
            stored |= answer or {}
        unsure = [ident for page, answer in zip(pages, answers, strict=True) if answer is not None
                  for ident in page if not _is_as_desired(updates[ident], stored.get(ident))]
        stored |= {ident: obj for ident, obj in _read_by_id(client, row).items() if ident in unsure} if unsure else {}
    except CniError:  # of a read; a PUT of its own starts with another one
        pass
    return [change._replace(answer=obj) if _is_as_desired(change, obj := stored.get(change.after[row.id])) else change
            for change in changes]


def _objects_to_put(client: Client, row: Resource, updates: Mapping[str, Change]) -> dict[str, Object]:
    """{id: the object as it is now, with the fields of its change}. One that this run has created is not read again."""
    current = {} if all(change.just_created for change in updates.values()) else _read_by_id(client, row)
    return {ident: change.after if change.just_created else merge(current[ident], desired_fields(change))
            for ident, change in updates.items() if change.just_created or ident in current}


def _put_page(client: Client, row: Resource, updates: Mapping[str, Change], objects: Mapping[str, Object],
              idents: Sequence[str]) -> dict[str, Object] | None:
    """{id: object} of those that the answer holds, which may be none of them; None if the API refused the request, and so did nothing."""
    items = [{**_put_body(row, objects[ident], updates[ident].paths), row.id: ident} for ident in idents]
    try:
        answer = client.put(row.url_path, {row.list_key: items}, headers=row.headers)
    except CniError as error:
        return None if isinstance(error, ApiError) and not error.transient else {}
    stored = (answer or {}).get(row.bulk_put)
    return _by_id(row, [obj for obj in stored if isinstance(obj, dict)] if isinstance(stored, list) else [])


def _by_id(row: Resource, objects: Iterable[Object]) -> dict[str, Object]:
    """{id: object} of those that can be read."""
    readable = {}
    for obj in objects:
        try:
            readable[str(obj.get(row.id))] = row.parse(obj)
        except ShapeError:
            continue
    return readable


def _read_by_id(client: Client, row: Resource) -> dict[str, Object]:
    return {obj[row.id]: obj for obj in read_objects(client, row.name) if not isinstance(obj, Unreadable)}


def _is_as_desired(change: Change, obj: Object | None) -> bool:
    return obj is not None and not differing_fields(change.row, desired_fields(change), obj)


# Validation, in check mode. PUT only, which can do no more than the run that is predicted; never below /cni/, where nobody documents it.

def validate_updates(client: Client, changes: Iterable[Change]) -> list[tuple[Change, CniError]]:
    """The updates that Cloudflare would not write, with the reasons. Asks it to validate each of those that it can be asked of.

    The updates go one by one until one is confirmed, which is then read. If it is written, Cloudflare ignores validate_only: that one
    fails and is reported as written, and nothing else is sent.
    """
    remaining = [change for change in changes if change.row.validate_only and is_known_update(change)]
    refused: list[tuple[Change, CniError]] = []
    while remaining:
        change = remaining.pop(0)
        error = _validation_error(client, change)
        if error is None:
            return refused + _validated_after(client, change, remaining)
        refused.append((change, error))
    return refused


def _validated_after(client: Client, confirmed: Change, remaining: Sequence[Change]) -> list[tuple[Change, CniError]]:
    """The same of the updates that remain after the first that was confirmed, and of that one."""
    try:
        current = read_objects(client, confirmed.row.name, confirmed.after[confirmed.row.id])
    except CniError as error:
        error.notes.append(f'So it is not known whether {confirmed.label} was only validated, and nothing else is.')
        return [(confirmed, error)]
    if any(_is_as_desired(confirmed, obj) for obj in current):
        return [(confirmed, ValidationError(confirmed))]
    errors = run_concurrently(partial(_validation_error, client), remaining)
    return [(change, error) for change, error in zip(remaining, errors, strict=True) if error]


def _validation_error(client: Client, change: Change) -> CniError | None:
    """Why Cloudflare would not write an update, None if it would."""
    try:
        _put(client, change.row, change.after, change.paths, {'validate_only': True})
    except CniError as error:
        error.notes.append('This was a validation: nothing was written.')
        return error
    return None
