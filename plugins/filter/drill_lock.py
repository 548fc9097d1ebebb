# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
name: drill_lock
short_description: Whether this run is the only failover drill in a folder
version_added: 1.1.0
author:
  - netops.cloudflare_cni contributors (@netops-collections)
description:
  - Locks a file for the rest of the run, and returns whether it could be locked. Waits 15 seconds for a task that has outlived a killed
    drill.
  - To hold for the whole run the lock has to be taken by C(ansible-playbook) itself, which evaluates the condition of a C(meta) task.
    The operating system removes the lock with the last process of the run.
  - It counts on one machine, and for containers that share the folder on one machine.
options:
  _input:
    description: The path of the file, which is created if missing.
    type: path
    required: true
'''

EXAMPLES = r'''
- name: Lock the folder
  ansible.builtin.meta: clear_host_errors
  when: ("failover/.lock" | netops.cloudflare_cni.drill_lock) or true
'''

RETURN = r'''
_value:
  description: Whether this run holds the lock.
  type: bool
'''

from ansible_collections.netops.cloudflare_cni.plugins.plugin_utils._failover import is_locked


class FilterModule:
    def filters(self) -> dict:
        return {'drill_lock': is_locked}
