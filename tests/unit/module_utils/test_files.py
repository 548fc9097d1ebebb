# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of circuits on disk: what is planned, what is written, and what is left alone."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import stat
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._disk import write_file
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import (
    AnswerError,
    ApiError,
    InputError,
    RaceError,
    TransportError,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._files import ArtifactsFolder, CircuitFacts, FilesOnDisk
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._loa import default_loa_name
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import merge
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import UNKNOWN, Placeholder
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._results import applied_result, diff_result

from .scripted import Script, answer, refusal
from .test_handover import CNI, DIRECT, DIRECT_SHEET, PARTNER, TUNNEL

PDF = b'%PDF-1.7 the LOA of the first %%EOF\n'
OTHER = b'%PDF-1.7 another LOA %%EOF\n'
SHA = hashlib.sha256(PDF).hexdigest()
NOW = datetime(2026, 11, 25, 3, 0, tzinfo=timezone.utc)
FETCHED = '2026-11-25T03:00:00Z'
PORT = DIRECT['name']
FACTS = CircuitFacts('nyc-1', DIRECT, CNI, TUNNEL, {'default_asn': 13335})
BOTH = ('loa', 'handover')
LOA, JSON, MD = 'nyc-1-loa.pdf', 'nyc-1.json', 'nyc-1.md'


def pdf(content=PDF):
    return answer(body=content, content_type='application/pdf')


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'artifacts'


@pytest.fixture
def folder(path):
    return make_folder(path)


def make_folder(path, **options):
    """A Folder whose warnings are in its attribute `warned`."""
    warned = []
    folder = ArtifactsFolder(str(path), now=lambda: NOW, warn=warned.append, **options)
    folder.warned = warned
    return folder


def planned(folder, facts=FACTS, steps=BOTH):
    return folder.plan_files(facts, steps, folder.on_disk(facts.name))


def actions(changes):
    """{file: action} of those that change something."""
    paths = {os.path.basename((change.after or change.before)['path']): change.action for change in changes}
    return {file: action for file, action in paths.items() if action != 'none'}


def write(folder, *lines, facts=FACTS, steps=BOTH):
    """Plans and writes with scripted answers: ({file: action}, the addresses that were asked for)."""
    script = Script(*lines)
    return actions(folder.write_changes(script.client(), planned(folder, facts, steps))), [url for _method, url in script.requests()]


def content(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


def names(path):
    return {file.name for file in path.iterdir()}


def record(path, name='nyc-1'):
    return json.loads((path / f'{name}.json').read_bytes())


def untouched(path):
    """What writing a file, or putting another in its place, changes of it. Reading changes none of that."""
    return {file: (found.st_ino, found.st_mtime_ns, found.st_mode) for file in path.iterdir() for found in [os.stat(file)]}


# From nothing, and again.

def test_three_private_files_from_nothing(folder, path):
    assert write(folder, pdf()) == (dict.fromkeys((LOA, JSON, MD), 'create'), [f'/cni/interconnects/{PORT}/loa'])
    assert content(path).keys() == {LOA, JSON, MD}
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.iterdir()} == {0o600}
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert (path / LOA).read_bytes() == PDF
    assert (path / MD).read_text() == DIRECT_SHEET
    assert record(path)['loa'] == {'interconnect': PORT, 'name': None, 'sha256': SHA, 'fetched': FETCHED}


def test_a_circuit_that_is_as_it_should_be_costs_nothing(folder, path):
    write(folder, pdf())
    (path / MD).chmod(0o640)
    (path / JSON).write_text(json.dumps(dict(reversed(record(path).items()))))  # what it says matters, not how it is laid out
    before = untouched(path)
    assert write(folder) == ({}, [])
    assert untouched(path) == before


def test_what_was_changed_by_hand_is_put_right_and_keeps_its_mode(folder, path):
    write(folder, pdf())
    for file in path.iterdir():
        file.chmod(0o640)
    (path / MD).write_bytes(b'\xff')
    (path / JSON).write_text(json.dumps({**record(path), 'link': None}))
    assert write(folder) == ({JSON: 'update', MD: 'update'}, [])
    assert (path / MD).read_text() == DIRECT_SHEET
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.iterdir()} == {0o640}


