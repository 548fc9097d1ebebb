# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of Cloudflare's Python SDK, read from its source: nothing of it is imported or run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from support.contract import ANY, FILE, NOTHING, TEXT, Operation, Value, call_name, either

METHODS = {'_get': 'GET', '_get_api_list': 'GET', '_post': 'POST', '_put': 'PUT', '_delete': 'DELETE', '_patch': 'PATCH'}
PLAIN = {'str': TEXT, 'int': Value(frozenset(['integer'])), 'float': Value(frozenset(['number'])), 'bool': Value(frozenset(['boolean'])),
         'datetime': TEXT, 'date': TEXT, 'object': ANY, 'Any': ANY, 'NoneType': NOTHING, 'None': Value(frozenset(['null'])),
         'BinaryAPIResponse': FILE}
LISTS = ('List', 'list', 'Iterable', 'SequenceNotStr', 'Sequence')
INNER = ('Required', 'Annotated', 'Type', 'ResultWrapper')  # what says nothing of the value
# Sentences that say what a value may be. The others describe it.
CONSTRAINT = re.compile(
    r'\b(must|may only|minimum|maximum|at least|at most|up to|required?|requires|cannot|rejected|ignored|valid|consist|between|immutable|'
    r'read-only|not configurable|deprecated|omitted|default|one of|selects?|inside|range|prefix|supported)\b', re.IGNORECASE)


class Place(NamedTuple):
    """A name of a module. node: what it is bound to there."""

    module: Path
    node: ast.AST


