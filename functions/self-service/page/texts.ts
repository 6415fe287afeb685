/** Every word of the page, in English and Japanese: for people who do not know this tool. */
import { DAY_MS } from '#model/duration.ts';
import type { LinkRefusal } from '#model/keep-up-link.ts';
import { NAME_LIMIT, REASON_LIMIT } from '#model/night-requests.ts';
import type { FormProblem } from '../decide.ts';

export type Refusal = LinkRefusal | 'method' | 'sign-in';

export type Language = 'en' | 'ja';

export type Phase = 'awake' | 'stopping' | 'asleep' | 'starting';

export interface Texts {
  readonly title: (environment: string) => string;
  readonly phase: Readonly<Record<Phase | 'unknown', string>>;
  readonly since: (time: string) => string;
  readonly next: (to: 'awake' | 'asleep', time: string) => string;
  readonly keptUp: (until: string, by: string) => string;
  readonly paused: (until: string) => string;
  readonly question: string;
  readonly questionAsleep: string;
  readonly effect: string;
  readonly effectAsleep: (minutes: number) => string;
  readonly until: string;
  readonly nodeHours: (hours: string) => string;
  readonly costUnknown: string;
  readonly costBasis: string;
  readonly name: string;
  readonly nameHint: string;
  readonly signedInAs: string;
  readonly reason: string;
  readonly optional: (label: string) => string;
  readonly keepUp: string;
  readonly wake: string;
  readonly problem: Readonly<Record<FormProblem, string>>;
  readonly problemTitle: string;
  readonly done: (until: string) => string;
  readonly doneAwake: string;
  readonly doneReady: (minutes: number) => string;
  readonly already: (until: string, by: string) => string;
  readonly nothingChanged: string;
  readonly usedUp: (perNight: number) => string;
  readonly usedUpNext: string;
  readonly noEnd: string;
  readonly progress: string;
  readonly showState: string;
  /** What was observed of a start. */
  readonly steps: Readonly<Record<'asked' | 'instances' | 'nodes', string>>;
  readonly waiting: string;
  readonly expected: (minutes: number) => string;
  readonly showAgain: string;
  readonly change: string;
  readonly why: string;
  readonly decisions: string;
  readonly noDecisions: string;
  readonly refused: Readonly<Record<Refusal, readonly [title: string, text: string]>>;
  readonly failed: readonly [title: string, text: string];
  readonly times: (timeZone: string) => string;
  readonly links: string;
}

