# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of preflight_info: what an account's answers mean, and what a person must do about it."""

from __future__ import annotations

import json
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

from ansible_collections.netops.cloudflare_cni.plugins.module_utils._errors import PERMISSIONS, ApiError, CniError, InputError
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._module import Task
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._objects import Object, Unreadable
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._profile import FORMAT, changes, difference_text
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._readings import (
    CREDENTIAL_CODES,
    NO_SUCH_NAME,
    VERIFICATIONS,
    Reading,
    Readings,
    profile_of,
    read_account,
    stop_reason,
)
from ansible_collections.netops.cloudflare_cni.plugins.module_utils._resources import RESOURCES

READ_PERMISSIONS, WRITE_PERMISSIONS = PERMISSIONS['/']
EXPIRES_SOON = timedelta(days=14)
TEXT_WIDTH = 96  # characters of a line, beside what was checked
CLOCK_TOLERANCE = timedelta(seconds=30)
REFUSED_CODE = 10000  # of a 403 of the gateway: the token lacks the permission, or is for another account
OBJECT_TITLES = {'slot': 'slots', 'interconnect': 'interconnects', 'cni': 'CNIs', 'tunnel': 'health checks', 'route': 'static routes',
                 'status': 'status', 'settings': 'settings'}
REPORT_IT = 'Please attach the profile to an issue: https://github.com/netops-collections/cloudflare_cni/issues'
EDGE_ADVICE = "Cloudflare's edge or service fails, not your account: run it again in a few minutes, and see www.cloudflarestatus.com."
Finding = dict[str, str]  # check; result: ok, note, warning or failed; found; action: what to do


def preflight_work(task: Task) -> dict[str, Any]:
    """The work of the module. What is wrong with the account is a finding, not a failure."""
    older, now = _older_profile(task.params['compare_with']), datetime.now(timezone.utc)
    readings = read_account(task.client, task.params['api_token'])
    profile = profile_of(readings, task.params['api_token'], now)
    changed = changes(older, profile) if older else []
    findings = findings_of(readings, profile, now)
    if older:
        text = '; '.join(changed) or f'nothing, since {older.get("taken")}'
        findings.append(_finding('changes', 'warning' if changed else 'ok', text, REPORT_IT if changed else ''))
    return {'changed': False, 'usable': all(finding['result'] != 'failed' for finding in findings), 'findings': findings,
            'report': report_of(findings), 'profile': profile, 'changes': changed}


def _older_profile(path: str | None) -> dict[str, Any] | None:
    """The profile that compare_with names, None without it. Raises InputError for a file that is none."""
    if not path:
        return None
    try:
        with open(path, encoding='utf-8') as file:
            profile = json.load(file)
    except (OSError, ValueError) as error:
        raise InputError('compare_with', f'{path} cannot be read: {error}.', 'a profile that preflight wrote') from error
    if not isinstance(profile, dict) or profile.get('format') != FORMAT:
        raise InputError('compare_with', f'{path} is not a profile of format {FORMAT}.', 'a profile that preflight wrote')
    return profile


# Findings.

def findings_of(readings: Readings, profile: Mapping[str, Any], now: datetime) -> list[Finding]:
    """What was found, in the order in which a person would look: the connection, the token, the account, its objects, the forms."""
    stopped = stop_reason(readings)
    if stopped in ('connection', 'limit'):
        return [_stop_finding(stopped, next(reversed(readings.values())).error)]
    found = [_finding('connection', 'ok', 'the API answers'), _token_finding(readings, now)]
    if stopped:
        refused = next(reversed(readings.values())).error
        return [*found, *([] if found[-1]['result'] == 'failed' else [_refusal('account', refused)])]
    access = _access_findings(readings)
    if access[0]['result'] == 'failed':  # which is why the others were refused
        readings = {name: reading for name, reading in readings.items() if reading.status not in (401, 403)}
    found += [*access, *(_object_finding(name, readings[name], profile) for name in OBJECT_TITLES if name in readings)]
    return [*found, *_form_findings(readings, profile), _difference_finding(profile), _clock_finding(readings)]


def _finding(check: str, result: str, found: str, action: str = '') -> Finding:
    return {'check': check, 'result': result, 'found': found, 'action': action}


def _stop_finding(reason: str, error: CniError) -> Finding:
    if reason == 'connection':
        advice = error.ADVICE[error.details['reason']]
        return _finding('connection', 'failed', ' '.join(f'no answer: {error.message.replace(advice, "")}'.split()), advice)
    wait = error.details.get('retry_after')
    text = f'Nothing more was asked. Wait {wait:g} s, then run it again.' if wait else 'Nothing more was asked. Run it again in 5 minutes.'
    return _finding('rate limit', 'failed', str(error.message), f'{text} {error.details.get("hint", "")}'.strip())


