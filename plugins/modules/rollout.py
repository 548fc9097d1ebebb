#!/usr/bin/python
# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r'''
module: rollout
short_description: Manage many circuits in one task
version_added: 1.0.0
description:
  - Brings a list of circuits to what is declared - the interconnect of each, the CNI on it and its health check. The account is read
    once, one plan is made for all of them, and what does not depend on each other is written at the same time.
  - A circuit is found by its name, which is the C(conduit_name) of its CNI, and otherwise as M(netops.cloudflare_cni.interconnect) and
    M(netops.cloudflare_cni.cni) find theirs. What a circuit does not say is left as it is.
  - A circuit that can not be written does not stop the others, unless O(fail_fast) is set; the task fails at its end and tells what
    became of each. Running it again goes on from there.
options:
  circuits:
    description:
      - The circuits. Needed but for O(state=gathered), where it picks some by their names.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the circuit, unique in an account.
        type: str
        required: true
      description:
        description: Text for people.
        type: str
      interconnect:
        description: The name of an interconnect that exists and carries the circuit. None is ordered, and this one is never given up.
        type: str
      type:
        description:
          - V(direct) is a port in a data centre, V(gcp_partner) an attachment in Google Cloud. Follows from the other options if not given.
        type: str
        choices: [direct, gcp_partner]
      slot_id:
        description: The id of the slot to order, see M(netops.cloudflare_cni.slots_info).
        type: str
      slot:
        description:
          - What the port has to meet, instead of O(circuits[].slot_id). An interconnect that meets it and carries no other circuit is
            taken before a free slot is ordered.
        type: dict
        suboptions:
          site:
            description: The site, such as V(ewr-a).
            type: str
          facility:
            description: The whole name of the facility, such as V(Equinix NY1), without regard to case.
            type: str
          address_contains:
            description: Text in the address of the facility, without regard to case.
            type: str
          speed:
            description: The speed of the port, such as V(10G). O(circuits[].speed) if not given.
            type: str
          diverse_from:
            description:
              - Interconnects, or circuits by their conduit names, to keep away from. They have to exist,
                or to come earlier in the list.
              - A slot on a device of theirs is never taken; where a device is not told, none in their facility. Among the slots that are
                left, one in another facility is taken first.
            type: list
            elements: str
      speed:
        description: The speed to order on the slot, such as V(10G) or V(100G).
        type: str
      pairing_key:
        description: The key that Google Cloud shows for a VLAN attachment. Needed to order a V(gcp_partner).
        type: str
      bandwidth:
        description: The bandwidth of a V(gcp_partner). Needed to order one.
        type: str
        choices: [50M, 100M, 200M, 300M, 400M, 500M, 1G, 2G, 5G, 10G, 20G, 50G]
      on_immutable:
        description:
          - As O(netops.cloudflare_cni.interconnect#module:on_immutable). V(replace) is refused while the interconnect is Healthy.
          - What the CNI and its health check had, and the circuit does not name, is taken over. The addresses are new.
        type: str
        choices: [fail, replace]
        default: fail
      shared:
        description: Whether O(circuits[].interconnect) may carry other circuits too.
        type: bool
        default: false
      mtu:
        description: The MTU of the link in bytes, 576 to 1500. On a new CNI 1500 if not given.
        type: int
      bgp:
        description: The BGP session over the link.
        type: dict
        suboptions:
          customer_asn:
            description: The customer's AS number, 1 to 4294967295. Needed where there is no session yet.
            type: int
            aliases: [asn]
          extra_prefixes:
            description: IPv4 prefixes that Cloudflare announces besides those of the account's routing table. An empty list takes all away.
            type: list
            elements: str
          md5_key:
            description: The MD5 key of the session - printable ASCII characters except C(") and C(?). It is shown in no output.
            type: str
            aliases: [password]
      bgp_mode:
        description: V(dynamic_route_exchange) to announce and to accept prefixes, V(advertise_only) to announce only.
        type: str
        choices: [dynamic_route_exchange, advertise_only]
      clear:
        description:
          - What to take away, as an empty value is never a change. V(bgp) is the whole session.
          - A circuit that has none of it is left alone. Where Cloudflare keeps a value all the same, the task fails and names it.
        type: list
        elements: str
        choices: [description, md5_key, extra_prefixes, bgp]
      cust_ip:
        description: The customer's end of the link, such as V(172.31.0.1/31). Cloudflare assigns both ends if they are not given.
        type: str
      p2p_ip:
        description: Cloudflare's end of the link.
        type: str
        aliases: [cf_ip]
      health_check:
        description: How Cloudflare probes the circuit. It is left alone if not given.
        type: dict
        suboptions:
          enabled:
            description: Whether Cloudflare probes.
            type: bool
          rate:
            description: How often Cloudflare probes. V(medium) is an older word for V(mid).
            type: str
            choices: [low, mid, high, medium]
          type:
            description: The kind of probe.
            type: str
            choices: [reply, request]
          direction:
            description: V(unidirectional) probes return over the Internet, V(bidirectional) ones over the tunnel.
            type: str
            choices: [unidirectional, bidirectional]
          target:
            description: The address to probe. Cloudflare calculates one if none was ever set.
            type: str
  state:
    description:
      - V(merged) makes the circuits as declared and touches no other.
      - V(overridden) also gives up each circuit of the account that is not in the list, at most O(max_deletes) of them.
      - V(deleted) gives the circuits up, each with its interconnect, but for one that O(circuits[].interconnect) names or that carries
        others too.
      - V(gathered) changes nothing and returns what is there as RV(gathered), which can be fed back as O(circuits) and then changes
        nothing.
    type: str
    choices: [merged, overridden, deleted, gathered]
    default: merged
  max_deletes:
    description:
      - How many circuits O(state=overridden) may give up. If it were more, nothing is written, and the message lists them.
    type: int
    default: 0
  fail_fast:
    description:
      - Whether to write nothing if a circuit can not be as declared, and to begin no other circuit once a write has failed.
    type: bool
    default: false
  concurrency:
    description:
      - How many circuits are written at the same time. They share one budget of O(requests_per_window).
    type: int
    default: 8
  progress_every:
    description:
      - Seconds after which to show how far it has come, how fast, and about how long is left, and again after as many. V(0) never does.
      - It is shown while the task runs, where it runs in the controller's process, and not with C(no_log).
    type: float
    default: 10
extends_documentation_fragment:
  - netops.cloudflare_cni._api
  - netops.cloudflare_cni._attributes
author:
  - netops.cloudflare_cni contributors (@netops-collections)
'''

EXAMPLES = r'''
- name: A redundant pair
  netops.cloudflare_cni.rollout:
    circuits:
      - name: nyc-1
        slot: &newark
          site: ewr-a
          speed: 10G
        bgp:
          customer_asn: 64512
        health_check:
          rate: high
      - name: nyc-2
        slot:
          <<: *newark
          diverse_from: [nyc-1]
        bgp:
          customer_asn: 64512

- name: The account as circuits
  netops.cloudflare_cni.rollout:
    state: gathered
  register: account

- name: The same again changes nothing
  netops.cloudflare_cni.rollout:
    circuits: "{{ account.gathered }}"
    state: overridden

- name: Give both up
  netops.cloudflare_cni.rollout:
    circuits:
      - name: nyc-1
      - name: nyc-2
    state: deleted
'''

RETURN = r'''
circuits:
  description: What became of each circuit, in the order of O(circuits); those that V(overridden) gives up come last.
  returned: but for O(state=gathered), once the account could be read
  type: list
  elements: dict
  contains:
    name:
      description: The name of the circuit.
      type: str
      returned: always
      sample: nyc-1
    outcome:
      description: V(unchanged), V(created), V(updated), V(deleted) or V(failed); V(skipped) where O(fail_fast) ended the task before.
      type: str
      returned: always
      sample: created
    interconnect:
      description: The name of its interconnect, in check mode V((known after apply\)) for one that is to be ordered.
      type: str
      returned: unless it failed or is deleted
      sample: ewr-a-icon-7f3a
    addresses:
      description: The addresses before and after, C(cust_ip) and C(p2p_ip) with C(before) and C(after), to be changed on the router too.
      returned: if it was replaced
      type: dict
      sample:
        cust_ip: {before: 172.31.0.1/31, after: 172.31.0.3/31}
        p2p_ip: {before: 172.31.0.0/31, after: 172.31.0.2/31}
    msg:
      description: What went wrong, in words.
      type: str
      returned: if it failed
      sample: "slot: no slot is left"
    error:
      description: What went wrong, for a playbook to look at, with the keys of RV(error).
      type: dict
      returned: if it failed
      sample: {kind: input, retryable: false, option: slot}
    applied:
      description: What was changed before the failure.
      returned: if it failed, and anything was
      type: list
      elements: dict
      contains:
        action:
          description: V(create), V(update) or V(delete); V(note) on a tunnel, before what leads to its interconnect is deleted.
          type: str
          returned: always
          sample: create
        object:
          description: What it was done to.
          type: str
          returned: always
          sample: CNI of nyc-1
summary:
  description: How many circuits there are of each outcome.
  returned: but for O(state=gathered), once the account could be read
  type: dict
  sample: {created: 2, unchanged: 98}
gathered:
  description:
    - The circuits of the account, by name, in the words of O(circuits). An MD5 key is not among them, and without one the key is left as
      it is.
  returned: with O(state=gathered)
  type: list
  elements: dict
  sample:
    - name: nyc-1
      interconnect: ewr-a-icon-7f3a
      mtu: 1500
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
error:
  description:
    - What went wrong, for a playbook to look at; C(msg) has it in words.
    - V(partly) if some circuits failed; why is with each of them. Otherwise the whole task failed.
    - C(kind) is V(input), V(ambiguous), V(drift), V(not_taken), V(undecided), V(race), V(not_yet), V(transport), V(answer), V(api) or
      V(error), and C(retryable) tells whether it may pass by itself. The other keys go with the kind.
    - An option that is to blame is in C(option), with what it may be in C(allowed). Objects are in C(candidates), fields in C(fields).
    - The API's own words are in C(method), C(path), C(status), C(code), C(message), C(errors), C(retry_after) and C(cf_ray), and what may
      be behind them in C(hint). C(reason) tells why there was no answer, C(cause) which error led to this one.
  returned: failure
  type: dict
  sample: {kind: api, retryable: false, method: PUT, path: /cni/settings, status: 403, code: 10000, message: Authentication error}
'''

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._rollout import roll
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import CIRCUIT

ARGUMENT_SPEC = {
    'circuits': {'type': 'list', 'elements': 'dict', 'options': CIRCUIT},
    'state': {'type': 'str', 'choices': ['merged', 'overridden', 'deleted', 'gathered'], 'default': 'merged'},
    'max_deletes': {'type': 'int', 'default': 0},
    'fail_fast': {'type': 'bool', 'default': False},
    'concurrency': {'type': 'int', 'default': 8},
    'progress_every': {'type': 'float', 'default': 10},
}


def main() -> None:
    needed = [('state', state, ['circuits']) for state in ('merged', 'overridden', 'deleted')]
    run(roll, ARGUMENT_SPEC, required_if=needed)


if __name__ == '__main__':
    main()
