# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said in two places is the same in both. (That documented options are those of the argument spec is a sanity test.)"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from openapi_core import OpenAPI
from support.contract import module_text
from support.results import tables
from tools.promises import promises

from ansible_collections.netops.cloudflare_cni.plugins.doc_fragments._api import ModuleDocFragment
from ansible_collections.netops.cloudflare_cni.plugins.filter.overview import WORST_FIRST
from ansible_collections.netops.cloudflare_cni.plugins.module_utils import _values as values
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import BACKOFF, MAX_TRIES
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._conflicts import REREADS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    AmbiguousError,
    ApiError,
    BugError,
    CniError,
    DriftError,
    InputError,
    NotApprovedError,
    NotListedError,
    RaceError,
    TransportError,
    UndecidedError,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._handover import CircuitFacts, handover_of
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import CONNECTION_OPTIONS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import HOST_OPTIONS, PREFIX, STATES
from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._netbox_writes import STATES as NETBOX_STATES

ROOT = Path(__file__).resolve().parents[2]
MODULES = {
    path.stem: import_module(f'ansible_collections.netops.cloudflare_cni.plugins.modules.{path.stem}')
    for path in sorted((ROOT / 'plugins/modules').glob('*.py'))
}
TARGETS = sorted(path for path in (ROOT / 'tests/integration/targets').iterdir() if not path.name.startswith('setup_'))
ROLES = sorted(path for path in (ROOT / 'roles').glob('*') if path.is_dir())
CONTRACT = yaml.safe_load((ROOT / 'tests/simulator/cni.openapi.yaml').read_text())
SCHEMAS = CONTRACT['components']['schemas']


# Modules, action group, integration targets.

def test_the_action_group_holds_every_module():
    assert yaml.safe_load((ROOT / 'meta/runtime.yml').read_text())['action_groups']['all'] == list(MODULES)


def test_every_module_has_an_integration_target_of_one_skeleton():
    # ansible-test would take a target that is called as a role for that role.
    assert [path.name.removesuffix('_module') for path in TARGETS] == list(MODULES)
    for file in ('aliases', 'tasks/main.yml'):
        assert len({(path / file).read_text() for path in TARGETS}) == 1
    for path in TARGETS:
        scenarios = {file.stem for file in (path / 'tasks/scenarios').glob('*.yml')}
        assert scenarios >= {'read' if path.name.endswith('_info') else 'lifecycle', 'bad_input'}, path.name


# The map for contributors.

def test_the_map_names_every_file_of_module_utils_and_each_imports_from_those_above_it():
    files = re.findall(r'^\| `plugins/module_utils/(\w+)\.py`', (ROOT / 'CONTRIBUTING.md').read_text(), re.MULTILINE)
    assert sorted(files) == sorted(path.stem for path in (ROOT / 'plugins/module_utils').glob('_*.py'))
    texts = {file: (ROOT / f'plugins/module_utils/{file}.py').read_text() for file in files}
    imports = {file: re.findall(r'module_utils(?:\.| import )(_\w+)', text) for file, text in texts.items()}
    below = {file: {*names} - {*files[:files.index(file)]} for file, names in imports.items()}
    assert {file: names for file, names in below.items() if names} == {}


def test_put_and_writes_are_the_only_files_that_send_post_put_or_delete():
    sends = re.compile(r'\bclient\.(post|put|delete)\(')
    assert {path.name for path in (ROOT / 'plugins').rglob('*.py') if sends.search(path.read_text())} == {'_put.py', '_writes.py'}


def test_the_map_names_every_file_of_plugin_utils_and_every_folder_of_tests():
    text = (ROOT / 'CONTRIBUTING.md').read_text()
    files = [str(path.relative_to(ROOT)) for path in (ROOT / 'plugins/plugin_utils').glob('_*.py')]
    folders = [f'tests/{path.name}/' for path in (ROOT / 'tests').iterdir() if any(path.rglob('*.py'))]
    assert [name for name in (*files, *folders) if f'`{name}' not in text] == []