const en: Texts = {
  title: (environment) => `The cluster of ${environment}`,
  phase: {
    awake: 'Up',
    stopping: 'Stopping',
    asleep: 'Stopped',
    starting: 'Starting',
    unknown: 'Its state was not observed yet',
  },
  since: (time) => `Since ${time}`,
  next: (to, time) => (to === 'asleep' ? `Stops at ${time}` : `Starts at ${time}`),
  keptUp: (until, by) => `Kept up until ${until} by ${by}`,
  paused: (until) =>
    `Automatic stops and starts are paused until ${until}. A request takes effect after that.`,
  question: 'Keep it up longer?',
  questionAsleep: 'Start it now?',
  effect: 'It stays up until the time that you choose and then stops by itself.',
  effectAsleep: (minutes) =>
    `It starts within a minute and is ready in about ${minutes} min. At the time that you choose it stops by itself.`,
  until: 'Until',
  nodeHours: (hours) => `${hours} node-hours`,
  costUnknown: 'What it costs is shown after the first night that was observed.',
  costBasis: 'By the number of nodes before the last stop.',
  name: 'Your name',
  nameHint: 'Your team sees it. It is not verified.',
  signedInAs: 'Signed in as',
  reason: 'Reason',
  optional: (label) => `${label} (optional)`,
  keepUp: 'Keep it up',
  wake: 'Start it',
  problemTitle: 'Nothing was changed yet',
  problem: {
    'no-end': 'Choose until when.',
    past: 'This time has passed: choose a later one.',
    'too-late': 'This time is later than the link allows: choose an earlier one.',
    'no-name': 'Write your name.',
    'name-not-plain': 'The name has characters that cannot be shown: write plain text.',
    'name-too-long': `The name is too long: write at most ${NAME_LIMIT} characters.`,
    'no-reason': 'Write a reason: your team requires one.',
    'reason-not-plain': 'The reason has characters that cannot be shown: write plain text on one line.',
    'reason-too-long': `The reason is too long: write at most ${REASON_LIMIT} characters.`,
  },
  done: (until) => `Kept up until ${until}`,
  doneAwake: 'The cluster is up and stays up. It stops by itself at that time.',
  doneReady: (minutes) => `The cluster starts within a minute and is ready in about ${minutes} min.`,
  already: (until, by) => `Already kept up until ${until} by ${by}`,
  nothingChanged: 'Nothing was changed: that is as long as you asked for, or longer.',
  usedUp: (perNight) => `The ${perNight} requests of this night are used`,
  usedUpNext: 'Nothing was changed. Ask the team that runs the cluster: they have no such limit.',
  noEnd: 'The link allows no later time. Ask the team that runs the cluster.',
  progress: 'Show how far it is',
  showState: 'Show the state',
  steps: { asked: 'Start requested', instances: 'Machines are running', nodes: 'Ready for your pods' },
  waiting: 'not yet',
  expected: (minutes) => `A start takes about ${minutes} min.`,
  showAgain: 'Show again',
  change: 'Back to the choice',
  why: 'Why',
  decisions: 'What was decided lately',
  noDecisions: 'Nothing was decided in the last day.',
  refused: {
    invalid: [
      'This link does not work',
      'It is incomplete, or it was changed. Open it again from the newest message, whole.',
    ],
    foreign: ['This link is for another cluster', 'Open the link from a message about this cluster.'],
    expired: [
      'This link has expired',
      'A link works for one night only. Use the link in the newest message, or ask the team that runs the cluster.',
    ],
    revoked: [
      'This link was revoked',
      'The team that runs the cluster has revoked the links sent so far. Use one from a newer message, or ask them.',
    ],
    method: ['This cannot be done here', 'Open the link in a browser.'],
    'sign-in': [
      'You are not signed in',
      'Nothing was changed. Open the link again from the newest message and sign in. If it stays so, ask the team that runs the cluster.',
    ],
  },
  failed: [
    'This did not work',
    'The request could not be handled now. Nothing is lost: wait a minute and try again, or ask the team that runs the cluster.',
  ],
  times: (timeZone) => `Times are in ${timeZone}.`,
  links: 'Whoever has this link can use it: do not forward it outside of your team.',
};

