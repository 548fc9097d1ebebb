# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surveys that AWX is given, and what AWX would refuse."""

from __future__ import annotations

import re

import pytest
import yaml
from controller import rules
from support.playbook import ROOT
from tools import surveys

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import PREFIX, non_text_problem
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import ROLE_OPTIONS as OF_A_CIRCUIT

DATA = ROOT / 'extensions' / 'awx'
SURVEYS = yaml.safe_load((DATA / 'surveys.yml').read_text())['controller_surveys']
ROLE = yaml.safe_load((ROOT / 'roles/provision/meta/argument_specs.yml').read_text())['argument_specs']['main']['options']


def test_the_surveys_are_those_of_the_argument_specs():
    assert surveys.FILE.read_text() == surveys.text(), 'run: python tests/tools/surveys.py'


@pytest.mark.parametrize('name', SURVEYS)
def test_a_survey_asks_for_what_its_playbook_takes(name):
    text = (DATA / 'project' / f'{name}.yml').read_text()
    imported = re.findall(r'netops\.cloudflare_cni\.(\w+)$', text, re.MULTILINE)
    text += ''.join((ROOT / 'playbooks' / f'{playbook}.yml').read_text() for playbook in imported)
    text += (ROOT / 'playbooks/parts/circuits.yml').read_text() if 'parts/circuits.yml' in text else ''
    known = set(re.findall(r'\b(?:provision|rollout|failover)_\w+', text)) | (set(ROLE) if 'parts/circuits.yml' in text else set())
    assert {question['variable'] for question in SURVEYS[name]['spec']} - known == set()


@pytest.mark.parametrize('name', [name for name in SURVEYS if name != 'circuit'])
def test_no_answer_stands_above_what_the_inventory_says_of_a_circuit(name):
    assert {question['variable'] for question in SURVEYS[name]['spec']} & {PREFIX + option for option in OF_A_CIRCUIT} == set()


def test_the_circuit_survey_asks_for_each_text_by_a_name_that_is_known():
    texts = {question['variable'] for question in SURVEYS['circuit']['spec'] if question['type'] in rules.TEXTS}
    assert {name for name in texts if not non_text_problem({name: 42})} == {'provision_mtu', 'provision_bgp_customer_asn'}


# What AWX would refuse is refused here, so that what is made below is known to be good.

QUESTION = {'variable': 'a', 'question_name': 'A', 'required': True, 'type': 'multiplechoice', 'choices': ['x', 'y'], 'default': 'x'}
BAD_QUESTIONS = {
    'an unknown type': {'type': 'number'},
    'no name of a variable': {'variable': 'a-b'},
    'a number as a text': {'type': 'text', 'default': 1},
    'a default that is no choice': {'default': 'z'},
    'choices in one text': {'choices': 'x\ny'},
    'a choice that may be left blank': {'required': False},
    'an unknown key': {'help': ''},
    'a required text that may be blank': {'type': 'text', 'choices': ['x'], 'default': ''},
}
TYPE = {
    'name': 'A', 'kind': 'cloud', 'inputs': {'fields': [{'id': 'token', 'label': 'Token', 'type': 'string'}], 'required': ['token']},
    'injectors': {'env': {'TOKEN': '{{ token }}'}},
}
BAD_TYPES = {
    'a kind that is not for users': {'kind': 'ssh'},
    'an input that is a number': {'inputs': {'fields': [{'id': 'token', 'label': 'Token', 'type': 'integer'}]}},
    'a required input that is none': {'inputs': {'fields': [{'id': 'token', 'label': 'Token'}], 'required': ['key']}},
    'what a sync does not get': {'injectors': {'env': {}, 'extra_vars': {'token': '{{ token }}'}}},
    'a variable of Ansible': {'injectors': {'env': {'ANSIBLE_CONFIG': '{{ token }}'}}},
    'an input that is none': {'injectors': {'env': {'TOKEN': '{{ key }}'}}},
}


def test_a_survey_that_awx_would_refuse_is_noticed():
    def complaints(*questions):
        return rules.survey({'name': '', 'description': '', 'spec': list(questions)})

    assert complaints(QUESTION) == []
    assert complaints(QUESTION, QUESTION) == ['a: twice']
    assert [what for what, change in BAD_QUESTIONS.items() if not complaints(QUESTION | change)] == []


def test_a_credential_type_that_awx_would_refuse_is_noticed():
    assert rules.credential_type(TYPE) == []
    assert [what for what, change in BAD_TYPES.items() if not rules.credential_type(TYPE | change)] == []
