# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects and their fields, and the world they are read from. Pure functions.

A world is what has been read: {(resource, id or None): objects}. A function that needs more of it raises Unread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import Key, Resource

Object = dict[str, Any]
World = Mapping[tuple[str, 'str | None'], Sequence[Object]]
MISSING = object()


class Unread(Exception):
    """The decision needs a part of the world that nobody has read: (resource, id or None for the list)."""

    def __init__(self, part: tuple[str, str | None]) -> None:
        super().__init__(part)
        self.part = part


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


def seen(world: World, resource: str, ident: str | None = None) -> Sequence[Object]:
    """The objects of a resource. Raises Unread if nobody has read them."""
    try:
        return world[resource, ident]
    except KeyError:
        raise Unread((resource, ident)) from None


def by_key(row: Resource, key: Key, value: Any, world: World) -> list[Object]:
    """The objects that a key names, through the resources on the way to them."""
    names = {value}
    for hop in key.via:
        names = {get(obj, hop.gives) for obj in seen(world, hop.resource) if get(obj, hop.field) in names}
    wanted = {key.normal(name) for name in names}
    return [obj for obj in seen(world, row.name) if key.normal(get(obj, key.wire, MISSING)) in wanted]


def no_such(row: Resource, option: str, value: Any, world: World, field: str | None = None) -> InputError:
    """The error for a name that nothing has, with the names that there are."""
    there = sorted(str(get(obj, field or row.id)) for obj in seen(world, row.name))
    shown = ', '.join(there[:20]) or 'none'
    return InputError(option, f'there is no {row.title} {value!r} in this account. There are: {shown}.', there)
