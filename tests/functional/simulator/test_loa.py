# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Letter of Authorization is a PDF that names what a cross-connect desk needs."""

from __future__ import annotations

import datetime
import io

import pypdf
import pytest


def text_of(content: bytes) -> str:
    (page,) = pypdf.PdfReader(io.BytesIO(content)).pages
    return ' '.join(page.extract_text().split())


def today() -> datetime.date:
    return datetime.datetime.now(datetime.timezone.utc).date()


@pytest.fixture
def fetch_loa(api, direct):
    def get(**query):
        return api.get(f'/cni/interconnects/{direct["name"]}/loa', params=query)

    return get


def test_it_names_everything_on_one_page(api, direct, fetch_loa):
    before, response = today(), fetch_loa()
    assert response.headers['Content-Type'] == 'application/pdf'
    text = text_of(response.content)
    day = next(day for day in (before, today()) if day.isoformat() in text)  # midnight may have come
    facility = direct['facility']
    expected = ['Letter of Authorization', facility['name'], *facility['address'], direct['slot_id'], direct['name'], direct['site']]
    expected += [direct['ccr_device_name'], direct['speed'], f'LOA-{direct["name"].upper()}', 'Cloudflare, Inc.', 'SIMULATION']
    expected += ['90 days', (day + datetime.timedelta(days=90)).isoformat()]
    assert [words for words in expected if words not in text] == []


@pytest.mark.parametrize(('name', 'printed'), [('Müller & Co', 'Müller & Co'), ('Žižkov 東京', '?i?kov ??'), ('W' * 200, 'WWWW')])
def test_the_name_asked_for_is_printed(fetch_loa, name, printed):
    text = text_of(fetch_loa(name=name).content)
    assert f'Authorized party {printed}' in text


def test_a_name_over_200_characters_is_refused(fetch_loa):
    assert fetch_loa(name='W' * 201).status_code == 400


def test_the_default_name_is_the_one_that_is_printed(api, direct, fetch_loa):
    name = api.get(f'/cni/interconnects/{direct["name"]}/loa/default').json()['name']
    assert f'Authorized party {name}' in text_of(fetch_loa().content)


@pytest.mark.parametrize('path', ['loa', 'loa/default'])
def test_gcp_has_none(api, path):
    response = api.get(f'/cni/interconnects/{api.order_gcp().json()["name"]}/{path}')
    assert response.status_code == 400
    assert 'no Letter of Authorization' in response.text
