# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics that the playbook status writes, run by run; and Prometheus' own tool on them, on the alert rules and on the dashboard."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from simulator.process import Simulator
from support.overviews import HOSTILE, on_devices, read_of, with_routes
from support.playbook import Account, Run
from support.prometheus import PROMTOOL, RULES, alerts, panels, read_as_classic

from ansible_collections.netops.cloudflare_cni.plugins.filter.metrics import metrics
from ansible_collections.netops.cloudflare_cni.plugins.filter.overview import overview

# The playbook.

TASK = {('Write the metrics', 'nyc-1')}


class Written(NamedTuple):
    """predicted: in check mode. Each run with the file after it; changed: a status changed before that run."""

    predicted: Run
    first: tuple[Run, str]
    second: tuple[Run, str]
    changed: tuple[Run, str]
    path: Path


@pytest.fixture(scope='module')
def written(tmp_path_factory) -> Iterator[Written]:
    """A circuit with an LOA on record and a circuit of a hostile name, of which the inventory has the first."""
    with Simulator() as simulator:
        account = Account(simulator, tmp_path_factory.mktemp('metrics'))
        slots = [slot['id'] for slot in simulator.state()['slots'] if not slot['occupied'] and slot['site'] == 'ewr-a']
        port, other = account.seed('nyc-1', slots[0]), account.seed(HOSTILE, slots[1])
        simulator.set_status(other, 'Healthy')
        account.files.mkdir()
        loa = {'interconnect': port, 'name': None, 'sha256': 'x', 'fetched': '1970-01-01T00:01:40Z'}
        (account.files / 'nyc-1.json').write_text(json.dumps({'format': 1, 'name': 'nyc-1', 'interconnect': {'name': port}, 'loa': loa}))
        path = account.folder / 'cni.prom'

        def run(read_at: int, *arguments: str) -> Run:
            return account.play('status', {'nyc-1': {}}, '-e', f'provision_metrics={path}', '-e', f'read_at={read_at}', *arguments)

        predicted = run(1000, '--check', '--diff')
        assert not path.exists()
        runs = []
        for read_at, state in ((1000, 'Healthy'), (2000, 'Healthy'), (3000, 'Down')):
            simulator.set_status(other, state)
            runs.append((run(read_at), path.read_text()))
        yield Written(predicted, *runs, path)


def since(text: str) -> dict[str, float]:
    return {labels['circuit']: value for name, labels, value in read_as_classic(text)
            if name == 'cloudflare_cni_circuit_state_since_timestamp_seconds'}


def test_check_mode_shows_the_metrics_and_writes_none(written):
    assert (written.predicted.status, written.predicted.changed) == (0, TASK), written.predicted.output
    assert re.search(r'(?m)^\+cloudflare_cni_read_timestamp_seconds\{.*\} 1000$', written.predicted.output)


def test_the_first_run_writes_a_file_that_node_exporter_may_read(written):
    run, text = written.first
    assert (run.status, run.changed, run.writes) == (0, TASK, []), run.output
    assert stat.S_IMODE(written.path.stat().st_mode) == 0o644
    assert since(text) == {'nyc-1': 1000, HOSTILE: 1000}
    assert ('cloudflare_cni_loa_fetched_timestamp_seconds', 'nyc-1', 100) in {
        (name, labels.get('circuit'), value) for name, labels, value in read_as_classic(text)}


def test_a_second_run_changes_only_the_time_of_the_read(written):
    run, text = written.second
    assert (run.status, run.changed, run.writes) == (0, set(), []), run.output
    former = read_as_classic(written.first[1])
    assert [sample for sample in read_as_classic(text) if sample not in former] == [
        ('cloudflare_cni_read_timestamp_seconds', {'account': former[0][1]['account']}, 2000)]


