# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects and their fields, and the world they are read from. No client, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError, ShapeError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import UNKNOWN, Key, Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import same

Object = dict[str, Any]
Part = tuple[str, 'str | None']
T = TypeVar('T')
_Objects = dict[int, Object]  # by identity, so that one of them is found at once
MISSING = object()


class Unread(Exception):
    """The decision needs parts of the world that nobody has read, each (resource, id or None for the list)."""

    def __init__(self, *parts: Part) -> None:
        super().__init__(*parts)
        self.parts = parts


def all_read(work: Callable[[Any], T], items: Iterable[Any]) -> list[T]:
    """What work() returns for each item. Raises Unread once, for all that any of them needs."""
    found: list[T] = []
    unread: dict[Part, None] = {}
    for item in items:
        try:
            found.append(work(item))
        except Unread as error:
            unread |= dict.fromkeys(error.parts)
    if unread:
        raise Unread(*unread)
    return found


class Unreadable(dict):
    """An object of which something can't be read: that is None here, and the error is for whoever needs the object."""

    def __init__(self, obj: Object, error: ShapeError) -> None:
        super().__init__(merge(obj, dict.fromkeys(error.wires)))
        self.error = error

    def __missing__(self, name: str) -> None:
        return None

    def may_be(self, wire: str, value: Any, normal: Callable[[Any], Any]) -> bool:
        """Whether it has that value in a field, as far as anybody can tell."""
        unknown = any(f'{wire}.'.startswith(f'{wrong}.') for wrong in self.error.wires)
        return unknown or normal(get(self, wire, MISSING)) == normal(value)


class World:
    """What has been read: {(resource, id or None for the list): objects}, found by the values of their fields at no cost that grows."""

    def __init__(self, parts: Mapping[Part, Iterable[Object]] | None = None) -> None:
        self._parts: dict[Part, _Objects] = {}
        self._unreadable: dict[Part, list[Unreadable]] = {}
        self._indexes: dict[tuple[str, str, Callable], dict[Any, _Objects]] = {}
        self._kept: dict[Any, Any] = {}
        self.origin = self  # as it was read
        self._narrowed: set[Part] = set()
        self.narrow: dict[str, Mapping[str, Any]] = {}  # what of a list is enough at first, by resource
        self.account = ''  # the one that this is the world of
        self.promised: set[str] = set()  # interconnects that a circuit of the same plan gets
        self.asking: dict[str, Mapping[str, Any] | None] = {}  # circuits of the same plan, and what each asks of its port
        self.takers: dict[Any, tuple[Mapping[str, Any], set[str]]] | None = None  # those without a CNI by what they ask for, once counted
        self.final = False  # what is not there yet is not waited for any longer
        self.owners: Mapping[str, str] = {}  # the interconnect that each circuit has on record, whether Cloudflare agrees or not
        self.claims: Mapping[str, list[str]] = {}  # and the circuits that have each interconnect on record
        for part, objects in (parts or {}).items():
            self.put(part, objects)

    def own(self, owners: Mapping[str, str]) -> None:
        """Takes in what is on record: {circuit: the name of its interconnect}."""
        claims: dict[str, list[str]] = {}
        for circuit, port in owners.items():
            claims.setdefault(port, []).append(circuit)
        self.owners, self.claims = owners, claims

    def copy(self) -> World:
        """Another one that can be changed by itself."""
        other = self._like(self._parts)
        other.promised, other.asking, other.origin = set(self.promised), self.asking, self.origin
        return other

    def only(self, resource: str) -> World:
        """What has been read of one resource."""
        return self._like({part: objects for part, objects in self._parts.items() if part[0] == resource})

    def _like(self, parts: Mapping[Part, _Objects]) -> World:
        other = type(self)()
        other._parts = {part: dict(objects) for part, objects in parts.items()}
        other._unreadable = {part: self._unreadable[part] for part in parts}
        other._narrowed, other.narrow, other.account, other.final = set(self._narrowed), self.narrow, self.account, self.final
        other.owners, other.claims = self.owners, self.claims
        return other

    def has(self, resource: str) -> bool:
        """Whether the list of a resource has been read."""
        return (resource, None) in self._parts

    def put(self, part: Part, objects: Iterable[Object], narrowed: bool = False) -> None:
        """Adds what has been read. narrowed: it is not the whole list. One object by itself is put in the list too: that may lag behind.

        What is Unreadable is kept apart.
        """
        resource, ident = part
        for old in [part] if ident else [old for old in self._parts if old[0] == resource]:
            self.drop(old)
        objects = list(objects)
        self._parts[part] = _by_identity(obj for obj in objects if not isinstance(obj, Unreadable))
        self._unreadable[part] = [obj for obj in objects if isinstance(obj, Unreadable)]
        self._narrowed |= {part} if narrowed else set()
        if ident and self.has(resource):
            self._parts[resource, None] |= self._parts[part]

    def drop(self, part: Part) -> None:
        """Forgets what has been read, so that it is read again."""
        self._parts.pop(part, None)
        self._narrowed.discard(part)
        self._indexes, self._kept = {}, {}

    def seen(self, resource: str, ident: str | None = None) -> list[Object]:
        """The objects of a resource. Raises Unread if nobody has read them."""
        return list(self._part(resource, ident).values())

    def whole(self, resource: str) -> list[Object]:
        """All objects of a list. Raises Unread if it was not read, or only as far as seemed enough."""
        if (resource, None) in self._narrowed:
            raise Unread((resource, None))
        return self.seen(resource)

    def holds(self, resource: str, obj: Object) -> bool:
        """Whether this very object is in a list, and neither gone nor changed."""
        return id(obj) in self._part(resource)

    def _part(self, resource: str, ident: str | None = None) -> _Objects:
        try:
            return self._parts[resource, ident]
        except KeyError:
            raise Unread((resource, ident)) from None

    def having(self, resource: str, wire: str, value: Any, normal: Callable[[Any], Any] = same) -> list[Object]:
        """The objects of a list with that value in a field."""
        objects, index = self._part(resource), self._indexes.get((resource, wire, normal))
        if index is None:
            index = self._indexes[resource, wire, normal] = {}
            for obj in objects.values():
                _at(index, wire, normal, obj)[id(obj)] = obj
        return list(index.get(_hashable(normal(value)), {}).values())

    def known(self, resource: str, wire: str) -> frozenset[Any]:
        """The values of a field in a list as it was read, whatever was decided since: one set for all who ask."""
        return self.origin.kept(('known', resource, wire), lambda: frozenset(
            get(obj, wire) for obj in (*self.origin.seen(resource), *self.origin.unreadable(resource))))

    def kept(self, key: Any, make: Callable[[], T]) -> T:
        """What make() returns, made once: it has to stay right while things are only taken. See forget()."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def forget(self) -> None:
        """Something has been set free: what was kept is made anew."""
        self._kept = {}

    def unreadable(self, resource: str) -> list[Unreadable]:
        """Those of a list that can't be read."""
        return self._unreadable.get((resource, None), [])

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
        indexes = [(index, wire, normal) for (name, wire, normal), index in self._indexes.items() if name == resource]
        for obj in (before, after):
            for place in (objects, *(_at(*one, obj) for one in indexes)) if obj is not None else ():
                place.pop(id(obj), None)
                place |= {id(obj): obj} if obj is after else {}


