# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is on disk, and who holds the folder, while a run is at work."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._circuit_files import CircuitFiles
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import RaceError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._files import ArtifactsFolder
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._flow import Rollout
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._rollout_plan import RolloutPlan

from .scripted import Script, answer, refusal
from .test_apply import LINKS, PORTS, list_answer
from .test_files import pdf
from .test_plan import SITE, cni, direct, slot, uuid

SLOTS = [slot(number) for number in (1, 2, 3)]


class Service:
    """An account that has what is created in it. order, link: what is called when such a POST comes."""

    def __init__(self, ports=(), cnis=(), **at):
        self.ports, self.cnis, self.at = list(ports), list(cnis), at

    def __call__(self, request):
        method, (path, _query, _rest) = request['method'], request['url'].partition('?')
        self.at.get({('POST', PORTS): 'order', ('POST', LINKS): 'link'}.get((method, path), ''), lambda: None)()
        if method == 'POST':
            return self._create(path, request['body'])
        if path.endswith('/loa'):
            return pdf()
        if path.endswith('/cni/slots'):
            taken = {port['slot_id'] for port in self.ports}
            return list_answer(*({**slot, 'occupied': slot['id'] in taken} for slot in SLOTS))
        found = {PORTS: self.ports, LINKS: self.cnis}.get(path)
        return refusal(404) if found is None else list_answer(*found)

    def _create(self, path, body):
        if path == PORTS:
            number = next(number for number in (1, 2, 3) if uuid(number) == body['slot_id'])
            self.ports.append(direct(f'port-{number}', number))
            return answer(self.ports[-1])
        self.cnis.append(cni(len(self.cnis) + 1, body['magic']['conduit_name'], body['interconnect']))
        return answer(self.cnis[-1])


def run(service, folder, *names, others=()):
    """Brings circuits about: (the outcomes, what was sent but for GETs)."""
    script = Script(*[service] * 100)
    plan = RolloutPlan([{'name': name, 'slot': SITE} for name in names], 'merged')
    outcomes = Rollout(plan, CircuitFiles(folder, plan, others), workers=1).run(script.client(retry_timeout=5), False)
    return outcomes, [request['url'] for request in script.sent if request['method'] != 'GET']


@pytest.fixture
def folder(tmp_path):
    return ArtifactsFolder(str(tmp_path / 'files'))


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'files'


def is_held(path):
    """Whether another run would have to wait for the folder."""
    try:
        with ArtifactsFolder(str(path)).lock(0, lambda tried, remaining: None):
            return False
    except RaceError:
        return True


def test_the_record_is_on_disk_after_the_order_and_before_the_next_request_of_the_chain(folder, path):
    records = []
    service = Service(link=lambda: records.append(json.loads((path / 'a.json').read_text())))
    outcomes, _sent = run(service, folder, 'a')
    assert records == [{'format': 1, 'name': 'a', 'interconnect': {'name': 'port-1'}}]
    assert outcomes[0].result.error is None


def test_no_request_follows_an_order_whose_record_a_power_cut_could_take(folder, path, monkeypatch):
    synced, sync = set(), os.fsync
    monkeypatch.setattr(os, 'fsync', lambda handle: (synced.add(os.fstat(handle).st_ino), sync(handle)))
    records = []
    run(Service(link=lambda: records.append({(path / 'a.json').stat().st_ino, path.stat().st_ino} <= synced)), folder, 'a')
    assert records == [True]


def test_where_the_record_can_not_be_written_the_chain_ends_and_names_the_interconnect(folder, path):
    def order():
        shutil.rmtree(path)
        path.write_text('no folder any more')

    outcomes, sent = run(Service(order=order), folder, 'a')
    (outcome,) = outcomes
    assert (outcome.state, sent) == ('failed', [PORTS])
    assert 'artifacts_dir' in str(outcome.result.error) and "The interconnect of a is 'port-1'" in str(outcome.result.error)
    assert [change.answer['name'] for change in outcome.result.applied] == ['port-1']


def test_the_folder_is_held_until_all_that_was_ordered_is_on_record_and_no_longer(folder, path):
    held = {'order': [], 'link': []}
    service = Service(**{at: lambda at=at: held[at].append(is_held(path)) for at in held})
    outcomes, _sent = run(service, folder, 'a', 'b')
    assert [outcome.state for outcome in outcomes] == ['created', 'created']
    assert held == {'order': [True, True], 'link': [True, False]}


def test_who_comes_to_a_folder_that_is_held_orders_nothing_and_says_so(folder, path):
    with ArtifactsFolder(str(path)).lock(0, lambda tried, remaining: None), pytest.raises(RaceError, match='Another run is ordering'):
        run(Service(), folder, 'a')
    outcomes, sent = run(Service([direct('port-1', 1)], [cni(1, 'a', 'port-1')]), folder, 'a')
    assert ([outcome.state for outcome in outcomes], sent) == (['updated'], [])


def test_a_port_on_record_in_the_folder_of_another_run_is_not_taken_and_orders_wait_for_that_folder(folder, tmp_path):
    """Its circuit has no CNI yet, so nothing at Cloudflare shows whose port it is."""
    other, missing = (ArtifactsFolder(str(tmp_path / name)) for name in ('another', 'missing'))
    other.write_record('b', 'port-1')
    service = Service([direct('port-1', 1)])
    with other.lock(0, lambda tried, remaining: None), pytest.raises(RaceError, match=f'circuits of the folder {tmp_path}/another'):
        run(service, folder, 'a', others=[other, missing])
    run(service, folder, 'a', others=[other, missing])
    assert ({cni['magic']['conduit_name']: cni['interconnect'] for cni in service.cnis}, os.listdir(tmp_path / 'another'),
            os.path.exists(missing.path)) == ({'a': 'port-2'}, ['b.json'], False)


def test_a_run_that_orders_nothing_does_not_wait(folder, path):
    service = Service([direct('port-1', 1)], [cni(1, 'a', 'port-1')])
    with ArtifactsFolder(str(path)).lock(0, lambda tried, remaining: None):
        outcomes, _sent = run(service, folder, 'a')
    assert [outcome.state for outcome in outcomes] == ['updated']


def test_what_another_run_has_ordered_meanwhile_is_not_taken(folder, path, monkeypatch):
    """The plan was made before the folder was free: it is made again."""
    service, lock = Service(), ArtifactsFolder.lock

    def later(self, *arguments):
        service.ports.append(direct('port-1', 1))
        self.write_record('b', 'port-1')
        return lock(self, *arguments)

    monkeypatch.setattr(ArtifactsFolder, 'lock', later)
    run(service, folder, 'a')
    assert {cni['magic']['conduit_name']: cni['interconnect'] for cni in service.cnis} == {'a': 'port-2'}


def test_a_port_that_is_taken_without_an_order_is_on_record_before_its_cni(folder, path):
    records = []
    service = Service([direct('port-3', 3)], link=lambda: records.append(json.loads((path / 'a.json').read_text())['interconnect']))
    _outcomes, sent = run(service, folder, 'a')
    assert (records, sent) == ([{'name': 'port-3'}], [LINKS])


def test_an_order_that_fails_lets_the_folder_go(folder, path):
    service = Service(order=lambda: 1 / 0)
    outcomes, _sent = run(service, folder, 'a')
    assert ([outcome.state for outcome in outcomes], is_held(path)) == (['failed'], False)
