#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: peer
short_description: Write the configuration of the customer's router for a circuit
version_added: 1.1.0
description:
  - Renders the customer's side of one circuit from the variables of the role P(netops.cloudflare_cni.peer#role), and writes the files.
    The role is one task of this module, with an argument spec, defaults and the fact RV(ignore:peer_result). Use the role.
  - The circuit is read from the hand-over C(peer_handover), else from what the role P(netops.cloudflare_cni.provision#role) has returned
    for the host, else from the account. Only then are credentials needed.
  - All values are checked before a file is written. A file is written at once, never half of it, with the mode C(0600).
  - It renders on the controller, since it reads the variables of the host. The files are those of the host that the task runs on.
options:
  files:
    description:
      - Files to write as they are, instead of those of the circuit. This is how the module writes them on another host or as another user.
    type: list
    elements: dict
    suboptions:
      path:
        description: The path. Its folder is created, for its owner only, if it does not exist.
        type: path
        required: true
      content:
        description: The text.
        type: str
        required: true
      shown:
        description: Whether the diff shows it. Leave it out for a file with an MD5 key.
        type: bool
        default: false
  absent:
    description: Files to delete after that, with O(files).
    type: list
    elements: path
attributes:
  check_mode:
    details:
      - In check mode the circuit is read, and no file is written.
  diff_mode:
    details:
      - The diff has the configuration with C((hidden\)) for the MD5 key. If only the key changes, there is a change and no diff.
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Write the configuration of the router that nyc-1 ends at
  netops.cloudflare_cni.peer:
  vars:
    peer_name: nyc-1
    peer_platform: frr
    peer_interface: eth1
    peer_static_prefixes: [203.0.113.0/24]
  register: router

- name: Show where it is
  ansible.builtin.debug:
    var: router.files.configuration
'''

RETURN = r'''
name:
  description: The name of the circuit.
  returned: success, without O(files)
  type: str
  sample: nyc-1
platform:
  description: The router.
  returned: success, without O(files)
  type: str
  sample: frr
state:
  description: V(present) or V(absent).
  returned: success, without O(files)
  type: str
  sample: present
files:
  description: The paths of the files of the circuit.
  returned: success, without O(files)
  type: dict
  sample:
    configuration: /srv/cni/artifacts/nyc-1-frr.conf
    text: /srv/cni/artifacts/nyc-1-frr.txt
    checklist: /srv/cni/artifacts/nyc-1-check.md
error:
  description: What went wrong, see L(error, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#error).
  returned: failure
  type: dict
  sample: {kind: input, retryable: false, option: peer_announce}
'''

import os
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._disk import (
    check_folder,
    folder_of,
    is_private,
    read_file,
    remove_file,
    write_private_file,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import CONNECTION_OPTIONS, Task, run

ARGUMENT_SPEC = {
    'files': {
        'type': 'list',
        'elements': 'dict',
        'options': {
            'path': {'type': 'path', 'required': True},
            'content': {'type': 'str', 'required': True, 'no_log': True},
            'shown': {'type': 'bool', 'default': False},
        },
    },
    'absent': {'type': 'list', 'elements': 'path'},
    **CONNECTION_OPTIONS,
}
FOLDER_OPTION = 'peer_artifacts_dir'


def write_files(task: Task) -> dict[str, Any]:
    """Writes files and deletes others. Raises InputError."""
    if not task.params['files']:
        raise InputError('files', 'is required here. Without it, peer reads the variables of hosts, as a task on the controller.')
    before = [(file, read_file(file['path'], FOLDER_OPTION)) for file in task.params['files']]
    outdated = [path for path in task.params['absent'] or () if os.path.lexists(path)]
    changed = [file for file, content in before if content != file['content'].encode() or not is_private(file['path'])]
    for folder in dict.fromkeys(map(folder_of, [*(file['path'] for file in changed), *outdated])):
        check_folder(folder, FOLDER_OPTION)
    if not task.module.check_mode:
        for file in changed:
            write_private_file(file['path'], file['content'].encode(), FOLDER_OPTION)
        for path in outdated:
            remove_file(path, FOLDER_OPTION)
    diff = [_diff(file, content or b'') for file, content in before if file['shown'] and content != file['content'].encode()]
    return {'changed': bool(changed or outdated), 'diff': diff}


def _diff(file: dict[str, Any], before: bytes) -> dict[str, str]:
    path, content = file['path'], file['content']
    return {'before_header': path, 'after_header': path, 'before': before.decode('utf-8', 'replace'), 'after': content}


def main() -> None:
    run(write_files, ARGUMENT_SPEC, offline=True)


if __name__ == '__main__':
    main()