def test_a_partner_has_no_loa(folder, path):
    partner = CircuitFacts('gcp-1', PARTNER, CNI)
    assert write(folder, facts=partner) == ({'gcp-1.json': 'create', 'gcp-1.md': 'create'}, [])
    assert 'loa' not in record(path, 'gcp-1')
    assert planned(folder, partner, ['loa']) == []
    assert folder.file_paths(partner) == {'loa': None, 'markdown': f'{path}/gcp-1.md', 'json': f'{path}/gcp-1.json'}
    assert folder.file_paths(FACTS)['loa'] == f'{path}/{LOA}'


def test_a_hostile_name_stays_in_the_folder(folder, path):
    write(folder, pdf(), facts=FACTS._replace(name='../{{ 7*7 }}'))
    assert set(content(path)) == {f'%2E.%2F%7B%7B%207%2A7%20%7D%7D{ending}' for ending in ('-loa.pdf', '.json', '.md')}
    assert set(folder.records()) == {'../{{ 7*7 }}'}


# Whether an LOA is the right one.

def age(**ago):
    return {'fetched': (NOW - timedelta(**ago)).strftime('%Y-%m-%dT%H:%M:%SZ')}


JUDGED = {
    'as it was fetched': ({}, {}, {}, False),
    'of another interconnect': ({'interconnect': 'old'}, {}, {}, True),
    'made out to the name asked for': ({'name': 'Example'}, {}, {'loa_name': 'Example'}, False),
    'made out to another': ({'name': 'Other'}, {}, {'loa_name': 'Example'}, True),
    'made out to the account, and a name is asked for': ({}, {}, {'loa_name': 'Example'}, True),
    'made out to the account, whose name is asked for': ({'default_name': 'Example'}, {}, {'loa_name': 'Example'}, False),
    'made out to the account, and another name is asked for': ({'default_name': 'Other'}, {}, {'loa_name': 'Example'}, True),
    'made out to the account, which has another name now': ({'default_name': 'Other'}, {}, {'default_loa_name': 'Example'}, False),
    'made out to a name, and none is asked for': ({'name': 'Other'}, {}, {}, False),
    'another file than was fetched': ({'sha256': 'ab'}, {}, {}, True),
    'old, and nobody cares': (age(days=400), {}, {}, False),
    'young enough': (age(days=30), {'loa_max_age': 30}, {}, False),
    'too old': (age(days=30, seconds=1), {'loa_max_age': 30}, {}, True),
    'of no date': ({'fetched': None}, {'loa_max_age': 30}, {}, True),
    'from a clock that goes ahead': (age(days=-3), {'loa_max_age': 30}, {}, False),
}


@pytest.mark.parametrize(('recorded', 'options', 'facts', 'anew'), JUDGED.values(), ids=JUDGED)
def test_a_loa_is_judged_by_what_it_is_for(path, recorded, options, facts, anew):
    write(make_folder(path), pdf())
    (path / JSON).write_text(json.dumps(merge(record(path), {f'loa.{key}': value for key, value in recorded.items()})))
    changed, _sent = write(make_folder(path, **options), *([pdf(OTHER)] if anew else ()), facts=FACTS._replace(**facts))
    assert {file: action for file, action in changed.items() if file != MD} == ({LOA: 'update', JSON: 'update'} if anew else {})
    assert (path / LOA).read_bytes() == (OTHER if anew else PDF)


def test_a_loa_that_is_gone_is_fetched_anew(folder, path):
    write(folder, pdf())
    (path / LOA).unlink()
    assert write(folder, pdf(OTHER))[0] == {LOA: 'create', JSON: 'update'}


