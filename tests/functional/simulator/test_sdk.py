# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloudflare's own SDK does the whole flow, and no request of it is refused."""

from __future__ import annotations

import cloudflare
import pytest


@pytest.fixture
def client(simulator):
    with cloudflare.Cloudflare(api_token=simulator.token, base_url=simulator.url, max_retries=0) as client:
        yield client


def test_from_a_free_slot_to_a_circuit_and_back(simulator, client):
    account = simulator.account
    cni_api = client.network_interconnects
    magic = client.magic_transit.cf_interconnects

    slot = cni_api.slots.list(account_id=account, site='ewr-a', occupied=False, speed='10G', limit=5).items[0]
    assert cni_api.slots.get(slot.id, account_id=account).facility.name == slot.facility.name

    interconnect = cni_api.interconnects.create(account_id=account, account=account, type='direct', slot_id=slot.id, speed='10G')
    assert cni_api.interconnects.get(interconnect.name, account_id=account).slot_id == slot.id
    assert [item.name for item in cni_api.interconnects.list(account_id=account, site='ewr-a').items] == [interconnect.name]
    assert cni_api.interconnects.status(interconnect.name, account_id=account).state == 'Pending'
    cni_api.interconnects.loa(interconnect.name, account_id=account, name='Example Networks')

    assert cni_api.settings.update(account_id=account, default_asn=65010).default_asn == 65010
    assert cni_api.settings.get(account_id=account).default_asn == 65010

    cni = cni_api.cnis.create(
        account_id=account,
        account=account,
        interconnect=interconnect.name,
        magic={'conduit_name': 'nyc-1', 'description': 'primary', 'mtu': 1500},
        bgp={'customer_asn': 65001, 'extra_prefixes': ['198.51.100.0/24'], 'md5_key': 'a key'},
    )
    updated = cni_api.cnis.update(
        cni.id,
        account_id=account,
        id=cni.id,
        account=account,
        cust_ip=cni.cust_ip,
        p2p_ip=cni.p2p_ip,
        interconnect=cni.interconnect,
        magic={'conduit_name': 'nyc-1', 'description': 'primary', 'mtu': 1400},
        bgp={'customer_asn': 65001, 'extra_prefixes': [], 'md5_key': 'a key'},
    )
    assert (updated.magic.mtu, updated.bgp.extra_prefixes) == (1400, [])
    assert cni_api.cnis.get(cni.id, account_id=account).to_dict() == updated.to_dict()
    assert [item.id for item in cni_api.cnis.list(account_id=account, slot=slot.id).items] == [cni.id]

    port = interconnect.virtual_port_reservation_id.replace('-', '')
    interconnects = magic.list(account_id=account, x_magic_new_hc_target=True).interconnects
    tunnel = next(item for item in interconnects if item.to_dict()['virtual_port_reservation_id'] == port)
    changed = magic.update(
        tunnel.id,
        account_id=account,
        health_check={'rate': 'high', 'target': {'saved': '192.0.2.1'}},
        x_magic_new_hc_target=True,
    )
    assert changed.modified
    check = magic.get(tunnel.id, account_id=account, x_magic_new_hc_target=True).interconnect.health_check
    assert (check.rate, check.target.effective, check.enabled) == ('high', '192.0.2.1', True)

    simulator.set_status(interconnect.name, 'Down', 'no light')
    assert cni_api.interconnects.status(interconnect.name, account_id=account).reason == 'no light'

    cni_api.cnis.delete(cni.id, account_id=account)
    cni_api.interconnects.delete(interconnect.name, account_id=account)
    assert {request['status'] for request in simulator.requests()} == {200}
    assert simulator.state()['interconnects'] == simulator.state()['cnis'] == []


def test_a_gcp_partner_interconnect(simulator, client):
    made = client.network_interconnects.interconnects.create(
        account_id=simulator.account,
        account=simulator.account,
        type='gcp_partner',
        bandwidth='2G',
        pairing_key='7e51371e-72a3-40b5-b844-2e3efefaee59/us-east4/2',
    )
    assert (made.region, made.speed) == ('us-east4', '2G')


def test_errors_are_those_the_sdk_knows(simulator, client):
    interconnects = client.network_interconnects.interconnects
    with pytest.raises(cloudflare.NotFoundError):
        interconnects.get('nowhere', account_id=simulator.account)
    simulator.reset(rate_limit='1/60')
    interconnects.list(account_id=simulator.account)
    with pytest.raises(cloudflare.RateLimitError):
        interconnects.list(account_id=simulator.account)
    simulator.reset(token='another')
    with pytest.raises(cloudflare.PermissionDeniedError):
        interconnects.list(account_id=simulator.account)


