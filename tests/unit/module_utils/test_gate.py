# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which circuits are under maintenance by what alerts say, and go or no go for a change."""

from __future__ import annotations

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._gate import (
    announced_maintenance,
    change_verdict,
    interconnects_at_site_of,
    named_maintenance,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._ownership import CIRCUIT_NAME

from .test_plan import cni, direct, gcp, snapshot

# A pair in Newark, one circuit in London, one in a region; a port of Newark without a circuit, and one with two circuits in Paris.
PORTS = [direct('ewr-a-icon-1', 1), direct('ewr-a-icon-2', 2, device='edge02.ewr-a'), gcp('gcp-icon'),
         direct('lhr-a-icon-1', 3, 'lhr-a', device='edge01.lhr-a'), direct('ewr-a-icon-3', 4, device='edge03.ewr-a'),
         direct('cdg-a-icon-1', 5, 'cdg-a', device='edge01.cdg-a')]
CNIS = [cni(1, 'nyc-1', 'ewr-a-icon-1'), cni(2, 'nyc-2', 'ewr-a-icon-2'), cni(3, 'lon-1', 'lhr-a-icon-1'), cni(4, 'gcp-1', 'gcp-icon'),
        cni(5, 'par-1', 'cdg-a-icon-1'), cni(6, 'par-2', 'cdg-a-icon-1')]
ACCOUNT = snapshot(interconnects=PORTS, cnis=CNIS)
STATES = {port['name']: 'Healthy' for port in PORTS}
NEWARK = ['ewr-a-icon-1', 'ewr-a-icon-2', 'ewr-a-icon-3']


def announcement(text, sent='2026-11-02T09:30:00Z', kind='cni_maintenance_notification'):
    return {'alert_type': kind, 'alert_body': text, 'sent': sent}


# Maintenance.

@pytest.mark.parametrize(('text', 'ports'), [
    ('Maintenance of nyc-1 is scheduled.', NEWARK[:1]),
    ('Interconnect ewr-a-icon-2: maintenance.', NEWARK[1:2]),
    ('Router edge02.ewr-a will be upgraded.', NEWARK[1:2]),  # and not the site, though its name is in that of the device
    ('The data centre ewr-a', NEWARK),
    ('Maintenance in Newark (EWR)', NEWARK),
    ('London LHR, Paris CDG', ['lhr-a-icon-1', 'cdg-a-icon-1']),
    ('our new tower', []),  # no airport in lower case
    ('nyc-10, nyc-1-old, xnyc-1 and ewr-a-icon-22', []),
    ('Everything', []),
    (None, []),
])
def test_an_announcement_is_of_what_its_text_names(text, ports):
    assert list(announced_maintenance([announcement(text)], ACCOUNT)) == ports


def test_other_alerts_announce_none():
    assert announced_maintenance([announcement('nyc-1 is down', kind='magic_wan_tunnel_health')], ACCOUNT) == {}
    assert list(announced_maintenance([announcement('nyc-1', kind='maintenance_event_notification')], ACCOUNT)) == NEWARK[:1]


@pytest.mark.parametrize(('texts', 'announced'), [
    (['nyc-1 on Tuesday', 'nyc-1 Canceled'], None),
    (['nyc-1 cancelled', 'nyc-1 on Friday'], 'nyc-1 on Friday'),
    (['nyc-1 on Tuesday', 'nyc-1 Changed: on Friday'], 'nyc-1 Changed: on Friday'),
    (['nyc-1 on Tuesday', 'nyc-2 Canceled'], 'nyc-1 on Tuesday'),
])
def test_the_newest_announcement_of_a_circuit_counts(texts, announced):
    alerts = [announcement(text, f'2026-11-0{day}T09:30:00Z') for day, text in enumerate(texts, 1)]
    for order in (alerts, alerts[::-1]):
        found = announced_maintenance(order, ACCOUNT)
        assert (found['ewr-a-icon-1']['text'] if 'ewr-a-icon-1' in found else None) == announced


def test_the_user_names_circuits_and_interconnects():
    assert list(named_maintenance('under_maintenance', ['par-2', 'ewr-a-icon-3', 'par-1'], ACCOUNT)) == ['cdg-a-icon-1', 'ewr-a-icon-3']


# Go or no go.

@pytest.mark.parametrize(('circuit', 'states', 'maintained', 'text'), [
    ('nyc-1', {}, [], 'go: nyc-2 at site ewr-a is Healthy'),
    ('nyc-1', {'ewr-a-icon-2': 'Down'}, [], 'no go: others at site ewr-a do not carry its traffic: nyc-2 (Down)'),
    ('nyc-1', {'ewr-a-icon-2': 'Pending'}, [], 'no go: others at site ewr-a do not carry its traffic: nyc-2 (Pending)'),
    ('nyc-1', {'ewr-a-icon-2': None}, [], 'no go: others at site ewr-a do not carry its traffic: nyc-2 (no status)'),
    ('nyc-1', {'ewr-a-icon-2': 'Down'}, ['ewr-a-icon-2'], 'no go: others at site ewr-a do not carry its traffic: nyc-2 (Down)'),
    ('nyc-1', {}, ['ewr-a-icon-2'], 'no go: others at site ewr-a do not carry its traffic: nyc-2 (under maintenance)'),
    ('nyc-1', {}, ['ewr-a-icon-1'], 'go: nyc-2 at site ewr-a is Healthy'),  # which is when it is best changed
    ('nyc-1', {}, ['lhr-a-icon-1'], 'go: nyc-2 at site ewr-a is Healthy'),
    ('nyc-1', {'ewr-a-icon-1': 'Down', 'ewr-a-icon-2': 'Down'}, [], 'go: nyc-1 is Down, so it carries no traffic'),
    ('nyc-1', {'ewr-a-icon-1': 'Pending'}, ['ewr-a-icon-2'], 'go: nyc-1 is Pending, so it carries no traffic'),
    ('nyc-1', {'ewr-a-icon-1': 'Unhealthy'}, [], 'go: nyc-2 at site ewr-a is Healthy'),
    ('nyc-1', {'ewr-a-icon-1': None}, ['ewr-a-icon-2'], 'no go: others at site ewr-a do not carry its traffic: nyc-2 (under maintenance)'),
    ('lon-1', {}, [], 'no go: lon-1 is the only circuit at site lhr-a'),
    ('gcp-1', {}, [], 'no go: gcp-1 is the only circuit at site us-east4'),
    ('par-1', {}, [], 'no go: par-1 is the only circuit at site cdg-a'),  # par-2 is on the same port
])
def test_a_circuit_may_be_changed_if_the_others_of_its_site_carry_its_traffic(circuit, states, maintained, text):
    verdict = change_verdict(circuit, {**STATES, **states}, {name: {} for name in maintained}, ACCOUNT)
    assert verdict == {'go': text.startswith('go'), 'text': text}


@pytest.mark.parametrize(('third', 'text'), [
    ('Healthy', 'go: nyc-2, nyc-3 at site ewr-a are Healthy'),
    ('Pending', 'go: nyc-2 at site ewr-a is Healthy'),  # it is being built and has never carried any
    ('Down', 'no go: others at site ewr-a do not carry its traffic: nyc-3 (Down)'),
])
def test_a_third_circuit_that_is_down_is_waited_for_and_one_that_is_being_built_is_not(third, text):
    account = snapshot(interconnects=PORTS, cnis=[*CNIS, cni(7, 'nyc-3', 'ewr-a-icon-3')])
    assert change_verdict('nyc-1', {**STATES, 'ewr-a-icon-3': third}, {}, account)['text'] == text


def test_the_states_to_read_are_those_of_the_circuits_of_the_site():
    assert interconnects_at_site_of('nyc-2', ACCOUNT) == ['ewr-a-icon-1', 'ewr-a-icon-2']
    assert interconnects_at_site_of('par-1', ACCOUNT) == ['cdg-a-icon-1']


@pytest.mark.parametrize(('option', 'check'), [
    ('skip', lambda: named_maintenance('skip', ['nyc-1', 'nyc-9'], ACCOUNT)),
    ('change', lambda: interconnects_at_site_of('nyc-9', ACCOUNT)),
    ('change', lambda: change_verdict('nyc-9', STATES, {}, ACCOUNT)),
], ids=['maintenance', 'states to read', 'verdict'])
def test_a_circuit_that_does_not_exist_is_refused_with_those_that_do(option, check):
    circuits = ', '.join(sorted(get(cni, CIRCUIT_NAME) for cni in CNIS))
    with pytest.raises(InputError, match=rf"^{option}: there is no CNI 'nyc-9' in this account\. There are: {circuits}\."):
        check()
