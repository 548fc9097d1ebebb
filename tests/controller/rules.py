# Copyright (c) 2026, netops.cloudflare_cni contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX takes: the rules for credential types, surveys and answers, and what its launch form needs besides. Each returns complaints."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jsonschema import Draft202012Validator

NAME = '^[a-zA-Z_][a-zA-Z0-9_]*$'
TEXT, BOOLEAN, INTEGER = {'type': 'string'}, {'type': 'boolean'}, {'type': 'integer'}
WORDS = {'type': 'array', 'items': TEXT, 'minItems': 1, 'uniqueItems': True}


def record(required: dict, optional: dict | None = None) -> dict:
    """The schema of an object with these keys and no others."""
    return {'type': 'object', 'required': list(required), 'properties': required | (optional or {}), 'additionalProperties': False}


def of_type(kinds: list[str], then: dict) -> dict:
    """A rule for questions of some types."""
    return {'if': {'properties': {'type': {'enum': kinds}}}, 'then': then}


FIELD = record(
    {'id': {'pattern': NAME, 'not': {'const': 'tower'}}, 'label': TEXT},
    {'type': {'enum': ['string', 'boolean']}, 'help_text': TEXT, 'secret': BOOLEAN, 'multiline': BOOLEAN, 'choices': WORDS,
     'format': {'enum': ['ssh_private_key', 'url']}, 'ask_at_runtime': BOOLEAN, 'default': {}},
)
# An inventory sync gets neither extra_vars nor the files that AWX names in them.
CREDENTIAL_TYPE = record(
    {'name': TEXT, 'kind': {'enum': ['cloud', 'net']},
     'inputs': record({'fields': {'type': 'array', 'items': FIELD}}, {'required': {'type': 'array', 'items': TEXT}}),
     'injectors': record({'env': {'type': 'object', 'propertyNames': {'pattern': NAME, 'not': {'pattern': '^(ANSIBLE_|PATH$|PYTHONPATH$)'}},
                                  'additionalProperties': TEXT}})},
    {'description': TEXT, 'managed': {'const': False}},
)
DEFAULTS = {'text': 'string', 'textarea': 'string', 'password': 'string', 'multiplechoice': 'string', 'multiselect': 'string',
            'integer': 'integer', 'float': 'number'}
TEXTS = ['text', 'textarea', 'password']
QUESTION = record(
    {'variable': {'pattern': NAME}, 'question_name': TEXT, 'required': BOOLEAN, 'type': {'enum': list(DEFAULTS)}},
    {'question_description': TEXT, 'min': INTEGER, 'max': INTEGER, 'choices': WORDS, 'default': {}},
) | {'allOf': [
    *(of_type([kind], {'properties': {'default': {'type': value}}}) for kind, value in DEFAULTS.items()),
    of_type(['multiplechoice', 'multiselect'], {'required': ['choices']}),
    # The form sends a blank as an empty string, which AWX refuses here.
    of_type(['multiplechoice', 'integer', 'float'], {'properties': {'required': {'const': True}}}),
    # AWX takes a blank text for an answer, though one is required, unless there is a least length.
    {'if': {'properties': {'required': {'const': True}, 'type': {'enum': TEXTS}}}, 'then': {'required': ['min']}},
]}
SURVEY = record({'name': TEXT, 'description': TEXT, 'spec': {'type': 'array', 'items': QUESTION, 'minItems': 1}})


# What AWX makes of a schedule: one start, in UTC or with a zone, then rules that each have FREQ and INTERVAL.
SCHEDULE = re.compile(r'DTSTART(;TZID=[\w/]+:\d{8}T\d{6}|:\d{8}T\d{6}Z)'
                      r'( RRULE:(?=[^ ]*FREQ=(?!SECONDLY))(?=[^ ]*INTERVAL=\d)[A-Z0-9=;,]+)+')


def schedule(text: str) -> list[str]:
    return [] if SCHEDULE.fullmatch(text) else [f'rrule: {text!r} is no schedule']


def broken(schema: dict, value: Any) -> list[str]:
    """What a value does not keep of a schema."""
    return [f'{"/".join(map(str, error.path))}: {error.message}' for error in Draft202012Validator(schema).iter_errors(value)]


def credential_type(value: dict) -> list[str]:
    return broken(CREDENTIAL_TYPE, value) or [*_inputs(value['inputs']), *_templates(value)]


def _inputs(inputs: dict) -> list[str]:
    names = [field['id'] for field in inputs['fields']]
    twice = [f'{name}: twice' for name in set(names) if names.count(name) > 1]
    return twice + [f'{name}: required, but no field' for name in inputs.get('required', []) if name not in names]


def _templates(value: dict) -> list[str]:
    known = {field['id']: 'EXAMPLE' for field in value['inputs']['fields']}
    jinja = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    complaints = []
    for name, template in value['injectors']['env'].items():
        try:
            jinja.from_string(template).render(known)
        except TemplateError as error:
            complaints.append(f'{name}: {error}')
    return complaints


def survey(value: dict) -> list[str]:
    return broken(SURVEY, value) or [*_variables(value['spec']), *_choices(value['spec'])]


def _variables(spec: list[dict]) -> list[str]:
    names = [question['variable'] for question in spec]
    return [f'{name}: twice' for name in set(names) if names.count(name) > 1]


def _choices(spec: list[dict]) -> list[str]:
    defaults = [(question, word) for question in spec if 'choices' in question for word in question.get('default', '').splitlines()]
    return [f'{question["variable"]}: {word} is no choice' for question, word in defaults if word not in question['choices']]


def answer(question: dict, answers: dict) -> list[str]:
    """A required answer may be a blank text unless the question has a min, which for a text is a length."""
    name, kind = question['variable'], question['type']
    if name not in answers:
        return [f'{name}: value missing'] if question['required'] else []
    value, size = answers[name], len if DEFAULTS[kind] == 'string' else int
    words = value if kind == 'multiselect' else [value]
    if not all(isinstance(word, (str if size is len else (int, float))) for word in words):
        return [f'{name}: expected to be a {kind}']
    if 'choices' in question and set(words) - set(question['choices']):
        return [f'{name}: {words} is no choice']
    return [f'{name}: too small' for word in words if 'min' in question and size(word) < question['min']]