def test_a_new_state_is_a_change_and_begins_when_it_is_seen(written):
    run, text = written.changed
    assert (run.status, run.changed) == (0, TASK), run.output
    assert since(text) == {'nyc-1': 1000, HOSTILE: 3000}


def test_page_and_metrics_are_of_one_read(simulator, tmp_path):
    account = Account(simulator, tmp_path)
    account.seed('nyc-1', next(slot['id'] for slot in simulator.state()['slots'] if not slot['occupied']))
    files = {'provision_metrics': f'{tmp_path}/cni.prom', 'provision_report': f'{tmp_path}/cni.html'}
    run = account.play('status', {'nyc-1': {}}, '-e', json.dumps(files))
    assert (run.status, {task for task, _host in run.changed}) == (0, {'Write the status page', 'Write the metrics'}), run.output
    names = [request['path'].rpartition('/')[2] for request in run.sent]
    assert [names.count(name) for name in ('status', 'routes', 'cf_interconnects', 'settings')] == [1, 1, 1, 1]


def test_a_file_of_other_metrics_stays(simulator, tmp_path):
    account, path = Account(simulator, tmp_path), tmp_path / 'node.prom'
    path.write_text('node_load1 0.5\n')
    run = account.play('status', {'nyc-1': {}}, '-e', f'provision_metrics={path}')
    assert (run.status, path.read_text()) == (2, 'node_load1 0.5\n')
    assert 'line 1 of the file is not from this collection' in run.output


# Prometheus' own tool: `make test STEPS=prometheus`.

