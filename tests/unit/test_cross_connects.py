# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cross-connects: who has to act, what is late, and the texts of that. Pure functions."""

from __future__ import annotations

import csv
import io
import json

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.netops.cloudflare_cni.plugins.filter.cross_connects import cross_connects

TODAY = '2026-11-23'
HOSTILE = '=1+1|<script>*x*</script>\n# a heading'


def circuit(name: str = 'nyc-1', port: str = 'ewr-a-icon-1', state: str = 'Pending', made: str | None = '2026-11-02', **fields) -> dict:
    """A circuit as the filter overview returns it."""
    return {'name': name, 'interconnect': port, 'state': state, 'reason': '', 'made': made, 'spare': False, 'type': 'direct',
            'site': 'ewr-a', 'facility': 'Equinix NY1', 'address': ['165 Halsey Street', 'Newark'], 'device': 'edge01.ewr-a',
            'slot_id': 'slot-1', 'speed': '10G', **fields}


def record(name: str = 'nyc-1', port: str = 'ewr-a-icon-1', fetched: str = '2026-11-02T09:15:00Z') -> str:
    loa = {'interconnect': port, 'name': None, 'sha256': 'x', 'fetched': fetched}
    return json.dumps({'format': 1, 'name': name, 'interconnect': {'name': port}, 'loa': loa})


def found(circuits: list[dict], hosts: dict[str, dict] | None = None, records: tuple = (record(),), loas: tuple = ('/a/nyc-1-loa.pdf',),
          today: str = TODAY, overdue_days: int = 28) -> dict:
    """What the filter makes of it. hosts: {host: its variables without the prefix}, of which each has its files in /a."""
    hosts = {'nyc-1': {}} if hosts is None else hosts
    hostvars = {host: {'provision_artifacts_dir': '/a', **{f'provision_{name}': value for name, value in kept.items()}}
                for host, kept in hosts.items()}
    return cross_connects({'circuits': circuits}, list(hosts), hostvars, records, loas, today, overdue_days)


def row(state: str = 'Pending', kept: dict | None = None, has_loa: bool = True, **arguments) -> dict:
    """The only row, of a host that keeps this of its cross-connect."""
    fields = {name: arguments.pop(name) for name in ('made', 'reason', 'facility') if name in arguments}
    (row,) = found([circuit(state=state, **fields)], {'nyc-1': {'cross_connect': kept or {}, **arguments.pop('variables', {})}},
                   loas=('/a/nyc-1-loa.pdf',) if has_loa else (), **arguments)['rows']
    return row


# Whose turn it is.

ORDERED = {'ordered': '2026-11-02', 'ticket': 'NET-7'}


@pytest.mark.parametrize(('state', 'kept', 'has_loa', 'waits_for', 'next_step'), [
    ('Pending', {}, False, 'you', 'fetch the LOA with the playbook provision'),
    ('Pending', {}, True, 'you', 'order the cross-connect, attach nyc-1-loa.pdf'),
    ('Pending', {'patch_panel': 'rack 12'}, True, 'you', 'order the cross-connect, attach nyc-1-loa.pdf'),
    ('Pending', ORDERED, True, 'data centre', 'install the cross-connect'),
    ('Pending', {'ticket': 'NET-7'}, False, 'data centre', 'install the cross-connect'),
    ('Pending', {'id': 'XC-7'}, True, 'data centre', 'install the cross-connect'),
    ('Pending', {'id': 'XC-7', 'installed': '2026-11-20'}, True, 'you',
     'installed on 2026-11-20, no light: check polarity, patch position, connectors and optic'),
    ('Pending', {**ORDERED, 'installed': '2026-11-20'}, True, 'you',
     'installed on 2026-11-20, no light: check polarity, patch position, connectors and optic'),
    ('Unhealthy', ORDERED, True, 'you', 'the port is Unhealthy: check light level, fibre and optic'),
    ('Down', {}, True, 'you', 'the port is Down: check light level, fibre and optic'),
    ('Unknown', ORDERED, True, 'you', 'Cloudflare reported no status: run this again'),
    ('Healthy', ORDERED, True, 'you', 'close ticket NET-7'),
    ('Healthy', {'ordered': '2026-11-02', 'installed': '2026-11-20'}, True, 'nobody', 'nothing to do'),
    ('Healthy', {'id': 'XC-7'}, True, 'nobody', 'nothing to do'),
    ('Healthy', {}, False, 'nobody', 'nothing to do'),
])
def test_whose_turn_it_is(state, kept, has_loa, waits_for, next_step):
    shown = row(state, kept, has_loa)
    assert (shown['waits_for'], shown['next_step'], shown['now']) == (waits_for, next_step, next_step)


