# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of circuits: what is on disk, what should be, and the changes; the lock. No AnsibleModule.

NAME-loa.pdf is the LOA, NAME.md the hand-over for people, NAME.json that for programs. NAME.json is the record of the circuit too: it is
written as soon as an interconnect is ordered, then only with {format, name, interconnect: {name}}, and it records what the LOA is for.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import unquote

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._changes import Change
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._client import Client
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._disk import (
    check_folder,
    make_folder,
    read_file,
    remove_file,
    write_file,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import InputError, RaceError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._handover import (
    FORMAT,
    CircuitFacts,
    file_name,
    handover_of,
    is_direct,
    json_text,
    sheet_renderer,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._loa import (
    current_and_desired_loa,
    fetch_desired_loa,
    is_older,
    recorded_loa,
    utc_now,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, get
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import HANDOVER, LOA, SHEET, UNKNOWN, Resource

ENDINGS = {LOA.name: '-loa.pdf', SHEET.name: '.md', HANDOVER.name: '.json'}
DELETING = 'deleting'  # in a record: the account that the circuit is about to be deleted from
LOCK_POLL = 2.0  # seconds at most between two attempts to lock


def file_path(folder: str, circuit: str, row: Resource = HANDOVER) -> str:
    """The path of a file of a circuit, by default of its record."""
    return os.path.join(folder, file_name(circuit) + ENDINGS[row.name])


class FilesOnDisk(NamedTuple):
    """The files of a circuit on disk, None for one that does not exist. loa_sha256: of its content, in hex."""

    record: Object | None = None
    markdown: str | None = None
    loa_sha256: str | None = None


class ArtifactsFolder:
    """The folder of the files. loa_max_age: days after which an LOA is fetched anew. template: the user's own, for NAME.md.

    now: returns the current time, with its time zone. warn: what the user should know.
    Raises InputError for a folder that can't be used, and a template with an error.
    """

    def __init__(self, path: str, loa_max_age: int | None = None, template: str | None = None,
                 now: Callable[[], datetime] = utc_now, warn: Callable[[str], None] = lambda text: None) -> None:
        if loa_max_age is not None and loa_max_age < 1:
            raise InputError('loa_max_age', f'{loa_max_age} is not valid.', 'days, 1 or more')
        self.path = os.path.realpath(os.path.expanduser(path))
        if os.path.exists(self.path) and not os.path.isdir(self.path):
            raise InputError('artifacts_dir', f'{self.path} is not a folder.')
        self._max_age = loa_max_age and timedelta(days=loa_max_age)
        self._render = sheet_renderer(template)
        self._now, self._warn_user, self._warned = now, warn, set()

    def _warn(self, text: str) -> None:
        """Warns the user, once for each text: records are read again before an order."""
        if text not in self._warned:
            self._warned.add(text)
            self._warn_user(text)

    # Reading.

    def records(self) -> dict[str, Object]:
        """{circuit: its NAME.json} of all circuits. A file that is no record, or can't be read, is left out with a warning."""
        records = {}
        for file in self._record_names():
            try:
                record = _read_record(os.path.join(self.path, file))
            except InputError as error:
                self._warn(f'{error} The file is ignored, because it does not show which circuit its interconnect belongs to.')
            else:
                records |= {record.get('name') or unquote(file.removesuffix(ENDINGS[HANDOVER.name])): record} if record else {}
        return records

    def _record_names(self) -> list[str]:
        """The names of all files that may be records."""
        try:
            return sorted(name for name in os.listdir(self.path) if name.endswith(ENDINGS[HANDOVER.name]) and not name.startswith('.'))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError('artifacts_dir', f'{self.path} cannot be read: {error.strerror}.') from None

    def on_disk(self, name: str) -> FilesOnDisk:
        """The files of a circuit on disk. Raises InputError for one that can't be read, and a record that is invalid."""
        markdown, loa = (read_file(self._file_path(name, row), 'artifacts_dir') for row in (SHEET, LOA))
        return FilesOnDisk(_read_record(self._file_path(name, HANDOVER)), None if markdown is None else markdown.decode('utf-8', 'replace'),
                           None if loa is None else hashlib.sha256(loa).hexdigest())

    def file_paths(self, facts: CircuitFacts) -> dict[str, str | None]:
        """The paths of the files of a circuit."""
        loa = self._file_path(facts.name, LOA) if is_direct(facts.interconnect) else None
        return {'loa': loa, 'markdown': self._file_path(facts.name, SHEET), 'json': self._file_path(facts.name, HANDOVER)}

    def _file_path(self, name: str, row: Resource) -> str:
        return file_path(self.path, name, row)

    # Planning.

    def plan_files(self, facts: CircuitFacts, steps: Sequence[str], files: FilesOnDisk) -> list[Change]:
        """The changes of the steps loa, handover, and interconnect, which writes the record.

        Raises InputError where there is no circuit to write of.
        """
        for step, needed in (('loa', facts.interconnect), ('handover', facts.interconnect and facts.cni)):
            if step in steps and not needed:
                raise InputError('steps', f'{step} needs an existing circuit, and {facts.name!r} is not in this account.', 'all steps')
        loa = self._plan_loa(facts, files) if 'loa' in steps and is_direct(facts.interconnect) else None
        if 'handover' in steps:
            record = handover_of(facts, loa.after['content'] if loa else recorded_loa(files.record, facts.interconnect['name']))
            sheet = [self._file_change(SHEET, facts.name, files.markdown, self._render(record))]
        elif loa:
            record, sheet = {**_current_record(facts, files), 'loa': loa.after['content']}, []
        elif 'interconnect' in steps and facts.interconnect:
            record, sheet = _current_record(facts, files), []
        else:
            return []
        changes = [*([loa] if loa else ()), self._file_change(HANDOVER, facts.name, files.record, record), *sheet]
        return [change for change in changes if change.action != 'none']

    def _plan_loa(self, facts: CircuitFacts, files: FilesOnDisk) -> Change:
        current, desired = current_and_desired_loa(facts.interconnect['name'], facts.loa_name, files.record, files.loa_sha256,
                                                   lambda fetched: is_older(fetched, self._max_age, self._now()), facts.default_loa_name)
        return self._file_change(LOA, facts.name, current, desired)

    def plan_removal(self, name: str, files: FilesOnDisk) -> list[Change]:
        """The removal of all files of a circuit; the record comes last, so that a run that ends on the way leaves it to the next one."""
        loa = files.loa_sha256 and (get(files.record, 'loa') or {'sha256': files.loa_sha256})
        contents = ((LOA, loa), (SHEET, files.markdown), (HANDOVER, files.record))
        return [self._file_change(row, name, content, None) for row, content in contents if content is not None]

    def _file_change(self, row: Resource, name: str, before: Any, after: Any) -> Change:
        """The change of a file from its content before to that after, None for no file."""
        path, action = self._file_path(name, row), 'update'
        if before == after:
            action = 'none'
        elif after is None:
            action = 'delete'
        elif before is None:
            action = 'create'
        objects = (None if content is None else {'path': path, 'content': content} for content in (before, after))
        return Change(row, action, f'{row.title} {path}', *objects)

    # Writing.

    def write_changes(self, client: Client, changes: Iterable[Change]) -> list[Change]:
        """The changes with what was written as their answers. Raises CniError; its .applied holds those before it."""
        written: list[Change] = []
        try:
            for change in changes:
                written.append(self._write_change(client, change, written))
        except Exception as error:
            error.applied = written
            raise
        return written

    def _write_change(self, client: Client, change: Change, written: Sequence[Change]) -> Change:
        """The change of a file with its content as it was written; an LOA is fetched for that. written: the changes before it."""
        if change.action == 'delete':
            remove_file(change.before['path'])
            return change
        content = change.after['content']
        if change.row is LOA:
            content, data = fetch_desired_loa(client, content, self._now())
        elif change.row is HANDOVER:
            content = _completed_record(content, written)
            data = json_text(content).encode()
        else:
            data = content.encode()
        self.make()
        write_file(change.after['path'], data, 'artifacts_dir')
        return change._replace(answer={**change.after, 'content': content})

    def write_record(self, name: str, interconnect: str, deleting: str | None = None) -> Change:
        """Records which interconnect a circuit has: right after its order, and before it is deleted. Removes the LOA of another one.

        deleting: the account that the circuit is about to be deleted from. The mark stays until the files of the circuit are removed.
        """
        before = _read_record(self._file_path(name, HANDOVER))
        recorded = get(before, 'interconnect.name')
        if recorded not in (None, interconnect):
            remove_file(self._file_path(name, LOA))
        record = before if recorded == interconnect else {'format': FORMAT, 'name': name, 'interconnect': {'name': interconnect}}
        after = {**record, DELETING: deleting} if deleting else record
        change = self._file_change(HANDOVER, name, before, after)
        if change.action == 'none':
            return change
        self.make()
        write_file(change.after['path'], json_text(after).encode(), 'artifacts_dir')
        return change

    @property
    def is_writable(self) -> bool:
        """Whether the folder exists, and files can be written to it."""
        return os.path.isdir(self.path) and os.access(self.path, os.W_OK | os.X_OK)

    def check(self) -> None:
        """Raises InputError if the folder cannot be written to or made. Writes nothing."""
        check_folder(self.path, 'artifacts_dir')

    def make(self) -> None:
        """Makes the folder, private, if it does not exist. Raises InputError if that fails, or it cannot be written to."""
        make_folder(self.path, 'artifacts_dir')

    @contextmanager
    def lock(self, timeout: float, back_off: Callable[[int, float], None], clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
        """Locks the folder against other runs that order for its circuits. timeout: seconds; back_off(attempt, seconds at most) waits.

        The lock is on the folder itself, so it leaves no file, and ends with the process. Raises RaceError after timeout.
        """
        self.make()
        try:
            handle = os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise InputError('artifacts_dir', f'the folder {self.path} cannot be read: {error.strerror}.') from None
        try:
            self._acquire_lock(handle, timeout, back_off, clock)
            yield
        finally:
            os.close(handle)

    def _acquire_lock(self, handle: int, timeout: float, back_off: Callable[[int, float], None], clock: Callable[[], float]) -> None:
        """Tries to lock the folder until it succeeds. Raises RaceError after timeout seconds."""
        deadline = clock() + timeout
        for attempt in itertools.count(1):
            if self._try_lock(handle):
                return
            seconds_left = deadline - clock()
            if seconds_left <= 0:
                raise RaceError(f'Another run is ordering for circuits of the folder {self.path}, and did not finish within {timeout:g} s. '
                                'Run this again when it has finished.', folder=self.path)
            back_off(attempt, min(seconds_left, LOCK_POLL))

    def _try_lock(self, handle: int) -> bool:
        """Whether this run has the lock now. Where there are no locks, as on some network file systems, it has, with a warning."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            self._warn(f'The folder {self.path} cannot be locked ({error.strerror}): make sure that no two runs order at the same time.')
        return True


def _current_record(facts: CircuitFacts, files: FilesOnDisk) -> Object:
    """The record of the interconnect that the circuit has now, a new one if need be."""
    interconnect = facts.interconnect['name']
    if get(files.record, 'interconnect.name') == interconnect:
        return files.record
    return {'format': FORMAT, 'name': facts.name, 'interconnect': {'name': interconnect}}


def _completed_record(record: Object, written: Iterable[Change]) -> Object:
    """The record with the LOA that was fetched. Raises InputError where it holds what a prediction could not know."""
    fetched = [change.answer['content'] for change in written if change.row is LOA]
    record = {**record, 'loa': fetched[0]} if fetched else record
    if UNKNOWN in [get(record, path) for path in ('interconnect.name', 'link.customer_address', 'loa.sha256')]:
        raise InputError('artifacts_dir', f'{UNKNOWN!r} is a value from check mode and cannot be written.')
    return record


def _read_record(path: str) -> Object | None:
    """The content of a NAME.json, None if there is none. Raises InputError for one that this collection has not written."""
    content = read_file(path, 'artifacts_dir')
    if content is None:
        return None
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        record = None
    problem = _record_problem(record, os.path.basename(path)) if isinstance(record, dict) else 'contains no JSON object'
    if problem:
        raise InputError('artifacts_dir', f'{path} {problem}.', 'the hand-over as it was written; restore the file or delete it')
    return record


def _record_problem(record: Object, file: str) -> str | None:
    """Why an object can't be the record in that file, None if it can."""
    name, interconnect = record.get('name'), get(record, 'interconnect.name')
    if record.get('format', FORMAT) != FORMAT:
        return f'has format {record["format"]!r}, and this version supports only {FORMAT}'
    if name is not None and (not isinstance(name, str) or file_name(name) + ENDINGS[HANDOVER.name] != file):
        return f'is the hand-over of circuit {name!r}'
    return None if interconnect is None or isinstance(interconnect, str) else 'names no interconnect'
