# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the workflows and forms of .github promise. That GitHub can read them is seen by the steps `github` and `actionlint`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tools import cores

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / '.github'
WORKFLOWS = sorted((FOLDER / 'workflows').iterdir())
JOBS = {(path.stem, name): job for path in WORKFLOWS for name, job in yaml.safe_load(path.read_text())['jobs'].items()}
REPOSITORY = yaml.safe_load((ROOT / 'galaxy.yml').read_text())['repository']
EXPRESSION = re.compile(r'\$\{\{.*?\}\}', re.DOTALL)


def steps() -> Iterator[tuple[tuple[str, str], dict]]:
    return ((job, step) for job, body in JOBS.items() for step in body.get('steps', ()))


@pytest.mark.parametrize('path', WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_no_right_and_no_action_but_those_that_are_named(path):
    assert yaml.safe_load(path.read_text())['permissions'] == {}
    pinned = re.findall(r'uses: (?!\./)(.*)', path.read_text())
    assert [uses for uses in pinned if not re.fullmatch(r'actions/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+', uses)] == []


def test_each_job_says_its_rights_and_few_may_write():
    assert {job for job, body in JOBS.items() if 'permissions' not in body} == set()
    writes = {job: {right for right, what in body['permissions'].items() if what == 'write'} for job, body in JOBS.items()}
    assert {job: rights for job, rights in writes.items() if rights} == {
        ('docs', 'deploy'): {'pages', 'id-token'}, ('release', 'github'): {'contents'}}
    kept = [step['with'] for _job, step in steps() if step.get('uses', '').startswith('actions/checkout@')]
    assert all(options['persist-credentials'] is False for options in kept) and kept


def test_a_secret_is_in_one_job_and_in_no_command():
    texts = {path: path.read_text() for path in FOLDER.rglob('*') if path.is_file()}
    assert {path.name: re.findall(r'secrets\.\w+', text) for path, text in texts.items() if 'secrets.' in text} == {
        'release.yml': ['secrets.GALAXY_TOKEN']}
    long = r'(?<![\w@/.-])(?!ANSIBLE_)[A-Za-z0-9_+=-]{32,}'  # as tokens are; not what names an action
    assert {path.name: found for path, text in texts.items() if (found := re.findall(long, text))} == {}
    variables = {name: (job, value) for job, step in steps() for name, value in step.get('env', {}).items()}
    secret = {name: job for name, (job, value) in variables.items() if re.search(r'secrets|github\.token', value)}
    assert secret == {'ANSIBLE_GALAXY_SERVER_GALAXY_TOKEN': ('release', 'galaxy'), 'GH_TOKEN': ('release', 'github')}
    assert JOBS['release', 'galaxy']['environment']['name'] == 'galaxy'
    commands = [step['run'] for _job, step in steps() if 'run' in step]
    assert [command for command in commands if EXPRESSION.search(command) or any(name in command for name in secret)] == []


def test_the_matrix_is_that_of_the_runner(monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', ['cores.py'])
    cores.main()
    matrix = json.loads(capsys.readouterr().out)
    assert [row['core'] for row in matrix] == list(cores.CORES)
    assert all(row['python'] in cores.CORES[row['core']] for row in matrix)
    texts = [path.read_text() for path in WORKFLOWS]
    assert [core for core in cores.CORES for text in texts if core in re.sub('#.*', '', text)] == []


def test_the_form_for_bugs_asks_for_what_is_needed_and_never_for_a_token():
    form = yaml.safe_load((FOLDER / 'ISSUE_TEMPLATE' / 'bug.yml').read_text())['body']
    assert {'task', 'error', 'ray', 'versions'} <= {part.get('id') for part in form}
    assert form[0]['attributes']['value'].startswith('**Never paste an API token')


def test_pages_of_the_repository_are_those_of_galaxy_yml():
    texts = [path.read_text() for path in (*FOLDER.rglob('*.yml'), ROOT / 'SECURITY.md', ROOT / 'CONTRIBUTING.md')]
    pages = {page for text in texts for page in re.findall(r'https://github\.com/[\w.-]+/[\w.-]+', text)}
    assert pages == {REPOSITORY}
