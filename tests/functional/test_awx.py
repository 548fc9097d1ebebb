# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX is given: made by the modules of awx.awx as the guide says, and then run as AWX runs it."""

from __future__ import annotations

import copy
import os
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import yaml
from ansible.release import __version__ as ansible_version
from controller.api import Controller
from controller.jobs import Worker
from packaging.version import Version
from support import ansible_runs
from support.playbook import ROOT, Account

DATA = ROOT / 'extensions' / 'awx'
SURVEYS = yaml.safe_load((DATA / 'surveys.yml').read_text())['controller_surveys']
PLAYBOOK = next(text for text in re.findall(r'(?s)```yaml\n(.*?)```', (ROOT / 'docs' / 'awx.md').read_text()) if 'awx.awx.' in text)
ROLE = yaml.safe_load((ROOT / 'roles/provision/meta/argument_specs.yml').read_text())['argument_specs']['main']['options']
KINDS = {f'controller_{name}': f'{kind}_templates' for name, kind in (('templates', 'job'), ('workflows', 'workflow_job'))}
KINDS['controller_workflow_nodes'] = 'workflow_job_template_nodes'


# As the guide applies it, twice.

@pytest.fixture(scope='module')
def applied(process, tmp_path_factory):
    """The controller with what the guide's playbook makes: .controller, .runs, .first (what was stored then)."""
    folder = tmp_path_factory.mktemp('awx')
    shutil.copytree(DATA, folder, dirs_exist_ok=True)
    (folder / 'apply.yml').write_text(PLAYBOOK.replace('/artifacts', str(folder / 'artifacts')))
    with Controller(folder / 'project') as controller:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(('ANSIBLE_', 'CLOUDFLARE_', 'CONTROLLER_'))}
        environment |= process.environment | ansible_runs.WITH_COLLECTIONS | {
            'CONTROLLER_HOST': controller.url, 'CONTROLLER_OAUTH_TOKEN': controller.token,
            'SSL_CERT_FILE': os.devnull,  # spares reading all certificates for each request
        }
        runs, first = [], None
        for _run in range(2):
            runs.append(ansible_runs.run('ansible-playbook', 'apply.yml', env=environment, cwd=folder))
            first = first or copy.deepcopy((controller.objects, controller.surveys, controller.links))
        (folder / 'node').mkdir()
        inventory = Worker(controller, folder / 'project', folder / 'node').sync('inventory.yml')
        yield SimpleNamespace(controller=controller, runs=runs, first=first, folder=folder, inventory=inventory)


def test_the_modules_of_awx_make_it_without_a_word_of_warning(applied):
    for run in applied.runs:
        assert run.returncode == 0, run.stdout + run.stderr
        assert 'WARNING' not in run.stdout + run.stderr


def test_all_of_the_data_is_made(applied):
    data = yaml.safe_load((DATA / 'controller.yml').read_text().replace('!unsafe', ''))
    for variable, objects in data.items():
        kind = KINDS.get(variable, variable.removeprefix('controller_'))
        made = {name_of(obj) for obj in applied.controller.objects.get(kind, {}).values()}
        assert variable == 'controller_common' or made == {name_of(obj) for obj in objects}, variable
    templates = applied.controller.objects['job_templates']
    surveys = {template['playbook']: applied.controller.surveys.get(number) for number, template in templates.items()}
    without_survey = dict.fromkeys(['provision.yml', 'plan.yml', 'cross_connects.yml'])
    assert surveys == without_survey | {f'{name}.yml': survey for name, survey in SURVEYS.items()}


def test_a_second_run_changes_nothing(applied):
    assert ' changed=0 ' in applied.runs[1].stdout
    assert applied.first == (applied.controller.objects, applied.controller.surveys, applied.controller.links)


def test_no_secret_is_shown(applied, process):
    (credential,) = applied.controller.objects['credentials'].values()
    assert credential['inputs'] == {'account_id': process.account, 'api_token': process.token}
    assert [run for run in applied.runs if process.token in run.stdout + run.stderr] == []


