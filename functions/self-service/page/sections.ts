/** The sections of the page. Pure. */
import { learnLead } from '#functions/night-schedule/learn-lead.ts';
import { HOUR_MS } from '#model/duration.ts';
import { endChoices, type KeepUpLink, LINK_PARAMETER } from '#model/keep-up-link.ts';
import { NAME_LIMIT, REASON_LIMIT } from '#model/night-requests.ts';
import { nodePrice } from '#model/node-price.ts';
import type { Override } from '#model/schedule.ts';
import { type Ask, type FormProblem, keeperOf } from '../decide.ts';
import type { NightOfPage, ShownDecision } from '../ports.ts';
import type { PageContext } from './context.ts';
import { type Html, html, trusted } from './html.ts';
import { iconOf } from './icons.ts';
import { type Texts, timeIn } from './texts.ts';

export interface View extends PageContext {
  readonly texts: Texts;
  readonly night: NightOfPage;
  readonly link: KeepUpLink;
  readonly now: Date;
  /** The verified address of whoever signed in: no name is asked for. */
  readonly signedInAs?: string | undefined;
}

function time({ language, timeZone, now }: View, at: string | Date): string {
  return timeIn(language, timeZone, new Date(at), now);
}

/** The name that was typed, or who else requested it. */
function nameOf({ label, author }: Override): string {
  return label ?? author;
}

function isDown({ state }: NightOfPage): boolean {
  return state?.phase === 'asleep' || state?.phase === 'stopping';
}

/** By what the last starts took, and the minute until the next tick. */
function readyMinutes({ night, timeZone }: View): number {
  return Math.ceil((learnLead(night.mornings, { phase: 'nodes', timeZone }).seconds + 60) / 60);
}

function addressOf({ address }: View, more = ''): string {
  return `?${LINK_PARAMETER}=${address}${more}`;
}

export function stateOf(view: View, { withLinks = false } = {}): Html {
  const { texts, night, now, link } = view;
  const { state, pause } = night;
  const phase = state?.phase ?? 'unknown';
  const keeper = keeperOf(night.overrides, now);
  return html`<section class="card" aria-labelledby="phase"><p class="phase ${phase}" id="phase">${iconOf(phase)}${texts.phase[phase]}</p>
${state?.until && Date.parse(state.until) > now.getTime() ? html`<p class="next">${texts.next(state.desired === 'awake' ? 'asleep' : 'awake', time(view, state.until))}</p>` : undefined}
${state ? html`<p class="soft">${texts.since(time(view, state.since))}</p>` : undefined}
${phase === 'starting' ? progressOf(view) : undefined}
${keeper ? html`<p>${texts.keptUp(time(view, keeper.until), nameOf(keeper))}</p>` : undefined}
${pause && Date.parse(pause.until) > now.getTime() ? html`<p>${texts.paused(time(view, pause.until))}</p>` : undefined}
${withLinks ? html`<a class="button" href="${addressOf(view, '&view=state')}">${texts.showAgain}</a>` : undefined}
${withLinks && link.action !== 'why' ? html`<p><a href="${addressOf(view)}">${texts.change}</a></p>` : undefined}</section>`;
}

/** The phases of the start that is under way, as they were observed. */
function progressOf(view: View): Html {
  const { texts, night } = view;
  const start = night.mornings.at(-1);
  const isOpen = start?.isOpen === true;
  const at = (seconds: number | undefined) =>
    start && seconds !== undefined
      ? time(view, new Date(Date.parse(start.asked) + seconds * 1000))
      : undefined;
  const steps = (['asked', 'instances', 'nodes'] as const).map((step) => {
    const reached = isOpen ? at(step === 'asked' ? 0 : start.seconds[step]) : undefined;
    return html`<li class="${reached ? 'reached' : 'ahead'}"><span>${texts.steps[step]}</span> <span>${reached ?? texts.waiting}</span></li>`;
  });
  return html`${isOpen ? html`<ol class="steps">${steps}</ol>` : undefined}<p class="soft">${texts.expected(readyMinutes(view))}</p>`;
}

export function asking(view: View, typed: Ask | undefined, problem: FormProblem | undefined): Html {
  const { texts, night, link, now, maxHours, requireReason } = view;
  const down = isDown(night);
  const keptUntil = keptUntilOf(view);
  const choices = endChoices(link, maxHours, now, keptUntil);
  if (choices.length === 0) return messageOf(texts.noEnd);
  const isTyped = choices.some(({ at }) => at.toISOString() === typed?.until);
  const costs = choices.map(({ at }) => costOf(view, keptUntil, at));
  const ends = choices.map(({ at, isSuggested }, index) => {
    const isChosen = isTyped ? at.toISOString() === typed?.until : isSuggested;
    return html`<label><input type="radio" name="until" value="${at.toISOString()}" required${trusted(isChosen ? ' checked' : '')}><b>${time(view, at)}</b>${costs[index]?.length ? html`<span>${costs[index].map((part) => html`<span>${part}</span> `)}</span>` : undefined}</label>`;
  });
  return html`${problem ? html`<section class="card problem" role="alert"><strong>${texts.problemTitle}</strong><p id="problem">${texts.problem[problem]}</p></section>` : undefined}
<section class="card" aria-labelledby="question"><h2 id="question">${down ? texts.questionAsleep : texts.question}</h2>
<p>${down ? texts.effectAsleep(readyMinutes(view)) : texts.effect}</p>
<form method="post"><fieldset class="ends"><legend>${texts.until}</legend>${ends}</fieldset>
<p class="soft">${costs[0]?.length ? texts.costBasis : texts.costUnknown}</p>
${view.signedInAs ? html`<p class="inputs"><b class="field">${texts.signedInAs}</b> ${view.signedInAs}</p>` : input({ id: 'name', label: texts.name, hint: texts.nameHint, value: typed?.name, limit: NAME_LIMIT, required: true, invalid: problem?.includes('name') })}
${input({ id: 'reason', label: requireReason ? texts.reason : texts.optional(texts.reason), value: typed?.reason, limit: REASON_LIMIT, required: requireReason, invalid: problem?.includes('reason') })}
<button>${down ? texts.wake : texts.keepUp}</button></form></section>`;
}

