# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An object of the API and its fields: read by path, merged, compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import ShapeError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import Resource
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._secrets import HIDDEN

Object = dict[str, Any]
MISSING = object()


class Unreadable(dict):
    """An object with fields that can't be read. These are None; the error is raised where the object is needed."""

    def __init__(self, obj: Object, error: ShapeError) -> None:
        super().__init__(merge(obj, dict.fromkeys(error.field_paths)))
        self.error = error

    def __missing__(self, name: str) -> None:
        return None

    def may_be(self, path: str, value: Any, normal: Callable[[Any], Any]) -> bool:
        """Whether the field has that value, or can't be read and so may have it."""
        unknown = any(f'{path}.'.startswith(f'{unreadable}.') for unreadable in self.error.field_paths)
        return unknown or normal(get(self, path, MISSING)) == normal(value)


def get(obj: Mapping[str, Any] | None, path: str, default: Any = None) -> Any:
    """The value at a dotted path, or the default."""
    for name in path.split('.'):
        if not isinstance(obj, Mapping) or name not in obj:
            return default
        obj = obj[name]
    return obj


def merge(obj: Object, fields: Mapping[str, Any]) -> Object:
    """A copy with the values at the dotted paths set, or removed where the value is None; everything else stays."""
    for path, value in fields.items():
        head, _dot, remainder = path.partition('.')
        inner = obj.get(head)
        if value is None and (not remainder or not isinstance(inner, dict)):
            obj = obj if remainder else {name: value_there for name, value_there in obj.items() if name != head}
        else:
            obj = {**obj, head: merge(inner if isinstance(inner, dict) else {}, {remainder: value}) if remainder else value}
    return obj


def differing_fields(row: Resource, fields: Mapping[str, Any], obj: Mapping[str, Any]) -> dict[str, Any]:
    """{path: desired value} of the fields in which the object differs: this decides what is drift.

    Values are compared in their normal forms. Fields that answers never hold are not compared.
    """
    def differs(path: str) -> bool:
        f = row.field(path)
        return f.returned and f.normal(get(obj, path)) != f.normal(fields[path])

    return {path: value for path, value in fields.items() if differs(path)}


def have_and_want(row: Resource, fields: Mapping[str, Any], obj: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """{option: {have, want}} of the fields, without secrets, as errors show it."""
    pairs = {}
    for path, desired in fields.items():
        f = row.field(path)
        pair = {'have': get(obj, path), 'want': desired}
        pairs[f.option] = {name: HIDDEN if f.secret and value is not None else value for name, value in pair.items()}
    return pairs
