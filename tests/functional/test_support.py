# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook support_bundle, and go or no go by the playbook status, on an account where something is wrong."""

from __future__ import annotations

import io
import json
import re
import stat
import tarfile

import pytest
from support.overviews import HOSTILE
from support.playbook import Account

MD5_KEY = 'planted 4711'  # no word in its line shows that it is a key
ANNOUNCED = 'Maintenance of {} is scheduled.'


@pytest.fixture
def account(simulator, tmp_path):
    """A pair, of which the first is down and has an MD5 key, and a policy for each kind of alert."""
    account = Account(simulator, tmp_path)
    free = {slot['ccr_device_name']: slot['id'] for slot in simulator.state()['slots'] if not slot['occupied']}
    down = account.seed('nyc-1', free['edge01.ewr-a'], bgp={'customer_asn': 64496, 'extra_prefixes': [], 'md5_key': MD5_KEY})
    simulator.set_status(down, 'Down', 'no light')
    simulator.set_status(account.seed('nyc-2', free['edge02.ewr-a']), 'Healthy')
    simulator.seed(policies=[
        {'id': kind[:32], 'name': kind, 'description': '', 'enabled': True, 'alert_type': kind, 'filters': {},
         'created': '2026-11-01T00:00:00Z', 'modified': '2026-11-01T00:00:00Z',
         'mechanisms': {'email': [{'id': 'noc@example.com'}, {'id': 'night@example.com'}]}}
        for kind in ('magic_wan_tunnel_health', 'cni_maintenance_notification')])
    return account


def bundle(account: Account, name: str) -> tuple[str, dict[str, str]]:
    """The Markdown, and the files of the archive."""
    with tarfile.open(account.folder / 'support' / f'{name}.tar.gz') as archive:
        files = {member.name: archive.extractfile(member).read().decode() for member in archive.getmembers()}
    return (account.folder / 'support' / f'{name}.md').read_text(), files


def test_a_bundle_has_what_the_support_asks_for(account):
    simulator, circuit = account.simulator, account.circuits()['nyc-1']
    port = circuit['interconnect']['name']
    simulator.alert('magic_wan_tunnel_health', f'Tunnel {port} is down', sent=None)
    simulator.alert('magic_wan_tunnel_health', 'Tunnel another-icon is down')
    account.play('status', {'nyc-1': {}}, '-e', f'provision_metrics={account.folder}/cni.prom', '-e', 'read_at=1000000000')
    (account.folder / 'counters.txt').write_text(f'Ethernet1 is up\n  17 CRC errors\n  neighbor password 7 0822455D\n  {MD5_KEY}\n')
    router = [{'name': 'traceroute', 'text': '1  * * *'}, {'name': 'counters', 'path': str(account.folder / 'counters.txt')}]
    variables = {'support_router': router, 'support_cf_rays': ['8f1d2c3b4a596877-EWR'], 'provision_metrics': f'{account.folder}/cni.prom'}
    run = account.play('support_bundle', {'nyc-1': {}, 'nyc-2': {}}, '--limit', 'nyc-1', '-e', json.dumps(variables))
    assert (run.status, run.changed, run.writes) == (0, {('Write the support bundle', 'nyc-1')}, []), run.output
    text, files = bundle(account, 'nyc-1')
    assert files['nyc-1/bundle.md'] == text
    assert len(re.findall(rf'Tunnel {port} is down', text)) == 2  # in the timeline and in the table, though it was sent to two
    for shown in (f'| Customer address | {circuit["cni"]["cust_ip"]} |', '| Status | Down, no light |', f'| Interconnect | {port} |',
                  '2001-09-09T01:46:40Z | A run of the playbook status first saw the state Down', '17 CRC errors', '8f1d2c3b4a596877-EWR'):
        assert shown in text
    rays = re.findall(r'\| (\S+(?: \S+)?) \| 200 \| (\S+) \|', text)
    assert [part for part, _ray in rays] == ['CNIs', 'interconnects', 'health checks', 'static routes', 'status', 'alerts']
    assert len({ray for _part, ray in rays}) == 6
    assert [hidden for hidden in (MD5_KEY, '0822455D', 'another-icon', '@example.com', simulator.token)
            if hidden in text + ''.join(files.values()) + run.output] == []
    assert {stat.S_IMODE((account.folder / 'support' / f'nyc-1{ending}').stat().st_mode) for ending in ('.md', '.tar.gz')} == {0o600}


def test_a_bundle_is_written_where_reads_fail(account):
    account.simulator.fault('status', path='/(status|cf_interconnects|history)$', status=403, times=None,
                            body={'success': False, 'errors': [{'code': 10000, 'message': 'Authentication error'}]})
    run = account.play('support_bundle', {'nyc-1': {}})
    assert run.status == 0, run.output
    text, _files = bundle(account, 'nyc-1')
    assert '| Status | unknown |' in text and '| Tunnel name | unknown |' in text
    unknown = text.partition('## Not known')[2].partition('## ')[0]
    assert [line.partition(':')[0] for line in unknown.splitlines() if 'HTTP 403' in line] == ['- health checks', '- status', '- alerts']
    assert '[WARNING]: status: GET /cni/interconnects/' in run.output
    assert text.count('| 403 |') == 3


