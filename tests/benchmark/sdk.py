# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one writes on the official SDK: the account read once, then one circuit after the other, with its LOA, hand-over and status.

Argument: the inventory as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from cloudflare import Cloudflare

ACCOUNT = os.environ['CLOUDFLARE_ACCOUNT_ID']


def all_pages(pages) -> list[dict]:
    """All objects of a list."""
    found, cursor = [], None
    while True:
        page = pages.list(account_id=ACCOUNT, **({'cursor': cursor} if cursor else {}))
        found += [item.to_dict() for item in page.items]
        cursor = page.next
        if not cursor:
            return found


def main(path: str) -> None:
    inventory = json.loads(Path(path).read_text())['circuits']
    hosts, folder = inventory['hosts'], Path(inventory['vars']['provision_artifacts_dir'])
    folder.mkdir(mode=0o700, exist_ok=True)
    client = Cloudflare()
    api, magic = client.network_interconnects, client.magic_transit.cf_interconnects
    settings = api.settings.get(account_id=ACCOUNT).to_dict()
    ports = {port.get('slot_id'): port for port in all_pages(api.interconnects)}
    links = {link['magic']['conduit_name']: link for link in all_pages(api.cnis)}
    for name, circuit in hosts.items():
        port = ports[circuit['provision_slot_id']] = port_of(api, circuit, ports)
        write(folder / f'{name}-loa.pdf', lambda port=port: loa_of(api, port))
        links[name] = link_of(api, name, circuit, port, links.get(name))
    tunnels = {tunnel.to_dict()['virtual_port_reservation_id']: tunnel for tunnel in magic.list(account_id=ACCOUNT).interconnects}
    for name, circuit in hosts.items():
        port = ports[circuit['provision_slot_id']]
        check = health_check_of(magic, circuit, tunnels[port['virtual_port_reservation_id'].replace('-', '')])
        hand_over(folder / name, {'name': name, 'interconnect': port, 'cni': links[name], 'settings': settings, 'health_check': check})
        print(name, api.interconnects.status(port['name'], account_id=ACCOUNT).state)


def port_of(api, circuit: dict, ports: dict) -> dict:
    slot = circuit['provision_slot_id']
    return ports.get(slot) or api.interconnects.create(account_id=ACCOUNT, account=ACCOUNT, type='direct', slot_id=slot).to_dict()


def loa_of(api, port: dict) -> bytes:
    return api.interconnects.with_raw_response.loa(port['name'], account_id=ACCOUNT).read()


def link_of(api, name: str, circuit: dict, port: dict, link: dict | None) -> dict:
    magic = {'conduit_name': name, 'description': circuit['provision_description'], 'mtu': circuit['provision_mtu']}
    bgp = circuit['provision_bgp']
    if not link:
        return api.cnis.create(account_id=ACCOUNT, account=ACCOUNT, interconnect=port['name'], magic=magic, bgp=bgp).to_dict()
    if link['magic'] != magic or {**link['bgp'], **bgp} != link['bgp']:
        changed = {**link, 'account': ACCOUNT, 'magic': magic, 'bgp': {**link['bgp'], **bgp}}
        return api.cnis.update(link['id'], account_id=ACCOUNT, **changed).to_dict()
    return link


def health_check_of(magic, circuit: dict, tunnel) -> dict:
    desired = circuit['provision_health_check']
    if tunnel.health_check.rate != desired['rate']:
        magic.update(tunnel.id, account_id=ACCOUNT, health_check=desired)
    return {**tunnel.health_check.to_dict(), **desired}


def hand_over(path: Path, facts: dict) -> None:
    """Writes both files, if they are not as they should be."""
    port, link = facts['interconnect'], facts['cni']
    text = (f'# Circuit {facts["name"]}\n\n{port["facility"]["name"]}, {port["ccr_device_name"]}, {port["slot_id"]}, {port["speed"]}\n'
            f'{link["cust_ip"]} {link["p2p_ip"]} MTU {link["magic"]["mtu"]} AS {link["bgp"]["customer_asn"]}\n')
    for file, content in ((path.with_suffix('.md'), text), (path.with_suffix('.json'), json.dumps(facts, indent=2))):
        if not file.exists() or file.read_text() != content:
            write(file, content.encode, anew=True)


def write(file: Path, content: Callable[[], bytes], anew: bool = False) -> None:
    """Whole or not at all, for its owner only. anew: also where there is one."""
    if anew or not file.exists():
        part = file.with_name(f'{file.name}.new')
        part.touch(mode=0o600)
        part.write_bytes(content())
        part.replace(file)


if __name__ == '__main__':
    main(*sys.argv[1:])