def test_what_the_map_and_the_recipes_name_exists():
    text = (ROOT / 'CONTRIBUTING.md').read_text()
    code = [path.read_text() for path in (ROOT / 'plugins').rglob('*.py')] + [(ROOT / 'tests/tools/cores.py').read_text()]
    files = {name for folder in ('plugins', 'tests') for path in (ROOT / folder).rglob('*.py') for name in (path.name, path.stem)}

    def exists(name: str) -> bool:
        if '/' in name:
            return any(ROOT.glob(name.replace('NAME', '*')))
        # As a function or a class, a constant, or an attribute.
        defined = re.compile(rf'^ *(def|class) {name}\b|^ *(self\.)?{name}\b.* = ', re.MULTILINE)
        return name in files or any(map(defined.search, code))

    names = re.findall(r'`([\w./*]+)`', text[text.index('## How a task runs'):text.index('| Folder')])
    recipes = text[text.index('| Folder'):text.index('## Issues and pull requests')]
    names += [name for name in re.findall(r'`([\w./*]+)`', recipes) if '/' in name or name.endswith('.py') or name.isupper()]
    assert len(names) > 200 and [name for name in names if not exists(name)] == []


def test_each_promise_can_be_broken_and_the_tests_that_notice_exist():
    page = (ROOT / 'tests/promises.md').read_text()
    numbers = [int(promise.name.partition('.')[0]) for promise in promises()]  # SystemExit if what is to be broken is not there
    assert numbers == list(range(1, page.count('\n## ') + 1)) and page.count('```diff') == len(numbers) >= 12
    tests = {(path.name, name) for path in (ROOT / 'tests').rglob('test_*.py') for name in re.findall(r'def (test_\w+)', path.read_text())}
    named = set(re.findall(r'`(?:\w+/)?(test_\w+\.py)::(?:\w+::)?(test_\w+)`', page))
    assert named - tests == set() and len(named) >= len(numbers)


# Playbooks.

def yaml_of(path: Path) -> list:
    """The documents of a YAML file, or those of Markdown that have plays."""
    texts = re.findall(r'^```yaml\n(.*?)^```', path.read_text(), re.M | re.S) if path.suffix == '.md' else [path.read_text()]
    return [document for text in texts for document in yaml.load_all(text, TagsAsText)]


class TagsAsText(yaml.SafeLoader):
    """Reads Ansible's own tags, such as !unsafe and !vault, as texts."""


TagsAsText.add_multi_constructor('!', lambda loader, _tag, node: loader.construct_scalar(node))


def runs_once(tasks: object, folder: Path) -> bool:
    """Whether run_once is set in the tasks, or in those that they import or include: by file or by role."""
    if isinstance(tasks, list):
        return any(runs_once(task, folder) for task in tasks)
    if not isinstance(tasks, dict):
        return False
    found = 'run_once' in tasks or runs_once([value for value in tasks.values() if isinstance(value, list)], folder)
    for name, arguments in tasks.items():
        word = name.rpartition('.')[2]
        if word in ('import_tasks', 'include_tasks') and '{' not in str(arguments):
            file = folder / (arguments if isinstance(arguments, str) else arguments['file'])
            found = found or runs_once(yaml_of(file), file.parent)
        elif word in ('import_role', 'include_role', 'role', 'roles'):
            found = found or any(runs_once(yaml_of(file), file.parent) for role in re.findall(r'cloudflare_cni\.(\w+)', str(arguments))
                                 for file in sorted((ROOT / f'roles/{role}/tasks').glob('*.yml')))
    return found


