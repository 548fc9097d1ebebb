# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that answer in other ways: the flow of circuits on a simulator that has learned each from a profile of preflight.

The simulator's README says which other tests run on a profile, by SIMULATOR_PROFILE in the environment.
"""

from __future__ import annotations

import json

import pytest
from simulator.process import Simulator
from support.playbook import ROOT

from . import test_flow

PROFILES = sorted((ROOT / 'tests' / 'profiles').glob('*.json'))
CIRCUITS = [test_flow.FULL, {**test_flow.PLAIN, 'routes': [{'prefix': '10.20.0.0/16'}]}, test_flow.GCP]
rollout, folder = test_flow.rollout, test_flow.folder


@pytest.fixture(scope='module', params=PROFILES, ids=lambda path: path.stem)
def process(request):
    with Simulator('--profile', str(request.param)) as simulator:
        simulator.profile = request.param
        yield simulator


test_flow_of_circuits = test_flow.test_the_whole_flow_comes_about_as_check_mode_predicted_and_a_second_run_writes_nothing
test_results = test_flow.test_the_result_shows_each_circuit_as_the_info_modules_do
test_changes = test_flow.test_what_changes_of_a_circuit_changes_its_files_and_those_of_no_other
test_deletes = test_flow.test_overridden_takes_the_files_of_what_it_deletes_along


def test_preflight_finds_the_account_as_the_profile_has_it(run_module, simulator):
    assert run_module('rollout', circuits=CIRCUITS)['changed']
    found = run_module('preflight_info', compare_with=str(simulator.profile))
    before, after = json.loads(simulator.profile.read_text()), found['profile']
    assert (found['usable'], found['changes']) == (True, [])
    assert {name: after[name] for name in ('token', 'limit', 'filters')} == {name: before[name] for name in ('token', 'limit', 'filters')}
    for name in ('slot', 'token', 'error'):
        assert after['answers'][name] == before['answers'][name]


def test_other_options_take_precedence_and_a_reset_can_do_without_the_profile(simulator):
    simulator.reset(page_size=3)
    assert pages_of(simulator) == 3
    simulator.reset(profile='')
    assert pages_of(simulator) == 50


def pages_of(simulator) -> int:
    """How many objects a page of slots has."""
    import requests

    with requests.Session() as session:
        session.trust_env = False
        session.headers['Authorization'] = f'Bearer {simulator.token}'
        answer = session.get(f'{simulator.url}/accounts/{simulator.account}/cni/slots').json()
    return len((answer['result'] if 'success' in answer else answer)['items'])
