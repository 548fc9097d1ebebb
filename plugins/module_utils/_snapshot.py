# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshot of an account: the objects that have been read, and how they are found. No client, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import MISSING, Object, Unreadable, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import UNKNOWN, Key, Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._values import unchanged

Part = tuple[str, 'str | None']
T = TypeVar('T')
_Objects = dict[int, Object]  # by identity, so that an object is found at once


class Unread(Exception):
    """The decision needs parts of the snapshot that have not been read. parts: each (resource, id or None for the list)."""

    def __init__(self, *parts: Part) -> None:
        super().__init__(*parts)
        self.parts = parts


def map_all_reads(work: Callable[[Any], T], items: Iterable[Any]) -> list[T]:
    """[work(item) for each item]. Raises Unread once, with the parts that any of them needs."""
    results: list[T] = []
    unread: dict[Part, None] = {}
    for item in items:
        try:
            results.append(work(item))
        except Unread as error:
            unread |= dict.fromkeys(error.parts)
    if unread:
        raise Unread(*unread)
    return results


class Snapshot:
    """The objects that have been read: {(resource, id or None for the list): objects}, with an index for each field that is searched."""

    def __init__(self, parts: Mapping[Part, Iterable[Object]] | None = None) -> None:
        self._parts: dict[Part, _Objects] = {}
        self._unreadable: dict[Part, list[Unreadable]] = {}
        self._indexes: dict[tuple[str, str, Callable], dict[Any, _Objects]] = {}
        self._cache: dict[Any, Any] = {}
        self.as_read = self  # without the changes that are planned
        self._filtered_parts: set[Part] = set()
        self.list_filters: dict[str, Mapping[str, Any]] = {}  # filters for the first read of a list, by resource
        self.account = ''  # its id
        self.claimed: set[str] = set()  # the interconnects that circuits of this plan use
        self.planned_interconnects: dict[str, Object] = {}  # the same by circuit, as far as the plan has got
        self.planned_selectors: dict[str, Mapping[str, Any] | None] = {}  # by circuit of this plan
        self.later_diversity: Mapping[str, Iterable[str]] = {}  # {circuit of a later run: the circuits that it is to be diverse from}
        self.kept_away: dict[str, list[str]] = {}  # {circuit: the circuits of this plan and later runs that are to be diverse from it}
        # {key of a selector: (the selector, the circuits without a CNI that have it)}, once counted
        self.demand: dict[Any, tuple[Mapping[str, Any], set[str]]] | None = None
        self.is_final = False  # whether objects that are not listed yet are no longer waited for
        self.recorded_interconnects: Mapping[str, str] = {}  # by circuit, whether Cloudflare agrees or not
        self.recorded_circuits: Mapping[str, list[str]] = {}  # by interconnect
        for part, objects in (parts or {}).items():
            self.put_part(part, objects)

    def set_records(self, recorded: Mapping[str, str]) -> None:
        """Sets which interconnects are on record: {circuit: the name of its interconnect}."""
        by_interconnect: dict[str, list[str]] = {}
        for circuit, interconnect in recorded.items():
            by_interconnect.setdefault(interconnect, []).append(circuit)
        self.recorded_interconnects, self.recorded_circuits = recorded, by_interconnect

    def copy(self) -> Snapshot:
        """A copy that changes independently."""
        other = self._like(self._parts)
        other.claimed, other.planned_selectors, other.as_read = set(self.claimed), self.planned_selectors, self.as_read
        other.planned_interconnects, other.kept_away = dict(self.planned_interconnects), self.kept_away
        other.later_diversity = self.later_diversity
        return other

    def restricted_to(self, resource: str) -> Snapshot:
        """A snapshot of what has been read of one resource."""
        return self._like({part: objects for part, objects in self._parts.items() if part[0] == resource})

    def _like(self, parts: Mapping[Part, _Objects]) -> Snapshot:
        other = type(self)()
        other._parts = {part: dict(objects) for part, objects in parts.items()}
        other._unreadable = {part: self._unreadable[part] for part in parts}
        other._filtered_parts, other.list_filters = set(self._filtered_parts), self.list_filters
        other.account, other.is_final = self.account, self.is_final
        other.recorded_interconnects, other.recorded_circuits = self.recorded_interconnects, self.recorded_circuits
        return other

    def has_list(self, resource: str) -> bool:
        """Whether the list of a resource has been read."""
        return (resource, None) in self._parts

    def put_part(self, part: Part, objects: Iterable[Object], narrowed: bool = False) -> None:
        """Adds objects that have been read. narrowed: they are not the whole list.

        A single object is added to the list too, which may lag behind. Unreadable objects are kept apart.
        """
        resource, ident = part
        for old in [part] if ident else [old for old in self._parts if old[0] == resource]:
            self.drop_part(old)
        objects = list(objects)
        self._parts[part] = _by_identity(obj for obj in objects if not isinstance(obj, Unreadable))
        self._unreadable[part] = [obj for obj in objects if isinstance(obj, Unreadable)]
        self._filtered_parts |= {part} if narrowed else set()
        if ident and self.has_list(resource):
            self._parts[resource, None] |= self._parts[part]

    def drop_part(self, part: Part) -> None:
        """Removes a part, so that it is read again."""
        self._parts.pop(part, None)
        self._filtered_parts.discard(part)
        self._indexes, self._cache = {}, {}

    def objects(self, resource: str, ident: str | None = None) -> list[Object]:
        """The objects of a list, or the one with that id. Raises Unread."""
        return list(self._objects_of(resource, ident).values())

    def complete_list(self, resource: str) -> list[Object]:
        """All objects of a list. Raises Unread if the list was not read, or was read with filters."""
        if (resource, None) in self._filtered_parts:
            raise Unread((resource, None))
        return self.objects(resource)

    def contains(self, resource: str, obj: Object) -> bool:
        """Whether this very object is in the list, neither deleted nor replaced."""
        return id(obj) in self._objects_of(resource)

    def _objects_of(self, resource: str, ident: str | None = None) -> _Objects:
        try:
            return self._parts[resource, ident]
        except KeyError:
            raise Unread((resource, ident)) from None

    def matching(self, resource: str, path: str, value: Any, normal: Callable[[Any], Any] = unchanged) -> list[Object]:
        """The objects of a list with that value in a field. Raises Unread."""
        objects, index = self._objects_of(resource), self._indexes.get((resource, path, normal))
        if index is None:
            index = self._indexes[resource, path, normal] = {}
            for obj in objects.values():
                _index_entry(index, path, normal, obj)[id(obj)] = obj
        return list(index.get(_hashable(normal(value)), {}).values())

    def known_values(self, resource: str, path: str) -> frozenset[Any]:
        """The values of a field in the list as it was read, whatever has been planned since. It is one set for all callers."""
        return self.as_read.cached(('known', resource, path), lambda: frozenset(
            get(obj, path) for obj in (*self.as_read.objects(resource), *self.as_read.unreadable(resource))))

    def cached(self, key: Any, make: Callable[[], T]) -> T:
        """The result of make(), made once. It has to stay right while slots and interconnects are only used up: see clear_cache()."""
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def clear_cache(self) -> None:
        """Removes cached results, as a slot or an interconnect has become free."""
        self._cache = {}

    def unreadable(self, resource: str) -> list[Unreadable]:
        """The objects of a list that can't be read."""
        return self._unreadable.get((resource, None), [])

    def refuse_unreadable(self, resource: str, path: str, value: Any, normal: Callable[[Any], Any] = unchanged) -> None:
        """Raises AnswerError where an unreadable object has that value in a field, or may have it."""
        for obj in self.unreadable(resource):
            if obj.may_be(path, value, normal):
                raise obj.error

    def replace_object(self, resource: str, before: Object | None, after: Object | None) -> None:
        """Replaces an object of a list; before None adds one, after None removes one. A list that was not read stays unread."""
        objects = self._parts.get((resource, None))
        if objects is None:
            return
        indexes = [(index, path, normal) for (name, path, normal), index in self._indexes.items() if name == resource]

        def places_of(obj: Object) -> list[_Objects]:
            return [objects, *(_index_entry(*index, obj) for index in indexes)]

        for place in places_of(before) if before is not None else ():
            place.pop(id(before), None)
        for place in places_of(after) if after is not None else ():
            place.pop(id(after), None)  # so that it comes last
            place[id(after)] = after