def _by_identity(objects: Iterable[Object]) -> _Objects:
    return {id(obj): obj for obj in objects}


def _at(index: dict[Any, _Objects], wire: str, normal: Callable[[Any], Any], obj: Object) -> _Objects:
    """The objects of an index that have the same value as this one."""
    return index.setdefault(_hashable(normal(get(obj, wire, MISSING))), {})


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
    """A copy with the values at the dotted paths set, or taken out where the value is None; everything else stays."""
    for wire, value in fields.items():
        head, _dot, rest = wire.partition('.')
        inner = obj.get(head)
        if value is None and (not rest or not isinstance(inner, dict)):
            obj = obj if rest else {name: own for name, own in obj.items() if name != head}
        else:
            obj = {**obj, head: merge(inner if isinstance(inner, dict) else {}, {rest: value}) if rest else value}
    return obj


def differing(row: Resource, fields: Mapping[str, Any], obj: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the fields that the object doesn't have as wanted. Fields that answers never hold are not compared."""
    rows = {wire: row.at(wire) for wire in fields}
    return {w: v for w, v in fields.items() if rows[w].returned and rows[w].normal(get(obj, w)) != rows[w].normal(v)}


def contrast(row: Resource, fields: Mapping[str, Any], obj: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """{option: {have, want}} of the fields, without secrets: what an error says."""
    pairs = {}
    for wire, want in fields.items():
        f = row.at(wire)
        pair = {'have': get(obj, wire), 'want': want}
        pairs[f.option] = {name: '(hidden)' if f.secret and value is not None else value for name, value in pair.items()}
    return pairs


def by_key(row: Resource, key: Key, value: Any, world: World) -> list[Object]:
    """The objects that a key names, through the resources on the way to them."""
    names = {value}
    for hop in key.via:
        names = {get(obj, hop.gives) for name in names for obj in world.having(hop.resource, hop.field, name)} - {None}
    if key.via and key.wire == row.id:  # another object has its name, so it is there, whether it is listed or not
        return [obj for name in names for obj in by_field(row, key.wire, name, world)]
    return [obj for name in names for obj in world.having(row.name, key.wire, name, key.normal)]


def by_field(row: Resource, wire: str, value: Any, world: World) -> list[Object]:
    """The objects with that value in a field; by its name also one that the list doesn't show yet. Raises Unread."""
    return world.having(row.name, wire, value) or ([] if wire != row.id or value == UNKNOWN else world.seen(row.name, value))


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
