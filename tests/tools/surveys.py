# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surveys of extensions/awx, out of the options of the role and of the module rollout.

`python tests/tools/surveys.py` writes them anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / 'extensions' / 'awx' / 'surveys.yml'
HEAD = '---\n# Written by tests/tools/surveys.py out of the options of the role provision and of the module rollout.\n'


@dataclass(frozen=True)
class Question:
    """A question for an option, which for one within a dict is named DICT.NAME. only: the choices to offer, all if empty."""

    option: str
    required: bool = False
    only: tuple[str, ...] = ()


# Variables of playbooks, which no argument spec describes.
HOSTS = {'type': 'str', 'description': 'The circuits to delete, a pattern of host names such as nyc-2 or nyc-1,nyc-2.'}
DRILL = {
    'failover_circuit': {'type': 'str', 'description': 'The circuit whose failure is rehearsed, one host of the inventory such as nyc-1.'},
    'failover_hold': {'type': 'int', 'default': '30', 'description': 'Seconds between drain and restore.'},
    'failover_ping': {'type': 'str', 'description': 'The address to ping during the drill. Without it no loss is measured.'},
    'failover_max_gap': {'type': 'int', 'default': '10', 'description': 'Seconds without an answer to the ping that end the drill.'},
    'failover_restore': {'type': 'bool', 'default': False, 'description': 'Whether to restore an interrupted drill only.'},
}
ROUTES = {'type': 'list', 'description': 'IPv4 prefixes of the static routes to the circuit, which Cloudflare sends over it.'}
HEALTH = ('Healthy', 'Unhealthy', 'Down')
TEXTS = ('text', 'textarea', 'password')
SURVEYS = {
    'rollout': [Question('rollout_state', True, ('merged', 'overridden')), Question('rollout_max_deletes'),
                Question('rollout_fail_fast', True)],
    'status': [Question('provision_wait_for', only=HEALTH), Question('provision_wait_timeout')],
    'light': [Question('provision_wait_timeout')],
    'decommission': [Question('provision_hosts', True)],
    'failover': [Question(name, name in ('failover_circuit', 'failover_restore')) for name in DRILL],
    'circuit': [
        Question('provision_name', True), Question('provision_description'), Question('provision_slot.site', True),
        Question('provision_slot.facility'), Question('provision_slot.speed', True), Question('provision_slot.diverse_from'),
        Question('provision_routes.prefix'), Question('provision_bgp.customer_asn'), Question('provision_bgp.extra_prefixes'),
        Question('provision_bgp.md5_key'), Question('provision_mtu'), Question('provision_loa_name'),
    ],
}


def options() -> dict[str, dict]:
    """{variable: its option}, those in dicts as DICT.NAME."""
    role = yaml.safe_load((ROOT / 'roles/provision/meta/argument_specs.yml').read_text())['argument_specs']['main']['options']
    texts = ((ROOT / 'plugins' / file).read_text() for file in ('doc_fragments/_fleet.py', 'modules/rollout.py'))
    module = {name: option for text in texts for name, option in yaml.safe_load(text.split("'''")[1])['options'].items()}
    inner = {f'{name}.{key}': option for name, above in role.items() for key, option in above.get('options', {}).items()}
    return role | inner | {f'rollout_{name}': option for name, option in module.items()} | {
        'provision_hosts': HOSTS, 'provision_routes.prefix': ROUTES, **DRILL}


def survey_question(question: Question, option: dict) -> dict:
    """What AWX asks for an option. A number that may be left blank is a text: AWX takes a blank for none."""
    words = re.sub('^(provision|rollout|failover)_', '', question.option).replace('.', ' ').replace('_', ' ')
    name = re.sub(r'\b(asn|bgp|loa|md5|mtu)\b', lambda match: match[0].upper(), words)
    entry = {'variable': question.option.replace('.', '_'), 'question_name': name[0].upper() + name[1:]}
    entry |= {'question_description': help_text(question, option), 'required': question.required, 'type': question_type(question, option)}
    if choices := offered_choices(question, option):
        entry['choices'] = choices
    default = option.get('default')
    if isinstance(default, (str, int)) and '{{' not in str(default):
        entry['default'] = str(default).lower() if option['type'] == 'bool' else default
    if question.required and entry['type'] in TEXTS:
        entry['min'] = 1  # characters: without it AWX takes a blank for an answer
    return entry


def offered_choices(question: Question, option: dict) -> list[str]:
    """The choices, if there are any."""
    choices = option.get('choices', ['false', 'true'] if option['type'] == 'bool' else [])
    return [word for word in choices if word and word in (question.only or choices)]


def help_text(question: Question, option: dict) -> str:
    """The first sentence of each paragraph of a description, without Ansible's marks and without what is not offered."""
    paragraphs = [option['description']] if isinstance(option['description'], str) else option['description']
    plain = [re.sub(r'\b[A-Z]+\(([^)]*)\)', r'\1', paragraph) for paragraph in paragraphs]
    hidden = set(option.get('choices', [])) - set(offered_choices(question, option))
    return ' '.join(text.split('. ')[0].rstrip('.') + '.' for text in plain if text.split()[0] not in hidden)


def question_type(question: Question, option: dict) -> str:
    """The type of the question."""
    if option.get('no_log'):
        return 'password'
    if offered_choices(question, option):
        return 'multiselect' if option['type'] == 'list' else 'multiplechoice'
    if option['type'] == 'list':
        return 'textarea'
    return 'text'


class Dumper(yaml.SafeDumper):
    """Lists are indented, as yamllint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False):
        return super().increase_indent(flow, False)


def text() -> str:
    """The file."""
    known = options()
    surveys = {
        name: {'name': '', 'description': '', 'spec': [survey_question(question, known[question.option]) for question in questions]}
        for name, questions in SURVEYS.items()
    }
    return HEAD + yaml.dump({'controller_surveys': surveys}, Dumper=Dumper, sort_keys=False, width=140)


if __name__ == '__main__':
    FILE.write_text(text())
