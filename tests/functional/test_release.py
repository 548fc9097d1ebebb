# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tag that is not the version of galaxy.yml, or not in the changelog, is no release: the script of the workflow, run."""

from __future__ import annotations

import subprocess

import pytest
import yaml
from support.playbook import ROOT

JOB = yaml.safe_load((ROOT / '.github/workflows/release.yml').read_text())['jobs']['version']


@pytest.mark.parametrize(('tag', 'version', 'changelog', 'fragments', 'refused'), [
    ('1.1.0', '1.1.0', '1.1.0', [], ''),
    ('1.1.0', '1.0.0', '1.1.0', [], 'galaxy.yml'),
    ('v1.1.0', '1.1.0', '1.1.0', [], 'galaxy.yml'),
    ('1.1.0', '1.1.01', '1.1.0', [], 'galaxy.yml'),
    ('1.1.0', '1.1.0', '1.0.0', [], 'changelogs/changelog.yaml'),
    ('1.1.0', '1.1.0', '1.1.0', ['15-names.yml'], 'changelogs/fragments'),
])
def test_a_tag_is_a_release_only_with_its_version_and_changelog(tmp_path, tag, version, changelog, fragments, refused):
    (tmp_path / 'changelogs/fragments').mkdir(parents=True)
    (tmp_path / 'galaxy.yml').write_text(f'---\nname: cloudflare_cni\nversion: {version}\n')
    (tmp_path / 'changelogs/changelog.yaml').write_text(f'releases:\n  {changelog}:\n    changes: {{}}\n')
    for name in fragments:
        (tmp_path / 'changelogs/fragments' / name).touch()
    command = ['bash', '-e', '-c', JOB['steps'][-1]['run']]  # as GitHub runs it
    done = subprocess.run(command, cwd=tmp_path, env={'GITHUB_REF_NAME': tag}, capture_output=True, text=True, check=False)
    assert done.returncode == bool(refused), done
    assert done.stdout.startswith(f'::error file={refused}::' if refused else '')