def _refusal(check: str, error: CniError) -> Finding:
    """The finding of a read that failed, with the hint where the cause is known."""
    is_edge = not isinstance(error, ApiError) or getattr(error, 'status', 0) >= 500
    return _finding(check, 'failed', error.message, error.details.get('hint') or (EDGE_ADVICE if is_edge else ''))


def _token_finding(readings: Readings, now: datetime) -> Finding:
    """Whether Cloudflare verifies the token, as that of a user or of an account, and whether it works all the same if not."""
    checks = {name: readings[name] for name in VERIFICATIONS if name in readings}
    if not checks:
        return _finding('token', 'note', 'a global API key, which may do all that its owner may, in every account',
                        'Prefer an API token of this account, with Magic WAN Read or Write alone.')
    name, reading = next(((name, reading) for name, reading in checks.items() if not reading.error), next(iter(checks.items())))
    if not reading.error:
        return _verified_finding(name.replace('_token', ''), reading.objects[0], now)
    works = any(not readings[name].error for name in RESOURCES if name in readings)
    if works:
        return _finding('token', 'warning', f'it reads the account, but Cloudflare does not confirm it: {reading.error.message}', REPORT_IT)
    codes = set().union(*(reading.codes for reading in checks.values()))
    if codes & CREDENTIAL_CODES or reading.status not in (400, 401, 403):
        return _refusal('token', reading.error)
    return _finding('token', 'failed', f'Cloudflare does not know it: {reading.error.message}',
                    f'Copy the token again, or create one that has {READ_PERMISSIONS}, and set CLOUDFLARE_API_TOKEN.')


def _verified_finding(owner: str, token: Mapping[str, Any], now: datetime) -> Finding:
    """Whether a token that Cloudflare knows is active, and for how long. token: {status, not_before, expires_on} of its verification."""
    status, until = token.get('status'), _time(token.get('expires_on'))
    if status != 'active' or (until and until <= now):
        text = f'it is {status if status != "active" else "expired"}'
        return _finding('token', 'failed', text, 'Create another one, or enable it again.')
    begins = _time(token.get('not_before'))
    if begins and begins > now:
        return _finding('token', 'failed', f'it is valid only from {begins:%Y-%m-%d %H:%M} UTC on', 'Use another one until then.')
    if until is None:
        return _finding('token', 'ok', f'a valid token of the {owner}, which does not expire')
    text = f'a valid token of the {owner}, until {until:%Y-%m-%d %H:%M} UTC, in {(until - now).days} days'
    soon = until - now < EXPIRES_SOON
    return _finding('token', 'warning' if soon else 'ok', text, 'Create another one, or extend it, before then.' if soon else '')


