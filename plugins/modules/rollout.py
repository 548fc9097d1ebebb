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
  - Brings a list of circuits to what is declared - the interconnect of each, the CNI on it, its health check and the static routes to it,
    and, with O(artifacts_dir), its Letter of Authorization (LOA) and its hand-over as files. The account is read once, one plan is made
    for all of them, and what does not depend on each other is written at the same time.
  - A circuit is found by its name, which is the C(conduit_name) of its CNI, and otherwise as M(netops.cloudflare_cni.interconnect) and
    M(netops.cloudflare_cni.cni) find theirs. What a circuit does not say is left as it is.
  - A circuit that is wrong, or can not be written, does not stop the others, unless O(fail_fast) is set; the task fails at its end and
    shows what became of each. Running it again goes on from there.
  - With O(artifacts_dir) the JSON file of a circuit is its record too. It is there right after the order and names the interconnect, so
    that a later run knows whose it is although it has no CNI yet. An interconnect on record is never taken for another circuit, and the
    record leads to it when the circuit is deleted. Where Cloudflare contradicts a record, the record does not count, with a warning.
    Two runs at once that order for the same folder wait for each other.
options:
  circuits:
    description:
      - The circuits. Needed but for O(state=gathered), where it picks some by their names.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The name of the circuit, unique in an account. With O(state=deleted) it may be the name of an interconnect too, if that carries
            no CNI, and no circuit has the name.
        type: str
        required: true
      previous_name:
        description:
          - The name that the circuit had. Where no CNI has O(circuits[].name) and one has this, that one is renamed, and its interconnect
            is kept. Where both are there, the circuit fails.
          - No document says that Cloudflare takes another C(conduit_name) for a CNI, so it is assumed. If it does not, the circuit fails.
          - O(state=deleted) does not look at it, and O(state=overridden) does not delete what has this name.
        type: str
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
            description:
              - The whole name of the facility, such as V(Equinix NY1), without regard to case.
              - V(different) is any in which nothing of O(circuits[].slot.diverse_from) is. What has no facility on record does not count.
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
        description:
          - The key that Google Cloud shows for a VLAN attachment. Needed to order a V(gcp_partner).
          - With it O(circuits[].slot), O(circuits[].slot_id) and O(circuits[].speed) do not count, with a warning, as a circuit may inherit
            them from a group.
        type: str
      bandwidth:
        description: The bandwidth of a V(gcp_partner). Needed to order one.
        type: str
        choices: [50M, 100M, 200M, 300M, 400M, 500M, 1G, 2G, 5G, 10G, 20G, 50G]
      on_immutable:
        description:
          - As O(netops.cloudflare_cni.interconnect#module:on_immutable). V(replace) is refused while the interconnect is Healthy, unless
            O(force). O(max_deletes) counts it.
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
      loa_name:
        description: The name that the LOA is made out to, 200 characters at most. Cloudflare takes the account's if not given.
        type: str
      wait_for:
        description:
          - Waits until the interconnect is in one of these states, O(wait_timeout) seconds at most, and returns whether it is as
            RV(circuits[].reached). A state that is not reached is no failure. V(active) is the dashboard's word for V(Healthy).
        type: list
        elements: str
        choices: [Pending, Down, Unhealthy, Healthy, active]
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
      routes:
        description:
          - The static routes to the circuit, that is, to the customer's end of its CNI, see M(netops.cloudflare_cni.static_route). A
            circuit without BGP carries traffic by these only.
          - The list is all of them. Routes to the circuit that are not in it are deleted, once those that are in it are there. An empty
            list takes all away. If it is not given, the routes to the circuit are left alone. Routes to anything else never are touched.
          - They are written after the CNI and the health check. With the circuit they are deleted before these. Where it is replaced, or
            its CNI gets another O(circuits[].cust_ip), they are deleted before and made again on the new address.
          - A circuit to which routes point is not deleted, nor replaced, and keeps its address, without O(force) if it does not have this
            option, as nobody has said then that they may go.
        type: list
        elements: dict
        suboptions:
          prefix:
            description: The IPv4 prefix. Host bits are cleared with a warning.
            type: str
            required: true
          priority:
            description: The lower wins. Routes of one prefix and priority share the traffic (ECMP). On a new route 100 if not given.
            type: int
          weight:
            description: The share of the traffic among routes of one prefix and priority, 1 to 256.
            type: int
          scope:
            description: Where the route counts. One without a scope counts everywhere. Two routes of one prefix differ in it.
            type: dict
            suboptions:
              colo_names:
                description: Names of data centres of Cloudflare, such as V(den01).
                type: list
                elements: str
              colo_regions:
                description: Regions, such as V(ENAM).
                type: list
                elements: str
          description:
            description: Text for people.
            type: str
  state:
    description:
      - V(merged) makes the circuits as declared and touches no other.
      - V(overridden) also deletes each circuit of the account that is not in the list, if O(max_deletes) says so.
      - V(deleted) gives the circuits up, each with its interconnect, but for one that O(circuits[].interconnect) names or that carries
        others too.
      - V(gathered) changes nothing and returns what is there as RV(gathered), which can be fed back as O(circuits) and then changes
        nothing.
    type: str
    choices: [merged, overridden, deleted, gathered]
    default: merged
  steps:
    description:
      - What is to be done, all of it if not given. Without V(interconnect) nothing is ordered or replaced, nor deleted by
        O(state=overridden), and every circuit has to have its interconnect, by its CNI, by O(circuits[].interconnect) or on record.
        O(state=deleted) has no steps.
      - V(loa) and V(handover) do nothing without O(artifacts_dir), and V(settings) nothing without O(default_asn). V(status) reads the
        status of all circuits if it is named here, and else of those with O(circuits[].wait_for).
    type: list
    elements: str
    choices: [settings, interconnect, loa, cni, health_check, routes, status, handover]
  default_asn:
    description:
      - The AS number of Cloudflare for the whole account, as O(netops.cloudflare_cni.cni_settings#module:default_asn). It is left alone
        if not given.
    type: int
  artifacts_dir:
    description:
      - The folder of the files, on the machine that runs the task. It is made if it is not there. Without it no files are written.
      - C(NAME-loa.pdf) is the LOA of a direct interconnect. It is fetched again when it is not of this interconnect, not made out to
        O(circuits[].loa_name), not as it was written, or older than O(loa_max_age). C(NAME.md) is the hand-over for people, and
        C(NAME.json) that for programs, and the record. In the names, other characters than letters, digits, C(.), C(-) and C(_) are
        percent-encoded. The files of a circuit that is deleted are removed.
    type: path
  loa_max_age:
    description:
      - Days after which a LOA is fetched anew. If not given it never is for its age.
    type: int
  handover_template:
    description:
      - A Jinja template for C(NAME.md) instead of the collection's own. It gets the content of C(NAME.json) as C(handover).
    type: path
  wait_timeout:
    description:
      - Seconds to wait at most for what O(circuits[].wait_for) says, of all circuits at the same time.
    type: int
    default: 300
  later:
    description:
      - Circuits that other runs order, at the same time or later. One of them that is not there yet is nothing to keep away from, as it is
        the one that will keep away.
    type: list
    elements: str
  purge_routes:
    description:
      - Whether the routes to a circuit that O(state=overridden) deletes go with it. Without it such a circuit is not deleted, unless
        O(force). Routes to circuits that stay, or to what is no circuit, are left alone.
    type: bool
    default: false
  max_deletes:
    description:
      - How many circuits may be deleted, be it by O(state=overridden), by O(state=deleted) or to be replaced. If it were more, nothing is
        written, and the message lists them all with their interconnects and how these are.
      - If not given, none that O(state=overridden) finds, and one of those that O(circuits) names.
    type: int
  at_most_per_site:
    description:
      - How many circuits of a site, or region of Google Cloud, a run updates, replaces or deletes, all if not given. What is only created
        is not counted.
      - A Healthy circuit is changed only while all others of its site are Healthy. The rest is V(deferred), which is no failure. Run it
        again for them.
      - Asks for the status of each circuit of a site where anything changes.
    type: int
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
  - netops.cloudflare_cni._delete
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

- name: The pair shares the traffic to an office, and one is the backup of the other for a data centre
  netops.cloudflare_cni.rollout:
    circuits:
      - name: nyc-1
        slot: *newark
        routes:
          - {prefix: 10.20.0.0/16}
          - {prefix: 10.30.0.0/16}
      - name: nyc-2
        slot: *newark
        routes:
          - {prefix: 10.20.0.0/16}
          - {prefix: 10.30.0.0/16, priority: 200}

- name: The account as circuits
  netops.cloudflare_cni.rollout:
    state: gathered
  register: account

- name: The same again changes nothing
  netops.cloudflare_cni.rollout:
    circuits: "{{ account.gathered }}"
    state: overridden

- name: The pair with its files, and its state
  netops.cloudflare_cni.rollout:
    circuits:
      - name: nyc-1
        slot: *newark
        loa_name: Example Networks Inc.
        wait_for: [Healthy]
      - name: nyc-2
        slot: *newark
    artifacts_dir: "{{ playbook_dir }}/artifacts"
    wait_timeout: 10

- name: Only fresh LOAs, as the first have expired
  netops.cloudflare_cni.rollout:
    circuits:
      - name: nyc-1
      - name: nyc-2
    artifacts_dir: "{{ playbook_dir }}/artifacts"
    loa_max_age: 60
    steps: [loa]

- name: Change one of the pair, and with the next run the other
  netops.cloudflare_cni.rollout:
    circuits:
      - {name: nyc-1, mtu: 1476}
      - {name: nyc-2, mtu: 1476}
    at_most_per_site: 1

- name: Delete both, even if they carry traffic
  netops.cloudflare_cni.rollout:
    circuits:
      - name: nyc-1
      - name: nyc-2
    state: deleted
    max_deletes: 2
    force: true
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
      description:
        - V(unchanged), V(created), V(updated), V(deleted) or V(failed); V(skipped) where O(fail_fast) ended the task before, V(deferred)
          where O(at_most_per_site) leaves it to the next run.
      type: str
      returned: always
      sample: created
    changed:
      description: Whether anything of the circuit changed, its files included.
      type: bool
      returned: always
      sample: true
    interconnect:
      description: The name of its interconnect, in check mode V((known after apply\)) for one that is to be ordered.
      type: str
      returned: unless it failed, is deleted or deferred
      sample: ewr-a-icon-7f3a
    addresses:
      description: The addresses before and after, C(cust_ip) and C(p2p_ip) with C(before) and C(after), to be changed on the router too.
      returned: if it was replaced
      type: dict
      sample:
        cust_ip: {before: 172.31.0.1/31, after: 172.31.0.3/31}
        p2p_ip: {before: 172.31.0.0/31, after: 172.31.0.2/31}
    objects:
      description:
        - What is known of the circuit after the task, as the info modules return it, in check mode as it would be. Secrets are hidden.
          Null is what the task had nothing to do with, and what is deleted.
      returned: always
      type: dict
      contains:
        interconnect:
          description: As RV(netops.cloudflare_cni.interconnect_info#module:interconnects).
          returned: always
          type: dict
          sample: {name: ewr-a-icon-7f3a, type: direct, site: ewr-a, speed: 10G}
        cni:
          description: As RV(netops.cloudflare_cni.cni_info#module:cnis).
          returned: always
          type: dict
          sample: {interconnect: ewr-a-icon-7f3a, magic: {conduit_name: nyc-1, mtu: 1500}}
        health_check:
          description: As RV(netops.cloudflare_cni.health_check#module:health_check).
          returned: always
          type: dict
          sample: {enabled: true, rate: high, type: reply}
        routes:
          description:
            - The static routes to the circuit, as RV(netops.cloudflare_cni.static_route_info#module:routes).
          returned: always
          type: list
          elements: dict
          sample:
            - {prefix: 10.20.0.0/16, nexthop: 172.31.0.1, priority: 100}
    status:
      description: The status of its interconnect, with the keys C(interconnect), C(state) and C(reason). Null if nothing asked for it.
      returned: always
      type: dict
      sample: {interconnect: ewr-a-icon-7f3a, state: Pending, reason: null}
    reached:
      description: Whether the interconnect is in a state of O(circuits[].wait_for).
      returned: if that is given, and the status was read
      type: bool
      sample: false
    files:
      description:
        - The paths of its files, C(loa), C(markdown) and C(json). The first is null for a V(gcp_partner). Of a circuit that failed, only
          those that were written. Empty without O(artifacts_dir), and for a circuit that is deleted.
      returned: always
      type: dict
      sample:
        loa: /srv/cni/nyc-1-loa.pdf
        markdown: /srv/cni/nyc-1.md
        json: /srv/cni/nyc-1.json
    msg:
      description: What went wrong, or why it is deferred, in words.
      type: str
      returned: if it failed or is deferred
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
settings:
  description: The settings of the account. Null unless they were set, or read for a hand-over.
  returned: but for O(state=gathered), once the account could be read
  type: dict
  sample: {default_asn: 65100}
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
    - C(kind) is V(input), V(ambiguous), V(drift), V(not_taken), V(undecided), V(race), V(not_yet), V(protected), V(transport),
      V(answer), V(api) or V(error), and C(retryable) is whether it may pass by itself. The other keys go with the kind.
    - An option that is to blame is in C(option), with what it may be in C(allowed). Objects are in C(candidates), fields in C(fields).
    - The API's own words are in C(method), C(path), C(status), C(code), C(message), C(errors), C(retry_after) and C(cf_ray), and what may
      be behind them in C(hint). C(reason) tells why there was no answer, C(cause) which error led to this one.
  returned: failure
  type: dict
  sample: {kind: api, retryable: false, method: PUT, path: /cni/settings, status: 403, code: 10000, message: Authentication error}
'''

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._flow import rollout_work
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import run
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import CIRCUIT_OPTIONS, DELETE_OPTIONS, STEPS

ARGUMENT_SPEC = {
    'circuits': {'type': 'list', 'elements': 'dict', 'options': CIRCUIT_OPTIONS},
    'state': {'type': 'str', 'choices': ['merged', 'overridden', 'deleted', 'gathered'], 'default': 'merged'},
    'steps': {'type': 'list', 'elements': 'str', 'choices': list(STEPS)},
    'default_asn': {'type': 'int'},
    'artifacts_dir': {'type': 'path'},
    'loa_max_age': {'type': 'int'},
    'handover_template': {'type': 'path'},
    'wait_timeout': {'type': 'int', 'default': 300},
    'later': {'type': 'list', 'elements': 'str'},
    'purge_routes': {'type': 'bool', 'default': False},
    'max_deletes': {'type': 'int'},
    'at_most_per_site': {'type': 'int'},
    **DELETE_OPTIONS,
    'fail_fast': {'type': 'bool', 'default': False},
    'concurrency': {'type': 'int', 'default': 8},
    'progress_every': {'type': 'float', 'default': 10},
}


def main() -> None:
    needed = [('state', state, ['circuits']) for state in ('merged', 'overridden', 'deleted')]
    run(rollout_work, ARGUMENT_SPEC, list_option='circuits', required_if=needed)


if __name__ == '__main__':
    main()
