# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract: which operation a request means, and whether it and its answer keep to it."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import urllib.parse
from collections.abc import Iterator, Mapping

import yaml

DOCUMENT = pathlib.Path(__file__).with_name('cni.openapi.yaml')
BASE = '/client/v4'
_LOADER = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)


class Violation(Exception):
    """A request or an answer that the contract does not allow. `in_path` tells a malformed id from other faults; `field` is where in
    the body (dotted)."""

    def __init__(self, message: str, in_path: bool = False, field: str = ''):
        super().__init__(message)
        self.in_path = in_path
        self.field = field


@dataclasses.dataclass(frozen=True)
class Operation:
    """One row of the contract. `query` and `header` map names to schemas; path parameters are the named groups of `pattern`."""

    name: str
    method: str
    pattern: re.Pattern
    query: dict
    header: dict
    body: dict
    statuses: frozenset

    @property
    def is_enveloped(self) -> bool:
        """Whether its answers are in Cloudflare's envelope: all but those of /cni/ are."""
        return '/cni/' not in self.pattern.pattern

    @property
    def is_alerting(self) -> bool:
        """Whether it needs the permission for notifications, rather than the network's."""
        return '/alerting/' in self.pattern.pattern

    def declares(self, status: int) -> bool:
        return bool(self.statuses & {str(status), f'{status // 100}XX'})


class Contract:
    """The operations of the document, found by method and path."""

    def __init__(self):
        self.document = yaml.load(DOCUMENT.read_text(encoding='utf-8'), _LOADER)
        paths = self.document['paths'].items()
        self.operations = [self._operation(path, method, item) for path, item in paths for method in item if method != 'parameters']

    def route(self, method: str, raw_path: str) -> tuple[Operation, dict] | None:
        """The operation and its path parameters, each decoded once (a segment may hold %2F); None for an unknown route."""
        for operation in self.operations:
            match = operation.pattern.fullmatch(raw_path)
            if match and operation.method == method:
                return operation, {name: urllib.parse.unquote(value) for name, value in match.groupdict().items()}
        return None

    def resolve(self, node: dict) -> dict:
        """The node that a local $ref points to, or the node itself."""
        if '$ref' not in node:
            return node
        target = self.document
        for key in node['$ref'].split('/')[1:]:
            target = target[key]
        return target

    def _operation(self, path: str, method: str, item: dict) -> Operation:
        row = item[method]
        parameters = [self.resolve(parameter) for parameter in item['parameters'] + row.get('parameters', [])]
        return Operation(
            name=row['operationId'],
            method=method.upper(),
            pattern=re.compile(BASE + re.sub(r'\{(\w+)\}', r'(?P<\1>[^/]+)', path)),
            query={parameter['name']: parameter['schema'] for parameter in parameters if parameter['in'] == 'query'},
            header={parameter['name']: parameter['schema'] for parameter in parameters if parameter['in'] == 'header'},
            body=row['requestBody']['content']['application/json']['schema'] if 'requestBody' in row else {},
            statuses=frozenset(row['responses']),
        )


@dataclasses.dataclass
class _Parameters:
    query: Mapping
    header: Mapping
    cookie: Mapping = dataclasses.field(default_factory=dict)
    path: Mapping = dataclasses.field(default_factory=dict)

    def __getitem__(self, location: str) -> Mapping:
        return getattr(self, location)


@dataclasses.dataclass
class Message:
    """A request as openapi-core wants to see one. The path is as sent on the wire."""

    method: str
    path: str
    query: Mapping
    headers: Mapping
    body: bytes | None
    host_url: str = ''

    def __post_init__(self):
        self.method = self.method.lower()
        self.content_type = self.headers.get('Content-Type', '').lower()
        self.parameters = _Parameters(self.query, self.headers)


@dataclasses.dataclass
class _Answer:
    status_code: int
    headers: Mapping
    data: bytes | None
    content_type: str


