# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads objects: observe() reads the parts of a snapshot that a decision needs. Sends nothing but GET, and the query for traffic."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client, is_url_segment
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import ApiError, InputError, NotListedError, ShapeError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, Unreadable, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import RESOURCES, SLOT, Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._snapshot import Part, Snapshot, Unread
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._threads import concurrent_results
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._traffic import TRAFFIC, read_traffic

T = TypeVar('T')

WORKERS = 8  # reads at the same time


def read_objects(client: Client, resource: str, ident: str | None = None, query: Mapping[str, Any] | None = None) -> list[Object]:
    """The objects of a list, each once; or a list with the single object, empty if it does not exist.

    resource: the name of a row. ident: the id of a single object. query: filters of the API.
    An object of a list that can't be read is in it as Unreadable, after a warning. A single one raises AnswerError.
    """
    row = RESOURCES[resource]
    if ident is not None or row.list_key is None:
        segments = (*row.url_path, *(() if ident is None else (ident,)), *row.url_suffix)
        answer = client.get(segments, query, accept=(200, 404), headers=row.headers)
        return [] if answer is None else [unwrapped_object(row, answer)]
    objects = [_readable_object(client, row, obj) for obj in _read_list(client, row, query or {})]
    return list({obj[row.id] or id(obj): obj for obj in objects}.values())


def _read_list(client: Client, row: Resource, query: Mapping[str, Any]) -> list[Object]:
    """The objects of a list. A service that refuses the filters or the page size is asked for all of them: the caller filters again."""
    try:
        pages = client.get_pages(row.url_path, {**query, row.size_option: row.page_size}, list_key=row.list_key, headers=row.headers)
        return [obj for page in pages for obj in page]
    except ApiError as error:
        if error.status != 400 or not row.page_size:
            raise
    return [obj for page in client.get_pages(row.url_path, list_key=row.list_key, headers=row.headers) for obj in page]


def _readable_object(client: Client, row: Resource, obj: Object) -> Object:
    """An object of a list, Unreadable if need be. Warns of one without a name, too: it is no circuit."""
    try:
        obj = row.parse(obj)
        object_id(row, obj)
    except ShapeError as error:
        unreadable = Unreadable(obj, error)
        error.notes.append(f'The object is {_object_label(row, unreadable)}: it is not touched, and whatever needs it fails.')
        client.warn(str(error))
        return unreadable
    for path in row.identity:
        if row.field(path).required and not get(obj, path):
            client.warn(f'{_object_label(row, obj)} has no {path}: it is not a circuit and is not touched.')
    return obj


def _object_label(row: Resource, obj: Object) -> str:
    names = (get(obj, path) for path in dict.fromkeys([row.id, *(key.path for key in row.keys if not key.references)]))
    return f'{row.title} {", ".join(filter(None, names)) or "without a name"}'


def unwrapped_object(row: Resource, answer: Object) -> Object:
    """The object in an answer, which may have it under a key."""
    return row.parse(without_wrapping(row, answer))


def without_wrapping(row: Resource, answer: Object) -> Object:
    """What an answer has under a key of the row, be it the object or a list of it alone; else the whole answer."""
    inner = next((answer[name] for name in row.wrapped_in if answer.get(name)), answer)
    only = inner[0] if isinstance(inner, list) and len(inner) == 1 else inner
    return only if isinstance(only, dict) else answer


def object_id(row: Resource, obj: Object, method: str = 'GET') -> str:
    """The id of an object. Raises ShapeError for one that can't be part of a URL."""
    name = obj.get(row.id)
    if not isinstance(name, str) or not is_url_segment(name):
        raise ShapeError(method, '/'.join(['', *row.url_path]), 200, f'{row.title} without a usable {row.id}.', [row.id])
    return name


def read_many(client: Client, resource: str, idents: Iterable[str]) -> dict[str, list[Object]]:
    """{ident: read_objects()} of single objects, read at the same time."""
    idents = list(idents)
    return dict(zip(idents, run_concurrently(lambda ident: read_objects(client, resource, ident), idents), strict=True))


def run_concurrently(work: Callable[[Any], T], items: Sequence[Any], workers: int = WORKERS) -> list[T]:
    """[work(item) for each item], several at the same time."""
    if len(items) < 2:
        return [work(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers) as pool:
        return concurrent_results(pool, work, items)


def observe(client: Client, decide: Callable[[Snapshot], T], initial: Snapshot | None = None, prefetch: Iterable[str] = ()) -> T:
    """The result of decide(snapshot). Reads the parts for which decide raises Unread, and no others, and calls it again.

    After the slots everything else is read again: a slot that was ordered in between must be seen, or this run would order another one.
    prefetch: lists that decide needs in any case, read at the same time. A NotListedError is retried until the client's retry_timeout is
    over, counted from the first; then decide is called a last time, with snapshot.is_final set.
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
                client.on_wait(str(error).partition('. ')[0])
                client.back_off(next(attempts), seconds_left)
                snapshot.drop_part(error.part)
        except Unread as unread:
            snapshot = _with_parts_read(client, unread.parts, snapshot, prefetch)


def _with_parts_read(client: Client, unread: Iterable[Part], snapshot: Snapshot, prefetch: Iterable[str]) -> Snapshot:
    """The snapshot with more parts, and with the lists of prefetch that it lacks. A list is read without filters the second time."""
    if any(resource == SLOT.name for resource, _ident in unread):
        snapshot, prefetch = snapshot.restricted_to(SLOT.name), ()
    parts = dict.fromkeys([*unread, *((name, None) for name in prefetch if not snapshot.has_list(name))])
    queries = {part: None if part[1] or snapshot.has_list(part[0]) else snapshot.list_filters.get(part[0]) for part in parts}
    read = run_concurrently(lambda part: _read_part(client, part, queries[part], snapshot), list(queries))
    for part, objects in zip(queries, read, strict=True):
        snapshot.put_part(part, objects, narrowed=bool(queries[part]))
    return snapshot


def _read_part(client: Client, part: Part, query: Mapping[str, Any] | None, snapshot: Snapshot) -> list[Object]:
    """The objects of a part. One that the list does not show does not exist either, if its id can be no part of a URL.

    An unreadable one is in the list as Unreadable: only who needs it gets the error.
    """
    if part == (TRAFFIC, None):
        return read_traffic(client)
    try:
        return read_objects(client, *part, query)
    except (InputError, ApiError, ShapeError) as error:
        is_missing = isinstance(error, ShapeError) or getattr(error, 'status', 400) in (400, 404, 414)
        if part[1] is None or not snapshot.has_list(part[0]) or not is_missing:
            raise
        return []
