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
  - Returns the AS number of Cloudflare's side for the account's CNIs.
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Read the settings
  netops.cloudflare_cni.cni_settings_info:
  register: account

- name: Show the AS number of the neighbour
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
api:
  description: What the task cost, see L(api, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#api).
  returned: always, except for options that no connection can be made with
  type: dict
  sample: {requests: 3, retries: 0, waited: 0.0}
error:
  description: What went wrong, see L(error, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#error).
  returned: failure
  type: dict
  sample: {kind: api, retryable: false, method: PUT, path: /cni/settings, status: 403, code: 10000, message: Authentication error}
'''

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task, run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import read_objects


def settings_work(task: Task) -> dict:
    return {'changed': False, 'settings': next(iter(read_objects(task.client, 'settings')), {})}


def main() -> None:
    run(settings_work, {})


if __name__ == '__main__':
    main()
