/** Overrides the schedule: an end at a press, a reason, and one primary action by the state of the cluster. */
import type { VNode } from 'preact';
import type { EnvironmentView } from '../environment-view.ts';
import type { Preset } from '../presets.ts';
import { h } from './element.ts';
import type { Message } from './messages.ts';
import { fetchJson } from './requests.ts';
import { draftOf, EMPTY_DRAFT, editDraft, isStale, redraw, state } from './state.ts';
import { near, readable, words } from './words.ts';

type Command = 'keep-up' | 'wake' | 'sleep' | 'cancel';

interface Action {
  readonly command: Command;
  readonly text: Message;
}

/** The first is the primary one. */
function actionsOf(view: EnvironmentView): readonly Action[] {
  const isUp = view.phase === 'awake' || view.phase === 'starting';
  const cancel = { command: 'cancel', text: 'cancel' } as const;
  const stop = { command: 'sleep', text: 'sleep' } as const;
  const keep = { command: 'keep-up', text: view.override ? 'keepLonger' : 'keepUp' } as const;
  const wake = { command: 'wake', text: 'wake' } as const;
  const own = isUp || view.phase === 'unknown' ? [keep, stop] : [wake];
  return view.override ? [...own, cancel] : own;
}

export function overrideForm(view: EnvironmentView): VNode {
  const { name } = view;
  const result = state.results.get(name);
  const isOff = state.busy.has(name) || isStale();
  const [primary, ...others] = actionsOf(view);
  const button = ({ command, text }: Action, isPrimary: boolean) =>
    h(
      'button',
      {
        key: command,
        type: isPrimary ? 'submit' : 'button',
        disabled: isOff,
        class: isPrimary ? 'primary' : 'quiet',
        ...(isPrimary ? {} : { onClick: () => void send(name, command) }),
      },
      words(text),
    );
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (primary) void send(name, primary.command);
  };
  return h('form', { onSubmit: submit, noValidate: true, 'aria-label': `${words('change')}: ${name}` }, [
    h('h2', null, words('change')),
    presets(view),
    field(name, 'until', 'needUntil', { label: words('until'), hint: words('untilHint') }),
    field(name, 'reason', 'needReason', { label: words('why'), hint: words('whyHint') }),
    result?.text.includes('tick the box') && replaceBox(name),
    h('div', { class: 'buttons' }, [
      primary && button(primary, true),
      ...others.map((action) => button(action, false)),
    ]),
    h(
      'div',
      { role: result?.failed ? 'alert' : 'status' },
      result && h('p', { class: result.failed ? 'error' : 'result' }, readable(view, result.text)),
    ),
  ]);
}

function presets(view: EnvironmentView): VNode {
  const { name } = view;
  let hours = 0;
  const textOf = ({ kind, at }: Preset) =>
    kind === 'duration' ? words('hours', { n: ++hours }) : words('untilTime', { time: near(view, at) });
  return h(
    'div',
    { class: 'presets', role: 'group', 'aria-label': words('until') },
    view.presets.map((preset) =>
      h(
        'button',
        {
          key: preset.kind + preset.until,
          type: 'button',
          class: 'preset',
          disabled: isStale(),
          title: words('untilTime', { time: near(view, preset.at) }),
          'aria-pressed': draftOf(name).until === textOfEnd(view, preset),
          onClick: () => editDraft(name, { until: textOfEnd(view, preset), missing: [] }),
        },
        textOf(preset),
      ),
    ),
  );
}

/** What a person would write: a time of the zone, with its date where that is not today. */
function textOfEnd(view: EnvironmentView, { until, at }: Preset): string {
  if (!until.includes('T')) return until;
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: view.timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(new Date(at));
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? '';
  return `${of('year')}-${of('month')}-${of('day')} ${of('hour')}:${of('minute')}`;
}

function field(
  name: string,
  key: 'until' | 'reason',
  missing: Message,
  text: { readonly label: string; readonly hint: string },
): VNode {
  const draft = draftOf(name);
  const isMissing = draft.missing.includes(key);
  const id = `${key}-${name}`;
  return h('div', { class: 'field' }, [
    h('label', { for: id }, [text.label, h('span', { class: 'required' }, ` (${words('required')})`)]),
    h('input', {
      id,
      name: key,
      value: draft[key],
      placeholder: text.hint,
      autocomplete: 'off',
      maxlength: 200,
      required: true,
      'aria-invalid': isMissing,
      ...(isMissing ? { 'aria-describedby': `${id}-missing` } : {}),
      onInput: (event: Event) =>
        editDraft(name, { [key]: (event.currentTarget as HTMLInputElement).value, missing: [] }),
    }),
    isMissing && h('p', { id: `${id}-missing`, class: 'missing' }, words(missing)),
  ]);
}

function replaceBox(name: string): VNode {
  return h('label', { class: 'box' }, [
    h('input', {
      type: 'checkbox',
      checked: draftOf(name).replace,
      onChange: (event: Event) =>
        editDraft(name, { replace: (event.currentTarget as HTMLInputElement).checked }),
    }),
    ` ${words('replace')}`,
  ]);
}

async function send(environment: string, command: Command): Promise<void> {
  const { until, reason, replace } = draftOf(environment);
  const missing =
    command === 'cancel'
      ? []
      : (['until', 'reason'] as const).filter((key) => draftOf(environment)[key].trim() === '');
  state.results.delete(environment);
  if (missing.length > 0) {
    editDraft(environment, { missing });
    document.getElementById(`${missing[0]}-${environment}`)?.focus();
    return;
  }
  state.busy.add(environment);
  redraw();
  const result = await fetchJson<{ message: string }>('/override', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ environment, command, until, reason, replace }),
  });
  state.busy.delete(environment);
  state.results.set(environment, {
    text: result.ok ? result.value.message : result.error,
    failed: !result.ok,
  });
  if (result.ok) state.drafts.set(environment, EMPTY_DRAFT);
  redraw();
}
