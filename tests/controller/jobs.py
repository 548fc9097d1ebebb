# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs and inventory syncs, run as AWX runs them, of what the controller's API was given.

A job gets a folder of its own with project, inventory, extra variables and environment, and goes through the three parts of ansible-runner.
A sync is ansible-inventory on a file of the project. Neither gets more of this process' environment than where the tools are.
What AWX does with answers and prompts, and how it writes extra variables, is as in AWX 24.6.1 (models/mixins.py, utils/safe_yaml.py).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import ansible_runner
import yaml
from controller import rules
from controller.api import Controller
from jinja2.sandbox import ImmutableSandboxedEnvironment

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
# What AWX sets for each sync.
SYNC = {
    'ANSIBLE_INVENTORY_UNPARSED_FAILED': 'True', 'ANSIBLE_INVENTORY_EXPORT': 'True', 'ANSIBLE_VERBOSE_TO_STDERR': 'True',
    'ANSIBLE_HOST_PATTERN_MISMATCH': 'error', 'INVENTORY_UPDATE_ID': '1',
}


@dataclass(frozen=True)
class Done:
    """What a job left: its exit status, and what it printed. ignored: what the launch dropped, as nobody had asked for it.

    artifacts: what it hands to the next jobs of a workflow.
    """

    status: int
    output: str
    ignored: set[str]
    artifacts: dict


class Worker:
    """Where jobs run: a project, and a folder for what they need."""

    def __init__(self, controller: Controller, project: Path, folder: Path):
        self.controller, self.project, self.folder = controller, project, folder
        (folder / 'home').mkdir()
        self.machine = {
            'PATH': f'{TOOLS}{os.pathsep}{os.environ["PATH"]}', 'HOME': str(folder / 'home'), 'LC_ALL': 'C.UTF-8',
            'ANSIBLE_COLLECTIONS_PATH': str(ROOT / '.build'), 'ANSIBLE_NOCOLOR': '1',
        }

    def sync(self, name: str) -> dict:
        """What an inventory source holds, as `ansible-inventory --list` writes it."""
        source = self.controller.named('inventory_sources', name)
        path, output = self.project / source['source_path'], self.folder / f'{name}.json'
        command = [TOOLS / 'ansible-inventory', '--list', '--export', '-i', path, '--output', output, '--playbook-dir', path.parent]
        environment = self.machine | SYNC | self._injected([source['credential']] if source['credential'] else [])
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(output.read_text())

    def launch(self, name: str, inventory: dict, answers: dict | None = None, part: tuple[int, int] = (1, 1),
               artifacts: dict | None = None, **prompts: str) -> Done:
        """Runs a job template. answers: to its survey. part: which slice of how many. prompts: limit, tags.
        artifacts: those of the jobs before it in a workflow, which become variables whatever the template asks for.

        Raises ValueError where AWX answers 400. What the template does not ask for is dropped, and the launch is a 201.
        """
        template = self.controller.named('job_templates', name)
        accepted = {prompt: value for prompt, value in prompts.items() if template[f'ask_{prompt}_on_launch']}
        extra, ignored = self._extra(template, answers or {})
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        shutil.copytree(self.project, folder / 'project')
        words = [f'--{prompt} {value}' for prompt, value in accepted.items()] + ['--diff'] * template['diff_mode']
        words += ['--check'] * (template['job_type'] == 'check')
        _write(folder / 'env' / 'cmdline', ' '.join(words))
        _write(folder / 'env' / 'settings', json.dumps({'suppress_ansible_output': True}))
        _write(folder / 'env' / 'envvars', json.dumps(self._injected(self.controller.links[template['id'], 'credentials'])))
        variables = {'awx_job_template_name': name} | extra | (artifacts or {})
        _write(folder / 'env' / 'extravars', _extra_vars(variables, json.loads(template['extra_vars'])))
        hosts = f'#! /usr/bin/env python3\nprint({json.dumps(_slice(inventory, *part))!r})\n'
        _write(folder / 'inventory' / 'hosts', hosts).chmod(0o700)
        status, output = self._run(folder, template['playbook'])
        return Done(status, output, ignored | set(prompts) - set(accepted), _artifacts(folder / 'artifacts' / 'job' / 'job_events'))

    def _run(self, folder: Path, playbook: str) -> tuple[int, str]:
        """The controller sends the job and takes in what comes back by the library, a node runs it by the command."""
        job = {'private_data_dir': str(folder), 'ident': 'job', 'cancel_callback': lambda: False}
        node = [TOOLS / 'ansible-runner', 'worker', '--private-data-dir', folder / 'worker', '--delete']
        with tempfile.TemporaryFile() as sent, tempfile.TemporaryFile() as done:
            ansible_runner.run(streamer='transmit', playbook=playbook, _output=sent, **job)
            sent.seek(0)
            subprocess.run(node, cwd=self.folder, env=self.machine, stdin=sent, stdout=done, check=False)
            done.seek(0)
            ansible_runner.run(streamer='process', _input=done, **job)
        artifacts = folder / 'artifacts' / 'job'
        return int((artifacts / 'rc').read_text()), (artifacts / 'stdout').read_text()

    def _injected(self, credentials: list[int]) -> dict[str, str]:
        """The environment that credentials give. An input that was left blank is none."""
        jinja, found = ImmutableSandboxedEnvironment(), {}
        for credential in (self.controller.objects['credentials'][number] for number in credentials):
            injectors = self.controller.objects['credential_types'][credential['credential_type']]['injectors']
            found |= {name: jinja.from_string(template).render(credential['inputs']) for name, template in injectors['env'].items()}
        return found

    def _extra(self, template: dict, answers: dict) -> tuple[dict, set[str]]:
        """The template's variables, the defaults of its survey, the answers; and the names of those that no question asks for."""
        spec = self.controller.surveys.get(template['id'], {'spec': []})['spec']
        questions = {question['variable']: question for question in spec}
        kept = {name: value for name, value in answers.items() if name in questions}
        defaults = {name: question['default'] for name, question in questions.items() if 'default' in question}
        filled = defaults | kept
        if complaints := [complaint for question in spec for complaint in rules.answer(question, filled)]:
            raise ValueError('; '.join(complaints))
        return json.loads(template['extra_vars']) | filled, set(answers) - set(kept)


