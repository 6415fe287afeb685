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
  defer: 'yellow',
  wait: 'yellow',
  refuse: 'magenta',
  ignore: 'dim',
  fail: 'red',
};

/** An `ignore` with the same reason, or of the same event, is shown once in this time. */
const REPEATED_MS = 5 * 60_000;
const ACTION_WIDTH = 13;

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
  const ignored = new Map<string, number>();
  const isRepeated = ({ action, environment, reason, target, trigger, time }: Decision): boolean => {
    if (action !== 'ignore') return false;
    const at = Date.parse(time);
    const keys = [`${environment} ${reason}`, `${environment} ${target} ${trigger}`];
    const seen = keys.some((key) => at - (ignored.get(key) ?? Number.NEGATIVE_INFINITY) < REPEATED_MS);
    for (const key of keys) ignored.set(key, at);
    return seen;
  };

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
    const indent = `${time}  `.length + width + 2 + ACTION_WIDTH + 1;
    const row = `${colors.dim(time)}  ${environment.padEnd(width)}  ${what} ${text}`;
    line(wrap(row, screen.live ? screen.columns : undefined, indent));
  };

  return {
    line,
    decision(decision) {
      if (decision.action === 'none' || isRepeated(decision)) return;
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
    event: (environment, at, text) =>
      row(at, environment, colors.cyan('»'.padEnd(ACTION_WIDTH)), colors.cyan(text)),
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
