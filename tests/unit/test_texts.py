# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers, booleans and dates where texts are due, as YAML and AWX make them of digits and words: each is refused by its name."""

from __future__ import annotations

import datetime

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from support.playbook import ROOT

from ansible_collections.netops.cloudflare_cni.plugins.filter.circuits import circuits
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import non_text_problem

ROLE = yaml.safe_load((ROOT / 'roles/provision/meta/argument_specs.yml').read_text())['argument_specs']['main']['options']
# Blanks are texts, so the role takes numbers and a boolean as such too.
NUMBERS = {'provision_mtu', 'provision_default_asn', 'provision_wait_timeout', 'provision_loa_max_age', 'provision_shared'}
# What is of a whole run, not of a circuit.
OF_A_RUN = {'provision_max_deletes', 'provision_protect', 'provision_force', 'provision_traffic', 'provision_at_most_per_site',
            'provision_own_variables', 'provision_plan_file', 'provision_approved_plan'}


def texts(options: dict) -> dict[str, bool]:
    """{name: whether it is a list} of the texts among options of the role, those in dicts as DICT.NAME."""
    plain = {name: option for name, option in options.items() if option.get('elements', option['type']) in ('str', 'path')}
    found = {name: option['type'] == 'list' for name, option in plain.items()}
    return found | {f'{name}.{inner}': many for name, option in options.items() for inner, many in texts(option.get('options', {})).items()}


def variables(name: str, value: object) -> dict:
    """The variables with this one."""
    block, _dot, inner = name.partition('.')
    if not inner:
        return {block: value}
    return {block: [variables(inner, value)] if block == 'provision_routes' else variables(inner, value)}


@pytest.mark.parametrize(('name', 'many'), [(name, many) for name, many in texts(ROLE).items() if name not in NUMBERS | OF_A_RUN])
def test_each_text_of_the_role_is_one(name, many):
    for value in (0, 42798, 1.1, True, False, datetime.date(2026, 11, 24)):
        assert non_text_problem(variables(name, ['10.0.0.0/8', value] if many else value)).startswith(f'{name}: each of these must'), value
        if name.count('.') < 2:  # a survey asks for no list in a dict in a list
            assert non_text_problem(variables(name.replace('.', '_'), value)).startswith(name.replace('.', '_')), value
    for value in ([], ['0042']) if many else ('', '0042', None):
        assert non_text_problem(variables(name, value)) == ''


def test_numbers_are_numbers_and_what_is_no_variable_is_none():
    numbers = {'provision_bgp': {'customer_asn': 64496, 'md5_key': None}, 'provision_health_check': {'enabled': True}, 'provision_slot': ''}
    assert non_text_problem(dict.fromkeys(NUMBERS, 1400) | numbers | {'provision_serial': 1, 'cni_mtu': 1500, 'ansible_port': 22}) == ''


def test_a_rollout_names_host_and_variable_and_shows_no_value():
    hosts = {'nyc-1': {}, 'nyc-2': {'provision_bgp': {'md5_key': 42798}, 'provision_description': 34}}
    with pytest.raises(AnsibleFilterError, match=r'^nyc-2: provision_description, provision_bgp\.md5_key: each .* in quotes') as refused:
        circuits(hosts, hosts)
    assert '42798' not in str(refused.value)
    assert circuits(['nyc-1'], hosts) == [{'name': 'nyc-1'}]
