#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: static_route
short_description: Manage a static route to a circuit
version_added: 1.1.0
description:
  - Makes, changes or deletes a static route of Magic Transit and Cloudflare WAN. A CNI without BGP carries traffic by such routes only.
  - The lowest O(priority) wins. Routes of one prefix and one priority share the traffic (ECMP) by their O(weight). The longest prefix
    comes first. At the same prefix and priority a static route wins over one by BGP, which has the priority 100.
  - A route is found by O(prefix) and next hop, and by O(scope) where several have both in common. What is not named is left as it is.
    Cloudflare wants the whole route on a change, so it gets the route as read, with the named fields in it.
  - What Cloudflare stored is compared with what was asked for. A field that did not take is a failure that names it.
  - The routes of a circuit can be declared with it, too, see O(netops.cloudflare_cni.rollout#module:circuits[].routes).
options:
  id:
    description:
      - The id that Cloudflare gave the route. With O(prefix) or a next hop too, the route gets that one.
    type: str
  prefix:
    description:
      - The IPv4 prefix. Host bits are cleared with a warning. Cloudflare takes prefixes of RFC 1918, others if your account team has
        allowed them. Needed unless O(id) is given.
    type: str
  nexthop:
    description:
      - The IPv4 address of the next hop, which is the customer's end of a tunnel. C(cust_ip) of a CNI is taken as it is, with its length.
    type: str
  conduit_name:
    description:
      - The circuit to route to, instead of O(nexthop).
      - No source says which address of a CNI is the next hop. That it is the customer's end of the link, C(cust_ip), is inferred from an
        account that was exported. If that is not so for yours, give O(nexthop).
      - With O(state=absent), if there is no such circuit, there is nothing to delete.
    type: str
  state:
    description:
      - Whether the route is there.
    type: str
    choices: [present, absent]
    default: present
  priority:
    description:
      - The lower wins. On a new route 100 if not given.
    type: int
  weight:
    description:
      - The share of the traffic among routes of one prefix and priority, 1 to 256. Cloudflare decides if it was never given.
    type: int
  scope:
    description:
      - Where the route counts, by data centres of Cloudflare. Cloudflare uses it for routes that share traffic (ECMP) only.
      - Routes of one prefix and next hop are told apart by it. If it is given, the route with this very scope is meant, and else one
        without a scope, which then gets it. V({}) is the route without one.
    type: dict
    suboptions:
      colo_names:
        description: Names of data centres, such as V(den01). They are compared as a set.
        type: list
        elements: str
      colo_regions:
        description: Regions, such as V(ENAM). They are compared as a set.
        type: list
        elements: str
  description:
    description:
      - Text for people.
    type: str
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: Route a site to its circuit
  netops.cloudflare_cni.static_route:
    prefix: 10.20.0.0/16
    conduit_name: nyc-1
    description: Branch offices

- name: Keep another circuit as its backup
  netops.cloudflare_cni.static_route:
    prefix: 10.20.0.0/16
    conduit_name: nyc-2
    priority: 200

- name: Three quarters over the one, a quarter over the other
  netops.cloudflare_cni.static_route:
    prefix: 10.30.0.0/16
    conduit_name: "{{ item.circuit }}"
    weight: "{{ item.weight }}"
  loop:
    - {circuit: nyc-1, weight: 192}
    - {circuit: nyc-2, weight: 64}

- name: Without the backup
  netops.cloudflare_cni.static_route:
    prefix: 10.20.0.0/16
    conduit_name: nyc-2
    state: absent
'''

RETURN = r'''
route:
  description: The route as Cloudflare returned it; in check mode as it would be. Null if it is absent.
  returned: success
  type: dict
  contains:
    id:
      description: The id that Cloudflare gave it.
      type: str
      returned: always
      sample: c4a7362d577a6c3019a474fd6f485821
    prefix:
      description: The prefix.
      type: str
      returned: always
      sample: 10.20.0.0/16
    nexthop:
      description: The next hop.
      type: str
      returned: always
      sample: 172.31.0.1
    priority:
      description: The priority; the lower wins.
      type: int
      returned: always
      sample: 100
    weight:
      description: The share among routes of one priority.
      type: int
      returned: when Cloudflare returns it
      sample: 128
    scope:
      description: Where the route counts.
      type: dict
      returned: when Cloudflare returns it
      sample: {colo_regions: [ENAM]}
    description:
      description: Text for people.
      type: str
      returned: when Cloudflare returns it
      sample: Branch offices
    created_on:
      description: When it was made.
      type: str
      returned: when Cloudflare returns it
      sample: '2026-11-02T09:30:00Z'
    modified_on:
      description: When it was changed last.
      type: str
      returned: when Cloudflare returns it
      sample: '2026-11-02T09:30:00Z'
api:
  description: What the task cost.
  returned: always, but for options that no connection can be made with
  type: dict
  contains:
    requests:
      description: The requests that were sent.
      type: int
      returned: always
      sample: 3
    retries:
      description: Those among them that repeated a failed one.
      type: int
      returned: always
      sample: 0
    waited:
      description: Seconds spent on waiting, be it before a retry, for the rate limit or for a status.
      type: float
      returned: always
      sample: 0.0
applied:
  description: What was changed before the failure.
  returned: failure, if anything was
  type: list
  elements: dict
  contains:
    action:
      description: V(create), V(update) or V(delete).
      type: str
      returned: always
      sample: delete
    object:
      description: What it was done to.
      type: str
      returned: always
      sample: static route nexthop=172.31.0.1, prefix=10.20.0.0/16
error:
  description:
    - What went wrong, for a playbook to look at; C(msg) has it in words.
    - C(kind) is V(input), V(ambiguous), V(drift), V(not_taken), V(undecided), V(race), V(not_yet), V(transport), V(answer), V(api) or
      V(error), and C(retryable) is whether it may pass by itself. The other keys go with the kind.
    - An option that is to blame is in C(option), with what it may be in C(allowed). Objects are in C(candidates), fields in C(fields).
    - The API's own words are in C(method), C(path), C(status), C(code), C(message), C(errors), C(retry_after) and C(cf_ray), and what may
      be behind them in C(hint). C(reason) tells why there was no answer, C(cause) which error led to this one.
  returned: failure
  type: dict
  sample: {kind: api, retryable: false, method: PUT, path: /cni/settings, status: 403, code: 10000, message: Authentication error}
'''

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import ROUTE
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import ROUTE_OPTIONS
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._work import manage_work

ARGUMENT_SPEC = {
    'id': {'type': 'str'},
    'nexthop': {'type': 'str'},
    'conduit_name': {'type': 'str'},
    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    **ROUTE_OPTIONS,
}


def main() -> None:
    run(manage_work(ROUTE, route=None), ARGUMENT_SPEC, required_one_of=[('id', 'prefix'), ('id', 'nexthop', 'conduit_name')],
        mutually_exclusive=[('nexthop', 'conduit_name')])


if __name__ == '__main__':
    main()
