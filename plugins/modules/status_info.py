#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: status_info
short_description: Read the status of interconnects, and wait for it
version_added: 1.0.0
description:
  - Returns the status of the given interconnects and circuits, or of all.
  - A new direct interconnect is Pending until the cross-connect is run, which takes weeks. So Pending is not a failure, and a wait that
    times out returns what was reached, with RV(reached=false).
options:
  interconnect:
    description: The name of one interconnect.
    version_added: 1.1.0
    type: str
  interconnects:
    description: Names of several interconnects.
    type: list
    elements: str
  conduit_name:
    description: One circuit, that is, the name of its CNI.
    version_added: 1.1.0
    type: str
  conduit_names:
    description: Several circuits, that is, the names of their CNIs.
    type: list
    elements: str
  states:
    description: Returns only interconnects in one of these states. V(active) is the dashboard's word for V(Healthy).
    type: list
    elements: str
    choices: [Pending, Down, Unhealthy, Healthy, active]
  wait_for:
    description:
      - Waits until each of the interconnects is in one of these states. V(active) is the dashboard's word for V(Healthy).
      - An interconnect that has reached one is not polled again, so RV(statuses) has its state of that moment. For the state of all at one
        moment, run the task again without O(wait_for).
      - A new interconnect that has no status yet is waited for too; one that is deleted meanwhile is not.
    type: list
    elements: str
    choices: [Pending, Down, Unhealthy, Healthy, active]
  wait_timeout:
    description: Seconds to wait at most.
    type: int
    default: 300
  expect:
    description:
      - Minimum numbers per site, reported as RV(verdict). Only Healthy interconnects among those of this task count, and none that is under
        maintenance by O(under_maintenance) or O(maintenance_days).
    type: list
    elements: dict
    suboptions:
      site:
        description: The site, or the region of Google Cloud.
        type: str
        required: true
      healthy:
        description: Healthy interconnects.
        type: int
      devices:
        description: Cloudflare's devices that they are on.
        type: int
      facilities:
        description: Facilities that they are in.
        type: int
  site_demand:
    description:
      - The bandwidth that sites need from your network to Cloudflare. The keys are sites or regions of Google Cloud, values such as V(3G)
        or V(500M).
      - Warns of a site whose circuits are too few for it, whatever their status and whether or not they are among those of this task. It
        never fails for that. Cloudflare accepts at most 1 Gbps on each CNI of dataplane v2, whatever the speed of the port.
    version_added: 1.1.0
    type: dict
  change:
    description:
      - A circuit that is about to be changed. RV(change) says whether to go ahead, and why.
      - Go, if the circuit is Pending or Down, or if the other circuits of its site are Healthy and not under maintenance. One that is still
        Pending is not waited for if another one is Healthy.
      - The whole site counts, whatever circuits the task is about.
    type: str
    version_added: 1.1.0
  under_maintenance:
    description: Circuits, or interconnects, under announced maintenance. They do not count for O(expect) and O(change).
    type: list
    elements: str
    version_added: 1.1.0
  maintenance_days:
    description:
      - Reads the alerts of so many days. An interconnect that the newest announcement of maintenance names, by its own name, its circuit,
        its device, its site or the airport of its site, counts as under maintenance, unless that announcement says that it is canceled.
      - An announcement is only a text, from which neither the window nor the circuits can be read for sure. So maintenance that is over
        counts until its announcement is older than this. Only what a policy of the account sends is in the history, so an empty history
        proves nothing.
      - The token needs Notifications Read. Without this option no alert is read.
    type: int
    version_added: 1.1.0
  traffic:
    description:
      - Whether to read the traffic of each tunnel in the last 15 minutes as well, from Cloudflare's GraphQL analytics. See
        RV(statuses[].traffic).
      - Asks first what the account may query. If it may not, or if the traffic cannot be read, the task warns and does not fail.
      - The token needs Account Analytics Read. Without this option nothing is queried.
    type: bool
    default: false
    version_added: 1.1.0
  enforce:
    description: Whether to fail, with the same results, if O(expect) is not met or O(change) is no go.
    type: bool
    default: false
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes.info
  - netops.cloudflare_cni._attributes
'''

EXAMPLES = r'''
- name: Read the status of all interconnects
  netops.cloudflare_cni.status_info:

- name: Wait ten seconds at most for nyc-1 to be Healthy
  netops.cloudflare_cni.status_info:
    conduit_name: nyc-1
    wait_for: [Healthy]
    wait_timeout: 10
  register: light

- name: Show its status if it is not
  ansible.builtin.debug:
    msg: "{{ light.statuses }}"
  when: not light.reached

- name: Read what nyc-1 has carried in the last 15 minutes
  netops.cloudflare_cni.status_info:
    conduit_name: nyc-1
    traffic: true
  register: light

- name: Check that the site in Newark is redundant
  netops.cloudflare_cni.status_info:
    expect:
      - {site: ewr-a, healthy: 2, devices: 2}
  register: gate

- name: Check whether nyc-1 may be changed now
  netops.cloudflare_cni.status_info:
    change: nyc-1
    maintenance_days: 7
  register: window

- name: Show go or no go, and why
  ansible.builtin.debug:
    msg: "{{ window.change.text }}"

- name: Show what is missing
  ansible.builtin.debug:
    msg: "{{ gate.verdict.text }}"
  when: not gate.verdict.met
