#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: alert_policy_info
short_description: Read notification policies
version_added: 1.1.0
description:
  - Returns the notification policies of the account, all or those that match the options.
  - No match is an empty list, not a failure.
options:
  name:
    description:
      - Only the policy with this name.
    type: str
  alert_type:
    description:
      - Only policies of this type of alert.
    type: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._api.notifications
  - netops.cloudflare_cni._attributes.info
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Read who is alerted about tunnels
  netops.cloudflare_cni.alert_policy_info:
    alert_type: magic_wan_tunnel_health
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ found.policies | map(attribute='mechanisms') }}"
'''

RETURN = r'''
policies:
  description: The policies, as M(netops.cloudflare_cni.alert_policy) returns one.
  returned: success
  type: list
  elements: dict
  sample: [{id: f174e90afafe4643bbbc4a0ed4fc8415, name: tunnels of New York, alert_type: magic_wan_tunnel_health, enabled: true}]
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

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ALERT_POLICY
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import info_work


def main() -> None:
    run(info_work(ALERT_POLICY, 'policies', filters=('alert_type',)), {'name': {'type': 'str'}, 'alert_type': {'type': 'str'}})


if __name__ == '__main__':
    main()
