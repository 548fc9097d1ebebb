# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever type a value has, each module, action and role refuses a wrong one by the name of its option, before anything is sent."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout, suppress
from datetime import date
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from support.provision_action import Play

from ansible_collections.netops.cloudflare_cni.plugins.action.cni_info import ActionModule as InfoAction
from ansible_collections.netops.cloudflare_cni.plugins.action.peer import ActionModule as PeerAction
from ansible_collections.netops.cloudflare_cni.plugins.filter.variable_problem import FilterModule
from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _module
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._items import invalid_items
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import CIRCUIT_OPTIONS, HOST_OPTIONS, Spec
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._types import EXAMPLES
from ansible_collections.netops.cloudflare_cni.plugins.modules import provision
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils import _hosts, _in_process

ROOT = Path(__file__).resolve().parents[2]
MODULES = {name: import_module(f'ansible_collections.netops.cloudflare_cni.plugins.modules.{name}')
           for name in sorted(path.stem for path in (ROOT / 'plugins/modules').glob('*.py')) if name != 'provision'}  # which fails anyway
ROLES = {path.parts[-3]: yaml.safe_load(path.read_text())['argument_specs']['main']['options']
         for path in sorted((ROOT / 'roles').glob('*/meta/argument_specs.yml'))}

CONTAINERS = [['x'], [None], {'a': 1}]
WRONG = {  # {type of an option: values of another type}
    'str': [True, False, *CONTAINERS],
    'path': [True, False, *CONTAINERS],
    'int': [True, False, 1.5, math.inf, math.nan, 'x', '1.5', *CONTAINERS],
    'float': [True, False, math.inf, math.nan, 'x', *CONTAINERS],
    'bool': [2, 1.5, 'x', *CONTAINERS],
    'list': [True, False, {'a': 1}],
    'dict': [True, False, 1, 1.5, 'x', [], ['x'], [None], [{}]],
    'raw': [],
}
NUMBERS = [5, 1.5, date(2026, 11, 2)]  # for a text of which none makes sense


def wrong_values(spec: Spec) -> Iterator[tuple[str, dict[str, Any]]]:
    """(the option that is wrong, the options with it), for each option of a spec, at any depth."""
    for option, option_spec in spec.items():
        for name in (option, *option_spec.get('aliases', ())):
            for path, value in wrong_values_of(name, option_spec, option_spec['type']):
                yield path, {name: value}


def wrong_values_of(path: str, option_spec: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Any]]:
    yield from ((path, value) for value in WRONG[kind] + (NUMBERS if option_spec.get('quoted') else []))
    if kind == 'list':
        yield from (((f'{path}[0]', [None]),) if WRONG[option_spec['elements']] else ())
        yield from ((inner, [value]) for inner, value in wrong_values_of(f'{path}[0]', option_spec, option_spec['elements']))
    if kind == 'dict':
        yield from ((f'{path}.{inner}', options) for inner, options in wrong_values(option_spec.get('options', {})))


def is_refused(result: Mapping[str, Any], option: str) -> bool:
    """Whether the message begins with the option. Of a text in a list, it may name the list alone."""
    named = result.get('error', {}).get('option')
    return bool(result.get('failed')) and 'exception' not in result and named in (option, option.replace('[0]', '')) and (
        result['msg'].removeprefix('nyc-1: ').startswith(f'{named}: '))


def spec_of(module: str) -> Spec:
    """The argument spec that a module gives Ansible."""
    specs: list[Spec] = []

    def keep(_list_option: str, argument_spec: Spec, **_frame: Any) -> None:
        specs.append(argument_spec)
        raise SystemExit

    with pytest.MonkeyPatch.context() as patch, suppress(SystemExit):
        patch.setattr(_module, '_Module', keep)
        MODULES[module].main()
    return specs[0]


