# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The support bundle: what it says of a circuit, what it says is unknown, and its archive."""

from __future__ import annotations

import io
import tarfile
from datetime import datetime, timezone

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._bundle import (
    Answer,
    BundleFacts,
    RouterOutput,
    bundle_archive,
    bundle_markdown,
    timeline,
    unknown_facts,
    without_suspicious_lines,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._metrics import READ_AT, SINCE

from .test_handover import CNI, DIRECT, LOA, PARTNER, TUNNEL

PORT = DIRECT['name']
LABELS = {'circuit': 'nyc-1', 'interconnect': PORT, 'site': 'ewr-a'}
FACTS = BundleFacts(
    'nyc-1', '6d1c2f0a', datetime(2026, 11, 29, 18, 40, tzinfo=timezone.utc), PORT, DIRECT, CNI, {'state': 'Down', 'reason': 'no light'},
    {**TUNNEL, 'name': 'ewr-a-icon-97a4', 'id': 'f00d', 'created_on': '2026-11-02T09:00:00.123456Z', 'modified_on': '2026-11-03T09:00:00Z'},
    [{'prefix': '10.0.0.0/8', 'nexthop': '172.31.0.1', 'priority': 100, 'created_on': '2026-11-04T10:00:00+01:00'}],
    [{'id': 'x', 'sent': '2026-11-29T18:01:00Z', 'alert_type': 'magic_wan_tunnel_health', 'alert_body': 'nyc-1 is down'}],
    30, {'interconnect': {'name': PORT}, 'loa': LOA},
    [(SINCE, {**LABELS, 'state': 'Healthy'}, 1795600800), (SINCE, {**LABELS, 'circuit': 'nyc-2', 'state': 'Down'}, 1795600801),
     (READ_AT, {}, 1795975200)],
    [RouterOutput('traceroute', '1  172.31.0.0  1 ms\n2  * * *')], ['8f00-EWR'],
    [Answer('CNIs', 200, '8f01-EWR'), Answer('status', 500, None)],
)
MARKDOWN = """\
# Support bundle of circuit nyc-1

Read at 2026-11-29T18:40:00Z. All times are UTC.

## Circuit

|  |  |
|---|---|
| Account | 6d1c2f0a |
| Description | New York, first of two |
| Interconnect | ewr-a-icon-7f84 |
| Type and speed | direct, 10G |
| Site | ewr-a |
| Facility | Equinix NY1 |
| Cloudflare device | edge01.ewr-a |
| Slot | a2f00d8e |
| Status | Down, no light |
| Tunnel name | ewr-a-icon-97a4 |
| Tunnel ID | f00d |
| Tunnel settings | none |
| Customer address | 172.31.0.1/31 |
| Cloudflare address | 172.31.0.0/31 |
| MTU | 1500 |
| BGP | customer AS 64496, dynamic_route_exchange, extra prefixes: 203.0.113.0/24, MD5 key: set, not shown here |
| Health check | rate mid, request, bidirectional, target 172.31.0.1 |

## Timeline

| Time | What | Known from |
|---|---|---|
| 2026-11-02T09:00:00Z | The tunnel was created | the API, health check |
| 2026-11-03T09:00:00Z | The tunnel was last changed | the API, health check |
| 2026-11-04T09:00:00Z | The static route 10.0.0.0/8 was created | the API, static route |
| 2026-11-25T03:00:00Z | The LOA was fetched | NAME.json |
| 2026-11-25T10:00:00Z | A run of the playbook status first saw the state Healthy | the metrics |
| 2026-11-29T18:00:00Z | The last run of the playbook status saw the state Healthy | the metrics |
| 2026-11-29T18:01:00Z | Alert magic_wan_tunnel_health: nyc-1 is down | the history of alerts |
| 2026-11-29T18:40:00Z | The state is Down, no light | this bundle |

## Not known

- Since when the state is Down: the API reports no time, and no metrics of the playbook status have seen it.
- When the interconnect was ordered and the cross-connect was installed: the API reports no time.
- The health of the tunnel: the status is that of the port only. Alerts report the tunnel, if a policy sends them.

## Alerts of the last 30 days

| Sent | Type | Text |
|---|---|---|
| 2026-11-29T18:01:00Z | magic_wan_tunnel_health | nyc-1 is down |

## Static routes

| Prefix | Next hop | Priority | Weight | Scope | Description |
|---|---|---|---|---|---|
| 10.0.0.0/8 | 172.31.0.1 | 100 | none | none | none |

## From the router

### traceroute

```
1  172.31.0.0  1 ms
2  * * *
```

## Requests to the API

| What | HTTP status | cf-ray |
|---|---|---|
| an earlier failure | unknown | 8f00-EWR |
| CNIs | 200 | 8f01-EWR |
| status | 500 | none |
"""
NOTHING = BundleFacts('nyc-1', '6d1c2f0a', FACTS.read_at, alert_days=30)


def lines_under(title: str, text: str) -> list[str]:
    return text.partition(f'\n## {title}\n\n')[2].partition('\n## ')[0].strip().splitlines()


def test_it_says_what_is_known():
    assert bundle_markdown(FACTS) == MARKDOWN


# What is not known.

def test_a_circuit_that_nothing_is_known_of_is_unknown_and_not_guessed():
    text = bundle_markdown(NOTHING)
    assert {line.split(' | ')[1].strip(' |') for line in lines_under('Circuit', text)[3:]} == {'unknown'}
    assert timeline(NOTHING) == []
    assert [fact.partition(':')[0] for fact in unknown_facts(NOTHING)] == [
        'The CNI', 'The interconnect', 'The tunnel', 'When the interconnect was ordered and the cross-connect was installed',
        'The health of the tunnel', 'What the router sees']
    assert 'That proves nothing' in text and 'None leads to the circuit.' in text and 'Nothing was given.' in text


def test_a_read_that_failed_is_told_from_an_object_that_is_not_there():
    failures = dict.fromkeys(('CNIs', 'interconnects', 'health checks', 'static routes', 'status', 'alerts'), 'GET /x: HTTP 500, no.')
    facts = NOTHING._replace(failures=failures)
    assert unknown_facts(facts)[:len(failures)] == [f'{part}: GET /x: HTTP 500, no.' for part in failures]
    assert not [fact for fact in unknown_facts(facts) if fact.startswith('The CNI:') or fact.startswith('The tunnel:')]
    text = bundle_markdown(facts)
    assert lines_under('Alerts of the last 30 days', text) == ['Unknown: the history could not be read.']
    assert lines_under('Static routes', text) == ['Unknown: they could not be read.']


@pytest.mark.parametrize(('samples', 'is_known'), [
    ([(SINCE, {**LABELS, 'state': 'Down'}, 1)], True),
    ([(SINCE, {**LABELS, 'state': 'Healthy'}, 1)], False),
    ([(SINCE, {**LABELS, 'interconnect': 'another', 'state': 'Down'}, 1)], False),
    ([], False),
])
def test_since_when_it_is_down_is_known_by_the_metrics_of_this_port_only(samples, is_known):
    unknown = [fact for fact in unknown_facts(FACTS._replace(samples=samples)) if fact.startswith('Since when the state is Down')]
    assert bool(unknown) != is_known


@pytest.mark.parametrize('time', [None, '', 7, 'yesterday', '2026-13-01T00:00:00Z', '2026-11-02T09:00:00', '0001-01-01T00:00:00+14:00'])
def test_a_time_that_cannot_be_read_is_not_in_the_timeline(time):
    facts = NOTHING._replace(tunnel={'created_on': time, 'modified_on': time}, alerts=[{'sent': time}])
    assert timeline(facts) == []


def test_the_loa_of_another_port_is_not_of_this_circuit():
    facts = FACTS._replace(record={'loa': {**LOA, 'interconnect': 'another'}})
    assert 'The LOA was fetched' not in bundle_markdown(facts)


def test_a_google_cloud_attachment_has_a_region_and_no_slot():
    text = bundle_markdown(FACTS._replace(interconnect=PARTNER))
    assert '| Region | us-east4 |' in text and '| Slot' not in text


@pytest.mark.parametrize(('check', 'shown'), [({'enabled': False, 'rate': 'mid'}, 'off'), ({}, 'unknown'), (None, 'unknown'),
                                              ({'rate': 'low', 'target': {'saved': '192.0.2.9'}}, 'rate low, target 192.0.2.9')])
def test_a_health_check_as_far_as_it_is_known(check, shown):
    assert f'| Health check | {shown} |' in bundle_markdown(FACTS._replace(tunnel={'health_check': check}))


# Names are data, and keys stay out.

def test_no_value_is_markup():
    hostile = '# x | ``` <b>\n- y'
    facts = FACTS._replace(circuit=hostile, alerts=[{**FACTS.alerts[0], 'alert_body': hostile}],
                           router=[RouterOutput(hostile, f'{hostile}\n````\n')])
    plain = bundle_markdown(FACTS).splitlines()
    text = bundle_markdown(facts)
    headings = [line for line in text.partition('## From the router')[0].splitlines() if line.startswith('#')]
    assert len(headings) == len([line for line in plain if line.startswith(('# ', '## '))]) - 2
    assert text.count('`````') == 2  # the fence is longer than any in the text
    assert '<b>' not in text.partition('`````')[0]


def test_half_a_character_is_written_as_python_does():
    assert '\\udc00' in bundle_markdown(FACTS._replace(circuit='\udc00'))
    assert bundle_archive(FACTS._replace(circuit='\udc00'))


def test_lines_of_the_router_that_may_hold_a_secret_are_left_out():
    text = 'packets 7\n neighbor 172.31.0.0 password 7 0822455D\nkey-string x\nauthentication-key "$9$x"\nTCP MD5 enabled\nmonkeys 3'
    assert without_suspicious_lines(text).splitlines() == ['packets 7', *['(line left out: it may contain a secret)'] * 4, 'monkeys 3']


# The archive.

def files_of(archive: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(archive), mode='r:gz') as opened:
        return {member.name: opened.extractfile(member).read().decode() for member in opened.getmembers()}


def test_the_archive_has_all_of_it_and_no_key():
    files = files_of(bundle_archive(FACTS))
    assert list(files) == ['nyc-1/bundle.md', 'nyc-1/objects.json', 'nyc-1/router/01-traceroute.txt']
    assert files['nyc-1/bundle.md'] == MARKDOWN
    assert '"slot_id": "a2f00d8e"' in files['nyc-1/objects.json']
    assert (CNI['bgp']['md5_key'], [text for text in files.values() if CNI['bgp']['md5_key'] in text]) == ('planted', [])


def test_the_same_facts_are_the_same_bytes(monkeypatch):
    first = bundle_archive(FACTS)
    monkeypatch.setattr('time.time', lambda: 0.0)
    assert bundle_archive(FACTS) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        assert {(member.mode, member.uid, member.uname, member.mtime) for member in archive.getmembers()} == {
            (0o600, 0, '', int(FACTS.read_at.timestamp()))}


@pytest.mark.parametrize('name', ['../etc', '/x', 'a/b', '.', 'x' * 40])
def test_no_name_leads_out_of_the_folder_that_the_archive_is_unpacked_in(name):
    names = list(files_of(bundle_archive(FACTS._replace(circuit=name, router=[RouterOutput(name, '')]))))
    assert all(part not in ('', '.', '..') for file in names for part in file.split('/'))
    assert [file.count('/') for file in names] == [1, 1, 2]