def test_the_life_of_a_route(simulator, client):
    account, routes = simulator.account, client.magic_transit.routes
    fields = {'prefix': '10.10.0.0/16', 'nexthop': '172.31.0.1', 'priority': 100, 'weight': 64, 'scope': {'colo_regions': ['APAC']}}
    made = routes.create(account_id=account, **fields, description='primary')
    assert (made.prefix, made.weight, made.scope.colo_regions, made.created_on) == ('10.10.0.0/16', 64, ['APAC'], made.modified_on)
    other = routes.create(account_id=account, prefix='10.10.0.0/16', nexthop='172.31.0.3', priority=100)
    assert [route.id for route in routes.list(account_id=account).routes] == [made.id, other.id]

    changed = routes.update(made.id, account_id=account, **{**fields, 'priority': 200})
    assert (changed.modified, changed.modified_route.priority, changed.modified_route.description) == (True, 200, 'primary')
    assert routes.get(made.id, account_id=account).route.to_dict() == changed.modified_route.to_dict()

    bulk = routes.bulk_update(account_id=account, routes=[{'id': made.id, **fields}, {'id': other.id, **fields, 'nexthop': '172.31.0.3'}])
    assert (bulk.modified, [route.weight for route in bulk.modified_routes]) == (True, [64, 64])
    dry = routes.update(made.id, account_id=account, **{**fields, 'priority': 5}, extra_query={'validate_only': 'true'})
    assert (dry.modified, routes.get(made.id, account_id=account).route.priority) == (False, 100)

    gone = routes.delete(made.id, account_id=account)
    assert (gone.deleted, gone.deleted_route.id) == (True, made.id)
    assert [route.id for route in routes.empty(account_id=account).deleted_routes] == [other.id]
    assert routes.list(account_id=account).routes == []
    assert {request['status'] for request in simulator.requests()} == {200}


def test_a_filter_profile_on_a_tunnel_with_a_source(simulator, client):
    simulator.reset(tunnel_version='1.5', coupler_integration=True)
    account, magic = simulator.account, client.magic_transit
    profiles, tunnels = magic.bgp_filter_profiles, magic.cf_interconnects
    slot = client.network_interconnects.slots.list(account_id=account, occupied=False, limit=1).items[0]
    client.network_interconnects.interconnects.create(account_id=account, account=account, type='direct', slot_id=slot.id)

    made = profiles.create(account_id=account, name='on-premises', match_action='allow', targets=['10.0.0.0/8{8,24}'])
    assert profiles.get(made.id, account_id=account).to_dict() == made.to_dict()
    assert profiles.update(made.id, account_id=account, description='private').targets == made.targets
    assert [profile.description for profile in profiles.list(account_id=account)] == ['private']

    (tunnel,) = tunnels.list(account_id=account, x_magic_new_hc_target=True).interconnects
    changed = tunnels.update(
        tunnel.id,
        account_id=account,
        automatic_return_routing=True,
        bgp={'customer_asn': 65001, 'extra_prefixes': ['198.51.100.0/24'], 'md5_key': 'a key', 'import_filter_id': made.id},
        description='to Newark',
        health_check={'direction': 'bidirectional', 'source': '198.41.199.224'},
        interface_address='10.0.0.0/31',
        interface_address6='2001:db8::/127',
        mtu=1400,
        name='newark',
        x_magic_new_hc_target=True,
    ).modified_interconnect
    assert (changed.version, changed.health_check.source, changed.bgp.import_filter_id) == ('1.5', '198.41.199.224', made.id)
    assert (changed.name, changed.mtu, changed.interface_address, changed.automatic_return_routing) == ('newark', 1400, '10.0.0.0/31', True)
    with pytest.raises(cloudflare.BadRequestError):
        profiles.delete(made.id, account_id=account)

    row = {'id': tunnel.id, 'health_check': {'direction': 'unidirectional'}, 'bgp': {'import_filter_id': ''}}
    (bulk,) = tunnels.bulk_update(account_id=account, body={'interconnects': [row]}).modified_interconnects
    assert (bulk.health_check.source, bulk.bgp.import_filter_id, bulk.bgp.customer_asn) == (None, None, 65001)
    assert profiles.delete(made.id, account_id=account).id == made.id
    assert simulator.state()['filter_profiles'] == []


def test_from_a_webhook_to_the_history_of_its_alerts(simulator, client):
    account, alerting = simulator.account, client.alerting
    (kind,) = alerting.available_alerts.list(account_id=account)['Magic WAN']
    assert kind.type == 'magic_wan_tunnel_health'
    assert [option['Key'] for option in kind.filter_options] == ['tunnel_name', 'slo', 'pop_names']

    webhooks = alerting.destinations.webhooks
    made = webhooks.create(account_id=account, name='noc', url='https://noc.example.com/alerts', secret='a secret')
    webhooks.update(made.id, account_id=account, name='on call', url='https://noc.example.com/alerts')
    assert webhooks.get(made.id, account_id=account).to_dict() == webhooks.list(account_id=account).result[0].to_dict()
    assert simulator.state()['webhooks'][0]['secret'] == 'a secret'

    fields = {'name': 'tunnels', 'alert_type': kind.type, 'mechanisms': {'webhooks': [{'id': made.id}]}, 'filters': {'slo': ['99.9']}}
    policy = alerting.policies.create(account_id=account, enabled=True, **fields)
    alerting.policies.update(policy.id, account_id=account, description='to the NOC')
    shown = alerting.policies.get(policy.id, account_id=account)
    assert (shown.description, shown.filters.slo, shown.created < shown.modified) == ('to the NOC', ['99.9'], True)
    assert [row.to_dict() for row in alerting.policies.list(account_id=account)] == [shown.to_dict()]

    for number in range(30):
        simulator.alert(kind.type, f'alert {number}')
    history = list(alerting.history.list(account_id=account, per_page=7))
    assert [alert.alert_body for alert in history] == [f'alert {number}' for number in reversed(range(30))]
    assert {alert.policy_id for alert in history} == {policy.id}
    assert [alert.alert_body for alert in alerting.history.list(account_id=account, since=history[2].sent)] == ['alert 29', 'alert 28']

    assert alerting.policies.delete(policy.id, account_id=account).success
    assert webhooks.delete(made.id, account_id=account).success
    assert {request['status'] for request in simulator.requests()} == {200}