def test_a_play_that_does_something_once_sets_the_strategy_linear_as_others_would_do_it_for_each_host():
    files = [*ROOT.glob('playbooks/**/*.yml'), *ROOT.glob('extensions/**/*.yml'), *ROOT.glob('docs/**/*.yml'), *ROOT.glob('docs/*.md'),
             *ROOT.glob('roles/*/README.md'), ROOT / 'README.md']
    plays = [(path, play) for path in files for document in yaml_of(path) if isinstance(document, list)
             for play in document if isinstance(play, dict) and 'hosts' in play and runs_once(play, path.parent)]
    assert len(plays) >= 10
    assert [f'{path.name}: {play.get("name")}' for path, play in plays if play.get('strategy') != 'linear'] == []


# Options.

def test_the_connection_options_are_documented_as_they_are():
    options = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)['options']
    assert {name: (option['type'], option.get('default')) for name, option in options.items()} == {
        name: (spec['type'], spec.get('default')) for name, spec in CONNECTION_OPTIONS.items()
    }
    for name, spec in CONNECTION_OPTIONS.items():
        _fallback, variables = spec.get('fallback', (None, []))
        assert all(f'E({variable})' in str(options[name]['description']) for variable in variables), name


@pytest.mark.parametrize(('module', 'option', 'schema'), [
    ('interconnect', 'type', SCHEMAS['Interconnect']['discriminator']['mapping']),
    ('interconnect', 'bandwidth', SCHEMAS['Bandwidth']['enum']),
    ('interconnect_info', 'type', SCHEMAS['Interconnect']['discriminator']['mapping']),
    ('cni', 'bgp_mode', SCHEMAS['BgpMode']['enum']),
    ('health_check', 'rate', SCHEMAS['HealthCheck']['properties']['rate']['enum']),
    ('health_check', 'type', SCHEMAS['HealthCheck']['properties']['type']['enum']),
    ('health_check', 'direction', SCHEMAS['HealthCheck']['properties']['direction']['enum']),
    ('bgp_filter_profile', 'match_action', SCHEMAS['FilterProfileUpdate']['properties']['match_action']['enum']),
    ('status_info', 'states', SCHEMAS['StatusInfo']['properties']['state']['enum']),
    ('status_info', 'wait_for', SCHEMAS['StatusInfo']['properties']['state']['enum']),
])
def test_choices_are_the_words_of_the_contract_and_older_ones_for_them(module, option, schema):
    today = {values.SYNONYMS.get(choice, choice) for choice in MODULES[module].ARGUMENT_SPEC[option]['choices']}
    assert today == set(schema)


def test_each_state_of_the_contract_is_known_wherever_states_have_an_order_or_a_name():
    states = set(SCHEMAS['StatusInfo']['properties']['state']['enum'])
    page = (ROOT / 'playbooks/templates/status.html.j2').read_text()
    assert (states - {*STATES}, states - {*WORST_FIRST}, states - {*NETBOX_STATES.values()}) == (set(), set(), set())
    assert [state for state in states if f"'{state}': " not in page] == []


def test_limits_are_those_of_the_contract():
    loa = CONTRACT['paths']['/accounts/{account_id}/cni/interconnects/{icon}/loa']['get']
    assert loa['parameters'][0]['schema']['maxLength'] == values.MAX_LOA_NAME
    assert SCHEMAS['BgpControl']['properties']['customer_asn']['maximum'] == values.ASN[1]
    assert SCHEMAS['Settings']['properties']['default_asn']['maximum'] == values.ASN[1]
    assert SCHEMAS['MagicInterconnectUpdate']['properties']['mtu']['minimum'] == values.MTU[0]


def test_the_contract_that_answers_are_compared_with_is_that_of_the_simulator():
    text = (ROOT / 'plugins/module_utils/_contract.py').read_text(encoding='utf-8')
    assert text == module_text(), 'renew it with: python tests/tools/contract.py --write'


def test_the_contract_of_the_simulator_is_valid_openapi():
    OpenAPI.from_dict(CONTRACT)  # raises if not