def test_a_loa_is_made_out_to_the_name_that_was_asked_for_and_stays_so(path):
    named = FACTS._replace(loa_name='Example Inc.')
    assert write(make_folder(path), pdf(), facts=named)[1] == [f'/cni/interconnects/{PORT}/loa?name=Example+Inc.']
    (path / LOA).unlink()
    assert write(make_folder(path), pdf())[1] == [f'/cni/interconnects/{PORT}/loa?name=Example+Inc.']


def test_a_loa_without_a_name_has_that_of_the_account_on_record_and_in_the_hand_over(folder, path):
    unnamed = FACTS._replace(default_loa_name='Example | Networks')
    assert write(folder, pdf(), facts=unnamed)[1] == [f'/cni/interconnects/{PORT}/loa']
    assert record(path)['loa'] == {'interconnect': PORT, 'name': None, 'default_name': 'Example | Networks', 'sha256': SHA,
                                   'fetched': FETCHED}
    assert '| LOA made out to | Example &#124; Networks |' in (path / MD).read_text()
    assert write(folder, facts=FACTS) == ({}, [])
    assert write(folder, pdf(OTHER), facts=unnamed._replace(loa_name='Other'))[0] == dict.fromkeys((LOA, JSON, MD), 'update')
    assert 'default_name' not in record(path)['loa']
    assert '| LOA made out to | Other |' in (path / MD).read_text()


@pytest.mark.parametrize(('reply', 'name'), [
    (answer({'name': 'Example'}), 'Example'), (answer({'success': True, 'result': {'id': 'x', 'default_name': ' Example '}}), 'Example'),
    (answer({'id': 'x', 'customerName': 'Example'}), 'Example'), (answer({'default': 'Example'}), 'Example'),
    (answer('Example'), 'Example'), (answer({'success': True, 'result': 'Example'}), 'Example'),
    (answer({'loa': {'names': [None, 'Example', 'Other']}}), 'Example'),
    (answer({}), None), (answer({'name': None}), None), (answer({'name': ' '}), None), (answer([7]), None), (answer(body=b''), None),
    (answer({'success': True, 'result': None}), None), (refusal(404, 7003), None), (refusal(404), None), (refusal(403, 10000), None),
    (refusal(400), None), (answer(body=b'<html>'), None), (refusal(503), None), (TransportError('timeout', 'GET', '/x', 'cause'), None),
], ids=str)
def test_the_name_of_the_account_is_whatever_text_there_is_and_may_be_none(reply, name):
    script = Script(*[reply] * 5)
    assert default_loa_name(script.client(), PORT) == name
    assert script.requests()[0] == ('GET', f'/cni/interconnects/{PORT}/loa/default')


def test_a_loa_of_version_1_0_0_is_fetched_once_more(folder, path):
    write(folder, pdf())
    (path / JSON).write_text(json.dumps(merge(record(path), {'loa': None})))
    assert write(folder, pdf()) == ({LOA: 'update', JSON: 'update'}, [f'/cni/interconnects/{PORT}/loa'])
    assert write(folder) == ({}, [])


def test_the_same_bytes_are_recorded_as_fetched_again(path):
    write(make_folder(path), pdf())
    (path / JSON).write_text(json.dumps(merge(record(path), {'loa.fetched': '2020-01-01T00:00:00Z'})))
    write(make_folder(path, loa_max_age=1), pdf())
    assert record(path)['loa']['fetched'] == FETCHED


@pytest.mark.parametrize('body', [b'', b'<html>', b'%PDF-1.7 and no end', b'no beginning %%EOF'])
def test_what_is_no_whole_pdf_replaces_nothing(folder, path, body):
    write(folder, pdf())
    before = content(path)
    with pytest.raises(AnswerError, match='not a whole PDF'):
        write(folder, pdf(body), facts=FACTS._replace(loa_name='Example'))
    assert content(path) == before


