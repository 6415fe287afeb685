/** Every word of the doorbell's page, in English and Japanese: for people who do not know this tool. */

import type { Language } from '#functions/self-service/page/texts.ts';
import { NAME_LIMIT, REASON_LIMIT } from '#model/night-requests.ts';
import type { Refusal } from './decide.ts';
import type { Step } from './progress.ts';

export interface Texts {
  readonly asleep: (environment: string, until: string | undefined) => string;
  readonly starting: (environment: string) => string;
  readonly givenUp: (environment: string) => string;
  readonly effect: (hours: number, minutes: number) => string;
  readonly withLink: string;
  readonly name: string;
  readonly reason: string;
  readonly wake: string;
  readonly steps: Readonly<Record<Step, string>>;
  readonly open: string;
  readonly ready: (minutes: number) => string;
  readonly waits: string;
  readonly goes: string;
  readonly ask: string;
  readonly again: string;
  readonly refusal: Readonly<Record<Refusal, string>>;
  readonly nothing: string;
  readonly times: (timeZone: string) => string;
  readonly unverified: string;
  readonly refused: Readonly<Record<'host' | 'method' | 'cross-site', string>>;
  readonly failed: string;
}

const en: Texts = {
  asleep: (environment, until) => `${environment} sleeps${until ? ` until ${until}` : ''}`,
  starting: (environment) => `${environment} is starting`,
  givenUp: (environment) => `${environment} takes longer than it should`,
  effect: (hours, minutes) =>
    `It starts within a minute and is ready in about ${minutes} min. After ${hours} h it stops by itself.`,
  withLink: 'To wake it, open the link in the message about the stop that your team received.',
  name: 'Your name (optional)',
  reason: 'Reason',
  wake: 'Wake it',
  steps: {
    asked: 'Start requested',
    starting: 'Start begun',
    instances: 'Instances in service',
    nodes: 'Nodes ready',
    answers: 'Application answers',
  },
  open: 'not yet',
  ready: (minutes) => `Nodes are usually ready after about ${minutes} min.`,
  waits: 'You can leave this page open.',
  goes: 'The application opens by itself as soon as it answers.',
  ask: 'The application does not answer. Above is what was observed. Ask the team that runs the cluster; the page still checks, once a minute.',
  again: 'Check again',
  refusal: {
    'used-up':
      'The requests of this night are used. Ask the team that runs the cluster: they have no such limit.',
    'on-purpose': 'Somebody has stopped it on purpose. Ask the team that runs the cluster.',
    'other-night': 'This link is of another night.',
    'no-night': 'No stop is planned.',
    'no-link': 'This page works with a link only: open the one in the message about the stop.',
    name: `Write the name as plain text of at most ${NAME_LIMIT} characters.`,
    'no-reason': 'Write a reason: your team requires one.',
    reason: `Write the reason as plain text of at most ${REASON_LIMIT} characters.`,
  },
  nothing: 'Nothing was changed',
  times: (timeZone) => `Times are in ${timeZone}.`,
  unverified: 'Your team sees that it was woken here. Names are not verified.',
  refused: {
    host: 'There is no application at this address.',
    method: 'The application sleeps and takes no requests.',
    'cross-site': 'The request came from another site: open the application itself.',
  },
  failed: 'This did not work. Wait a minute and try again, or ask the team that runs the cluster.',
};

const ja: Texts = {
  asleep: (environment, until) => `${environment} は${until ? ` ${until} まで` : ''}停止しています`,
  starting: (environment) => `${environment} を起動しています`,
  givenUp: (environment) => `${environment} の起動に時間がかかっています`,
  effect: (hours, minutes) =>
    `1 分以内に起動を始め、約 ${minutes} 分で使えるようになります。${hours} 時間後に自動で停止します。`,
  withLink: '起動するには、チームに届いた停止についてのメッセージのリンクを開いてください。',
  name: 'お名前 (任意)',
  reason: '理由',
  wake: '起動する',
  steps: {
    asked: '起動の依頼',
    starting: '起動の開始',
    instances: 'インスタンスの稼働',
    nodes: 'ノードの準備完了',
    answers: 'アプリケーションの応答',
  },
  open: 'まだです',
  ready: (minutes) => `ノードの準備完了まで、通常は約 ${minutes} 分です。`,
  waits: 'このページは開いたままで構いません。',
  goes: '応答があると、アプリケーションが自動で開きます。',
  ask: 'アプリケーションが応答しません。上に表示しているのは、ここまでに確認できた状況です。クラスターを管理しているチームに相談してください。このページは 1 分ごとに確認を続けます。',
  again: 'もう一度確認する',
  refusal: {
    'used-up':
      '今夜の依頼は上限に達しました。クラスターを管理しているチームに相談してください。管理チームには回数の制限がありません。',
    'on-purpose': '担当者が意図的に停止しています。クラスターを管理しているチームに相談してください。',
    'other-night': 'このリンクは別の夜のものです。',
    'no-night': '停止の予定はありません。',
    'no-link': 'このページはリンクからのみ使えます。停止についてのメッセージのリンクを開いてください。',
    name: `お名前は ${NAME_LIMIT} 文字以内の通常の文字で入力してください。`,
    'no-reason': '理由を入力してください。チームの設定で必須です。',
    reason: `理由は ${REASON_LIMIT} 文字以内の通常の文字で入力してください。`,
  },
  nothing: '何も変更していません',
  times: (timeZone) => `時刻のタイムゾーンは ${timeZone} です。`,
  unverified: 'ここから起動したことはチームにも分かります。お名前の本人確認は行いません。',
  refused: {
    host: 'このアドレスにアプリケーションはありません。',
    method: 'アプリケーションは停止中のため、リクエストを受け付けません。',
    'cross-site': '別のサイトからのリクエストです。アプリケーションを直接開いてください。',
  },
  failed:
    'うまくいきませんでした。1 分ほど待ってからもう一度試すか、クラスターを管理しているチームに相談してください。',
};

export const TEXTS: Readonly<Record<Language, Texts>> = { en, ja };
