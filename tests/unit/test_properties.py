# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every account and for whatever a user declares. PROPERTY_EXAMPLES=2000 looks at more of them, new ones each time."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st
from properties.accounts import Account, accounts, prefix_lists
from properties.desired import Declared, cnis, declarations, fleets, together, written
from properties.effort import examples_effort
from properties.inprocess import Api, Ended

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._flow import rollout_work
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import HIDDEN, Work
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._observe import read_objects
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import CNI, RESOURCES, UNKNOWN
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._specs import SCOPE_OPTIONS
from ansible_collections.netops.cloudflare_cni.plugins.modules.rollout import ARGUMENT_SPEC

API = Api()
STORED = {'interconnect': 'interconnects', 'cni': 'cnis', 'settings': 'settings', 'tunnel': 'tunnels', 'route': 'routes',
          'filter_profile': 'filter_profiles'}
NAMED_BY = {'slots': 'id', 'interconnects': 'name', 'cnis': 'id', 'tunnels': 'id', 'routes': 'id', 'filter_profiles': 'id'}
# What Cloudflare changes along with what it is asked to.
CONSEQUENCES = {'occupied', 'account', 'modified_on', 'effective'}
FILLED_IN = ('bgp_mode',)  # what it adds to an object that is without

tasks = accounts().flatmap(lambda account: st.tuples(st.just(account), declarations(account)))
rollouts = accounts().flatmap(lambda account: st.tuples(st.just(account), fleets(account)))


def run(account: Account, work: Work, params: Mapping[str, Any] | None = None, check: bool = False) -> Ended:
    """The first run in an account. What is refused is refused before any write."""
    API.seed(account.lists, **account.options)
    before = API.state
    ended = API.run(work, params or {}, check)
    event('refused' if ended.refused else 'changed' if ended.result['changed'] else 'as declared')
    if ended.refused or check:
        assert (ended.writes, API.state) == ([], before)
    return ended


# A second run.

def nothing_left_to_do(first: Ended, second: Ended) -> None:
    assert second.writes == []
    if first.refused:
        assert second.predictable == first.predictable
    else:
        assert (second.result['changed'], second.result['diff']) == (False, [])


@examples_effort
@given(tasks)
def test_a_second_run_changes_nothing(task):
    account, desired = task
    nothing_left_to_do(run(account, desired.work, desired.params), API.run(desired.work, desired.params))


@examples_effort
@given(rollouts)
def test_a_second_run_of_a_whole_fleet_changes_nothing(rollout):
    account, fleet = rollout
    nothing_left_to_do(run(account, together(fleet)), API.run(together(fleet), {}))


@examples_effort
@given(accounts())
def test_what_is_gathered_and_fed_back_changes_nothing(account):
    options = {**{name: row.get('default') for name, row in ARGUMENT_SPEC.items()}, 'concurrency': 1}
    gathered = run(account, rollout_work, {**options, 'circuits': None, 'state': 'gathered'})
    second = API.run(rollout_work, {**options, 'circuits': gathered.result['gathered'], 'state': 'overridden'})
    assert (second.result['changed'], second.result['diff'], second.writes) == (False, [], [])
    assert len(second.result['circuits']) == len(account['cnis'])


# A prediction.

def foreseen(predicted: Any, real: Any, path: str = '') -> Iterator[str]:
    """The paths at which a predicted object is not as the real one, but for what nobody could know or may see."""
    if isinstance(predicted, dict) and isinstance(real, dict):
        for name in predicted.keys() - CONSEQUENCES:
            yield from foreseen(predicted[name], real.get(name), f'{path}.{name}')
    elif predicted not in (UNKNOWN, HIDDEN, real):
        yield f'{path}: {predicted!r} is {real!r}'


@examples_effort
@given(tasks)
def test_a_prediction_is_what_comes_true(task):
    account, desired = task
    predicted, real = (run(account, desired.work, desired.params, check) for check in (True, False))
    assert predicted.predictable == real.predictable
    assert [*foreseen(predicted.result.get('object'), real.result.get('object'))] == []


@examples_effort
@given(rollouts)
def test_a_prediction_of_a_whole_fleet_is_what_comes_true(rollout):
    account, fleet = rollout
    predicted, real = (run(account, together(fleet), check=check) for check in (True, False))
    assert predicted.predictable == real.predictable


# What nobody named.

def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """{path: value} of an object; a list is a value."""
    if not isinstance(value, dict) or not value:
        return {path: value}
    return {where: leaf for name, inner in value.items() for where, leaf in leaves(inner, (*path, name)).items()}


