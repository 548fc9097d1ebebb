# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make contract` on a small API: the SDK's source is compared with a document, and only what somebody has reviewed may differ."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from support.contract import OpenApi
from support.drift import constraints, differences, reviewed
from support.sdk import Sdk

RESOURCE = '''
from typing import Optional
from ..._utils import maybe_transform
from ...types.ports import port_update_params
from ...types.ports.port import Port
from ...types.ports.port_list_response import PortListResponse

class PortsResource(SyncAPIResource):
    def list(self, *, account_id: str, site: Optional[str] = omit, full: bool = omit):
        extra_headers = {**strip_not_given({"x-full": full}), **(extra_headers or {})}
        return self._get(path_template("/accounts/{account_id}/ports", account_id=account_id), options=make_request_options(
            query=maybe_transform({"site": site}, port_list_params.PortListParams)), cast_to=PortListResponse)

    def update(self, port: str, *, account_id: str):
        """Changes a port."""
        return self._put(path_template("/accounts/{account_id}/ports/{port}", account_id=account_id, port=port),
            body=maybe_transform({"mtu": mtu}, port_update_params.PortUpdateParams), options=make_request_options(
            post_parser=ResultWrapper[Optional[Port]]._unwrapper), cast_to=cast(Type[Optional[Port]], ResultWrapper[Port]))

    def delete(self, port: str, *, account_id: str):
        return self._delete(path_template("/accounts/{account_id}/ports/{port}", account_id=account_id, port=port), cast_to=NoneType)

class AsyncPortsResource(AsyncAPIResource):
    def list(self, *, account_id: str):
        return self._get(path_template("/accounts/{account_id}/of_async", account_id=account_id), cast_to=PortListResponse)

class OtherResource(SyncAPIResource):
    def list(self):
        return self._get("/zones", cast_to=object)
'''.replace('from ...types.ports import port_update_params', 'from ...types.ports import port_list_params, port_update_params')
TYPES = {
    'port_list_params': '''
class PortListParams(TypedDict, total=False):
    account_id: Required[str]
    site: Optional[str]
    x_full: Annotated[bool, PropertyInfo(alias="x-full")]
''',
    'port_update_params': '''
class PortUpdateParams(TypedDict, total=False):
    account_id: Required[str]
    mtu: Required[int]
    """The MTU of the port. It must be at least 576."""
    tags: SequenceNotStr[str]
''',
    'port': '''
from .kind import Kind
class Facility(BaseModel):
    name: str
class Port(BaseModel):
    id: str
    """Its name for machines."""
    kind: Kind
    facility: Optional[Facility] = None
    since: Optional[datetime] = None
    target: Union[str, Facility, None] = None
''',
    'kind': 'Kind: TypeAlias = Literal["lan", "wan"]\n',
    'port_list_response': '''
from .port import Port
__all__ = ["PortListResponse"]
class PortListResponse(BaseModel):
    items: List[Port]
    next: Optional[int] = None
''',
}
PORT = {'type': 'object', 'required': ['id', 'kind'], 'properties': {
    'id': {'type': 'string'}, 'kind': {'type': 'string', 'enum': ['lan', 'wan']}, 'facility': {'$ref': '#/components/schemas/Facility'},
    'since': {'type': 'string', 'format': 'date-time', 'nullable': True},
    'target': {'oneOf': [{'type': 'string'}, {'$ref': '#/components/schemas/Facility'}]}}}
ACCOUNT = {'name': 'account_id', 'in': 'path', 'required': True, 'schema': {'type': 'string'}}


def answer(schema):
    return {'responses': {'200': {'content': {'application/json': {'schema': schema}}}}}


def document():
    envelope = {'type': 'object', 'properties': {'success': {'type': 'boolean'}, 'result': {'$ref': '#/components/schemas/Port'}}}
    page = {'type': 'object', 'required': ['items'], 'properties': {
        'items': {'type': 'array', 'items': {'$ref': '#/components/schemas/Port'}}, 'next': {'type': 'integer', 'nullable': True}}}
    change = {'type': 'object', 'required': ['mtu'], 'properties': {'mtu': {'type': 'integer'},
                                                                    'tags': {'type': 'array', 'items': {'type': 'string'}}}}
    return {
        'paths': {
            '/accounts/{account_id}/ports': {'parameters': [ACCOUNT], 'get': {**answer(page), 'parameters': [
                {'name': 'site', 'in': 'query', 'schema': {'type': 'string', 'nullable': True}},
                {'name': 'x-full', 'in': 'header', 'schema': {'type': 'boolean'}}]}},
            '/accounts/{account_id}/ports/{id}': {
                'parameters': [ACCOUNT], 'delete': {'responses': {'200': {'description': 'deleted'}}},
                'put': {**answer(envelope), 'requestBody': {'content': {'application/json': {'schema': change}}}}}},
        'components': {'schemas': {'Port': PORT, 'Facility': {
            'type': 'object', 'required': ['name'], 'properties': {'name': {'type': 'string'}}}}},
    }