const ja: Texts = {
  title: (environment) => `${environment} のクラスター`,
  phase: {
    awake: '稼働中',
    stopping: '停止処理中',
    asleep: '停止中',
    starting: '起動処理中',
    unknown: 'まだ状態を確認できていません',
  },
  since: (time) => `${time} から`,
  next: (to, time) => (to === 'asleep' ? `${time} に停止します` : `${time} に起動します`),
  keptUp: (until, by) => `${by} さんの依頼で ${until} まで稼働します`,
  paused: (until) => `自動の停止と起動は ${until} まで一時停止中です。依頼はその後に反映されます。`,
  question: '停止を延ばしますか？',
  questionAsleep: '今すぐ起動しますか？',
  effect: '選んだ時刻まで稼働し、その後は自動で停止します。',
  effectAsleep: (minutes) =>
    `1 分以内に起動を始め、約 ${minutes} 分で使えるようになります。選んだ時刻に自動で停止します。`,
  until: '終了時刻',
  nodeHours: (hours) => `${hours} ノード時間`,
  costUnknown: '費用の目安は、夜間停止が一度記録されると表示されます。',
  costBasis: '前回の停止直前のノード数による目安です。',
  name: 'お名前',
  nameHint: 'チームに表示されます。本人確認は行いません。',
  signedInAs: 'サインイン中',
  reason: '理由',
  optional: (label) => `${label} (任意)`,
  keepUp: '延長する',
  wake: '起動する',
  problemTitle: 'まだ何も変更していません',
  problem: {
    'no-end': '終了時刻を選んでください。',
    past: 'この時刻は過ぎています。もっと後の時刻を選んでください。',
    'too-late': 'このリンクで選べる時刻を超えています。もっと前の時刻を選んでください。',
    'no-name': 'お名前を入力してください。',
    'name-not-plain': 'お名前に表示できない文字が含まれています。通常の文字を使ってください。',
    'name-too-long': `お名前が長すぎます。${NAME_LIMIT} 文字以内で入力してください。`,
    'no-reason': '理由を入力してください。チームの設定で必須です。',
    'reason-not-plain': '理由に表示できない文字が含まれています。通常の文字を使い、1 行で入力してください。',
    'reason-too-long': `理由が長すぎます。${REASON_LIMIT} 文字以内で入力してください。`,
  },
  done: (until) => `${until} まで稼働します`,
  doneAwake: 'クラスターはこのまま稼働し、その時刻に自動で停止します。',
  doneReady: (minutes) => `1 分以内に起動を始め、約 ${minutes} 分で使えるようになります。`,
  already: (until, by) => `すでに ${by} さんの依頼で ${until} まで稼働する予定です`,
  nothingChanged: '何も変更していません。すでにご希望の時刻以降まで稼働する予定です。',
  usedUp: (perNight) => `今夜の依頼は上限の ${perNight} 回に達しました`,
  usedUpNext:
    '何も変更していません。クラスターを管理しているチームに相談してください。管理チームには回数の制限がありません。',
  noEnd: 'このリンクではこれ以上延ばせません。クラスターを管理しているチームに相談してください。',
  progress: '進み具合を見る',
  showState: '状態を見る',
  steps: { asked: '起動の依頼', instances: 'マシンの稼働', nodes: '利用準備の完了' },
  waiting: 'まだです',
  expected: (minutes) => `起動には約 ${minutes} 分かかります。`,
  showAgain: '再表示する',
  change: '選択に戻る',
  why: '理由',
  decisions: '最近の判断',
  noDecisions: '直近 1 日に記録された判断はありません。',
  refused: {
    invalid: [
      'このリンクは使えません',
      'リンクが途中で切れているか、変更されています。最新のメッセージから、リンク全体をもう一度開いてください。',
    ],
    foreign: ['別のクラスターのリンクです', 'このクラスターについてのメッセージからリンクを開いてください。'],
    expired: [
      'このリンクは期限切れです',
      'リンクは一晩だけ有効です。最新のメッセージのリンクを使うか、クラスターを管理しているチームに相談してください。',
    ],
    revoked: [
      'このリンクは無効になりました',
      'クラスターを管理しているチームが、これまでに送ったリンクを無効にしました。新しいメッセージのリンクを使うか、管理チームに相談してください。',
    ],
    method: ['この操作はできません', 'リンクをブラウザーで開いてください。'],
    'sign-in': [
      'サインインしていません',
      '何も変更していません。最新のメッセージのリンクをもう一度開いてサインインしてください。解決しない場合は、クラスターを管理しているチームに相談してください。',
    ],
  },
  failed: [
    'うまくいきませんでした',
    '今は依頼を処理できません。失われたものはありません。1 分ほど待ってからもう一度試すか、クラスターを管理しているチームに相談してください。',
  ],
  times: (timeZone) => `時刻のタイムゾーンは ${timeZone} です。`,
  links: 'このリンクを持つ人は誰でも操作できます。チームの外に転送しないでください。',
};

export const TEXTS: Readonly<Record<Language, Texts>> = { en, ja };

const LOCALES: Readonly<Record<Language, string>> = { en: 'en-GB', ja: 'ja-JP' };

/** Further away a weekday alone could mean two days. */
const NAMED_DAYS_MS = 5 * DAY_MS;

/** `23:30` where it is on the day of `now`, else with the weekday, `00:30 (Thu)`, or the date. On the zone's clock. */
export function timeIn(language: Language, timeZone: string, at: Date, now: Date): string {
  const zoned = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(LOCALES[language], { timeZone, ...options });
  const time = zoned({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
  const date = zoned({ weekday: 'short', day: 'numeric', month: 'short' });
  if (date.format(at) === date.format(now)) return time;
  if (Math.abs(at.getTime() - now.getTime()) > NAMED_DAYS_MS) return `${date.format(at)} ${time}`;
  const day = zoned({ weekday: 'short' }).format(at);
  return `${time} (${day})`;
}
