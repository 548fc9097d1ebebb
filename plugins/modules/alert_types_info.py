#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: alert_types_info
short_description: Read what an account can be alerted about
version_added: 1.1.0
description:
  - Returns the types of alerts that the account can have, by its products and its plan, with the filters of each.
options:
  types:
    description:
      - Only these types. Those that the account cannot have are missing in the result.
    type: list
    elements: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._api.notifications
  - netops.cloudflare_cni._attributes.info
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Read which alerts about tunnels and maintenance the account can have
  netops.cloudflare_cni.alert_types_info:
    types: [magic_wan_tunnel_health, magic_tunnel_health_check_event, cni_maintenance_notification, maintenance_event_notification]
  register: can

- name: Show their names
  ansible.builtin.debug:
    msg: "{{ can.types | map(attribute='display_name') }}"
'''

RETURN = r'''
types:
  description: The types, sorted by O(ignore:alert_type).
  returned: success
  type: list
  elements: dict
  contains:
    type:
      description: The O(netops.cloudflare_cni.alert_policy#module:alert_type) of policies.
      type: str
      returned: always
      sample: magic_wan_tunnel_health
    display_name:
      description: What the dashboard calls it. Null if Cloudflare does not say.
      type: str
      returned: always
      sample: Magic WAN Tunnel Health Alert
    description:
      description: What it is about. Null if Cloudflare does not say.
      type: str
      returned: always
      sample: Tunnels whose health checks fail.
    group:
      description: The product.
      type: str
      returned: always
      sample: Magic WAN
    filters:
      description:
        - The names of its filters. C(tunnel_name) and C(slo) of the alerts about tunnels are among them in any case, as Cloudflare
          documents them. Null if the response does not show any in the documented form.
      type: list
      elements: str
      returned: always
      sample: [tunnel_name, slo, pop_names]
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

from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._alerts import alert_types
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task, run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import read_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ALERT_TYPES


def work(task: Task) -> dict[str, Any]:
    """The work of the module."""
    available, selected = alert_types(read_objects(task.client, ALERT_TYPES.name)[0]), task.params['types']
    return {'changed': False, 'types': [available[name]._asdict() for name in sorted(available) if selected is None or name in selected]}


def main() -> None:
    run(work, {'types': {'type': 'list', 'elements': 'str'}})


if __name__ == '__main__':
    main()