@pytest.mark.parametrize('role', ROLES, ids=lambda role: role.name)
def test_the_defaults_of_a_role_are_those_of_its_argument_spec(role):
    options = yaml.safe_load((role / 'meta/argument_specs.yml').read_text())['argument_specs']['main']['options']
    stated = {name: option['default'] for name, option in options.items() if 'default' in option}
    assert yaml.safe_load((role / 'defaults/main.yml').read_text()) == stated


def test_the_variables_of_a_run_reach_the_module_from_the_role_and_from_the_playbooks():
    role = yaml.safe_load((ROOT / 'roles/provision/meta/argument_specs.yml').read_text())['argument_specs']['main']['options']
    of_a_run = {name for name in role if name.removeprefix(PREFIX) not in HOST_OPTIONS} - {f'{PREFIX}own_variables'}
    for file in ('roles/provision/tasks/main.yml', 'playbooks/parts/circuits.yml'):
        passed = set(re.findall(rf'\b{PREFIX}\w+', (ROOT / file).read_text()))
        assert of_a_run - passed == set(), f'{file} does not pass them to the module, so they would have no effect'
    planned = set(re.findall(rf'\b{PREFIX}\w+', (ROOT / 'playbooks/preflight.yml').read_text()))
    assert of_a_run - planned == {'provision_plan_file', 'provision_approved_plan'}, 'preflight would find something else than provision'


def test_the_manual_describes_retries_as_they_are():
    words = {4: 'four', 5: 'five'}
    page = (ROOT / 'docs/reliability.md').read_text()
    retries = f'{words[MAX_TRIES - 1]} more tries with jittered pauses of {BACKOFF[0]:g} s to {BACKOFF[MAX_TRIES - 2]:g} s'
    assert retries in page
    transient = {status for status in range(400, 600) if ApiError('GET', '/cni/slots', status, [], None).transient}
    assert transient == {429, 408, *range(500, 600)} and '| connection lost, time-out, 408, 5xx, ' in page
    assert f'is looked up {words[REREADS]} times' in page.replace('\n', ' ')
    assert f'are repeated up to {words[MAX_TRIES - 1]} times' in ModuleDocFragment.DOCUMENTATION


# Errors.

def test_each_kind_of_error_and_each_key_of_one_is_documented():
    errors = [
        InputError('mtu', 'is not possible', 'an MTU'),
        AmbiguousError('CNI', ['one', 'two'], ''),
        DriftError('interconnect', {'speed': {'have': '10G', 'want': '100G'}}, ''),
        NotListedError('', ('slots', None), slot_id='x'),
        RaceError('', folder='x'),
        UndecidedError('', method='POST', cause={}),
        BugError(ValueError(), str),
        TransportError('dns', 'GET', '/cni/slots', ''),
        NotApprovedError(['']),
        ApiError('GET', '/cni/slots', 429, [{'code': 971, 'message': ''}], 'ray', 300.0),
    ]
    kinds, keys = tables('error')
    assert kinds == {kind.kind for kind in descendants(CniError)}
    assert keys == {key for error in errors for key in error.result()['error']} - {'kind', 'retryable'}


def descendants(error: type[CniError]) -> list[type[CniError]]:
    """The exception and all that are made from it."""
    return [error, *(error for below in error.__subclasses__() for error in descendants(below))]


def test_all_that_a_template_can_use_is_in_the_manual():
    tunnel = {'health_check': {'enabled': True, 'source': '10.0.0.1'}}
    ports = ({'name': 'icon', 'type': kind} for kind in ('direct', 'gcp_partner'))
    handovers = [handover_of(CircuitFacts('x', port, {'bgp': {'customer_asn': 1}}, tunnel), {'name': None}) for port in ports]
    blocks = [block for handover in handovers for block in (handover, *handover.values()) if isinstance(block, dict)]
    keys = {key for block in blocks for key in block}
    section = (ROOT / 'docs' / 'provision.md').read_text().partition('### Your own template')[2].partition('\n## ')[0]
    assert sorted(key for key in keys if f'`{key}`' not in section) == []
