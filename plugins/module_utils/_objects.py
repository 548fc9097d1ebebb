# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects and their fields, and the world they are read from. No client, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError, ShapeError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import Key, Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import same

Object = dict[str, Any]
Part = tuple[str, 'str | None']
MISSING = object()


class Unread(Exception):
    """The decision needs a part of the world that nobody has read: (resource, id or None for the list)."""

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self.part = part


class Unreadable(dict):
    """An object of which something can't be read: that is None here, and the error is for whoever needs the object."""

    def __init__(self, obj: Object, error: ShapeError) -> None:
        super().__init__(merge(obj, dict.fromkeys(error.wires)))
        self.error = error

    def may_be(self, wire: str, value: Any, normal: Callable[[Any], Any]) -> bool:
        """Whether it has that value in a field, as far as anybody can tell."""
        unknown = any(f'{wire}.'.startswith(f'{wrong}.') for wrong in self.error.wires)
        return unknown or normal(get(self, wire, MISSING)) == normal(value)


class World:
    """What has been read: {(resource, id or None for the list): objects}, found by the values of their fields at no cost that grows."""

    def __init__(self, parts: Mapping[Part, Iterable[Object]] | None = None) -> None:
        self._parts: dict[Part, list[Object]] = {}
        self._unreadable: dict[str, list[Unreadable]] = {}
        for part, objects in (parts or {}).items():
            self.put(part, objects)
        self.promised: set[str] = set()  # interconnects that a circuit of the same plan gets
        self.asking: dict[str, Mapping[str, Any] | None] = {}  # circuits of the same plan, and what each asks of its port

    def copy(self) -> World:
        """Another one that can be changed by itself."""
        other = World(self._parts)
        other.promised, other.asking, other._unreadable = set(self.promised), self.asking, self._unreadable
        return other

    def only(self, resource: str) -> World:
        """What has been read of one resource."""
        return World({part: objects for part, objects in self._parts.items() if part[0] == resource})

    def has(self, resource: str) -> bool:
        """Whether the list of a resource has been read."""
        return (resource, None) in self._parts

    def put(self, part: Part, objects: Iterable[Object]) -> None:
        """Adds what has been read. What is Unreadable is kept apart."""
        objects = list(objects)
        self._parts[part] = [obj for obj in objects if not isinstance(obj, Unreadable)]
        self._unreadable[part[0]] = [obj for obj in objects if isinstance(obj, Unreadable)]
        self._indexes: dict[tuple[str, str, Callable], dict[Any, list[Object]]] = {}

    def seen(self, resource: str, ident: str | None = None) -> list[Object]:
        """The objects of a resource. Raises Unread if nobody has read them."""
        try:
            return self._parts[resource, ident]
        except KeyError:
            raise Unread((resource, ident)) from None

    def having(self, resource: str, wire: str, value: Any, normal: Callable[[Any], Any] = same) -> list[Object]:
        """The objects of a list with that value in a field."""
        objects, index = self.seen(resource), self._indexes.get((resource, wire, normal))
        if index is None:
            index = self._indexes[resource, wire, normal] = {}
            for obj in objects:
                index.setdefault(_hashable(normal(get(obj, wire, MISSING))), []).append(obj)
        return index.get(_hashable(normal(value)), [])

    def unreadable(self, resource: str) -> list[Unreadable]:
        """Those of a list that can't be read."""
        return self._unreadable.get(resource, [])

    def refuse(self, resource: str, wire: str, value: Any, normal: Callable[[Any], Any] = same) -> None:
        """Raises AnswerError where an object that can't be read has that value in a field, or may have."""
        for obj in self.unreadable(resource):
            if obj.may_be(wire, value, normal):
                raise obj.error

    def turn(self, resource: str, before: Object | None, after: Object | None) -> None:
        """Takes an object out of the list of a resource, puts another one in, or does both. What has not been read stays unread."""
        objects = self._parts.get((resource, None))
        if objects is None:
            return
        at = next((number for number, obj in enumerate(objects) if obj is before), len(objects))
        objects[at:at + 1] = [] if after is None else [after]
        for (name, wire, normal), index in self._indexes.items():
            if name == resource:
                _move(index, lambda obj, wire=wire, normal=normal: _hashable(normal(get(obj, wire, MISSING))), before, after)


def _move(index: dict[Any, list[Object]], value: Callable[[Object], Any], before: Object | None, after: Object | None) -> None:
    if before is not None:
        index[value(before)] = [obj for obj in index.get(value(before), []) if obj is not before]
    if after is not None:
        index.setdefault(value(after), []).append(after)


def _hashable(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, frozenset)) or value is MISSING else repr(value)


def get(obj: Mapping[str, Any] | None, wire: str, default: Any = None) -> Any:
    """The value at a dotted path, or the default."""
    for name in wire.split('.'):
        if not isinstance(obj, Mapping) or name not in obj:
            return default
        obj = obj[name]
    return obj


def merge(obj: Object, fields: Mapping[str, Any]) -> Object:
    """A copy with the values at the dotted paths set; everything else stays."""
    for wire, value in fields.items():
        head, _dot, rest = wire.partition('.')
        inner = obj.get(head)
        obj = {**obj, head: merge(inner if isinstance(inner, dict) else {}, {rest: value}) if rest else value}
    return obj


def differing(row: Resource, fields: Mapping[str, Any], obj: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the fields that the object doesn't have as wanted. Fields that answers never hold are not compared."""
    rows = {wire: row.at(wire) for wire in fields}
    return {w: v for w, v in fields.items() if rows[w].returned and rows[w].normal(get(obj, w, MISSING)) != rows[w].normal(v)}


def contrast(row: Resource, fields: Mapping[str, Any], obj: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """{option: {have, want}} of the fields, without secrets: what an error says."""
    pairs = {}
    for wire, want in fields.items():
        f = row.at(wire)
        pairs[f.option] = {'have': '(hidden)', 'want': '(hidden)'} if f.secret else {'have': get(obj, wire), 'want': want}
    return pairs


def by_key(row: Resource, key: Key, value: Any, world: World) -> list[Object]:
    """The objects that a key names, through the resources on the way to them."""
    names = {value}
    for hop in key.via:
        names = {get(obj, hop.gives) for name in names for obj in world.having(hop.resource, hop.field, name)} - {None}
    return [obj for name in names for obj in world.having(row.name, key.wire, name, key.normal)]


def refuse_unreadable(row: Resource, key: Key, value: Any, world: World) -> None:
    """Raises AnswerError where the key names nothing that can be read, and may name what can't."""
    values = {value}
    for hop in key.via:
        met = {value: world.having(hop.resource, hop.field, value) for value in values}
        for value in (value for value, found in met.items() if not found):
            world.refuse(hop.resource, hop.field, value)
        values = {get(obj, hop.gives) for found in met.values() for obj in found} - {None}
    for value in values:
        if not world.having(row.name, key.wire, value, key.normal):
            world.refuse(row.name, key.wire, value, key.normal)


def no_such(row: Resource, option: str, value: Any, world: World, field: str | None = None) -> InputError:
    """The error for a name that nothing has, with the names that there are."""
    there = sorted(str(get(obj, field or row.id)) for obj in world.seen(row.name))
    shown = ', '.join(there[:20]) or 'none'
    return InputError(option, f'there is no {row.title} {value!r} in this account. There are: {shown}.', there)