def result_of(module: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """How a module ends in this process. A crash is a result with an exception."""
    output = io.StringIO()
    with _in_process._module_globals(json.dumps({'ANSIBLE_MODULE_ARGS': options}).encode(), None), redirect_stdout(output):
        _in_process._exit_status(MODULES[module].main)
    return json.loads(output.getvalue())


@pytest.mark.parametrize('module', MODULES)
def test_a_module_refuses_each_wrong_type_by_name_and_sends_nothing(module, monkeypatch):
    monkeypatch.setattr(_module, 'connect', lambda *_arguments: pytest.fail('it goes on'))
    spec = dict(spec_of(module))
    if module == 'rollout':  # whose circuits fail one by one
        spec['circuits'] = {**spec['circuits'], 'elements': 'raw'}
    ended = [(option, options, result_of(module, options)) for option, options in wrong_values(spec)]
    assert len(ended) > 50 and [case for case in ended if not is_refused(case[2], case[0])] == []


def test_a_circuit_of_rollout_fails_by_itself_for_each_wrong_type():
    cases = [*wrong_values({name: option for name, option in CIRCUIT_OPTIONS.items() if name != 'name'})]
    invalid = invalid_items('circuits', [{'name': 'nyc-1', **options} for _option, options in cases], CIRCUIT_OPTIONS, str)
    ended = [(option, options, {'failed': True, **invalid[position].error.result()} if position in invalid else {})
             for position, (option, options) in enumerate(cases)]
    assert len(ended) > 300 and [case for case in ended if not is_refused(case[2], case[0])] == []


def test_the_action_provision_refuses_each_wrong_type_of_its_options():
    cases = wrong_values(provision.ARGUMENT_SPEC)
    ended = [(option, options, Play({}, {'nyc-1': {}}, options).role()['nyc-1']) for option, options in cases]
    assert len(ended) > 100 and [case for case in ended if not is_refused(case[2], case[0])] == []


def refusal_of(variables: Mapping[str, Any], check: bool) -> dict[str, Any]:
    try:
        _hosts.declared_host('nyc-1', variables, check)
    except InputError as error:
        return {'failed': True, **error.result()}
    return {}


@pytest.mark.parametrize('check', [True, False], ids=['of this run', 'of another one'])
def test_a_host_refuses_each_wrong_type_of_its_variables(check):
    spec = {f'provision_{name}': option for name, option in HOST_OPTIONS.items()}
    spec['provision_own_variables'] = {'type': 'list', 'elements': 'str'}
    ended = [(option, variables, refusal_of(variables, check)) for option, variables in wrong_values(spec)]
    assert len(ended) > 300 and [case for case in ended if not is_refused(case[2], case[0])] == []


def action_result(action: type[_in_process.InProcess], variables: Mapping[str, Any]) -> dict[str, Any]:
    """How the action ends as a task of the collection's own playbook status."""
    task = SimpleNamespace(args={}, check_mode=False, environment=None, no_log=True, async_val=0, diff=False,
                           get_path=lambda: f'{ROOT}/playbooks/status.yml:1')
    loader = DataLoader()
    parts = (task, SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)), SimpleNamespace(check_mode=False), loader)
    return action(*parts, Templar(loader, variables={}), None).run(None, {'inventory_hostname': 'nyc-1', **variables})


def test_a_task_of_a_playbook_refuses_each_wrong_type_of_the_variables_that_it_connects_by():
    for option, variables in wrong_values({name: _hosts.SPEC[name] for name in _hosts.CONNECTION_VARIABLES}):
        with pytest.raises(AnsibleActionFail, match=rf'^{option}: must be text'):
            action_result(InfoAction, variables)


def test_the_action_peer_refuses_each_wrong_type_of_its_variables():
    ended = [(option, variables, action_result(PeerAction, variables)) for option, variables in wrong_values(_hosts.SPECS['peer_'])]
    assert len(ended) > 100 and [case for case in ended if not is_refused(case[2], case[0])] == []


@pytest.mark.parametrize('role', ROLES)
def test_what_ansible_checks_of_a_role_before_its_first_task_crashes_on_nothing(role):
    crashed = []
    for option, variables in wrong_values(ROLES[role]):
        try:
            ArgumentSpecValidator(ROLES[role]).validate(variables)
        except Exception as error:
            crashed.append((option, variables, error))
    assert crashed == []


