# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON values as an API documents them, from whatever source, and those of the simulator's OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

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


class Value(NamedTuple):
    """What a value may be. kinds: as JSON has them, or any; words: that a text may be, None for any text.

    fields: {name: (value, is required)} of an object; items: of an array.
    """

    kinds: frozenset[str]
    words: tuple[str, ...] | None = None
    fields: Mapping[str, tuple[Value, bool]] = {}
    items: Value | None = None


ANY, NOTHING, FILE = (Value(frozenset([kind])) for kind in ('any', 'nothing', 'file'))
TEXT = Value(frozenset(['string']))


def either(values: Iterable[Value]) -> Value:
    """What is one of several."""
    return reduce(_either, values)


def _either(first: Value, second: Value) -> Value:
    texts = [value for value in (first, second) if 'string' in value.kinds]
    words = None if any(value.words is None for value in texts) else tuple(dict.fromkeys(word for value in texts for word in value.words))
    objects = [value for value in (first, second) if 'object' in value.kinds]
    names = dict.fromkeys(name for value in objects for name in value.fields)
    items = [value.items for value in (first, second) if value.items]
    return Value(first.kinds | second.kinds, words if texts else None, {name: _field(name, objects) for name in names},
                 either(items) if items else None)


def _field(name: str, objects: list[Value]) -> tuple[Value, bool]:
    found = [value.fields[name] for value in objects if name in value.fields]
    return either(value for value, _required in found), len(found) == len(objects) and all(required for _value, required in found)


def flat(value: Value, path: str = '') -> dict[str, tuple[set[str], tuple[str, ...] | None]]:
    """{dotted path: (kinds, words)} of all that a value holds. absent is a kind of an optional field."""
    found = {}
    for name, (inner, required) in value.fields.items():
        inner_path = f'{path}.{name}' if path else name
        found[inner_path] = ({*inner.kinds, *(() if required else ('absent',))}, inner.words)
        found |= flat(inner, inner_path)
    if value.items and value.items.kinds != {'any'}:
        found[f'{path}[]'] = ({*value.items.kinds}, value.items.words)
        found |= flat(value.items, f'{path}[]')
    return found


class Operation(NamedTuple):
    """A call of an API. query, header, body: what is sent; answer: without its envelope; enveloped: whether it has one."""

    query: Value
    header: Value
    body: Value
    answer: Value
    enveloped: bool


class OpenApi:
    """An OpenAPI document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def value(self, schema: Mapping[str, Any]) -> Value:
        """What a schema describes."""
        schema = self._resolved(schema)
        branches = schema.get('oneOf', schema.get('anyOf'))
        if branches:
            value = either(map(self.value, branches))
        elif schema.get('type', 'object') == 'object' and {'allOf', 'properties', 'type'} & schema.keys():
            value = Value(frozenset(['object']), fields=self._fields(schema))
        else:
            value = self._plain(schema)
        return value._replace(kinds=value.kinds | {'null'}) if schema.get('nullable') else value

    def operations(self) -> dict[str, Operation]:
        """{METHOD path: operation}. Path parameters have no names."""
        return {call_name(method, path): self._operation(item, item[method]) for path, item in self._document['paths'].items()
                for method in item if method != 'parameters'}

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a reference refers to, or the schema itself."""
        if '$ref' not in schema:
            return schema
        return self._resolved(reduce(lambda node, key: node[key], schema['$ref'].split('/')[1:], self._document))

    def _plain(self, schema: Mapping[str, Any]) -> Value:
        words = tuple(map(str, schema['enum'])) if schema.get('type') == 'string' and 'enum' in schema else None
        items = self.value(schema['items']) if schema.get('type') == 'array' else None
        return Value(frozenset([schema.get('type', 'any')]), words, items=items)

    def _fields(self, schema: Mapping[str, Any]) -> dict[str, tuple[Value, bool]]:
        parts = [self._fields(self._resolved(part)) for part in schema.get('allOf', ())]
        found = {name: field for part in parts for name, field in part.items()}
        found |= {name: (self.value(inner), False) for name, inner in schema.get('properties', {}).items()}
        return {name: (value, required or name in schema.get('required', ())) for name, (value, required) in found.items()}

    def _operation(self, item: Mapping[str, Any], row: Mapping[str, Any]) -> Operation:
        parameters = [self._resolved(parameter) for parameter in (*item['parameters'], *row.get('parameters', ()))]
        sent = {place: Value(frozenset(['object']), fields={
            parameter['name']: (self.value(parameter['schema']), parameter.get('required', False))
            for parameter in parameters if parameter['in'] == place}) for place in ('query', 'header')}
        body = self.value(row['requestBody']['content']['application/json']['schema']) if 'requestBody' in row else NOTHING
        content = row['responses']['200'].get('content', {})
        if 'application/json' not in content:
            return Operation(**sent, body=body, answer=FILE if content else NOTHING, enveloped=False)
        answer = self.value(content['application/json']['schema'])
        enveloped = 'success' in answer.fields
        result = answer.fields['result'][0] if 'result' in answer.fields else NOTHING
        return Operation(**sent, body=body, answer=result if enveloped else answer, enveloped=enveloped)


def call_name(method: str, path: str) -> str:
    """The name of an operation, whatever the names of its path parameters are."""
    return f'{method.upper()} {re.sub(r"{[^}]*}", "{}", path)}'


def own_contract() -> OpenApi:
    """The contract of the simulator."""
    return OpenApi(yaml.safe_load(DOCUMENT.read_text(encoding='utf-8')))


def module_text() -> str:
    """What plugins/module_utils/_contract.py has to be."""
    contract = own_contract()
    found = {name: flat(contract.value({'$ref': f'#/components/schemas/{schema}'})) for name, schema in SCHEMAS.items()}
    kinds = {name: {path: ' '.join(sorted(rows[path][0])) for path in sorted(rows)} for name, rows in found.items()}
    words = {name: {path: rows[path][1] for path in sorted(rows) if rows[path][1]} for name, rows in found.items()}
    return HEAD + _literal('KINDS', kinds) + WORDS_HEAD + _literal('WORDS', {name: rows for name, rows in words.items() if rows})


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