class Sdk:
    """The source of the SDK. folder: of the package cloudflare."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._trees: dict[Path, ast.Module] = {}  # by file: parsing takes most of the time
        self.sentences: set[tuple[str, str]] = set()  # (field, sentence) that constrain a value, of the types that were read

    def operations(self, paths: re.Pattern[str]) -> dict[str, Operation]:
        """{METHOD path: operation} of the paths that match."""
        found = {}
        for module in sorted((self._folder / 'resources').rglob('*.py')):
            if not paths.search(module.read_text(encoding='utf-8')):
                continue  # parsing takes most of the time
            for owner in self._tree(module).body:
                if isinstance(owner, ast.ClassDef) and any('SyncAPIResource' in ast.unparse(base) and 'Async' not in ast.unparse(base)
                                                           for base in owner.bases):
                    found |= {name: operation for function in owner.body if isinstance(function, ast.FunctionDef)
                              for name, operation in self._calls(module, function, paths)}
        return found

    # Modules and names.

    def _tree(self, module: Path) -> ast.Module:
        if module not in self._trees:
            self._trees[module] = ast.parse(module.read_text(encoding='utf-8'))
        return self._trees[module]

    def _find(self, module: Path, name: str) -> Place | None:
        """Where a name that a module uses is defined; None for what is not of the SDK, or is no type."""
        for node in self._tree(module).body:
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets if isinstance(node, ast.Assign) else []
            if getattr(node, 'name', None) == name or any(getattr(target, 'id', None) == name for target in targets):
                return Place(module, node)
            for alias in node.names if isinstance(node, ast.ImportFrom) and node.level else ():
                if (alias.asname or alias.name) == name:
                    return self._imported(module, node, alias.name)
        return None

    def _imported(self, module: Path, node: ast.ImportFrom, name: str) -> Place | None:
        folder = module.parent
        for _level in range(node.level - 1):
            folder = folder.parent
        source = folder.joinpath(*(node.module or '').split('.'))
        for file in (source / f'{name}.py', source / name / '__init__.py'):
            if file.is_file():
                return Place(file, ast.Module([], []))
        file = source.with_suffix('.py') if source.with_suffix('.py').is_file() else source / '__init__.py'
        return self._find(file, name) if file.is_file() else None

    # Types.

    def value(self, module: Path, node: ast.AST, required: bool = False) -> Value:
        """What an annotation allows."""
        if isinstance(node, ast.Constant):
            return PLAIN['None'] if node.value is None else self.value(module, ast.parse(node.value, mode='eval').body)
        if isinstance(node, ast.BinOp):
            return either([self.value(module, node.left), self.value(module, node.right)])
        if isinstance(node, ast.Subscript):
            return self._generic(module, node)
        if isinstance(node, ast.Attribute):
            place = self._find(module, node.value.id)
            return self.value(place.module, ast.Name(node.attr))
        if node.id in PLAIN:
            return PLAIN[node.id]
        place = self._find(module, node.id)
        return self._defined(place) if place else ANY

    def _generic(self, module: Path, node: ast.Subscript) -> Value:
        name, inner = ast.unparse(node.value).rpartition('.')[2], node.slice
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if name == 'Literal':
            return TEXT._replace(words=tuple(str(part.value) for part in parts))
        if name in LISTS:
            return Value(frozenset(['array']), items=self.value(module, parts[0]))
        if name == 'Union':
            return either(self.value(module, part) for part in parts)
        if name == 'Optional':
            return either([self.value(module, parts[0]), PLAIN['None']])
        return self.value(module, parts[0]) if name in INNER else Value(frozenset(['object'])) if name in ('Dict', 'dict') else ANY

    def _defined(self, place: Place) -> Value:
        node = place.node
        if isinstance(node, ast.ClassDef):
            return Value(frozenset(['object']), fields=self._fields(place))
        return self.value(place.module, node.value) if getattr(node, 'value', None) else ANY

    def _fields(self, place: Place) -> dict[str, tuple[Value, bool]]:
        found: dict[str, tuple[Value, bool]] = {}
        for base in place.node.bases:
            above = self._find(place.module, base.id) if isinstance(base, ast.Name) else None
            if above and isinstance(above.node, ast.ClassDef) and above.module.parent != self._folder:
                found |= self._fields(above)
        is_body = not any(isinstance(base, ast.Name) and base.id == 'TypedDict' for base in place.node.bases)
        for node, after in zip(place.node.body, [*place.node.body[1:], None], strict=True):
            if isinstance(node, ast.AnnAssign):
                name = _alias(node) or node.target.id
                self._note_sentences(name, after)
                text = ast.unparse(node.annotation)
                value = self.value(place.module, node.annotation)
                if is_body and node.value is not None:  # Optional is all that a response says of a field that may be missing
                    value = value._replace(kinds=value.kinds - {'null'})
                found[name] = (value, node.value is None if is_body else text.startswith(('Required[', 'Annotated[Required')))
        return found

    def _note_sentences(self, name: str, after: ast.AST | None) -> None:
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            text = ' '.join(str(after.value.value).split())
            self.sentences |= {(name, sentence) for sentence in re.split(r'(?<=[.!])\s+(?=[A-Z])', text) if CONSTRAINT.search(sentence)}

    # Operations.

    def _calls(self, module: Path, function: ast.FunctionDef, paths: re.Pattern[str]) -> Iterator[tuple[str, Operation]]:
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            path = _path(call.args[0]) if call.func.attr in METHODS and call.args else ''
            if path and paths.search(path):
                yield call_name(METHODS[call.func.attr], path), self._operation(module, function, call, path)

    def _operation(self, module: Path, function: ast.FunctionDef, call: ast.Call, path: str) -> Operation:
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        body, query = keywords.get('body'), _keyword(keywords.get('options'), 'query')
        sent: dict[str, tuple[Value, bool]] = {}
        for source in (body, query):
            if isinstance(source, ast.Call) and len(source.args) > 1:
                sent |= self.value(module, source.args[1]).fields
        names = {'header': _header_names(function), 'query': _keys(query)}
        names['path'] = set(re.findall('{(.*?)}', path))
        fields = {name: field for name, field in sent.items() if name not in names['path'] | names['header'] | names['query']}
        whole = fields.get('body')
        answer, enveloped = self._answer(module, keywords)
        headers = {name: sent.get(name, (PLAIN['bool'], False)) for name in names['header']}
        return Operation(Value(frozenset(['object']), fields={name: sent.get(name, (ANY, False)) for name in names['query']}),
                         Value(frozenset(['object']), fields=headers),
                         NOTHING if body is None else whole[0] if whole else Value(frozenset(['object']), fields=fields), answer, enveloped)

    def _answer(self, module: Path, keywords: dict[str, ast.AST]) -> tuple[Value, bool]:
        if 'model' in keywords:
            return Value(frozenset(['array']), items=self.value(module, keywords['model'])), True
        parser = _keyword(keywords.get('options'), 'post_parser')
        wrapped = parser and next((node for node in ast.walk(parser) if isinstance(node, ast.Subscript)), None)
        if wrapped is not None:
            value = self.value(module, wrapped.slice)
            return value._replace(kinds=value.kinds - {'null'}), True
        cast = keywords['cast_to']
        return self.value(module, cast.args[1] if isinstance(cast, ast.Call) else cast), False  # cast(Any, TYPE)


def _path(node: ast.AST) -> str:
    template = node.args[0] if isinstance(node, ast.Call) and node.args else node
    return template.value if isinstance(template, ast.Constant) and isinstance(template.value, str) else ''


def _keyword(call: ast.AST | None, name: str) -> ast.AST | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None) if isinstance(call, ast.Call) else None


def _keys(node: ast.AST | None) -> set[str]:
    literal = node.args[0] if isinstance(node, ast.Call) and node.args else node
    return {key.value for key in literal.keys} if isinstance(literal, ast.Dict) else set()


def _header_names(function: ast.FunctionDef) -> set[str]:
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'strip_not_given')
    return {name for call in calls for name in _keys(call)} - {'Accept'}


def _alias(node: ast.AnnAssign) -> str | None:
    """The name on the wire, where Python needs another one."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and getattr(call.func, 'id', '') in ('PropertyInfo', 'FieldInfo', 'Field'):
            alias = _keyword(call, 'alias')
            if alias is not None:
                return alias.value
    return None