@pytest.mark.parametrize(('option', 'value', 'refused'), [
    ('loa_max_age', 0, r'^loa_max_age: 0 is not valid\. Allowed: days, 1 or more\.$'), ('template', '/none.j2', 'none.j2'),
])
def test_an_option_that_can_not_be(path, option, value, refused):
    with pytest.raises(InputError, match=refused):
        make_folder(path, **{option: value})


def test_a_name_too_long_for_a_loa_is_refused_before_it_is_asked_for(folder):
    with pytest.raises(InputError, match=r'loa_name: .* at most 200'):
        planned(folder, FACTS._replace(loa_name='x' * 201))


# Steps.

def test_the_step_loa_puts_it_on_the_record_that_is_there(folder, path):
    write(folder, steps=['handover'])
    before = record(path)
    assert 'loa' not in before
    assert write(folder, pdf(), steps=['loa'])[0] == {LOA: 'create', JSON: 'update'}
    assert record(path) == {**before, 'loa': {'interconnect': PORT, 'name': None, 'sha256': SHA, 'fetched': FETCHED}}
    assert write(folder, steps=['loa']) == ({}, [])


def test_the_step_loa_alone_makes_a_record(folder, path):
    assert write(folder, pdf(), facts=CircuitFacts('nyc-1', DIRECT), steps=['loa'])[0] == {LOA: 'create', JSON: 'create'}
    assert record(path).keys() == {'format', 'name', 'interconnect', 'loa'}
    assert write(folder)[0] == {JSON: 'update', MD: 'create'}


def test_the_step_loa_leaves_nothing_of_another_interconnect(folder, path):
    write(folder, pdf(), facts=FACTS._replace(interconnect={**DIRECT, 'name': 'old'}))
    write(folder, pdf(OTHER), steps=['loa'])
    assert (record(path)['interconnect'], record(path)['loa']['interconnect']) == ({'name': PORT}, PORT)


def test_the_step_handover_keeps_what_is_known_of_the_loa(folder, path):
    write(folder, pdf())
    (path / LOA).unlink()
    assert write(folder, steps=['handover']) == ({}, [])
    write(folder, facts=FACTS._replace(interconnect={**DIRECT, 'name': 'other'}), steps=['handover'])
    assert 'loa' not in record(path)


def test_the_step_interconnect_records_which_one_it_is(folder, path):
    assert write(folder, facts=CircuitFacts('nyc-1', DIRECT), steps=['interconnect']) == ({JSON: 'create'}, [])
    assert record(path) == {'format': 1, 'name': 'nyc-1', 'interconnect': {'name': PORT}}
    assert write(folder, steps=['interconnect']) == ({}, [])


def test_other_steps_need_nothing_and_write_nothing(folder, path):
    for step in ('cni', 'interconnect'):
        assert planned(folder, CircuitFacts('nyc-1'), [step]) == []
    assert not path.exists()


@pytest.mark.parametrize(('facts', 'step'), [
    (CircuitFacts('nyc-1'), 'loa'), (CircuitFacts('nyc-1', DIRECT), 'handover'), (CircuitFacts('nyc-1', None, CNI), 'handover'),
])
def test_a_step_on_a_circuit_that_is_not_there(folder, facts, step):
    problem = f"{step} needs an existing circuit, and 'nyc-1' is not in this account"
    with pytest.raises(InputError, match=rf'^steps: {problem}\. Allowed: all steps\.$'):
        planned(folder, facts, [step])


# What a run shows.

