# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one writes on the official SDK: the account read once, then one circuit after the other. Argument: the inventory as JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from cloudflare import Cloudflare

ACCOUNT = os.environ['CLOUDFLARE_ACCOUNT_ID']


def listed(pages) -> list[dict]:
    """All objects of a list."""
    found, cursor = [], None
    while True:
        page = pages.list(account_id=ACCOUNT, **({'cursor': cursor} if cursor else {}))
        found += [item.to_dict() for item in page.items]
        cursor = page.next
        if not cursor:
            return found


def main(path: str) -> None:
    hosts = json.loads(Path(path).read_text())['circuits']['hosts']
    client = Cloudflare()
    ports = {port.get('slot_id'): port for port in listed(client.network_interconnects.interconnects)}
    links = {link['magic']['conduit_name']: link for link in listed(client.network_interconnects.cnis)}
    for name, circuit in hosts.items():
        bring_up(client.network_interconnects, name, circuit, ports, links.get(name))
    magic = client.magic_transit.cf_interconnects
    tunnels = {tunnel.to_dict()['virtual_port_reservation_id']: tunnel for tunnel in magic.list(account_id=ACCOUNT).interconnects}
    for circuit in hosts.values():
        tunnel = tunnels[ports[circuit['provision_slot_id']]['virtual_port_reservation_id'].replace('-', '')]
        if tunnel.health_check.rate != circuit['provision_health_check']['rate']:
            magic.update(tunnel.id, account_id=ACCOUNT, health_check=circuit['provision_health_check'])


def bring_up(api, name: str, circuit: dict, ports: dict, link: dict | None) -> None:
    wanted = {'conduit_name': name, 'description': circuit['provision_description'], 'mtu': circuit['provision_mtu']}
    bgp, slot = circuit['provision_bgp'], circuit['provision_slot_id']
    if slot not in ports:
        ports[slot] = api.interconnects.create(account_id=ACCOUNT, account=ACCOUNT, type='direct', slot_id=slot).to_dict()
    if not link:
        link = api.cnis.create(account_id=ACCOUNT, account=ACCOUNT, interconnect=ports[slot]['name'], magic=wanted, bgp=bgp).to_dict()
    if link['magic'] != wanted or {**link['bgp'], **bgp} != link['bgp']:
        api.cnis.update(link['id'], account_id=ACCOUNT, **{**link, 'account': ACCOUNT, 'magic': wanted, 'bgp': {**link['bgp'], **bgp}})


if __name__ == '__main__':
    main(*sys.argv[1:])
