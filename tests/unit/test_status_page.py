# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the playbook status: what it says of accounts, what the playbook writes, and how it looks in a browser."""

from __future__ import annotations

import datetime
import html
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
import pytest
from playbook import ROOT, Account, Run
from simulator.process import Simulator

from ansible_collections.netops.cloudflare_cni.plugins.filter.overview import overview

# The simulator's modules import each other as siblings, the way `python tests/simulator` runs them.
sys.path.append(str(ROOT / 'tests' / 'simulator'))

from store import Store

HOSTILE = '<script>alert(1)</script>&"\' onload=alert(2) {{ 7 * 7 }}'
TODAY = datetime.date(2026, 11, 23)
ACCOUNT = '6d1c2f0a4b3e49758c9d0e1f2a3b4c5d'
STATES = ('Healthy', 'Healthy', 'Pending', 'Healthy', 'Unhealthy', 'Healthy', 'Pending', 'Down')
PAGES = ROOT / '.build' / 'pages'
REASONS = {'Down': 'no light', 'Unhealthy': 'health checks fail'}

Read = dict[str, Any]


def read_of(store: Store, states: dict[str, str] | None = None) -> Read:
    """What the playbook reads of an account, as the filter takes it. states: by interconnect, where it is not Pending."""
    def status(name: str) -> dict:
        state = (states or {}).get(name, 'Pending')
        return {'interconnect': name, 'state': state, 'reason': REASONS.get(state)}

    return {
        'interconnects': store.interconnects, 'cnis': store.cnis, 'statuses': [status(port['name']) for port in store.interconnects],
        'slots': store.slots, 'tunnels': store.list_tunnels(target_objects=True),
    }


def account_of(circuits: int) -> Read:
    """An account with so many circuits, ordered at several a day, and two attachments in Google Cloud if there are many."""
    now = [datetime.datetime(2026, 10, 1, 9, tzinfo=datetime.timezone.utc).timestamp()]
    store = Store(ACCOUNT, slots=2 * circuits + 40, clock=lambda: now[0])
    states = {}
    for number, slot in enumerate(store.list_slots(occupied=False)[:circuits]):
        now[0] += 4 * 3600
        port = order(store, slot['id'], f'{slot["site"][:3]}-{number}')
        states[port] = STATES[number % len(STATES)]
    for region in ('us-east4', 'europe-west3') if circuits > 100 else ():
        key = f'7e51371e-72a3-40b5-b844-2e3efefaee59/{region}/2'
        port = store.order({'account': ACCOUNT, 'type': 'gcp_partner', 'pairing_key': key, 'bandwidth': '1G'})
        states[port['name']] = link(store, port['name'], f'gcp-{region}') and 'Healthy'
    return read_of(store, states)


def on_devices(devices: Sequence[str], names: Sequence[str] = ('c-1', 'c-2', 'c-3', 'c-4')) -> Store:
    """An account with a circuit on each of the devices, each ordered ten days after the one before."""
    now = [datetime.datetime(2026, 10, 16, 9, tzinfo=datetime.timezone.utc).timestamp()]
    store = Store(ACCOUNT, clock=lambda: now[0])
    for device, name in zip(devices, names, strict=False):
        now[0] += 10 * 24 * 3600
        free = next(slot for slot in store.list_slots(occupied=False) if slot['ccr_device_name'] == device)
        order(store, free['id'], name)
    return store


def three_circuits(name: str = 'nyc-2') -> Read:
    """A pair on one device, of which the second waits for light, and one that is down."""
    store = on_devices(['edge01.ewr-a', 'edge01.ewr-a', 'edge01.lhr-a'], ['nyc-1', name, 'lon-1'])
    return read_of(store, dict(zip((port['name'] for port in store.interconnects), ('Healthy', 'Pending', 'Down'), strict=True)))


def order(store: Store, slot_id: str, name: str | None = None) -> str:
    """A port, and a circuit on it if there is a name for one; returns the name of the port."""
    port = store.order({'account': ACCOUNT, 'type': 'direct', 'slot_id': slot_id})['name']
    return link(store, port, name) if name else port


def link(store: Store, port: str, name: str) -> str:
    magic = {'conduit_name': name, 'description': '', 'mtu': 1500}
    store.create_cni({'account': ACCOUNT, 'interconnect': port, 'magic': magic, 'bgp': {'customer_asn': 64496, 'extra_prefixes': []}})
    return port


