# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI document of the simulator as flat data: {dotted path: kinds of JSON values}. An item of a list is at PATH[]."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

DOCUMENT = Path(__file__).resolve().parents[1] / 'simulator' / 'cni.openapi.yaml'
SCHEMAS = {  # {name in _contract.py: name in the document}
    'slot': 'SlotInfo', 'interconnect.direct': 'InterconnectDirect', 'interconnect.gcp_partner': 'InterconnectGcpPartner', 'cni': 'Cni',
    'settings': 'Settings', 'status': 'StatusInfo', 'tunnel': 'MagicInterconnect', 'route': 'Route', 'token': 'Token', 'error': 'Error',
}

HEAD = '''# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Cloudflare documents of its objects. `python tests/tools/contract.py --write` makes it of tests/simulator/cni.openapi.yaml."""

from __future__ import annotations

# {object: {path: the kinds of JSON values there}}. absent: the field is optional; an item of a list is at PATH[].
'''
WORDS_HEAD = '# {object: {path: the words that a text there may be}}.\n'


class Schemas:
    """The schemas of a document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def flat(self, schema: Mapping[str, Any], path: str = '') -> tuple[dict[str, set[str]], dict[str, list[str]]]:
        """({path: kinds}, {path: words that a text may be}) of what a schema describes, without the schema itself."""
        kinds: dict[str, set[str]] = {}
        words: dict[str, list[str]] = {}
        for name, inner, required in self.properties(schema):
            self._add(inner, f'{path}{name}', {'absent'} - ({'absent'} if required else set()), kinds, words)
        return kinds, words

    def properties(self, schema: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any], bool]]:
        """(name, schema, is required) of the fields of an object."""
        schema = self.resolved(schema)
        required, found = set(schema.get('required', ())), dict(schema.get('properties', {}))
        for part in schema.get('allOf', ()):
            found |= {name: inner for name, inner, _needed in self.properties(part)}
            required |= {name for name, _inner, needed in self.properties(part) if needed}
        return [(name, inner, name in required) for name, inner in found.items()]

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a reference refers to, or the schema itself."""
        if '$ref' not in schema:
            return schema
        target = self.document
        for key in schema['$ref'].split('/')[1:]:
            target = target[key]
        return self.resolved(target)

    def branches(self, schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The schemas that a value may have."""
        schema = self.resolved(schema)
        return [inner for branch in schema.get('oneOf', schema.get('anyOf', ())) for inner in self.branches(branch)] or [schema]

    def _add(self, schema: Mapping[str, Any], path: str, more: set[str], kinds: dict[str, set[str]], words: dict[str, list[str]]) -> None:
        found = set(more)
        for branch in self.branches(schema):
            found |= {self.kind(branch)} | ({'null'} if branch.get('nullable') else set())
            if branch.get('type') == 'string' and 'enum' in branch:
                words[path] = list(branch['enum'])
            inner = self.flat(branch, f'{path}.')
            kinds |= inner[0]
            words |= inner[1]
            if branch.get('items'):
                self._add(branch['items'], f'{path}[]', set(), kinds, words)
        kinds[path] = found

    def kind(self, schema: Mapping[str, Any]) -> str:
        """The kind of a value; any, if the schema leaves it open."""
        return schema.get('type') or ('object' if {'allOf', 'properties'} & schema.keys() else 'any')


def module_text() -> str:
    """What plugins/module_utils/_contract.py has to be."""
    schemas = Schemas(yaml.safe_load(DOCUMENT.read_text(encoding='utf-8')))
    flat = {name: schemas.flat({'$ref': f'#/components/schemas/{schema}'}) for name, schema in SCHEMAS.items()}
    kinds = {name: {path: ' '.join(sorted(found[path])) for path in sorted(found)} for name, (found, _words) in flat.items()}
    words = {name: {path: tuple(found[path]) for path in sorted(found)} for name, (_kinds, found) in flat.items() if found}
    return HEAD + _literal('KINDS', kinds) + WORDS_HEAD + _literal('WORDS', words)


def _literal(name: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [line for row, fields in rows.items() for line in (f'    {row!r}: {{', *_wrapped(fields), '    },')]
    return '\n'.join([f'{name} = {{', *lines, '}', ''])


def _wrapped(fields: Mapping[str, Any]) -> list[str]:
    """The fields as lines, none longer than ruff allows unless a field is."""
    lines = ['']
    for path, value in fields.items():
        item = f'{path!r}: {value!r},'
        if lines[-1] and len(lines[-1]) + len(item) > 120:
            lines.append('')
        lines[-1] = f'{lines[-1]} {item}' if lines[-1] else f'{" " * 8}{item}'
    return lines
