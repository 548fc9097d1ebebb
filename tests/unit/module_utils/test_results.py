# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What results show of objects: all but secrets, wherever Cloudflare returns them."""

from __future__ import annotations

import json

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import RESOURCES
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._results import diff_result, without_secrets

PLACES = {
    'at the top': {'md5_key': 's3cret'},
    'where the CNI has it': {'bgp': {'customer_asn': 64512, 'md5_key': 's3cret'}},
    'in a list': {'sessions': [{'bgp': {'md5_key': 's3cret'}}]},
    'a pairing key': {'google': {'pairing_key': 's3cret'}},
    'of another type': {'bgp': {'md5_key': ['s3cret']}},
}


@pytest.mark.parametrize('row', RESOURCES.values(), ids=lambda row: row.name)
def test_no_object_shows_a_secret_wherever_it_is(row):
    for place, secret in PLACES.items():
        obj = {'id': 'a', 'mtu': 1500, 'none': None, **secret}
        shown = without_secrets(obj)
        assert 's3cret' not in json.dumps(shown), place
        assert (shown['id'], shown['mtu'], shown['none']) == ('a', 1500, None)
        diff = diff_result([Change(row, 'update', 'it', obj, {**obj, 'mtu': 1400}), Change(row, 'delete', 'it', obj, None)])
        assert 's3cret' not in json.dumps(diff), place


def test_what_is_no_secret_is_shown_as_it_is_and_an_absent_key_stays_absent():
    obj = {'bgp': {'customer_asn': 64512, 'md5_key': None}, 'list': [1, {'key': 'nyc-1'}]}
    assert without_secrets(obj) == obj
    assert without_secrets(None) is None