@pytest.mark.parametrize(('today', 'kept', 'made', 'days', 'now'), [
    ('2026-11-30', ORDERED, '2026-10-01', 28, 'install the cross-connect'),
    ('2026-12-01', ORDERED, '2026-10-01', 29, 'was due on 2026-11-30: escalate ticket NET-7'),
    ('2026-12-01', {'ordered': '2026-11-02'}, None, 29, 'was due on 2026-11-30: escalate'),
    ('2026-12-01', {**ORDERED, 'id': 'XC-7'}, None, 29, 'was due on 2026-11-30: escalate ticket NET-7'),
    ('2026-10-30', {'id': 'XC-7'}, '2026-10-01', 29, 'was due on 2026-10-29: escalate cross-connect XC-7'),
    ('2026-10-29', {}, '2026-10-01', 28, 'order the cross-connect, attach nyc-1-loa.pdf'),
    ('2026-10-30', {}, '2026-10-01', 29, 'was due on 2026-10-29: order the cross-connect, attach nyc-1-loa.pdf'),
    ('2027-10-30', {}, None, None, 'order the cross-connect, attach nyc-1-loa.pdf'),  # since when is not known
    ('2026-09-30', {}, '2026-10-01', 0, 'order the cross-connect, attach nyc-1-loa.pdf'),  # a clock that is late
])
def test_what_is_overdue_counts_from_its_order_or_from_the_port(today, kept, made, days, now):
    shown = row(kept=kept, made=made, today=today)
    assert (shown['days'], shown['overdue'], shown['now']) == (days, 'was due' in now, now)


def test_the_user_says_how_long_it_may_take():
    assert row(kept=ORDERED, today='2026-11-10', overdue_days=7)['overdue']
    assert not row('Healthy', ORDERED, today='2027-11-10', overdue_days=7)['overdue']


@pytest.mark.parametrize(('max_age', 'kept', 'now'), [
    (None, {}, 'order the cross-connect, attach nyc-1-loa.pdf'),
    ('21', {}, 'order the cross-connect, attach nyc-1-loa.pdf'),
    ('20', {}, 'the LOA is too old, fetch it again: order the cross-connect, attach nyc-1-loa.pdf'),
    (20, ORDERED, 'the LOA is too old, fetch it again: install the cross-connect'),
    (20, {**ORDERED, 'installed': '2026-11-20'}, 'installed on 2026-11-20, no light: check polarity, patch position, connectors and optic'),
])
def test_an_old_loa(max_age, kept, now):
    shown = row(kept=kept, variables={'loa_max_age': max_age})
    assert (shown['loa_days'], shown['now']) == (21, now)
    assert shown['loa_renew_after'] == (max_age and f'2026-11-{2 + int(max_age)}')


@pytest.mark.parametrize('text', [record(port='ewr-a-icon-other'), '[]', 'no JSON', '"x"'])
def test_a_loa_of_another_port_is_none(text):
    (shown,) = found([circuit()], records=(text,))['rows']
    assert (shown['loa'], shown['step']) == (None, 'fetch_loa')


# Which rows there are.

def test_a_port_without_a_cni_is_that_of_its_record_and_one_that_is_not_ordered_is_shown():
    spare = circuit('ewr-a-icon-1', spare=True)
    result = found([spare], {'nyc-1': {}, 'nyc-9': {}})
    assert [(shown['circuit'], shown['interconnect'], shown['state'], shown['next_step']) for shown in result['rows']] == [
        ('nyc-9', None, 'absent', 'order the port with the playbook provision'),
        ('nyc-1', 'ewr-a-icon-1', 'Pending', 'order the cross-connect, attach nyc-1-loa.pdf')]
    assert [file['name'] for file in result['files']] == ['Equinix NY1.md', 'cross-connects.csv']


