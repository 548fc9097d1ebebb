# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the playbook status: what the playbook writes, and how it looks in a browser."""

from __future__ import annotations

import html
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from simulator.process import Simulator
from support.overviews import ACCOUNT, HOSTILE, TODAY, account_of, read_of, rendered, three_circuits, with_routes
from support.playbook import ROOT, Account, Run

from ansible_collections.netops.cloudflare_cni.plugins.filter.overview import overview
from store import Store

PAGES = ROOT / '.build' / 'pages'

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
        newark, newark_2, london = ([slot['id'] for slot in free if slot['ccr_device_name'] == device][number]
                                    for device, number in (('edge01.ewr-a', 0), ('edge01.ewr-a', 1), ('edge01.lhr-a', 0)))
        simulator.set_status(account.seed(HOSTILE, newark), 'Down', 'no light')
        account.seed('nyc-2', newark_2)
        simulator.set_status(account.seed('lon-1', london), 'Healthy')
        page = account.folder / 'status.html'
        arguments = ('status', {'nyc-2': {}}, '-e', f'provision_report={page}', '-e', f'today={TODAY}')
        predicted = account.play(*arguments, '--check', '--diff')
        assert not page.exists()
        yield Written(account, predicted, account.play(*arguments), account.play(*arguments), page, TODAY.isoformat())


def test_check_mode_shows_the_page_and_writes_none(written):
    assert (written.predicted.status, written.predicted.changed) == (0, {('Write the status page', 'nyc-2')}), written.predicted.output
    assert '+<h1>Cloudflare Network Interconnect</h1>' in written.predicted.output


def test_the_page_is_written_once_and_for_its_owner(written):
    assert (written.first.status, written.first.changed) == (0, {('Write the status page', 'nyc-2')}), written.first.output
    assert (written.second.status, written.second.changed, written.second.writes) == (0, set(), [])
    assert stat.S_IMODE(written.page.stat().st_mode) == 0o600


def test_the_status_of_each_port_is_asked_once(written):
    status_reads = [request['path'] for request in written.first.sent if request['path'].endswith('/status')]
    assert len(status_reads) == len(set(status_reads)) == 3


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
    accounts = {'0': account_of(0), '3': with_routes(three_circuits()), '40': with_routes(account_of(40)), '300': account_of(300),
                'hostile': three_circuits(HOSTILE)}
    for name, read in accounts.items():
        (PAGES / f'{name}.html').write_text(rendered(overview(**read, today=TODAY.isoformat())))
    return {name: PAGES / f'{name}.html' for name in accounts}


@pytest.mark.browser
@pytest.mark.parametrize('mode', ['light', 'dark'])
@pytest.mark.parametrize('width', [390, 1280])
@pytest.mark.parametrize('name', ['0', '3', '40', '300', 'hostile'])
def test_the_page_can_be_read(browser, pages, name, width, mode):
    page = browser.open(pages[name], width, mode == 'dark', scripts=False, picture=True)
    (PAGES / f'{name}-{width}-{mode}.png').write_bytes(page.picture)
    assert (page.overflow, page.wide, page.pale, page.squeezed, page.requests, page.messages) == (0, [], [], [], [], [])
    assert ('Needs attention' in page.text) == (name != '0')


@pytest.mark.browser
def test_a_name_is_no_script(browser, pages):
    page = browser.open(pages['hostile'])
    assert (page.requests, page.messages) == ([], [])
    assert page.text == browser.open(pages['hostile'], scripts=False).text
    assert page.text.count(HOSTILE) == 3  # what is Pending, the picture, the table


@pytest.mark.browser
def test_what_needs_a_look_is_at_hand_among_three_hundred(browser, pages):
    page = browser.open(pages['300'])
    assert page.text.index('Down, Unhealthy or unknown: ') < page.text.index('Pending: ') < page.text.index('Sites')
    assert page.height < 9000  # ten screens; what is Healthy is a sign in the picture of its site


@pytest.mark.browser
def test_what_a_failure_costs_comes_before_what_is_pending(browser, pages):
    text = browser.open(pages['40']).text
    headings = ('Down, Unhealthy or unknown: ', 'If it fails: ', 'In the design: ', 'Pending: ')
    assert [*map(text.index, headings)] == sorted(map(text.index, headings))


@pytest.mark.browser
def test_the_measures_see_what_is_wrong(browser, tmp_path):
    page = tmp_path / 'wrong.html'
    page.write_text('<p style="width: 2000px; color: #999">too pale</p><p style="width: 1px; overflow-wrap: anywhere">letters</p>'
                    '<script>console.log("ran")</script><img src="missing.png">')
    opened = browser.open(page, 390)
    assert (opened.overflow > 0, len(opened.wide), opened.squeezed, len(opened.requests)) == (True, 1, ['letters'], 1)
    assert 'too pale (2.8)' in opened.pale
    assert 'ran' in str(opened.messages)
    assert 'ran' not in str(browser.open(page, 390, scripts=False).messages)