def _artifacts(events: Path) -> dict:
    """What set_stats, or a task like it, left for the next job."""
    ends = (json.loads(file.read_text()) for file in events.glob('*.json'))
    return next((end['event_data'].get('artifact_data') or {} for end in ends if end['event'] == 'playbook_on_stats'), {})


class _Unsafe(yaml.SafeDumper):
    """Marks all strings, keys too, as AWX does. ansible-core 2.19 and newer resolve what is marked as if it were plain."""

    def represent_data(self, data: object) -> yaml.Node:
        return self.represent_scalar('!unsafe', data) if isinstance(data, str) else super().represent_data(data)


def _extra_vars(variables: dict, own: dict) -> str:
    """The file of extra variables. own: those of the template itself, which AWX trusts and does not mark."""
    dumpers = {name: yaml.SafeDumper if own.get(name) == value else _Unsafe for name, value in variables.items()}
    return ''.join(yaml.dump({name: value}, Dumper=dumpers[name], default_flow_style=False) for name, value in variables.items())


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def _slice(inventory: dict, number: int, count: int) -> dict:
    """An inventory with every count-th of its hosts only, as each slice of a job gets it. AWX keeps no order: here it is backwards."""
    variables = inventory['_meta']['hostvars']
    names = sorted({host for group in inventory.values() for host in group.get('hosts', [])})[number - 1 :: count]
    groups = {
        name: group | ({'hosts': [host for host in reversed(group['hosts']) if host in names]} if 'hosts' in group else {})
        for name, group in inventory.items() if name != '_meta'
    }
    return groups | {'_meta': {'hostvars': {host: variables[host] for host in names if host in variables}}}
