/** The day on the terminal: a line for each decision and each event, and a progress line. */
import type { Colors } from 'picocolors/types.js';
import type { Action, Decision } from '#model/decision.ts';
import { wrap } from './wrap.ts';

export interface Screen {
  readonly columns: number;
  /** A terminal: lines are wrapped, and the progress line is overwritten with escape sequences. */
  readonly live: boolean;
  readonly colors: Colors;
  write(text: string): void;
}

export interface Timeline {
  decision(decision: Decision): void;
  /** Something that the sample day does in place of users or AWS. */
  event(environment: string, at: Date, text: string): void;
  /** Shown until the next line. Only on a terminal. */
  progress(at: Date, text: string): void;
  line(text: string): void;
}

/** Colour of an action: done, in progress or deferred, refused, failed. */
const TONES: Readonly<Partial<Record<Action, keyof Colors>>> = {
  stop: 'blue',
  'confirm-stop': 'blue',
  start: 'green',
  'confirm-start': 'green',
  deployed: 'green',
  drain: 'green',
  complete: 'green',
  warn: 'yellow',
  cordon: 'yellow',
  switch: 'yellow',
  defer: 'yellow',
  wait: 'yellow',
  refuse: 'magenta',
  ignore: 'dim',
  fail: 'red',
};

const ACTION_WIDTH = 13;
/** A narrower terminal gets the text of a row below its first line instead of a column of its own. */
const WIDE_COLUMNS = 100;
const NARROW_INDENT = 4;

export function createTimeline(
  screen: Screen,
  options: { readonly timeZone: string; readonly environments: readonly string[] },
): Timeline {
  const { colors } = screen;
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone: options.timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  const day = new Intl.DateTimeFormat('en-GB', { timeZone: options.timeZone, dateStyle: 'full' });
  const width = Math.max(...options.environments.map((name) => name.length), 3);
  let shownDay = '';
  let progressShown = false;
  const repeats = createRepeats();

  const clear = () => {
    if (progressShown) screen.write('\r\u001b[2K');
    progressShown = false;
  };
  const line = (text: string) => {
    clear();
    screen.write(`${text}\n`);
  };
  const stamp = (at: Date) => clock.format(at).replace(',', '');
  const row = (at: Date, environment: string, what: string, text: string) => {
    const date = day.format(at);
    if (date !== shownDay) line(colors.bold(`\n${date} (${options.timeZone})`));
    shownDay = date;
    const time = stamp(at);
    const column = `${time}  `.length + width + 2 + ACTION_WIDTH + 1;
    const indent = screen.columns < WIDE_COLUMNS ? NARROW_INDENT : column;
    const row = `${colors.dim(time)}  ${environment.padEnd(width)}  ${what} ${text}`;
    line(wrap(row, screen.live ? screen.columns : undefined, indent));
  };

  /** In one row what was left out, before the first row of a later minute. */
  const showRepeats = (at: Date) => {
    const folded = repeats.take(at);
    if (!folded) return;
    const { last, environment, count } = folded;
    const text = `${count} more deliver${count === 1 ? 'y' : 'ies'} of events that were already handled`;
    row(last, environment, colors.dim('ignore'.padEnd(ACTION_WIDTH)), colors.dim(text));
  };

  return {
    line,
    decision(decision) {
      if (decision.action === 'none') return;
      showRepeats(new Date(decision.time));
      if (repeats.add(decision)) return;
      const tone = TONES[decision.action];
      const paint = tone ? (colors[tone] as (text: string) => string) : (text: string) => text;
      const subject =
        decision.target === decision.environment ? '' : `${colors.bold(shortName(decision.target))} `;
      row(
        new Date(decision.time),
        decision.environment,
        paint(decision.action.padEnd(ACTION_WIDTH)),
        `${subject}${colors.dim('—')} ${decision.reason}`,
      );
    },
    event(environment, at, text) {
      showRepeats(at);
      row(at, environment, colors.cyan('»'.padEnd(ACTION_WIDTH)), colors.cyan(text));
    },
    progress(at, text) {
      if (!screen.live) return;
      clear();
      screen.write(colors.dim(`${stamp(at)}  ${text}`.slice(0, screen.columns - 1)));
      progressShown = true;
    },
  };
}

/** `ip-10-0-0-5.eu-central-1.compute.internal` → `ip-10-0-0-5` */
function shortName(target: string): string {
  return target.replace(/^(ip-[\d-]+)\.(?:[a-z0-9-]+\.compute|ec2)\.internal$/, '$1');
}

interface Folded {
  readonly minute: number;
  readonly last: Date;
  readonly environment: string;
  readonly count: number;
}

/**
 * EventBridge delivers some events more than once, and one instance has several events. That an event of a node was
 * ignored after the node was cordoned or drained is counted, not shown.
 */
function createRepeats() {
  const handled = new Set<string>();
  let folded: Folded | undefined;
  return {
    /** Whether the decision is such a repeat; it is counted then. */
    add({ action, capability, environment, target, time }: Decision): boolean {
      if (capability !== 'spot-drain') return false;
      if (action !== 'ignore') handled.add(target);
      else if (handled.has(target)) {
        const last = new Date(time);
        const same = folded?.environment === environment;
        folded = {
          minute: minuteOf(last),
          last,
          environment: folded === undefined || same ? environment : '',
          count: (folded?.count ?? 0) + 1,
        };
        return true;
      }
      return false;
    },
    /** What was counted in a minute before `at`. */
    take(at: Date): Folded | undefined {
      if (folded === undefined || folded.minute >= minuteOf(at)) return undefined;
      const taken = folded;
      folded = undefined;
      return taken;
    },
  };
}

const minuteOf = (at: Date) => Math.floor(at.getTime() / 60_000);
