# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an interconnect, a CNI and a health check, for their modules, and all of them as the suboptions of rollout's circuits."""

from __future__ import annotations

from textwrap import indent


def nested(fragment: str, block: str = '') -> str:
    """The options of a fragment as suboptions of a circuit, or of a block of it, that stand further to the right."""
    return indent(fragment.partition('options:\n')[2].replace('O(', f'O(circuits[].{block}'), ' ' * (8 if block else 4))


class ModuleDocFragment:
    INTERCONNECT = r'''
options:
  slot_id:
    description: The id of a slot, see M(netops.cloudflare_cni.slots_info). It is ordered unless the account has an interconnect on it.
    type: str
  slot:
    description:
      - What the slot must match, instead of O(slot_id). An interconnect that matches it is used before a free slot is ordered.
      - An interconnect that was found otherwise is checked against it.
      - A slot that matches it, is occupied by this account and has no interconnect listed may be an order that Cloudflare does not list
        yet. Nothing else is ordered then. If it is still not listed after C(retry_timeout), it fails with C(kind) V(not_yet) and the
        C(slot_id).
    type: dict
    suboptions:
      site:
        description: The site, such as V(ewr-a).
        type: str
      facility:
        description:
          - The full name of the facility, such as V(Equinix NY1), case-insensitive.
          - V(different) is any facility that none of O(slot.diverse_from) is in. A slot without a facility on record does not count.
        type: str
      address_contains:
        description: Text in the address of the facility, case-insensitive.
        type: str
      speed:
        description: The speed of the port, such as V(10G). O(speed) if not given.
        type: str
      diverse_from:
        description:
          - Interconnects, or circuits by their conduit names, that must exist or be in the same run. Of two that name each other, the
            second keeps away from the first.
          - Requires a different device, prefers a different facility. Where a device is not known, requires a different facility.
        type: list
        elements: str
  type:
    description: V(direct) is a port in a data centre, V(gcp_partner) an attachment in Google Cloud. Follows from the rest if not given.
    type: str
    choices: [direct, gcp_partner]
  speed:
    description: The speed to order, such as V(10G) or V(100G), for V(direct) only.
    type: str
  pairing_key:
    description: Google Cloud's key of a VLAN attachment, C(uuid/region/availability-domain). Required to order V(gcp_partner).
    type: str
  bandwidth:
    description: The bandwidth of V(gcp_partner). Required to order one.
    type: str
    choices: [50M, 100M, 200M, 300M, 400M, 500M, 1G, 2G, 5G, 10G, 20G, 50G]
  on_immutable:
    description:
      - What to do if the interconnect differs in what is immutable, such as its slot or speed.
      - V(fail) names the difference. V(replace) deletes the interconnect with the circuit's CNI and orders another one, which needs
        another cross-connect. It is refused while the interconnect is Healthy, unless C(force=true).
      - The new CNI and its tunnel keep the values that are not given, except for the addresses. C(addresses) of the result has the
        old and the new ones, and a warning reports them.
    type: str
    choices: [fail, replace]
    default: fail
'''

    CNI = r'''
options:
  shared:
    description:
      - Whether O(interconnect) may carry other CNIs too. The link is untagged, so as a rule there is one CNI on it.
      - Without it a CNI is not put on an interconnect that carries another one. If two runs do so at the same moment, the CNI with the
        smaller id stays; the other run deletes its own and fails with C(kind) V(race).
    type: bool
    default: false
  description:
    description: Free text. Empty on a new CNI if not given.
    type: str
  mtu:
    description: The MTU of the link in bytes, 576 to 1500. 1500 on a new CNI if not given.
    type: int
  bgp:
    description:
      - The BGP session over the link. It can be added and changed; O(clear) removes it.
      - BGP over CNI is a closed beta that is not available to new customers. Without it, static routes carry the traffic, see
        M(netops.cloudflare_cni.static_route).
    type: dict
    suboptions:
      customer_asn:
        description:
          - The customer's AS number, 1 to 4294967295. Required for a new session.
          - Cloudflare's is set by M(netops.cloudflare_cni.cni_settings).
        type: int
        aliases: [asn]
      extra_prefixes:
        description:
          - IPv4 prefixes that Cloudflare announces in addition to the account's routing table.
          - They are compared as a set. Host bits are cleared with a warning. An empty list removes all.
        type: list
        elements: str
      md5_key:
        description: The MD5 key of the session, printable ASCII except C(") and C(?). It is shown in no output. O(clear) removes it.
        type: str
        aliases: [password]
  bgp_mode:
    description: V(dynamic_route_exchange) announces and accepts prefixes, V(advertise_only) only announces.
    type: str
    choices: [dynamic_route_exchange, advertise_only]
  clear:
    description:
      - What to remove, as an empty value never changes anything. V(bgp) is the whole session.
      - A CNI that has none of it is left as it is. If Cloudflare keeps a value all the same, it fails by name.
    version_added: 1.1.0
    type: list
    elements: str
    choices: [description, md5_key, extra_prefixes, bgp]
  cust_ip:
    description:
      - The customer's address on the link with its prefix length, such as V(172.31.0.1/31). Cloudflare assigns both if not given.
      - Both or none are given for a new CNI, two addresses of one prefix.
    type: str
  p2p_ip:
    description: Cloudflare's address on the link, with its prefix length.
    type: str
    aliases: [cf_ip]
'''

    HEALTH_CHECK = r'''
options:
  enabled:
    description: Whether Cloudflare probes.
    type: bool
  rate:
    description: How often Cloudflare probes. V(medium) is an alias of V(mid).
    type: str
    choices: [low, mid, high, medium]
  type:
    description: The kind of probe, an ICMP V(request) or an ICMP V(reply).
    type: str
    choices: [reply, request]
  direction:
    description: The responses to V(unidirectional) probes return over the Internet, those to V(bidirectional) ones over the tunnel.
    type: str
    choices: [unidirectional, bidirectional]
  target:
    description:
      - The address to probe. Cloudflare calculates one if none was ever set.
      - Cloudflare ignores it with V(bidirectional), where it probes the customer's end of the tunnel.
    type: str
  source:
    description:
      - The address that V(bidirectional) probes come from, an IPv4 address of RFC 1918, 169.254.240.0/20 or 198.41.199.224/27.
      - Only tunnels of version 1.5 take it, and with V(bidirectional) they require it. Cloudflare chooses the version, which
        M(netops.cloudflare_cni.health_check_info) returns. What does not fit it fails before anything is written, or, if the interconnect
        is ordered in the same run, right after the order.
      - V(unidirectional) clears it, so it must then be left out.
    version_added: 1.1.0
    type: str
'''

    TUNNEL = r'''
options:
  description:
    description: Free text. The description of the CNI is another one.
    type: str
  mtu:
    description: The MTU of the tunnel in bytes, 576 or more. The MTU of the CNI is another one.
    type: int
  interface_address:
    description:
      - Cloudflare's address in the tunnel with its prefix length, such as V(10.0.0.0/31).
      - A tunnel of version 1.5 takes a /31 only, others also a /30. Cloudflare takes addresses of RFC 1918, of its link-local ranges, and
        for version 1.5 prefixes of yours that it has approved.
    type: str
  automatic_return_routing:
    description: Whether responses return over the tunnel that the traffic came by. Cloudflare has to enable it for the account.
    type: bool
  import_filter:
    description:
      - The BGP filter profile for the routes that Cloudflare receives from you over the tunnel, by its name, or by its id if several have
        that. See M(netops.cloudflare_cni.bgp_filter_profile). O(clear) takes it off.
      - It is in the C(bgp) of the tunnel. Cloudflare does not document how that and the session of the CNI belong together.
    type: str
  export_filter:
    description: The BGP filter profile for the routes that Cloudflare announces to you over the tunnel, as O(import_filter).
    type: str
  clear:
    description: What to remove, as an empty value never changes anything.
    type: list
    elements: str
    choices: [description, import_filter, export_filter]
'''

    DOCUMENTATION = r'''
options:
  circuits:
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The name of the circuit, unique in an account.
          - With O(circuits[].state=absent) it may also be the name of an interconnect that carries no CNI, if no circuit has the name.
        type: str
        required: true
      state:
        description:
          - V(absent) deletes the circuit with its interconnect, except for one that O(circuits[].interconnect) names or that carries other
            circuits too.
        version_added: 1.1.0
        type: str
        choices: [present, absent]
        default: present
      previous_name:
        description:
          - The former name of the circuit. If no CNI has O(circuits[].name) and one has this, that CNI is renamed and its interconnect
            kept. It is an error if both exist.
          - Cloudflare does not document that a C(conduit_name) can be changed. If it cannot, the circuit fails.
          - O(state=deleted) ignores it. O(state=overridden) does not delete the circuit of this name.
        version_added: 1.1.0
        type: str
      interconnect:
        description: The name of an existing interconnect for the circuit. None is ordered, and this one is never deleted.
        type: str
      loa_name:
        description: The name that the LOA is made out to, 200 characters at most. The account's if not given.
        version_added: 1.1.0
        type: str
      wait_for:
        description:
          - Waits up to O(wait_timeout) for one of these states of the interconnect, and returns RV(circuits[].reached). A state that is
            not reached is no failure. V(active) is the dashboard's word for V(Healthy).
        version_added: 1.1.0
        type: list
        elements: str
        choices: [Pending, Down, Unhealthy, Healthy, active]
      routes:
        description:
          - The static routes to the circuit, that is, to the customer's end of its CNI, see M(netops.cloudflare_cni.static_route). A
            circuit without BGP carries traffic by these only.
          - The list is complete. Routes to the circuit that are not in it are deleted, once those that are in it exist. An empty list
            deletes all. If it is not given, the routes to the circuit are left as they are. Routes to anything else are never touched.
          - They are written after the CNI and the health check, and deleted before these. If the circuit is replaced, or its CNI gets
            another O(circuits[].cust_ip), they are deleted first and created again on the new address.
          - Without this option, a circuit that is the next hop of routes is not deleted or replaced, and keeps its address, unless
            O(force).
        version_added: 1.1.0
        type: list
        elements: dict
        suboptions:
          prefix:
            description: The IPv4 prefix. Host bits are cleared with a warning.
            type: str
            required: true
          priority:
            description: The lowest wins. Routes of one prefix and priority share the traffic (ECMP). 100 on a new route if not given.
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
            description: Free text.
            type: str
      health_check:
        description: How Cloudflare probes the circuit. Left as it is if not given.
        type: dict
        suboptions:
'''
    DOCUMENTATION += nested(HEALTH_CHECK, 'health_check.') + r'''
      tunnel:
        description: What the tunnel over the interconnect has besides its health check. It is left as it is if not given.
        version_added: 1.1.0
        type: dict
        suboptions:
'''[1:] + nested(TUNNEL, 'tunnel.') + nested(INTERCONNECT) + nested(CNI)
