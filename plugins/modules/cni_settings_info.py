#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: cni_settings_info
short_description: Read the account's settings for network interconnects
version_added: 1.0.0
description:
  - Returns the AS number that Cloudflare uses on its side of the account's CNIs.
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: Read the settings
  netops.cloudflare_cni.cni_settings_info:
  register: account

- name: The AS number to expect of the neighbour
  ansible.builtin.debug:
    var: account.settings.default_asn
'''

RETURN = r'''
settings:
  description: The settings. Empty if Cloudflare has none for the account.
  returned: success
  type: dict
  contains:
    default_asn:
      description: The AS number of Cloudflare's side.
      type: int
      returned: always
      sample: 13335
'''

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._apply import read
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task, run


def work(task: Task) -> dict:
    return {'changed': False, 'settings': next(iter(read(task.client, 'settings')), {})}


def main() -> None:
    run(work, {})


if __name__ == '__main__':
    main()