def test_a_prediction_is_what_is_written_but_for_what_only_cloudflare_knows(folder, path):
    ends = {'cust_ip': Placeholder(), 'p2p_ip': Placeholder()}
    predicted = planned(folder, FACTS._replace(interconnect={**DIRECT, 'name': Placeholder()}, cni={**CNI, **ends}))
    assert actions(predicted) == dict.fromkeys((LOA, JSON, MD), 'create')
    diff = diff_result(predicted)['diff']
    assert [entry['before'] for entry in diff] == [''] * 3
    shown = {entry['after_header']: entry['after'] for entry in diff}
    assert shown[f'LOA {path}/{LOA} (create)'] == {'interconnect': UNKNOWN, 'name': None, 'sha256': UNKNOWN, 'fetched': UNKNOWN}
    assert shown[f'hand-over {path}/{JSON} (create)']['link']['customer_address'] == UNKNOWN
    known = shown[f'hand-over {path}/{MD} (create)'].replace(f'| Interconnect | {UNKNOWN}', f'| Interconnect | {PORT}')
    assert known.replace(f'| {UNKNOWN}/31 | {UNKNOWN}/31 |', '| 172.31.0.1/31 | 172.31.0.0/31 |') == DIRECT_SHEET
    assert not path.exists()
    with pytest.raises(InputError, match='check mode'):
        folder.write_changes(Script().client(), predicted)
    with pytest.raises(InputError, match='check mode'):
        folder.write_changes(Script().client(), predicted[1:])


@pytest.mark.parametrize('unknown', ['interconnect.name', 'link.customer_address', 'loa.sha256'])
def test_a_record_with_anything_that_only_cloudflare_knows_is_not_written(folder, path, unknown):
    (change,) = planned(folder, steps=['interconnect'])
    change = change._replace(after={**change.after, 'content': merge(change.after['content'], {unknown: UNKNOWN})})
    with pytest.raises(InputError, match=f'^artifacts_dir: {re.escape(repr(UNKNOWN))} is a value from check mode and cannot be written'):
        folder.write_changes(Script().client(), [change])
    assert not path.exists()


def test_a_diff_shows_what_is_in_the_files(folder, path):
    write(folder, pdf())
    changes = planned(folder, FACTS._replace(cni=merge(CNI, {'magic.description': 'New'})))
    json_diff, text_diff = diff_result(changes)['diff']
    assert (json_diff['before']['description'], json_diff['after']['description']) == ('New York, first of two', 'New')
    assert (text_diff['before'], text_diff['after']) == (DIRECT_SHEET, DIRECT_SHEET.replace('New York, first of two', 'New'))
    assert diff_result(planned(folder)) == {'changed': False, 'diff': []}


def test_a_failure_says_what_was_written_before(folder, path):
    write(folder, pdf())
    changes = planned(folder, FACTS._replace(cni=merge(CNI, {'magic.description': 'New'})))
    (path / MD).unlink()
    (path / MD).mkdir()
    with pytest.raises(InputError, match=rf'artifacts_dir: {path}/nyc-1.md cannot be written: Is a directory') as failed:
        folder.write_changes(Script().client(), changes)
    assert applied_result(failed.value.applied) == {'applied': [{'action': 'update', 'object': f'hand-over {path}/{JSON}'}]}
    assert names(path) == {LOA, JSON, MD}


def test_a_loa_that_is_refused_leaves_nothing_behind(folder, path):
    with pytest.raises(ApiError) as failed:
        write(folder, refusal(404))
    assert failed.value.applied == []
    assert not path.exists()


# The record of an order.

def test_an_order_is_on_record_before_anything_else(folder, path):
    change = folder.write_record('nyc-1', PORT)
    assert (change.action, record(path)) == ('create', {'format': 1, 'name': 'nyc-1', 'interconnect': {'name': PORT}})
    assert stat.S_IMODE((path / JSON).stat().st_mode) == 0o600
    before = untouched(path)
    assert folder.write_record('nyc-1', PORT).action == 'none'
    assert untouched(path) == before
    other = 'second \ud800 with what no file name can hold'
    folder.write_record(other, 'x')
    assert folder.records() == {'nyc-1': record(path), other: {'format': 1, 'name': other, 'interconnect': {'name': 'x'}}}