@pytest.fixture
def sdk(tmp_path):
    """sdk(replaced, by) -> the small SDK, with a piece of its source replaced."""
    def sdk(replaced: str = '', by: str = '') -> Sdk:
        files = {'resources/ports/ports.py': RESOURCE, **{f'types/ports/{name}.py': text for name, text in TYPES.items()}}
        for name, text in files.items():
            path = tmp_path / 'cloudflare' / name
            path.parent.mkdir(parents=True, exist_ok=True)
            (path.parent / '__init__.py').touch()
            path.write_text(text.replace(replaced, by) if replaced else text)
        return Sdk(tmp_path / 'cloudflare')
    return sdk


def drift(sdk, changed=None):
    return differences(OpenApi(changed or document()).operations(), sdk.operations(re.compile('^/accounts/|"/accounts/')))


def test_what_says_the_same_does_not_differ(sdk):
    assert drift(sdk()) == []
    assert len(sdk().operations(re.compile('/'))) == 4  # that of /zones too, and none of the asynchronous ones


@pytest.mark.parametrize(('replaced', 'by', 'lines'), [
    ('    id: str\n', '    id: str\n    vlan: int\n', [
        'GET .../ports answer items[].vlan: only in the SDK (integer)',
        'PUT .../ports/{} answer vlan: only in the SDK (integer)']),
    ('    name: str\n', '    name: int\n', [
        'GET .../ports answer items[].facility.name: string here, integer in the SDK',
        'GET .../ports answer items[].target.name: string here, integer in the SDK',
        'PUT .../ports/{} answer facility.name: string here, integer in the SDK',
        'PUT .../ports/{} answer target.name: string here, integer in the SDK']),
    ('"lan", "wan"', '"lan", "wan", "man"', [
        'GET .../ports answer items[].kind: string (lan, wan) here, string (lan, man, wan) in the SDK',
        'PUT .../ports/{} answer kind: string (lan, wan) here, string (lan, man, wan) in the SDK']),
    ('mtu: Required[int]', 'mtu: Optional[int]', ['PUT .../ports/{} body mtu: integer here, absent or integer or null in the SDK']),
    ('tags: SequenceNotStr[str]', 'tags: str', ['PUT .../ports/{} body tags: absent or array here, absent or string in the SDK']),
    ('"site": site}', '"site": site, "speed": speed}', ['GET .../ports query speed: only in the SDK (absent or any)']),
    ('site: Optional[str]\n    x', 'site: str\n    x',
     ['GET .../ports query site: absent or null or string here, absent or string in the SDK']),
    ('strip_not_given({"x-full": full})', '{}', ['GET .../ports header x-full: only here (absent or boolean)']),
    ('items: List[Port]', 'items: Optional[List[Port]] = None', ['GET .../ports answer items: array here, array or optional in the SDK']),
    ('options=make_request_options(\n            post_parser=ResultWrapper[Optional[Port]]._unwrapper), cast_to=cast(Type[Optional[Port]], '
     'ResultWrapper[Port])', 'cast_to=Port', ['PUT .../ports/{} answer: in an envelope here']),
    ('self._delete(', 'self._patch(', ['DELETE .../ports/{}: only here', 'PATCH .../ports/{}: only in the SDK']),
    ('cast_to=NoneType', 'cast_to=Port', ['DELETE .../ports/{} answer as a whole: nothing here, object in the SDK']),
])
def test_what_changes_in_the_sdk_is_a_difference(sdk, replaced, by, lines):
    assert [line.replace('/accounts/{}', '...') for line in drift(sdk(replaced, by))] == lines


def test_what_changes_here_is_a_difference(sdk):
    changed = document()
    changed['components']['schemas']['Port']['properties'] = {**PORT['properties'], 'site': {'type': 'string'}}
    del changed['paths']['/accounts/{account_id}/ports/{id}']['delete']
    assert [line.replace('/accounts/{}', '...') for line in drift(sdk(), changed)] == [
        'DELETE .../ports/{}: only in the SDK', 'GET .../ports answer items[].site: only here (absent or string)',
        'PUT .../ports/{} answer site: only here (absent or string)']


def test_a_sentence_that_constrains_a_value_is_a_line_and_one_that_describes_it_is_none(sdk):
    read = sdk()
    drift(read)
    assert constraints(read.sentences) == ['mtu says: It must be at least 576.']


def test_only_what_somebody_reviewed_may_differ_and_only_as_long_as_it_does():
    entries = [{'lines': r'GET \S+: only here', 'reason': 'why'}, {'lines': 'PUT .*', 'reason': 'gone'}]
    lines = ['GET /a: only here', 'GET /a: only here, too']
    assert reviewed(lines, entries) == ({'GET /a: only here': 'why'}, ['GET /a: only here, too'], ['PUT .*'])


def test_each_reviewed_difference_has_a_reason_and_a_pattern():
    entries = yaml.safe_load((Path(__file__).resolve().parents[1] / 'contract.yml').read_text(encoding='utf-8'))
    assert len(entries) > 20
    for entry in entries:
        assert {*entry} == {'lines', 'reason'}
        assert len(entry['reason']) > 20 and re.compile(entry['lines'])
