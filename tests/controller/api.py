# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's API on loopback, as far as the modules of awx.awx need it to make what extensions/awx holds."""

from __future__ import annotations

import asyncio
import copy
import json
import threading
from pathlib import Path

from aiohttp import web
from controller import rules


def fields(plain: str, **others: str) -> dict[str, str]:
    """The fields of a kind. others: those that hold the id of an object, by its kind."""
    return dict.fromkeys(plain.split(), '') | others


OWNED = fields('name description', organization='organizations')
ASKS = ('inventory', 'job_slice_count', 'job_type', 'limit', 'tags')
LAUNCHED = OWNED | fields(' '.join(f'ask_{name}_on_launch' for name in ASKS)) | fields('extra_vars survey_enabled', inventory='inventories')
KINDS = {
    'organizations': fields('name'),
    'execution_environments': OWNED | fields('image pull'),
    'credential_types': fields('name description kind inputs injectors managed'),
    'credentials': OWNED | fields('inputs', credential_type='credential_types'),
    'projects': OWNED | fields('scm_type scm_url scm_update_on_launch'),
    'inventories': OWNED | fields('kind host_filter'),
    'inventory_sources': fields(
        'name source source_path overwrite overwrite_vars update_on_launch',
        inventory='inventories', source_project='projects', credential='credentials', execution_environment='execution_environments',
    ),
    'job_templates': LAUNCHED | fields(
        'job_type playbook diff_mode job_slice_count', project='projects', execution_environment='execution_environments',
    ),
    'workflow_job_templates': LAUNCHED,
    'workflow_job_template_nodes': fields(
        'identifier job_tags limit unified_job_template', workflow_job_template='workflow_job_templates',
    ),
    'workflow_approval_templates': fields('name description timeout'),
    'schedules': fields('name description rrule unified_job_template'),
}
ASSOCIATIONS = {'job_templates': ['credentials'], 'workflow_job_template_nodes': ['success_nodes', 'failure_nodes', 'always_nodes']}
READ_ONLY = {'id', 'type'}
BASE = '/api/v2'
PRODUCT = {'X-API-Product-Name': 'AWX', 'X-API-Product-Version': '24.6.1'}