def _by_identity(objects: Iterable[Object]) -> _Objects:
    return {id(obj): obj for obj in objects}


def _index_entry(index: dict[Any, _Objects], path: str, normal: Callable[[Any], Any], obj: Object) -> _Objects:
    """The objects of an index that have the same value as this one."""
    return index.setdefault(_hashable(normal(get(obj, path, MISSING))), {})


def _hashable(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, int, float, frozenset)) or value is MISSING else repr(value)


def referenced_values(key: Key, value: Any, snapshot: Snapshot) -> set[Any]:
    """What the field of a key has where the user says so: the value itself, or what it leads to by way of other resources."""
    values = {value}
    for reference in key.references:
        values = {get(obj, reference.value_path) for value in values
                  for obj in snapshot.matching(reference.resource, reference.match_path, value)} - {None}
    return values


def objects_by_key(row: Resource, key: Key, value: Any, snapshot: Snapshot) -> list[Object]:
    """The objects that a key names, through its references. Raises Unread."""
    names = referenced_values(key, value, snapshot)
    if key.references and key.path == row.id:  # another object refers to it, so it exists, listed or not
        return [obj for name in names for obj in objects_by_field(row, key.path, name, snapshot)]
    return [obj for name in names for obj in snapshot.matching(row.name, key.path, name, key.normal)]


def objects_by_field(row: Resource, path: str, value: Any, snapshot: Snapshot) -> list[Object]:
    """The objects with that value in a field. By its id also one that the list doesn't show yet. Raises Unread."""
    return snapshot.matching(row.name, path, value) or ([] if path != row.id or value == UNKNOWN else snapshot.objects(row.name, value))


def refuse_unreadable_key(row: Resource, key: Key, value: Any, snapshot: Snapshot) -> None:
    """Raises AnswerError where the key names no readable object, and may name an unreadable one."""
    values = {value}
    for reference in key.references:
        matches = {value: snapshot.matching(reference.resource, reference.match_path, value) for value in values}
        for value in (value for value, objects in matches.items() if not objects):
            snapshot.refuse_unreadable(reference.resource, reference.match_path, value)
        values = {get(obj, reference.value_path) for objects in matches.values() for obj in objects} - {None}
    for value in values:
        if not snapshot.matching(row.name, key.path, value, key.normal):
            snapshot.refuse_unreadable(row.name, key.path, value, key.normal)


def not_found_error(row: Resource, option: str, value: Any, snapshot: Snapshot, field: str | None = None) -> InputError:
    """The error for a name that no object has. It lists the names that there are."""
    names = sorted(str(get(obj, field or row.id)) for obj in snapshot.objects(row.name))
    first_names = ', '.join(names[:20]) or 'none'
    return InputError(option, f'there is no {row.title} {value!r} in this account. There are: {first_names}.', names)