def test_a_record_is_marked_before_the_circuit_is_deleted_and_stays_so(folder, path):
    folder.write_record('nyc-1', PORT)
    marked = {'format': 1, 'name': 'nyc-1', 'interconnect': {'name': PORT}, 'deleting': 'account-1'}
    for deleting, action in (('account-1', 'update'), ('account-1', 'none'), (None, 'none')):
        assert (folder.write_record('nyc-1', PORT, deleting).action, record(path)) == (action, marked)


def test_what_is_known_of_an_interconnect_stays_on_record(folder, path):
    write(folder, pdf())
    before = content(path)
    assert folder.write_record('nyc-1', PORT).action == 'none'
    assert content(path) == before


def test_the_loa_of_another_interconnect_is_no_longer_there(folder, path):
    write(folder, pdf())
    assert folder.write_record('nyc-1', 'new').action == 'update'
    assert (names(path), record(path)['interconnect']) == ({JSON, MD}, {'name': 'new'})


# The records of all.

FOREIGN = {
    'cut.json': (b'{"format": 1, "na', 'contains no JSON object'),
    'list.json': (b'[1]', 'contains no JSON object'),
    'deep.json': (b'[' * 100000, 'contains no JSON object'),
    'bytes.json': (b'\xff\xfe\xfd', 'contains no JSON object'),
    'new.json': (b'{"format": 2, "name": "new"}', 'has format 2'),
    'copy.json': (b'{"format": 1, "name": "nyc-1"}', "is the hand-over of circuit 'nyc-1'"),
    'number.json': (b'{"name": 5}', 'is the hand-over of circuit 5'),
    'odd.json': (b'{"interconnect": {"name": 5}}', 'names no interconnect'),
}


def test_foreign_files_are_left_out_with_a_warning(folder, path):
    folder.write_record('nyc-1', PORT)
    for file, (text, _problem) in FOREIGN.items():
        (path / file).write_bytes(text)
    (path / 'folder.json').mkdir()
    os.mkfifo(path / 'pipe.json')
    (path / 'notes.txt').write_text('x')
    (path / '.hidden.json').write_text('x')
    (path / 'gone.json').symlink_to('nowhere')  # as one that another run removes while this one reads
    assert [set(folder.records()) for _time in range(2)] == [{'nyc-1'}] * 2  # warned of once
    problems = {file: problem for file, (_text, problem) in FOREIGN.items()}
    problems |= dict.fromkeys(('folder.json', 'pipe.json'), 'is a folder, a pipe')
    warned = ' '.join(folder.warned)
    assert [file for file, problem in problems.items() if f'{path}/{file} {problem}' not in warned] == []
    assert len(folder.warned) == len(problems)


@pytest.mark.parametrize('file', FOREIGN)
def test_a_record_of_ones_own_that_is_none_is_an_error(folder, path, file):
    path.mkdir()
    (path / file).write_bytes(FOREIGN[file][0])
    advice = 'Allowed: the hand-over as it was written; restore the file or delete it'
    with pytest.raises(InputError, match=rf'^artifacts_dir: {path}/{file} {FOREIGN[file][1]}.*\. {advice}\.$'):
        folder.on_disk(file.removesuffix('.json'))


def test_an_old_record_without_a_name_is_that_of_its_file(folder, path):
    path.mkdir()
    (path / 'a%2Fb.json').write_text('{"interconnect": {"name": "icon"}}')
    assert folder.records() == {'a/b': {'interconnect': {'name': 'icon'}}}


@pytest.mark.parametrize('ending', ['-loa.pdf', '.md', '.json'])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(folder, path, ending):
    path.mkdir()
    os.mkfifo(path / f'nyc-1{ending}')
    with pytest.raises(InputError, match=f'^artifacts_dir: {path}/nyc-1{ending} is a folder, a pipe or a device'):
        folder.on_disk('nyc-1')


def test_a_name_too_long_for_a_file_is_refused(folder, path):
    path.mkdir()
    with pytest.raises(InputError, match=r'^artifacts_dir: .* cannot be read: File name too long'):
        folder.on_disk('é' * 60)


# Removing.