def rendered(account: dict, settings: Any = None, account_id: str = ACCOUNT, today: str = TODAY.isoformat()) -> str:
    """The page in this process. That the playbook writes the same is a test below."""
    loader = jinja2.FileSystemLoader(ROOT / 'playbooks' / 'templates')
    ansibles = {'trim_blocks': True, 'lstrip_blocks': True, 'keep_trailing_newline': True, 'undefined': jinja2.StrictUndefined}
    environment = jinja2.Environment(loader=loader, **ansibles)
    settings = settings or {'default_asn': 13335}
    return environment.get_template('status.html.j2').render(overview=account, settings=settings, account_id=account_id, today=today)


def text_of(page: str) -> str:
    """What it says, without the markup."""
    words: list[str] = []
    parser = HTMLParser()
    parser.handle_data = words.append
    parser.feed(page.partition('</style>')[2])
    return re.sub(r'\s+([:.,])', r'\1', ' '.join(' '.join(words).split())).replace('\N{MULTIPLICATION SIGN}', 'x')


# What is wrong with an account.

@pytest.mark.parametrize(('devices', 'shared'), [
    (['edge01.ewr-a', 'edge01.ewr-a'], [('ewr-a', 'device', 'edge01.ewr-a')]),
    (['edge01.ewr-a', 'edge02.ewr-a'], [('ewr-a', 'facility', 'Equinix NY1')]),
    (['edge01.ewr-a', 'edge03.ewr-a'], []),
    (['edge01.ewr-a', 'edge01.ewr-a', 'edge03.ewr-a'], []),
    (['edge01.ewr-a', 'edge01.lhr-a'], []),  # one for each site
    (['edge01.ewr-a', 'edge01.ewr-a', 'edge01.lhr-a', 'edge02.lhr-a'],
     [('ewr-a', 'device', 'edge01.ewr-a'), ('lhr-a', 'facility', 'Equinix LD8')]),
])
def test_circuits_of_a_site_on_one_device_or_in_one_facility(devices, shared):
    read = read_of(on_devices(devices))
    found = overview(**read, today='2026-11-23')['shared']
    assert [(one['site'], one['kind'], one['name']) for one in found] == shared
    for port in read['interconnects']:
        port['ccr_device_name'] = None  # as the API may: then nothing is said of devices
    assert {one['kind'] for one in overview(**read, today='2026-11-23')['shared']} <= {'facility'}


def test_what_is_free_on_another_device_or_in_another_facility_is_said():
    one_device, one_facility = (text_of(rendered(overview(**read_of(on_devices(devices)), today='2026-11-23')))
                                for devices in (['edge01.ewr-a'] * 2, ['edge01.ewr-a', 'edge02.ewr-a']))
    elsewhere = 'Free at this site on another one: '
    assert f'ewr-a: both circuits are on the device edge01.ewr-a. {elsewhere}edge02.ewr-a (3 x 10G, 1 x 100G); ' in one_device
    assert f'ewr-a: both circuits are in the facility Equinix NY1. {elsewhere}Equinix NY5 (' in one_facility


def test_a_port_without_a_circuit_backs_nothing_up():
    store = on_devices(['edge01.ewr-a'])
    order(store, next(slot['id'] for slot in store.list_slots(occupied=False) if slot['ccr_device_name'] == 'edge01.ewr-a'))
    account = overview(**read_of(store), today='2026-11-23')
    assert (account['shared'], [circuit['spare'] for circuit in account['circuits']].count(True)) == ([], 1)
    assert 'Ports that carry nothing: 1' in text_of(rendered(account))


@pytest.mark.parametrize(('created_on', 'told'), [
    ('2026-11-23T00:00:00Z', '2026-11-23 today'),
    ('2026-11-22T23:59:59.123456Z', '2026-11-22 1 day ago'),
    ('2026-10-26T00:00:00+00:00', '2026-10-26 28 days ago ewr-a'),
    ('2026-10-25T00:00:00Z', '2026-10-25 29 days ago longer than 4 weeks'),
    (None, 'not told'), ('', 'not told'), (7, 'not told'), ('long ago', 'not told'),
])
def test_how_long_a_port_is_pending_is_told_as_far_as_the_api_tells(created_on, told):
    read = read_of(on_devices(['edge01.ewr-a']))
    read['tunnels'][0]['created_on'] = created_on
    text = text_of(rendered(overview(**read, today='2026-11-23')))
    assert 'Waiting for light: 1 A direct port is Pending until its cross-connect is run' in text
    assert f'{read["interconnects"][0]["name"]} {told}' in text


