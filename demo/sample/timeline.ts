/** The day as a person watches it: a line for everything that was decided or happened, and a line of progress. */
import type { Colors } from 'picocolors/types.js';
import type { Action, Decision } from '#model/decision.ts';

export interface Screen {
  readonly columns: number;
  /** Escape sequences may be written: for the progress line. */
  readonly live: boolean;
  readonly colors: Colors;
  write(text: string): void;
}

export interface Timeline {
  decision(decision: Decision): void;
  /** Something that people or AWS did. */
  beat(environment: string, at: Date, text: string): void;
  /** Shown until the next line; only where the screen is live. */
  progress(at: Date, text: string): void;
  line(text: string): void;
}

/** What a decision of that kind means to a spectator: done, on its way, held back, wrong. */
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

const REPEATED_MS = 5 * 60_000;

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
  /** Many nodes or a second delivery with one and the same answer are told once. */
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
    line(`${colors.dim(stamp(at))}  ${environment.padEnd(width)}  ${what} ${text}`);
  };

  return {
    line,
    decision(decision) {
      if (decision.action === 'none' || isRepeated(decision)) return;
      const tone = TONES[decision.action];
      const paint = tone ? (colors[tone] as (text: string) => string) : (text: string) => text;
      const subject = decision.target === decision.environment ? '' : `${colors.bold(decision.target)} `;
      row(
        new Date(decision.time),
        decision.environment,
        paint(decision.action.padEnd(13)),
        `${subject}${colors.dim('—')} ${decision.reason}`,
      );
    },
    beat: (environment, at, text) => row(at, environment, colors.cyan('»'.padEnd(13)), colors.cyan(text)),
    progress(at, text) {
      if (!screen.live) return;
      clear();
      screen.write(colors.dim(`${stamp(at)}  ${text}`.slice(0, screen.columns - 1)));
      progressShown = true;
    },
  };
}