def test_all_files_are_removed_and_the_record_last(folder, path):
    write(folder, pdf())
    changes = folder.plan_removal('nyc-1', folder.on_disk('nyc-1'))
    assert list(actions(changes).items()) == [(file, 'delete') for file in (LOA, MD, JSON)]
    folder.write_changes(Script().client(), changes)
    assert names(path) == set()
    assert folder.plan_removal('nyc-1', folder.on_disk('nyc-1')) == []


@pytest.mark.parametrize('on_record', [True, False])
def test_the_diff_of_a_removal_shows_what_the_loa_was(folder, path, on_record):
    write(folder, pdf())
    loa = record(path)['loa']
    if not on_record:
        (path / JSON).unlink()
    diff = diff_result(folder.plan_removal('nyc-1', folder.on_disk('nyc-1')))['diff']
    assert (diff[0]['before'], diff[0]['after']) == (loa if on_record else {'sha256': SHA}, '')


def test_only_what_is_there_is_removed_and_a_second_time_is_no_failure(folder, path):
    folder.write_record('nyc-1', PORT)
    changes = folder.plan_removal('nyc-1', folder.on_disk('nyc-1'))
    assert actions(changes) == {JSON: 'delete'}
    for _time in range(2):
        folder.write_changes(Script().client(), changes)
    assert folder.on_disk('nyc-1') == FilesOnDisk()


def test_what_can_not_be_removed_is_an_error(folder, path):
    folder.write_record('nyc-1', PORT)
    changes = folder.plan_removal('nyc-1', folder.on_disk('nyc-1'))
    (path / JSON).unlink()
    (path / JSON).mkdir()
    with pytest.raises(InputError, match=f'{path}/nyc-1.json cannot be removed'):
        folder.write_changes(Script().client(), changes)


# The folder.

def test_a_folder_is_made_with_those_above_it(tmp_path):
    make_folder(tmp_path / 'a' / 'b').write_record('nyc-1', PORT)
    assert {stat.S_IMODE(made.stat().st_mode) for made in (tmp_path / 'a', tmp_path / 'a' / 'b')} == {0o700}


def test_a_folder_is_writable_once_it_exists(folder, path):
    assert not folder.is_writable
    folder.make()
    assert folder.is_writable


def test_a_path_is_as_people_write_it(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'link').symlink_to('real')
    assert [make_folder(path).path for path in ('~/cni', 'cni', 'link')] == [f'{tmp_path}/{name}' for name in ('cni', 'cni', 'real')]


def test_a_file_in_place_of_the_folder_is_refused_at_once(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(InputError, match=f'artifacts_dir: {tmp_path}/file is not a folder'):
        make_folder(tmp_path / 'file')
    with pytest.raises(InputError, match=r'/file/below cannot be created: .*/file is not a folder'):
        make_folder(tmp_path / 'file' / 'below').make()


def test_a_folder_that_can_not_be_written_to_is_refused_and_before_it_is_made_one_above_it(folder, path, monkeypatch):
    monkeypatch.setattr(os, 'access', lambda _path, mode: not mode & os.W_OK)  # root may always
    problem = f'the folder {path} cannot be created: the folder {path.parent} cannot be written to.'
    for use in (folder.check, folder.make):
        with pytest.raises(InputError, match=f'^artifacts_dir: {problem}$'):
            use()
    assert (path.exists(), folder.is_writable) == (False, False)
    path.mkdir()
    assert not folder.is_writable
    for use in (folder.check, folder.make):
        with pytest.raises(InputError, match=f'^artifacts_dir: the folder {path} cannot be written to.$'):
            use()


@pytest.mark.parametrize('name', ['fsync', 'replace'])
def test_no_space_leaves_the_old_file_and_no_draft(folder, path, monkeypatch, name):
    write(folder, pdf())
    before = content(path)

    def full(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, name, full)
    with pytest.raises(InputError, match=f'^artifacts_dir: {path}/nyc-2.json cannot be written: No space left on device'):
        folder.write_record('nyc-2', PORT)
    assert content(path) == before


@pytest.fixture
def synced(monkeypatch):
    """What has been synced, as inodes, and that a file got its name, in their order: what is synced survives a power cut."""
    log, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, 'fsync', lambda handle: (log.append(os.fstat(handle).st_ino), sync(handle)))
    monkeypatch.setattr(os, 'replace', lambda draft, path: (log.append('named'), replace(draft, path)))
    return log