def test_circuits_on_one_port_have_one_cross_connect():
    hosts = {'nyc-1': {'cross_connect': {'provider': 'Equinix'}}, 'nyc-2': {'cross_connect': ORDERED}}
    (shown,) = found([circuit(), circuit('nyc-2')], hosts)['rows']
    assert (shown['circuit'], shown['loa'], shown['provider'], shown['next_step']) == (
        'nyc-1, nyc-2', 'nyc-1-loa.pdf', 'Equinix', 'install the cross-connect')


def test_what_has_no_cross_connect_has_no_row():
    hosts = {'gcp-1': {}, 'gcp-2': {'type': 'gcp_partner'}, 'old': {'state': 'absent'}, 'icon': {'state': 'spare'}}
    result = found([circuit('gcp-1', type='gcp_partner'), circuit('old', 'x')], hosts)
    assert (result['rows'], result['table'], result['overdue']) == ([], ['No circuit has a cross-connect.'], '')


def test_the_worst_comes_first():
    circuits = [circuit(name, f'icon-{name}', state, made) for name, state, made in (
        ('done', 'Healthy', '2026-01-01'), ('waits', 'Pending', '2026-11-01'), ('late', 'Pending', '2026-10-01'),
        ('later', 'Pending', '2026-09-01'), ('dark', 'Pending', '2026-11-20'), ('lost', 'Down', '2026-01-01'),
        ('up', 'Healthy', '2026-11-01'))]
    kept = {'waits': ORDERED, 'dark': {'installed': '2026-11-22'}, 'up': {'ticket': 'NET-1'}, 'late': {'ticket': 'NET-2'}}
    result = found(circuits, {circuit['name']: {'cross_connect': kept.get(circuit['name'], {})} for circuit in circuits})
    assert [shown['circuit'] for shown in result['rows']] == ['lost', 'later', 'late', 'dark', 'waits', 'up', 'done']
    assert result['overdue'] == 'later (Equinix NY1, was due on 2026-09-29), late (Equinix NY1, was due on 2026-10-29)'
    assert result['table'][-1] == 'Cross-connects: 7. Waiting for you: 4, for the data centre: 2, for nobody: 1. Overdue: 2.'


# Variables.

@pytest.mark.parametrize(('variables', 'words'), [
    ({'cross_connect': {'ordered': 'Monday'}}, r"^nyc-1: provision_cross_connect\.ordered: 'Monday' is not valid. Allowed: a date such as"),
    ({'cross_connect': {'installed': 7}}, r'^nyc-1: provision_cross_connect\.installed: 7 is not valid'),
    ({'cross_connect': {'ticket': 42798}}, r'^nyc-1: provision_cross_connect\.ticket: each of these must be text'),
    ({'cross_connect': {'tickte': 'x'}}, r'^nyc-1: provision_cross_connect: unknown option provision_cross_connect\.tickte'),
    ({'cross_conect': {}}, r'^nyc-1: provision_cross_conect: unknown variable. Did you mean provision_cross_connect\?'),
])
def test_a_wrong_variable_is_named(variables, words):
    with pytest.raises(AnsibleFilterError, match=words):
        found([circuit()], {'nyc-1': variables})


def test_a_variable_that_does_not_count_here_is_not_read():
    class Variables(dict):
        def __getitem__(self, name):
            assert 'api_token' not in name
            return super().__getitem__(name)

    hostvars = {'nyc-1': Variables(provision_artifacts_dir='/a', provision_api_token='{{ vault }}')}
    (shown,) = cross_connects({'circuits': [circuit()]}, ['nyc-1'], hostvars, [record()], ['/a/nyc-1-loa.pdf'], TODAY)['rows']
    assert shown['step'] == 'order'


# Files.

def files(circuits: list[dict], hosts: dict[str, dict], **arguments) -> dict[str, str]:
    return {file['name']: file['content'] for file in found(circuits, hosts, **arguments)['files']}