def test_a_rollout_can_not_be_sliced_on_launch(applied):
    template = applied.controller.named('job_templates', 'CNI rollout')
    assert (template['job_slice_count'], template['ask_job_slice_count_on_launch']) == (1, False)


# As AWX runs it.

@pytest.fixture
def worker(applied, process, tmp_path):
    """Jobs and syncs of the controller, on an account with nothing in it. Who made the credential has named the simulator in it."""
    process.reset()
    (credential,) = applied.controller.objects['credentials'].values()
    credential['inputs']['api_url'] = process.url
    shutil.rmtree(applied.folder / 'artifacts', ignore_errors=True)
    worker = Worker(applied.controller, applied.folder / 'project', tmp_path)
    worker.account, worker.inventory = Account(process, tmp_path), applied.inventory
    worker.artifacts = applied.folder / 'artifacts'
    yield worker
    del credential['inputs']['api_url']


def test_inventory_syncs_get_what_is_wanted_and_what_is_there(worker):
    slot = free_slots(worker)[0]
    worker.account.seed('lon-1', slot, bgp={'customer_asn': 64496, 'extra_prefixes': []})
    desired, current = worker.inventory, worker.sync('cni.yml')
    assert set(desired['circuits']['hosts']) == {'nyc-1', 'nyc-2'}
    assert desired['circuits']['vars']['provision_routes'] == [{'prefix': '10.20.0.0/16'}]
    assert current['site_ewr_a']['hosts'] == ['lon-1']
    assert current['_meta']['hostvars']['lon-1']['cni_slot_id'] == slot


def test_a_launch_drops_what_nobody_asks_for_and_takes_a_blank_only_where_none_is_required(worker):
    inventory = worker.inventory
    job = worker.launch('CNI wait for Healthy', inventory, {'provision_name': 'nyc-9'}, tags='status', limit='nyc-1')
    assert (job.ignored, worker.account.remaining()[:2]) == ({'provision_name', 'tags'}, ([], []))
    with pytest.raises(ValueError, match='provision_hosts: too small'):
        worker.launch('CNI decommission', inventory, {'provision_hosts': ''})


@pytest.mark.parametrize('answer', ['', 'nyc-3'])
def test_a_decommissioning_that_deletes_nothing_fails(worker, answer):
    (question,) = worker.controller.surveys[worker.controller.named('job_templates', 'CNI decommission')['id']]['spec']
    worker.account.seed('nyc-1', free_slots(worker)[0])
    least = question.pop('min')
    try:
        job = worker.launch('CNI decommission', worker.inventory, {'provision_hosts': answer})
    finally:
        question['min'] = least
    assert (job.status != 0, set(worker.account.circuits())) == (True, {'nyc-1'})
    assert 'Name the circuits to delete' in job.output
    assert ('No host of this run matches nyc-3' in job.output) == (answer == 'nyc-3')


def test_a_pair_comes_to_lie_on_two_devices_though_an_inventory_has_no_order(worker):
    inventory = worker.inventory
    for run in ('backwards', 'and again'):
        job = worker.launch('CNI provision', inventory)
        assert job.status == 0, job.output
        devices = {name: circuit['interconnect']['ccr_device_name'] for name, circuit in worker.account.circuits().items()}
        assert (set(devices), len(set(devices.values()))) == ({'nyc-1', 'nyc-2'}, 2), run
    assert job.output.count('changed=0 ') == 2


