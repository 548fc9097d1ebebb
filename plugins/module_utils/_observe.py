# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The eyes of the collection: observe() reads what the plan asks for, wait_for_states() waits for a state. Sends nothing but GET."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client, is_url_segment
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import ApiError, InputError, NotListedError, ShapeError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, Unreadable, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import RESOURCES, SLOT, Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Part, Snapshot, Unread

T = TypeVar('T')

WORKERS = 8  # reads at the same time


def read_objects(client: Client, resource: str, ident: str | None = None, query: Mapping[str, Any] | None = None) -> list[Object]:
    """The objects of a list, each once; or the one object in a list of its own (empty: it isn't there).

    resource: the name of a row. ident: what names the one object in the path. query: filters that the API knows.
    An object of a list that can't be read is in it as Unreadable, after a warning. The one object that is asked for raises AnswerError.
    """
    row = RESOURCES[resource]
    if ident is not None or row.list_key is None:
        segments = (*row.url_path, *(() if ident is None else (ident,)), *row.url_suffix)
        answer = client.get(segments, query, accept=(200, 404), headers=row.headers)
        return [] if answer is None else [unwrapped_object(row, answer)]
    objects = [_readable_object(client, row, obj) for obj in _read_list(client, row, query or {})]
    return list({obj[row.id] or id(obj): obj for obj in objects}.values())


def _read_list(client: Client, row: Resource, query: Mapping[str, Any]) -> list[Object]:
    """The objects of a list. Where the caller filters again, a service that refuses the filters or the limit is asked for all of them."""
    try:
        pages = client.get_pages(row.url_path, {**query, 'limit': row.page_size}, list_key=row.list_key, headers=row.headers)
        return [obj for page in pages for obj in page]
    except ApiError as error:
        if error.status != 400 or not row.page_size:
            raise
    return [obj for page in client.get_pages(row.url_path, list_key=row.list_key, headers=row.headers) for obj in page]


def _readable_object(client: Client, row: Resource, obj: Object) -> Object:
    """An object of a list. One without a name for people is warned of, too: it is no circuit."""
    try:
        obj = row.parse(obj)
        object_id(row, obj)
    except ShapeError as error:
        unreadable = Unreadable(obj, error)
        error.notes.append(f'It is {_object_label(row, unreadable)}: it is left alone, and what needs it fails.')
        client.warn(str(error))
        return unreadable
    for path in row.identity:
        if row.field(path).required and not get(obj, path):
            client.warn(f'{_object_label(row, obj)} has no {path}: it is no circuit, and it is left alone.')
    return obj


def _object_label(row: Resource, obj: Object) -> str:
    names = (get(obj, path) for path in dict.fromkeys([row.id, *(key.path for key in row.keys if not key.references)]))
    return f'{row.title} {", ".join(filter(None, names)) or "without a name"}'


def unwrapped_object(row: Resource, answer: Object) -> Object:
    """The object itself, out of an answer that has it under a name of its own."""
    return row.parse(without_wrapping(row, answer))


def without_wrapping(row: Resource, answer: Object) -> Object:
    """What an answer has under a name of the row, be it the object or a list of it alone; all of it if there is none."""
    inner = next((answer[name] for name in row.wrapped_in if answer.get(name)), answer)
    only = inner[0] if isinstance(inner, list) and len(inner) == 1 else inner
    return only if isinstance(only, dict) else answer


def object_id(row: Resource, obj: Object, method: str = 'GET') -> str:
    """What the object is called in paths. Raises ShapeError for one that nobody could address."""
    name = obj.get(row.id)
    if not isinstance(name, str) or not is_url_segment(name):
        raise ShapeError(method, '/'.join(['', *row.url_path]), 200, f'a {row.title} without a usable {row.id}.', [row.id])
    return name


def read_many(client: Client, resource: str, idents: Iterable[str]) -> dict[str, list[Object]]:
    """The objects that the idents name, read at the same time: {ident: read_objects()}."""
    idents = list(idents)
    return dict(zip(idents, run_concurrently(lambda ident: read_objects(client, resource, ident), idents), strict=True))


def run_concurrently(work: Callable[[Any], T], items: Sequence[Any], workers: int = WORKERS) -> list[T]:
    """What work() returns for each item, done for so many at the same time."""
    if len(items) < 2:
        return [work(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, items))


def observe(client: Client, decide: Callable[[Snapshot], T], initial: Snapshot | None = None, prefetch: Iterable[str] = ()) -> T:
    """What plan_outcomes() returns once it has seen all that it asks for (by raising Unread), and no more is read than that.

    All else is read again after the slots: who took one of them in between must be seen, or a second run would order another.
    prefetch: the lists that it will ask for in any case, read at the same time. What is not there yet (NotYetError) is read again until
    the client's retry_timeout is over, counted from the first time; plan_outcomes() is then asked once more, with snapshot.final set.
    """
    snapshot, deadline, attempts = initial or Snapshot(), None, itertools.count(1)
    snapshot.account = client.account_id
    while True:
        try:
            return decide(snapshot)
        except NotListedError as error:
            if snapshot.is_final:
                raise
            deadline = client.clock() + client.retry_timeout if deadline is None else deadline
            seconds_left = deadline - client.clock()
            snapshot.is_final = seconds_left <= 0
            if seconds_left > 0:
                client.back_off(next(attempts), seconds_left)
                snapshot.drop_part(error.part)
        except Unread as unread:
            snapshot = _with_parts_read(client, unread.parts, snapshot, prefetch)


def _with_parts_read(client: Client, unread: Iterable[Part], snapshot: Snapshot, prefetch: Iterable[str]) -> Snapshot:
    """The snapshot with more parts read, and with the lists of `ahead` that it has not got. A list is read whole the second time."""
    if any(resource == SLOT.name for resource, _ident in unread):
        snapshot, prefetch = snapshot.restricted_to(SLOT.name), ()
    parts = dict.fromkeys([*unread, *((name, None) for name in prefetch if not snapshot.has_list(name))])
    queries = {part: None if part[1] or snapshot.has_list(part[0]) else snapshot.list_filters.get(part[0]) for part in parts}
    for part, objects in zip(queries, run_concurrently(lambda part: _read_part(client, part, queries[part], snapshot), list(queries)),
                             strict=True):
        snapshot.put_part(part, objects, narrowed=bool(queries[part]))
    return snapshot


def _read_part(client: Client, part: Part, query: Mapping[str, Any] | None, snapshot: Snapshot) -> list[Object]:
    """read_objects(); but an object that a list does not show is not there either if its name can be no part of an address.

    One that can't be read is in the list as Unreadable: whoever needs it gets the error, and nobody else.
    """
    try:
        return read_objects(client, *part, query)
    except (InputError, ApiError, ShapeError) as error:
        is_missing = isinstance(error, ShapeError) or getattr(error, 'status', 400) in (400, 404, 414)
        if part[1] is None or not snapshot.has_list(part[0]) or not is_missing:
            raise
        return []