def test_a_bundle_is_written_and_the_task_fails_where_every_read_fails(account):
    account.hand_over('nyc-1', account.files / 'nyc-1.json')
    record = json.loads((account.files / 'nyc-1.json').read_text())
    (account.files / 'nyc-1.json').write_text(json.dumps({**record, 'interconnect': {'name': 'ewr-a-icon-0001'}}))
    account.simulator.fault('status', status=403, times=None, body={'success': False, 'errors': [{'code': 10000, 'message': 'no'}]})
    run = account.play('support_bundle', {'nyc-1': {}})
    assert run.status == 2 and 'HTTP 403' in run.output
    assert '| Interconnect | ewr-a-icon-0001 |' in bundle(account, 'nyc-1')[0]  # by its record


def test_a_circuit_of_a_hostile_name_has_a_bundle(account):
    free = next(slot['id'] for slot in account.simulator.state()['slots'] if not slot['occupied'])
    account.seed(HOSTILE, free)
    run = account.play('support_bundle', {'odd': {'provision_name': f'!unsafe {HOSTILE}'}})
    assert run.status == 0, run.output
    assert len(list((account.folder / 'support').iterdir())) == 2
    (archive,) = (account.folder / 'support').glob('*.tar.gz')
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as opened:
        assert {name.count('/') for name in opened.getnames()} == {1}


# Go or no go, by the playbook status.

@pytest.mark.parametrize(('change', 'status', 'text'), [
    ('nyc-2', 2, 'no go: others at site ewr-a do not carry its traffic: nyc-1 (Down).'),
    ('nyc-1', 0, 'go: nyc-1 is Down, so it carries no traffic.'),
])
def test_the_last_line_says_go_or_no_go(account, change, status, text):
    run = account.play('status', {'nyc-1': {}}, '-e', f'provision_change={change}')
    assert (run.status, run.writes) == (status, []), run.output
    assert f'"msg": "{text}"' in run.output
    assert 'history' not in str([request['path'] for request in run.sent])


@pytest.mark.parametrize('named', [{'provision_under_maintenance': 'nyc-2'}, {'provision_maintenance_days': 3}])
def test_a_pair_of_which_one_is_under_maintenance_is_not_redundant(account, named):
    account.simulator.set_status(account.circuits()['nyc-1']['interconnect']['name'], 'Healthy')
    account.simulator.alert('cni_maintenance_notification', ANNOUNCED.format('edge02.ewr-a'))
    variables = {'provision_change': 'nyc-1', 'provision_expect': [{'site': 'ewr-a', 'healthy': 1}]}
    before = account.play('status', {'nyc-1': {}, 'nyc-2': {}}, '-e', json.dumps(variables))
    assert (before.status, 'go: nyc-2 at site ewr-a is Healthy.' in before.output) == (0, True), before.output
    run = account.play('status', {'nyc-1': {}, 'nyc-2': {}}, '-e', json.dumps({**variables, **named}))
    assert run.status == 2
    assert '"msg": "no go: others at site ewr-a do not carry its traffic: nyc-2 (under maintenance)."' in run.output
    assert (ANNOUNCED.format('edge02.ewr-a') in run.output) == ('provision_maintenance_days' in named)


WRONG = {  # {playbook: variables of a wrong type}
    'status': ({'provision_report': ['x'], 'provision_what_if': ['x'], 'provision_must_survive': {'a': 1}, 'provision_commit_rates': [1],
                'provision_report_mode': True, 'provision_wait_timeout': 'soon', 'provision_expect': [{'site': 'ewr-a', 'healthy': 'two'}]},
               ('provision_report: must be a path; it was a list.', 'provision_what_if: must be true or false; it was a list.',
                'provision_must_survive: must be a list; it was a dictionary.', 'provision_report_mode: must be text; it was true.',
                'provision_commit_rates: must be a dictionary such as {nyc-1: 3G}; it was a list.',
                "provision_wait_timeout: must be a whole number; it was 'soon'.",
                "provision_expect[0].healthy: must be a whole number; it was 'two'.")),
    'cross_connects': ({'provision_overdue_days': 'soon', 'provision_cross_connects_dir': ['x']},
                       ("provision_overdue_days: must be a whole number; it was 'soon'.",
                        'provision_cross_connects_dir: must be a path; it was a list.')),
    'support_bundle': ({'support_dir': ['x'], 'support_router': ['x'], 'support_cf_rays': True},
                       ('support_dir: must be a path; it was a list.', 'support_cf_rays: must be a list; it was true.',
                        "support_router[0]: must be a dictionary such as {name: show bgp, path: bgp.txt}; it was 'x'.")),
    'preflight': ({'preflight_compare': ['x'], 'preflight_profile': ['x']},
                  ('preflight_compare: must be a path; it was a list.', 'preflight_profile: must be a path; it was a list.')),
    'provision': ({'provision_serial': True}, ('provision_serial: True is not valid.',)),
}


@pytest.mark.parametrize('playbook', WRONG)
def test_a_variable_of_a_wrong_type_is_refused_by_name_before_anything_is_sent_or_written(account, playbook):
    variables, says = WRONG[playbook]
    run = account.play(playbook, {'nyc-1': {}}, '-e', json.dumps(variables))
    assert (run.status, run.sent, [text for text in says if text not in run.output]) == (2, [], []), run.output
    assert [path.name for path in account.folder.iterdir()] == ['inventory.yml']


@pytest.mark.parametrize('playbook', ['status', 'cross_connects'])
def test_a_name_of_a_wrong_type_is_refused_with_its_host(account, playbook):
    run = account.play(playbook, {'nyc-1': {}, 'nyc-2': {'provision_name': ['x']}})
    assert run.status == 2 and run.sent == [] and 'nyc-2: provision_name: must be text; it was a list.' in run.output, run.output