def test_the_workflow_from_order_to_healthy(worker):
    provision, approval, wait = path(worker.controller, 'CNI from order to Healthy')
    assert approval == 'The cross-connects are installed'
    inventory = worker.inventory
    ordered = worker.launch(provision, inventory, limit='nyc-1')
    assert ordered.status == 0, ordered.output
    circuit = worker.account.circuits()['nyc-1']
    assert routes(worker) == {('10.20.0.0/16', circuit['cni']['cust_ip'].split('/')[0])}
    assert {file.name for file in worker.artifacts.iterdir()} == {'nyc-1-loa.pdf', 'nyc-1.json', 'nyc-1.md'}
    port = circuit['interconnect']['name']
    pending = worker.launch(wait, inventory, {'provision_wait_timeout': '1'}, limit='nyc-1')
    assert pending.status != 0
    assert f'Not Healthy yet: {port}' in pending.output
    worker.account.simulator.set_status(port, 'Healthy')
    healthy = worker.launch(wait, inventory, limit='nyc-1')
    assert healthy.status == 0, healthy.output
    status = worker.launch('CNI status', inventory, {'provision_wait_for': ['Healthy']})
    assert status.status == 0, status.output
    assert all(re.search(line, status.output) for line in ('nyc-1 .* Healthy', 'nyc-2 .* absent')), status.output
    assert [job for job in (ordered, pending, healthy, status) if worker.account.simulator.token in job.output] == []


def test_the_schedule_runs_the_cross_connects_and_the_job_fails_if_one_is_overdue(worker):
    schedule = worker.controller.named('schedules', 'CNI cross-connects each Monday')
    template = worker.controller.named('job_templates', 'CNI cross-connects')
    assert schedule['unified_job_template'] == template['id']
    assert worker.launch('CNI provision', worker.inventory, limit='nyc-1').status == 0
    job = worker.launch('CNI cross-connects', worker.inventory)
    assert job.status == 0, job.output
    assert (worker.artifacts / 'cross-connects' / 'cross-connects.csv').read_text().count('nyc-1-loa.pdf') == 2  # its name, and the step
    nyc_1 = worker.inventory['_meta']['hostvars'].setdefault('nyc-1', {})
    nyc_1['provision_cross_connect'] = {'ordered': '2026-01-02', 'ticket': 'NET-7'}
    try:
        late = worker.launch('CNI cross-connects', worker.inventory)
    finally:
        del nyc_1['provision_cross_connect']
    assert late.status != 0
    assert 'Overdue: nyc-1 (' in late.output and 'was due on 2026-01-30' in late.output


def test_the_workflow_of_a_change_with_approval(worker):
    plan, approval, apply = path(worker.controller, 'CNI change with approval')
    assert approval == 'The plan is approved'
    shown = worker.launch(plan, worker.inventory, limit='nyc-1')
    assert (shown.status, worker.account.circuits(), '| create interconnect (10G, ewr-a, ' in shown.output) == (0, {}, True), shown.output
    assert re.fullmatch(r'plan1-[0-9a-f]{8}(-[0-9a-f]{16})+', shown.artifacts['provision_approved_plan'])
    for name in ('nyc-2', 'nyc-1'):
        done = worker.launch(apply, worker.inventory, artifacts=shown.artifacts, limit=name)
        assert (done.status == 0, done.ignored) == (name == 'nyc-1', set()), done.output
    assert set(worker.account.circuits()) == {'nyc-1'}


def test_slices_of_a_rollout_come_to_the_same_as_the_whole_but_must_not_override(worker):
    slots = free_slots(worker)[:4]
    hosts = {f'nyc-{number}': {'provision_slot_id': slot} for number, slot in enumerate(slots, 1)}
    inventory = {'circuits': {'hosts': list(hosts)}, '_meta': {'hostvars': hosts}}

    with ThreadPoolExecutor() as pool:
        jobs = pool.map(lambda number: worker.launch('CNI rollout', inventory, part=(number, 2)), (1, 2))
        assert [job.status for job in jobs] == [0, 0]
    made = {name: {'provision_slot_id': circuit['interconnect']['slot_id']} for name, circuit in worker.account.circuits().items()}
    assert made == hosts
    before = worker.account.simulator.state()
    whole = worker.launch('CNI rollout', inventory, {'rollout_state': 'overridden'})
    assert whole.status == 0, whole.output
    assert len(re.findall(r'^nyc-\d +unchanged ', whole.output, re.MULTILINE)) == 4
    refused = worker.launch('CNI rollout', inventory, {'rollout_state': 'overridden'}, (2, 2))
    assert refused.status != 0
    assert 'max_deletes' in refused.output
    assert worker.account.simulator.state() == before


