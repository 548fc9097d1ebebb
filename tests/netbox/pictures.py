# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of NetBox as a person sees them who has logged in."""

from __future__ import annotations

from pathlib import Path

import requests
from netbox.desk import Desk
from netbox.install import PASSWORD, USER
from netbox.server import NetBox
from simulator.process import Simulator
from support.browser import Browser, save

DOCS = Path(__file__).resolve().parents[2] / 'docs'
WIDTH = 1100  # pixels


def take(netbox: NetBox, folder: Path) -> None:
    """Puts the pictures of docs/netbox.md into it."""
    with Simulator() as simulator, Browser() as browser:
        desk = Desk(netbox, simulator, folder)
        desk.clear()
        desk.prepare()
        number = desk.circuit('NYC-1', description='Data centre 1 to Cloudflare')
        cookies = logged_in(netbox)
        page = f'{netbox.url}/circuits/circuits/{number}/'
        save(browser.open(page, WIDTH, cookies=cookies, picture=True).picture, DOCS / 'netbox-planned.png')
        desk.run('netbox_provision', '-e', 'netbox_loa_url=https://files.example.com/loa')
        simulator.set_status(desk.circuits()['NYC-1']['interconnect']['name'], 'Healthy')
        desk.run('netbox_sync')
        save(browser.open(page, WIDTH, picture=True).picture, DOCS / 'netbox-active.png')
        save(browser.open(f'{page}journal/', WIDTH, picture=True).picture, DOCS / 'netbox-journal.png')


def logged_in(netbox: NetBox) -> dict[str, str]:
    """The cookies of a session of the one user."""
    with requests.Session() as session:
        session.trust_env = False
        session.get(f'{netbox.url}/login/')
        form = {'csrfmiddlewaretoken': session.cookies['csrftoken'], 'username': USER, 'password': PASSWORD}
        session.post(f'{netbox.url}/login/', data=form).raise_for_status()
        return {'sessionid': session.cookies['sessionid']}