def _time(text: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(re.sub('Z$', '+00:00', re.sub(r'\.\d+', '', text)))
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def _access_findings(readings: Readings) -> list[Finding]:
    """Whether the account is entitled to Network Interconnect, and what the token may read of it. A failed one comes alone."""
    read = {name: reading for name, reading in readings.items() if name in RESOURCES}
    refused = [name for name, reading in read.items() if reading.status in (401, 403)]
    if len(refused) == len(read) and all(REFUSED_CODE in reading.codes for reading in read.values()):
        return [_finding('account', 'failed', 'the token cannot read anything in this account',
                         'Check account_id, the 32 hex digits in the URL of the dashboard. If it is right, give the token '
                         f'{READ_PERMISSIONS} for this account.')]
    closed = [name for name in refused if name in ('slot', 'interconnect', 'cni') and REFUSED_CODE not in read[name].codes]
    if len(closed) == 3:
        return [_finding('entitlement', 'failed', read['slot'].error.message, read['slot'].error.details.get('hint', ''))]
    allowed = ', '.join(OBJECT_TITLES[name] for name in read if not read[name].error) or 'nothing'
    return [_finding('entitlement', 'ok', 'the account has Network Interconnect') if not read['slot'].error else _not_known('entitlement'),
            _finding('may read', 'ok' if not refused else 'warning', allowed,
                     f'For the rest the token needs {READ_PERMISSIONS}.' if refused else ''),
            _finding('may write', 'note', 'not known: no read shows it', f'To order and to change, the token needs {WRITE_PERMISSIONS}: '
                     'look at its permissions in the dashboard.')]


def _not_known(check: str) -> Finding:
    return _finding(check, 'warning', 'not known, as the slots cannot be read')


def _object_finding(name: str, reading: Reading, profile: Mapping[str, Any]) -> Finding:
    """Whether the objects of a kind can be read, how many there are, and where they differ from what is documented."""
    if reading.error:
        return _refusal(OBJECT_TITLES[name], reading.error)
    objects, answers = reading.objects or [], profile['answers']
    rows = {path: row for key, answer in answers.items() if key.partition('.')[0] == name
            for path, row in answer.get('differences', {}).items()}
    texts = [_count_text(name, objects), *(difference_text(path, row) for path, row in sorted(rows.items()))]
    unreadable = sum(isinstance(obj, Unreadable) for obj in objects)
    if unreadable:
        return _finding(OBJECT_TITLES[name], 'failed', '; '.join(texts), f'{unreadable} of them cannot be read: they are not touched, and '
                        'what needs them fails.')
    surprising = any(row['is'] == 'word' or (row['is'] == 'type' and 'null' not in row['found']) for row in rows.values())
    return _finding(OBJECT_TITLES[name], 'warning' if surprising else 'note' if rows else 'ok', '; '.join(texts),
                    'Look at what --check --diff shows before you change one of them.' if surprising else '')


def _count_text(name: str, objects: list[Object]) -> str:
    if name != 'slot':
        return f'{len(objects)}' if RESOURCES[name].list_key else 'read'
    free = Counter(f'{slot.get("site")} {slot.get("speed")}' for slot in objects if not slot.get('occupied'))
    sites = ', '.join(f'{place}: {number}' for place, number in sorted(free.items()))
    return f'{sum(free.values())} of {len(objects)} free{f" ({sites})" if sites else ""}'


def _form_findings(readings: Readings, profile: Mapping[str, Any]) -> Iterator[Finding]:
    """The forms of answers: pages of lists, filters, errors, the rate limit."""
    slots, error = profile['answers'].get('slot', {}), profile['answers'].get('error', {})
    if 'end' in slots:
        size = f'pages of {slots["page_size"]}' if slots['page_size'] else 'one page'
        form = 'in an envelope' if slots['body'] == 'envelope' else 'without an envelope'
        yield _finding('lists', 'ok', f'{size}, at the end next is {slots["end"]}; {form}; limit is {profile["limit"]}')
    if profile['filters'] != 'unknown':
        yield _finding('filters', 'ok', 'are case-sensitive' if profile['filters'] == 'exact' else 'are not case-sensitive')
    unknown = readings.get('unknown')
    if unknown and unknown.objects:
        yield _finding('errors', 'warning', f'an interconnect {NO_SUCH_NAME}, which cannot exist, was answered with 200', REPORT_IT)
    elif unknown:
        rows = error.get('differences', {})
        texts = [f'HTTP {error["status"]}, {error["body"]}' if error else 'not read', *(difference_text(*row) for row in rows.items())]
        odd = rows or unknown.error
        yield _finding('errors', 'note' if odd else 'ok', '; '.join(texts), REPORT_IT if odd else '')
    limit = profile['rate_limit']
    yield _finding('rate limit', 'ok', f'{limit["requests"]} requests in {limit["seconds"]} s, as Cloudflare reports' if limit else
                   'no header shows it; this collection keeps to 1200 requests in 300 s')


def _difference_finding(profile: Mapping[str, Any]) -> Finding:
    number = sum(len(answer.get('differences', {})) for answer in profile['answers'].values())
    if not number:
        return _finding('contract', 'ok', 'all answers are as Cloudflare documents them')
    fields = '1 field is not as Cloudflare documents it' if number == 1 else f'{number} fields are not as Cloudflare documents them'
    return _finding('contract', 'note', f'{fields}, see above', f'No action needed now: unknown fields are kept as they are. {REPORT_IT}')


def _clock_finding(readings: Readings) -> Finding:
    """Whether the clock of this machine agrees with the dates of answers."""
    skew = next((reading.skew for reading in readings.values() if reading.skew is not None), None)
    if skew is None:
        return _finding('clock', 'note', 'no answer has a date to compare it with')
    seconds, direction = abs(skew).total_seconds(), 'ahead of' if skew > timedelta() else 'behind'
    if abs(skew) <= CLOCK_TOLERANCE:
        return _finding('clock', 'ok', "agrees with Cloudflare's")
    return _finding('clock', 'warning', f"{seconds:.0f} s {direction} Cloudflare's", 'Set it by NTP: certificates and tokens expire by it.')


def report_of(findings: list[Finding]) -> list[str]:
    """The findings as lines. What to do stands below what was found."""
    width = max(len(finding['check']) for finding in findings)
    wrap, lines = partial(textwrap.wrap, width=TEXT_WIDTH, break_on_hyphens=False, break_long_words=False), []
    for finding in findings:
        result = finding['result'].upper() if finding['result'] == 'failed' else finding['result']
        texts = [*wrap(finding['found']), *wrap(finding['action'], initial_indent='-> ', subsequent_indent='   ')]
        heads = [f'{result:<8}{finding["check"]:<{width}}', *[' ' * (8 + width)] * (len(texts) - 1)]
        lines += [f'{head}  {text}' for head, text in zip(heads, texts, strict=True)]
    return lines