def wrong_variables(variables: Mapping[str, Any], role: str) -> str:
    """What the first check of a role or a playbook says of its variables."""
    return FilterModule().filters()['variable_problem'](variables, [*variables], role, variables.get(f'{role}_own_variables') or [])


@pytest.mark.parametrize('role', ['provision', 'peer', 'netbox', 'failover'])
def test_own_variables_that_are_no_list_are_refused_by_name(role):
    for value in (True, {'a': 1}, [['x']]):
        assert re.match(rf'{role}_own_variables(\[0\])?: must be ', wrong_variables({f'{role}_own_variables': value}, role))


def test_the_names_of_your_own_are_optional():
    assert FilterModule().filters()['variable_problem']({}, ['provision_nmae']).startswith('provision_nmae: unknown variable. Did you mean')


@pytest.mark.parametrize('role', [prefix.rstrip('_') for prefix in _hosts.SPECS])
def test_a_role_and_a_playbook_refuse_each_wrong_type_of_their_variables(role):
    spec = _hosts.SPECS[f'{role}_']
    texts = [(option, variables, wrong_variables(variables, role)) for option, variables in wrong_values(spec)]
    ended = [(option, variables, {'failed': bool(text), 'msg': text, 'error': {'option': text.partition(':')[0]}})
             for option, variables, text in texts]
    assert len(ended) >= 5 * len(spec) and [case for case in ended if not is_refused(case[2], case[0])] == []
    assert wrong_variables(dict.fromkeys(spec, ''), role) == wrong_variables(dict.fromkeys(spec), role) == ''


@pytest.mark.parametrize(('role', 'variables'), [
    ('alerts', {'slo': 98.0, 'types': 'a,b', 'result': {}}),
    ('netbox', {'decommission': 'NYC-1,NYC-2', 'limit': ['nyc-1'], 'rename': 'true', 'validate_certs': 'no', 'write': False, 'vrf': 100}),
    ('provision', {'expect': [{'site': 'ewr-a', 'healthy': '2'}], 'serial': [1, '50%'], 'hosts': 'circuits:!nyc-1', 'overdue_days': '28',
                   'report_mode': 384, 'commit_rates': {'nyc-1': '3G'}, 'must_survive': 'circuit,device', 'wait_for': 'Healthy'}),
    ('support', {'dir': 'tickets', 'alert_days': '7', 'router': [{'name': 'show bgp', 'text': '-'}], 'cf_rays': '8f1d2c3b4a596877-EWR'}),
    ('failover', {'hold': '30', 'timeout': 60, 'max_gap': '1.5', 'ping_interval': 0.2, 'pause': 'no', 'restore': True, 'dir': '~/drills'}),
], ids=['alerts', 'netbox', 'provision', 'support', 'failover'])
def test_what_is_documented_is_taken(role, variables):
    assert wrong_variables({f'{role}_{name}': value for name, value in variables.items()}, role) == ''


@pytest.mark.parametrize('role', ['peer', 'alerts'])
def test_the_types_of_the_variables_of_a_role_are_those_that_it_documents(role):
    """A boolean is documented as text with choices, as a blank answer is none."""
    documented = {name: {'type': 'bool'} if 'true' in option.get('choices', ())
                  else {key: option[key] for key in ('type', 'elements') if key in option} for name, option in ROLES[role].items()}
    assert documented == {name: {key: option[key] for key in ('type', 'elements') if key in option}
                          for name, option in _hosts.SPECS[f'{role}_'].items()}


