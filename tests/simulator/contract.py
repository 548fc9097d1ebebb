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
    """A request or an answer that the contract does not allow. `in_path` tells a malformed id from other faults."""

    def __init__(self, message: str, in_path: bool = False):
        super().__init__(message)
        self.in_path = in_path


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
    def is_magic(self) -> bool:
        """Whether it belongs to the Magic API, which is enveloped, rather than to /cni/."""
        return '/magic/' in self.pattern.pattern

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
        self._api = OpenAPI.from_dict(contract.document, config=Config(spec_validator_cls=None))

    def check_request(self, operation: Operation, message: Message, body: object) -> None:
        """Raises Violation. `body` is the body of the message as parsed."""
        if operation.body and not isinstance(body, dict):
            raise Violation('the body is not a JSON object')
        unknown = [f'query parameter {name}' for name in message.query if name not in operation.query]
        # A CNI is replaced whole, and may hold fields newer than the contract.
        if operation.name != 'update_cni':
            unknown += [f'field {name}' for name in self._unknown_fields(operation.body, body)]
        if unknown:
            raise Violation(f'unknown {", ".join(unknown)}')
        _check_booleans(operation.query, message.query)
        _check_booleans(operation.header, message.headers)
        try:
            self._api.validate_request(message)
        except self._error as error:
            raise Violation(_explain(error), in_path=getattr(error, 'location', None) == 'path') from error

    def check_answer(self, message: Message, status: int, content_type: str, data: bytes | None) -> None:
        """Raises Violation: the simulator does not keep to the contract."""
        try:
            self._api.validate_response(message, _Answer(status, {}, data, content_type))
        except self._error as error:
            raise Violation(_explain(error)) from error

    def _unknown_fields(self, schema: dict, body: object, path: str = '') -> Iterator[str]:
        schema = self._contract.resolve(schema)
        if 'discriminator' in schema and isinstance(body, dict):
            branches = schema['discriminator']['mapping']
            branch = branches.get(str(body.get('type')))
            if branch is None:
                raise Violation(f'type is not one of {", ".join(branches)}')
            schema = self._contract.resolve({'$ref': branch})
        if 'properties' not in schema or not isinstance(body, dict):
            return
        for name, value in body.items():
            if name in schema['properties']:
                yield from self._unknown_fields(schema['properties'][name], value, f'{path}{name}.')
            else:
                yield path + name


def _check_booleans(schemas: dict, values: Mapping) -> None:
    """openapi-core takes yes, 1 and True for a boolean; JSON's own words are the only ones sure to work."""
    for name, schema in schemas.items():
        if schema['type'] == 'boolean' and values.get(name, 'true') not in ('true', 'false'):
            raise Violation(f'{name} is neither true nor false: {values[name]}')


def _explain(error: Exception) -> str:
    """What is wrong and where: openapi-core's own words, or those of the schema where that was violated."""
    from jsonschema.exceptions import best_match

    where = f'{error.location} parameter {error.name}' if hasattr(error, 'location') else 'body'
    violated = best_match(getattr(error.__cause__, 'schema_errors', ()))
    if violated is None:
        return f'{where}: {error.__cause__ or error}'
    return f'{where}: {"".join(f"{step}: " for step in violated.absolute_path)}{violated.message}'