def test_what_is_down_comes_first_and_says_why():
    account = overview(**account_of(16), today=TODAY.isoformat())
    assert list(account['states'].items()) == [('Down', 2), ('Unhealthy', 2), ('Pending', 4), ('Healthy', 8)]
    waiting = [circuit['days'] for circuit in account['circuits'] if circuit['state'] == 'Pending']
    assert waiting == sorted(waiting, reverse=True) != sorted(waiting)
    text = text_of(rendered(account))
    assert 'Not in order: 4' in text
    assert text.count('Down no light') == text.count('Unhealthy health checks fail') == 2 * 2  # in the list, and at the site


def test_a_circuit_whose_port_or_status_is_not_there_is_in_no_known_state():
    read = read_of(on_devices(['edge01.ewr-a', 'edge02.ewr-a']))
    account = overview(**{**read, 'interconnects': read['interconnects'][1:], 'statuses': []}, today='2026-11-23')
    assert account['states'] == {'Unknown': 2}
    assert 'Site not told' in text_of(rendered(account))


def test_the_settings_of_an_account_that_has_none():
    assert "Cloudflare's ASN not told" in text_of(rendered(overview(**account_of(0), today='2026-11-23'), settings={'x': 1}))


# Names are data.

class Markup(HTMLParser):
    """The tags of a page with the names of their attributes, in order."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[tuple[str, list[str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, [name for name, _value in attrs]))


def test_no_value_of_the_api_is_markup():
    store = on_devices(['edge01.ewr-a', 'edge02.ewr-a', 'edge01.lhr-a'])
    for cni in store.cnis:
        cni['magic']['description'] = 'one of two'
        cni['bgp']['customer_asn'] = '64496'  # the API owes a number
    order(store, store.list_slots(occupied=False)[0]['id'])
    read = read_of(store, dict(zip((port['name'] for port in store.interconnects), ('Down', 'Pending', 'Healthy', 'Healthy'), strict=True)))
    plain = rendered(overview(**read, today='2026-11-23'))
    hostile = rendered(overview(**turned(read), today='2026-11-23'), {'default_asn': HOSTILE}, HOSTILE)
    assert Markup(hostile).tags == Markup(plain).tags
    port, cni = store.interconnects[0], store.cnis[0]
    shown = [port['name'], port['site'], port['ccr_device_name'], port['facility']['name'], port['speed'], cni['cust_ip'], cni['p2p_ip'],
             *cni['magic'].values(), *cni['bgp'].values(), 'Down', REASONS['Down'], '']
    assert [value for value in shown if isinstance(value, str) and html.escape(value + HOSTILE) not in hostile.replace('&#34;', '&quot;')
            .replace('&#39;', '&#x27;')] == []


def turned(value: Any) -> Any:
    """The same with each text made hostile, but for the two states that the page knows as harmless."""
    if isinstance(value, dict):
        return {name: turned(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [turned(inner) for inner in value]
    return value + HOSTILE if isinstance(value, str) and value not in ('Pending', 'Healthy') else value


# The playbook.

@dataclass(frozen=True)
class Written:
    """page: the file after the first run. today: the day that it was read on."""

    account: Account
    predicted: Run
    first: Run
    second: Run
    page: Path
    today: str


@pytest.fixture(scope='module')
def written(tmp_path_factory) -> Iterator[Written]:
    """Two circuits on one device, one of them with a hostile name, and one elsewhere, of which the inventory has one."""
    with Simulator() as simulator:
        account = Account(simulator, tmp_path_factory.mktemp('page'))
        free = [slot for slot in simulator.state()['slots'] if not slot['occupied']]
        newark, again, london = ([slot['id'] for slot in free if slot['ccr_device_name'] == device][number]
                                 for device, number in (('edge01.ewr-a', 0), ('edge01.ewr-a', 1), ('edge01.lhr-a', 0)))
        simulator.set_status(account.seed(HOSTILE, newark), 'Down', 'no light')
        account.seed('nyc-2', again)
        simulator.set_status(account.seed('lon-1', london), 'Healthy')
        page = account.folder / 'status.html'
        arguments = ('status', {'nyc-2': {}}, '-e', f'provision_report={page}', '-e', f'today={TODAY}')
        predicted = account.play(*arguments, '--check', '--diff')
        assert not page.exists()
        yield Written(account, predicted, account.play(*arguments), account.play(*arguments), page, TODAY.isoformat())


def test_check_mode_shows_the_page_and_writes_none(written):
    assert (written.predicted.status, written.predicted.changed) == (0, {('Write the page', 'nyc-2')}), written.predicted.output
    assert '+<h1>Cloudflare Network Interconnect</h1>' in written.predicted.output


def test_the_page_is_written_once_and_for_its_owner(written):
    assert (written.first.status, written.first.changed) == (0, {('Write the page', 'nyc-2')}), written.first.output
    assert (written.second.status, written.second.changed, written.second.writes) == (0, set(), [])
    assert stat.S_IMODE(written.page.stat().st_mode) == 0o600


def test_the_status_of_each_port_is_asked_once(written):
    asked = [one['path'] for one in written.first.sent if one['path'].endswith('/status')]
    assert len(asked) == len(set(asked)) == 3


def test_the_playbook_writes_what_this_process_renders(written):
    state = written.account.simulator.state()
    ports = {port['name']: number for number, port in enumerate(state['interconnects'])}
    store = Store(ACCOUNT)
    store.seed(state)
    read = read_of(store, {name: ('Down', 'Pending', 'Healthy')[number] for name, number in ports.items()})
    account = overview(**read, today=written.today)
    assert written.page.read_text() == rendered(account, state['settings'], written.account.simulator.account, written.today)
    assert len(account['circuits']) == 3
    assert html.unescape(written.page.read_text()).count(HOSTILE) == 4  # what is down, the picture and its title, the table


# In a browser: `make test STEPS=pages`.

@pytest.fixture(scope='module')
def pages() -> dict[str, Path]:
    """{account: its page}, in a folder where people can look at them, and at their pictures."""
    PAGES.mkdir(parents=True, exist_ok=True)
    accounts = {'0': account_of(0), '3': three_circuits(), '300': account_of(300), 'hostile': three_circuits(HOSTILE)}
    for name, read in accounts.items():
        (PAGES / f'{name}.html').write_text(rendered(overview(**read, today=TODAY.isoformat())))
    return {name: PAGES / f'{name}.html' for name in accounts}


@pytest.mark.browser
@pytest.mark.parametrize('mode', ['light', 'dark'])
@pytest.mark.parametrize('width', [390, 1280])
@pytest.mark.parametrize('name', ['0', '3', '300', 'hostile'])
def test_the_page_can_be_read(browser, pages, name, width, mode):
    page = browser.open(pages[name], width, mode == 'dark', scripts=False)
    (PAGES / f'{name}-{width}-{mode}.png').write_bytes(page.picture)
    assert (page.overflow, page.wide, page.pale, page.squeezed, page.requests, page.messages) == (0, [], [], [], [], [])
    assert ('What needs a look' in page.text) == (name != '0')


@pytest.mark.browser
def test_a_name_is_no_script(browser, pages):
    page = browser.open(pages['hostile'])
    assert (page.requests, page.messages) == ([], [])
    assert page.text == browser.open(pages['hostile'], scripts=False).text
    assert page.text.count(HOSTILE) == 3  # what waits for light, the picture, the table


@pytest.mark.browser
def test_what_needs_a_look_is_at_hand_among_three_hundred(browser, pages):
    page = browser.open(pages['300'])
    assert page.text.index('Not in order: ') < page.text.index('Waiting for light: ') < page.text.index('Sites')
    assert page.height < 9000  # ten screens; what is Healthy is a sign in the picture of its site


@pytest.mark.browser
def test_the_measures_see_what_is_wrong(browser, tmp_path):
    page = tmp_path / 'wrong.html'
    page.write_text('<p style="width: 2000px; color: #999">too pale</p><p style="width: 1px; overflow-wrap: anywhere">letters</p>'
                    '<script>console.log("ran")</script><img src="missing.png">')
    seen = browser.open(page, 390)
    assert (seen.overflow > 0, len(seen.wide), seen.squeezed, len(seen.requests)) == (True, 1, ['letters'], 1)
    assert 'too pale (2.8)' in seen.pale
    assert 'ran' in str(seen.messages)
    assert 'ran' not in str(browser.open(page, 390, scripts=False).messages)
