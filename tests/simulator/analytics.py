# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GraphQL analytics, as far as the traffic of tunnels goes: the settings of one dataset, and its rows. All else is an error."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

PATH = '/client/v4/graphql'
DATASET = 'magicTransitTunnelTrafficAdaptiveGroups'
LIMITS = {'maxDuration': 86400, 'maxPageSize': 10000, 'notOlderThan': 7948800}
DIRECTIONS = ('ingress', 'egress')
_TOKEN = re.compile(r'[\s,]*([A-Za-z_]\w*|\$\w+|"[^"\\]*"|\d+|[{}():!])')


class QueryError(Exception):
    """GraphQL refuses a query: a message, the nodes that it is about, and a code where it has one."""

    def __init__(self, message: str, path: tuple[str, ...] = (), code: str | None = None):
        super().__init__(message)
        self.body = {'data': None, 'errors': [{'message': message, 'path': [*path] or None, 'extensions': {'code': code} if code else {}}]}


class Node(NamedTuple):
    """A field of a query. name: in the answer."""

    name: str
    field: str
    arguments: dict[str, Any]
    nodes: list[Node]


def answer(body: object, account: str, may_read: bool, is_enabled: bool, rows: Callable[[str], dict[str, int]], now: float) -> dict:
    """The answer to a body. rows: direction -> {tunnel: bits}."""
    try:
        if not isinstance(body, dict) or not isinstance(body.get('query'), str):
            raise QueryError('error parsing args')
        (viewer,) = _only(_parsed(body['query'], body.get('variables') or {}), 'viewer')
        data = []
        for accounts in _only(viewer.nodes, 'accounts'):
            _check_arguments(accounts, {'filter': {'accountTag'}})
            if accounts.arguments['filter']['accountTag'] != account or not may_read:
                raise QueryError('not authorized for that account', ('viewer', 'accounts'), 'authz')
            data.append((accounts.name, [{node.name: _account_node(node, is_enabled, rows, now) for node in accounts.nodes}]))
        return {'data': {viewer.name: dict(data)}, 'errors': None}
    except QueryError as error:
        return error.body


def _account_node(node: Node, is_enabled: bool, rows: Callable[[str], dict[str, int]], now: float) -> Any:
    if node.field == 'settings':
        limits = {'enabled': is_enabled, **LIMITS}
        return {dataset.name: _values(dataset, limits) for dataset in _only(node.nodes, DATASET)}
    _only([node], DATASET)
    _check_arguments(node, {'limit': None, 'filter': {'datetime_geq', 'datetime_lt', 'direction'}})
    path = ('viewer', 'accounts', '0', node.name)
    if not is_enabled:
        raise QueryError('account does not have access to the path', path, 'authz')
    limit, where = node.arguments['limit'], node.arguments['filter']
    if not isinstance(limit, int) or not 0 < limit <= LIMITS['maxPageSize']:
        raise QueryError(f'limit must be positive number and not greater than {LIMITS["maxPageSize"]}', path)
    _check_window(_seconds(where['datetime_geq'], path), _seconds(where['datetime_lt'], path), now, path)
    if where['direction'] not in DIRECTIONS:
        raise QueryError(f'unknown direction {where["direction"]!r}', path)
    _row(node, '', 0)  # refuses what no row has, also where there are none
    return [_row(node, tunnel, bits) for tunnel, bits in sorted(rows(where['direction']).items())[:limit]]


def _row(node: Node, tunnel: str, bits: int) -> dict[str, Any]:
    parts = {'sum': {'bits': bits}, 'dimensions': {'tunnelName': tunnel}}
    return {part.name: _values(part, parts[part.field]) for part in _only(node.nodes, *parts)}


def _check_window(start: float, end: float, now: float, path: tuple[str, ...]) -> None:
    if not 0 < end - start <= LIMITS['maxDuration']:
        raise QueryError(f'query time range is too large or negative: {end - start:g}s', path)
    if start < now - LIMITS['notOlderThan']:
        raise QueryError(f'cannot request data older than {LIMITS["notOlderThan"]}s', path)


def _seconds(text: object, path: tuple[str, ...]) -> float:
    try:
        return datetime.datetime.strptime(str(text), '%Y-%m-%dT%H:%M:%S%z').timestamp()
    except ValueError:
        raise QueryError(f'error parsing args: {text!r} is no time', path) from None


def _check_arguments(node: Node, expected: dict[str, set[str] | None]) -> None:
    """All arguments that the documented query has, and no other."""
    arguments = {name: {*value} if isinstance(value, dict) else None for name, value in node.arguments.items()}
    if arguments != expected:
        raise QueryError(f'error parsing args for {node.field!r}', (node.name,))


def _only(nodes: list[Node], *fields: str) -> list[Node]:
    for node in nodes:
        if node.field not in fields:
            raise QueryError(f'unknown field {node.field!r}')
    if not nodes:
        raise QueryError('object field must have selections')
    return nodes


def _values(node: Node, values: dict[str, Any]) -> dict[str, Any]:
    if any(inner.nodes for inner in node.nodes):
        raise QueryError('scalar fields must have no selections')
    return {inner.name: values[inner.field] for inner in _only(node.nodes, *values)}


# The document.

def _parsed(document: str, variables: dict[str, Any]) -> list[Node]:
    """The fields of the one query that a document has, with the values of its variables."""
    tokens = [match[1] for match in _TOKEN.finditer(document)]
    if ''.join(tokens) != re.sub(r'[\s,]', '', document):
        raise QueryError('query contains error, please review it and retry')
    words = iter([*tokens, None])
    try:
        word = next(words)
        declared: dict[str, Any] = {}
        if word == 'query':
            next(words)  # its name
            declared, word = _declared(words, variables)
        nodes = _nodes(words, declared) if word == '{' else None
        if nodes is None or next(words) is not None:
            raise QueryError('query contains error, please review it and retry')
        return nodes
    except (StopIteration, KeyError, ValueError) as error:
        raise QueryError(f'query contains error, please review it and retry: {error}') from None


def _declared(words: Iterator[str], variables: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The values of the variables that a query declares, and the word after them."""
    word, values = next(words), {}
    if word != '(':
        return values, word
    while (word := next(words)) != ')':
        _colon, kind = next(words), next(words)
        if kind not in ('string', 'String', 'Time') or not isinstance(variables[word[1:]], str):
            raise QueryError(f'error parsing args: {word}')
        values[word] = variables[word[1:]]
    return values, next(words)


def _nodes(words: Iterator[str], variables: dict[str, Any]) -> list[Node]:
    """The fields up to the brace that closes."""
    nodes, word = [], next(words)
    while word != '}':
        name = field = _name(word)
        word, arguments, inner = next(words), {}, []
        if word == ':':
            field, word = _name(next(words)), next(words)
        if word == '(':
            arguments, word = _arguments(words, variables, ')'), next(words)
        if word == '{':
            inner, word = _nodes(words, variables), next(words)
        nodes.append(Node(name, field, arguments, inner))
    return nodes


def _arguments(words: Iterator[str], variables: dict[str, Any], end: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    while (name := next(words)) != end:
        if next(words) != ':':
            raise ValueError(name)
        values[_name(name)] = _value(next(words), words, variables)
    return values


def _value(word: str, words: Iterator[str], variables: dict[str, Any]) -> Any:
    if word == '{':
        return _arguments(words, variables, '}')
    if word[0] == '"':
        return word[1:-1]
    return variables[word] if word[0] == '$' else int(word)


def _name(word: str | None) -> str:
    if word is None or not re.fullmatch(r'[A-Za-z_]\w*', word):
        raise ValueError(word)
    return word