@pytest.mark.parametrize('playbook', sorted((ROOT / 'playbooks').glob('*.yml')), ids=lambda path: path.stem)
def test_a_playbook_checks_the_types_of_what_it_reads(playbook):
    """But for what the action provision, or the search for accounts, checks. Of netbox_ and failover_, it checks all."""
    text = playbook.read_text()
    text += ''.join((playbook.parent / part).read_text() for part in re.findall(r'parts/(?:event|notify|failover_gate)\.yml', text))
    text = re.sub(r'#.*', '', text)
    lists = re.findall(r"(?:read:|'\^failover_'\) \+)\s*\[(.*?)\]", text, re.DOTALL)
    checked = {*re.findall(r'\w+', ' '.join(lists))}
    by_others = {*_hosts.CONNECTION_VARIABLES, *(f'provision_{name}' for name in (*provision.ARGUMENT_SPEC, 'serial', 'state'))}
    by_others |= {'provision_name'} if 'parts/accounts.yml' in text else set()
    read = {name for name in re.findall(r'(?<![\w.])(?:provision|event|preflight|support)_\w+(?![\w.(:])', text) if name in _hosts.TYPES}
    assert read - by_others - checked == set() and checked - read == set()


def specs_of(spec: Spec) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, spec) of each dictionary, or list of these, at any depth."""
    for name, option_spec in spec.items():
        if 'dict' in (option_spec['type'], option_spec.get('elements')):
            yield name, option_spec
        yield from specs_of(option_spec.get('options', {}))


def test_each_dictionary_has_an_example_that_its_option_takes():
    specs = [*specs_of(HOST_OPTIONS | _hosts.OTHER_VARIABLES['provision_'])]
    specs += [pair for module in MODULES for pair in specs_of(spec_of(module))]
    assert {name for name, _spec in specs} == {*EXAMPLES}
    for name, option_spec in specs:
        if 'options' in option_spec:
            assert ArgumentSpecValidator(option_spec['options']).validate(yaml.safe_load(EXAMPLES[name])).error_messages == [], name


@pytest.mark.parametrize(('module', 'options', 'expected'), [
    ('cni', {'bgp': True}, 'bgp: must be a dictionary such as {customer_asn: 65001}; it was true.'),
    ('cni', {'bgp': 65001}, 'bgp: must be a dictionary such as {customer_asn: 65001}; it was a number.'),  # which may be a key
    ('cni', {'bgp': 'a key'}, 'bgp: must be a dictionary such as {customer_asn: 65001}; it was text.'),
    ('cni', {'mtu': 'jumbo', 'bgp': {'asn': [1]}}, "mtu: must be a whole number; it was 'jumbo'. "
     'bgp.asn: must be a whole number; it was a list.'),
    ('interconnect', {'slot': 'gru-b'}, "slot: must be a dictionary such as {site: ewr-a, speed: 10G}; it was 'gru-b'."),
    ('status_info', {'expect': 2}, "expect[0]: must be a dictionary such as {site: ewr-a}; it was '2'."),
    ('status_info', {'expect': {}}, 'expect: must be a list of dictionaries such as [{site: ewr-a}]; it was a dictionary.'),
    ('cni', {'cust_ip': False}, 'cust_ip: must be text; it was false.'),
    ('loa', {'path': None, 'timeout': 'soon'}, "timeout: must be a number; it was 'soon'."),
    ('static_route', {'scope': {'colo_names': [None]}}, 'scope.colo_names[0]: must be text; it was null.'),
    ('cni', {'api_token': ['a token']}, 'api_token: must be text; it was a list.'),
])
def test_the_message_says_what_the_option_must_be_and_what_it_was(module, options, expected):
    assert result_of(module, options)['msg'] == expected


def test_what_ansible_may_convert_is_taken():
    spec: Spec = {'mtu': {'type': 'int'}, 'wait_for': {'type': 'list', 'elements': 'str'}, 'bgp': {'type': 'dict'}, 'name': {'type': 'str'},
                  'force': {'type': 'bool'}, 'timeout': {'type': 'float'}}
    options = {'mtu': '1500', 'wait_for': 'Down,Healthy', 'bgp': '{"customer_asn": 65001}', 'name': 42, 'force': 'yes', 'timeout': '1.5'}
    assert _hosts.type_error(spec, options) is None
    assert _hosts.type_error(spec, dict.fromkeys(spec)) is None, 'null is not given'
