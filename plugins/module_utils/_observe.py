# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The eyes of the collection: observe() reads what the plan asks for, watch() waits for a state. Sends nothing but GET."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client, is_segment
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import ApiError, InputError, NotYetError, ShapeError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, Part, Unread, Unreadable, World, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import INTERCONNECT, ROWS, SLOT, Resource

T = TypeVar('T')

WORKERS = 8  # reads at the same time


def read(client: Client, resource: str, ident: str | None = None, query: Mapping[str, Any] | None = None) -> list[Object]:
    """The objects of a list, each once; or the one object in a list of its own (empty: it isn't there).

    resource: the name of a row. ident: what names the one object in the path. query: filters that the API knows.
    An object of a list that can't be read is in it as Unreadable, after a warning. The one object that is asked for raises AnswerError.
    """
    row = ROWS[resource]
    if ident is not None or row.items is None:
        path = (*row.path, *(() if ident is None else (ident,)), *row.tail)
        found = client.get(path, query, accept=(200, 404), headers=row.headers)
        return [] if found is None else [unwrapped(row, found)]
    objects = [_readable(client, row, obj) for obj in _listed(client, row, query or {})]
    return list({obj[row.id] or id(obj): obj for obj in objects}.values())


def _listed(client: Client, row: Resource, query: Mapping[str, Any]) -> list[Object]:
    """The objects of a list. Where the caller filters again, a service that refuses the filters or the limit is asked for all of them."""
    try:
        pages = client.pages(row.path, {**query, 'limit': row.limit}, items=row.items, headers=row.headers)
        return [obj for page in pages for obj in page]
    except ApiError as error:
        if error.status != 400 or not row.limit:
            raise
    return [obj for page in client.pages(row.path, items=row.items, headers=row.headers) for obj in page]


def _readable(client: Client, row: Resource, obj: Object) -> Object:
    """An object of a list. One without a name for people is warned of, too: it is no circuit."""
    try:
        obj = row.read(obj)
        named(row, obj)
    except ShapeError as error:
        left = Unreadable(obj, error)
        error.notes.append(f'It is {_label(row, left)}: it is left alone, and what needs it fails.')
        client.warn(str(error))
        return left
    for wire in row.identity:
        if not get(obj, wire):
            client.warn(f'{_label(row, obj)} has no {wire}: it is no circuit, and it is left alone.')
    return obj


def _label(row: Resource, obj: Object) -> str:
    names = (get(obj, wire) for wire in dict.fromkeys([row.id, *(key.wire for key in row.keys if not key.via)]))
    return f'{row.title} {", ".join(filter(None, names)) or "without a name"}'


def unwrapped(row: Resource, answer: Object) -> Object:
    """The object itself, out of an answer that has it under a name of its own."""
    return row.read(next((answer[name] for name in row.wraps if answer.get(name)), answer))


def named(row: Resource, obj: Object, method: str = 'GET') -> str:
    """What the object is called in paths. Raises ShapeError for one that nobody could address."""
    name = obj.get(row.id)
    if not isinstance(name, str) or not is_segment(name):
        raise ShapeError(method, '/'.join(['', *row.path]), 200, f'a {row.title} without a usable {row.id}.', [row.id])
    return name


def read_each(client: Client, resource: str, idents: Iterable[str]) -> dict[str, list[Object]]:
    """The objects that the idents name, read at the same time: {ident: read()}."""
    idents = list(idents)
    return dict(zip(idents, at_once(lambda ident: read(client, resource, ident), idents), strict=True))


def at_once(work: Callable[[Any], T], items: Sequence[Any], workers: int = WORKERS) -> list[T]:
    """What work() returns for each item, done for so many at the same time."""
    if len(items) < 2:
        return [work(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, items))


def observe(client: Client, decide: Callable[[World], T], world: World | None = None, ahead: Iterable[str] = ()) -> T:
    """What decide() returns once it has seen all that it asks for (by raising Unread), and no more is read than that.

    All else is read again after the slots: who took one of them in between must be seen, or a second run would order another.
    ahead: the lists that it will ask for in any case, read at the same time. What is not there yet (NotYetError) is read again until
    the client's retry_timeout is over, counted from the first time; decide() is then asked once more, with world.final set.
    """
    shown, ends, waits = world or World(), None, itertools.count(1)
    shown.account = client.account_id
    while True:
        try:
            return decide(shown)
        except NotYetError as error:
            if shown.final:
                raise
            ends = client.clock() + client.retry_timeout if ends is None else ends
            left = ends - client.clock()
            shown.final = left <= 0
            if left > 0:
                client.back_off(next(waits), left)
                shown.drop(error.part)
        except Unread as unread:
            shown = _with(client, unread.parts, shown, ahead)


def _with(client: Client, unread: Iterable[Part], shown: World, ahead: Iterable[str]) -> World:
    """The world with more parts read, and with the lists of `ahead` that it has not got. A list is read whole the second time."""
    if any(resource == SLOT.name for resource, _ident in unread):
        shown, ahead = shown.only(SLOT.name), ()
    parts = dict.fromkeys([*unread, *((name, None) for name in ahead if not shown.has(name))])
    queries = {part: None if part[1] or shown.has(part[0]) else shown.narrow.get(part[0]) for part in parts}
    for part, objects in zip(queries, at_once(lambda part: _seen(client, part, queries[part], shown), list(queries)), strict=True):
        shown.put(part, objects, narrowed=bool(queries[part]))
    return shown


def _seen(client: Client, part: Part, query: Mapping[str, Any] | None, shown: World) -> list[Object]:
    """read(); but an object that a list does not show is not there either if its name can be no part of an address.

    One that can't be read is in the list as Unreadable: whoever needs it gets the error, and nobody else.
    """
    try:
        return read(client, *part, query)
    except (InputError, ApiError, ShapeError) as error:
        unread = isinstance(error, ShapeError) or getattr(error, 'status', 400) in (400, 404, 414)
        if part[1] is None or not shown.has(part[0]) or not unread:
            raise
        return []


def watch(client: Client, goals: Mapping[str, Container[str]], timeout: float) -> dict[str, Object]:
    """The statuses of interconnects, {name: {state, reason}}, once each is in one of its states, or after timeout seconds.

    goals: {name: states}; no states: read once. One that has reached a state is not read again, so its status is as it was then. One
    without a status has no entry: a new interconnect's comes late and is waited for, an interconnect that has gone is not.
    """
    ends, found, names = client.clock() + timeout, {}, list(goals)
    for tried in itertools.count(1):
        found |= read_each(client, 'status', names)
        left = ends - client.clock()
        names = [name for name in names if goals[name] and left > 0 and _is_awaited(client, name, found[name], goals[name])]
        if not names:
            return {name: statuses[0] for name, statuses in found.items() if statuses}
        client.back_off(tried, left)
    raise AssertionError('unreachable')


def _is_awaited(client: Client, name: str, statuses: Sequence[Object], states: Container[str]) -> bool:
    if statuses:
        return statuses[0].get('state') not in states
    return bool(read(client, INTERCONNECT.name, name))
