# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: drill_record
short_description: Write the record of a failover drill
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Writes the record of what a drill changes to a file, with mode 0600, and returns true once it is there. From then on it survives a power
    cut, which C(ansible.builtin.copy) does not ensure.
positional: path
options:
  _input:
    description: The text of the record.
    type: str
    required: true
  path:
    description: The path of the file, in a folder that exists.
    type: path
    required: true
'''

EXAMPLES = r'''
- name: Write the record of what is changed
  ansible.builtin.assert:
    that: start.record | to_nice_json | netops.cloudflare_cni.drill_record('/home/net/failover/drill.json')
  vars:
    start: "{{ account | netops.cloudflare_cni.drill('nyc-1') | netops.cloudflare_cni.drill_start(settings) }}"
    settings: {host: nyc-1, folder: /home/net/failover, begun: '2026-11-29T03:00:00Z', hold: 60}
'''

RETURN = r'''
_value:
  description: Always true, as it fails if the file cannot be written.
  type: bool
'''

from ansible.errors import AnsibleFilterError

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._disk import write_file
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError


def _drill_record(text: str, path: str) -> bool:
    """Writes the file. Raises AnsibleFilterError."""
    try:
        write_file(path, text.encode(), 'path')
    except InputError as error:
        raise AnsibleFilterError(str(error)) from None
    return True


class FilterModule:
    def filters(self) -> dict:
        return {'drill_record': _drill_record}