def test_a_power_cut_undoes_no_record(folder, path, synced):
    folder.write_record('nyc-1', PORT)
    record = path / 'nyc-1.json'
    assert synced == [path.parent.stat().st_ino, record.stat().st_ino, 'named', path.stat().st_ino]


@pytest.mark.parametrize(('error', 'fails'), [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.EIO, True)])
def test_a_file_system_that_cannot_sync_folders_is_no_failure(tmp_path, monkeypatch, error, fails):
    def sync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, 'fsync', sync)
    with pytest.raises(InputError, match='cannot be written: Input/output error') if fails else nullcontext():
        write_file(str(tmp_path / 'file'), b'x', 'path')


def test_a_folder_that_can_not_be_listed_is_refused(folder, path, monkeypatch):
    def refuse(_path):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, 'listdir', refuse)
    with pytest.raises(InputError, match=rf'^artifacts_dir: {path} cannot be read: Permission denied\.$'):
        folder.records()


def test_a_link_stays_and_the_file_that_it_leads_to_is_written(tmp_path):
    (tmp_path / 'link').symlink_to('file')
    write_file(str(tmp_path / 'link'), b'x', 'path')
    assert ((tmp_path / 'link').is_symlink(), (tmp_path / 'file').read_bytes()) == (True, b'x')


def test_the_umask_opens_no_file(folder, path):
    old = os.umask(0)
    try:
        write(folder, pdf())
    finally:
        os.umask(old)
    assert {stat.S_IMODE(file.stat().st_mode) for file in (path, *path.iterdir())} == {0o700, 0o600}


# The lock.

def test_one_run_has_the_folder_at_a_time(folder, path):
    script = Script()
    client = script.client()
    with folder.lock(10, client.back_off, client.clock):
        other = make_folder(path)
        with pytest.raises(RaceError) as refused, other.lock(10, client.back_off, client.clock):
            pass
        assert str(refused.value) == (f'Another run is ordering for circuits of the folder {path}, and did not finish within 10 s. '
                                      'Run this again when it has finished.')
        assert refused.value.details == {'folder': str(path)}
        assert (script.now, refused.value.retryable) == (10, True)
        assert max(script.slept) <= 2
    with other.lock(0, client.back_off, client.clock):
        assert names(path) == set()


def test_a_run_that_waits_goes_on_as_soon_as_it_can(folder, path):
    held, waits = folder.lock(10, None), []
    held.__enter__()

    def back_off(tried, seconds):
        waits.append(tried)
        held.__exit__(None, None, None)

    with make_folder(path).lock(10, back_off):
        assert waits == [1]


def test_a_lock_ends_with_a_failure_too(folder, path):
    with pytest.raises(ValueError, match='x'), folder.lock(0, None):
        raise ValueError('x')
    with make_folder(path).lock(0, None):
        pass


def test_a_folder_that_can_not_be_opened_is_refused(folder, path, monkeypatch):
    def none(*_arguments):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    path.mkdir()
    monkeypatch.setattr(os, 'open', none)
    with pytest.raises(InputError, match=f'artifacts_dir: the folder {path} cannot be read'), folder.lock(0, None):
        pass


def test_a_file_system_without_locks_is_a_warning(folder, path, monkeypatch):
    def none(_handle, _how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, 'flock', none)
    with folder.lock(0, None):
        pass
    assert folder.warned == [f'The folder {path} cannot be locked (No locks available): make sure that no two runs order at the same time.']
