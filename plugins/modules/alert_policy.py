#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: alert_policy
short_description: Manage a notification policy, which sends alerts
version_added: 1.1.0
description:
  - Creates, changes or deletes a notification policy - what is alerted, about which circuits, and who gets it.
  - A policy is found by its name, or by O(id). What is not given is left as it is. Cloudflare may replace the whole policy on a change, so
    it is sent the policy as read, with the given fields in it.
  - What Cloudflare stored is compared with what was requested. A field that was not applied is a failure that names it.
options:
  name:
    description:
      - The name of the policy. With O(id) it is renamed to this.
    type: str
  id:
    description:
      - The id that Cloudflare assigned to the policy.
    type: str
  state:
    description:
      - Whether the policy exists.
    type: str
    choices: [present, absent]
    default: present
  alert_type:
    description:
      - What is alerted. Required to create the policy. M(netops.cloudflare_cni.alert_types_info) shows what the account can have; anything
        else is refused before a write.
      - V(magic_wan_tunnel_health) and V(magic_tunnel_health_check_event) alert about the tunnels of Cloudflare WAN and of Magic Transit,
        those of circuits among them, V(cni_maintenance_notification) of maintenance of interconnects, V(maintenance_event_notification) of
        maintenance of data centres. V(tunnel_health_event) is about C(cloudflared), another product.
    type: str
  enabled:
    description:
      - Whether the policy sends alerts. A new one does unless you say otherwise.
    type: bool
  description:
    description:
      - Free text, which the history of the alerts shows.
    type: str
  alert_interval:
    description:
      - How often the same incident is alerted again, such as V(30m). Not all types have it.
    type: str
  circuits:
    description:
      - Only alerts about these circuits, by their C(conduit_name). They become the filter that the type of alert has - C(tunnel_name),
        the names of their tunnels; C(tunnel_id); or C(airport_code), the airport codes of their sites.
      - No document says which code a site has. It is inferred from names such as V(ewr-a), which has V(EWR). Otherwise give the filter.
      - An empty list removes the filter. Then the policy alerts about all tunnels of the account.
    type: list
    elements: str
  filters:
    description:
      - More filters, each with its values, such as C(slo) with V(99.9). Only those that are named are changed; an empty list removes one.
      - Which filters a type of alert has is part of M(netops.cloudflare_cni.alert_types_info). Others are refused.
      - C(slo) of the alerts about tunnels is the percentage of health checks below which an alert is sent. Cloudflare's own levels are
        95.0 to 99.9.
    type: dict
  webhooks:
    description:
      - The webhooks that get the alerts, by their names or ids. All of them; an empty list removes the last one.
      - One of O(webhooks), O(emails) and O(pagerduty) is required to create the policy.
    type: list
    elements: str
  emails:
    description:
      - The e-mail addresses that get the alerts. All of them.
    type: list
    elements: str
  pagerduty:
    description:
      - The PagerDuty services that get the alerts, by their names or ids. All of them. They are connected in Cloudflare's dashboard.
    type: list
    elements: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._api.notifications
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Alert of the tunnels of two circuits
  netops.cloudflare_cni.alert_policy:
    name: tunnels of New York
    alert_type: magic_wan_tunnel_health
    circuits: [nyc-1, nyc-2]
    filters: {slo: ["99.9"]}
    webhooks: [noc]
    emails: [noc@example.com]

- name: Alert of maintenance at their site
  netops.cloudflare_cni.alert_policy:
    name: maintenance in New York
    alert_type: maintenance_event_notification
    circuits: [nyc-1, nyc-2]
    filters: {event_type: [Scheduled, Changed, Canceled]}
    webhooks: [noc]

- name: Pause one of them
  netops.cloudflare_cni.alert_policy:
    name: tunnels of New York
    enabled: false

- name: Delete the other
  netops.cloudflare_cni.alert_policy:
    name: maintenance in New York
    state: absent
'''

RETURN = r'''
policy:
  description: The policy as Cloudflare returned it; in check mode as it would be. Null if it is absent.
  returned: success
  type: dict
  contains:
    id:
      description: The id that Cloudflare assigned.
      type: str
      returned: always
      sample: f174e90afafe4643bbbc4a0ed4fc8415
    name:
      description: The name.
      type: str
      returned: always
      sample: tunnels of New York
    alert_type:
      description: What is alerted.
      type: str
      returned: always
      sample: magic_wan_tunnel_health
    enabled:
      description: Whether it sends alerts.
      type: bool
      returned: always
      sample: true
    description:
      description: Free text.
      type: str
      returned: when Cloudflare returns it
      sample: To the operations centre
    alert_interval:
      description: How often the same incident is alerted again.
      type: str
      returned: when Cloudflare returns it
      sample: 30m
    filters:
      description: The filters, each a list of texts.
      type: dict
      returned: when Cloudflare returns it
      sample: {tunnel_name: [ewr-a-icon-97a4], slo: ['99.9']}
    mechanisms:
      description:
        - Who gets the alerts - C(email), C(pagerduty) and C(webhooks), each a list of dicts with an C(id). Empty lists may be missing.
      type: dict
      returned: always
      sample: {webhooks: [{id: b115d5ec15c641ee8b7692c449b5227b}], email: [{id: noc@example.com}]}
    conditions:
      description: What Cloudflare made of the filters.
      type: dict
      returned: when Cloudflare returns it
      sample: {and: [{or: [{<=: [{var: slo}, '99.9']}]}]}
    created:
      description: When it was created.
      type: str
      returned: when Cloudflare returns it
      sample: '2026-11-02T09:30:00Z'
    modified:
      description: When it was last changed.
      type: str
      returned: when Cloudflare returns it
      sample: '2026-11-02T09:30:00Z'
api:
  description: What the task cost, see L(api, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#api).
  returned: always, except for options that no connection can be made with
  type: dict
  sample: {requests: 3, retries: 0, waited: 0.0}
applied:
  description: L(Writes before the failure, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#applied).
  returned: failure, if anything was
  type: list
  elements: dict
  sample: [{action: delete, object: CNI conduit_name=nyc-1}]
error:
  description: What went wrong, see L(error, https://github.com/netops-collections/cloudflare_cni/blob/main/docs/results.md#error).
  returned: failure
  type: dict
  sample: {kind: api, retryable: false, method: PUT, path: /cni/settings, status: 403, code: 10000, message: Authentication error}
'''

from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task, run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ALERT_POLICY
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import manage_work

ARGUMENT_SPEC = {
    'name': {'type': 'str'},
    'id': {'type': 'str'},
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    'alert_type': {'type': 'str'},
    'enabled': {'type': 'bool'},
    'description': {'type': 'str'},
    'alert_interval': {'type': 'str'},
    'circuits': {'type': 'list', 'elements': 'str'},
    'filters': {'type': 'dict'},
    'webhooks': {'type': 'list', 'elements': 'str'},
    'emails': {'type': 'list', 'elements': 'str'},
    'pagerduty': {'type': 'list', 'elements': 'str'},
}


def work(task: Task) -> dict[str, Any]:
    """The work of the module. Warns of a policy whose alerts nobody gets."""
    result = manage_work(ALERT_POLICY, policy=None)(task)
    policy = result['policy']
    if policy and policy.get('enabled') and not any((policy.get('mechanisms') or {}).values()):
        task.module.warn(f'policy {policy["name"]}: nobody gets its alerts. Set webhooks, emails or pagerduty.')
    return result


def main() -> None:
    run(work, ARGUMENT_SPEC, required_one_of=[('id', 'name')])


if __name__ == '__main__':
    main()