def test_the_text_for_a_data_centre_has_what_is_open_there_and_only_what_is_known():
    circuits = [circuit(), circuit('nyc-2', 'icon-2', 'Healthy'), circuit('lon-1', 'icon-3', facility='Telehouse', device=None)]
    hosts = {'nyc-1': {'cross_connect': {'patch_panel': 'rack 12'}}, 'nyc-2': {}, 'lon-1': {'cross_connect': {**ORDERED, 'id': 'XC-7'}}}
    made = files(circuits, hosts)
    assert list(made) == ['Equinix NY1.md', 'Telehouse.md', 'cross-connects.csv']
    newark, london = made['Equinix NY1.md'], made['Telehouse.md']
    assert newark.startswith('# Cross-connects to Cloudflare at Equinix NY1\n\n165 Halsey Street, Newark\n\n## To be installed\n')
    assert '| A side, ours | rack 12 |\n| Z side, Cloudflare | edge01.ewr-a, panel and port as on the LOA |\n' in newark
    assert '| LOA | nyc-1-loa.pdf, of 2026-11-02 |' in newark
    assert 'nyc-2' not in newark and 'Cross-connect ID' not in newark and '| Cross-connect ID | XC-7 |\n' in london
    assert '## Ordered, not installed yet' in london and '| Z side, Cloudflare | panel and port as on the LOA |' in london
    assert '| A side, ours | (fill in: rack, panel, port) |' in london and '| LOA |' not in london and 'None' not in london


def test_a_data_centre_with_nothing_to_do_gets_a_text_that_says_so():
    made = files([circuit(state='Healthy')], {'nyc-1': {'cross_connect': ORDERED}})
    assert made['Equinix NY1.md'].endswith('\n\nThere is nothing to do for the data centre.\n')


def test_the_files_are_the_same_on_any_day():
    circuits = [circuit(), circuit('nyc-2', 'icon-2')]
    hosts = {'nyc-1': {'loa_max_age': 10}, 'nyc-2': {'cross_connect': ORDERED}}
    assert files(circuits, hosts, today='2026-11-03') == files(circuits, hosts, today='2028-02-29')


@pytest.mark.parametrize('facility', ['../../etc/cron.d/x', '.', '..', '.hidden', 'a/b', '~root', 'a\\b', 'a\0b', 'São Paulo', '\ud800'])
def test_a_facility_leads_out_of_no_folder(facility):
    name, _csv = files([circuit(facility=facility)], {'nyc-1': {}})
    assert not set(name) & {'/', '\\', '\0', '~'} and name[0] != '.' and name.endswith('.md')


@pytest.mark.parametrize('text', ['=1+1', '+1', '-1', '@SUM(A1)', ' =1', '\t=1', '\n=1', '\uff1d1'])
def test_no_cell_is_a_formula(text):
    kept = {'ticket': text, 'provider': text, 'patch_panel': text, 'id': text}
    made = files([circuit(text, facility=text, device=text)], {'x': {'name': text, 'cross_connect': kept}})
    (shown,) = csv.DictReader(io.StringIO(made['cross-connects.csv']))
    cell = f"'{text.strip()}"
    columns = ('circuit', 'facility', 'device', 'ticket', 'provider', 'patch_panel', 'cross_connect_id')
    assert [shown[name] for name in columns] == [cell] * len(columns)
    assert not any(value[:1] in ('=', '+', '-', '@') for value in shown.values())


def test_names_are_no_markup_and_no_lines():
    kept = {'ticket': HOSTILE, 'provider': HOSTILE, 'patch_panel': HOSTILE, 'id': HOSTILE}
    made = files([circuit(HOSTILE, facility=HOSTILE, reason=HOSTILE, state='Down')], {'x': {'name': HOSTILE, 'cross_connect': kept}})
    text = next(iter(made.values()))
    assert '<script>' not in text and '\n# a' not in text and '*x*' not in text.replace('\\*', '')
    assert {line.count('|') for line in text.splitlines() if line.startswith('|')} == {3}
    assert len(made['cross-connects.csv'].splitlines()) == 2


def test_a_row_of_the_table_is_a_line():
    lines = found([circuit(HOSTILE)], {'x': {'name': HOSTILE}})['table']
    assert len(lines) == 4 and not any('\n' in line for line in lines)