class Checker:
    """Checks requests and answers with openapi-core, and what openapi-core lets pass: names that the contract does not know."""

    def __init__(self, contract: Contract):
        # Imported here because it takes as long as all the rest: --no-validate does without.
        from openapi_core import Config, OpenAPI
        from openapi_core.exceptions import OpenAPIError

        self._contract = contract
        self._error = OpenAPIError
        self._kept: set[int] = set()  # hashes of what was seen to keep to the contract: most of it comes again and again
        self._api = OpenAPI.from_dict(contract.document, config=Config(spec_validator_cls=None))

    def check_request(self, operation: Operation, message: Message, body: object) -> None:
        """Raises Violation. `body` is the body of the message as parsed."""
        if operation.body and not isinstance(body, dict):
            raise Violation('the body is not a JSON object')
        unknown = [f'query parameter {name}' for name in message.query if name not in operation.query]
        unknown += [f'field {name}' for name in self._unknown_fields(operation.body, body)]
        if unknown:
            raise Violation(f'unknown {", ".join(unknown)}')
        _check_booleans(operation.query, message.query)
        _check_booleans(operation.header, message.headers)
        headers = tuple(message.headers.get(name) for name in operation.header)
        digest = hash((message.method, message.path, tuple(message.query.items()), headers, message.content_type, message.body))
        if digest in self._kept:
            return
        try:
            self._api.validate_request(message)
        except self._error as error:
            raise _violation(error) from error
        self._kept.add(digest)

    def check_answer(self, message: Message, status: int, content_type: str, data: bytes | None) -> None:
        """Raises Violation: the simulator does not keep to the contract."""
        digest = hash((message.method, message.path, status, content_type, data))
        if digest in self._kept:
            return
        try:
            self._api.validate_response(message, _Answer(status, {}, data, content_type))
        except self._error as error:
            raise _violation(error) from error
        self._kept.add(digest)

    def _unknown_fields(self, schema: dict, body: object, path: str = '') -> Iterator[str]:
        """Names that no schema has, dotted; where additional properties are declared, any will do."""
        schema = self._contract.resolve(schema)
        if isinstance(body, list):
            for number, item in enumerate(body):
                yield from self._unknown_fields(schema.get('items', {}), item, f'{path}{number}.')
        elif 'anyOf' in schema:
            yield from min((list(self._unknown_fields(branch, body, path)) for branch in reversed(schema['anyOf'])), key=len)
        elif isinstance(body, dict) and 'additionalProperties' not in schema:
            yield from self._unknown_properties(self._properties(_branch(schema, body)), body, path)

    def _unknown_properties(self, properties: dict, body: dict, path: str) -> Iterator[str]:
        for name, value in body.items() if properties else ():
            if name in properties:
                yield from self._unknown_fields(properties[name], value, f'{path}{name}.')
            else:
                yield path + name

    def _properties(self, schema: dict) -> dict:
        schema = self._contract.resolve(schema)
        parts = [self._properties(part) for part in schema.get('allOf', ())]
        return {name: value for part in (*parts, schema.get('properties', {})) for name, value in part.items()}


def _branch(schema: dict, body: dict) -> dict:
    """What the discriminator of a schema points to; the schema itself where it has none."""
    if 'discriminator' not in schema:
        return schema
    branches = schema['discriminator']['mapping']
    branch = branches.get(str(body.get('type')))
    if branch is None:
        raise Violation(f'type is not one of {", ".join(branches)}')
    return {'$ref': branch}


def _check_booleans(schemas: dict, values: Mapping) -> None:
    """openapi-core takes yes, 1 and True for a boolean; JSON's own words are the only ones sure to work."""
    for name, schema in schemas.items():
        if schema['type'] == 'boolean' and values.get(name, 'true') not in ('true', 'false'):
            raise Violation(f'{name} is neither true nor false: {values[name]}')


def _violation(error: Exception) -> Violation:
    """What is wrong and where: openapi-core's own words, or those of the schema where that was violated."""
    from jsonschema.exceptions import best_match

    location = getattr(error, 'location', None)
    where = f'{location} parameter {error.name}' if location else 'body'
    violated = best_match(getattr(error.__cause__, 'schema_errors', ()))
    if violated is None:
        return Violation(f'{where}: {error.__cause__ or error}', location == 'path')
    if violated.validator == 'anyOf':  # whichever branch fits further
        violated = max(violated.context, key=lambda branch: len(branch.absolute_path))
    steps = [str(step) for step in violated.absolute_path]
    return Violation(f'{where}: {"".join(f"{step}: " for step in steps)}{violated.message}', location == 'path', '.'.join(steps))