def promtool(*arguments: object, text: str = '') -> str:
    """What promtool prints; its parser of metrics is that of node_exporter."""
    done = subprocess.run([PROMTOOL, *map(str, arguments)], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.promtool
def test_promtool_finds_nothing_wrong_with_the_metrics(written):
    assert promtool('check', 'metrics', text=written.first[1]) == ''


@pytest.mark.promtool
def test_promtool_finds_nothing_wrong_with_the_rules():
    assert f'SUCCESS: {len(alerts())} rules found' in promtool('check', 'rules', RULES)


def series_of(devices: list[str], states: list[str], loa: bool = False) -> list[dict[str, str]]:
    """The metrics of circuits on these devices, in these states, read each hour from 1970 on; the LOAs are from then."""
    store = on_devices(devices, ['one', 'two', 'three'])
    ports = [port['name'] for port in store.interconnects]
    records = [json.dumps({'name': name, 'interconnect': {'name': port},
                           'loa': {'interconnect': port, 'fetched': '1970-01-01T00:00:00Z'}})
               for name, port in zip(('one', 'two', 'three'), ports, strict=False) if loa]
    read = read_of(store, dict(zip(ports, states, strict=True)))
    return series_in(metrics(overview(**read, today='2026-11-23'), '', 0, records, 'a'))


def series_in(text: str) -> list[dict[str, str]]:
    """The samples of a file of metrics, for two thousand hours; the time of the read goes on."""
    samples = [line.rpartition(' ') for line in text.splitlines() if not line.startswith('#')]
    return [{'series': series, 'values': '0+3600x2000' if 'read_timestamp' in series else f'{value}+0x2000'}
            for series, _space, value in samples]


def evaluated(folder: Path, series: list[dict[str, str]], hours: int, tests: dict[str, dict[str, float]]) -> None:
    """Has promtool compare what expressions yield after so many hours. tests: {expression: {labels: value}}."""
    expected = [{'expr': expr, 'eval_time': f'{hours}h',
                 'exp_samples': [{'labels': labels, 'value': value} for labels, value in found.items()]} for expr, found in tests.items()]
    path = folder / 'test.yml'
    path.write_text(yaml.safe_dump({
        'rule_files': [str(RULES)], 'evaluation_interval': '1h',
        'tests': [{'interval': '1h', 'input_series': series, 'promql_expr_test': expected}],
    }))
    promtool('test', 'rules', path)


PAIR = ['edge01.ewr-a', 'edge02.ewr-a']


@pytest.mark.promtool
@pytest.mark.parametrize(('devices', 'states', 'hours', 'expected'), [
    (PAIR, ['Healthy', 'Healthy'], 24, {}),
    (PAIR, ['Healthy', 'Pending'], 28 * 24, {}),  # the second of a pair that is being built
    (PAIR, ['Healthy', 'Pending'], 28 * 24 + 1, {'CloudflareCniPendingForWeeks': 1}),
    (PAIR, ['Pending', 'Pending'], 60 * 24 + 1, {'CloudflareCniPendingForWeeks': 2, 'CloudflareCniLoaOld': 2}),
    (PAIR, ['Healthy', 'Healthy'], 60 * 24 + 1, {}),
    (PAIR, ['Healthy', 'Down'], 24, {'CloudflareCniCircuitDown': 1, 'CloudflareCniSiteNotRedundant': 1}),
    (PAIR, ['Unhealthy', 'Down'], 24, {'CloudflareCniCircuitDown': 2, 'CloudflareCniSiteDown': 1}),
    (PAIR, ['Pending', 'Down'], 24, {'CloudflareCniCircuitDown': 1, 'CloudflareCniSiteDown': 1}),
    (['edge01.ewr-a', 'edge01.ewr-a'], ['Healthy', 'Healthy'], 24, {'CloudflareCniSinglePointOfFailure': 1}),
    (['edge01.ewr-a', 'edge01.lhr-a'], ['Healthy', 'Healthy'], 24, {}),
    (PAIR, ['Healthy', 'Healthy'], 2003, {'CloudflareCniStatusStale': 1}),  # the file is there no more
])
def test_what_is_wrong_and_only_that_is_an_alert(devices, states, hours, expected, tmp_path):
    firing = {f'{{alertname="{name}"}}': number for name, number in expected.items()}
    evaluated(tmp_path, series_of(devices, states, loa=True), hours, {'count by (alertname) (ALERTS{alertstate="firing"})': firing})


@pytest.mark.promtool
@pytest.mark.parametrize(('states', 'expected'), [
    (['Healthy', 'Healthy', 'Healthy'], {'CloudflareCniLastPath': 4}),  # by lon-1 and the first of the pair, and by the device of each
    (['Healthy', 'Healthy', 'Pending'], {'CloudflareCniLastPath': 2, 'CloudflareCniPrefixWithoutPath': 1}),
])
def test_a_last_path_and_none_are_alerts(states, expected, tmp_path):
    read = with_routes(read_of(store := on_devices([*PAIR, 'edge01.lhr-a'], ['one', 'two', 'three'])))
    read['statuses'] = read_of(store, dict(zip((port['name'] for port in store.interconnects), states, strict=True)))['statuses']
    firing = {f'{{alertname="{name}"}}': number for name, number in expected.items()}
    evaluated(tmp_path, series_in(metrics(overview(**read, today='2026-11-23'), '', 0, [], 'a')), 24,
              {'count by (alertname) (ALERTS{alertstate="firing"})': firing})


@pytest.mark.promtool
def test_a_status_that_is_not_read_any_more_is_an_alert(tmp_path):
    series = [{**row, 'values': '0+0x2000'} if 'read_timestamp' in row['series'] else row for row in series_of(PAIR, ['Healthy'] * 2)]
    evaluated(tmp_path, series, 3, {'count by (alertname) (ALERTS{alertstate="firing"})': {'{alertname="CloudflareCniStatusStale"}': 1}})


@pytest.mark.promtool
def test_every_query_of_the_dashboard_yields_something(tmp_path):
    queries = [expr for found in panels().values() for expr in found]
    evaluated(tmp_path, series_of([*PAIR, 'edge01.lhr-a'], ['Healthy', 'Pending', 'Down'], loa=True), 1,
              {f'count({expr}) > bool 0': {'{}': 1} for expr in queries})