function input(field: {
  readonly id: string;
  readonly label: string;
  readonly hint?: string;
  readonly value: string | undefined;
  readonly limit: number;
  readonly required: boolean;
  readonly invalid: boolean | undefined;
}): Html {
  const { id, label, hint, value = '', limit, required, invalid } = field;
  const described = [...(hint ? [`${id}-hint`] : []), ...(invalid ? ['problem'] : [])].join(' ');
  return html`<div class="inputs"><label class="field" for="${id}">${label}</label><input id="${id}" name="${id}" value="${value}" maxlength="${limit}" autocomplete="${id === 'name' ? 'name' : 'off'}"${trusted(required ? ' required' : '')}${trusted(invalid ? ' aria-invalid="true"' : '')}${described ? html` aria-describedby="${described}"` : undefined}>${hint ? html`<p class="soft" id="${id}-hint">${hint}</p>` : undefined}</div>`;
}

/** Now where nobody keeps it up. */
function keptUntilOf({ night, now }: View): Date {
  const keeper = keeperOf(night.overrides, now);
  return keeper ? new Date(keeper.until) : now;
}

/** `12 node-hours` and `0.60 USD`; empty where no night was observed yet. */
function costOf(
  { night, link, now, texts, prices, language }: View,
  keptUntil: Date,
  end: Date,
): readonly string[] {
  const from = Math.max(now.getTime(), Date.parse(link.stop), keptUntil.getTime());
  const hours = (end.getTime() - from) / HOUR_MS;
  const groups = Object.entries(night.nodes);
  const nodes = groups.reduce((sum, [, count]) => sum + count, 0);
  if (nodes === 0) return [];
  const number = (value: number, options: Intl.NumberFormatOptions) =>
    new Intl.NumberFormat(language, options).format(value);
  const used = texts.nodeHours(number(nodes * hours, { maximumFractionDigits: 1 }));
  const priced = groups.map(([group, count]) => [count, nodePrice(prices, group)] as const);
  if (!prices || priced.some(([, price]) => price === undefined)) return [used];
  const money = priced.reduce((sum, [count, price = 0]) => sum + count * price * hours, 0);
  const amount = number(money, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return [used, `${amount} ${prices.currency}`];
}

export type Outcome =
  | { readonly kind: 'kept-up'; readonly override: Override }
  | { readonly kind: 'already'; readonly by: Override }
  | { readonly kind: 'used-up'; readonly perNight: number };

export function outcome(view: View, result: Outcome): Html {
  const { texts, night } = view;
  if (result.kind === 'used-up')
    return html`<section class="card problem" role="status"><h2>${texts.usedUp(result.perNight)}</h2><p>${texts.usedUpNext}</p></section>`;
  const title =
    result.kind === 'kept-up'
      ? texts.done(time(view, result.override.until))
      : texts.already(time(view, result.by.until), nameOf(result.by));
  const text =
    result.kind === 'already'
      ? texts.nothingChanged
      : isDown(night)
        ? texts.doneReady(readyMinutes(view))
        : texts.doneAwake;
  const { pause } = night;
  return html`<section class="card result" role="status"><h2><svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="3"><path d="M4 12l5 6L20 6"/></svg>${title}</h2><p>${text}</p>${pause && Date.parse(pause.until) > view.now.getTime() ? html`<p>${texts.paused(time(view, pause.until))}</p>` : undefined}<a class="button" href="${addressOf(view, '&view=state')}">${isDown(night) ? texts.progress : texts.showState}</a></section>`;
}

export function decisionsOf(view: View, decisions: readonly ShownDecision[]): Html {
  const { texts } = view;
  const items = decisions.map(
    (decision) =>
      html`<li><time datetime="${decision.time}">${time(view, decision.time)}</time><span lang="en">${decision.target}: ${decision.reason}</span></li>`,
  );
  return html`<section class="card" aria-labelledby="decisions"><h2 id="decisions">${texts.decisions}</h2>${items.length > 0 ? html`<ol>${items}</ol>` : html`<p>${texts.noDecisions}</p>`}</section>`;
}

export function messageOf(text: string): Html {
  return html`<section class="card" role="status"><p>${text}</p></section>`;
}