def altered(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[tuple[str, ...]]:
    """The paths whose values are others, have come or have gone, but for what Cloudflare filled in."""
    old, new = leaves({**{name: after[name] for name in FILLED_IN if name in after}, **before}), leaves(after)
    return {path for path in {**old, **new} if path not in old or path not in new or old[path] != new[path]}


def by_name(state: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The stored objects of a list by what names them; the settings are one of a kind."""
    return {'': state[kind]} if kind == 'settings' else {obj[NAMED_BY[kind]]: obj for obj in state[kind]}


def may_change(desired: Declared) -> set[tuple[str, ...]]:
    """The paths that the options name, as they are stored, and the defaults of a block that is new."""
    named = {f.path for f in RESOURCES[desired.row.name].fields if get(desired.params, f.option) is not None}
    if any(path.startswith('bgp.') for path in named):
        named.add('bgp.extra_prefixes')
    named |= {RESOURCES[desired.row.name].clear_values[name][0] for name in desired.params.get('clear') or ()}
    if 'health_check.direction' in named:
        named.add('health_check.source')  # which one direction clears
    named |= {f'scope.{name}' for name in SCOPE_OPTIONS if 'scope' in named}
    return {tuple(path.removesuffix('.saved').split('.')) for path in named}


@examples_effort
@given(accounts(strange=True).flatmap(lambda account: st.tuples(st.just(account), declarations(account) | cnis(account))))
def test_what_nobody_named_stays(task):
    account, desired = task
    API.seed(account.lists, **account.options)
    before = API.state
    ended = run(account, desired.work, desired.params)
    after = API.state
    for kind in NAMED_BY | {'settings': ''}:
        old, new = by_name(before, kind), by_name(after, kind)
        changes = {name: altered(old[name], new[name]) for name in old.keys() & new.keys() if old[name] != new[name]}
        allowed = may_change(desired) if STORED[desired.row.name] == kind else set()
        assert [path for paths in changes.values() for path in paths if path not in allowed and path[-1] not in CONSEQUENCES] == []
    assert counted(before, after, ended.writes) == counted_in_diff(ended)


def counted(before: Mapping[str, Any], after: Mapping[str, Any], writes: Sequence[tuple[str, str]]) -> dict[str, int]:
    """How many objects were deleted, created and updated in the store. Slots and tunnels come and go with their interconnects.

    The tunnel of a new interconnect is updated if it was written: it takes over the health check of the one that is replaced.
    """
    actions = {'delete': 0, 'create': 0, 'update': 0}
    for kind in set(STORED.values()):
        old, new = by_name(before, kind), by_name(after, kind)
        if kind == 'tunnels':
            actions['update'] += sum(method == 'PUT' and path.endswith(name) for name in new.keys() - old.keys() for method, path in writes)
        else:
            actions['delete'] += len(old.keys() - new.keys())
            actions['create'] += len(new.keys() - old.keys())
        actions['update'] += sum(old[name] != new[name] for name in old.keys() & new.keys())
    return actions


def counted_in_diff(ended: Ended) -> dict[str, int]:
    """The same by the diff."""
    headers = [entry['after_header'] for entry in ended.result.get('diff', [])]
    return {action: sum(header.endswith(f'({action})') for header in headers) for action in ('delete', 'create', 'update')}


# Order.

@examples_effort
@given(tasks, st.randoms(use_true_random=False))
def test_the_order_of_what_is_there_does_not_matter(task, chance):
    account, desired = task
    shuffled = {kind: objects if kind == 'settings' else chance.sample(objects, len(objects))
                for kind, objects in account.lists.items()}
    first = run(account, desired.work, desired.params, check=True)
    other = run(Account(shuffled, account.options), desired.work, desired.params, check=True)
    assert first.predictable == other.predictable


@st.composite
def circuits(draw) -> tuple[Account, dict[str, Any]]:
    """An account, and one of its CNIs that has BGP."""
    account = draw(accounts().filter(lambda account: any('bgp' in cni for cni in account['cnis'])))
    return account, draw(st.sampled_from([cni for cni in account['cnis'] if 'bgp' in cni]))


@examples_effort
@given(circuits(), st.data())
def test_prefixes_written_otherwise_are_the_same(circuit, data):
    account, cni = circuit
    prefixes = data.draw(written(cni['bgp']['extra_prefixes']))
    ended = run(account, Declared(CNI, {}).work, {'conduit_name': cni['magic']['conduit_name'], 'bgp': {'extra_prefixes': prefixes}})
    assert (ended.result['changed'], ended.writes) == (False, [])


@examples_effort
@given(circuits(), prefix_lists.flatmap(lambda prefixes: st.tuples(written(prefixes), written(prefixes))))
def test_prefixes_written_otherwise_are_changed_alike(circuit, ways):
    account, cni = circuit
    for way in ways:
        ended = run(account, Declared(CNI, {}).work, {'conduit_name': cni['magic']['conduit_name'], 'bgp': {'extra_prefixes': way}})
        stored = by_name(API.state, 'cnis')[cni['id']]
        assert ended.result['changed'] == (canonical(way) != canonical(cni['bgp']['extra_prefixes']))
        assert canonical(stored['bgp']['extra_prefixes']) == canonical(way)
        assert len(stored['bgp']['extra_prefixes']) == len(canonical(way)) or not ended.result['changed']


def canonical(prefixes: list[str]) -> set[ipaddress.IPv4Network]:
    return {ipaddress.ip_network(text, strict=False) for text in prefixes}


# Pages.

@examples_effort
@given(accounts(), st.sampled_from(['slot', 'interconnect', 'cni']), st.booleans())
def test_each_object_is_read_once_with_the_least_requests(account, resource, by_page):
    API.seed(account.lists, **account.options)
    row, objects = RESOURCES[resource], account.lists[f'{resource}s']
    found = [obj for page in API.client().get_pages(row.url_path) for obj in page] if by_page else read_objects(API.client(), resource)
    assert found == objects
    assert len(API.requests) == max(1, math.ceil(len(objects) / account.options['page_size']))