'''

RETURN = r'''
statuses:
  description: The statuses, by the names of the interconnects.
  returned: success
  type: list
  elements: dict
  contains:
    interconnect:
      description: The name of the interconnect.
      type: str
      returned: always
      sample: ewr-a-icon-7f3a
    conduit_name:
      description: The circuit on it, that is, the name of its CNI. Null if there is none or more than one.
      type: str
      returned: always
      sample: nyc-1
    conduit_names:
      description: All circuits on it, by name.
      type: list
      elements: str
      returned: always
      sample: [nyc-1]
    state:
      description: V(Pending), V(Down), V(Unhealthy) or V(Healthy).
      type: str
      returned: always
      sample: Pending
    reason:
      description: Why it is Down or Unhealthy, null if that is not known.
      type: str
      returned: always
      sample:
    traffic:
      description:
        - What the tunnel of the interconnect has carried in the last 15 minutes, or in what part of them the account may query.
        - Null if Cloudflare has no row for the tunnel, or if the traffic could not be read. No rows are no proof of no traffic. They come
          late, are sampled, and have been seen without the name of the tunnel.
        - That the rows name the tunnel of a CNI by its name or id is an assumption. Cloudflare does not document it, nor whether probes of
          the health check count.
      type: dict
      returned: if O(traffic) is set
      contains:
        bits_in:
          description: Bits from your network into Cloudflare's. Null if there is no row for this direction.
          type: int
          returned: always
          sample: 1200000000
        bits_out:
          description: Bits from Cloudflare's network into yours. Null if there is no row for this direction.
          type: int
          returned: always
          sample: 340000000
        since:
          description: The start of the time, by the clock of the machine that runs the task.
          type: str
          returned: always
          sample: '2026-11-02T09:15:00Z'
        seconds:
          description: How long that time is, for the mean rate.
          type: int
          returned: always
          sample: 900
        text:
          description: The same as a line of text.
          type: str
          returned: always
          sample: 1.2 Gbit into Cloudflare and 340 Mbit out of it since 2026-11-02T09:15:00Z
reached:
  description: Whether each of the interconnects is in a state of O(wait_for). True if there was nothing to wait for.
  returned: success
  type: bool
  sample: true
verdict:
  description: The actual numbers against those of O(expect).
  returned: success or O(enforce), if O(expect) is given
  type: dict
  contains:
    met:
      description: Whether all of them are met.
      type: bool
      returned: always
      sample: false
    text:
      description: The same as a line of text.
      type: str
      returned: always
      sample: 'ewr-a: 1 of 2 healthy, 1 of 2 devices'
    sites:
      description:
        - For each entry of O(expect) its site, the actual numbers, and under C(short) those that are not met.
        - C(under_maintenance) lists the Healthy interconnects of the site that do not count, if any is under maintenance.
      type: list
      elements: dict
      returned: always
      sample:
        - site: ewr-a
          met: false
          healthy: 1
          devices: 1
          facilities: 1
          short: {healthy: {have: 1, want: 2}, devices: {have: 1, want: 2}}
change:
  description: Whether O(change) may be changed now.
  returned: success or O(enforce), if O(change) is given
  type: dict
  contains:
    go:
      description: Whether to go ahead.
      type: bool
      returned: always
      sample: false
    text:
      description: The same with the reason, in a line.
      type: str
      returned: always
      sample: 'no go: others at site ewr-a do not carry its traffic: nyc-2 (Down)'
maintenance:
  description: The interconnects under maintenance, by name.
  returned: success or O(enforce), if O(under_maintenance) or O(maintenance_days) is given
  type: list
  elements: dict
  contains:
    interconnect:
      description: The name of the interconnect.
      type: str
      returned: always
      sample: ewr-a-icon-7f3a
    conduit_names:
      description: The circuits on it.
      type: list
      elements: str
      returned: always
      sample: [nyc-1]
    source:
      description: V(option), as O(under_maintenance) names it, or V(alert).
      type: str
      returned: always
      sample: alert
    sent:
      description: When the announcement was sent.
      type: str
      returned: always
      sample: '2026-11-02T09:30:00Z'
    text:
      description: The announcement.
      type: str
      returned: always
      sample: Maintenance of edge01.ewr-a is scheduled for 5 November, 02:00 to 08:00 UTC.
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
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import STATE_CHOICES
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._status import EXPECT, SINGULAR_OPTIONS, status_work

ARGUMENT_SPEC = {
    **{single: {'type': 'str'} for single in SINGULAR_OPTIONS.values()},
    'interconnects': {'type': 'list', 'elements': 'str'},
    'conduit_names': {'type': 'list', 'elements': 'str'},
    'states': {'type': 'list', 'elements': 'str', 'choices': STATE_CHOICES},
    'wait_for': {'type': 'list', 'elements': 'str', 'choices': STATE_CHOICES},
    'wait_timeout': {'type': 'int', 'default': 300},
    'expect': EXPECT,
    'site_demand': {'type': 'dict'},
    'change': {'type': 'str'},
    'under_maintenance': {'type': 'list', 'elements': 'str'},
    'maintenance_days': {'type': 'int'},
    'traffic': {'type': 'bool', 'default': False},
    'enforce': {'type': 'bool', 'default': False},
}


def main() -> None:
    run(status_work, ARGUMENT_SPEC, mutually_exclusive=list(SINGULAR_OPTIONS.items()))


if __name__ == '__main__':
    main()