class Controller:
    """A running controller. objects: {kind: {id: object}} as stored, secrets included. writes: (method, path) of what came in."""

    def __init__(self, project: Path):
        self.playbooks = {path.name for path in project.glob('*.yml')}
        self.objects: dict[str, dict[int, dict]] = {kind: {} for kind in KINDS}
        self.surveys: dict[int, dict] = {}
        self.links: dict[tuple[int, str], list[int]] = {}
        self.writes: list[tuple[str, str]] = []
        self.token = 'controller-token'
        self.make('organizations', {'name': 'Default'})

    def __enter__(self) -> Controller:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()
        return self

    def __exit__(self, *_exception) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> str:
        application = web.Application(middlewares=[self._gate])
        application.add_routes([
            web.get(BASE + '/unified_job_templates/', self._unified),
            web.get(BASE + '/{kind}/', self._list),
            web.post(BASE + '/{kind}/', self._create),
            web.get(BASE + '/{kind}/{id}/', self._read),
            web.patch(BASE + '/{kind}/{id}/', self._update),
            web.get(BASE + '/{kind}/{id}/survey_spec/', self._survey),
            web.post(BASE + '/{kind}/{id}/survey_spec/', self._set_survey),
            web.post(BASE + '/workflow_job_template_nodes/{id}/create_approval_template/', self._approve),
            web.get(BASE + '/{kind}/{id}/{association}/', self._associated),
            web.post(BASE + '/{kind}/{id}/{association}/', self._associate),
        ])
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, '127.0.0.1', 0)
        await site.start()
        return f'http://127.0.0.1:{self._runner.addresses[0][1]}'

    @web.middleware
    async def _gate(self, request: web.Request, handler) -> web.Response:
        if request.headers.get('Authorization') != f'Bearer {self.token}':
            return web.json_response({'detail': 'Authentication credentials were not provided.'}, status=401)
        if request.method != 'GET':
            self.writes.append((request.method, request.path))
        try:
            answer = await handler(request)
        except KeyError:
            answer = web.json_response({'detail': 'Not found.'}, status=404)
        except ValueError as error:
            answer = web.json_response({'error': str(error)}, status=400)
        answer.headers.update(PRODUCT)
        return answer

    # What is stored.

    def named(self, kind: str, name: str) -> dict:
        """The object of that name."""
        (found,) = (obj for obj in self.objects[kind].values() if obj.get('name') == name)
        return found

    def make(self, kind: str, fields: dict) -> dict:
        """Stores an object; raises ValueError where AWX answers 400."""
        self._check(kind, fields)
        number = 1 + max((key for some in self.objects.values() for key in some), default=0)
        self.objects[kind][number] = {'id': number, **dict.fromkeys(KINDS[kind]), **_stored(fields)}
        return self.objects[kind][number]

    def _check(self, kind: str, fields: dict) -> None:
        """AWX passes over a field that it does not know; here it is a mistake."""
        complaints = [f'{kind} has no field {name}' for name in set(fields) - set(KINDS[kind]) - READ_ONLY]
        complaints += [f'{name}: no such object' for name, other in KINDS[kind].items() if other and self._lacks(other, fields.get(name))]
        complaints += CHECKS.get(kind, lambda _self, _given: [])(self, fields)
        if complaints:
            raise ValueError('; '.join(complaints))

    def _lacks(self, kind: str, number: int | None) -> bool:
        return number is not None and number not in self.objects[kind]

    def _playbook(self, template: dict) -> list[str]:
        return [] if template['playbook'] in self.playbooks else ['Playbook not found for project.']

    def _prompts(self, node: dict) -> list[str]:
        """A node may set what its template asks for on launch."""
        template = self.objects['job_templates'].get(node.get('unified_job_template'), {})
        prompts = {'job_tags': 'ask_tags_on_launch', 'limit': 'ask_limit_on_launch'}
        refused = [name for name, prompt in prompts.items() if node.get(name) and not template.get(prompt)]
        return [f'{name}: Field is not configured to prompt on launch.' for name in refused]

    # What is answered.

    def _shown(self, kind: str, number: int) -> dict:
        url = f'{BASE}/{kind}/{number}/'
        shown = copy.deepcopy(self.objects[kind][number])
        shown |= {'url': url, 'type': kind[:-3] + 'y' if kind.endswith('ies') else kind[:-1], 'summary_fields': {}}
        shown['related'] = {'survey_spec': f'{url}survey_spec/'}
        if approval := shown.get('unified_job_template'):
            other = 'job_templates' if approval in self.objects['job_templates'] else 'workflow_approval_templates'
            shown['related']['unified_job_template'] = f'{BASE}/{other}/{approval}/'
        if kind == 'credentials':
            inputs = self.objects['credential_types'][shown['credential_type']]['inputs']
            secret = {field['id'] for field in inputs['fields'] if field.get('secret')}
            shown['inputs'] |= dict.fromkeys(secret & set(shown['inputs']), '$encrypted$')
        if kind == 'projects':
            shown['scm_revision'] = ''
        return shown

    def _found(self, kind: str, query: dict) -> list[dict]:
        return [shown for number in self.objects[kind] if _matches(shown := self._shown(kind, number), query)]

    async def _list(self, request: web.Request) -> web.Response:
        return _page(self._found(request.match_info['kind'], request.query))

    async def _unified(self, request: web.Request) -> web.Response:
        kinds = ('job_templates', 'workflow_job_templates', 'workflow_approval_templates')
        return _page([obj for kind in kinds for obj in self._found(kind, request.query)])

    async def _read(self, request: web.Request) -> web.Response:
        return web.json_response(self._shown(*_where(request)))

    async def _create(self, request: web.Request) -> web.Response:
        kind = request.match_info['kind']
        made = self.make(kind, await request.json())
        return web.json_response(self._shown(kind, made['id']), status=201)

    async def _update(self, request: web.Request) -> web.Response:
        kind, number = _where(request)
        changed = self.objects[kind][number] | _stored(await request.json())
        self._check(kind, changed)
        self.objects[kind][number] = changed
        return web.json_response(self._shown(kind, number))

    async def _survey(self, request: web.Request) -> web.Response:
        return web.json_response(self.surveys.get(_where(request)[1], {}))

    async def _set_survey(self, request: web.Request) -> web.Response:
        spec = await request.json()
        if complaints := rules.survey(spec):
            raise ValueError('; '.join(complaints))
        self.surveys[_where(request)[1]] = spec
        return web.json_response({})

    async def _approve(self, request: web.Request) -> web.Response:
        node = self.objects['workflow_job_template_nodes'][int(request.match_info['id'])]
        made = self.make('workflow_approval_templates', await request.json())
        node['unified_job_template'] = made['id']
        return web.json_response(self._shown('workflow_approval_templates', made['id']), status=201)

    async def _associated(self, request: web.Request) -> web.Response:
        return _page([{'id': number} for number in self._links(request)])

    async def _associate(self, request: web.Request) -> web.Response:
        links, association = self._links(request), await request.json()
        if association.get('disassociate'):
            links.remove(association['id'])
        else:
            links.append(association['id'])
        return web.Response(status=204)

    def _links(self, request: web.Request) -> list[int]:
        kind, number = _where(request)
        association = request.match_info['association']
        if association not in ASSOCIATIONS.get(kind, []) or number not in self.objects[kind]:
            raise KeyError(association)
        return self.links.setdefault((number, association), [])


def _where(request: web.Request) -> tuple[str, int]:
    return request.match_info['kind'], int(request.match_info['id'])


def _stored(fields: dict) -> dict:
    return {name: value for name, value in fields.items() if name not in READ_ONLY}


def _matches(shown: dict, query: dict) -> bool:
    return all(str(shown[name]) == value for name, value in query.items())


def _page(found: list[dict]) -> web.Response:
    return web.Response(text=json.dumps({'count': len(found), 'next': None, 'results': found}), content_type='application/json')


CHECKS = {
    'credential_types': lambda _controller, fields: rules.credential_type({name: value for name, value in fields.items() if name != 'id'}),
    'job_templates': Controller._playbook,
    'workflow_job_template_nodes': Controller._prompts,
    'schedules': lambda _controller, fields: rules.schedule(fields['rrule']),
}