ANSWERS = {'provision_name': 'nyc-9', 'provision_slot_site': 'ewr-a', 'provision_slot_speed': '10G'}
WITH_BGP = {'provision_bgp_customer_asn': '64496', 'provision_bgp_extra_prefixes': '203.0.113.0/24\n198.51.100.0/24'}


def test_one_circuit_from_a_survey_with_blanks(worker):
    blanks = {question['variable']: '' for question in SURVEYS['circuit']['spec']} | ANSWERS
    job = worker.launch('CNI circuit', worker.inventory, blanks | {'provision_routes_prefix': '10.20.0.0/16\n10.30.0.0/16'})
    assert job.status == 0, job.output
    cni = worker.account.circuits()['nyc-9']['cni']
    assert routes(worker) == {(prefix, cni['cust_ip'].split('/')[0]) for prefix in ('10.20.0.0/16', '10.30.0.0/16')}
    assert not cni.get('bgp')
    job = worker.launch('CNI circuit', worker.inventory, blanks | WITH_BGP)
    assert job.status == 0, job.output
    circuits = worker.account.circuits()
    assert (set(circuits), len(routes(worker))) == ({'nyc-9'}, 2)
    bgp = circuits['nyc-9']['cni']['bgp']
    assert (bgp['customer_asn'], set(bgp['extra_prefixes'])) == (64496, {'203.0.113.0/24', '198.51.100.0/24'})
    assert circuits['nyc-9']['interconnect']['site'] == 'ewr-a'


PLAIN = {'provision_bgp_md5_key': '0123456', 'provision_description': '0042', 'provision_loa_name': '1.10'}
# As texts these would be refused too, by what they ask for.
ODD = {'provision_name': 'no', 'provision_slot_site': '2026-11-24', 'provision_slot_speed': '10', 'provision_slot_facility': '0',
       'provision_slot_diverse_from': '7', 'provision_bgp_extra_prefixes': '10', 'provision_routes_prefix': '10'}


def test_an_answer_of_digits_is_stored_as_it_is_or_refused_by_name(worker):
    """ansible-core 2.19 and newer make numbers, booleans and dates of them."""
    kept = Version(ansible_version) < Version('2.19')
    answers = PLAIN if kept else PLAIN | ODD
    job = worker.launch('CNI circuit', worker.inventory, ANSWERS | WITH_BGP | answers)
    assert (job.status == 0) == kept, job.output
    stored = [(circuit['cni']['bgp']['md5_key'], circuit['cni']['magic']['description']) for circuit in worker.account.circuits().values()]
    assert stored == ([('0123456', '0042')] if kept else [])
    assert kept or [name for name in answers if not re.search(rf'{name}\b', job.output)] == [], job.output
    assert not {'0123456', '42798'} & set(re.findall(r'\d+', job.output))


def routes(worker: Worker) -> set[tuple[str, str]]:
    """(prefix, next hop) of the static routes of the account."""
    return {(route['prefix'], route['nexthop']) for route in worker.account.simulator.state()['routes']}


def free_slots(worker: Worker) -> list[str]:
    """The ids of the slots at ewr-a that can be ordered."""
    return [slot['id'] for slot in worker.account.simulator.state()['slots'] if slot['site'] == 'ewr-a' and not slot['occupied']]


def name_of(obj: dict) -> str:
    """What an object is found by."""
    return obj.get('name') or obj['identifier']


def path(controller: Controller, workflow: str) -> list[str]:
    """What the workflow runs, in its order."""
    ident = controller.named('workflow_job_templates', workflow)['id']
    nodes = {number: node for number, node in controller.objects['workflow_job_template_nodes'].items()
             if node['workflow_job_template'] == ident}
    following = {number: controller.links.get((number, 'success_nodes'), []) for number in nodes}
    targets = controller.objects['job_templates'] | controller.objects['workflow_approval_templates']
    here, steps = set(nodes) - {number for numbers in following.values() for number in numbers}, []
    while here:
        (node,) = here
        steps.append(targets[nodes[node]['unified_job_template']]['name'])
        here = set(following[node])
    return steps
